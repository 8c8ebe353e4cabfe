//! Who logs in where: the three sources of settings, and their precedence, in one place.
//!
//! Sources, the first wins: what is written **inline**, the entry of **clouds.yaml** that is named (with
//! `secure.yaml` and its profile), and the **`OS_*` variables**.
//!
//! Settings that only make sense together are a group: the scope, the user, the credential, the client
//! certificate. The first source that says anything in a group decides the whole group, so that the `project_id`
//! of a cloud never mixes with a `project_name` written inline.

mod files;
mod method;
mod parse;
mod resolve;
mod settings;
mod source;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

pub use files::Surroundings;
pub use settings::Settings;

use super::auth::{Credential, LoginScope};

/// A validated configuration: everything that a [`Cloud`](super::Cloud) needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Keystone's URL without the version: `https://cloud.example:5000` or `https://cloud.example/identity`.
    pub keystone: Url,
    /// Whether the URL that was given ended in `/v3`. If not, Keystone is asked for its versions first.
    pub version_given: bool,
    /// What proves who logs in.
    pub credential: Credential,
    /// What the token is for.
    pub scope: LoginScope,
    /// The region to take endpoints from. May be unset where the catalog has only one.
    pub region: Option<String>,
    /// The interface to take endpoints from.
    pub interface: Interface,
    /// URLs that replace the catalog's, by official service type.
    pub endpoints: BTreeMap<String, Url>,
    /// Certificates to trust in addition to the system's, as PEM.
    pub ca_certificate: Option<String>,
    /// Whether certificates are not checked at all.
    pub insecure: bool,
    /// Certificate and key to show to the services, as one PEM.
    pub client_identity: Option<SecretString>,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How often a request is repeated after a passing failure.
    pub max_retries: usize,
    /// How many requests may be under way at once.
    pub max_concurrent_requests: usize,
    /// The domain for projects, groups and users that name none, as written: id or name.
    pub default_domain: DomainRef,
    /// The entry of clouds.yaml that was used.
    pub cloud: Option<String>,
    /// The wait before the first repetition; each further one waits twice as long.
    pub(crate) first_delay: Duration,
}

impl Config {
    /// Reads the three sources: these settings, the files and the environment of this process.
    ///
    /// # Errors
    /// The first setting that is wrong or missing.
    pub fn load(inline: Settings) -> Result<Self, ConfigError> {
        Self::from_sources(inline, &Surroundings::of_this_process())
    }

    /// Another account beside `main`: from these settings and the files, without the variables that say who logs in.
    /// If it names neither a cloud nor a Keystone, it is one of the same cloud, and is reached as `main` is.
    ///
    /// # Errors
    /// The first setting that is wrong or missing.
    pub fn beside(main: &Self, inline: Settings) -> Result<Self, ConfigError> {
        resolve::config(inline.beside(main), &Surroundings::of_this_process().without_account())
    }

    /// As [`Config::load`], with files and environment given.
    ///
    /// # Errors
    /// The first setting that is wrong or missing.
    pub fn from_sources(inline: Settings, around: &Surroundings) -> Result<Self, ConfigError> {
        resolve::config(inline, around)
    }

    /// The same cloud with another login. Of the settings only the user, the credential and the scope count; what they
    /// leave out stays as it is.
    ///
    /// # Errors
    /// The first setting that is wrong or missing.
    pub fn with(&self, login: Settings) -> Result<Self, ConfigError> {
        resolve::another(self, login)
    }

    /// The same cloud with a token that exists already, for whatever that is for.
    pub fn with_token(&self, token: SecretString) -> Self {
        Self { credential: Credential::Token(token), scope: LoginScope::Unscoped, ..self.clone() }
    }
}

/// Which of a service's URLs to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interface {
    /// The URL for everyone.
    #[default]
    Public,
    /// The URL on the operators' network.
    Internal,
    /// The URL for administration. Only old clouds still have one of its own.
    Admin,
}

impl Interface {
    /// As it stands in the catalog.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }
}

/// A domain by id or by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DomainRef {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}

impl fmt::Display for DomainRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "domain {id}"),
            Self::Name(name) => write!(f, "domain \"{name}\""),
        }
    }
}

/// Where a setting's value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Written in the configuration that was passed in.
    Inline,
    /// An entry of a clouds.yaml, with its profile and secure.yaml.
    Cloud {
        /// The entry.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// A variable of the environment.
    Variable(String),
    /// Nobody said it.
    Nowhere,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline => write!(f, "given inline"),
            Self::Cloud { name, file } => write!(f, "from cloud `{name}` in {}", file.display()),
            Self::Variable(name) => write!(f, "from the variable {name}"),
            Self::Nowhere => write!(f, "not given"),
        }
    }
}

/// A setting that is wrong or missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{setting}` ({origin}): {why}")]
pub struct ConfigError {
    /// The setting, by its name in [`Settings`].
    pub setting: &'static str,
    /// Where its value came from.
    pub origin: Origin,
    /// What is wrong, and what helps.
    pub why: String,
}

#[cfg(test)]
mod tests;
