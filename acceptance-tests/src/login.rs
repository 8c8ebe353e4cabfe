//! People who log in through an identity provider, as a browser or a command line client does for them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cloud::{Cloud, Reply};

/// The OpenID Connect provider, and the Keystone that trusts it.
#[derive(Clone, Debug)]
pub struct Federation {
    /// The issuer. Every path below it is an issuer of its own.
    pub issuer: String,
    /// URL of the Keystone that checks access tokens.
    pub keystone: String,
    /// Keystone's own name at the provider, and its secret.
    pub client: (String, String),
}

/// Somebody who logs in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The issuer: `${oidc}` or, since a remote id belongs to one identity provider only, a path below it.
    pub issuer: String,
    /// Who it is: anybody. This is the claim `sub`.
    pub user: String,
    /// What the issuer says of the user besides. Keystone finds it as `HTTP_OIDC_` and the name in capitals, a list
    /// with semicolons in between. Names have no `_`, because a claim is a header on its way, and web servers drop such:
    /// Keystone reads a `-` as one.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// ID of the identity provider in Keystone.
    pub identity_provider: String,
    /// ID of the protocol in Keystone.
    #[serde(default = "openid")]
    pub protocol: String,
    /// What the token is for, as Keystone's API writes it: `project: { id: ... }`. Without it: for nothing.
    pub scope: Option<Value>,
}

fn openid() -> String {
    "openid".to_owned()
}

impl Cloud {
    /// Gives the token, or the refusal of whoever refused: the issuer, Keystone when it meets the user, or Keystone when
    /// it is asked for the scope. And what must never be seen.
    pub fn log_in(&self, login: &Login) -> Result<(Reply, Vec<String>)> {
        let federation = self.federation.as_ref().context("the cloud has no OpenID Connect provider")?;
        let (name, secret) = &federation.client;
        let password = format!("pw-{}", login.user);
        let issuer = login.issuer.replacen("://", &format!("://{name}:{secret}@"), 1);
        let claims = Value::Object(login.claims.clone()).to_string();
        let form = [
            ("grant_type", "password"),
            ("scope", "openid"),
            ("username", &login.user),
            ("password", &password),
            ("extra_claims", &claims),
        ];
        let issued = Reply::from(self.agent.post(format!("{issuer}/token")).send_form(form)?)?;
        let mut secrets = vec![password];
        let Some(token) = issued.body["access_token"].as_str() else { return Ok((issued, secrets)) };
        secrets.push(token.to_owned());

        let Login { identity_provider, protocol, .. } = login;
        let url = format!(
            "{}/OS-FEDERATION/identity_providers/{identity_provider}/protocols/{protocol}/auth",
            federation.keystone
        );
        let bearer = BTreeMap::from([("authorization".to_owned(), format!("Bearer {token}"))]);
        let unscoped = self.send("GET", &url, None, &bearer, None)?;
        let Some(token) = unscoped.headers.get("x-subject-token") else { return Ok((unscoped, secrets)) };
        secrets.push(token.clone());
        let Some(scope) = &login.scope else { return Ok((unscoped, secrets)) };

        let identity = json!({"methods": ["token"], "token": {"id": token}});
        let body = json!({"auth": {"identity": identity, "scope": scope}});
        let url = format!("{}/auth/tokens?nocatalog", self.keystone);
        let scoped = self.send("POST", &url, None, &BTreeMap::new(), Some(&body))?;
        secrets.extend(scoped.headers.get("x-subject-token").cloned());
        Ok((scoped, secrets))
    }
}
