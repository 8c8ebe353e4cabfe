//! What exists for as long as a run takes: one file per ephemeral resource.

pub mod application_credential;
pub mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;

use crate::openstack::error::Result;
use crate::openstack::{Cloud, Config};

/// Tokens of ours that something was made with which takes them to be deleted as well.
///
/// Terraform (1.16) closes what refers to each other at the same time, so a token may be closed before what was made with
/// it. Who needs it last revokes it then.
#[derive(Clone, Default)]
pub struct Lent(Arc<Mutex<HashMap<String, Loan>>>);

#[derive(Default)]
struct Loan {
    borrowers: usize,
    /// It was closed meanwhile.
    is_closed: bool,
}

impl Lent {
    /// Keeps a token from being revoked.
    fn borrow(&self, token: &str) {
        self.loans().entry(token.to_owned()).or_default().borrowers += 1;
    }

    /// A token is closed. Whether it is to be revoked now: otherwise whoever needs it last does that.
    fn close(&self, token: &str) -> bool {
        match self.loans().get_mut(token) {
            Some(loan) => {
                loan.is_closed = true;
                false
            }
            None => true,
        }
    }

    /// A borrower has no more use for a token. Whether it is to be revoked now.
    fn give_back(&self, token: &str) -> bool {
        let mut loans = self.loans();
        let Some(loan) = loans.get_mut(token) else { return false };
        loan.borrowers = loan.borrowers.saturating_sub(1);
        if loan.borrowers > 0 {
            return false;
        }
        loans.remove(token).is_some_and(|it| it.is_closed)
    }

    fn loans(&self) -> MutexGuard<'_, HashMap<String, Loan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
