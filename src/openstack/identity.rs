//! Keystone's objects, typed: domains, projects, groups, users, roles, grants, and what federation is made of.
//!
//! All of them are thin views over a [`Cloud`]: `cloud.projects().get_opt(&id)`.
//!
//! How lists really behave (run on Keystone 30): projects, domains, users and groups are silently cut at 1000
//! unless `limit` is sent; everything else is cut *because* `limit` is sent, and then repeats its first page.
//! So `limit` goes to those four, always, and to nothing else.

mod access;
mod application_credentials;
mod domains;
mod federation;
mod grants;
mod groups;
mod limits;
mod links;
mod near;
mod origin;
mod projects;
mod reads;
mod roles;
mod unique_id;
mod users;

use std::collections::{HashMap, HashSet};

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

pub use access::{Access, Named};
pub use application_credentials::{
    AccessRule, ApplicationCredential, ApplicationCredentials, CarriedRole, NewApplicationCredential,
};
pub use domains::{Domain, DomainChange, DomainFilter, Domains, NewDomain};
pub use federation::{
    IdentityProvider, IdentityProviderChange, IdentityProviders, Mapping, Mappings, NewIdentityProvider,
    Protocol, ProtocolChange, Protocols,
};
pub use grants::{Actor, Grant, Grants, Scope};
pub use groups::{Group, GroupChange, GroupFilter, Groups, NewGroup};
pub use limits::{Limit, LimitModel, LimitView, NewLimit, RegisteredLimit, UnifiedLimits};
pub use links::Link;
pub use near::near;
pub use origin::Made;
pub use projects::{NewProject, Project, ProjectChange, ProjectFilter, Projects};
pub(crate) use reads::Reads;
pub(crate) use roles::RoleCache;
pub use roles::{Role, Roles};
pub use unique_id::{stored_unique_id, unique_id_of};
pub use users::{Federated, FederatedProtocol, NewUser, User, UserChange, UserFilter, Users};

use super::catalog::Service;
use super::cloud::{Call, Cloud};
use super::error::{ConflictError, Error, Result, UnknownError};
use super::transport::Reply;

/// A page's size. Keystone gives no more at once (`max_db_limit`).
const PAGE: &str = "1000";
/// How often a list starts anew, because the row it stood at was deleted.
const RESTARTS: usize = 5;

/// A kind of Keystone's objects, by its place in the API.
#[derive(Debug)]
pub(crate) struct Kind {
    /// The key of one in a body, and the word for it.
    pub one: &'static str,
    /// The key of many, and the path.
    pub many: &'static str,
    /// The path of one, with `{id}`.
    pub path: &'static str,
    /// The path of all.
    pub list: &'static str,
}

impl Kind {
    /// Reads one. `None` only if it is truly gone. All reads of one object come through here.
    pub(crate) async fn read<T: DeserializeOwned>(&self, cloud: &Cloud, id: &str) -> Result<Option<T>> {
        let call = Call::get(Service::Identity, self.path).id(id).doing(format!("read {} {id}", self.one));
        match cloud.send(call).await {
            Ok(reply) => reply.json_of(self.one).map(Some),
            Err(why) => absent(cloud, why, id).await.map(|()| None),
        }
    }

    /// Changes one by the fields of `fields`.
    pub(crate) async fn patch<T: DeserializeOwned>(
        &self,
        cloud: &Cloud,
        id: &str,
        fields: Value,
        doing: String,
    ) -> Result<T> {
        let call = Call::patch(Service::Identity, self.path, json!({ self.one: fields })).id(id).doing(doing);
        let result = cloud.send(call).await;
        cloud.written(|it| it.forget(self, id));
        result?.json_of(self.one)
    }

    /// Deletes one. That it was gone already is fine.
    pub(crate) async fn delete(&self, cloud: &Cloud, id: &str) -> Result<()> {
        let call =
            Call::delete(Service::Identity, self.path).id(id).doing(format!("delete {} {id}", self.one));
        let result = cloud.send(call).await;
        cloud.written(|it| it.forget(self, id));
        match result {
            Ok(_) => Ok(()),
            Err(why) => absent(cloud, why, id).await,
        }
    }

    /// All that match, page by page.
    pub(crate) async fn pages<T: DeserializeOwned>(
        &self,
        cloud: &Cloud,
        query: &[(&'static str, String)],
    ) -> Result<Vec<T>> {
        let mut query = query.to_vec();
        // With a domain's token Keystone filters *after* cutting the page, and so loses rows.
        if self.many != DOMAINS.many
            && !query.iter().any(|(key, _)| *key == "domain_id")
            && let Some(domain) = &cloud.login().await?.domain_id
        {
            query.push(("domain_id", domain.clone()));
        }
        for _ in 0..RESTARTS {
            if let Some(all) = self.walk(cloud, &query).await? {
                return Ok(all);
            }
        }
        let why =
            format!("it changes faster than it can be read: {RESTARTS} attempts were overtaken by deletions");
        Err(Error::Truncated { what: self.many.into(), why })
    }

    /// One walk over all pages. `None`: the row that marked the place was deleted meanwhile.
    async fn walk<T: DeserializeOwned>(
        &self,
        cloud: &Cloud,
        query: &[(&'static str, String)],
    ) -> Result<Option<Vec<T>>> {
        let mut all = Vec::new();
        let mut marker: Option<String> = None;
        let mut seen = HashSet::new();
        let cut = |why: &str| Error::Truncated { what: self.many.into(), why: why.into() };
        loop {
            let mut call = Call::get(Service::Identity, self.list)
                .doing(format!("list the {}", self.many))
                .queries(query.iter().cloned())
                .query("limit", PAGE);
            if let Some(marker) = &marker {
                call = call.query("marker", marker.clone());
            }
            let reply = match cloud.send(call).await {
                Err(why) if marker.as_ref().is_some_and(|it| why.is_not_found_of(it)) => return Ok(None),
                other => other?,
            };
            let body = Body::of(&reply)?;
            let rows: Vec<T> = body.rows(self.many)?;
            let empty = rows.is_empty();
            all.extend(rows);
            let next = body.next();
            match next.as_deref().and_then(marker_of) {
                Some(next) => {
                    if !seen.insert(next.clone()) {
                        return Err(cut("Keystone gives the same page again and again"));
                    }
                    marker = Some(next);
                }
                None if next.is_some() => return Err(cut("the link to the next page names no place")),
                None if !body.is_truncated() => return Ok(Some(all)),
                None if empty => {
                    return Err(cut(
                        "a page was emptied by Keystone's filter for this token's scope. Filter by domain, \
                         or log in with a project's or the system's scope",
                    ));
                }
                None => {
                    return Err(cut("Keystone cut it at its `list_limit`, and this release can't page. \
                         Raise or remove `list_limit` in keystone.conf"));
                }
            }
        }
    }

    /// The object that has this name, as Keystone matches names: on MariaDB neither case nor accents count. An
    /// exact match comes first. With it comes Keystone's time.
    pub(crate) async fn holder<T: Object>(
        &self,
        cloud: &Cloud,
        domain_id: Option<&str>,
        name: &str,
    ) -> Result<(Option<T>, Option<jiff::Timestamp>)> {
        // Not `pages`: a name has one holder, and a domain's token asks for its own domain only.
        let call = Call::get(Service::Identity, self.list)
            .doing(format!("find the {} \"{name}\"", self.one))
            .queries(domain_id.map(|it| ("domain_id", it)))
            .query("name", name)
            .query("limit", PAGE);
        let reply = cloud.send(call).await?;
        let mut found: Vec<T> = Body::of(&reply)?.rows(self.many)?;
        // A Keystone that doesn't know the filter would give the whole list.
        let folded = name.trim().to_lowercase();
        let at = found
            .iter()
            .position(|it| it.name() == name)
            .or_else(|| found.iter().position(|it| it.name().to_lowercase() == folded))
            .or_else(|| (found.len() == 1).then_some(0));
        Ok((at.map(|at| found.swap_remove(at)), reply.date()))
    }

    /// The object of this name in a domain, which must be there.
    pub(crate) async fn must_be_there<T: Object>(
        &self,
        cloud: &Cloud,
        found: Option<T>,
        domain: &Domain,
        name: &str,
    ) -> Result<T> {
        if let Some(found) = found {
            return Ok(found);
        }
        // A page of names is enough for advice.
        let call = Call::get(Service::Identity, self.list)
            .doing(format!("list the {}", self.many))
            .query("domain_id", domain.id.clone())
            .query("limit", PAGE);
        let all: Vec<T> = match cloud.send(call).await {
            Ok(reply) => Body::of(&reply)?.rows(self.many)?,
            Err(_) => Vec::new(),
        };
        Err(Error::Unknown(Box::new(UnknownError {
            kind: self.one,
            name: name.to_owned(),
            within: Some(format!("domain \"{}\"", domain.name)),
            near: near(name, all.iter().map(Object::name)),
        })))
    }

    /// Fails if another object than `id` has the name: Keystone answers a rename into an existing name with a
    /// status of 500.
    pub(crate) async fn must_be_free<T: Object>(
        &self,
        cloud: &Cloud,
        domain_id: Option<&str>,
        name: &str,
        id: &str,
    ) -> Result<()> {
        match self.holder::<T>(cloud, domain_id, name).await?.0 {
            Some(holder) if holder.id() != id => Err(Error::Conflict(Box::new(ConflictError {
                attempt: super::error::Attempt {
                    doing: format!("rename {} {id} to \"{name}\"", self.one),
                    service: Service::Identity.official().into(),
                    method: "PATCH".into(),
                    path: format!("/v3{}", self.path),
                    request_id: None,
                    repeated: false,
                },
                kind: self.one,
                what: "name",
                name: name.into(),
                holder_id: Some(holder.id().into()),
                holder_name: Some(holder.name().into()),
                message: "the name is taken".into(),
            }))),
            _ => Ok(()),
        }
    }
}

/// What objects with a name have in common.
pub(crate) trait Object: DeserializeOwned + Send {
    fn id(&self) -> &str;
    fn name(&self) -> &str;
    /// Whether objects of this kind are in a domain.
    const HAS_DOMAIN: bool = false;
    /// The domain that it is in.
    fn domain_id(&self) -> Option<&str> {
        None
    }
    /// What [`origin`] wrote into it.
    fn origin(&self) -> Option<&str>;
}

pub(crate) const DOMAINS: Kind =
    Kind { one: "domain", many: "domains", path: "/domains/{id}", list: "/domains" };
pub(crate) const PROJECTS: Kind =
    Kind { one: "project", many: "projects", path: "/projects/{id}", list: "/projects" };
pub(crate) const GROUPS: Kind = Kind { one: "group", many: "groups", path: "/groups/{id}", list: "/groups" };
pub(crate) const USERS: Kind = Kind { one: "user", many: "users", path: "/users/{id}", list: "/users" };
pub(crate) const ROLES: Kind = Kind { one: "role", many: "roles", path: "/roles/{id}", list: "/roles" };

/// A list that comes in one reply. `limit` is never sent: it would cut the list.
pub(crate) async fn all_at_once<T: DeserializeOwned>(cloud: &Cloud, call: Call, key: &str) -> Result<Vec<T>> {
    let reply = cloud.send(call).await?;
    let body = Body::of(&reply)?;
    if body.is_truncated() {
        let why = "Keystone cut it at its `list_limit`, and the rest can't be had. \
                   Raise or remove `list_limit` in keystone.conf";
        return Err(Error::Truncated { what: key.to_owned(), why: why.into() });
    }
    body.rows(key)
}

/// The body of a list, which may be megabytes: its parts are read into what they are to be and nothing else.
struct Body<'a> {
    reply: &'a Reply,
    parts: HashMap<String, &'a RawValue>,
}

impl<'a> Body<'a> {
    fn of(reply: &'a Reply) -> Result<Self> {
        let parts = serde_json::from_slice(&reply.body).map_err(|why| reply.odd(why.to_string()))?;
        Ok(Self { reply, parts })
    }

    fn rows<T: DeserializeOwned>(&self, key: &str) -> Result<Vec<T>> {
        let rows = self.parts.get(key).ok_or_else(|| self.reply.odd(format!("it has no `{key}`")))?;
        serde_json::from_str(rows.get()).map_err(|why| self.reply.odd(format!("`{key}`: {why}")))
    }

    fn is_truncated(&self) -> bool {
        self.parts.get("truncated").is_some_and(|it| it.get() == "true")
    }

    /// The link to the next page.
    fn next(&self) -> Option<String> {
        let links: Value = serde_json::from_str(self.parts.get("links")?.get()).ok()?;
        links["next"].as_str().map(str::to_owned)
    }
}

/// The marker in a link. Nothing else of the link is used: behind a proxy it points to a host or path that
/// doesn't exist, and it must not get our token.
pub(crate) fn marker_of(link: &str) -> Option<String> {
    let query = link.split_once('?')?.1;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == "marker").map(|(_, value)| value.into_owned())
}

/// `Ok` if the error means that `id` is truly gone, else the error.
///
/// A 404 that names the id is enough. One in Keystone's form that doesn't name it counts only if our own token
/// can be read: with a token whose user or project was deleted, everything is 404.
pub(crate) async fn absent(cloud: &Cloud, why: Error, id: &str) -> Result<()> {
    if why.is_not_found_of(id) {
        return Ok(());
    }
    if why.is_native_404() && own_token_works(cloud).await? {
        return Ok(());
    }
    Err(why)
}

/// Reads our own token: it shows that user and scope exist, and that the path leads to Keystone.
pub(crate) async fn own_token_works(cloud: &Cloud) -> Result<bool> {
    let login = cloud.login().await?;
    let call = Call::get(Service::Identity, "/auth/tokens")
        .query("nocatalog", "1")
        .secret_header("x-subject-token", login.header())
        .doing("check our own token");
    match cloud.send(call).await {
        Ok(_) => Ok(true),
        Err(Error::Status(it)) if it.status < 500 => Ok(false),
        Err(other) => Err(other),
    }
}

/// An error about an object that must be there and isn't.
pub(crate) fn unknown(kind: &'static str, id: &str, within: Option<String>) -> Error {
    Error::Unknown(Box::new(UnknownError { kind, name: id.to_owned(), within, near: Vec::new() }))
}

/// Puts a field into a body if it is given.
fn put<T: serde::Serialize>(fields: &mut Map<String, Value>, key: &str, value: &Option<T>) {
    if let Some(value) = value {
        fields.insert(key.to_owned(), json!(value));
    }
}

/// The options of a new object. An option that is off isn't said: that is how it is by itself.
fn options(immutable: bool) -> Value {
    if immutable { json!({"immutable": true}) } else { json!({}) }
}

fn is_immutable(options: &Value) -> bool {
    options.get("immutable").and_then(Value::as_bool).unwrap_or(false)
}

impl Cloud {
    /// Domains: the outermost containers, for projects, groups and users.
    pub fn domains(&self) -> Domains<'_> {
        Domains::of(self)
    }

    /// Projects: the containers that own servers, networks and volumes.
    pub fn projects(&self) -> Projects<'_> {
        Projects::of(self)
    }

    /// Groups of users.
    pub fn groups(&self) -> Groups<'_> {
        Groups::of(self)
    }

    /// Users.
    pub fn users(&self) -> Users<'_> {
        Users::of(self)
    }

    /// Roles.
    pub fn roles(&self) -> Roles<'_> {
        Roles::of(self)
    }

    /// Application credentials.
    pub fn application_credentials(&self) -> ApplicationCredentials<'_> {
        ApplicationCredentials::of(self)
    }

    /// Unified limits: the quotas that Keystone keeps for other services.
    pub fn unified_limits(&self) -> UnifiedLimits<'_> {
        UnifiedLimits::of(self)
    }

    /// Grants: who has which role where.
    pub fn grants(&self) -> Grants<'_> {
        Grants::of(self)
    }

    /// Identity providers: where federated users log in.
    pub fn identity_providers(&self) -> IdentityProviders<'_> {
        IdentityProviders::of(self)
    }

    /// Mappings: what becomes of a federated user at a login.
    pub fn mappings(&self) -> Mappings<'_> {
        Mappings::of(self)
    }

    /// Protocols: which mapping serves which identity provider.
    pub fn protocols(&self) -> Protocols<'_> {
        Protocols::of(self)
    }
}
