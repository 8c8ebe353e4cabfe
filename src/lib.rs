//! Tenancy as code on OpenStack: a Terraform and OpenTofu provider.

pub mod openstack;
pub mod tf;
