//! What a list resource is: how the objects of a resource are found that no state knows of.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;

use super::resource::{Known, decode};
use super::{Context, Diagnostics, Draft, Identity, Model, Resource, Result, Schema, Value};

/// The filters by which the objects of a resource are listed. It has the name of the resource.
///
/// Everything that the user wrote is known when it is listed. A filter that is not written lets everything through.
pub trait Listed: Model {
    /// What is listed.
    type Resource: Resource;

    /// Checks across filters, of which some may not be known yet.
    fn validate(_filter: &Draft<Self>) -> Result<()> {
        Ok(())
    }

    /// All that match.
    fn list(
        self,
        client: &Context<<Self::Resource as Resource>::Client>,
    ) -> impl Future<Output = Result<Vec<Listing<Self::Resource>>>> + Send;

    /// The whole of one that was listed without it: what an import takes in. `None`: it is gone.
    fn load(
        id: <Self::Resource as Resource>::Id,
        client: &Context<<Self::Resource as Resource>::Client>,
    ) -> impl Future<Output = Result<Option<Self::Resource>>> + Send {
        Self::Resource::read(id, None, client)
    }
}

/// One that was found.
#[derive(Debug)]
pub struct Listing<R: Resource> {
    /// What people call it.
    pub name: String,
    /// What finds it again.
    pub id: R::Id,
    /// The whole of it, if it came with the list.
    pub object: Option<R>,
}

/// A [`Listing`] whose type the server need not know.
pub(super) struct ErasedListing<C> {
    pub name: String,
    pub identity: Value,
    pub load: Load<C>,
}

/// Gives the whole object, and what there is to say about it.
pub(super) type Load<C> =
    Box<dyn FnOnce(Context<C>) -> BoxFuture<'static, (Result<Option<Known>>, Diagnostics)> + Send>;

/// A [`Listed`] whose type the server need not know.
pub trait DynListed<C>: Send + Sync {
    /// Name of the resource, after the provider's prefix.
    fn name(&self) -> &'static str;
    /// The filters.
    fn schema(&self) -> &Arc<Schema>;
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn calls(&self) -> &dyn Calls<C>;
}

/// The calls of a [`DynListed`], which only the server makes.
pub(super) trait Calls<C>: Send + Sync {
    fn validate(&self, filter: Value) -> Result<()>;
    fn list<'a>(
        &'a self,
        filter: Value,
        client: &'a Context<C>,
    ) -> BoxFuture<'a, Result<Vec<ErasedListing<C>>>>;
}

/// The one place where static list resources become dynamic.
pub struct ErasedListed<L>(OnceLock<Arc<Schema>>, PhantomData<fn() -> L>);

impl<L> Default for ErasedListed<L> {
    fn default() -> Self {
        ErasedListed(OnceLock::new(), PhantomData)
    }
}

type ClientOf<L> = <<L as Listed>::Resource as Resource>::Client;

impl<L: Listed> DynListed<ClientOf<L>> for ErasedListed<L> {
    fn name(&self) -> &'static str {
        L::Resource::NAME
    }

    fn schema(&self) -> &Arc<Schema> {
        self.0.get_or_init(|| Arc::new(L::schema()))
    }

    #[allow(private_interfaces)]
    fn calls(&self) -> &dyn Calls<ClientOf<L>> {
        self
    }
}

impl<L: Listed> Calls<ClientOf<L>> for ErasedListed<L> {
    fn validate(&self, filter: Value) -> Result<()> {
        Draft::of(self.schema(), filter).map_or(Ok(()), |draft| L::validate(&draft))
    }

    fn list<'a>(
        &'a self,
        filter: Value,
        client: &'a Context<ClientOf<L>>,
    ) -> BoxFuture<'a, Result<Vec<ErasedListing<ClientOf<L>>>>> {
        Box::pin(async move {
            let found = L::list(decode(filter)?, client).await?;
            Ok(found.into_iter().map(erase::<L>).collect())
        })
    }
}

fn erase<L: Listed>(one: Listing<L::Resource>) -> ErasedListing<ClientOf<L>> {
    let Listing { name, id, object } = one;
    let identity = id.encode();
    let again = identity.clone();
    let load: Load<ClientOf<L>> = Box::new(move |context| {
        Box::pin(async move {
            let found = match object {
                Some(object) => Ok(Some(object)),
                None => match <L::Resource as Resource>::Id::decode(again) {
                    Ok(id) => L::load(id, &context).await,
                    Err(mismatch) => Err(super::resource::mismatch(mismatch)),
                },
            };
            let warnings = context.take_warnings();
            (found.map(|it| it.map(Known::from)), warnings)
        })
    });
    ErasedListing { name, identity, load }
}
