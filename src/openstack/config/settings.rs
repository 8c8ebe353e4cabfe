//! The settings as they are given, and what each is called in every source.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::{Config, DomainRef};

/// Settings as written inline. All are optional; what is unset comes from the cloud's entry or the environment.
///
/// An empty text counts as unset.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The entry of clouds.yaml to use. Also `OS_CLOUD`.
    pub cloud: Option<String>,
    /// The region to take endpoints from.
    pub region: Option<String>,
    /// `public`, `internal` or `admin`.
    pub interface: Option<String>,
    /// Keystone's URL, with or without `/v3`.
    pub auth_url: Option<String>,
    /// The method of authentication by keystoneauth's name: `v3password`, `v3applicationcredential`, ...
    /// Unset: told by what is given.
    pub auth_type: Option<String>,
    /// Name of the user who logs in.
    pub username: Option<String>,
    /// Id of the user who logs in.
    pub user_id: Option<String>,
    /// Password of the user.
    pub password: Option<SecretString>,
    /// Name of the domain that the user is in.
    pub user_domain_name: Option<String>,
    /// Id of the domain that the user is in.
    pub user_domain_id: Option<String>,
    /// Name of the project to log in to.
    pub project_name: Option<String>,
    /// Id of the project to log in to.
    pub project_id: Option<String>,
    /// Name of the domain that the project is in.
    pub project_domain_name: Option<String>,
    /// Id of the domain that the project is in.
    pub project_domain_id: Option<String>,
    /// Name of the domain to log in to.
    pub domain_name: Option<String>,
    /// Id of the domain to log in to.
    pub domain_id: Option<String>,
    /// Whether to log in to the system.
    pub system_scope: Option<bool>,
    /// The trust to log in with.
    pub trust_id: Option<String>,
    /// A token that exists already.
    pub token: Option<SecretString>,
    /// Id of an application credential.
    pub application_credential_id: Option<String>,
    /// Name of an application credential; needs the user.
    pub application_credential_name: Option<String>,
    /// Secret of an application credential.
    pub application_credential_secret: Option<SecretString>,
    /// One-time passcode (TOTP), alone or with the password.
    pub passcode: Option<SecretString>,
    /// Keystone's id of the identity provider.
    pub identity_provider: Option<String>,
    /// Keystone's id of the federation protocol, such as `openid`.
    pub protocol: Option<String>,
    /// An access token of the identity provider.
    pub access_token: Option<SecretString>,
    /// URL of the identity provider's discovery document.
    pub discovery_endpoint: Option<String>,
    /// URL of the identity provider's token endpoint; makes discovery unnecessary.
    pub access_token_endpoint: Option<String>,
    /// Client id at the identity provider.
    pub client_id: Option<String>,
    /// Client secret at the identity provider.
    pub client_secret: Option<SecretString>,
    /// Scope to ask of the identity provider. Default `openid profile`.
    pub openid_scope: Option<String>,
    /// Certificates to trust, as PEM or the path of a PEM file.
    pub ca_certificate: Option<String>,
    /// Whether certificates are not checked.
    pub insecure: Option<bool>,
    /// Certificate to show, as PEM or the path of a PEM file.
    pub client_certificate: Option<String>,
    /// Key of that certificate, as PEM or the path of a PEM file.
    pub client_key: Option<SecretString>,
    /// URLs that replace the catalog's, by service type or alias.
    pub endpoints: BTreeMap<String, String>,
    /// How long one request may take. Default 60 s.
    pub request_timeout: Option<Duration>,
    /// How often a request is repeated after a passing failure. Default 6.
    pub max_retries: Option<u32>,
    /// How many requests may be under way at once. Default 16.
    pub max_concurrent_requests: Option<u32>,
    /// Id of the domain for everything that names no domain. Default `default`.
    pub default_domain_id: Option<String>,
    /// Name of that domain.
    pub default_domain_name: Option<String>,
}

impl Settings {
    /// Fills in how `main` reaches its cloud, unless these settings lead to a cloud of their own.
    pub(super) fn beside(self, main: &Config) -> Self {
        if self.cloud.is_some() || self.auth_url.is_some() {
            return self;
        }
        let version = if main.version_given { "/v3" } else { "" };
        let keystone = main.keystone.as_str().trim_end_matches('/');
        let (default_domain_id, default_domain_name) = match &main.default_domain {
            DomainRef::Id(id) => (Some(id.clone()), None),
            DomainRef::Name(name) => (None, Some(name.clone())),
        };
        let own = |it: &Option<String>| it.is_some();
        let own_domain = own(&self.default_domain_id) || own(&self.default_domain_name);
        let own_certificate = own(&self.client_certificate) || self.client_key.is_some();
        let shared = main.client_identity.as_ref().filter(|_| !own_certificate);
        let mut endpoints: BTreeMap<_, _> =
            main.endpoints.iter().map(|(kind, url)| (kind.clone(), url.to_string())).collect();
        endpoints.extend(self.endpoints);
        Self {
            auth_url: Some(format!("{keystone}{version}")),
            region: self.region.or_else(|| main.region.clone()),
            interface: self.interface.or_else(|| Some(main.interface.as_str().to_owned())),
            ca_certificate: self.ca_certificate.or_else(|| main.ca_certificate.clone()),
            insecure: self.insecure.or(Some(main.insecure)),
            // One text with both.
            client_certificate: shared.map(|it| it.expose_secret().to_owned()).or(self.client_certificate),
            endpoints,
            request_timeout: self.request_timeout.or(Some(main.request_timeout)),
            max_retries: self.max_retries.or(u32::try_from(main.max_retries).ok()),
            max_concurrent_requests: self
                .max_concurrent_requests
                .or(u32::try_from(main.max_concurrent_requests).ok()),
            default_domain_id: if own_domain { self.default_domain_id } else { default_domain_id },
            default_domain_name: if own_domain { self.default_domain_name } else { default_domain_name },
            ..self
        }
    }
}

/// Settings that are decided together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// A setting of its own.
    Alone,
    /// Who logs in.
    User,
    /// What the token is for.
    Scope,
    /// What proves who logs in.
    Credential,
    /// Client certificate and key.
    Client,
    /// The domain for what names none.
    DefaultDomain,
}

/// One setting: its name here, in the environment and in clouds.yaml.
pub(super) struct Known {
    /// The field of [`Settings`].
    pub name: &'static str,
    pub group: Group,
    /// Variables, the first that is set wins.
    pub variables: &'static [&'static str],
    /// Keys in a cloud's entry, under `auth` or beside it, the first that is set wins.
    pub keys: &'static [&'static str],
}

const fn known(
    name: &'static str,
    group: Group,
    variables: &'static [&'static str],
    keys: &'static [&'static str],
) -> Known {
    Known { name, group, variables, keys }
}

/// All settings that are one value. `tenant` is what projects were called before Keystone v3.
pub(super) const KNOWN: &[Known] = &[
    known("auth_url", Group::Alone, &["OS_AUTH_URL"], &["auth_url"]),
    known("region", Group::Alone, &["OS_REGION_NAME"], &["region_name", "region"]),
    known("interface", Group::Alone, &["OS_INTERFACE", "OS_ENDPOINT_TYPE"], &["interface", "endpoint_type"]),
    known("username", Group::User, &["OS_USERNAME", "OS_USER_NAME"], &["username", "user_name"]),
    known("user_id", Group::User, &["OS_USER_ID"], &["user_id"]),
    known("user_domain_name", Group::User, &["OS_USER_DOMAIN_NAME"], &["user_domain_name"]),
    known("user_domain_id", Group::User, &["OS_USER_DOMAIN_ID"], &["user_domain_id"]),
    known(
        "project_name",
        Group::Scope,
        &["OS_PROJECT_NAME", "OS_TENANT_NAME"],
        &["project_name", "tenant_name"],
    ),
    known("project_id", Group::Scope, &["OS_PROJECT_ID", "OS_TENANT_ID"], &["project_id", "tenant_id"]),
    known("project_domain_name", Group::Scope, &["OS_PROJECT_DOMAIN_NAME"], &["project_domain_name"]),
    known("project_domain_id", Group::Scope, &["OS_PROJECT_DOMAIN_ID"], &["project_domain_id"]),
    known("domain_name", Group::Scope, &["OS_DOMAIN_NAME"], &["domain_name"]),
    known("domain_id", Group::Scope, &["OS_DOMAIN_ID"], &["domain_id"]),
    known("system_scope", Group::Scope, &["OS_SYSTEM_SCOPE"], &["system_scope"]),
    known("trust_id", Group::Scope, &["OS_TRUST_ID"], &["trust_id"]),
    known("password", Group::Credential, &["OS_PASSWORD"], &["password"]),
    known("token", Group::Credential, &["OS_TOKEN", "OS_AUTH_TOKEN"], &["token", "auth_token"]),
    known(
        "application_credential_id",
        Group::Credential,
        &["OS_APPLICATION_CREDENTIAL_ID"],
        &["application_credential_id"],
    ),
    known(
        "application_credential_name",
        Group::Credential,
        &["OS_APPLICATION_CREDENTIAL_NAME"],
        &["application_credential_name"],
    ),
    known(
        "application_credential_secret",
        Group::Credential,
        &["OS_APPLICATION_CREDENTIAL_SECRET"],
        &["application_credential_secret"],
    ),
    known("passcode", Group::Credential, &["OS_PASSCODE"], &["passcode"]),
    known("identity_provider", Group::Credential, &["OS_IDENTITY_PROVIDER"], &["identity_provider"]),
    known("protocol", Group::Credential, &["OS_PROTOCOL"], &["protocol"]),
    known("access_token", Group::Credential, &["OS_ACCESS_TOKEN"], &["access_token"]),
    known("discovery_endpoint", Group::Credential, &["OS_DISCOVERY_ENDPOINT"], &["discovery_endpoint"]),
    known(
        "access_token_endpoint",
        Group::Credential,
        &["OS_ACCESS_TOKEN_ENDPOINT"],
        &["access_token_endpoint"],
    ),
    known("client_id", Group::Credential, &["OS_CLIENT_ID"], &["client_id"]),
    known("client_secret", Group::Credential, &["OS_CLIENT_SECRET"], &["client_secret"]),
    known("openid_scope", Group::Credential, &["OS_OPENID_SCOPE"], &["openid_scope"]),
    known("ca_certificate", Group::Alone, &["OS_CACERT"], &["cacert"]),
    known("insecure", Group::Alone, &["OS_INSECURE"], &["insecure"]),
    known("client_certificate", Group::Client, &["OS_CERT"], &["cert"]),
    known("client_key", Group::Client, &["OS_KEY"], &["key"]),
    known("request_timeout", Group::Alone, &["OS_REQUEST_TIMEOUT"], &["request_timeout", "api_timeout"]),
    known("max_retries", Group::Alone, &["OS_MAX_RETRIES"], &["max_retries"]),
    known(
        "max_concurrent_requests",
        Group::Alone,
        &["OS_MAX_CONCURRENT_REQUESTS"],
        &["max_concurrent_requests"],
    ),
    known("default_domain_id", Group::DefaultDomain, &["OS_DEFAULT_DOMAIN_ID"], &["default_domain_id"]),
    known("default_domain_name", Group::DefaultDomain, &["OS_DEFAULT_DOMAIN_NAME"], &["default_domain_name"]),
];

impl Settings {
    /// The values by name, without `cloud`, `auth_type` and `endpoints`, which have rules of their own.
    pub(super) fn values(self) -> BTreeMap<&'static str, SecretString> {
        // Taken apart exhaustively, so that a new field can't be forgotten.
        let Settings {
            cloud: _,
            auth_type: _,
            endpoints: _,
            region,
            interface,
            auth_url,
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
            request_timeout,
            max_retries,
            max_concurrent_requests,
            default_domain_id,
            default_domain_name,
        } = self;
        let plain = |it: Option<String>| it.map(SecretString::from);
        let number = |it: Option<u32>| it.map(|it| SecretString::from(it.to_string()));
        let truth = |it: Option<bool>| it.map(|it| SecretString::from(it.to_string()));
        let all = [
            ("region", plain(region)),
            ("interface", plain(interface)),
            ("auth_url", plain(auth_url)),
            ("username", plain(username)),
            ("user_id", plain(user_id)),
            ("password", password),
            ("user_domain_name", plain(user_domain_name)),
            ("user_domain_id", plain(user_domain_id)),
            ("project_name", plain(project_name)),
            ("project_id", plain(project_id)),
            ("project_domain_name", plain(project_domain_name)),
            ("project_domain_id", plain(project_domain_id)),
            ("domain_name", plain(domain_name)),
            ("domain_id", plain(domain_id)),
            ("system_scope", truth(system_scope)),
            ("trust_id", plain(trust_id)),
            ("token", token),
            ("application_credential_id", plain(application_credential_id)),
            ("application_credential_name", plain(application_credential_name)),
            ("application_credential_secret", application_credential_secret),
            ("passcode", passcode),
            ("identity_provider", plain(identity_provider)),
            ("protocol", plain(protocol)),
            ("access_token", access_token),
            ("discovery_endpoint", plain(discovery_endpoint)),
            ("access_token_endpoint", plain(access_token_endpoint)),
            ("client_id", plain(client_id)),
            ("client_secret", client_secret),
            ("openid_scope", plain(openid_scope)),
            ("ca_certificate", plain(ca_certificate)),
            ("insecure", truth(insecure)),
            ("client_certificate", plain(client_certificate)),
            ("client_key", client_key),
            (
                "request_timeout",
                request_timeout.map(|it| SecretString::from(format!("{}ms", it.as_millis()))),
            ),
            ("max_retries", number(max_retries)),
            ("max_concurrent_requests", number(max_concurrent_requests)),
            ("default_domain_id", plain(default_domain_id)),
            ("default_domain_name", plain(default_domain_name)),
        ];
        all.into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .filter(|(_, value)| !value.expose_secret().is_empty())
            .collect()
    }
}
