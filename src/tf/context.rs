//! What a call of the host's brings with it: the client, a way to warn, and word of cancellation.

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
}

impl<C: Client> Context<C> {
    /// A call that ends early when the token is cancelled.
    pub fn new(client: &C, token: CancellationToken) -> Self {
        Context { client: client.cancelled_by(token), warnings: Mutex::default() }
    }
}

impl<C> Context<C> {
    /// The client.
    pub fn client(&self) -> &C {
        &self.client
    }

    /// Tells the user something that does not stop the call.
    pub fn warn(&self, warning: Diagnostic) {
        self.lock().push(warning);
    }

    /// The warnings so far, once.
    pub(super) fn take_warnings(&self) -> Diagnostics {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Diagnostics> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Deref for Context<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.client
    }
}
