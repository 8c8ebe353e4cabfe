//! What an ephemeral resource is.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::resource::decode;
use super::{Client, Context, Diagnostic, Draft, Model, Result, Schema, Value};

/// Something that exists for as long as a run needs it: opened, kept open, closed; never in a plan or a state.
///
/// What the user wrote is known when it is opened, and is answered as it was written. Everything else that
/// [`Ephemeral::open`] answers is known.
pub trait Ephemeral: Model {
    /// Name after the provider's prefix.
    const NAME: &'static str;
    /// What the provider block was configured into.
    type Client: Client;
    /// What is needed to keep it open and to close it. The host keeps it in memory only, and shows nobody.
    type Private: Serialize + DeserializeOwned + Send + Sync;

    /// Checks across attributes of a configuration, of which parts may not be known yet.
    fn validate(_config: &Draft<Self>) -> Result<()> {
        Ok(())
    }

    /// Opens it. An error must leave nothing open: the host does not close what it did not get.
    fn open(
        config: Self,
        client: &Context<Self::Client>,
    ) -> impl Future<Output = Result<Opened<Self, Self::Private>>> + Send;

    /// Keeps it open, when the time has come that was told last. What was opened stays the value it is: only the next
    /// time and the private part can be new.
    fn renew(
        private: Self::Private,
        _client: &Context<Self::Client>,
    ) -> impl Future<Output = Result<Renewed<Self::Private>>> + Send {
        async { Ok(Renewed { private, renew_at: None }) }
    }

    /// Closes it; that it is gone already is no error. What a host leaves open is closed when the process ends: there
    /// are some seconds left then, and nobody to tell.
    fn close(
        private: Self::Private,
        client: &Context<Self::Client>,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// What was opened.
#[derive(Debug)]
pub struct Opened<E, P> {
    /// The value.
    pub result: E,
    /// What is needed to keep it open and to close it.
    pub private: P,
    /// When it has to be renewed. `None`: never.
    pub renew_at: Option<SystemTime>,
}

/// What was renewed.
#[derive(Debug)]
pub struct Renewed<P> {
    /// What is needed from now on.
    pub private: P,
    /// When it has to be renewed again. `None`: never.
    pub renew_at: Option<SystemTime>,
}

/// An [`Ephemeral`] whose type the server need not know.
pub trait DynEphemeral<C>: Send + Sync {
    /// See [`Ephemeral::NAME`].
    fn name(&self) -> &'static str;
    /// The attributes.
    fn schema(&self) -> &Arc<Schema>;
    /// See [`Ephemeral::validate`].
    fn validate(&self, config: Value) -> Result<()>;
    /// See [`Ephemeral::open`].
    fn open<'a>(
        &'a self,
        config: Value,
        client: &'a Context<C>,
    ) -> BoxFuture<'a, Result<Opened<Value, Vec<u8>>>>;
    /// See [`Ephemeral::renew`].
    fn renew<'a>(
        &'a self,
        private: Vec<u8>,
        client: &'a Context<C>,
    ) -> BoxFuture<'a, Result<Renewed<Vec<u8>>>>;
    /// See [`Ephemeral::close`].
    fn close<'a>(&'a self, private: Vec<u8>, client: &'a Context<C>) -> BoxFuture<'a, Result<()>>;
}

/// The one place where static ephemeral resources become dynamic.
pub struct ErasedEphemeral<E>(OnceLock<Arc<Schema>>, PhantomData<fn() -> E>);

impl<E> Default for ErasedEphemeral<E> {
    fn default() -> Self {
        ErasedEphemeral(OnceLock::new(), PhantomData)
    }
}

/// The words of serde's error may quote a secret, so they are not passed on.
fn unreadable(_: serde_json::Error) -> Diagnostic {
    Diagnostic::error("Unexpected private data").detail(
        "What the host kept of this ephemeral resource is not what the provider gave it. This is a bug.",
    )
}

impl<E: Ephemeral> DynEphemeral<E::Client> for ErasedEphemeral<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn schema(&self) -> &Arc<Schema> {
        self.0.get_or_init(|| Arc::new(E::schema()))
    }

    fn validate(&self, config: Value) -> Result<()> {
        Draft::of(self.schema(), config).map_or(Ok(()), |draft| E::validate(&draft))
    }

    fn open<'a>(
        &'a self,
        config: Value,
        client: &'a Context<E::Client>,
    ) -> BoxFuture<'a, Result<Opened<Value, Vec<u8>>>> {
        Box::pin(async move {
            let Opened { result, private, renew_at } = E::open(decode(config.clone())?, client).await?;
            Ok(Opened {
                result: completed(&config, Value::Object(result.encode())),
                private: serde_json::to_vec(&private).map_err(unreadable)?,
                renew_at,
            })
        })
    }

    fn renew<'a>(
        &'a self,
        private: Vec<u8>,
        client: &'a Context<E::Client>,
    ) -> BoxFuture<'a, Result<Renewed<Vec<u8>>>> {
        Box::pin(async move {
            let private = serde_json::from_slice(&private).map_err(unreadable)?;
            let Renewed { private, renew_at } = E::renew(private, client).await?;
            Ok(Renewed { private: serde_json::to_vec(&private).map_err(unreadable)?, renew_at })
        })
    }

    fn close<'a>(&'a self, private: Vec<u8>, client: &'a Context<E::Client>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { E::close(serde_json::from_slice(&private).map_err(unreadable)?, client).await })
    }
}

/// The configuration as it was written, what it leaves out taken from what was opened. Nothing is left unknown.
fn completed(config: &Value, opened: Value) -> Value {
    match (config, opened) {
        (Value::Object(config), Value::Object(opened)) => Value::Object(
            config.iter().zip(opened).map(|(config, opened)| completed(config, opened)).collect(),
        ),
        (Value::Null, opened) => opened.settled(),
        (config, _) => config.clone(),
    }
}
