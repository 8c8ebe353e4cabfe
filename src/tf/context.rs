//! What a call of the host's brings with it: the client, a way to warn, and word of cancellation.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::{Diagnostic, Diagnostics};

/// What a provider block is configured into. Cloning is cheap.
pub trait Client: Clone + Send + Sync + 'static {
    /// The same client for one call of the host's. Once the token is cancelled it starts
    /// nothing new, but finishes what it sent, so that what was made is known.
    fn cancelled_by(&self, token: CancellationToken) -> Self;
}

/// One call of the host's. Gives the client by dereference.
pub struct Context<C> {
    client: C,
    warnings: Mutex<Diagnostics>,
    private: Mutex<Vec<u8>>,
    defers: AtomicBool,
}

impl<C: Client> Context<C> {
    /// A call that ends early when the token is cancelled.
    pub fn new(client: &C, token: CancellationToken) -> Self {
        Self::of(client.cancelled_by(token))
    }
}

impl<C> Context<C> {
    fn of(client: C) -> Self {
        let (warnings, private, defers) = Default::default();
        Context { client, warnings, private, defers }
    }

    /// The client.
    pub fn client(&self) -> &C {
        &self.client
    }

    /// Tells the user something that does not stop the call.
    pub fn warn(&self, warning: Diagnostic) {
        lock(&self.warnings).push(warning);
    }

    /// The document that the host keeps for this object beside its state, and shows nobody. `None` if there is none,
    /// or if it is not of this type.
    ///
    /// A plan sees what the last apply or refresh kept, an apply what its plan kept, a delete the same. A new object,
    /// and one that is imported, has none.
    pub fn private<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&lock(&self.private)).ok()
    }

    /// What the host is to keep from now on, in place of all that it kept. From a plan it is kept once that is
    /// applied; from a create, an update, a read or an import at once, also when the call fails.
    ///
    /// The host keeps it as JSON, in the open: it is no place for a secret.
    pub fn keep_private<T: Serialize>(&self, value: &T) {
        match serde_json::to_vec(value) {
            Ok(document) => *lock(&self.private) = document,
            Err(why) => tracing::error!(%why, "a private document that is no JSON"),
        }
    }

    /// Says in a plan that too much is not known yet for it to tell all. A host that can wait plans this again after the next
    /// apply; any other goes on with what there is.
    pub fn defer(&self) {
        self.defers.store(true, Ordering::Relaxed);
    }

    /// Whether somebody said so.
    pub(super) fn defers(&self) -> bool {
        self.defers.load(Ordering::Relaxed)
    }

    /// The same call, for an object of which the host keeps this.
    pub(super) fn keeping(self, private: Vec<u8>) -> Self {
        Context { private: Mutex::new(private), ..self }
    }

    /// What the host is to keep.
    pub(super) fn take_private(&self) -> Vec<u8> {
        std::mem::take(&mut lock(&self.private))
    }

    /// A part of this call, with warnings and a private document of its own: for an object that is part of another one.
    pub fn part(&self) -> Self
    where
        C: Clone,
    {
        Self::of(self.client.clone())
    }

    /// The warnings so far, once.
    pub fn take_warnings(&self) -> Diagnostics {
        std::mem::take(&mut lock(&self.warnings))
    }
}

/// What is behind a lock. A panic elsewhere leaves it whole: it is only ever replaced or added to.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C> Deref for Context<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.client
    }
}
