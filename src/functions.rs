//! What can be calculated without asking anyone: one file per function.

pub mod stored_unique_id;
pub mod tenant_name;
