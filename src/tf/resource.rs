//! What a managed resource is.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;

use super::{
    Change, Client, Context, Diagnostic, Diagnostics, Draft, Fields, Mismatch, Model, Path, Result, Schema,
    Value,
};

/// One kind of managed object: a struct of its attributes, and how to make, find, change and remove one.
///
/// The server has checked, defaulted and planned before it calls any of these, so what a user wrote is
/// always known; only a `Computed` may still be unknown.
pub trait Resource: Model + Clone {
    /// Name after the provider's prefix.
    const NAME: &'static str;
    /// Version of the state's schema. See CONTRIBUTING.md for when it goes up.
    const VERSION: i64 = 0;
    /// What the provider block was configured into.
    type Client: Client;
    /// What finds the object again: its resource identity, its import id and the argument of `read`.
    type Id: Identity;

    /// The identity. `None` as long as it is not known.
    fn id(&self) -> Option<Self::Id>;

    /// Checks across attributes of a configuration, of which parts may not be known yet.
    fn validate(_config: &Draft<Self>) -> Result<()> {
        Ok(())
    }

    /// Has a last look at a plan: may fill in, warn or refuse. The client is missing while the provider's
    /// own configuration is not known.
    fn plan(
        _change: &mut Change<Self>,
        _client: Option<&Context<Self::Client>>,
    ) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Makes the object. Once it exists, an error must come with its state: see [`Failure`].
    fn create(plan: Self, client: &Context<Self::Client>) -> impl Future<Output = Outcome<Self>> + Send;

    /// The object as it is now; `None` once it is gone. Refresh and import both end here: `last` is the last
    /// state, and `None` on import. It says which values are managed, and how they were written.
    fn read(
        id: Self::Id,
        last: Option<Self>,
        client: &Context<Self::Client>,
    ) -> impl Future<Output = Result<Option<Self>>> + Send;

    /// Changes the object.
    fn update(
        from: Self,
        to: Self,
        client: &Context<Self::Client>,
    ) -> impl Future<Output = Outcome<Self>> + Send;

    /// Removes the object; that it is gone already is no error.
    fn delete(state: Self, client: &Context<Self::Client>) -> impl Future<Output = Result<()>> + Send;

    /// Finds what a user named on import. Takes the identity's own text form unless the resource knows more.
    fn find(text: &str, _client: &Context<Self::Client>) -> impl Future<Output = Result<Self::Id>> + Send {
        async { Self::Id::parse(text) }
    }
}

/// The new state, or what went wrong and the state that leaves behind.
pub type Outcome<S> = Result<S, Failure<S>>;

/// Why a change stopped.
///
/// With a `state`, the object exists in that state. After a create the server then turns the errors into
/// warnings: an error would make Terraform replace the object, where the next plan can complete it.
#[derive(Debug)]
pub struct Failure<S> {
    /// What is there all the same.
    pub state: Option<S>,
    /// What went wrong.
    pub diagnostics: Diagnostics,
}

impl<S, E: Into<Diagnostics>> From<E> for Failure<S> {
    fn from(error: E) -> Self {
        Failure { state: None, diagnostics: error.into() }
    }
}

/// Adds the state an object is in to the failure of a later step.
pub trait After<T> {
    /// Fails with this state.
    fn after<S: Clone>(self, state: &S) -> Result<T, Failure<S>>;
}

impl<T, E: Into<Diagnostics>> After<T> for Result<T, E> {
    fn after<S: Clone>(self, state: &S) -> Result<T, Failure<S>> {
        self.map_err(|error| Failure { state: Some(state.clone()), diagnostics: error.into() })
    }
}

/// What finds an object: one string, or a struct of several.
pub trait Identity: Sized + Send {
    /// Its attributes.
    fn schema() -> Schema;
    /// From an identity that a user or a state gave.
    fn decode(value: Value) -> Result<Self, Mismatch>;
    /// To the identity that goes into the state.
    fn encode(self) -> Value;
    /// From the text of an import.
    fn parse(text: &str) -> Result<Self>;
}

/// Most objects have one id and no more.
impl Identity for String {
    fn schema() -> Schema {
        Schema::new("The object's id.").attribute(super::attribute::<String>("id", "Id of the object."))
    }

    fn decode(value: Value) -> Result<Self, Mismatch> {
        Fields::of(value)?.take("id")
    }

    fn encode(self) -> Value {
        Value::Object(vec![self.as_str().into()])
    }

    fn parse(text: &str) -> Result<Self> {
        Ok(text.to_owned())
    }
}

/// A state and the identity of what is in it.
pub(super) struct Known {
    pub state: Value,
    pub identity: Option<Value>,
}

impl<R: Resource> From<R> for Known {
    fn from(it: R) -> Self {
        let identity = it.id().map(Identity::encode);
        Known { state: Value::Object(it.encode()), identity }
    }
}

/// A plan hook's arguments and answer, erased.
pub(super) struct ErasedChange {
    pub prior: Value,
    pub planned: Value,
    pub config: Value,
    pub replace: Vec<Path>,
}

/// A [`Resource`] whose type the server need not know.
pub trait DynResource<C>: Send + Sync {
    /// See [`Resource::NAME`].
    fn name(&self) -> &'static str;
    /// See [`Resource::VERSION`].
    fn version(&self) -> i64;
    /// The attributes.
    fn schema(&self) -> &Arc<Schema>;
    /// The attributes of the identity.
    fn identity(&self) -> Schema;
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn calls(&self) -> &dyn Calls<C>;
}

/// The calls of a [`DynResource`], which only the server makes.
pub(super) trait Calls<C>: Send + Sync {
    fn validate(&self, config: Value) -> Result<()>;
    fn plan<'a>(
        &'a self,
        change: ErasedChange,
        client: Option<&'a Context<C>>,
    ) -> BoxFuture<'a, Result<ErasedChange>>;
    fn create<'a>(&'a self, plan: Value, client: &'a Context<C>) -> BoxFuture<'a, Outcome<Known>>;
    fn read<'a>(&'a self, state: Value, client: &'a Context<C>) -> BoxFuture<'a, Result<Option<Known>>>;
    fn update<'a>(&'a self, from: Value, to: Value, client: &'a Context<C>) -> BoxFuture<'a, Outcome<Known>>;
    fn delete<'a>(&'a self, state: Value, client: &'a Context<C>) -> BoxFuture<'a, Result<()>>;
    fn import<'a>(&'a self, what: Wanted, client: &'a Context<C>) -> BoxFuture<'a, Result<Known>>;
}

/// What an import asks for.
pub(super) enum Wanted {
    Text(String),
    Identity(Value),
}

/// The one place where static resources become dynamic.
pub struct Erased<R>(OnceLock<Arc<Schema>>, PhantomData<fn() -> R>);

impl<R> Default for Erased<R> {
    fn default() -> Self {
        Erased(OnceLock::new(), PhantomData)
    }
}

/// A bug of the host or of the provider, told with the attribute.
pub(super) fn mismatch(it: Mismatch) -> Diagnostics {
    let detail = format!("This is a bug in the provider or in Terraform: {it}.");
    Diagnostic::error("Unexpected value").detail(detail).at(it.path).into()
}

pub(super) fn decode<M: Model>(value: Value) -> Result<M> {
    Fields::of(value).and_then(M::decode).map_err(mismatch)
}

fn erase<R: Resource>(outcome: Outcome<R>) -> Outcome<Known> {
    outcome
        .map(Known::from)
        .map_err(|Failure { state, diagnostics }| Failure { state: state.map(Known::from), diagnostics })
}

impl<R: Resource> DynResource<R::Client> for Erased<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn version(&self) -> i64 {
        R::VERSION
    }

    fn schema(&self) -> &Arc<Schema> {
        self.0.get_or_init(|| Arc::new(R::schema()))
    }

    fn identity(&self) -> Schema {
        R::Id::schema()
    }

    #[allow(private_interfaces)]
    fn calls(&self) -> &dyn Calls<R::Client> {
        self
    }
}

impl<R: Resource> Calls<R::Client> for Erased<R> {
    fn validate(&self, config: Value) -> Result<()> {
        Draft::of(self.schema(), config).map_or(Ok(()), |draft| R::validate(&draft))
    }

    fn plan<'a>(
        &'a self,
        change: ErasedChange,
        client: Option<&'a Context<R::Client>>,
    ) -> BoxFuture<'a, Result<ErasedChange>> {
        Box::pin(async move {
            let ErasedChange { prior, planned, config, replace } = change;
            let typed = if prior.is_null() { None } else { Some(decode(prior.clone())?) };
            let schema = self.schema();
            let (planned, config) = (Draft::of(schema, planned), Draft::of(schema, config));
            let mut change = Change { prior: typed, planned, config, replace };
            R::plan(&mut change, client).await?;
            let value = |draft: Option<Draft<R>>| draft.map_or(Value::Null, Draft::into_value);
            Ok(ErasedChange {
                prior,
                planned: value(change.planned),
                config: value(change.config),
                replace: change.replace,
            })
        })
    }

    fn create<'a>(&'a self, plan: Value, client: &'a Context<R::Client>) -> BoxFuture<'a, Outcome<Known>> {
        Box::pin(async move { erase(R::create(decode(plan)?, client).await) })
    }

    fn read<'a>(
        &'a self,
        state: Value,
        client: &'a Context<R::Client>,
    ) -> BoxFuture<'a, Result<Option<Known>>> {
        Box::pin(async move {
            let last: R = decode(state)?;
            let Some(id) = last.id() else {
                return Err(Diagnostic::error("The state has no id")
                    .detail("The state does not say which object this is. Remove it with `terraform state rm` and import it.")
                    .into());
            };
            Ok(R::read(id, Some(last), client).await?.map(Known::from))
        })
    }

    fn update<'a>(
        &'a self,
        from: Value,
        to: Value,
        client: &'a Context<R::Client>,
    ) -> BoxFuture<'a, Outcome<Known>> {
        Box::pin(async move { erase(R::update(decode(from)?, decode(to)?, client).await) })
    }

    fn delete<'a>(&'a self, state: Value, client: &'a Context<R::Client>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { R::delete(decode(state)?, client).await })
    }

    fn import<'a>(&'a self, what: Wanted, client: &'a Context<R::Client>) -> BoxFuture<'a, Result<Known>> {
        Box::pin(async move {
            let (id, text) = match what {
                Wanted::Text(text) => (R::find(&text, client).await?, format!("\"{text}\"")),
                Wanted::Identity(value) => {
                    (R::Id::decode(value).map_err(mismatch)?, "this identity".to_owned())
                }
            };
            match R::read(id, None, client).await? {
                Some(it) => Ok(it.into()),
                None => Err(Diagnostic::error("Nothing to import")
                    .detail(format!("There is no {} that is known by {text}.", R::NAME.replace('_', " ")))
                    .into()),
            }
        })
    }
}
