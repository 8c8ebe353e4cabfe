//! The scenarios.

pub mod host;
