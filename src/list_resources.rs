//! What can be listed: one file per resource.

pub mod federated_user;
pub mod federation_mapping;
pub mod federation_protocol;
pub mod identity_provider;
pub mod project_group_binding;
pub mod quota_defaults;
pub mod quota_set;
pub mod tenant_project;
pub mod workspace;
pub mod workspace_domain;
