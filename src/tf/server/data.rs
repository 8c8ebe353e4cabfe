//! The calls about data sources.

use tonic::Status;

use super::{Server, wire};
use crate::tf::proto::tfplugin6::*;
use crate::tf::{DynDataSource, Provider, plan};

impl<P: Provider> Server<P> {
    fn data_source(&self, name: &str) -> Result<&dyn DynDataSource<P::Client>, Status> {
        tracing::Span::current().record("tf_resource_type", name);
        let found = self.data_sources.get(name).map(|it| &**it);
        found.ok_or_else(|| Status::invalid_argument(format!("this provider has no data source {name}")))
    }

    pub(super) fn validate_data(
        &self,
        it: &validate_data_resource_config::Request,
    ) -> Result<validate_data_resource_config::Response, Status> {
        let source = self.data_source(&it.type_name)?;
        let config = wire::read(it.config.as_ref(), source.schema())?;
        let found = super::validate(source.schema(), config, |it| source.validate(it));
        Ok(validate_data_resource_config::Response { diagnostics: wire::diagnostics(found) })
    }

    pub(super) async fn read_data(
        &self,
        it: read_data_source::Request,
    ) -> Result<read_data_source::Response, Status> {
        let source = self.data_source(&it.type_name)?;
        let config = wire::read(it.config.as_ref(), source.schema())?;
        let config = plan::with_defaults(source.schema(), &config);
        let (state, found) = self.asked(async |client| source.read(config, client).await).await;
        let state = state.and_then(|it| wire::write(&it, source.schema()));
        Ok(read_data_source::Response { state, diagnostics: wire::diagnostics(found), deferred: None })
    }
}
