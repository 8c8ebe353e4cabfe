//! What a project still holds, and what its `on_destroy` makes of that.

use super::Tenancy;
use super::tenant_project::TenantProject;
use crate::tf::{Context, Result};

pub(super) async fn announce(_state: &TenantProject, _client: &Context<Tenancy>) {}
pub(super) async fn announce_orphans(_state: &TenantProject, _id: &str, _client: &Context<Tenancy>) {}
pub(super) async fn refuse_unless_empty(
    _state: &TenantProject,
    _id: &str,
    _client: &Context<Tenancy>,
) -> Result<()> {
    Ok(())
}
pub(super) async fn purge(_state: &TenantProject, _id: &str, _client: &Context<Tenancy>) -> Result<()> {
    Ok(())
}
