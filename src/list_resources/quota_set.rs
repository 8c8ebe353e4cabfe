//! `list "tenancy_quota_set"`: what projects may use.

use std::collections::BTreeSet;

use super::tenant_project::TenantProjects;
use crate::resources::Tenancy;
use crate::resources::quota_set::{QuotaSet, QuotaSetId};
use crate::tf::{Context, Listed, Listing, Model, Result};

/// Lists quota sets: every project has one. With the resource included, the limits of all services are read for each.
#[derive(Clone, Debug, Model)]
pub struct QuotaSets {
    /// Id of the domain that the projects are in. By default those of all domains that the account sees.
    pub domain_id: Option<String>,
    /// Only the project of this name.
    pub name: Option<String>,
    /// Only the projects whose name starts with this.
    pub name_prefix: Option<String>,
    /// Only the projects that have all of these tags.
    pub tags: Option<BTreeSet<String>>,
}

impl Listed for QuotaSets {
    type Resource = QuotaSet;

    async fn list(self, client: &Context<Tenancy>) -> Result<Vec<Listing<QuotaSet>>> {
        let Self { domain_id, name, name_prefix, tags } = self;
        let projects = TenantProjects {
            domain_id,
            name,
            name_prefix,
            tags,
            parent_id: None,
            enabled: None,
            tags_any: None,
        };
        let all = projects.find(client).await?.into_iter();
        Ok(all
            .map(|it| Listing { name: it.name, id: QuotaSetId { project_id: it.id }, object: None })
            .collect())
    }
}
