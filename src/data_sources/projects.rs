//! `data.tenancy_projects`: Keystone's projects, by what they have in common.

use std::collections::{BTreeMap, BTreeSet};

use super::project::Project;
use crate::openstack::identity::ProjectFilter;
use crate::resources::{Tenancy, check};
use crate::tf::{Computed, Context, DataSource, Model, Result};

/// Keystone projects that match all that is asked for, also those that no Terraform made.
#[derive(Model)]
pub struct Projects {
    /// Id of the domain that they are in. By default those of all domains that the account sees.
    #[tf(check(check::not_empty))]
    pub domain_id: Option<String>,
    /// Id of the project or domain that they are directly below.
    #[tf(check(check::not_empty))]
    pub parent_id: Option<String>,
    /// Only those of this name.
    #[tf(check(check::not_empty))]
    pub name: Option<String>,
    /// Only those whose name starts with this.
    pub name_prefix: Option<String>,
    /// Only those that are enabled, or only those that are not.
    pub enabled: Option<bool>,
    /// Only those that have all of these tags.
    pub tags: Option<BTreeSet<String>>,
    /// Only those that have one of these tags at least.
    pub tags_any: Option<BTreeSet<String>>,
    /// Their ids.
    pub ids: Computed<BTreeSet<String>>,
    /// The projects, by id.
    pub projects: Computed<BTreeMap<String, Project>>,
}

impl DataSource for Projects {
    const NAME: &'static str = "projects";
    type Client = Tenancy;

    async fn read(config: Self, client: &Context<Tenancy>) -> Result<Self> {
        let filter = ProjectFilter {
            domain_id: config.domain_id.clone(),
            parent_id: config.parent_id.clone(),
            name: config.name.clone(),
            enabled: config.enabled,
            tags: config.tags.clone().unwrap_or_default(),
            tags_any: config.tags_any.clone().unwrap_or_default(),
        };
        let found = client.projects_like(&filter, config.name_prefix.as_ref()).await?;
        let ids: BTreeSet<String> = found.iter().map(|it| it.id.clone()).collect();
        let projects: BTreeMap<_, _> = found.into_iter().map(|it| (it.id.clone(), it.into())).collect();
        Ok(Self { ids: ids.into(), projects: projects.into(), ..config })
    }
}
