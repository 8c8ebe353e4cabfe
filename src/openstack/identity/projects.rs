//! Projects.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Made, Object, PROJECTS, origin};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::Result;

/// A project as Keystone returns it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "Raw")]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its name, unique in its domain.
    pub name: String,
    /// Id of the domain that owns it.
    pub domain_id: String,
    /// Id of the project it is in; that of the domain if it is in no other project.
    pub parent_id: String,
    /// Its description; empty if there is none.
    pub description: String,
    /// Whether logins into it work.
    pub enabled: bool,
    /// Its tags. Keystone keeps them sorted.
    pub tags: BTreeSet<String>,
    /// Whether Keystone refuses to change or delete it.
    pub immutable: bool,
    /// All further keys. Those with a null are left out: that is how a key is removed.
    pub properties: BTreeMap<String, Value>,
    origin: Option<String>,
}

#[derive(Deserialize)]
struct Raw {
    id: String,
    name: String,
    #[serde(default)]
    domain_id: Option<String>,
    #[serde(default)]
    parent_id: Option<String>,
    #[serde(default)]
    description: Option<String>,
    enabled: bool,
    #[serde(default)]
    tags: Option<BTreeSet<String>>,
    #[serde(default)]
    options: Value,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// Keys that are no properties. `extra` is an artifact of replies to PATCH.
const NO_PROPERTIES: [&str; 6] = ["links", "is_domain", "extra", "parents", "subtree", "limits"];

impl From<Raw> for Project {
    fn from(it: Raw) -> Self {
        let Raw { id, name, domain_id, parent_id, description, enabled, tags, options, mut rest } = it;
        let origin = rest.remove(origin::KEY).and_then(|it| it.as_str().map(str::to_owned));
        rest.retain(|key, value| !value.is_null() && !NO_PROPERTIES.contains(&key.as_str()));
        let domain_id = domain_id.unwrap_or_default();
        Self {
            id,
            name,
            parent_id: parent_id.unwrap_or_else(|| domain_id.clone()),
            domain_id,
            description: description.unwrap_or_default(),
            enabled,
            tags: tags.unwrap_or_default(),
            immutable: super::is_immutable(&options),
            properties: rest,
            origin,
        }
    }
}

impl Object for Project {
    const HAS_DOMAIN: bool = true;
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn domain_id(&self) -> Option<&str> {
        Some(&self.domain_id)
    }
    fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }
}

/// What a project is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct NewProject {
    /// The name.
    pub name: String,
    /// Id of the domain that is to own it. Always said: what Keystone would choose depends on the token.
    pub domain_id: String,
    /// Id of the project it is to be in. Unset: directly in the domain.
    pub parent_id: Option<String>,
    /// The description.
    pub description: String,
    /// Whether logins into it work.
    pub enabled: bool,
    /// The tags.
    pub tags: BTreeSet<String>,
    /// Whether Keystone is to refuse changes.
    pub immutable: bool,
    /// Further keys. Any JSON goes.
    pub properties: BTreeMap<String, Value>,
}

/// What is to change of a project. Only what is given is sent. Domain and parent can't change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectChange {
    /// The name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// Whether logins into it work.
    pub enabled: Option<bool>,
    /// All tags.
    pub tags: Option<BTreeSet<String>>,
    /// Further keys; `None` removes one. Those not mentioned stay.
    pub properties: BTreeMap<String, Option<Value>>,
}

/// Which projects to list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectFilter {
    /// Only those of this domain.
    pub domain_id: Option<String>,
    /// Only those directly in this project or domain.
    pub parent_id: Option<String>,
    /// Only those of this name.
    pub name: Option<String>,
    /// Only those enabled, or only those not.
    pub enabled: Option<bool>,
    /// Only those with all of these tags.
    pub tags: BTreeSet<String>,
    /// Only those with at least one of these tags.
    pub tags_any: BTreeSet<String>,
}

/// The projects of a cloud.
#[derive(Clone, Copy, Debug)]
pub struct Projects<'a> {
    cloud: &'a Cloud,
}

impl<'a> Projects<'a> {
    pub(super) fn of(cloud: &'a Cloud) -> Self {
        Self { cloud }
    }

    /// Reads one. `None` only if Keystone says that this very project doesn't exist.
    ///
    /// # Errors
    /// Those of any call; a 404 about something else is one as well.
    pub async fn get_opt(&self, id: &str) -> Result<Option<Project>> {
        self.cloud.reads().projects.get(self.cloud, id).await
    }

    /// Reads one that must be there.
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::openstack::Error::Unknown) if it isn't, and those of any call.
    pub async fn get(&self, id: &str) -> Result<Project> {
        self.get_opt(id).await?.ok_or_else(|| super::unknown("project", id, None))
    }

    /// The project of that name in a domain, as Keystone matches names: with MariaDB case and accents don't
    /// count.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn find(&self, domain_id: &str, name: &str) -> Result<Option<Project>> {
        Ok(PROJECTS.holder(self.cloud, Some(domain_id), name).await?.0)
    }

    /// All that match. Domains aren't among them.
    ///
    /// # Errors
    /// [`Error::Truncated`](crate::openstack::Error::Truncated), and those of any call.
    pub async fn list(&self, filter: &ProjectFilter) -> Result<Vec<Project>> {
        let ProjectFilter { domain_id, parent_id, name, enabled, tags, tags_any } = filter;
        let join = |all: &BTreeSet<String>| {
            (!all.is_empty()).then(|| all.iter().map(String::as_str).collect::<Vec<_>>().join(","))
        };
        let mut query = Vec::new();
        query.extend(domain_id.clone().map(|it| ("domain_id", it)));
        query.extend(parent_id.clone().map(|it| ("parent_id", it)));
        query.extend(name.clone().map(|it| ("name", it)));
        query.extend(enabled.map(|it| ("enabled", it.to_string())));
        query.extend(join(tags).map(|it| ("tags", it)));
        query.extend(join(tags_any).map(|it| ("tags-any", it)));
        PROJECTS.pages(self.cloud, &query).await
    }

    /// Those that the account itself can log in to.
    ///
    /// # Errors
    /// [`Error::Truncated`](crate::openstack::Error::Truncated), and those of any call.
    pub async fn mine(&self) -> Result<Vec<Project>> {
        let call = Call::get(Service::Identity, "/auth/projects").doing("list the account's own projects");
        let mut all: Vec<Project> = super::all_at_once(self.cloud, call, PROJECTS.many).await?;
        all.retain(|it| it.enabled);
        Ok(all)
    }

    /// Creates one, or adopts the one that an interrupted run made from the same request.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::openstack::Error::Conflict) if the name is taken, and those of any call.
    pub async fn create(&self, new: &NewProject) -> Result<Made<Project>> {
        let NewProject { name, domain_id, parent_id, description, enabled, tags, immutable, properties } =
            new;
        let mut fields: Map<String, Value> =
            properties.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        fields.insert("name".into(), json!(name));
        fields.insert("domain_id".into(), json!(domain_id));
        super::put(&mut fields, "parent_id", parent_id);
        fields.insert("description".into(), json!(description));
        fields.insert("enabled".into(), json!(enabled));
        fields.insert("tags".into(), json!(tags));
        fields.insert("options".into(), super::options(*immutable));
        let made = origin::create(self.cloud, &PROJECTS, fields.into(), Some(domain_id), name);
        let mut made: Made<Project> = made.await?;
        if made.adopted {
            made.object = self.reconcile(made.object, new).await?;
        }
        Ok(made)
    }

    /// Makes an adopted project what was asked for.
    async fn reconcile(&self, mut held: Project, new: &NewProject) -> Result<Project> {
        let properties =
            new.properties.iter().filter(|(key, value)| held.properties.get(*key) != Some(value));
        let change = ProjectChange {
            name: None,
            description: (held.description != new.description).then(|| new.description.clone()),
            enabled: (held.enabled != new.enabled).then_some(new.enabled),
            tags: (held.tags != new.tags).then(|| new.tags.clone()),
            properties: properties.map(|(key, value)| (key.clone(), Some(value.clone()))).collect(),
        };
        if change != ProjectChange::default() {
            if held.immutable {
                self.set_immutable(&held.id, false).await?;
            }
            held = self.update(&held.id, &change).await?;
        }
        if held.immutable != new.immutable {
            held = self.set_immutable(&held.id, new.immutable).await?;
        }
        Ok(held)
    }

    /// Changes what is given.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::openstack::Error::Conflict) if another project of the domain has the name; 403
    /// if it is immutable, or if it is disabled while projects in it are enabled; those of any call.
    pub async fn update(&self, id: &str, change: &ProjectChange) -> Result<Project> {
        let ProjectChange { name, description, enabled, tags, properties } = change;
        if let Some(name) = name {
            let domain_id = self.get(id).await?.domain_id;
            PROJECTS.must_be_free::<Project>(self.cloud, Some(&domain_id), name, id).await?;
        }
        let mut fields: Map<String, Value> =
            properties.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        super::put(&mut fields, "name", name);
        super::put(&mut fields, "description", description);
        super::put(&mut fields, "enabled", enabled);
        super::put(&mut fields, "tags", tags);
        PROJECTS.patch(self.cloud, id, fields.into(), format!("change project {id}")).await
    }

    /// Sets or clears Keystone's option `immutable`. It is sent alone: together with anything else it is refused.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn set_immutable(&self, id: &str, immutable: bool) -> Result<Project> {
        let fields = json!({"options": {"immutable": immutable}});
        let doing = format!("set `immutable` of project {id} to {immutable}");
        PROJECTS.patch(self.cloud, id, fields, doing).await
    }

    /// Deletes one. That it was gone already is fine. What it holds in other services stays there, orphaned.
    ///
    /// # Errors
    /// 403 if it is immutable or has projects in it; those of any call.
    pub async fn delete(&self, id: &str) -> Result<()> {
        PROJECTS.delete(self.cloud, id).await
    }
}
