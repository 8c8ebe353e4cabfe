//! The account that a provider block logs in with: its attributes, and what is wrong with them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::openstack::config::Origin;
use crate::openstack::{self, Cloud, Config, Error, Settings};
use crate::resources::{check, diagnostic};
use crate::tf::{Diagnostic, Diagnostics, Model, Path, Result, at};

/// An account, and where it logs in.
#[derive(Model)]
pub struct Account {
    /// Entry of `clouds.yaml` to use, with what `secure.yaml` and profiles add. Also `OS_CLOUD`.
    pub cloud: Option<String>,
    /// Region whose endpoints are used. Also `OS_REGION_NAME`.
    pub region: Option<String>,
    /// Interface whose endpoints are used: `public` (the default), `internal` or `admin`. Also `OS_INTERFACE`.
    pub interface: Option<String>,
    /// URL of Keystone, such as `https://cloud.example:5000/v3`. Also `OS_AUTH_URL`.
    pub auth_url: Option<String>,
    /// Method of authentication by its name in keystoneauth (`v3password`, `v3applicationcredential`,
    /// `v3oidcclientcredentials` ...). By default told by the credentials that are given. Also `OS_AUTH_TYPE`.
    pub auth_type: Option<String>,
    /// Name of the user. Also `OS_USERNAME`.
    pub username: Option<String>,
    /// Id of the user. Also `OS_USER_ID`.
    pub user_id: Option<String>,
    /// Password of the user. Also `OS_PASSWORD`.
    #[tf(sensitive)]
    pub password: Option<String>,
    /// Name of the user's domain. Also `OS_USER_DOMAIN_NAME`.
    pub user_domain_name: Option<String>,
    /// Id of the user's domain. Also `OS_USER_DOMAIN_ID`.
    pub user_domain_id: Option<String>,
    /// Name of the project to log in to. Also `OS_PROJECT_NAME`.
    pub project_name: Option<String>,
    /// Id of the project to log in to. Also `OS_PROJECT_ID`.
    pub project_id: Option<String>,
    /// Name of that project's domain. Also `OS_PROJECT_DOMAIN_NAME`.
    pub project_domain_name: Option<String>,
    /// Id of that project's domain. Also `OS_PROJECT_DOMAIN_ID`.
    pub project_domain_id: Option<String>,
    /// Name of the domain to log in to, for a domain-scoped token. Also `OS_DOMAIN_NAME`.
    pub domain_name: Option<String>,
    /// Id of the domain to log in to, for a domain-scoped token. Also `OS_DOMAIN_ID`.
    pub domain_id: Option<String>,
    /// Whether to log in to the system. Also `OS_SYSTEM_SCOPE=all`.
    pub system_scope: Option<bool>,
    /// Id of a trust to log in with. Also `OS_TRUST_ID`.
    pub trust_id: Option<String>,
    /// A token that exists already. It cannot be renewed when it expires. Also `OS_TOKEN`.
    #[tf(sensitive)]
    pub token: Option<String>,
    /// Id of an application credential. Also `OS_APPLICATION_CREDENTIAL_ID`.
    pub application_credential_id: Option<String>,
    /// Name of an application credential; needs the user as well. Also `OS_APPLICATION_CREDENTIAL_NAME`.
    pub application_credential_name: Option<String>,
    /// Secret of the application credential. Also `OS_APPLICATION_CREDENTIAL_SECRET`.
    #[tf(sensitive)]
    pub application_credential_secret: Option<String>,
    /// One-time passcode (TOTP), alone or with the password. Also `OS_PASSCODE`.
    #[tf(sensitive)]
    pub passcode: Option<String>,
    /// Keystone's id of the identity provider, for OpenID Connect. Also `OS_IDENTITY_PROVIDER`.
    pub identity_provider: Option<String>,
    /// Keystone's id of the federation protocol, for OpenID Connect. Also `OS_PROTOCOL`.
    pub protocol: Option<String>,
    /// Access token of the identity provider. Also `OS_ACCESS_TOKEN`.
    #[tf(sensitive)]
    pub access_token: Option<String>,
    /// URL of the identity provider's discovery document. Also `OS_DISCOVERY_ENDPOINT`.
    pub discovery_endpoint: Option<String>,
    /// URL of the identity provider's token endpoint, instead of discovery. Also `OS_ACCESS_TOKEN_ENDPOINT`.
    pub access_token_endpoint: Option<String>,
    /// Client id at the identity provider. Also `OS_CLIENT_ID`.
    pub client_id: Option<String>,
    /// Client secret at the identity provider. Also `OS_CLIENT_SECRET`.
    #[tf(sensitive)]
    pub client_secret: Option<String>,
    /// Scope to ask of the identity provider. By default `openid profile`. Also `OS_OPENID_SCOPE`.
    pub openid_scope: Option<String>,
    /// Certificates to trust besides the system's, as PEM or as the path of a PEM file. Also `OS_CACERT`.
    pub ca_certificate: Option<String>,
    /// Whether the services' certificates are left unchecked. Anyone on the network can then read the
    /// credentials. Also `OS_INSECURE`.
    pub insecure: Option<bool>,
    /// Certificate to show to the services, as PEM or as the path of a PEM file. Also `OS_CERT`.
    pub client_certificate: Option<String>,
    /// Key of that certificate, as PEM or as the path of a PEM file. Also `OS_KEY`.
    #[tf(sensitive)]
    pub client_key: Option<String>,
    /// URLs that replace the catalog's, by service type or alias.
    pub endpoints: Option<BTreeMap<String, String>>,
    /// How long one request may take, such as `90s`. By default `60s`.
    pub request_timeout: Option<String>,
    /// How often a request is repeated after a passing failure (429, 502, 503, 504, a lost connection). By default 6.
    #[tf(check(not_negative))]
    pub max_retries: Option<i64>,
    /// How many requests this provider has under way at once. By default 16.
    #[tf(check(positive))]
    pub max_concurrent_requests: Option<i64>,
    /// Id of the domain for whatever names no domain. By default `default`.
    pub default_domain_id: Option<String>,
}

fn not_negative(it: &i64) -> std::result::Result<(), String> {
    u32::try_from(*it).map(drop).map_err(|_| format!("Expected 0 or more; got {it}."))
}

fn positive(it: &i64) -> std::result::Result<(), String> {
    if *it < 1 { Err(format!("Expected 1 or more; got {it}.")) } else { not_negative(it) }
}

/// The client's settings. Taken apart exhaustively, so that a new attribute can't be forgotten. `within` is where the
/// account is written.
fn taken_apart(account: Account, within: &Path) -> Result<Settings> {
    let Account {
        cloud,
        region,
        interface,
        auth_url,
        auth_type,
        username,
        user_id,
        password,
        user_domain_name,
        user_domain_id,
        project_name,
        project_id,
        project_domain_name,
        project_domain_id,
        domain_name,
        domain_id,
        system_scope,
        trust_id,
        token,
        application_credential_id,
        application_credential_name,
        application_credential_secret,
        passcode,
        identity_provider,
        protocol,
        access_token,
        discovery_endpoint,
        access_token_endpoint,
        client_id,
        client_secret,
        openid_scope,
        ca_certificate,
        insecure,
        client_certificate,
        client_key,
        endpoints,
        request_timeout,
        max_retries,
        max_concurrent_requests,
        default_domain_id,
    } = account;
    // Both are checked when the configuration is validated.
    let count = |it: i64| u32::try_from(it).unwrap_or(u32::MAX);
    Ok(Settings {
        cloud,
        region,
        interface,
        auth_url,
        auth_type,
        username,
        user_id,
        password: password.map(Into::into),
        user_domain_name,
        user_domain_id,
        project_name,
        project_id,
        project_domain_name,
        project_domain_id,
        domain_name,
        domain_id,
        system_scope,
        trust_id,
        token: token.map(Into::into),
        application_credential_id,
        application_credential_name,
        application_credential_secret: application_credential_secret.map(Into::into),
        passcode: passcode.map(Into::into),
        identity_provider,
        protocol,
        access_token: access_token.map(Into::into),
        discovery_endpoint,
        access_token_endpoint,
        client_id,
        client_secret: client_secret.map(Into::into),
        openid_scope,
        ca_certificate,
        insecure,
        client_certificate,
        client_key: client_key.map(Into::into),
        endpoints: endpoints.unwrap_or_default(),
        request_timeout: request_timeout.map(|it| duration(&it, within)).transpose()?,
        max_retries: max_retries.map(count),
        max_concurrent_requests: max_concurrent_requests.map(count),
        default_domain_id,
        default_domain_name: None,
    })
}

fn duration(text: &str, within: &Path) -> Result<Duration> {
    check::duration(text).map_err(|why| {
        let at = Path::from(at!(Account, request_timeout)).below(within.clone());
        Diagnostic::error("Invalid request timeout").detail(why).at(at).into()
    })
}

/// Which attributes the account has, so that an error points at the one that caused it.
struct Given {
    names: Vec<&'static str>,
    within: Path,
}

impl Account {
    /// Logs in. `beside` is the provider's own cloud, for another account of it; `within` is where this one is
    /// written.
    pub(super) async fn log_in(
        self,
        beside: Option<&Cloud>,
        within: &Path,
        warnings: &mut Diagnostics,
    ) -> Result<Cloud> {
        let given = Given::of(&self, within);
        let told = |error: Error| given.explain(error);
        let settings = taken_apart(self, within)?;
        let config = match beside {
            Some(cloud) => Config::beside(cloud.config(), settings),
            None => Config::load(settings),
        };
        let config = config.map_err(|error| told(error.into()))?;
        let insecure = config.insecure;
        let cloud = Cloud::new(config).map_err(told)?;
        // Once is enough where one account has it from the other.
        if insecure && !beside.is_some_and(|it| it.config().insecure) {
            warnings.push(
                Diagnostic::warning("Certificates are not checked")
                    .detail(
                        "`insecure` is on: whoever is on the network path can read the credentials and change the \
                         answers. Name the authority in `ca_certificate` instead.",
                    )
                    .at(given.path("insecure")),
            );
        }
        cloud.login().await.map_err(told)?;
        Ok(cloud)
    }
}

impl Given {
    fn of(config: &Account, within: &Path) -> Self {
        let given = [
            ("application_credential_secret", config.application_credential_secret.is_some()),
            ("token", config.token.is_some()),
            ("access_token", config.access_token.is_some()),
            ("client_secret", config.client_secret.is_some()),
            ("passcode", config.passcode.is_some()),
            ("password", config.password.is_some()),
            ("auth_url", config.auth_url.is_some()),
            ("ca_certificate", config.ca_certificate.is_some()),
            ("cloud", config.cloud.is_some()),
        ];
        let names = given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect();
        Given { names, within: within.clone() }
    }

    /// The first of these that was given.
    fn first(&self, names: &[&'static str]) -> Option<Path> {
        names.iter().find(|name| self.names.contains(name)).map(|name| self.path(name))
    }

    fn path(&self, name: &'static str) -> Path {
        self.within.clone().attribute(name)
    }

    fn explain(&self, error: Error) -> Diagnostics {
        const CREDENTIALS: &[&str] = &[
            "application_credential_secret",
            "token",
            "access_token",
            "client_secret",
            "passcode",
            "password",
            "cloud",
        ];
        let path = match &error {
            Error::Config(it) => match &it.origin {
                Origin::Inline | Origin::Nowhere => Some(self.path(it.setting)),
                Origin::Cloud { .. } => self.first(&["cloud"]),
                Origin::Variable(_) => None,
            },
            Error::Login(_) | Error::TokenExpired { .. } => self.first(CREDENTIALS),
            Error::Unreachable(it) if it.cause == openstack::error::Unreachable::Certificate => {
                self.first(&["ca_certificate", "auth_url", "cloud"])
            }
            _ => self.first(&["auth_url", "cloud"]),
        };
        let told = diagnostic("Cannot use the cloud", error);
        match path {
            Some(path) => told.at(path).into(),
            None => told.into(),
        }
    }
}
