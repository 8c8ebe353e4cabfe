//! What proves who logs in, and what the token is for, as the identity API v3 wants it said.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::config::DomainRef;

/// What proves who logs in. `Debug` shows no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credential {
    /// A user's password.
    Password {
        /// Who.
        user: UserRef,
        /// The password.
        password: SecretString,
    },
    /// A one-time passcode.
    Totp {
        /// Who.
        user: UserRef,
        /// The passcode. It can be used once, so such a login can't be renewed for long.
        passcode: SecretString,
    },
    /// Password and one-time passcode together.
    PasswordAndTotp {
        /// Who.
        user: UserRef,
        /// The password.
        password: SecretString,
        /// The passcode.
        passcode: SecretString,
    },
    /// A token that exists already.
    Token(SecretString),
    /// An application credential. It is bound to its project.
    ApplicationCredential {
        /// Which.
        which: ApplicationCredentialRef,
        /// Its secret.
        secret: SecretString,
    },
    /// An identity provider's token, exchanged at Keystone.
    Oidc {
        /// Keystone's id of the identity provider.
        identity_provider: String,
        /// Keystone's id of the protocol.
        protocol: String,
        /// How to get the identity provider's token.
        grant: OidcGrant,
    },
}

/// How to get a token of the identity provider.
#[derive(Clone, Debug)]
pub enum OidcGrant {
    /// The client logs in for itself.
    ClientCredentials {
        /// Where.
        endpoint: TokenEndpoint,
        /// The client.
        client: OidcClient,
    },
    /// With name and password of a user.
    Password {
        /// Where.
        endpoint: TokenEndpoint,
        /// The client.
        client: OidcClient,
        /// The user's name at the identity provider.
        username: String,
        /// The user's password there.
        password: SecretString,
    },
    /// It was given.
    AccessToken(SecretString),
}

/// A client of an identity provider.
#[derive(Clone, Debug)]
pub struct OidcClient {
    /// Its id.
    pub id: String,
    /// Its secret; public clients have none.
    pub secret: Option<SecretString>,
    /// The scope to ask for: `openid profile`.
    pub scope: String,
}

/// Where an identity provider gives out tokens.
#[derive(Clone, Debug)]
pub enum TokenEndpoint {
    /// As the discovery document says.
    Discover(Url),
    /// Here.
    Direct(Url),
}

/// A user by id, or by name and domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserRef {
    /// By id.
    Id(String),
    /// By name.
    Name {
        /// The name.
        name: String,
        /// The domain it is unique in.
        domain: DomainRef,
    },
}

/// An application credential by id, or by name and user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplicationCredentialRef {
    /// By id.
    Id(String),
    /// By name.
    Name {
        /// The name.
        name: String,
        /// Whose.
        user: UserRef,
    },
}

/// A project by id, or by name and domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProjectRef {
    /// By id.
    Id(String),
    /// By name.
    Name {
        /// The name.
        name: String,
        /// The domain it is unique in.
        domain: DomainRef,
    },
}

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LoginScope {
    /// One project.
    Project(ProjectRef),
    /// One domain.
    Domain(DomainRef),
    /// The whole deployment.
    System,
    /// What a trust allows.
    Trust(String),
    /// Nothing but listing what one could log in to. An application credential brings its own scope.
    Unscoped,
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "user {id}"),
            Self::Name { name, domain } => write!(f, "user \"{name}\" of {domain}"),
        }
    }
}

impl fmt::Display for ProjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "project {id}"),
            Self::Name { name, domain } => write!(f, "project \"{name}\" of {domain}"),
        }
    }
}

impl fmt::Display for LoginScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(it) => it.fmt(f),
            Self::Domain(it) => it.fmt(f),
            Self::System => f.write_str("the system"),
            Self::Trust(id) => write!(f, "trust {id}"),
            Self::Unscoped => f.write_str("no scope"),
        }
    }
}

impl fmt::Display for Credential {
    /// Who, without any secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { user, .. } | Self::Totp { user, .. } | Self::PasswordAndTotp { user, .. } => {
                user.fmt(f)
            }
            Self::Token(_) => f.write_str("the holder of the given token"),
            Self::ApplicationCredential { which: ApplicationCredentialRef::Id(id), .. } => {
                write!(f, "application credential {id}")
            }
            Self::ApplicationCredential { which: ApplicationCredentialRef::Name { name, user }, .. } => {
                write!(f, "application credential \"{name}\" of {user}")
            }
            Self::Oidc { identity_provider, grant, .. } => match grant {
                OidcGrant::ClientCredentials { client, .. } => {
                    write!(f, "client \"{}\" of identity provider \"{identity_provider}\"", client.id)
                }
                OidcGrant::Password { username, .. } => {
                    write!(f, "user \"{username}\" of identity provider \"{identity_provider}\"")
                }
                OidcGrant::AccessToken(_) => {
                    write!(f, "the holder of the access token of identity provider \"{identity_provider}\"")
                }
            },
        }
    }
}

impl Credential {
    /// Whether it is bound to one scope, so that no login for another can be had.
    pub fn is_bound(&self) -> bool {
        matches!(self, Self::ApplicationCredential { .. })
    }

    /// All secrets in it, to be kept out of messages.
    pub(crate) fn secrets(&self) -> Vec<&SecretString> {
        match self {
            Self::Password { password, .. } => vec![password],
            Self::Totp { passcode, .. } => vec![passcode],
            Self::PasswordAndTotp { password, passcode, .. } => vec![password, passcode],
            Self::Token(token) => vec![token],
            Self::ApplicationCredential { secret, .. } => vec![secret],
            Self::Oidc { grant, .. } => match grant {
                OidcGrant::ClientCredentials { client, .. } => client.secret.iter().collect(),
                OidcGrant::Password { client, password, .. } => {
                    client.secret.iter().chain([password]).collect()
                }
                OidcGrant::AccessToken(token) => vec![token],
            },
        }
    }

    /// The `identity` part of a login. `None`: it takes more than one request (a token, OIDC).
    pub(crate) fn identity(&self) -> Option<Value> {
        Some(match self {
            Self::Password { user, password } => {
                json!({"methods": ["password"], "password": {"user": user_body(user, "password", password)}})
            }
            Self::Totp { user, passcode } => {
                json!({"methods": ["totp"], "totp": {"user": user_body(user, "passcode", passcode)}})
            }
            Self::PasswordAndTotp { user, password, passcode } => json!({
                "methods": ["password", "totp"],
                "password": {"user": user_body(user, "password", password)},
                "totp": {"user": user_body(user, "passcode", passcode)},
            }),
            Self::ApplicationCredential { which, secret } => {
                let mut body = json!({"secret": secret.expose_secret()});
                match which {
                    ApplicationCredentialRef::Id(id) => body["id"] = json!(id),
                    ApplicationCredentialRef::Name { name, user } => {
                        body["name"] = json!(name);
                        body["user"] = match user {
                            UserRef::Id(id) => json!({"id": id}),
                            UserRef::Name { name, domain } => {
                                json!({"name": name, "domain": domain_body(domain)})
                            }
                        };
                    }
                }
                json!({"methods": ["application_credential"], "application_credential": body})
            }
            Self::Token(_) | Self::Oidc { .. } => return None,
        })
    }
}

/// The `identity` part of a login with a token.
pub(crate) fn token_identity(token: &SecretString) -> Value {
    json!({"methods": ["token"], "token": {"id": token.expose_secret()}})
}

fn user_body(user: &UserRef, key: &str, secret: &SecretString) -> Value {
    let mut body = match user {
        UserRef::Id(id) => json!({"id": id}),
        UserRef::Name { name, domain } => json!({"name": name, "domain": domain_body(domain)}),
    };
    body[key] = json!(secret.expose_secret());
    body
}

fn domain_body(domain: &DomainRef) -> Value {
    match domain {
        DomainRef::Id(id) => json!({"id": id}),
        DomainRef::Name(name) => json!({"name": name}),
    }
}

impl LoginScope {
    /// The `scope` part of a login, unless there is none.
    pub(crate) fn body(&self) -> Option<Value> {
        Some(match self {
            Self::Project(ProjectRef::Id(id)) => json!({"project": {"id": id}}),
            Self::Project(ProjectRef::Name { name, domain }) => {
                json!({"project": {"name": name, "domain": domain_body(domain)}})
            }
            Self::Domain(domain) => json!({"domain": domain_body(domain)}),
            Self::System => json!({"system": {"all": true}}),
            Self::Trust(id) => json!({"OS-TRUST:trust": {"id": id}}),
            Self::Unscoped => return None,
        })
    }
}
