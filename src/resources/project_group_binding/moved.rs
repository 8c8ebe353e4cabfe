//! Groups, role assignments and memberships that another provider made. A binding is made of several of them: any of them
//! can become the binding, and the first read finds the rest.

use std::collections::BTreeSet;

use super::{BindingId, Found, OwnedGroup, ProjectGroupBinding};
use crate::openstack::identity::{Actor, Scope};
use crate::resources::{Explain, OPENSTACK, Tenancy};
use crate::tf::{Computed, Move, Old, Path, Result, Step};

pub(super) fn moves() -> Vec<Move<ProjectGroupBinding>> {
    let of = |from, take| Move { provider: OPENSTACK, from, take };
    vec![
        of("openstack_identity_group_v3", group),
        of("openstack_identity_role_assignment_v3", |old| assignment(old, false)),
        of("openstack_identity_inherit_role_assignment_v3", |old| assignment(old, true)),
        of("openstack_identity_user_membership_v3", |old| Ok(binding(old.must("group_id")?))),
    ]
}

/// A group becomes one that the binding owns.
fn group(old: &Old) -> Result<ProjectGroupBinding> {
    let owned = OwnedGroup {
        name: old.must("name")?,
        domain_id: old.text("domain_id").map_or(Computed::Unknown, Computed::Known),
        description: Some(old.text("description").unwrap_or_default()),
    };
    Ok(ProjectGroupBinding { group: Some(owned), ..binding(old.must("id")?) })
}

fn assignment(old: &Old, inherited: bool) -> Result<ProjectGroupBinding> {
    let Some(group_id) = old.text("group_id") else {
        return Err(old.refused(
            "It is a user's role. A binding gives roles to a group: make the user a member of one, and leave this out of the \
             state with a `removed` block.",
        ));
    };
    Ok(ProjectGroupBinding {
        project_id: old.text("project_id"),
        domain_id: old.text("domain_id"),
        roles: BTreeSet::from([old.must("role_id")?]),
        inherited,
        ..binding(group_id)
    })
}

/// A binding of which nobody knows more than the group.
fn binding(group_id: String) -> ProjectGroupBinding {
    ProjectGroupBinding {
        project_id: None,
        domain_id: None,
        system: None,
        group: None,
        group_id: group_id.into(),
        roles: BTreeSet::new(),
        inherited: false,
        members: None,
        members_domain_id: None,
        missing_members: None,
        federation: None,
        pending_members: BTreeSet::new().into(),
    }
}

/// Where a binding is that was moved and names no scope: on the only one where its group has roles. If there is none, or if
/// there are several, the configuration says which, and this is the state until then.
pub(super) async fn place(
    id: BindingId,
    moved: ProjectGroupBinding,
    client: &Tenancy,
) -> Result<Result<BindingId, Option<ProjectGroupBinding>>> {
    let group = client.groups().get_opt(&id.group_id).await.explain("Cannot read the group")?;
    let Some(group) = group else { return Ok(Err(None)) };
    let grants = client.grants().of_actor(&Actor::Group(id.group_id.clone())).await;
    let grants = grants.explain("Cannot find out where the group has roles")?;
    let places: BTreeSet<_> = grants.into_iter().map(|it| (it.scope, it.inherited)).collect();
    let mut places = places.into_iter();
    match (places.next(), places.next()) {
        (Some((scope, inherited)), None) => Ok(Ok(id.on(scope, inherited))),
        _ => {
            let group = moved.group.clone().map(|owned| owned.seen(group));
            Ok(Err(Some(ProjectGroupBinding { group, ..moved })))
        }
    }
}

/// A scope that is written where none was known makes no new binding.
pub(super) fn take_scope(replace: &mut Vec<Path>) {
    const SCOPE: [&str; 4] = ["project_id", "domain_id", "system", "inherited"];
    let is_scope = |path: &Path| matches!(path.steps(), [Step::Attribute(name)] if SCOPE.contains(&&**name));
    replace.retain(|path| !is_scope(path));
}

impl From<BindingId> for Found {
    fn from(id: BindingId) -> Self {
        Found { id, owned: false }
    }
}

impl BindingId {
    /// A group on a scope.
    pub fn new(scope: Scope, group_id: String, inherited: bool) -> Self {
        let id = BindingId { project_id: None, domain_id: None, system: None, group_id, inherited: None };
        id.on(scope, inherited)
    }

    /// The same group on this scope.
    fn on(self, scope: Scope, inherited: bool) -> Self {
        let (project_id, domain_id, system) = match scope {
            Scope::Project(id) => (Some(id), None, None),
            Scope::Domain(id) => (None, Some(id), None),
            Scope::System => (None, None, Some(true)),
        };
        BindingId { project_id, domain_id, system, inherited: Some(inherited), ..self }
    }
}
