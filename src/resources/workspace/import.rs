//! Takes in a whole domain that exists.

use std::collections::{BTreeMap, HashSet};

use futures_util::{FutureExt as _, try_join};

use super::apply::each;
use super::parts::default_group_name;
use super::{Binding, OnDestroy, OnTenantDestroy, Tenant, Workspace};
use crate::openstack::identity::{Actor, Group, GroupFilter, Project, ProjectFilter, Scope};
use crate::resources::project_group_binding::{Found, ProjectGroupBinding};
use crate::resources::tenant_project::TenantProject;
use crate::resources::workspace_domain::WorkspaceDomain;
use crate::resources::{Explain, Tenancy};
use crate::tf::{Computed, Context, Diagnostic, Resource, Result, at};

/// All projects of a domain as tenants, and the domain's groups that have roles on one of them as bindings. Limits are not
/// managed. `None` if there is no such domain.
pub(super) async fn whole(
    domain_id: String,
    owned: bool,
    client: &Context<Tenancy>,
) -> Result<Option<Workspace>> {
    let Some(domain) = WorkspaceDomain::read(domain_id.clone(), None, client).await? else { return Ok(None) };
    let of_projects = ProjectFilter { domain_id: Some(domain_id.clone()), ..Default::default() };
    let of_groups = GroupFilter { domain_id: Some(domain_id.clone()), ..Default::default() };
    let (on_projects, on_groups, on_grants) = (client.projects(), client.groups(), client.grants());
    let (projects, groups, grants) =
        try_join!(on_projects.list(&of_projects), on_groups.list(&of_groups), on_grants.all())
            .explain("Cannot see what is in the domain")?;
    // Where each group of the domain has roles. One that has any elsewhere too is nobody's here.
    let mut bound: BTreeMap<&str, Vec<&Scope>> =
        groups.iter().map(|it| (it.id.as_str(), Vec::new())).collect();
    for grant in &grants {
        if let Actor::Group(id) = &grant.actor
            && let Some(scopes) = bound.get_mut(id.as_str())
            && !scopes.contains(&&grant.scope)
        {
            scopes.push(&grant.scope);
        }
    }
    let names: BTreeMap<&str, &str> = projects.iter().map(|it| (it.id.as_str(), it.name.as_str())).collect();
    let inherited: HashSet<&str> = grants.iter().filter(|it| it.inherited).map(|it| it.actor.id()).collect();
    let mut of_project: BTreeMap<&str, Vec<&Group>> = BTreeMap::new();
    let mut left = Vec::new();
    for group in &groups {
        let id = group.id.as_str();
        match bound.get(id).map(Vec::as_slice) {
            Some([Scope::Project(project)])
                if names.contains_key(project.as_str()) && !inherited.contains(id) =>
            {
                of_project.entry(project).or_default().push(group);
            }
            _ => left.push(group.name.as_str()),
        }
    }
    if !left.is_empty() {
        left.sort_unstable();
        client.warn(
            Diagnostic::warning("Not all groups of the domain are taken in")
                .detail(format!(
                    "A binding of a workspace is a group of the domain that has roles on one project, and nowhere else. These \
                     are others, and stay as they are: {}.",
                    left.join(", ")
                ))
                .at(at!(Workspace, tenants)),
        );
    }
    let (names, of_project) = (&names, &of_project);
    let read = projects.iter().map(|project| {
        async move {
            let groups = of_project.get(project.id.as_str()).map(Vec::as_slice).unwrap_or_default();
            Ok((project.name.clone(), tenant(project, groups, names, client).await?))
        }
        .boxed()
    });
    let tenants: Result<BTreeMap<_, _>> = each(read).await.into_iter().collect();
    Ok(Some(Workspace {
        domain: owned.then(|| domain.into()),
        domain_id: domain_id.into(),
        users: None,
        tenants: tenants?,
        on_destroy: OnDestroy::RefuseIfNotEmpty,
        failures: BTreeMap::new().into(),
    }))
}

/// A project, with the groups that have roles on it.
async fn tenant(
    project: &Project,
    groups: &[&Group],
    names: &BTreeMap<&str, &str>,
    client: &Context<Tenancy>,
) -> Result<Tenant> {
    let mut bindings = BTreeMap::new();
    for group in groups {
        let found = Found::owned(project.id.clone(), group.id.clone());
        let Some(binding) = ProjectGroupBinding::read(found, None, client).await? else { continue };
        // The key by which the group would get its name, unless another group has that as its whole name.
        let key = group.name.strip_prefix(&default_group_name(&project.name, ""));
        let key = key.filter(|key| !key.is_empty() && groups.iter().all(|it| it.name != *key));
        let key = key.unwrap_or(&group.name);
        bindings.insert(key.to_owned(), Binding::seen(binding, &project.name, key, false));
    }
    let tenant = Tenant {
        name: None,
        project_id: Computed::Unknown,
        parent: names.get(project.parent_id.as_str()).map(|it| (*it).to_owned()),
        description: None,
        enabled: true,
        tags: None,
        properties: None,
        bindings: Some(bindings),
        quotas: None,
        on_destroy: OnTenantDestroy::RefuseIfNotEmpty,
    };
    Ok(tenant.with_project(&project.name, TenantProject::from(project.clone())))
}
