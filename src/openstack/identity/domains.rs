//! Domains.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{DOMAINS, GROUPS, Made, Object, Reads, USERS, origin};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::{Error, Result};

/// A domain's deletion takes its projects, groups, users and grants with it. One with 1100 projects and 3000
/// grants took 141 s; no proxy waits that long, so the end is found out by asking.
const CASCADE: Duration = Duration::from_secs(30 * 60);

/// A domain as Keystone returns it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "Raw")]
pub struct Domain {
    /// Its id.
    pub id: String,
    /// Its name, unique in the cloud.
    pub name: String,
    /// Its description; empty if there is none.
    pub description: String,
    /// Whether logins into it work.
    pub enabled: bool,
    /// Its tags. Keystone keeps them sorted.
    pub tags: BTreeSet<String>,
    /// Whether Keystone refuses to change or delete it.
    pub immutable: bool,
    origin: Option<String>,
}

#[derive(Deserialize)]
struct Raw {
    id: String,
    name: String,
    #[serde(default)]
    description: Option<String>,
    enabled: bool,
    #[serde(default)]
    tags: Option<BTreeSet<String>>,
    #[serde(default)]
    options: Value,
    #[serde(default, rename = "terraform_tenancy_origin")]
    origin: Option<String>,
}

impl From<Raw> for Domain {
    fn from(it: Raw) -> Self {
        let Raw { id, name, description, enabled, tags, options, origin } = it;
        Self {
            id,
            name,
            description: description.unwrap_or_default(),
            enabled,
            tags: tags.unwrap_or_default(),
            immutable: super::is_immutable(&options),
            origin,
        }
    }
}

impl Object for Domain {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }
}

/// What a domain is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDomain {
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// Whether logins into it work.
    pub enabled: bool,
    /// The tags.
    pub tags: BTreeSet<String>,
    /// Whether Keystone is to refuse changes.
    pub immutable: bool,
    /// The id it is to have: 32 hexadecimal digits. Unset: Keystone chooses.
    pub explicit_id: Option<String>,
}

/// What is to change of a domain. Only what is given is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DomainChange {
    /// The name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// Whether logins into it work.
    pub enabled: Option<bool>,
    /// All tags.
    pub tags: Option<BTreeSet<String>>,
}

/// Which domains to list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DomainFilter {
    /// Only the one of this name.
    pub name: Option<String>,
    /// Only those enabled, or only those not.
    pub enabled: Option<bool>,
}

/// The domains of a cloud.
#[derive(Clone, Copy, Debug)]
pub struct Domains<'a> {
    cloud: &'a Cloud,
}

impl<'a> Domains<'a> {
    pub(super) fn of(cloud: &'a Cloud) -> Self {
        Self { cloud }
    }

    /// Reads one. `None` only if Keystone says that this very domain doesn't exist.
    ///
    /// # Errors
    /// Those of any call; a 404 about something else is one as well.
    pub async fn get_opt(&self, id: &str) -> Result<Option<Domain>> {
        self.cloud.reads().domains.get(self.cloud, id).await
    }

    /// Reads one that must be there.
    ///
    /// # Errors
    /// [`Error::Unknown`] if it isn't, and those of any call.
    pub async fn get(&self, id: &str) -> Result<Domain> {
        self.get_opt(id).await?.ok_or_else(|| super::unknown("domain", id, None))
    }

    /// The domain of that name, as Keystone matches names: with MariaDB case and accents don't count.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn find(&self, name: &str) -> Result<Option<Domain>> {
        Ok(DOMAINS.holder(self.cloud, None, name).await?.0)
    }

    /// All that match.
    ///
    /// # Errors
    /// [`Error::Truncated`], and those of any call.
    pub async fn list(&self, filter: &DomainFilter) -> Result<Vec<Domain>> {
        let DomainFilter { name, enabled } = filter;
        let mut query = Vec::new();
        query.extend(name.clone().map(|it| ("name", it)));
        query.extend(enabled.map(|it| ("enabled", it.to_string())));
        DOMAINS.pages(self.cloud, &query).await
    }

    /// Creates one, or adopts the one that an interrupted run made from the same request.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the name is taken, and those of any call.
    pub async fn create(&self, new: &NewDomain) -> Result<Made<Domain>> {
        let NewDomain { name, description, enabled, tags, immutable, explicit_id } = new;
        let mut fields = json!({
            "name": name, "description": description, "enabled": enabled, "tags": tags,
            "options": super::options(*immutable),
        });
        if let Some(id) = explicit_id {
            fields["explicit_domain_id"] = json!(id);
        }
        let mut made: Made<Domain> = origin::create(self.cloud, &DOMAINS, fields, None, name).await?;
        if made.adopted {
            made.object = self.reconcile(made.object, new).await?;
        }
        Ok(made)
    }

    /// Makes an adopted domain what was asked for.
    async fn reconcile(&self, held: Domain, new: &NewDomain) -> Result<Domain> {
        let change = DomainChange {
            name: None,
            description: (held.description != new.description).then(|| new.description.clone()),
            enabled: (held.enabled != new.enabled).then_some(new.enabled),
            tags: (held.tags != new.tags).then(|| new.tags.clone()),
        };
        let mut held = held;
        if change != DomainChange::default() {
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
    /// [`Error::Conflict`] if another domain has the name; 403 if it is immutable; those of any call.
    pub async fn update(&self, id: &str, change: &DomainChange) -> Result<Domain> {
        let DomainChange { name, description, enabled, tags } = change;
        if let Some(name) = name {
            DOMAINS.must_be_free::<Domain>(self.cloud, None, name, id).await?;
        }
        let mut fields = Map::new();
        super::put(&mut fields, "name", name);
        super::put(&mut fields, "description", description);
        super::put(&mut fields, "enabled", enabled);
        super::put(&mut fields, "tags", tags);
        DOMAINS.patch(self.cloud, id, fields.into(), format!("change domain {id}")).await
    }

    /// Sets or clears Keystone's option `immutable`. It is sent alone: together with anything else it is refused.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn set_immutable(&self, id: &str, immutable: bool) -> Result<Domain> {
        let fields = json!({"options": {"immutable": immutable}});
        let doing = format!("set `immutable` of domain {id} to {immutable}");
        DOMAINS.patch(self.cloud, id, fields, doing).await
    }

    /// Deletes one that is disabled. That it was gone already is fine.
    ///
    /// # Errors
    /// 403 if it is enabled or immutable; those of any call.
    pub async fn delete(&self, id: &str) -> Result<()> {
        DOMAINS.delete(self.cloud, id).await
    }

    /// Disables a domain and deletes it with all that it holds in Keystone, however long it takes. If the
    /// deletion fails, the domain is enabled again as it was.
    ///
    /// Of more than 1000 users or groups Keystone leaves the rest behind; they are deleted here. Limits of the
    /// domain stay behind as well and would block their registered limits; they are deleted as far as we may.
    ///
    /// # Errors
    /// 403 if the domain or a project in it is immutable: part of the projects may be gone then. Those of any call.
    pub async fn remove(&self, id: &str) -> Result<()> {
        let Some(domain) = DOMAINS.read::<Domain>(self.cloud, id).await? else { return Ok(()) };
        if domain.enabled {
            let change = DomainChange { enabled: Some(false), ..Default::default() };
            self.update(id, &change).await?;
        }
        let result = self.cascade(id).await;
        self.cloud.written(Reads::clear);
        if let Err(why) = result {
            if domain.enabled {
                let change = DomainChange { enabled: Some(true), ..Default::default() };
                if let Err(also) = self.update(id, &change).await {
                    tracing::warn!(target: "tenancy::http", id, %also, "the domain could not be enabled again");
                }
            }
            return Err(why);
        }
        self.sweep(id).await
    }

    async fn cascade(&self, id: &str) -> Result<()> {
        let doing = format!("delete domain {id}");
        let deadline = Instant::now() + CASCADE;
        let call = Call::delete(Service::Identity, DOMAINS.path)
            .id(id)
            .doing(doing.clone())
            .timeout(CASCADE)
            // A second DELETE beside the first would only disturb it.
            .once();
        let why = match self.cloud.send(call).await {
            Ok(_) => return Ok(()),
            Err(why) if why.is_reply_lost() => why,
            Err(why) => return super::absent(self.cloud, why, id).await,
        };
        let mut wait = Duration::from_secs(1);
        while Instant::now() < deadline {
            if DOMAINS.read::<Domain>(self.cloud, id).await?.is_none() {
                return Ok(());
            }
            self.cloud.pause(wait, &doing).await?;
            wait = (wait * 2).min(Duration::from_secs(15));
        }
        Err(why)
    }

    async fn sweep(&self, id: &str) -> Result<()> {
        #[derive(Deserialize)]
        struct Id {
            id: String,
        }
        for kind in [&USERS, &GROUPS] {
            let left: Vec<Id> = kind.pages(self.cloud, &[("domain_id", id.to_owned())]).await?;
            for it in left {
                kind.delete(self.cloud, &it.id).await?;
            }
        }
        let call = Call::get(Service::Identity, "/limits")
            .query("domain_id", id)
            .doing(format!("list the limits of domain {id}"));
        let limits: Vec<Value> = match super::all_at_once(self.cloud, call, "limits").await {
            Ok(limits) => limits,
            // Up to 2025.2 only the system's scope sees them. They bother nobody but who removes a
            // registered limit.
            Err(Error::Status(_)) => return Ok(()),
            Err(other) => return Err(other),
        };
        for limit in limits {
            // Unknown filters are ignored by Keystone: so look.
            if limit["domain_id"] == *id
                && let Some(limit_id) = limit["id"].as_str()
            {
                let call = Call::delete(Service::Identity, "/limits/{id}")
                    .id(limit_id)
                    .doing(format!("delete limit {limit_id} of the deleted domain {id}"));
                if let Err(why) = self.cloud.send(call).await {
                    tracing::warn!(target: "tenancy::http", %why, "a limit of a deleted domain is left");
                }
            }
        }
        Ok(())
    }
}
