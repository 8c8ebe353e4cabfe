//! `list "tenancy_project_group_binding"`: groups that have roles somewhere.

use std::collections::{BTreeSet, HashMap};

use futures_util::try_join;

use crate::openstack::identity::{Actor, Grant, GroupFilter, ProjectFilter, Scope};
use crate::resources::project_group_binding::{BindingId, Found, ProjectGroupBinding};
use crate::resources::{Explain, Tenancy, is_named};
use crate::tf::{Context, Diagnostic, Draft, Listed, Listing, Model, Result, at};

/// Lists bindings: groups that have roles on a project, on a domain or on the system.
#[derive(Clone, Debug, Model)]
pub struct ProjectGroupBindings {
    /// Only those on this project, by id.
    pub project_id: Option<String>,
    /// Only those on this domain, by id.
    pub domain_id: Option<String>,
    /// Only those on the projects of this domain, by id.
    pub projects_in_domain_id: Option<String>,
    /// Only those of this group, by id.
    pub group_id: Option<String>,
    /// Only those of groups whose name starts with this.
    pub group_name_prefix: Option<String>,
}

impl Listed for ProjectGroupBindings {
    type Resource = ProjectGroupBinding;

    fn validate(filter: &Draft<Self>) -> Result<()> {
        let project = filter.is_set(at!(Self, project_id)) || filter.is_set(at!(Self, projects_in_domain_id));
        if project && filter.is_set(at!(Self, domain_id)) {
            return Err(Diagnostic::error("One scope is enough")
                .detail("A binding on a domain is on no project: set `domain_id`, or filters of projects.")
                .at(at!(Self, domain_id))
                .into());
        }
        Ok(())
    }

    async fn list(self, client: &Context<Tenancy>) -> Result<Vec<Listing<ProjectGroupBinding>>> {
        let (on_grants, on_groups, on_projects) = (client.grants(), client.groups(), client.projects());
        let within = self.projects_in_domain_id.clone();
        let projects = ProjectFilter { domain_id: within.clone(), ..Default::default() };
        let groups = GroupFilter::default();
        let (grants, groups, projects) = try_join!(
            async {
                let grants = match (&self.project_id, &self.domain_id, &self.group_id) {
                    (Some(id), _, _) => on_grants.on(&Scope::Project(id.clone())).await,
                    (None, Some(id), _) => on_grants.on(&Scope::Domain(id.clone())).await,
                    (None, None, Some(id)) => on_grants.of_actor(&Actor::Group(id.clone())).await,
                    (None, None, None) => on_grants.all().await,
                };
                grants.explain("Cannot list the grants")
            },
            async { on_groups.list(&groups).await.explain("Cannot list the groups") },
            async { on_projects.list(&projects).await.explain("Cannot list the projects") },
        )?;
        let groups: HashMap<_, _> = groups.into_iter().map(|it| (it.id, it.name)).collect();
        let projects: HashMap<_, _> = projects.into_iter().map(|it| (it.id, it.name)).collect();
        let bindings: BTreeSet<_> = grants.into_iter().filter_map(binding).collect();
        let found = bindings.into_iter().filter_map(|(scope, group_id, inherited)| {
            let group = groups.get(&group_id).unwrap_or(&group_id).clone();
            let inside = match &scope {
                Scope::Project(id) => within.is_none() || projects.contains_key(id),
                _ => within.is_none(),
            };
            let wanted = inside
                && self.group_id.as_ref().is_none_or(|id| *id == group_id)
                && is_named(&group, None, self.group_name_prefix.as_ref());
            let place = match &scope {
                Scope::Project(id) => format!("project {}", projects.get(id).unwrap_or(id)),
                other => other.to_string(),
            };
            let below = if inherited { " (inherited)" } else { "" };
            let id = BindingId::new(scope, group_id, inherited);
            wanted.then(|| Listing {
                name: format!("{group} on {place}{below}"),
                id: Found::from(id),
                object: None,
            })
        });
        Ok(found.collect())
    }
}

/// Scope, group and whether it is inherited, of a group's grant.
fn binding(grant: Grant) -> Option<(Scope, String, bool)> {
    match grant.actor {
        Actor::Group(id) => Some((grant.scope, id, grant.inherited)),
        Actor::User(_) => None,
    }
}
