//! What exists for as long as a run takes: one file per ephemeral resource.

pub mod application_credential;
pub mod token;

use secrecy::SecretString;

use crate::openstack::error::Result;
use crate::openstack::{Cloud, Config};

/// Keystone's URL as a provider block takes it.
fn auth_url(config: &Config) -> String {
    format!("{}/v3", config.keystone.as_str().trim_end_matches('/'))
}

/// Revokes a token that nobody needs any more.
async fn revoke(cloud: &Cloud, token: &str) -> Result<()> {
    holder_of(cloud, token)?.log_out().await
}

/// The same cloud, as the holder of a token sees it.
fn holder_of(cloud: &Cloud, token: impl Into<SecretString>) -> Result<Cloud> {
    cloud.another(cloud.config().with_token(token.into()))
}
