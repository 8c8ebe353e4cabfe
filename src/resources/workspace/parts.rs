//! The parts of a workspace as the resources that they could be by themselves, and back.

use std::collections::BTreeMap;

use super::{Binding, OnTenantDestroy, Tenant, Users, Workspace};
use crate::resources::Federation;
use crate::resources::project_group_binding::{OwnedGroup, ProjectGroupBinding};
use crate::resources::take_import_advice;
use crate::resources::tenant_project::TenantProject;
use crate::tf::{Computed, Diagnostics, Path, Step, at};

/// What all tenants of a workspace share.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    domain_id: Computed<String>,
    users: Users,
}

impl Frame {
    pub(super) fn of(workspace: &Workspace) -> Self {
        Frame { domain_id: workspace.domain_id.clone(), users: workspace.users.clone().unwrap_or_default() }
    }

    pub(super) fn domain_id(&self) -> &Computed<String> {
        &self.domain_id
    }

    /// A tenant's project. `parent_id` counts when it is made.
    pub(super) fn project(&self, key: &str, tenant: &Tenant, parent_id: Computed<String>) -> TenantProject {
        TenantProject {
            id: tenant.id().map_or(Computed::Unknown, Computed::from),
            name: tenant.name(key).to_owned(),
            domain_id: self.domain_id.clone(),
            parent_id,
            description: tenant.description.clone(),
            enabled: tenant.enabled,
            tags: tenant.tags.clone(),
            properties: tenant.properties.clone(),
            immutable: None,
            on_destroy: tenant.on_destroy,
        }
    }

    /// A binding of a tenant.
    pub(super) fn binding(
        &self,
        key: &str,
        tenant: &Tenant,
        name: &str,
        binding: &Binding,
    ) -> ProjectGroupBinding {
        let Users { domain_id, missing, identity_provider, protocol } = &self.users;
        let federation = identity_provider.clone().zip(protocol.clone());
        let owned = OwnedGroup {
            name: binding.group_name(tenant.name(key), name),
            domain_id: self.domain_id.clone(),
            description: None,
        };
        ProjectGroupBinding {
            project_id: tenant.id().map(str::to_owned),
            domain_id: None,
            system: None,
            group: Some(owned),
            group_id: binding.group_id.clone(),
            roles: binding.roles.clone(),
            inherited: false,
            members: binding.members.clone(),
            members_domain_id: domain_id.clone(),
            missing_members: *missing,
            federation: federation
                .map(|(identity_provider, protocol)| Federation { identity_provider, protocol }),
            pending_members: binding.pending_members.clone(),
        }
    }
}

impl Tenant {
    /// The id of the project, if there is one.
    pub(super) fn id(&self) -> Option<&str> {
        self.project_id.as_known()?.as_deref()
    }

    /// Ids of what goes with the tenant.
    pub(super) fn leaving(&self) -> impl Iterator<Item = &str> {
        let goes = !matches!(self.on_destroy, OnTenantDestroy::Keep | OnTenantDestroy::Disable);
        let groups = self.bindings.iter().flat_map(BTreeMap::values).filter_map(|it| it.group_id.as_known());
        self.id().into_iter().chain(groups.map(String::as_str)).filter(move |_| goes)
    }

    /// The name of the project.
    pub(super) fn name<'a>(&'a self, key: &'a str) -> &'a str {
        self.name.as_deref().unwrap_or(key)
    }

    /// This tenant with what its project is.
    pub(super) fn with_project(self, key: &str, project: TenantProject) -> Self {
        let TenantProject {
            id,
            name,
            domain_id: _,
            parent_id: _,
            description,
            enabled,
            tags,
            properties,
            immutable: _,
            on_destroy,
        } = project;
        // A name that is the key need not be written.
        let name = Some(name).filter(|it| self.name.is_some() || it != key);
        Tenant {
            name,
            project_id: id.known().into(),
            description,
            enabled,
            tags,
            properties,
            on_destroy,
            ..self
        }
    }
}

impl Binding {
    /// The name of the group.
    pub(super) fn group_name(&self, tenant: &str, name: &str) -> String {
        self.group_name.clone().unwrap_or_else(|| default_group_name(tenant, name))
    }

    /// What the resource is, as a binding of this tenant. `written`: with the group's name even if it is the default.
    pub(super) fn seen(it: ProjectGroupBinding, tenant: &str, name: &str, written: bool) -> Self {
        let default = default_group_name(tenant, name);
        let group_name = it.group.map(|it| it.name).filter(|it| written || *it != default);
        Binding {
            roles: it.roles,
            group_name,
            members: it.members,
            group_id: it.group_id,
            pending_members: it.pending_members,
        }
    }
}

/// The name of a group that nobody named.
pub(super) fn default_group_name(tenant: &str, name: &str) -> String {
    format!("{tenant}-{name}")
}

/// The place of a tenant.
pub(super) fn tenant_at(key: &str) -> Path {
    at!(Workspace, tenants).key(key)
}

/// Diagnostics of a part: each below the place that its first attribute asks for. The root stands for "the same attribute, of
/// the workspace".
pub(super) fn below(mut found: Diagnostics, place: impl Fn(&str) -> Path) -> Diagnostics {
    for one in &mut found.0 {
        let first = match one.path.as_ref().map(Path::steps) {
            Some([Step::Attribute(name), ..]) => name.clone().into_owned(),
            _ => String::new(),
        };
        one.path = Some(one.path.take().unwrap_or_default().below(place(&first)));
    }
    found
}

/// What a project's own functions say, at the attributes of the tenant.
pub(super) fn in_project(mut found: Diagnostics, key: &str) -> Diagnostics {
    for one in &mut found.0 {
        if let Some(id) = take_import_advice(one) {
            one.detail.push_str(&format!(
                "\n\nTo take the existing project into the workspace, write `project_id = \"{id}\"` in the tenant."
            ));
        }
    }
    below(found, |_| tenant_at(key))
}

/// What a binding's own functions say, at the attributes of the tenant.
pub(super) fn in_binding(mut found: Diagnostics, key: &str, name: &str) -> Diagnostics {
    for one in &mut found.0 {
        // The attributes that are the whole workspace's have other names here.
        one.detail = one
            .detail
            .replace("`missing_members", "`users.missing")
            .replace("`members_domain_id`", "`users.domain_id`")
            .replace("`federation` here", "`users` here");
    }
    below(found, |_| tenant_at(key).attribute("bindings").key(name))
}

/// What is said of limits, at the attributes of the tenant.
pub(super) fn in_quotas(found: Diagnostics, key: &str) -> Diagnostics {
    below(found, |_| tenant_at(key).attribute("quotas"))
}
