//! Tokens that outlive their closing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    pub fn borrow(&self, token: &str) {
        self.loans().entry(token.to_owned()).or_default().borrowers += 1;
    }

    /// A token is closed. Whether it is to be revoked now: otherwise whoever needs it last does that.
    pub fn close(&self, token: &str) -> bool {
        match self.loans().get_mut(token) {
            Some(loan) => {
                loan.is_closed = true;
                false
            }
            None => true,
        }
    }

    /// A borrower has no more use for a token. Whether it is to be revoked now.
    pub fn give_back(&self, token: &str) -> bool {
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
