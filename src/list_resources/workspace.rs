//! `list "tenancy_workspace"`: Keystone's domains, each as a whole workspace.

use std::collections::BTreeSet;

use super::workspace_domain::WorkspaceDomains;
use crate::resources::Tenancy;
use crate::resources::workspace::{Found, Workspace};
use crate::tf::{Context, Listed, Listing, Model, Result};

/// Lists whole workspaces: every domain is one, with all its projects as tenants. With the resource included, all of a domain
/// is read for each.
#[derive(Clone, Debug, Model)]
pub struct Workspaces {
    /// Only the one whose domain has this name.
    pub name: Option<String>,
    /// Only those whose domain's name starts with this.
    pub name_prefix: Option<String>,
    /// Only those whose domain has all of these tags.
    pub tags: Option<BTreeSet<String>>,
}

impl Listed for Workspaces {
    type Resource = Workspace;

    async fn list(self, client: &Context<Tenancy>) -> Result<Vec<Listing<Workspace>>> {
        let Self { name, name_prefix, tags } = self;
        let domains = WorkspaceDomains { name, name_prefix, tags, enabled: None };
        let all = domains.list(client).await?.into_iter();
        Ok(all.map(|it| Listing { name: it.name, id: Found::in_domain(it.id), object: None }).collect())
    }
}
