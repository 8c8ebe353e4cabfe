//! The calls about ephemeral resources.

use std::time::SystemTime;

use prost::bytes::Bytes;
use prost_types::Timestamp;
use tonic::Status;

use super::{Server, wire};
use crate::tf::proto::tfplugin6::*;
use crate::tf::{DynEphemeral, Opened, Provider, Renewed, plan};

impl<P: Provider> Server<P> {
    fn ephemeral(&self, name: &str) -> Result<&dyn DynEphemeral<P::Client>, Status> {
        tracing::Span::current().record("tf_resource_type", name);
        let found = self.ephemerals.get(name).map(|it| &**it);
        found.ok_or_else(|| {
            Status::invalid_argument(format!("this provider has no ephemeral resource {name}"))
        })
    }

    pub(super) fn validate_ephemeral(
        &self,
        it: &validate_ephemeral_resource_config::Request,
    ) -> Result<validate_ephemeral_resource_config::Response, Status> {
        let ephemeral = self.ephemeral(&it.type_name)?;
        let config = wire::read(it.config.as_ref(), ephemeral.schema())?;
        let found = super::validate(ephemeral.schema(), config, |it| ephemeral.validate(it));
        Ok(validate_ephemeral_resource_config::Response { diagnostics: wire::diagnostics(found) })
    }

    pub(super) async fn open_ephemeral(
        &self,
        it: open_ephemeral_resource::Request,
    ) -> Result<open_ephemeral_resource::Response, Status> {
        let ephemeral = self.ephemeral(&it.type_name)?;
        let config = wire::read(it.config.as_ref(), ephemeral.schema())?;
        let config = plan::with_defaults(ephemeral.schema(), &config);
        let (opened, found) = self.asked(async |client| ephemeral.open(config, client).await).await;
        let mut response =
            open_ephemeral_resource::Response { diagnostics: wire::diagnostics(found), ..Default::default() };
        if let Some(Opened { result, private, renew_at }) = opened {
            self.note_open(&it.type_name, &private);
            response.result = wire::write(&result, ephemeral.schema());
            response.private = Some(private.into());
            response.renew_at = renew_at.map(timestamp);
        }
        Ok(response)
    }

    pub(super) async fn renew_ephemeral(
        &self,
        it: renew_ephemeral_resource::Request,
    ) -> Result<renew_ephemeral_resource::Response, Status> {
        let ephemeral = self.ephemeral(&it.type_name)?;
        let private = bytes(it.private.as_ref());
        let (renewed, found) = self.asked(async |client| ephemeral.renew(private, client).await).await;
        let mut response = renew_ephemeral_resource::Response {
            diagnostics: wire::diagnostics(found),
            private: it.private,
            renew_at: None,
        };
        if let Some(Renewed { private, renew_at }) = renewed {
            self.open.forget(&it.type_name, &bytes(response.private.as_ref()));
            self.note_open(&it.type_name, &private);
            response.private = Some(private.into());
            response.renew_at = renew_at.map(timestamp);
        }
        Ok(response)
    }

    pub(super) async fn close_ephemeral(
        &self,
        it: close_ephemeral_resource::Request,
    ) -> Result<close_ephemeral_resource::Response, Status> {
        let ephemeral = self.ephemeral(&it.type_name)?;
        let private = bytes(it.private.as_ref());
        // Also if it fails: that was told, and a second attempt would fail as well.
        self.open.forget(&it.type_name, &private);
        let (_, found) = self.asked(async |client| ephemeral.close(private, client).await).await;
        Ok(close_ephemeral_resource::Response { diagnostics: wire::diagnostics(found) })
    }
}

fn bytes(private: Option<&Bytes>) -> Vec<u8> {
    private.map(|it| it.to_vec()).unwrap_or_default()
}

fn timestamp(it: SystemTime) -> Timestamp {
    it.into()
}
