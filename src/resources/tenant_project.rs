//! `tenancy_tenant_project`: a Keystone project with its tags and properties, and what becomes of it in the end.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Existing, Explain, OPENSTACK, Tenancy, check, diagnostic, holdings, refused, taken_over};
use crate::openstack::Error;
use crate::openstack::identity::{NewProject, Project, ProjectChange};
use crate::tf::{
    After, Change, Computed, Context, Diagnostic, Failure, Model, Move, Old, Outcome, Resource, Result, at,
    choice,
};

choice! {
    /// What becomes of a project when its resource is destroyed.
    pub enum OnDestroy {
        /// Deleted if it holds nothing, otherwise refused.
        RefuseIfNotEmpty = "refuse_if_not_empty",
        /// Emptied, then deleted.
        Purge = "purge",
        /// Disabled; it stays.
        Disable = "disable",
        /// Deleted, whatever it holds.
        Delete = "delete",
        /// Left as it is.
        Keep = "keep",
    }
}

/// A tenant: a Keystone project, the container that owns servers, networks and volumes, and to which quotas and
/// roles apply.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct TenantProject {
    /// Id of the project.
    #[tf(keep)]
    pub id: Computed<String>,
    /// Name of the project, unique within its domain. At most 64 characters.
    #[tf(check(check::name))]
    pub name: String,
    /// Id of the domain that the project is in. By default the provider's default domain.
    #[tf(optional, keep, replace, check(check::not_empty))]
    pub domain_id: Computed<String>,
    /// Id of the project above this one. By default none: Keystone then gives the domain.
    #[tf(optional, keep, replace, check(check::not_empty))]
    pub parent_id: Computed<String>,
    /// What the project is for. Not managed unless set.
    #[tf(managed_if_set)]
    pub description: Option<String>,
    /// Whether users can get tokens for the project.
    #[tf(default = true)]
    pub enabled: bool,
    /// Tags. Not managed unless set; `[]` is none. At most 80, of at most 255 characters, without `/` and `,`.
    #[tf(managed_if_set, check(check::tags))]
    pub tags: Option<BTreeSet<String>>,
    /// Further keys that Keystone stores with the project, such as `egi.VO`. Only the keys written here are managed; one
    /// that is removed here is set to null, since Keystone forgets no key. A value that is not a text is in JSON.
    #[tf(managed_if_set, check(check::properties))]
    pub properties: Option<BTreeMap<String, String>>,
    /// Keystone's option `immutable`: nobody can change or delete the project while it is on. Terraform takes it off
    /// for its own changes, and puts it back. Not managed unless set.
    #[tf(managed_if_set)]
    pub immutable: Option<bool>,
    /// What becomes of the project on destroy: `refuse_if_not_empty` looks into every service of the catalog and
    /// deletes an empty project only; `purge` deletes what the project holds and then the project; `disable`
    /// leaves it without access; `delete` leaves what it holds behind, as orphans; `keep` only forgets it.
    #[tf(default = OnDestroy::RefuseIfNotEmpty)]
    pub on_destroy: OnDestroy,
}

impl Resource for TenantProject {
    const NAME: &'static str = "tenant_project";
    type Client = Tenancy;
    type Id = String;

    fn id(&self) -> Option<String> {
        self.id.as_known().cloned()
    }

    async fn plan(change: &mut Change<Self>, client: Option<&Context<Tenancy>>) -> Result<()> {
        let Some(client) = client else { return Ok(()) };
        match (&change.prior, &change.planned) {
            (Some(prior), None) => {
                if let Some(id) = prior.id() {
                    client.note_leaving(&id);
                    holdings::announce(prior, &id, client).await;
                }
            }
            (None, Some(planned)) => {
                if let Some(Computed::Known(id)) = planned.get(at!(Self, domain_id))? {
                    client.must_exist(Existing::Domain(&id), at!(Self, domain_id)).await?;
                }
                if let Some(Computed::Known(id)) = planned.get(at!(Self, parent_id))? {
                    client.must_exist(Existing::Project(&id), at!(Self, parent_id)).await?;
                }
            }
            _ => (),
        }
        Ok(())
    }

    async fn create(plan: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let domain_id = match plan.domain_id.as_known() {
            Some(id) => id.clone(),
            None => client
                .default_domain_id()
                .await
                .explain_at("Cannot find the default domain", at!(Self, domain_id))?,
        };
        let new = NewProject {
            name: plan.name.clone(),
            domain_id,
            parent_id: plan.parent_id.as_known().cloned(),
            description: plan.description.clone().unwrap_or_default(),
            enabled: plan.enabled,
            tags: plan.tags.clone().unwrap_or_default(),
            properties: plan
                .properties
                .iter()
                .flatten()
                .map(|(key, text)| (key.clone(), encoded(text)))
                .collect(),
            immutable: plan.immutable == Some(true),
        };
        let made = client.projects().create(&new).await.map_err(|error| refusal(error, &plan))?;
        if made.adopted {
            let remark = taken_over("project", &made.object.name, &made.object.id);
            client.warn(remark.at(at!(Self, name)));
        }
        Ok(plan.seen(made.object))
    }

    async fn read(id: String, last: Option<Self>, client: &Context<Tenancy>) -> Result<Option<Self>> {
        let found = client.projects().get_opt(&id).await.explain("Cannot read the project")?;
        Ok(found.map(|project| match last {
            Some(last) => last.seen(project),
            None => project.into(),
        }))
    }

    async fn update(from: Self, to: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let Some(id) = from.id() else { return Ok(to) };
        let change = ProjectChange {
            name: (from.name != to.name).then(|| to.name.clone()),
            description: changed(&from.description, &to.description),
            enabled: (from.enabled != to.enabled).then_some(to.enabled),
            tags: changed(&from.tags, &to.tags),
            properties: difference(from.properties.as_ref(), to.properties.as_ref()),
        };
        let nothing = change == ProjectChange::default();
        // An immutable project takes no change but the one of this option, alone.
        let mut now = from.clone();
        if from.immutable == Some(true) && (!nothing || to.immutable != Some(true)) {
            client
                .projects()
                .set_immutable(&id, false)
                .await
                .explain_at("Cannot make the project mutable", at!(Self, immutable))
                .after(&now)?;
            now.immutable = Some(false);
        }
        if !nothing {
            let project = client.projects().update(&id, &change).await;
            let project = project.map_err(|error| Failure {
                state: Some(now.clone()),
                diagnostics: refusal(error, &to).into(),
            })?;
            now = Self { immutable: now.immutable, ..to.clone().seen(project) };
        }
        if to.immutable == Some(true) && now.immutable != Some(true) {
            client
                .projects()
                .set_immutable(&id, true)
                .await
                .explain_at("Cannot make the project immutable", at!(Self, immutable))
                .after(&now)?;
        }
        Ok(Self { id: from.id, domain_id: from.domain_id, parent_id: from.parent_id, ..to })
    }

    async fn delete(state: Self, client: &Context<Tenancy>) -> Result<()> {
        let Some(id) = state.id() else { return Ok(()) };
        match state.give_up(&id, client).await? {
            true => state.remove(&id, client).await,
            false => Ok(()),
        }
    }

    /// By id, or as `domain/project` with the domain's name or id.
    async fn find(text: &str, client: &Context<Tenancy>) -> Result<String> {
        let Some((domain, name)) = text.split_once('/') else { return Ok(text.to_owned()) };
        let domain = client.domain(domain).await.explain("Cannot find the domain to import from")?;
        Ok(client.project_named(name, &domain).await.explain("Cannot find the project to import")?.id)
    }

    fn moves() -> Vec<Move<Self>> {
        vec![Move { provider: OPENSTACK, from: "openstack_identity_project_v3", take }]
    }
}

/// The project of another provider's state.
fn take(old: &Old) -> Result<TenantProject> {
    if old.is("is_domain") {
        return Err(old.refused("It is a domain. Move it to a `tenancy_workspace_domain`."));
    }
    let known = |name| old.text(name).map_or(Computed::Unknown, Computed::Known);
    Ok(TenantProject {
        id: old.must("id")?.into(),
        name: old.must("name")?,
        domain_id: known("domain_id"),
        parent_id: known("parent_id"),
        description: Some(old.text("description").unwrap_or_default()),
        enabled: old.is("enabled"),
        tags: Some(old.texts("tags")),
        properties: None,
        immutable: None,
        on_destroy: OnDestroy::RefuseIfNotEmpty,
    })
}

/// Takes the project out of use; it stays.
async fn disable(state: &TenantProject, id: &str, client: &Context<Tenancy>) -> Result<()> {
    if state.immutable == Some(true) {
        client
            .projects()
            .set_immutable(id, false)
            .await
            .explain("Cannot make the project mutable before it is disabled")?;
    }
    let change = ProjectChange { enabled: Some(false), ..Default::default() };
    match client.projects().update(id, &change).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_not_found_of(id) => Ok(()),
        Err(error) => {
            Err(diagnostic("Cannot disable the project", error).at(at!(TenantProject, on_destroy)).into())
        }
    }
}

/// A refusal, at the attribute that caused it.
fn refusal(error: Error, plan: &TenantProject) -> Diagnostic {
    // Keystone names the domain or the parent that it does not know.
    let text = error.to_string();
    let names = |id: &Computed<String>| id.as_known().is_some_and(|id| text.contains(&format!(": {id}.")));
    let told = refused("project", "tenancy_tenant_project", error, at!(TenantProject, name));
    if told.path.is_some() {
        told
    } else if names(&plan.parent_id) {
        told.at(at!(TenantProject, parent_id))
    } else if names(&plan.domain_id) {
        told.at(at!(TenantProject, domain_id))
    } else {
        told
    }
}

/// The new value, if it is managed and another one.
pub(super) fn changed<T: Clone + PartialEq>(from: &Option<T>, to: &Option<T>) -> Option<T> {
    if from == to { None } else { to.clone() }
}

/// A property as Keystone takes it. A JSON list or object is sent as such, which is how it was read.
fn encoded(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Array(_) | Value::Object(_))) => value,
        _ => text.into(),
    }
}

/// A property as it is written: a text as it is, everything else in JSON.
pub(crate) fn decoded(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// What to send for the properties to become those of `to`: nothing for the ones that are no longer there.
fn difference(
    from: Option<&BTreeMap<String, String>>,
    to: Option<&BTreeMap<String, String>>,
) -> BTreeMap<String, Option<Value>> {
    let Some(to) = to else { return BTreeMap::new() };
    let before = |key: &String| from.and_then(|from| from.get(key));
    let written = to.iter().filter(|(key, text)| before(key) != Some(text));
    let written = written.map(|(key, text)| (key.clone(), Some(encoded(text))));
    let gone = from.into_iter().flatten().filter(|(key, _)| !to.contains_key(*key));
    written.chain(gone.map(|(key, _)| (key.clone(), None))).collect()
}

impl TenantProject {
    /// Sees to what the project holds, as `on_destroy` says. False if the project itself is to stay.
    pub(super) async fn give_up(&self, id: &str, client: &Context<Tenancy>) -> Result<bool> {
        match self.on_destroy {
            OnDestroy::Keep => return Ok(false),
            OnDestroy::Disable => return disable(self, id, client).await.map(|()| false),
            OnDestroy::RefuseIfNotEmpty => holdings::refuse_unless_empty(self, id, client).await?,
            OnDestroy::Purge => holdings::purge(self, id, client).await?,
            OnDestroy::Delete => holdings::announce_orphans(self, id, client).await,
        }
        Ok(true)
    }

    /// Deletes the project.
    pub(super) async fn remove(&self, id: &str, client: &Tenancy) -> Result<()> {
        let projects = client.projects();
        if self.immutable == Some(true) {
            projects
                .set_immutable(id, false)
                .await
                .explain("Cannot make the project mutable before it is deleted")?;
        }
        projects.delete(id).await.explain("Cannot delete the project")
    }

    /// This resource with what Keystone says now, as far as it is managed.
    fn seen(self, project: Project) -> Self {
        let now = Self::from(project);
        let properties = match (self.properties, now.properties) {
            (Some(managed), Some(mut found)) => {
                found.retain(|key, _| managed.contains_key(key));
                // Written in another form, but the same: `{"a":1}` for `{"a": 1}`.
                for (key, text) in &mut found {
                    if let Some(written) = managed.get(key)
                        && same(written, text)
                    {
                        text.clone_from(written);
                    }
                }
                Some(found)
            }
            _ => None,
        };
        TenantProject {
            description: self.description.and(now.description),
            tags: self.tags.and(now.tags),
            properties,
            immutable: self.immutable.and(now.immutable),
            on_destroy: self.on_destroy,
            ..now
        }
    }
}

/// Whether two properties are the same text, or the same JSON list or object.
fn same(one: &str, other: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
    one == other
        || matches!((parse(one), parse(other)), (Some(a), Some(b)) if a == b && (a.is_array() || a.is_object()))
}

/// Everything that Keystone says: what an import takes in.
impl From<Project> for TenantProject {
    fn from(it: Project) -> Self {
        let Project {
            id, name, domain_id, parent_id, description, enabled, tags, properties, immutable, ..
        } = it;
        TenantProject {
            id: id.into(),
            name,
            domain_id: domain_id.into(),
            parent_id: parent_id.into(),
            description: Some(description),
            enabled,
            tags: Some(tags),
            properties: Some(properties.into_iter().map(|(key, value)| (key, decoded(value))).collect()),
            immutable: Some(immutable),
            on_destroy: OnDestroy::RefuseIfNotEmpty,
        }
    }
}
