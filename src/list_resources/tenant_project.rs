//! `list "tenancy_tenant_project"`: Keystone's projects.

use std::collections::BTreeSet;

use crate::openstack::identity::{Project, ProjectFilter};
use crate::resources::Tenancy;
use crate::resources::tenant_project::TenantProject;
use crate::tf::{Context, Listed, Listing, Model, Result};

/// Lists tenants: Keystone's projects, also those that no Terraform made.
#[derive(Clone, Debug, Model)]
pub struct TenantProjects {
    /// Id of the domain that they are in. By default those of all domains that the account sees.
    pub domain_id: Option<String>,
    /// Id of the project or domain that they are directly below.
    pub parent_id: Option<String>,
    /// Only those of this name.
    pub name: Option<String>,
    /// Only those whose name starts with this.
    pub name_prefix: Option<String>,
    /// Only those that are enabled, or only those that are not.
    pub enabled: Option<bool>,
    /// Only those that have all of these tags.
    pub tags: Option<BTreeSet<String>>,
    /// Only those that have one of these tags at least.
    pub tags_any: Option<BTreeSet<String>>,
}

impl TenantProjects {
    /// The projects that match.
    pub(super) async fn find(self, client: &Tenancy) -> Result<Vec<Project>> {
        let Self { domain_id, parent_id, name, name_prefix, enabled, tags, tags_any } = self;
        let filter = ProjectFilter {
            domain_id,
            parent_id,
            name,
            enabled,
            tags: tags.unwrap_or_default(),
            tags_any: tags_any.unwrap_or_default(),
        };
        client.projects_like(&filter, name_prefix.as_ref()).await
    }
}

impl Listed for TenantProjects {
    type Resource = TenantProject;

    async fn list(self, client: &Context<Tenancy>) -> Result<Vec<Listing<TenantProject>>> {
        let all = self.find(client).await?;
        let listing =
            |it: Project| Listing { name: it.name.clone(), id: it.id.clone(), object: Some(it.into()) };
        Ok(all.into_iter().map(listing).collect())
    }
}
