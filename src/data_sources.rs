//! What can be looked up: one file per data source.

pub mod domain;
pub mod metered_usage;
pub mod project;
pub mod role;
