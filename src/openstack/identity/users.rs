//! Users.

use serde::Deserialize;

use super::{Object, USERS};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::Result;

/// A user as Keystone returns it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct User {
    /// Its id: 32 hexadecimal digits, or 64 for users of LDAP and of identity providers.
    pub id: String,
    /// Its name. Unique in its domain for users made by API; not so for users made by a login.
    #[serde(default)]
    pub name: String,
    /// Id of the domain it is in.
    #[serde(default)]
    pub domain_id: String,
    /// Whether it can log in.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Its e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// Its description.
    #[serde(default)]
    pub description: Option<String>,
    /// Id of the project for logins that name none.
    #[serde(default)]
    pub default_project_id: Option<String>,
    /// Its identities at identity providers. `None` in lists: only reading one user tells them.
    #[serde(default)]
    pub federated: Option<Vec<Federated>>,
}

/// The identities of a user at one identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Federated {
    /// Keystone's id of the identity provider.
    pub idp_id: String,
    /// One for each protocol.
    pub protocols: Vec<FederatedProtocol>,
}

/// An identity by one protocol.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FederatedProtocol {
    /// Keystone's id of the protocol.
    pub protocol_id: String,
    /// The identity as Keystone stores it at login: quoted as for a URL.
    pub unique_id: String,
}

fn yes() -> bool {
    true
}

impl Object for User {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn origin(&self) -> Option<&str> {
        None
    }
}

/// Which users to list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserFilter {
    /// Only those of this domain. Needed where domains have drivers of their own (LDAP).
    pub domain_id: Option<String>,
    /// Only those of this name.
    pub name: Option<String>,
    /// Only those enabled, or only those not.
    pub enabled: Option<bool>,
    /// Only those with an identity at this identity provider.
    pub identity_provider: Option<String>,
    /// Only those with an identity by this protocol.
    pub protocol: Option<String>,
    /// Only the one with this identity, as Keystone stores it (quoted).
    pub unique_id: Option<String>,
}

/// The users of a cloud.
#[derive(Clone, Copy, Debug)]
pub struct Users<'a> {
    cloud: &'a Cloud,
}

impl<'a> Users<'a> {
    pub(super) fn of(cloud: &'a Cloud) -> Self {
        Self { cloud }
    }

    /// Reads one. `None` only if Keystone says that this very user doesn't exist.
    ///
    /// # Errors
    /// Those of any call; a 404 about something else is one as well.
    pub async fn get_opt(&self, id: &str) -> Result<Option<User>> {
        USERS.read(self.cloud, id).await
    }

    /// Reads one that must be there.
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::openstack::Error::Unknown) if it isn't, and those of any call.
    pub async fn get(&self, id: &str) -> Result<User> {
        self.get_opt(id).await?.ok_or_else(|| super::unknown("user", id, None))
    }

    /// The user of that name in a domain, as Keystone matches names: with MariaDB case and accents don't count.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn find(&self, domain_id: &str, name: &str) -> Result<Option<User>> {
        Ok(USERS.holder(self.cloud, Some(domain_id), name).await?.0)
    }

    /// All that match, without their `federated`.
    ///
    /// # Errors
    /// [`Error::Truncated`](crate::openstack::Error::Truncated), and those of any call.
    pub async fn list(&self, filter: &UserFilter) -> Result<Vec<User>> {
        let UserFilter { domain_id, name, enabled, identity_provider, protocol, unique_id } = filter;
        let mut query = Vec::new();
        query.extend(domain_id.clone().map(|it| ("domain_id", it)));
        query.extend(name.clone().map(|it| ("name", it)));
        query.extend(enabled.map(|it| ("enabled", it.to_string())));
        let plain = query.len();
        query.extend(identity_provider.clone().map(|it| ("idp_id", it)));
        query.extend(protocol.clone().map(|it| ("protocol_id", it)));
        query.extend(unique_id.clone().map(|it| ("unique_id", it)));
        if query.len() == plain {
            return USERS.pages(self.cloud, &query).await;
        }
        // Filtered by identity Keystone can't page: with `limit` it gives the first page for ever.
        let call = Call::get(Service::Identity, USERS.list).queries(query).doing("list the users");
        super::all_at_once(self.cloud, call, USERS.many).await
    }
}
