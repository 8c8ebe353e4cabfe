//! `list "tenancy_workspace_domain"`: Keystone's domains.

use std::collections::BTreeSet;

use crate::openstack::identity::DomainFilter;
use crate::resources::workspace_domain::WorkspaceDomain;
use crate::resources::{Explain, Tenancy, is_named};
use crate::tf::{Context, Listed, Listing, Model, Result};

/// Lists workspaces: Keystone's domains, also those that no Terraform made.
#[derive(Clone, Debug, Model)]
pub struct WorkspaceDomains {
    /// Only the one of this name.
    pub name: Option<String>,
    /// Only those whose name starts with this.
    pub name_prefix: Option<String>,
    /// Only those that are enabled, or only those that are not.
    pub enabled: Option<bool>,
    /// Only those that have all of these tags.
    pub tags: Option<BTreeSet<String>>,
}

impl Listed for WorkspaceDomains {
    type Resource = WorkspaceDomain;

    async fn list(self, client: &Context<Tenancy>) -> Result<Vec<Listing<WorkspaceDomain>>> {
        let Self { name, name_prefix, enabled, tags } = self;
        let filter = DomainFilter { name: name.clone(), enabled };
        let mut all = client.domains().list(&filter).await.explain("Cannot list the domains")?;
        all.retain(|it| is_named(&it.name, name.as_ref(), name_prefix.as_ref()));
        all.retain(|it| tags.as_ref().is_none_or(|tags| it.tags.is_superset(tags)));
        let listing = |it: crate::openstack::identity::Domain| Listing {
            name: it.name.clone(),
            id: it.id.clone(),
            object: Some(it.into()),
        };
        Ok(all.into_iter().map(listing).collect())
    }
}
