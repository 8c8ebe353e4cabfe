//! The group of a binding that owns it.

use super::{OwnedGroup, ProjectGroupBinding};
use crate::openstack::Error;
use crate::openstack::identity::{Group, Made, NewGroup};
use crate::resources::{Explain, Tenancy, diagnostic, taken_over};
use crate::tf::{Context, Diagnostic, Draft, Path, Result, Value, at};

/// Whether the group that is written is this one: after a move or an import the binding may come to own the group that it
/// has. Any other is one to be made.
pub(super) async fn is_written(
    group_id: &str,
    config: Option<&Draft<ProjectGroupBinding>>,
    client: &Tenancy,
) -> Result<bool> {
    let Some(written) = config.and_then(|it| it.object(at!(ProjectGroupBinding, group))) else {
        return Ok(false);
    };
    let Some(name) = written.get(at!(OwnedGroup, name))? else { return Ok(false) };
    let domain_id = match written.raw(at!(OwnedGroup, domain_id)) {
        Value::String(id) => (**id).to_owned(),
        Value::Null => client.default_domain_id().await.explain("Cannot find the default domain")?,
        // Of a domain that is yet to be made.
        _ => return Ok(false),
    };
    let group = client.groups().get_opt(group_id).await.explain("Cannot read the group")?;
    Ok(group.is_some_and(|it| it.name == name && it.domain_id == domain_id))
}

pub(super) async fn make(owned: &OwnedGroup, client: &Context<Tenancy>) -> Result<Made<Group>> {
    let domain_id = match owned.domain_id.as_known() {
        Some(id) => id.clone(),
        None => client.default_domain_id().await.explain("Cannot find the default domain")?,
    };
    let new = NewGroup {
        name: owned.name.clone(),
        domain_id,
        description: owned.description.clone().unwrap_or_default(),
    };
    let made = client.groups().create(&new).await.map_err(|error| taken(error, &owned.name))?;
    if made.adopted {
        client.warn(taken_over("group", &made.object.name, &made.object.id).at(name()));
    }
    Ok(made)
}

fn name() -> Path {
    Path::from(at!(ProjectGroupBinding, group)).attribute("name")
}

/// A refusal of the group, at the attribute that caused it.
pub(super) fn taken(error: Error, text: &str) -> Diagnostic {
    match &error {
        Error::Conflict(it) => {
            let holder = it.holder_id.clone();
            let mut told = diagnostic(format!("The group name \"{text}\" is taken"), error).at(name());
            if let Some(id) = holder {
                told.detail.push_str(&format!(
                    "\n\nTo bind the existing group without owning it, use a `tenancy_project_group_binding` with `group_id = \"{id}\"`. \
                     To own it there, import that binding by names: DOMAIN/PROJECT/{text}."
                ));
            }
            told
        }
        _ => diagnostic("Keystone refused the group", error).at(at!(ProjectGroupBinding, group)),
    }
}

impl OwnedGroup {
    /// This group with what Keystone says now, as far as it is managed.
    pub(super) fn seen(self, group: Group) -> Self {
        let now = Self::from(group);
        OwnedGroup { description: self.description.and(now.description), ..now }
    }
}

impl From<Group> for OwnedGroup {
    fn from(it: Group) -> Self {
        let Group { id: _, name, domain_id, description, .. } = it;
        OwnedGroup { name, domain_id: domain_id.into(), description: Some(description) }
    }
}
