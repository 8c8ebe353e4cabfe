//! What a data source is.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;

use super::resource::decode;
use super::{Client, Context, Draft, Model, Result, Schema, Value};

/// Something that is looked up. What the user wrote is known when it is read.
pub trait DataSource: Model {
    /// Name after the provider's prefix.
    const NAME: &'static str;
    /// What the provider block was configured into.
    type Client: Client;

    /// Checks across attributes of a configuration, of which parts may not be known yet.
    fn validate(_config: &Draft<Self>) -> Result<()> {
        Ok(())
    }

    /// Looks it up. It is an error if there is none.
    fn read(config: Self, client: &Context<Self::Client>) -> impl Future<Output = Result<Self>> + Send;
}

/// A [`DataSource`] whose type the server need not know.
pub trait DynDataSource<C>: Send + Sync {
    /// See [`DataSource::NAME`].
    fn name(&self) -> &'static str;
    /// The attributes.
    fn schema(&self) -> &Arc<Schema>;
    /// See [`DataSource::validate`].
    fn validate(&self, config: Value) -> Result<()>;
    /// See [`DataSource::read`].
    fn read<'a>(&'a self, config: Value, client: &'a Context<C>) -> BoxFuture<'a, Result<Value>>;
}

/// The one place where static data sources become dynamic.
pub struct ErasedData<D>(OnceLock<Arc<Schema>>, PhantomData<fn() -> D>);

impl<D> Default for ErasedData<D> {
    fn default() -> Self {
        ErasedData(OnceLock::new(), PhantomData)
    }
}

impl<D: DataSource> DynDataSource<D::Client> for ErasedData<D> {
    fn name(&self) -> &'static str {
        D::NAME
    }

    fn schema(&self) -> &Arc<Schema> {
        self.0.get_or_init(|| Arc::new(D::schema()))
    }

    fn validate(&self, config: Value) -> Result<()> {
        Draft::of(self.schema(), config).map_or(Ok(()), |draft| D::validate(&draft))
    }

    fn read<'a>(&'a self, config: Value, client: &'a Context<D::Client>) -> BoxFuture<'a, Result<Value>> {
        Box::pin(async move { Ok(Value::Object(D::read(decode(config)?, client).await?.encode())) })
    }
}
