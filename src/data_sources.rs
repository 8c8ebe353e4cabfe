//! What can be looked up: one file per data source.

pub mod catalog;
pub mod domain;
pub mod group;
pub mod metered_usage;
pub mod project;
pub mod projects;
pub mod quota_usage;
pub mod role;
pub mod user;
