//! `ephemeral.tenancy_application_credential`: an application credential, deleted when the run is over.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::token::UNREVOKED;
use super::{auth_url, holder_of, revoke};
use crate::openstack::Cloud;
use crate::openstack::auth::{LoginScope, ProjectRef};
use crate::openstack::error::Error;
use crate::openstack::identity::{self, NewApplicationCredential};
use crate::resources::{Explain, Tenancy, check, diagnostic};
use crate::tf::{Computed, Context, Diagnostic, Draft, Ephemeral, Model, Opened, Path, Result, at};

/// How long it lives if nobody says.
const HOUR: Duration = Duration::from_secs(3600);

/// An application credential that lives as long as the run, and is in no plan and no state.
///
/// It is made for the account of the provider, or for the user whose `token` is given, and is deleted when nothing
/// needs it any more, at the latest when the provider ends. A provider that is killed cannot delete it: it then ends by
/// itself, by default after an hour. A plan makes one of its own.
///
/// Keystone lets no one make an application credential who is logged in with one (unless that is unrestricted), or
/// with a trust. The rules in `access_rules` stay with the user when the application credential is deleted, to be
/// used again: Keystone keeps one of each.
#[derive(Debug, Model)]
pub struct ApplicationCredential {
    /// Name, unique for the user. By default a random one that starts with `tenancy-`.
    #[tf(optional, check(check::not_empty))]
    name: Computed<String>,
    /// What it is for.
    description: Option<String>,
    /// Id of the project that it is for. By default the one that the provider, or the `token`, is for.
    #[tf(optional, check(check::not_empty))]
    project_id: Computed<String>,
    /// Names of the roles that it carries; Keystone adds the roles that these imply. By default all roles that the user
    /// has in the project.
    #[tf(optional, check(some))]
    roles: Computed<BTreeSet<String>>,
    /// How long it lives if it is not deleted before, such as `30m`. By default `1h`.
    #[tf(check(|it| check::duration(it).map(drop)))]
    ttl: Option<String>,
    /// When it ends if it is not deleted before, as an RFC 3339 time, instead of `ttl`.
    #[tf(optional, check(|it| time(it).map(drop)))]
    expires_at: Computed<String>,
    /// Whether it may be used to make and delete further application credentials and trusts.
    #[tf(default = false)]
    unrestricted: bool,
    /// The only calls that it can be used for. Unset: all that the roles allow.
    #[tf(check(some))]
    access_rules: Option<BTreeSet<AccessRule>>,
    /// Token of the user that it is made for, such as one of `tenancy_token`. By default the account of the provider.
    #[tf(sensitive)]
    token: Option<String>,
    /// Id of the application credential.
    id: Computed<String>,
    /// Its secret.
    #[tf(sensitive)]
    secret: Computed<String>,
    /// Id of the user that it is made for.
    user_id: Computed<String>,
    /// URL of Keystone, as the attribute `auth_url` of a provider block takes it.
    auth_url: Computed<String>,
}

/// A call of a service's API.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Model)]
pub struct AccessRule {
    /// Type of the service, such as `compute`.
    service: String,
    /// Method: `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`.
    method: String,
    /// Path, in which `*` stands for one part, `**` for any number of them, and `{name}` for one as well.
    path: String,
}

/// What deletes it.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    id: String,
    user_id: String,
    /// Of the user that it was made for, unless that is the provider's own.
    token: Option<String>,
}

impl Ephemeral for ApplicationCredential {
    const NAME: &'static str = "application_credential";
    type Client = Tenancy;
    type Private = Kept;

    fn validate(config: &Draft<Self>) -> Result<()> {
        if config.is_set(at!(Self, ttl)) && config.is_set(at!(Self, expires_at)) {
            return Err(Diagnostic::error("Both ttl and expires_at are set")
                .detail("Set one of `ttl` and `expires_at`, or none of them.")
                .at(at!(Self, expires_at))
                .into());
        }
        Ok(())
    }

    async fn open(config: Self, client: &Context<Tenancy>) -> Result<Opened<Self, Kept>> {
        const SUMMARY: &str = "Cannot make the application credential";
        let cloud = account(client, config.token.as_deref()).explain(SUMMARY)?;
        let cloud = match config.project_id.as_known() {
            Some(id) => cloud.scoped(LoginScope::Project(ProjectRef::Id(id.clone()))),
            None => cloud,
        };
        let login = cloud.login().await.explain(SUMMARY)?;
        if login.project_id.is_none() {
            return Err(Diagnostic::error("An application credential is for a project")
                .detail("The account is logged in to no project. Say by `project_id` which it is to be for.")
                .at(at!(Self, project_id))
                .into());
        }
        let new = config.new_one()?;
        let made = cloud.application_credentials().create(&login.user_id, &new).await;
        let made = made.map_err(|error| refused(error, &config))?;
        if let Some(token) = &config.token {
            client.lent.borrow(token);
        }
        let user_id = login.user_id.clone();
        let private = Kept { id: made.id.clone(), user_id: user_id.clone(), token: config.token.clone() };
        let identity::ApplicationCredential { id, name, secret, project_id, roles } = made;
        let result = ApplicationCredential {
            name: name.into(),
            project_id: project_id.into(),
            roles: roles.into_iter().map(|it| it.name).collect::<BTreeSet<_>>().into(),
            expires_at: new.expires_at.to_string().into(),
            id: id.into(),
            secret: secret.expose_secret().into(),
            user_id: user_id.into(),
            auth_url: auth_url(client.config()).into(),
            ..config
        };
        Ok(Opened { result, private, renew_at: None })
    }

    async fn close(private: Kept, client: &Context<Tenancy>) -> Result<()> {
        let Kept { id, user_id, token } = private;
        let deleted = match account(client, token.as_deref()) {
            Ok(cloud) => cloud.application_credentials().delete(&user_id, &id).await,
            Err(why) => Err(why),
        };
        let deleted = match deleted {
            // Another provider's token, which that has revoked already. Ours may do: it is an administrator's more often
            // than not.
            Err(why) if token.is_some() => {
                let ours = client.cloud.application_credentials().delete(&user_id, &id).await;
                ours.map_err(|_| why)
            }
            other => other,
        };
        let deleted = deleted.explain("Cannot delete the application credential");
        let revoked = match token.filter(|it| client.lent.give_back(it)) {
            Some(token) => revoke(&client.cloud, &token).await.explain(UNREVOKED),
            None => Ok(()),
        };
        let mut found = deleted.err().unwrap_or_default();
        found.extend(revoked.err().unwrap_or_default());
        found.into_result()
    }
}

/// The account of the provider, or the holder of a token.
fn account(client: &Context<Tenancy>, token: Option<&str>) -> Result<Cloud, Error> {
    match token {
        Some(token) => holder_of(&client.cloud, token),
        None => Ok(client.cloud.clone()),
    }
}

/// What Keystone does not say itself, at what it is about.
fn refused(error: Error, config: &ApplicationCredential) -> Diagnostic {
    let path = match &error {
        Error::Status(it) if it.status == 400 => config.meant(&it.message),
        Error::Status(it) if it.status == 409 => Some(at!(ApplicationCredential, name).into()),
        _ => None,
    };
    let forbidden = error.is_forbidden();
    let mut told = diagnostic("Cannot make the application credential", error);
    if forbidden {
        told.detail.push_str(
            "\n\nWho is logged in with an application credential or a trust makes no application credential. Give the provider \
             a password, or another user's `token` here.",
        );
    }
    Diagnostic { path, ..told }
}

impl ApplicationCredential {
    /// What a refusal is about, if it says so.
    fn meant(&self, message: &str) -> Option<Path> {
        // Keystone 30: "Invalid input for field/attribute method. Value: FETCH. ...", with the last part of the path only;
        // elsewhere, and before: "Invalid input for field 'application_credential/access_rules/0/method': ...".
        let field = message.strip_prefix("Invalid input for field").map(|it| {
            let it = it.strip_prefix("/attribute").unwrap_or(it).trim_start_matches([' ', '\'']);
            it.split([' ', '\'', '.', ':']).next().unwrap_or_default()
        });
        let is = |name: &str| field.is_some_and(|it| it.split('/').any(|part| part == name));
        let end = message.starts_with("The 'expires_at'");
        match () {
            () if ["access_rules", "service", "method", "path"].into_iter().any(is) => {
                Some(at!(Self, access_rules).into())
            }
            () if is("roles") || message.starts_with("Invalid application credential") => {
                Some(at!(Self, roles).into())
            }
            // Roles have names as well.
            () if is("name") && self.roles.as_known().is_none() => Some(at!(Self, name).into()),
            () if end && self.expires_at.as_known().is_some() => Some(at!(Self, expires_at).into()),
            () if end && self.ttl.is_some() => Some(at!(Self, ttl).into()),
            () => None,
        }
    }

    fn new_one(&self) -> Result<NewApplicationCredential> {
        let ends = match (&self.expires_at, &self.ttl) {
            (Computed::Known(text), _) => time(text).map_err(|why| (why, at!(Self, expires_at).into())),
            (_, Some(text)) => {
                check::duration(text).map_err(|why| (why, at!(Self, ttl).into())).map(from_now)
            }
            _ => Ok(from_now(HOUR)),
        };
        let invalid = |(why, path): (String, Path)| Diagnostic::error("Invalid end").detail(why).at(path);
        let rule = |it: &AccessRule| {
            let AccessRule { service, method, path } = it;
            identity::AccessRule { service: service.clone(), method: method.clone(), path: path.clone() }
        };
        Ok(NewApplicationCredential {
            name: self.name.as_known().cloned().unwrap_or_else(random_name),
            description: self.description.clone(),
            roles: self.roles.as_known().into_iter().flatten().cloned().collect(),
            expires_at: ends.map_err(invalid)?,
            unrestricted: self.unrestricted,
            access_rules: self.access_rules.iter().flatten().map(rule).collect(),
        })
    }
}

fn from_now(lifetime: Duration) -> Timestamp {
    Timestamp::now().checked_add(lifetime).unwrap_or(Timestamp::MAX)
}

fn random_name() -> String {
    // The standard library seeds each of these with random numbers of the system's.
    format!("tenancy-{:016x}", RandomState::new().build_hasher().finish())
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| format!("Expected a time such as \"2026-11-22T12:00:00Z\"; got \"{text}\"."))
}

/// Keystone takes an empty list for no restriction at all.
fn some<T>(all: &BTreeSet<T>) -> Result<(), String> {
    if all.is_empty() {
        Err("Expected one at least. Leave it out to restrict nothing.".to_owned())
    } else {
        Ok(())
    }
}
