//! Users.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::origin::{self, Origin};
use super::{Domain, Link, Made, Object, USERS, links};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::{Attempt, ConflictError, Error, Result};

/// A user as Keystone returns it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "Raw")]
pub struct User {
    /// Its id: 32 hexadecimal digits, or 64 for users of LDAP and those whom a federated login made.
    pub id: String,
    /// Its name. Unique in its domain for users made by API. For those whom a login made it is the display name of that
    /// login: not unique, and another one after the next.
    pub name: String,
    /// Id of the domain it is in.
    pub domain_id: String,
    /// Whether it can log in.
    pub enabled: bool,
    /// Its e-mail address. A federated login writes it too.
    pub email: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Id of the project for logins that name none. Keystone forgets it with the project.
    pub default_project_id: Option<String>,
    /// Its identities at identity providers. `None` in lists: only reading one user tells them.
    pub federated: Option<Vec<Federated>>,
    origin: Option<String>,
}

#[derive(Deserialize)]
struct Raw {
    id: String,
    // Null for a user whom a login made and that lost its identities.
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    domain_id: String,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    default_project_id: Option<String>,
    #[serde(default)]
    federated: Option<Vec<Federated>>,
    #[serde(default, rename = "terraform_tenancy_origin")]
    origin: Option<String>,
}

impl From<Raw> for User {
    fn from(it: Raw) -> Self {
        let Raw { id, name, domain_id, enabled, email, description, default_project_id, federated, origin } =
            it;
        Self {
            id,
            name: name.unwrap_or_default(),
            domain_id,
            enabled,
            email,
            description,
            default_project_id,
            federated,
            origin,
        }
    }
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

impl User {
    /// Whether a federated login seems to have made it: its id is a hash then, and it has no name of its own.
    pub fn is_made_by_login(&self) -> bool {
        self.id.len() == 64
    }

    /// Whom a name means, of those who have it in a domain: one whose own name it is before those whose display name it may
    /// be, and of the former, where case counts, the one who is spelled like that. `Err`: nobody can tell who of these.
    pub fn meant(name: &str, mut all: Vec<User>) -> Result<Option<User>, Vec<User>> {
        if all.iter().any(|it| !it.is_made_by_login()) {
            all.retain(|it| !it.is_made_by_login());
            if let Some(at) = all.iter().position(|it| it.name == name) {
                return Ok(Some(all.swap_remove(at)));
            }
        }
        match all.len() {
            0 | 1 => Ok(all.pop()),
            _ => Err(all),
        }
    }
}

/// What a federated user is made from. It has no password.
#[derive(Clone, Debug, PartialEq)]
pub struct NewUser {
    /// The name.
    pub name: String,
    /// Id of the domain that it is to be in.
    pub domain_id: String,
    /// The identity under which it logs in.
    pub link: Link,
    /// Everything else, as far as it is given. Enabled unless said otherwise.
    pub rest: UserChange,
}

impl NewUser {
    fn fields(&self) -> Value {
        let NewUser { name, domain_id, link, rest } = self;
        let mut fields = rest.fields();
        fields.insert("name".into(), json!(name));
        fields.insert("domain_id".into(), json!(domain_id));
        fields.insert("federated".into(), links::federated(std::slice::from_ref(link)));
        fields.into()
    }
}

/// What is to change of a user. Only what is given is sent. The domain can't change; name and identities change by
/// [`Users::link`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserChange {
    /// Whether it can log in.
    pub enabled: Option<bool>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// Id of the project for logins that name none; `None` for none.
    pub default_project_id: Option<Option<String>>,
}

impl UserChange {
    /// What of it a user does not have yet.
    pub fn unlike(self, user: &User) -> Self {
        let UserChange { enabled, email, description, default_project_id } = self;
        let differs = |new: &String, old: &Option<String>| old.as_deref().unwrap_or_default() != new;
        UserChange {
            enabled: enabled.filter(|it| *it != user.enabled),
            email: email.filter(|it| differs(it, &user.email)),
            description: description.filter(|it| differs(it, &user.description)),
            default_project_id: default_project_id.filter(|it| *it != user.default_project_id),
        }
    }

    fn fields(&self) -> Map<String, Value> {
        let UserChange { enabled, email, description, default_project_id } = self;
        let mut fields = Map::new();
        super::put(&mut fields, "enabled", enabled);
        super::put(&mut fields, "email", email);
        super::put(&mut fields, "description", description);
        super::put(&mut fields, "default_project_id", default_project_id);
        fields
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
    pub(super) cloud: &'a Cloud,
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

    /// The user of that name in a domain, as Keystone matches names: with MariaDB case and accents don't count. See
    /// [`User::meant`].
    ///
    /// # Errors
    /// [`Error::Ambiguous`] if nobody can tell who is meant, and those of any call.
    pub async fn find(&self, domain_id: &str, name: &str) -> Result<Option<User>> {
        User::meant(name, self.named(domain_id, name).await?).map_err(|all| Error::Ambiguous {
            name: name.to_owned(),
            ids: all.into_iter().map(|it| it.id).collect(),
        })
    }

    /// The user of that name in a domain, which must be there.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the names that are near, [`Error::Ambiguous`], and those of any call.
    pub async fn must_find(&self, domain: &Domain, name: &str) -> Result<User> {
        let found = self.find(&domain.id, name).await?;
        USERS.must_be_there(self.cloud, found, domain, name).await
    }

    /// All users of that name in a domain. There may be several, since the names of those whom a login made are not
    /// unique.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn named(&self, domain_id: &str, name: &str) -> Result<Vec<User>> {
        let filter = UserFilter {
            domain_id: Some(domain_id.to_owned()),
            name: Some(name.to_owned()),
            ..Default::default()
        };
        let mut all = self.list(&filter).await?;
        // Keystone 30 lists a user with name and identity twice, and also one whose last login had that display name,
        // whatever its own name is.
        let mut seen = HashSet::new();
        all.retain(|it| are_alike(&it.name, name) && seen.insert(it.id.clone()));
        Ok(all)
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

    /// Creates one with its identity, or takes up what an interrupted run made from the same request.
    ///
    /// Keystone 30 makes the user first and its identity then, and leaves the user behind if another one has the
    /// identity: such a half-made user is removed. Look for the holder by [`Users::linked`] before.
    ///
    /// # Errors
    /// [`Error::Linked`] if another user has the identity, [`Error::Conflict`] if the name is taken, and those of any call.
    pub async fn create(&self, new: &NewUser) -> Result<Made<User>> {
        let NewUser { name, domain_id, link, .. } = new;
        let mut fields = new.fields();
        let origin = Origin::of(&USERS, &fields);
        fields[origin::KEY] = origin.mark();
        let doing = format!("create user \"{name}\" with the identity {link}");
        let call =
            Call::post(Service::Identity, USERS.list, json!({ USERS.one: fields })).doing(doing.clone());
        let made = self.cloud.send(call).await.and_then(|reply| reply.json_of::<User>(USERS.one));
        let why = match made {
            Ok(object) => {
                self.cloud.claim(&object.id);
                return Ok(Made { object, adopted: false });
            }
            Err(why) => why,
        };
        let lost = why.is_reply_lost();
        if !lost && why.status() != Some(409) {
            return Err(why);
        }
        // A request that was cut off may still be at work: look twice.
        let mut looks = if lost { 3 } else { 1 };
        loop {
            looks -= 1;
            let holder = self.linked(link).await?;
            let mut named = self.named(domain_id, name).await?;
            let ours = named.iter().position(|it| self.is_left_over(it, &origin));
            match (holder, ours.map(|at| named.swap_remove(at))) {
                (Some(holder), Some(ours)) if holder.id == ours.id => {
                    return Ok(Made { object: ours, adopted: true });
                }
                (Some(holder), ours) => {
                    if let Some(ours) = ours {
                        self.delete(&ours.id).await?;
                    }
                    return Err(links::held_by(&doing, link, Some(holder)));
                }
                (None, Some(ours)) => {
                    let linked = self.link(&ours.id, name, None, link).await;
                    if linked.is_err() {
                        self.delete(&ours.id).await?;
                    }
                    return Ok(Made { object: linked?, adopted: true });
                }
                (None, None) if looks > 0 => self.cloud.pause(Duration::from_secs(1), &doing).await?,
                (None, None) => match why {
                    Error::Status(it) if !lost => {
                        return Err(name_taken(it.attempt, it.message, name, named.pop()));
                    }
                    why => return Err(why),
                },
            }
        }
    }

    /// Whether an interrupted run made this user from the same request.
    pub fn is_ours(&self, user: &User, new: &NewUser) -> bool {
        self.is_left_over(user, &Origin::of(&USERS, &new.fields()))
    }

    fn is_left_over(&self, user: &User, origin: &Origin) -> bool {
        origin.made(user, jiff::Timestamp::now()) && self.cloud.claim(&user.id)
    }

    /// Changes what is given.
    ///
    /// # Errors
    /// 400 if the default project is a domain; those of any call.
    pub async fn update(&self, id: &str, change: &UserChange) -> Result<User> {
        USERS.patch(self.cloud, id, change.fields().into(), format!("change user {id}")).await
    }

    /// Deletes one, with its memberships and grants. That it was gone already is fine.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn delete(&self, id: &str) -> Result<()> {
        USERS.delete(self.cloud, id).await
    }
}

/// An error about a name that another user has.
pub(super) fn name_taken(attempt: Attempt, message: String, name: &str, holder: Option<User>) -> Error {
    let (holder_id, holder_name) = holder.map(|it| (it.id, it.name)).unzip();
    let name = name.to_owned();
    Error::Conflict(Box::new(ConflictError {
        attempt,
        kind: "user",
        what: "name",
        name,
        holder_id,
        holder_name,
        message,
    }))
}

/// Whether a database may take two names for the same: case does not count on MariaDB, nor do accents. What else Keystone
/// lists for a name is somebody's display name.
fn are_alike(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.chars(), other.chars());
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b || !(a.is_ascii() && b.is_ascii()) || a.eq_ignore_ascii_case(&b) => {
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_who_is_called_so_and_nobody_knows_which_of_two_logins() {
        let user = |id: &str, name: &str| -> User {
            serde_json::from_value(json!({"id": id, "name": name, "domain_id": "d"})).expect("a user")
        };
        let (one, two) = ("a".repeat(64), "b".repeat(64));
        let meant = |all: &[(&str, &str)]| {
            let found = User::meant("jane", all.iter().map(|(id, name)| user(id, name)).collect());
            found.map(|it| it.map(|it| it.id)).map_err(|all| all.len())
        };
        assert_eq!(meant(&[]), Ok(None));
        assert_eq!(meant(&[(&one, "Jane")]), Ok(Some(one.clone())));
        assert_eq!(meant(&[(&one, "jane"), ("api", "Jane"), (&two, "jane")]), Ok(Some("api".into())));
        assert_eq!(meant(&[("other", "Jane"), ("api", "jane")]), Ok(Some("api".into())));
        assert_eq!(meant(&[("other", "Jane"), ("api", "JANE")]), Err(2));
        assert_eq!(meant(&[(&one, "jane"), (&two, "jane")]), Err(2));
    }

    #[test]
    fn names_are_alike_as_for_mariadb() {
        for (one, other, alike) in [
            ("jane@example.org", "Jane@Example.org", true),
            ("zoe", "Zoë", true),
            ("zoe", "zoey", false),
            ("jane", "Jane Doe", false),
            ("", "a", false),
        ] {
            assert_eq!(are_alike(one, other), alike, "{one} {other}");
        }
    }
}
