//! Which method of authentication is meant.

use super::ConfigError;
use super::settings::KNOWN;
use super::source::{Source, fail};

type Result<T> = std::result::Result<T, ConfigError>;

/// The methods of authentication, by keystoneauth's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Password,
    Token,
    ApplicationCredential,
    Totp,
    MultiFactor,
    OidcClientCredentials,
    OidcPassword,
    OidcAccessToken,
}

impl Method {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Password, "v3password"),
        (Self::Token, "v3token"),
        (Self::ApplicationCredential, "v3applicationcredential"),
        (Self::Totp, "v3totp"),
        (Self::MultiFactor, "v3multifactor"),
        (Self::OidcClientCredentials, "v3oidcclientcredentials"),
        (Self::OidcPassword, "v3oidcpassword"),
        (Self::OidcAccessToken, "v3oidcaccesstoken"),
    ];

    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase().replace(['_', '-'], "");
        let text = text.strip_prefix("v3").unwrap_or(&text);
        Self::ALL.iter().find(|(_, name)| name[2..] == *text).map(|(it, _)| *it)
    }

    pub fn names() -> String {
        Self::ALL.map(|(_, name)| name).join(", ")
    }

    /// From what is given. Two kinds of proof in one place are not guessed at.
    pub fn guess(source: &Source) -> Result<Self> {
        let application = KNOWN
            .iter()
            .map(|it| it.name)
            .find(|it| it.starts_with("application_credential") && source.has(it));
        let password = source.has("password").then_some("password");
        let token = source.has("token").then_some("token");
        let access = source.has("access_token").then_some("access_token");
        let proofs: Vec<_> = [application, access, token, password].into_iter().flatten().collect();
        if let [first, second, ..] = proofs[..] {
            let why = format!("{first} and {second} are given together. Say by `auth_type` which to use");
            return Err(fail(second, source.origin(second), why));
        }
        let federated = source.has("identity_provider");
        Ok(if application.is_some() {
            Self::ApplicationCredential
        } else if access.is_some() {
            Self::OidcAccessToken
        } else if token.is_some() {
            Self::Token
        } else if federated {
            if password.is_some() { Self::OidcPassword } else { Self::OidcClientCredentials }
        } else if source.has("passcode") {
            if password.is_some() { Self::MultiFactor } else { Self::Totp }
        } else {
            Self::Password
        })
    }
}
