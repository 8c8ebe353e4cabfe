//! What federation is made of: identity providers, mappings, and the protocols that join them.
//!
//! Their ids are chosen by who makes them, and a create is a PUT: one that is repeated after its reply was lost finds
//! its own object, as a conflict. So a conflict after a repetition is looked into before it is told.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::put;
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::{ConflictError, Error, Result, StatusError};

const PROVIDER: &str = "identity provider";
const MAPPING: &str = "mapping";
const PROTOCOL: &str = "protocol";

/// An identity provider as Keystone returns it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct IdentityProvider {
    /// Its id, chosen by who made it. On MariaDB case does not count.
    pub id: String,
    /// Id of the domain in which its users live.
    pub domain_id: String,
    /// Whether users can log in by it.
    pub enabled: bool,
    /// Its description.
    #[serde(default)]
    pub description: Option<String>,
    /// How it calls itself: issuers, entity ids. Unique over all identity providers.
    #[serde(default)]
    pub remote_ids: BTreeSet<String>,
    /// For how many minutes memberships that a mapping gave last. Nothing and 0: as Keystone is configured.
    #[serde(default)]
    pub authorization_ttl: Option<i64>,
}

/// What an identity provider is made from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewIdentityProvider {
    /// The id.
    pub id: String,
    /// Id of the domain in which its users are to live. Unset: Keystone makes one, named by a random id.
    pub domain_id: Option<String>,
    /// Whether users can log in by it.
    pub enabled: bool,
    /// The description.
    pub description: Option<String>,
    /// How it calls itself.
    pub remote_ids: BTreeSet<String>,
    /// For how many minutes memberships that a mapping gave last.
    pub authorization_ttl: Option<i64>,
}

/// What is to change of an identity provider. Only what is given is sent. The domain can't change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdentityProviderChange {
    /// Whether users can log in by it.
    pub enabled: Option<bool>,
    /// The description.
    pub description: Option<String>,
    /// All remote ids.
    pub remote_ids: Option<BTreeSet<String>>,
    /// For how many minutes memberships that a mapping gave last.
    pub authorization_ttl: Option<i64>,
}

/// A mapping.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Mapping {
    /// Its id, chosen by who made it.
    pub id: String,
    /// Its rules, as they were written.
    pub rules: Value,
    /// The version of the rules' schema.
    #[serde(default = "first_version")]
    pub schema_version: String,
}

/// Keystone knew no other up to 2023.1, and didn't say it.
fn first_version() -> String {
    "1.0".to_owned()
}

/// A protocol of an identity provider.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Protocol {
    /// Its id, chosen by who made it: part of the URL at which users log in.
    pub id: String,
    /// Id of its mapping.
    pub mapping_id: String,
    /// Which variable of the web server tells the remote id. `None`: as Keystone is configured.
    #[serde(default)]
    pub remote_id_attribute: Option<String>,
}

/// What is to change of a protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtocolChange {
    /// Id of its mapping. Keystone wants it in any case.
    pub mapping_id: String,
    /// Which variable of the web server tells the remote id; empty: as Keystone is configured.
    pub remote_id_attribute: Option<String>,
}

/// The identity providers of a cloud.
#[derive(Clone, Copy, Debug)]
pub struct IdentityProviders<'a> {
    cloud: &'a Cloud,
}

impl<'a> IdentityProviders<'a> {
    const ONE: &'static str = "/OS-FEDERATION/identity_providers/{id}";

    pub(super) fn of(cloud: &'a Cloud) -> Self {
        Self { cloud }
    }

    /// Reads one. `None` only if Keystone says that this very one doesn't exist.
    ///
    /// # Errors
    /// Those of any call; a 404 about something else is one as well.
    pub async fn get_opt(&self, id: &str) -> Result<Option<IdentityProvider>> {
        let call = Call::get(Service::Identity, Self::ONE).id(id).doing(format!("read {PROVIDER} \"{id}\""));
        read(self.cloud, call, "identity_provider", id).await
    }

    /// Reads one that must be there.
    ///
    /// # Errors
    /// [`Error::Unknown`] if it isn't, and those of any call.
    pub async fn get(&self, id: &str) -> Result<IdentityProvider> {
        self.get_opt(id).await?.ok_or_else(|| super::unknown(PROVIDER, id, None))
    }

    /// All of them.
    ///
    /// # Errors
    /// [`Error::Truncated`], and those of any call.
    pub async fn list(&self) -> Result<Vec<IdentityProvider>> {
        let call = Call::get(Service::Identity, "/OS-FEDERATION/identity_providers")
            .doing("list the identity providers");
        super::all_at_once(self.cloud, call, "identity_providers").await
    }

    /// Creates one.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the id or a remote id is taken, [`Error::Unknown`] if there is no such domain, and
    /// those of any call.
    pub async fn create(&self, new: &NewIdentityProvider) -> Result<IdentityProvider> {
        let NewIdentityProvider { id, domain_id, enabled, description, remote_ids, authorization_ttl } = new;
        let mut fields = Map::from_iter([
            ("enabled".to_owned(), json!(enabled)),
            ("remote_ids".to_owned(), json!(remote_ids)),
        ]);
        put(&mut fields, "domain_id", domain_id);
        put(&mut fields, "description", description);
        put(&mut fields, "authorization_ttl", authorization_ttl);
        let call = Call::put(Service::Identity, Self::ONE)
            .id(id)
            .body(json!({ "identity_provider": fields }))
            .doing(format!("create {PROVIDER} \"{id}\""));
        let ours = |it: &IdentityProvider| {
            domain_id.as_ref().is_none_or(|domain| *domain == it.domain_id)
                && (it.enabled, &it.description, &it.remote_ids, it.authorization_ttl)
                    == (*enabled, description, remote_ids, *authorization_ttl)
        };
        match create(self.cloud, call, "identity_provider", || self.get_opt(id), ours).await {
            Err(Error::Status(it)) if it.status == 409 => Err(self.conflict(*it, id, remote_ids).await),
            Err(why) if domain_id.as_ref().is_some_and(|domain| why.is_not_found_of(domain)) => {
                Err(super::unknown("domain", domain_id.as_deref().unwrap_or_default(), None))
            }
            other => other,
        }
    }

    /// Changes what is given.
    ///
    /// # Errors
    /// [`Error::Conflict`] if a remote id is taken, and those of any call.
    pub async fn update(&self, id: &str, change: &IdentityProviderChange) -> Result<IdentityProvider> {
        let IdentityProviderChange { enabled, description, remote_ids, authorization_ttl } = change;
        let mut fields = Map::new();
        put(&mut fields, "enabled", enabled);
        put(&mut fields, "description", description);
        put(&mut fields, "remote_ids", remote_ids);
        put(&mut fields, "authorization_ttl", authorization_ttl);
        let call = Call::patch(Service::Identity, Self::ONE, json!({ "identity_provider": fields }))
            .id(id)
            .doing(format!("change {PROVIDER} \"{id}\""));
        let sent = self.cloud.send(call).await;
        match sent.and_then(|reply| reply.json_of("identity_provider")) {
            Err(Error::Status(it)) if it.status == 409 => {
                Err(self.conflict(*it, id, remote_ids.as_ref().unwrap_or(&BTreeSet::new())).await)
            }
            other => other,
        }
    }

    /// Deletes one, with its protocols and with the identities that users have there. That it was gone already is
    /// fine. Its domain stays.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn delete(&self, id: &str) -> Result<()> {
        let delete = || {
            let call = Call::delete(Service::Identity, Self::ONE).id(id);
            delete(self.cloud, call.doing(format!("delete {PROVIDER} \"{id}\"")), id)
        };
        with_users(self.cloud, delete).await
    }

    /// Deletes one and the domain in which its users live, with all that is in it. The domain goes first: as long as it
    /// is there, so is the identity provider.
    ///
    /// # Errors
    /// Those of [`Domains::remove`](super::Domains::remove), and those of any call.
    pub async fn delete_with_domain(&self, id: &str, domain_id: &str) -> Result<()> {
        // With a domain Keystone deletes the identity providers that use it.
        with_users(self.cloud, || async { self.cloud.domains().remove(domain_id).await }).await?;
        self.delete(id).await
    }

    /// Who has the id or the remote id that Keystone refused.
    async fn conflict(&self, refused: StatusError, id: &str, remote_ids: &BTreeSet<String>) -> Error {
        let StatusError { attempt, message, .. } = refused;
        // Without the list, Keystone's words have to do.
        let all = self.list().await.unwrap_or_default();
        // On MariaDB case doesn't count.
        let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        let remote = all.iter().filter(|it| it.id != id).find_map(|it| {
            let found = remote_ids.iter().find(|asked| it.remote_ids.iter().any(|has| same(has, asked)));
            found.map(|asked| ("remote id", asked.as_str(), Some(it)))
        });
        let holder = || all.iter().find(|it| same(&it.id, id));
        let (what, name, holder) = if message.contains("remote ID") {
            // One of two that differ only by case has no other holder.
            let refused = || remote_ids.iter().find(|it| message.contains(it.as_str()));
            remote.unwrap_or_else(|| ("remote id", refused().map_or("", String::as_str), None))
        } else {
            ("id", id, holder())
        };
        Error::Conflict(Box::new(ConflictError {
            attempt,
            kind: PROVIDER,
            what,
            name: name.to_owned(),
            holder_id: holder.map(|it| it.id.clone()),
            holder_name: holder.filter(|_| what == "id").map(|it| it.id.clone()),
            message,
        }))
    }
}

/// The mappings of a cloud.
#[derive(Clone, Copy, Debug)]
pub struct Mappings<'a> {
    cloud: &'a Cloud,
}

impl<'a> Mappings<'a> {
    const ONE: &'static str = "/OS-FEDERATION/mappings/{id}";

    pub(super) fn of(cloud: &'a Cloud) -> Self {
        Self { cloud }
    }

    /// Reads one. `None` only if Keystone says that this very one doesn't exist.
    ///
    /// # Errors
    /// Those of any call; a 404 about something else is one as well.
    pub async fn get_opt(&self, id: &str) -> Result<Option<Mapping>> {
        let call = Call::get(Service::Identity, Self::ONE).id(id).doing(format!("read {MAPPING} \"{id}\""));
        read(self.cloud, call, "mapping", id).await
    }

    /// Reads one that must be there.
    ///
    /// # Errors
    /// [`Error::Unknown`] if it isn't, and those of any call.
    pub async fn get(&self, id: &str) -> Result<Mapping> {
        self.get_opt(id).await?.ok_or_else(|| super::unknown(MAPPING, id, None))
    }

    /// All of them.
    ///
    /// # Errors
    /// [`Error::Truncated`], and those of any call.
    pub async fn list(&self) -> Result<Vec<Mapping>> {
        let call = Call::get(Service::Identity, "/OS-FEDERATION/mappings").doing("list the mappings");
        super::all_at_once(self.cloud, call, "mappings").await
    }

    /// Creates one.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the id is taken, 400 if Keystone does not take the rules, and those of any call.
    pub async fn create(&self, new: &Mapping) -> Result<Mapping> {
        let Mapping { id, rules, schema_version } = new;
        let call = Call::put(Service::Identity, Self::ONE)
            .id(id)
            .body(json!({"mapping": {"rules": rules, "schema_version": schema_version}}))
            .doing(format!("create {MAPPING} \"{id}\""));
        let ours = |it: &Mapping| (&it.rules, &it.schema_version) == (rules, schema_version);
        let made = create(self.cloud, call, "mapping", || self.get_opt(id), ours).await;
        made.map_err(|why| id_taken(why, MAPPING, id, id.clone()))
    }

    /// Replaces its rules, and with them the version of their schema.
    ///
    /// # Errors
    /// 400 if Keystone does not take the rules, and those of any call.
    pub async fn update(&self, to: &Mapping) -> Result<Mapping> {
        let Mapping { id, rules, schema_version } = to;
        // Keystone 30: a PATCH without `schema_version` sets it to the configured default.
        let body = json!({"mapping": {"rules": rules, "schema_version": schema_version}});
        let call = Call::patch(Service::Identity, Self::ONE, body)
            .id(id)
            .doing(format!("change {MAPPING} \"{id}\""));
        self.cloud.send(call).await?.json_of("mapping")
    }

    /// Deletes one, whether or not a protocol uses it. That it was gone already is fine.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn delete(&self, id: &str) -> Result<()> {
        let call =
            Call::delete(Service::Identity, Self::ONE).id(id).doing(format!("delete {MAPPING} \"{id}\""));
        delete(self.cloud, call, id).await
    }
}

/// The protocols of a cloud's identity providers.
#[derive(Clone, Copy, Debug)]
pub struct Protocols<'a> {
    cloud: &'a Cloud,
}

impl<'a> Protocols<'a> {
    const ONE: &'static str = "/OS-FEDERATION/identity_providers/{identity_provider}/protocols/{id}";

    pub(super) fn of(cloud: &'a Cloud) -> Self {
        Self { cloud }
    }

    /// Reads one. `None` only if Keystone says that this very one doesn't exist.
    ///
    /// # Errors
    /// Those of any call; a 404 about something else is one as well.
    pub async fn get_opt(&self, identity_provider: &str, id: &str) -> Result<Option<Protocol>> {
        // Keystone 30: only the list has `remote_id_attribute`. It says nothing of why one is not in it.
        let listed = |all: Vec<Protocol>, id: &str| all.into_iter().find(|it| it.id == id);
        if let Some(found) = listed(self.list(identity_provider).await?, id) {
            return Ok(Some(found));
        }
        let call = Call::get(Service::Identity, Self::ONE)
            .id(identity_provider)
            .id(id)
            .doing(format!("read {PROTOCOL} \"{id}\" of {PROVIDER} \"{identity_provider}\""));
        let Some(found) = read::<Protocol>(self.cloud, call, "protocol", id).await? else { return Ok(None) };
        // On MariaDB case doesn't count.
        let again = listed(self.list(identity_provider).await?, &found.id);
        Ok(Some(again.unwrap_or(found)))
    }

    /// Reads one that must be there.
    ///
    /// # Errors
    /// [`Error::Unknown`] if it isn't, and those of any call.
    pub async fn get(&self, identity_provider: &str, id: &str) -> Result<Protocol> {
        let within = || Some(format!("{PROVIDER} \"{identity_provider}\""));
        self.get_opt(identity_provider, id).await?.ok_or_else(|| super::unknown(PROTOCOL, id, within()))
    }

    /// All of one identity provider. An empty list doesn't say that there is such an identity provider.
    ///
    /// # Errors
    /// [`Error::Truncated`], and those of any call.
    pub async fn list(&self, identity_provider: &str) -> Result<Vec<Protocol>> {
        let call = Call::get(Service::Identity, "/OS-FEDERATION/identity_providers/{id}/protocols")
            .id(identity_provider)
            .doing(format!("list the protocols of {PROVIDER} \"{identity_provider}\""));
        super::all_at_once(self.cloud, call, "protocols").await
    }

    /// Creates one.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the id is taken, [`Error::Unknown`] if there is no such identity provider or mapping,
    /// and those of any call.
    pub async fn create(&self, identity_provider: &str, new: &Protocol) -> Result<Protocol> {
        let Protocol { id, mapping_id, remote_id_attribute } = new;
        let mut fields = Map::from_iter([("mapping_id".to_owned(), json!(mapping_id))]);
        put(&mut fields, "remote_id_attribute", remote_id_attribute);
        let call = Call::put(Service::Identity, Self::ONE)
            .id(identity_provider)
            .id(id)
            .body(json!({ "protocol": fields }))
            .doing(format!("create {PROTOCOL} \"{id}\" of {PROVIDER} \"{identity_provider}\""));
        let read = || self.get_opt(identity_provider, id);
        match create(self.cloud, call, "protocol", read, |it| it == new).await {
            // The reply lacks the attribute.
            Ok(it) => Ok(Protocol { remote_id_attribute: remote_id_attribute.clone(), ..it }),
            Err(why) if why.is_not_found_of(identity_provider) => {
                Err(super::unknown(PROVIDER, identity_provider, None))
            }
            Err(why) => {
                let why = id_taken(why, PROTOCOL, id, format!("{identity_provider}/{id}"));
                Err(unknown_mapping(why, mapping_id))
            }
        }
    }

    /// Changes what is given.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is no such mapping, and those of any call.
    pub async fn update(&self, identity_provider: &str, id: &str, change: &ProtocolChange) -> Result<()> {
        let ProtocolChange { mapping_id, remote_id_attribute } = change;
        let mut fields = Map::from_iter([("mapping_id".to_owned(), json!(mapping_id))]);
        put(&mut fields, "remote_id_attribute", remote_id_attribute);
        let call = Call::patch(Service::Identity, Self::ONE, json!({ "protocol": fields }))
            .id(identity_provider)
            .id(id)
            .doing(format!("change {PROTOCOL} \"{id}\" of {PROVIDER} \"{identity_provider}\""));
        self.cloud.send(call).await.map(drop).map_err(|why| unknown_mapping(why, mapping_id))
    }

    /// Deletes one, with the identities that users have by it. That it was gone already is fine.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn delete(&self, identity_provider: &str, id: &str) -> Result<()> {
        let delete = || {
            let call = Call::delete(Service::Identity, Self::ONE).id(identity_provider).id(id);
            let doing = format!("delete {PROTOCOL} \"{id}\" of {PROVIDER} \"{identity_provider}\"");
            delete(self.cloud, call.doing(doing), id)
        };
        with_users(self.cloud, delete).await
    }
}

async fn read<T: DeserializeOwned>(cloud: &Cloud, call: Call, key: &str, id: &str) -> Result<Option<T>> {
    match cloud.send(call).await {
        Ok(reply) => reply.json_of(key).map(Some),
        Err(why) => super::absent(cloud, why, id).await.map(|()| None),
    }
}

async fn delete(cloud: &Cloud, call: Call, id: &str) -> Result<()> {
    match cloud.send(call).await {
        Ok(_) => Ok(()),
        Err(why) => super::absent(cloud, why, id).await,
    }
}

/// Deletes what users go with. Keystone 30 then looks through all users for those who are known by nothing else; on MariaDB
/// two such deletions at once, or one beside a login, may end in a deadlock, which it answers with 500. So this process
/// deletes one at a time, and tries again.
async fn with_users<F>(cloud: &Cloud, delete: impl Fn() -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let _turn = cloud.shared.federation.lock().await;
    let mut wait = cloud.config().first_delay;
    for _ in 0..3 {
        match delete().await {
            Err(Error::Status(it)) if it.status == 500 => {
                cloud.pause(wait, &it.attempt.doing).await?;
                wait *= 2;
            }
            other => return other,
        }
    }
    delete().await
}

/// Creates by PUT. If the reply was lost, or a repetition of the request met a conflict, then the object that is there
/// is ours if it is what was asked for: nobody else would make the same in the same moment.
async fn create<T, F>(
    cloud: &Cloud,
    call: Call,
    key: &str,
    read: impl Fn() -> F,
    ours: impl Fn(&T) -> bool,
) -> Result<T>
where
    T: DeserializeOwned,
    F: Future<Output = Result<Option<T>>>,
{
    let doing = call.about().to_owned();
    let why = match cloud.send(call).await.and_then(|reply| reply.json_of(key)) {
        Ok(made) => return Ok(made),
        Err(why) => why,
    };
    let repeated = matches!(&why, Error::Status(it) if it.status == 409 && it.attempt.repeated);
    if !repeated && !why.is_reply_lost() {
        return Err(why);
    }
    // A request that was cut off may still be at work: look twice.
    for pause in [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(1)] {
        cloud.pause(pause, &doing).await?;
        match read().await {
            Ok(Some(found)) if ours(&found) => return Ok(found),
            Ok(None) => {}
            _ => break,
        }
    }
    Err(why)
}

/// A conflict about the id of something of which nothing else must be unique.
fn id_taken(why: Error, kind: &'static str, id: &str, holder: String) -> Error {
    match why {
        Error::Status(it) if it.status == 409 => Error::Conflict(Box::new(ConflictError {
            attempt: it.attempt,
            kind,
            what: "id",
            name: id.to_owned(),
            holder_id: Some(holder),
            holder_name: None,
            message: it.message,
        })),
        other => other,
    }
}

/// Keystone answers 400 `Invalid mapping id: X`.
fn unknown_mapping(why: Error, mapping_id: &str) -> Error {
    match &why {
        Error::Status(it) if it.status == 400 && it.message.ends_with(&format!(": {mapping_id}")) => {
            super::unknown(MAPPING, mapping_id, None)
        }
        _ => why,
    }
}
