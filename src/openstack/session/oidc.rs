//! Tokens of an identity provider (OpenID Connect), to be exchanged at Keystone.

use reqwest::Method;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::{Authenticator, Rejection};
use crate::openstack::auth::{OidcClient, OidcGrant, TokenEndpoint};
use crate::openstack::error::{Error, Result};
use crate::openstack::transport::Payload;

#[derive(Deserialize)]
struct Discovery {
    token_endpoint: String,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

/// The access token that a grant gives.
pub(super) async fn access_token(with: &Authenticator<'_>, grant: &OidcGrant) -> Result<SecretString> {
    let (endpoint, client, mut form) = match grant {
        OidcGrant::AccessToken(token) => return Ok(token.clone()),
        OidcGrant::ClientCredentials { endpoint, client } => {
            (endpoint, client, vec![("grant_type", SecretString::from("client_credentials"))])
        }
        OidcGrant::Password { endpoint, client, username, password } => (
            endpoint,
            client,
            vec![
                ("grant_type", SecretString::from("password")),
                ("username", username.as_str().into()),
                ("password", password.clone()),
            ],
        ),
    };
    form.push(("scope", client.scope.as_str().into()));
    let url = match endpoint {
        TokenEndpoint::Direct(url) => url.clone(),
        TokenEndpoint::Discover(url) => discover(with, url).await?,
    };
    let mut headers = HeaderMap::new();
    match basic(client) {
        Some(basic) => {
            headers.insert("authorization", with.header(&basic)?);
        }
        // A public client only says who it is.
        None => form.push(("client_id", client.id.as_str().into())),
    }
    let reply = with.send(Method::POST, url.clone(), "oidc", headers, Payload::Form(&form)).await?;
    if !reply.status.is_success() {
        let error = with.shared.transport.error(reply);
        return Err(match error {
            Error::Status(it) if matches!(it.status, 400 | 401 | 403) => {
                let rejection = Rejection { url: Some(url.to_string()), ..Rejection::of(&it) };
                with.rejected(&format!("the identity provider says: {}", it.message), &rejection)
            }
            other => other,
        });
    }
    // The parser's words could quote the token, so they aren't passed on.
    match serde_json::from_slice::<Granted>(&reply.body) {
        Ok(it) => Ok(it.access_token.into()),
        Err(_) => Err(reply.odd("it has no access token")),
    }
}

async fn discover(with: &Authenticator<'_>, url: &Url) -> Result<Url> {
    let reply = with.send(Method::GET, url.clone(), "oidc", HeaderMap::new(), Payload::None).await?;
    let reply = with.shared.transport.good(reply)?;
    let endpoint = reply.json::<Discovery>()?.token_endpoint;
    Url::parse(&endpoint).map_err(|why| reply.odd(format!("its `token_endpoint` is no URL: {why}")))
}

/// The client's id and secret as HTTP's basic authentication, encoded as RFC 6749, section 2.3.1 wants it.
fn basic(client: &OidcClient) -> Option<SecretString> {
    use base64::Engine;
    let encode = |it: &str| url::form_urlencoded::byte_serialize(it.as_bytes()).collect::<String>();
    let secret = client.secret.as_ref()?;
    let pair = format!("{}:{}", encode(&client.id), encode(secret.expose_secret()));
    Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)).into())
}
