//! What a provider is.

use super::{
    Client, Diagnostics, Draft, DynDataSource, DynEphemeral, DynFunction, DynResource, Model, Result,
};

/// A provider block, what it is configured into, and what is on offer.
pub trait Provider: Send + Sync + 'static {
    /// The prefix of every type name, and the last part of the registry address.
    const NAME: &'static str;
    /// The provider block.
    type Config: Model;
    /// What it is configured into.
    type Client: Client;

    /// Checks across attributes of a provider block, of which parts may not be known yet.
    fn validate(_config: &Draft<Self::Config>) -> Result<()> {
        Ok(())
    }

    /// Makes the client; the second part of the answer is warnings. `host` is the host's version.
    fn configure(
        config: Self::Config,
        host: &str,
    ) -> impl Future<Output = Result<(Self::Client, Diagnostics)>> + Send;

    /// The managed resources.
    fn resources() -> Vec<Box<dyn DynResource<Self::Client>>>;

    /// The data sources.
    fn data_sources() -> Vec<Box<dyn DynDataSource<Self::Client>>>;

    /// The ephemeral resources.
    fn ephemerals() -> Vec<Box<dyn DynEphemeral<Self::Client>>>;

    /// The functions.
    fn functions() -> Vec<Box<dyn DynFunction>>;
}
