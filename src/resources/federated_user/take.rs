//! Finds a person in Keystone, or makes the user: one way for whoever needs one.

use super::FederatedUser;
use crate::openstack::Error;
use crate::openstack::identity::{NewUser, User, stored_unique_id};
use crate::resources::{Tenancy, diagnostic, refused};
use crate::tf::{Diagnostic, Path, at};

/// A user who is there already.
#[derive(Debug)]
pub enum Found {
    /// The one who has the identity.
    ByIdentity(User),
    /// One who has the name, and not the identity.
    ByName(User),
}

/// A user, and whether it was there before.
#[derive(Debug)]
pub struct Taken {
    /// The user, with name and identity.
    pub user: User,
    /// Whether it was there before.
    pub adopted: bool,
    /// Whether an interrupted run had made it.
    pub left_over: bool,
}

/// Why a user is neither taken nor made.
#[derive(Debug)]
pub enum Refused {
    /// Keystone's word.
    Cloud(Error),
    /// There is one, and it is not to be taken.
    Exists(Found),
    /// The one who has the identity is in another domain.
    Elsewhere(User),
    /// Several have the name, and none the identity.
    Ambiguous(Vec<User>),
}

impl From<Error> for Refused {
    fn from(it: Error) -> Self {
        Refused::Cloud(it)
    }
}

impl Found {
    /// The user.
    pub fn user(&self) -> &User {
        match self {
            Found::ByIdentity(user) | Found::ByName(user) => user,
        }
    }
}

/// Looks for a person: by the identity, wherever, and then by the name in the domain. With `anywhere` the one with the
/// identity may be in another domain.
pub async fn look(new: &NewUser, anywhere: bool, client: &Tenancy) -> Result<Option<Found>, Refused> {
    let users = client.users();
    if let Some(user) = users.linked(&new.link).await? {
        return match anywhere || user.domain_id == new.domain_id {
            true => Ok(Some(Found::ByIdentity(user))),
            false => Err(Refused::Elsewhere(user)),
        };
    }
    let mut named = users.named(&new.domain_id, &new.name).await?;
    match named.len() {
        0 | 1 => Ok(named.pop().map(Found::ByName)),
        _ => Err(Refused::Ambiguous(named)),
    }
}

/// Finds a person or makes the user, with name and identity. What else is asked for, one who was there may lack.
pub async fn take(new: &NewUser, anywhere: bool, adopt: bool, client: &Tenancy) -> Result<Taken, Refused> {
    // Two groups of one tenant often miss the same person.
    let _alone = client.alone_with(format!("user {}", new.link).to_lowercase()).await;
    match attempt(new, anywhere, adopt, client).await {
        // Somebody came in between: a login, or another run.
        Err(Refused::Cloud(Error::Linked(_) | Error::Conflict(_))) if adopt => {
            attempt(new, anywhere, adopt, client).await
        }
        other => other,
    }
}

async fn attempt(new: &NewUser, anywhere: bool, adopt: bool, client: &Tenancy) -> Result<Taken, Refused> {
    let users = client.users();
    let Some(found) = look(new, anywhere, client).await? else {
        let made = users.create(new).await?;
        return Ok(Taken { user: made.object, adopted: false, left_over: made.adopted });
    };
    let left_over = users.is_ours(found.user(), new);
    if !adopt && !left_over {
        return Err(Refused::Exists(found));
    }
    let user = match found {
        // Whom a login made has but a display name, which the next login changes.
        Found::ByIdentity(user) if user.name == new.name && !user.is_made_by_login() => user,
        Found::ByIdentity(user) | Found::ByName(user) => {
            users.link(&user.id, &new.name, None, &new.link).await?
        }
    };
    Ok(Taken { user, adopted: !left_over, left_over })
}

impl Refused {
    /// As Terraform shows it, at the attributes of `tenancy_federated_user`.
    pub fn explain(self, new: &NewUser) -> Diagnostic {
        match self {
            Refused::Cloud(error) => refusal(error, new),
            Refused::Exists(Found::ByIdentity(user)) => Diagnostic::error("The identity exists already")
                .detail(format!(
                    "The identity {} belongs to user \"{}\" ({}) of domain {}, and `on_existing` is \"fail\". Set it to \"adopt\" \
                     to take the user over, or import it.",
                    new.link, user.name, user.id, user.domain_id
                ))
                .at(unique_id(new)),
            Refused::Exists(Found::ByName(user)) => Diagnostic::error("The user exists already")
                .detail(format!(
                    "Domain {} has a user \"{}\" ({}) who does not have the identity {}, and `on_existing` is \"fail\". Set it to \
                     \"adopt\" to give the user this identity, or choose another name.",
                    user.domain_id, user.name, user.id, new.link
                ))
                .at(at!(FederatedUser, name)),
            Refused::Elsewhere(user) => Diagnostic::error("The identity belongs to a user of another domain")
                .detail(format!(
                    "The identity {} belongs to user \"{}\" ({}) of domain {}, and the user is wanted in domain {}. Keystone moves \
                     no user. Leave `domain_id` out or set it to the user's domain; or delete that user first.",
                    new.link, user.name, user.id, user.domain_id, new.domain_id
                ))
                .at(at!(FederatedUser, domain_id)),
            Refused::Ambiguous(users) => {
                let ids: Vec<_> = users.iter().map(|it| it.id.as_str()).collect();
                Diagnostic::error("Several users have the name")
                    .detail(format!(
                        "Domain {} has {} users named \"{}\" ({}): names of users whom logins made are not unique. None has the \
                         identity {}. Import the one that is meant.",
                        new.domain_id,
                        users.len(),
                        new.name,
                        ids.join(", "),
                        new.link
                    ))
                    .at(at!(FederatedUser, name))
            }
        }
    }
}

/// A refusal of Keystone's, at the attribute that caused it.
pub(super) fn refusal(error: Error, new: &NewUser) -> Diagnostic {
    match &error {
        Error::Linked(_) => diagnostic("The identity is taken", error).at(unique_id(new)),
        Error::Unlinked { .. } => diagnostic("The user's identities are lost", error).at(unique_id(new)),
        _ => {
            let text = error.to_string();
            let project = new.rest.default_project_id.as_ref().and_then(Option::as_deref).unwrap_or_default();
            let told = refused("user", "tenancy_federated_user", error, at!(FederatedUser, name));
            match () {
                _ if told.path.is_some() => told,
                _ if text.contains("Could not find federated protocol") => {
                    told.at(at!(FederatedUser, protocol))
                }
                _ if text.contains("Could not find Identity Provider") => {
                    told.at(at!(FederatedUser, identity_provider))
                }
                _ if text.contains("Could not find domain") => told.at(at!(FederatedUser, domain_id)),
                _ if !project.is_empty() && text.contains(project) => {
                    told.at(at!(FederatedUser, default_project_id))
                }
                _ => told,
            }
        }
    }
}

/// Where the unique id is written: in the name, if it is the same.
fn unique_id(new: &NewUser) -> Path {
    match new.link.unique_id == stored_unique_id(&new.name) {
        true => at!(FederatedUser, name).into(),
        false => at!(FederatedUser, unique_id).into(),
    }
}
