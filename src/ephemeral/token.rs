//! `ephemeral.tenancy_token`: a token of Keystone's, revoked when the run is over.

use std::time::{Duration, SystemTime};

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::{auth_url, holder_of, revoke};
use crate::openstack::{Login, Settings};
use crate::resources::{Explain, Tenancy, capitalized, check, diagnostic};
use crate::tf::{Computed, Context, Diagnostic, Draft, Ephemeral, Model, Opened, Path, Renewed, Result, at};

/// What is told of a token that stays valid.
pub(super) const UNREVOKED: &str = "Cannot revoke the token";

/// How long before its end it is said that a token ends.
const NOTICE: Duration = Duration::from_secs(60);

/// A token of Keystone's that lives as long as the run, and is in no plan and no state.
///
/// By default the account of the provider logs in once more; with `oidc` it is someone known to an identity provider,
/// whose access token is exchanged at Keystone. The token is a new one in any case. It is revoked when nothing needs it
/// any more, at the latest when the provider ends, and with it all tokens that were exchanged for it.
///
/// A provider that is itself given a `token` exchanges that for another, which ends when the given one does; Keystone can
/// be set to exchange no token that has a scope. An application credential is bound to its project: no other scope can
/// be had with it.
///
/// Keystone prolongs no token. A minute before it ends a run that still goes on is warned; what needs the token after
/// that fails. How long tokens live is Keystone's setting.
#[derive(Debug, Model)]
pub struct Token {
    /// Login with OpenID Connect, instead of the credentials of the provider.
    oidc: Option<Oidc>,
    /// Id of the project that the token is for. By default the token is for what the provider is logged in to: a
    /// project, a domain or the system.
    #[tf(optional, check(check::not_empty))]
    project_id: Computed<Option<String>>,
    /// Name of the project that the token is for, instead of `project_id`.
    #[tf(optional, check(check::not_empty))]
    project_name: Computed<Option<String>>,
    /// Id of the domain of the project that is named by `project_name`. By default the provider's default domain.
    project_domain_id: Option<String>,
    /// Name of that domain, instead of `project_domain_id`.
    project_domain_name: Option<String>,
    /// Id of the domain that the token is for.
    #[tf(optional, check(check::not_empty))]
    domain_id: Computed<Option<String>>,
    /// Name of the domain that the token is for, instead of `domain_id`.
    #[tf(check(check::not_empty))]
    domain_name: Option<String>,
    /// Whether the token is for the system.
    #[tf(optional)]
    system: Computed<bool>,
    /// The token, as the attribute `token` of a provider block and the header `X-Auth-Token` take it.
    #[tf(sensitive)]
    token: Computed<String>,
    /// When the token ends, as an RFC 3339 time in UTC.
    expires_at: Computed<String>,
    /// Id of the user whose token it is.
    user_id: Computed<String>,
    /// Name of that user.
    user_name: Computed<String>,
    /// Names of the roles that the token carries.
    roles: Computed<Vec<String>>,
    /// URL of Keystone, as the attribute `auth_url` of a provider block takes it.
    auth_url: Computed<String>,
}

/// A login at an identity provider.
#[derive(Debug, Model)]
pub struct Oidc {
    /// Keystone's id of the identity provider.
    #[tf(check(check::not_empty))]
    identity_provider: String,
    /// Keystone's id of the federation protocol, such as `openid`.
    #[tf(check(check::not_empty))]
    protocol: String,
    /// Access token of the identity provider. Without it, one is asked for with `client_id`.
    #[tf(sensitive)]
    access_token: Option<String>,
    /// URL of the identity provider's discovery document.
    discovery_endpoint: Option<String>,
    /// URL of the identity provider's token endpoint, instead of `discovery_endpoint`.
    access_token_endpoint: Option<String>,
    /// Client id at the identity provider.
    client_id: Option<String>,
    /// Client secret at the identity provider. A public client has none.
    #[tf(sensitive)]
    client_secret: Option<String>,
    /// Name of the user at the identity provider. Unset: the client logs in for itself.
    username: Option<String>,
    /// Password of that user.
    #[tf(sensitive)]
    password: Option<String>,
    /// Scope to ask of the identity provider. By default `openid profile`.
    openid_scope: Option<String>,
}

/// What revokes it.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    token: String,
}

impl Ephemeral for Token {
    const NAME: &'static str = "token";
    type Client = Tenancy;
    type Private = Kept;

    fn validate(config: &Draft<Self>) -> Result<()> {
        let project = config.is_set(at!(Self, project_id)) || config.is_set(at!(Self, project_name));
        let domain = config.is_set(at!(Self, domain_id)) || config.is_set(at!(Self, domain_name));
        let system = config.get(at!(Self, system))?.and_then(Computed::known) == Some(true);
        if [project, domain, system].into_iter().filter(|it| *it).count() > 1 {
            return Err(Diagnostic::error("A token has one scope")
                .detail("Set one of a project, a domain and `system`, or none of them.")
                .at(if system { at!(Self, system).into() } else { Path::from(at!(Self, domain_id)) })
                .into());
        }
        config.object(at!(Self, oidc)).map_or(Ok(()), |oidc| proof(&oidc))
    }

    async fn open(config: Self, client: &Context<Tenancy>) -> Result<Opened<Self, Kept>> {
        let own = client.config();
        let other = own.with(config.settings()).map_err(|why| {
            let path = Path::root();
            let path = match why.setting {
                "system_scope" => path.attribute("system"),
                it if it.starts_with("project_") || it.starts_with("domain_") => path.attribute(it),
                it => path.attribute("oidc").attribute(it),
            };
            Diagnostic::error("Cannot get a token").detail(format!("{}.", capitalized(&why.why))).at(path)
        })?;
        let login = match client.another(other) {
            Ok(cloud) => cloud.separate_login().await,
            Err(why) => Err(why),
        };
        let login = match &config.oidc {
            Some(_) => login.explain_at("Cannot get a token", at!(Self, oidc))?,
            None => login.explain("Cannot get a token")?,
        };
        let end = login.expires_at.parse::<jiff::Timestamp>().ok().map(SystemTime::from);
        Ok(Opened {
            private: Kept { token: login.token().expose_secret().to_owned() },
            renew_at: end.and_then(|it| it.checked_sub(NOTICE)),
            result: Token { auth_url: auth_url(own).into(), ..config.with(&login) },
        })
    }

    async fn renew(private: Kept, client: &Context<Tenancy>) -> Result<Renewed<Kept>> {
        let login = match holder_of(&client.cloud, private.token.as_str()) {
            Ok(holder) => holder.login().await,
            Err(why) => Err(why),
        };
        match login {
            Ok(login) => {
                client.warn(Diagnostic::warning("The token is about to end").detail(format!(
                    "It ends at {}, and Keystone prolongs no token. What needs it after that fails. Let fewer objects \
                     depend on it, or have Keystone's administrator let tokens live longer.",
                    login.expires_at
                )));
                Ok(Renewed { private, renew_at: None })
            }
            Err(why) => Err(diagnostic("The token cannot be used any more", why).into()),
        }
    }

    async fn close(private: Kept, client: &Context<Tenancy>) -> Result<()> {
        if client.lent.close(&private.token) {
            revoke(&client.cloud, &private.token).await.explain(UNREVOKED)?;
        }
        Ok(())
    }
}

/// The identity provider wants an access token, or a client with or without a user.
fn proof(oidc: &Draft<Oidc>) -> Result<()> {
    let fail = |name: &'static str, detail: &str| {
        let path = Path::root().attribute("oidc").attribute(name);
        Err(Diagnostic::error("Incomplete login at the identity provider").detail(detail).at(path).into())
    };
    let [access, client] = [oidc.is_set(at!(Oidc, access_token)), oidc.is_set(at!(Oidc, client_id))];
    let [discovery, endpoint] =
        [oidc.is_set(at!(Oidc, discovery_endpoint)), oidc.is_set(at!(Oidc, access_token_endpoint))];
    let [user, password] = [oidc.is_set(at!(Oidc, username)), oidc.is_set(at!(Oidc, password))];
    if access == client {
        return fail("access_token", "Set exactly one of `access_token` and `client_id`.");
    }
    if client && discovery == endpoint {
        return fail(
            "discovery_endpoint",
            "With `client_id`, set exactly one of `discovery_endpoint` and `access_token_endpoint`.",
        );
    }
    if user != password {
        return fail("username", "Set both of `username` and `password`, or neither.");
    }
    if client && !user && !oidc.is_set(at!(Oidc, client_secret)) {
        return fail("client_secret", "A client that logs in for itself needs its `client_secret`.");
    }
    Ok(())
}

impl Token {
    /// What is to be another than in the provider block.
    fn settings(&self) -> Settings {
        let Token {
            oidc,
            project_id,
            project_name,
            project_domain_id,
            project_domain_name,
            domain_id,
            domain_name,
            system,
            token: _,
            expires_at: _,
            user_id: _,
            user_name: _,
            roles: _,
            auth_url: _,
        } = self;
        let scope = Settings {
            project_id: project_id.as_known().cloned().flatten(),
            project_name: project_name.as_known().cloned().flatten(),
            project_domain_id: project_domain_id.clone(),
            project_domain_name: project_domain_name.clone(),
            domain_id: domain_id.as_known().cloned().flatten(),
            domain_name: domain_name.clone(),
            system_scope: system.as_known().copied().filter(|it| *it),
            ..Default::default()
        };
        let Some(oidc) = oidc else { return scope };
        let Oidc {
            identity_provider,
            protocol,
            access_token,
            discovery_endpoint,
            access_token_endpoint,
            client_id,
            client_secret,
            username,
            password,
            openid_scope,
        } = oidc;
        let secret = |it: &Option<String>| it.as_deref().map(Into::into);
        Settings {
            identity_provider: Some(identity_provider.clone()),
            protocol: Some(protocol.clone()),
            access_token: secret(access_token),
            discovery_endpoint: discovery_endpoint.clone(),
            access_token_endpoint: access_token_endpoint.clone(),
            client_id: client_id.clone(),
            client_secret: secret(client_secret),
            username: username.clone(),
            password: secret(password),
            openid_scope: openid_scope.clone(),
            ..scope
        }
    }

    fn with(self, login: &Login) -> Self {
        Token {
            project_id: login.project_id.clone().into(),
            project_name: login.project_name.clone().into(),
            domain_id: login.domain_id.clone().into(),
            system: login.is_system.into(),
            token: login.token().expose_secret().into(),
            expires_at: login.expires_at.clone().into(),
            user_id: login.user_id.clone().into(),
            user_name: login.user_name.clone().into(),
            roles: login.roles.clone().into(),
            ..self
        }
    }
}
