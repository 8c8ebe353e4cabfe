//! What was opened and not closed yet.
//!
//! Terraform (1.11) does not close what something that failed depends on, so that it would stay valid. What is still
//! open when the process ends is closed then.

use std::sync::{Arc, Mutex, OnceLock};

use futures_util::future::join_all;
use tokio::sync::RwLock;
use tokio_util::sync::CancellationToken;

use super::{Configured, Server, lock};
use crate::tf::{Context, DynEphemeral, Provider};

/// One that is open: its type and its private part.
struct One(String, Vec<u8>);

/// All that is open.
#[derive(Default)]
pub(super) struct Open {
    all: Arc<Mutex<Vec<One>>>,
    watched: OnceLock<()>,
    /// See [`Options::unfinished`](crate::tf::plugin::Options::unfinished).
    pub(super) unfinished: Arc<RwLock<()>>,
}

impl Open {
    /// Forgets one that was closed, or that has another private part now.
    pub(super) fn forget(&self, name: &str, private: &[u8]) {
        let mut all = lock(&self.all);
        if let Some(at) = all.iter().position(|it| it.0 == name && it.1 == private) {
            all.swap_remove(at);
        }
    }
}

impl<P: Provider> Server<P> {
    /// Remembers one, to close it at the end unless the host does before.
    pub(super) fn note_open(&self, name: &str, private: &[u8]) {
        lock(&self.open.all).push(One(name.to_owned(), private.to_owned()));
        self.open.watched.get_or_init(|| {
            // Without it the process has ended already.
            let Ok(unfinished) = self.open.unfinished.clone().try_read_owned() else { return };
            let (ending, all, client) = (self.ending.clone(), self.open.all.clone(), self.client.clone());
            let ephemerals = self.ephemerals.clone();
            tokio::spawn(async move {
                ending.cancelled().await;
                let left = std::mem::take(&mut *lock(&all));
                let client = match &*lock(&client) {
                    Configured::Ready(client) => client.clone(),
                    _ => return,
                };
                let closed = left.into_iter().filter_map(|One(name, private)| {
                    Some(close(ephemerals.get(&name)?.clone(), private, client.clone()))
                });
                join_all(closed).await;
                drop(unfinished);
            });
        });
    }
}

async fn close<C: crate::tf::Client>(ephemeral: Arc<dyn DynEphemeral<C>>, private: Vec<u8>, client: C) {
    // Not cancelled by the end: this is what is to be done then.
    let context = Context::new(&client, CancellationToken::new());
    if let Err(why) = ephemeral.close(private, &context).await {
        for it in why.0 {
            tracing::warn!(
                ephemeral = ephemeral.name(),
                summary = it.summary,
                detail = it.detail,
                "left open"
            );
        }
    }
}
