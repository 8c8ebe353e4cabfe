//! The OpenStack client: sessions, typed calls, errors. Knows no Terraform.
//!
//! [`Config`] says who logs in where. [`Cloud`] is the handle that everything goes through, and reads like
//! `cloud.projects().get_opt(&id).await?`.

pub mod auth;
pub mod catalog;
mod cloud;
mod collection;
pub mod config;
pub mod error;
pub mod identity;
pub mod inventory;
pub mod purge;
pub mod quota;
mod session;
mod transport;
pub mod usage;

pub use catalog::Service;
pub use cloud::Cloud;
pub use config::{Config, Settings};
pub use error::{Error, Result};
pub use session::Login;

#[cfg(test)]
mod tests;
