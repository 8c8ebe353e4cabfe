//! What links a user to an identity provider: the identities under which federated logins find them.
//!
//! A change of links is a replacement of all of them, and no transaction: Keystone 30 drops the old ones first, and what
//! fails after that leaves the user without. So the others are always sent along, and put back after a failure.

use std::fmt;

use serde_json::{Value, json};

use super::users::name_taken;
use super::{Federated, FederatedProtocol, USERS, User, UserFilter, Users};
use crate::openstack::catalog::Service;
use crate::openstack::error::{Attempt, Error, LinkedError, Result};

/// A federated identity: by this a login through an identity provider finds its user. Unique in a cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Keystone's id of the identity provider.
    pub identity_provider: String,
    /// Keystone's id of the protocol.
    pub protocol: String,
    /// Who it is there, as Keystone stores it. See [`stored_unique_id`](super::stored_unique_id).
    pub unique_id: String,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}/{}", self.unique_id, self.identity_provider, self.protocol)
    }
}

impl Link {
    /// MariaDB and MySQL do not tell case apart.
    fn is_like(&self, other: &Self) -> bool {
        let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        same(&self.identity_provider, &other.identity_provider)
            && same(&self.protocol, &other.protocol)
            && same(&self.unique_id, &other.unique_id)
    }
}

impl User {
    /// Its federated identities. None in lists.
    pub fn links(&self) -> Vec<Link> {
        let each = |Federated { idp_id, protocols }: &Federated| {
            let idp_id = idp_id.clone();
            protocols.clone().into_iter().map(move |FederatedProtocol { protocol_id, unique_id }| Link {
                identity_provider: idp_id.clone(),
                protocol: protocol_id,
                unique_id,
            })
        };
        self.federated.iter().flatten().flat_map(each).collect()
    }
}

/// Links as Keystone takes them.
pub(super) fn federated(links: &[Link]) -> Value {
    let one = |Link { identity_provider, protocol, unique_id }: &Link| json!({"idp_id": identity_provider, "protocols": [{"protocol_id": protocol, "unique_id": unique_id}]});
    links.iter().map(one).collect()
}

impl Users<'_> {
    /// The user that has this identity. Asked of Keystone's database: what one user's `federated` says may be out of
    /// date for minutes after an identity provider was deleted (Keystone 30 keeps it in its cache).
    ///
    /// # Errors
    /// Those of any call.
    pub async fn linked(&self, link: &Link) -> Result<Option<User>> {
        let Link { identity_provider, protocol, unique_id } = link.clone();
        let filter = UserFilter {
            identity_provider: Some(identity_provider),
            protocol: Some(protocol),
            unique_id: Some(unique_id),
            ..Default::default()
        };
        let mut found = self.list(&filter).await?;
        if found.len() > 1 {
            let why = "it lists several users for one identity, and so does not know the filter \
                       (it came with the release Pike)";
            return Err(Error::Unseen { what: format!("who has the identity {link}"), why: why.into() });
        }
        Ok(found.pop())
    }

    /// Gives a user this name and this identity, which replaces `old` if there was one. Its other identities stay.
    ///
    /// Name and identities are always written together. Keystone 30 takes a new name alone (200) and changes but the
    /// display name of the first identity; identities alone are a 500 for a user whom a login made, since only the display
    /// name that goes with them was its name.
    ///
    /// # Errors
    /// [`Error::Conflict`] if another user of the domain has the name, [`Error::Linked`] if another user has the identity,
    /// [`Error::Unlinked`] if the former identities are lost over it, and those of any call.
    pub async fn link(&self, id: &str, name: &str, old: Option<&Link>, new: &Link) -> Result<User> {
        let doing = format!("link user \"{name}\" to the identity {new}");
        // Who else gives this user an identity meanwhile would not know of this one, and write it away.
        let _alone = self.cloud.alone_with(format!("identities of user {id}")).await;
        let user = self.get(id).await?;
        let taken = async || match self.named(&user.domain_id, name).await?.into_iter().find(|it| it.id != id)
        {
            // A user who has the name already shares it at most with display names.
            Some(holder) if user.name != name || user.is_made_by_login() => {
                Err(name_taken(attempt(&doing), "the name is taken".into(), name, Some(holder)))
            }
            _ => Ok(()),
        };
        let held = async || match self.linked(new).await? {
            Some(holder) if holder.id != id => Err(held_by(&doing, new, Some(holder))),
            holder => Ok(holder.is_some()),
        };
        taken().await?;
        let held_already = held().await?;
        let before = self.identities(&user).await?;
        let mut after = before.clone();
        if let Some(old) = old {
            let at = after.iter().position(|it| it == old);
            let at = at.or_else(|| after.iter().position(|it| it.is_like(old)));
            at.map(|at| after.remove(at));
        }
        if !(held_already && after.iter().any(|it| it.is_like(new))) {
            after.push(new.clone());
        }
        let fields = json!({"name": name, "federated": federated(&after)});
        let why = match USERS.patch::<User>(self.cloud, id, fields, doing.clone()).await {
            // Older releases keep `federated` as a mere property.
            Ok(user) => match self.linked(new).await? {
                Some(holder) if holder.id == id => return Ok(user),
                _ => {
                    let why = format!("it is a success, and yet the user does not have the identity {new}");
                    return Err(Error::OddBody { attempt: attempt(&doing).into(), why });
                }
            },
            Err(why) => why,
        };
        // Who is wrong about the request itself is told before anything is dropped.
        if !before.is_empty() && !matches!(why.status(), Some(400 | 404)) && !why.is_cancelled() {
            let fields = json!({"name": user.name, "federated": federated(&before)});
            let doing = format!("put the former identities of user {id} back");
            if let Err(also) = USERS.patch::<User>(self.cloud, id, fields, doing).await {
                return Err(Error::Unlinked { why: why.into(), also: also.into() });
            }
        }
        if why.status() == Some(409) {
            taken().await?;
            held().await?;
        }
        Err(why)
    }

    /// The identities of a user who was read alone, without those that went with their identity provider.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn identities(&self, user: &User) -> Result<Vec<Link>> {
        let mut links = Vec::new();
        for link in user.links() {
            if self.linked(&link).await?.is_some_and(|it| it.id == user.id) {
                links.push(link);
            }
        }
        Ok(links)
    }
}

/// An error about an identity that is another's.
pub(super) fn held_by(doing: &str, link: &Link, holder: Option<User>) -> Error {
    let holder = holder.map(|it| (it.id, it.name));
    Error::Linked(Box::new(LinkedError { doing: doing.to_owned(), identity: link.to_string(), holder }))
}

fn attempt(doing: &str) -> Attempt {
    Attempt {
        doing: doing.to_owned(),
        service: Service::Identity.official().into(),
        method: "PATCH".into(),
        path: "/v3/users/{id}".into(),
        request_id: None,
        repeated: false,
    }
}
