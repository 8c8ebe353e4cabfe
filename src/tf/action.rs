//! What an action is: something that is done when it is asked for, and leaves nothing in a state.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use tokio::sync::mpsc::UnboundedSender;

use super::resource::decode;
use super::{Client, Context, Draft, Model, Result, Schema, Value};

/// Something to do. What the user wrote is known when it is done.
pub trait Action: Model {
    /// Name after the provider's prefix.
    const NAME: &'static str;
    /// What the provider block was configured into.
    type Client: Client;

    /// Checks across attributes of a configuration, of which parts may not be known yet.
    fn validate(_config: &Draft<Self>) -> Result<()> {
        Ok(())
    }

    /// Says in a plan what it is going to do: may warn or refuse.
    fn plan(
        _config: &Draft<Self>,
        _client: &Context<Self::Client>,
    ) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Does it. Warnings and errors are told at the end.
    fn invoke(
        self,
        progress: &Progress,
        client: &Context<Self::Client>,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// Tells the user how far an action is.
pub struct Progress(UnboundedSender<String>);

impl Progress {
    /// To a channel.
    pub(super) fn to(channel: UnboundedSender<String>) -> Self {
        Progress(channel)
    }

    /// Says something. That nobody listens any more is no reason to stop.
    pub fn say(&self, text: impl Into<String>) {
        let _ = self.0.send(text.into());
    }
}

/// An [`Action`] whose type the server need not know.
pub trait DynAction<C>: Send + Sync {
    /// See [`Action::NAME`].
    fn name(&self) -> &'static str;
    /// The attributes.
    fn schema(&self) -> &Arc<Schema>;
    /// See [`Action::validate`].
    fn validate(&self, config: Value) -> Result<()>;
    /// See [`Action::plan`].
    fn plan<'a>(&'a self, config: Value, client: &'a Context<C>) -> BoxFuture<'a, Result<()>>;
    /// See [`Action::invoke`].
    fn invoke<'a>(
        &'a self,
        config: Value,
        progress: Progress,
        client: &'a Context<C>,
    ) -> BoxFuture<'a, Result<()>>;
}

/// The one place where static actions become dynamic.
pub struct ErasedAction<A>(OnceLock<Arc<Schema>>, PhantomData<fn() -> A>);

impl<A> Default for ErasedAction<A> {
    fn default() -> Self {
        ErasedAction(OnceLock::new(), PhantomData)
    }
}

impl<A: Action> DynAction<A::Client> for ErasedAction<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn schema(&self) -> &Arc<Schema> {
        self.0.get_or_init(|| Arc::new(A::schema()))
    }

    fn validate(&self, config: Value) -> Result<()> {
        Draft::of(self.schema(), config).map_or(Ok(()), |draft| A::validate(&draft))
    }

    fn plan<'a>(&'a self, config: Value, client: &'a Context<A::Client>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match Draft::of(self.schema(), config) {
                Some(draft) => A::plan(&draft, client).await,
                None => Ok(()),
            }
        })
    }

    fn invoke<'a>(
        &'a self,
        config: Value,
        progress: Progress,
        client: &'a Context<A::Client>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { A::invoke(decode(config)?, &progress, client).await })
    }
}
