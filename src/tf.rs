//! The plugin protocol: values, schemas, planning, the server. Knows no OpenStack.

pub mod plugin;
pub mod proto;
