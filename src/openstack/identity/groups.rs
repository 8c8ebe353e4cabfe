//! Groups and their members.

use serde::Deserialize;
use serde_json::{Map, json};

use super::{Domain, GROUPS, Made, Object, User, origin};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::{Error, Result};

/// A group as Keystone returns it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "Raw")]
pub struct Group {
    /// Its id.
    pub id: String,
    /// Its name, unique in its domain.
    pub name: String,
    /// Id of the domain that owns it.
    pub domain_id: String,
    /// Its description; empty if there is none.
    pub description: String,
    origin: Option<String>,
}

#[derive(Deserialize)]
struct Raw {
    id: String,
    name: String,
    domain_id: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default, rename = "terraform_tenancy_origin")]
    origin: Option<String>,
}

impl From<Raw> for Group {
    fn from(it: Raw) -> Self {
        let Raw { id, name, domain_id, description, origin } = it;
        Self { id, name, domain_id, description: description.unwrap_or_default(), origin }
    }
}

impl Object for Group {
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

/// What a group is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct NewGroup {
    /// The name.
    pub name: String,
    /// Id of the domain that is to own it.
    pub domain_id: String,
    /// The description.
    pub description: String,
}

/// What is to change of a group. Only what is given is sent. The domain can't change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupChange {
    /// The name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
}

/// Which groups to list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupFilter {
    /// Only those of this domain.
    pub domain_id: Option<String>,
    /// Only those of this name.
    pub name: Option<String>,
}

/// The groups of a cloud.
#[derive(Clone, Copy, Debug)]
pub struct Groups<'a> {
    cloud: &'a Cloud,
}

impl<'a> Groups<'a> {
    pub(super) fn of(cloud: &'a Cloud) -> Self {
        Self { cloud }
    }

    /// Reads one. `None` only if Keystone says that this very group doesn't exist.
    ///
    /// # Errors
    /// Those of any call; a 404 about something else is one as well.
    pub async fn get_opt(&self, id: &str) -> Result<Option<Group>> {
        GROUPS.read(self.cloud, id).await
    }

    /// Reads one that must be there.
    ///
    /// # Errors
    /// [`Error::Unknown`] if it isn't, and those of any call.
    pub async fn get(&self, id: &str) -> Result<Group> {
        self.get_opt(id).await?.ok_or_else(|| super::unknown("group", id, None))
    }

    /// The group of that name in a domain, as Keystone matches names: with MariaDB case and accents don't count.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn find(&self, domain_id: &str, name: &str) -> Result<Option<Group>> {
        Ok(GROUPS.holder(self.cloud, Some(domain_id), name).await?.0)
    }

    /// The group of that name in a domain, which must be there.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the names that are near, and those of any call.
    pub async fn must_find(&self, domain: &Domain, name: &str) -> Result<Group> {
        let found = self.find(&domain.id, name).await?;
        GROUPS.must_be_there(self.cloud, found, domain, name).await
    }

    /// All that match.
    ///
    /// # Errors
    /// [`Error::Truncated`], and those of any call.
    pub async fn list(&self, filter: &GroupFilter) -> Result<Vec<Group>> {
        let GroupFilter { domain_id, name } = filter;
        let mut query = Vec::new();
        query.extend(domain_id.clone().map(|it| ("domain_id", it)));
        query.extend(name.clone().map(|it| ("name", it)));
        GROUPS.pages(self.cloud, &query).await
    }

    /// Creates one, or adopts the one that an interrupted run made from the same request.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the name is taken, and those of any call.
    pub async fn create(&self, new: &NewGroup) -> Result<Made<Group>> {
        let NewGroup { name, domain_id, description } = new;
        let fields = json!({"name": name, "domain_id": domain_id, "description": description});
        let mut made: Made<Group> =
            origin::create(self.cloud, &GROUPS, fields, Some(domain_id), name).await?;
        if made.adopted && made.object.description != *description {
            let change = GroupChange { name: None, description: Some(description.clone()) };
            made.object = self.update(&made.object.id, &change).await?;
        }
        Ok(made)
    }

    /// Changes what is given.
    ///
    /// # Errors
    /// [`Error::Conflict`] if another group of the domain has the name; those of any call.
    pub async fn update(&self, id: &str, change: &GroupChange) -> Result<Group> {
        let GroupChange { name, description } = change;
        if let Some(name) = name {
            let domain_id = self.get(id).await?.domain_id;
            GROUPS.must_be_free::<Group>(self.cloud, Some(&domain_id), name, id).await?;
        }
        let mut fields = Map::new();
        super::put(&mut fields, "name", name);
        super::put(&mut fields, "description", description);
        GROUPS.patch(self.cloud, id, fields.into(), format!("change group {id}")).await
    }

    /// Deletes one, with its memberships and grants. That it was gone already is fine.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn delete(&self, id: &str) -> Result<()> {
        GROUPS.delete(self.cloud, id).await
    }

    /// The permanent members. Expiring memberships, made by a login with a mapping, are not among them.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is no such group, [`Error::Truncated`], and those of any call.
    pub async fn members(&self, id: &str) -> Result<Vec<User>> {
        // Never with `limit`: Keystone would give the first page for ever.
        let call = Call::get(Service::Identity, "/groups/{id}/users")
            .id(id)
            .doing(format!("list the members of group {id}"));
        match super::all_at_once(self.cloud, call, "users").await {
            Err(why) if why.is_not_found_of(id) => Err(super::unknown("group", id, None)),
            other => other,
        }
    }

    /// Adds a member. That the user is one already is fine.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is no such user or group; 403 if they live in different backends (an LDAP
    /// user can't be in an SQL group); those of any call.
    pub async fn add_member(&self, id: &str, user_id: &str) -> Result<()> {
        let call = Call::put(Service::Identity, "/groups/{id}/users/{user_id}")
            .id(id)
            .id(user_id)
            .doing(format!("add user {user_id} to group {id}"));
        match self.cloud.send(call).await {
            Ok(_) => Ok(()),
            Err(why) if why.is_not_found_of(user_id) => Err(super::unknown("user", user_id, None)),
            Err(why) if why.is_not_found_of(id) => Err(super::unknown("group", id, None)),
            Err(why) => Err(why),
        }
    }

    /// Removes a permanent member. That it was none, or that user or group are gone, is fine. An expiring
    /// membership can't be removed; it ends by itself.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn remove_member(&self, id: &str, user_id: &str) -> Result<()> {
        let call = Call::delete(Service::Identity, "/groups/{id}/users/{user_id}")
            .id(id)
            .id(user_id)
            .doing(format!("remove user {user_id} from group {id}"));
        match self.cloud.send(call).await {
            Ok(_) => Ok(()),
            Err(why) if why.is_not_found_of(id) => Ok(()),
            Err(why) => super::absent(self.cloud, why, user_id).await,
        }
    }

    /// Whether a user is in a group by any membership, expiring ones included. [`Groups::members`] says which
    /// are permanent.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn has_member(&self, id: &str, user_id: &str) -> Result<bool> {
        let call = Call::new(reqwest::Method::HEAD, Service::Identity, "/groups/{id}/users/{user_id}")
            .id(id)
            .id(user_id)
            .doing(format!("look for user {user_id} in group {id}"));
        match self.cloud.send(call).await {
            Ok(_) => Ok(true),
            // The reply to a HEAD has no body, so that a 404 can't say what it is about.
            Err(Error::Status(it)) if it.status == 404 && super::own_token_works(self.cloud).await? => {
                Ok(false)
            }
            Err(why) => Err(why),
        }
    }
}
