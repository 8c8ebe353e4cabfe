//! Merges the three sources into a [`Config`] and checks it.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::files::{self, Surroundings};
use super::method::Method;
use super::parse::{duration, http_url, not_a_truth, truth};
use super::settings::{Group, Settings};
use super::source::{Source, fail, from_entry, from_environment, from_inline};
use super::{Config, ConfigError, DomainRef, Interface, Origin};
use crate::openstack::auth::{
    ApplicationCredentialRef, Credential, LoginScope, OidcClient, OidcGrant, ProjectRef, TokenEndpoint,
    UserRef,
};
use crate::openstack::catalog::Service;

type Result<T> = std::result::Result<T, ConfigError>;

pub(super) fn config(inline: Settings, around: &Surroundings) -> Result<Config> {
    let empty = |it: &Option<String>| it.as_ref().is_none_or(|it| it.is_empty());
    let named = if !empty(&inline.cloud) {
        inline.cloud.clone().map(|it| (it, Origin::Inline))
    } else {
        around.variable("OS_CLOUD").map(|it| (it.to_owned(), Origin::Variable("OS_CLOUD".into())))
    };
    let wanted_region =
        inline.region.clone().or_else(|| around.variable("OS_REGION_NAME").map(str::to_owned));
    let cloud = named.as_ref().map(|(name, _)| name.clone());

    let mut sources = vec![from_inline(inline)];
    if let Some((name, told)) = named {
        sources.push(from_entry(files::entry(&name, told, around)?, wanted_region.as_deref())?);
    }
    sources.push(from_environment(around));
    Merge { sources, around, cloud }.config()
}

/// The same cloud with another login: what the settings say of user, credential and scope.
pub(super) fn another(config: &Config, inline: Settings) -> Result<Config> {
    let merge = Merge { sources: vec![from_inline(inline)], around: &Surroundings::default(), cloud: None };
    let default = &config.default_domain;
    let credential = match merge.group(Group::Credential) {
        Some(_) => merge.credential(default)?,
        None => (0, config.credential.clone()),
    };
    let scope = match merge.group(Group::Scope) {
        Some(_) => merge.scope(default, &credential)?,
        None => config.scope.clone(),
    };
    Ok(Config { credential: credential.1, scope, ..config.clone() })
}

struct Merge<'a> {
    /// Best first.
    sources: Vec<Source>,
    around: &'a Surroundings,
    cloud: Option<String>,
}

impl Merge<'_> {
    fn config(self) -> Result<Config> {
        let (keystone, version_given) = self.keystone()?;
        let default_domain = self.default_domain();
        let credential = self.credential(&default_domain)?;
        let scope = self.scope(&default_domain, &credential)?;
        Ok(Config {
            keystone,
            version_given,
            scope,
            region: self.alone("region").map(|(it, _)| it),
            interface: self.interface()?,
            endpoints: self.endpoints()?,
            ca_certificate: self.ca_certificate()?,
            insecure: self.insecure()?,
            client_identity: self.client_identity()?,
            request_timeout: self.request_timeout()?,
            max_retries: self.number("max_retries", 6, 0)?,
            max_concurrent_requests: self.number("max_concurrent_requests", 16, 1)?,
            credential: credential.1,
            default_domain,
            cloud: self.cloud,
            first_delay: Duration::from_millis(500),
        })
    }

    fn alone(&self, name: &'static str) -> Option<(String, Origin)> {
        self.sources.iter().find_map(|it| Some((it.text(name)?, it.origin(name))))
    }

    /// The first source that says anything about the group, and its rank.
    fn group(&self, group: Group) -> Option<(usize, &Source)> {
        self.sources.iter().enumerate().find(|(_, it)| it.says(group))
    }

    fn keystone(&self) -> Result<(Url, bool)> {
        let Some((text, origin)) = self.alone("auth_url") else {
            return Err(fail(
                "auth_url",
                Origin::Nowhere,
                "it is missing. Name an entry of clouds.yaml by `cloud` or OS_CLOUD, \
                 or give Keystone's URL by `auth_url` or OS_AUTH_URL",
            ));
        };
        let mut url = http_url(&text).map_err(|why| fail("auth_url", origin, why))?;
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        let (root, version_given) = match path.rsplit_once('/') {
            Some((root, "v3")) => (root.to_owned(), true),
            Some((root, "v2.0")) => (root.to_owned(), false),
            _ => (path, false),
        };
        url.set_path(&root);
        Ok((url, version_given))
    }

    fn default_domain(&self) -> DomainRef {
        match self.group(Group::DefaultDomain) {
            Some((_, source)) => domain(source, "default_domain_id", "default_domain_name"),
            None => None,
        }
        // The domain that Keystone's bootstrap makes, and the command line client's default.
        .unwrap_or_else(|| DomainRef::Id("default".into()))
    }

    fn user(&self, default: &DomainRef) -> Result<UserRef> {
        let Some((_, source)) = self.group(Group::User) else {
            return Err(fail("username", Origin::Nowhere, "it is missing. Give `username` or `user_id`"));
        };
        if let Some(id) = source.text("user_id") {
            return Ok(UserRef::Id(id));
        }
        let name = source.need(Group::User, "username", "the user's domain")?.expose_secret().to_owned();
        let domain = domain(source, "user_domain_id", "user_domain_name").unwrap_or_else(|| default.clone());
        Ok(UserRef::Name { name, domain })
    }

    fn scope(&self, default: &DomainRef, (rank, credential): &(usize, Credential)) -> Result<LoginScope> {
        let Some((from, source)) = self.group(Group::Scope) else { return Ok(LoginScope::Unscoped) };
        let system = match source.text("system_scope") {
            None => false,
            Some(it) if it.eq_ignore_ascii_case("all") => true,
            Some(it) => truth(&it).ok_or_else(|| {
                let why = format!("`{it}` is no system scope. The only one there is is `all`");
                fail("system_scope", source.origin("system_scope"), why)
            })?,
        };
        let mut said: Vec<(&'static str, LoginScope)> = Vec::new();
        if let Some(id) = source.text("project_id") {
            said.push(("project_id", LoginScope::Project(ProjectRef::Id(id))));
        } else if let Some(name) = source.text("project_name") {
            let domain =
                domain(source, "project_domain_id", "project_domain_name").unwrap_or_else(|| default.clone());
            said.push(("project_name", LoginScope::Project(ProjectRef::Name { name, domain })));
        }
        if let Some(domain) = domain(source, "domain_id", "domain_name") {
            let name = if source.has("domain_id") { "domain_id" } else { "domain_name" };
            said.push((name, LoginScope::Domain(domain)));
        }
        if system {
            said.push(("system_scope", LoginScope::System));
        }
        if let Some(id) = source.text("trust_id") {
            said.push(("trust_id", LoginScope::Trust(id)));
        }
        if said.len() > 1 {
            let names: Vec<_> = said.iter().map(|(name, _)| *name).collect();
            let why = format!("a token has one scope, but {} are given together", names.join(" and "));
            return Err(fail(names[1], source.origin(names[1]), why));
        }
        let Some((name, scope)) = said.pop() else { return Ok(LoginScope::Unscoped) };
        if credential.is_bound() {
            // A scope of a weaker source is only what happened to be around.
            if from > *rank {
                return Ok(LoginScope::Unscoped);
            }
            let why = "an application credential is bound to the project it was made for, \
                       and Keystone rejects a login that asks for a scope";
            return Err(fail(name, source.origin(name), why));
        }
        Ok(scope)
    }

    /// The credential, and the rank of the source that gave it.
    fn credential(&self, default: &DomainRef) -> Result<(usize, Credential)> {
        let Some((rank, source)) = self.group(Group::Credential) else {
            return Err(fail(
                "password",
                Origin::Nowhere,
                "no credentials. Give a password, an application credential, a token, \
                 a passcode or those of an identity provider",
            ));
        };
        // A type said by a stronger source, or by this one, binds; a weaker source's type is about its own
        // credential.
        let told = self.sources[..=rank].iter().find_map(|it| it.auth_type.as_ref());
        let method = match told {
            Some((text, origin)) => Method::parse(text).ok_or_else(|| {
                let why = format!("`{text}` is not supported. Supported are {}", Method::names());
                fail("auth_type", origin.clone(), why)
            })?,
            None => Method::guess(source)?,
        };
        let need = |name, what_for| source.need(Group::Credential, name, what_for);
        let credential = match method {
            Method::Password => {
                let password = need("password", "this method of authentication")?;
                Credential::Password { user: self.user(default)?, password }
            }
            Method::Totp => {
                let passcode = need("passcode", "this method of authentication")?;
                Credential::Totp { user: self.user(default)?, passcode }
            }
            Method::MultiFactor => Credential::PasswordAndTotp {
                password: need("password", "multi-factor authentication")?,
                passcode: need("passcode", "multi-factor authentication")?,
                user: self.user(default)?,
            },
            Method::Token => Credential::Token(need("token", "this method of authentication")?),
            Method::ApplicationCredential => {
                let secret = need("application_credential_secret", "an application credential")?;
                let which = match source.text("application_credential_id") {
                    Some(id) => ApplicationCredentialRef::Id(id),
                    None => ApplicationCredentialRef::Name {
                        name: need("application_credential_name", "an application credential without id")?
                            .expose_secret()
                            .to_owned(),
                        user: self.user(default)?,
                    },
                };
                Credential::ApplicationCredential { which, secret }
            }
            Method::OidcClientCredentials | Method::OidcPassword | Method::OidcAccessToken => {
                let plain = |name| -> Result<String> {
                    Ok(need(name, "an identity provider's login")?.expose_secret().to_owned())
                };
                Credential::Oidc {
                    identity_provider: plain("identity_provider")?,
                    protocol: plain("protocol")?,
                    grant: self.grant(method, source)?,
                }
            }
        };
        Ok((rank, credential))
    }

    fn grant(&self, method: Method, source: &Source) -> Result<OidcGrant> {
        let need = |name, what_for| source.need(Group::Credential, name, what_for);
        if method == Method::OidcAccessToken {
            return Ok(OidcGrant::AccessToken(need("access_token", "this method of authentication")?));
        }
        let url = |name: &'static str, text: String| {
            http_url(&text).map_err(|why| fail(name, source.origin(name), why))
        };
        let endpoint = match source.text("access_token_endpoint") {
            Some(text) => TokenEndpoint::Direct(url("access_token_endpoint", text)?),
            None => {
                let text = need("discovery_endpoint", "an identity provider's login")?;
                TokenEndpoint::Discover(url("discovery_endpoint", text.expose_secret().to_owned())?)
            }
        };
        let client = OidcClient {
            id: need("client_id", "an identity provider's login")?.expose_secret().to_owned(),
            secret: source.secret("client_secret"),
            scope: source.text("openid_scope").unwrap_or_else(|| "openid profile".into()),
        };
        if method == Method::OidcClientCredentials {
            need("client_secret", "the client's own login")?;
            return Ok(OidcGrant::ClientCredentials { endpoint, client });
        }
        let username = match self.group(Group::User).and_then(|(_, it)| it.text("username")) {
            Some(name) => name,
            None => {
                let why = "it is missing: the login at the identity provider needs it";
                return Err(fail("username", Origin::Nowhere, why));
            }
        };
        Ok(OidcGrant::Password { endpoint, client, username, password: need("password", "this login")? })
    }

    fn interface(&self) -> Result<Interface> {
        let Some((text, origin)) = self.alone("interface") else { return Ok(Interface::Public) };
        match text.trim_end_matches("URL") {
            "public" => Ok(Interface::Public),
            "internal" => Ok(Interface::Internal),
            "admin" => Ok(Interface::Admin),
            _ => Err(fail(
                "interface",
                origin,
                format!("`{text}` is not one of `public`, `internal`, `admin`"),
            )),
        }
    }

    fn endpoints(&self) -> Result<BTreeMap<String, Url>> {
        let mut all = BTreeMap::new();
        for (kind, text, origin) in self.sources.iter().flat_map(|it| &it.endpoints) {
            let kind = match Service::of_type(kind) {
                Some(service) => service.official().to_owned(),
                None => kind.clone(),
            };
            let url = http_url(text)
                .map_err(|why| fail("endpoints", origin.clone(), format!("the one of {kind}: {why}")))?;
            all.entry(kind).or_insert(url);
        }
        Ok(all)
    }

    /// A PEM text as it is, or the file at that path.
    fn pem(&self, name: &'static str, value: &SecretString, origin: &Origin) -> Result<SecretString> {
        let text = value.expose_secret();
        if text.contains("-----BEGIN") {
            return Ok(value.clone());
        }
        let read = self.around.read(text).map_err(|why| {
            let why =
                format!("`{text}` is no PEM, and there is no file of that name that can be read: {why}");
            fail(name, origin.clone(), why)
        })?;
        if !read.contains("-----BEGIN") {
            return Err(fail(name, origin.clone(), format!("the file `{text}` has no PEM in it")));
        }
        Ok(read.into())
    }

    fn ca_certificate(&self) -> Result<Option<String>> {
        let Some((text, origin)) = self.alone("ca_certificate") else { return Ok(None) };
        let pem = self.pem("ca_certificate", &text.into(), &origin)?.expose_secret().to_owned();
        match reqwest::Certificate::from_pem_bundle(pem.as_bytes()) {
            Ok(all) if !all.is_empty() => Ok(Some(pem)),
            _ => Err(fail("ca_certificate", origin, "there is no certificate in it that can be read")),
        }
    }

    fn client_identity(&self) -> Result<Option<SecretString>> {
        let Some((_, source)) = self.group(Group::Client) else { return Ok(None) };
        let certificate = source.need(Group::Client, "client_certificate", "`client_key`")?;
        let origin = source.origin("client_certificate");
        let certificate = self.pem("client_certificate", &certificate, &origin)?;
        let mut pem = certificate.expose_secret().to_owned();
        if let Some(key) = source.secret("client_key") {
            let key = self.pem("client_key", &key, &source.origin("client_key"))?;
            pem.push('\n');
            pem.push_str(key.expose_secret());
        } else if !pem.contains("PRIVATE KEY-----") {
            let why = "it is missing, and the certificate's file has no key in it";
            return Err(fail("client_key", origin, why));
        }
        if reqwest::Identity::from_pem(pem.as_bytes()).is_err() {
            return Err(fail("client_certificate", origin, "certificate and key can't be read"));
        }
        Ok(Some(pem.into()))
    }

    fn insecure(&self) -> Result<bool> {
        let Some((text, origin)) = self.alone("insecure") else { return Ok(false) };
        truth(&text).ok_or_else(|| fail("insecure", origin, not_a_truth(&text)))
    }

    fn request_timeout(&self) -> Result<Duration> {
        let Some((text, origin)) = self.alone("request_timeout") else { return Ok(Duration::from_secs(60)) };
        match duration(&text) {
            Some(it) if !it.is_zero() => Ok(it),
            _ => Err(fail(
                "request_timeout",
                origin,
                format!("`{text}` is no duration. Write seconds, or `90s`, `2m`, `500ms`"),
            )),
        }
    }

    fn number(&self, name: &'static str, default: usize, least: usize) -> Result<usize> {
        let Some((text, origin)) = self.alone(name) else { return Ok(default) };
        match text.trim().parse() {
            Ok(it) if it >= least => Ok(it),
            _ => Err(fail(name, origin, format!("`{text}` is not a whole number of {least} or more"))),
        }
    }
}

/// The domain that a source names by one of the two settings, the id first.
fn domain(source: &Source, id: &'static str, name: &'static str) -> Option<DomainRef> {
    source.text(id).map(DomainRef::Id).or_else(|| source.text(name).map(DomainRef::Name))
}
