//! Tenancy as code on OpenStack: a Terraform and OpenTofu provider.
//!
//! Three layers, and dependencies run one way: `provider` and `resources` know both others, which know neither
//! each other nor them.

pub mod data_sources;
pub mod ephemeral;
pub mod functions;
pub mod openstack;
pub mod provider;
pub mod resources;
pub mod tf;
