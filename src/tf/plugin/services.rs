//! The services that a host expects beside the provider.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::tf::proto::health::health_check_response::ServingStatus;
use crate::tf::proto::health::health_server;
use crate::tf::proto::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};
use crate::tf::proto::plugin::grpc_broker_server::GrpcBroker;
use crate::tf::proto::plugin::grpc_controller_server::GrpcController;
use crate::tf::proto::plugin::grpc_stdio_server::GrpcStdio;
use crate::tf::proto::plugin::{ConnInfo, Empty, StdioData, conn_info};

/// Ends an open stream when the process ends. A connection that still has
/// streams would keep the process waiting.
fn until<T: Send + 'static>(
    ending: CancellationToken,
    stream: impl Stream<Item = Result<T, Status>> + Send + 'static,
) -> BoxStream<T> {
    Box::pin(stream.take_until(ending.cancelled_owned()))
}

/// Ends the process when the host says so.
pub(super) struct Controller {
    pub(super) shutdown: Arc<Notify>,
    /// Cancelled when nothing is left to do.
    pub(super) finished: CancellationToken,
}

#[async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.shutdown.notify_one();
        // A host (go-plugin 1.7) waits for this answer as long as it takes. Only then does it count its two seconds.
        self.finished.cancelled().await;
        Ok(Response::new(Empty {}))
    }
}

/// A stream of our output, which stays empty: logs go to the real stderr, and
/// nothing is printed on stdout but the handshake. Hosts open it and wait.
pub(super) struct Stdio {
    pub(super) ending: CancellationToken,
}

#[async_trait]
impl GrpcStdio for Stdio {
    type StreamStdioStream = BoxStream<StdioData>;

    async fn stream_stdio(&self, _: Request<()>) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(until(self.ending.clone(), stream::pending())))
    }
}

/// The broker of further connections. Providers have none, so a host that asks
/// for one gets a refusal instead of waiting until it runs out of time.
pub(super) struct Broker {
    pub(super) ending: CancellationToken,
}

#[async_trait]
impl GrpcBroker for Broker {
    type StartStreamStream = BoxStream<ConnInfo>;

    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        let answers = request.into_inner().filter_map(|asked| async move {
            match asked {
                Ok(asked) => refuse(asked).map(Ok),
                // The host broke off. The stream ends after this.
                Err(_) => None,
            }
        });
        Ok(Response::new(until(self.ending.clone(), answers)))
    }
}

fn refuse(asked: ConnInfo) -> Option<ConnInfo> {
    // An announcement of a listener wants no answer.
    if !asked.knock?.knock {
        return None;
    }
    let error = format!("this provider has no brokered connection {}", asked.service_id);
    let knock = conn_info::Knock { knock: true, ack: false, error };
    Some(ConnInfo { service_id: asked.service_id, knock: Some(knock), ..ConnInfo::default() })
}

/// Health: serving, as long as anybody can ask.
pub(super) struct Health {
    pub(super) ending: CancellationToken,
}

/// The name hosts ask for, and the one that means the whole server.
const SERVICES: [&str; 2] = ["plugin", ""];

fn status(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[async_trait]
impl health_server::Health for Health {
    type WatchStream = BoxStream<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        if SERVICES.contains(&service.as_str()) {
            Ok(Response::new(status(ServingStatus::Serving)))
        } else {
            Err(Status::not_found(format!("unknown service {service:?}")))
        }
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        let statuses: BTreeMap<_, _> =
            SERVICES.iter().map(|name| (name.to_string(), status(ServingStatus::Serving))).collect();
        Ok(Response::new(HealthListResponse { statuses }))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let known = SERVICES.contains(&request.into_inner().service.as_str());
        let now = if known { ServingStatus::Serving } else { ServingStatus::ServiceUnknown };
        // The answer never changes while there is somebody to send it.
        let stream = stream::iter([Ok(status(now))]).chain(stream::pending());
        Ok(Response::new(until(self.ending.clone(), stream)))
    }
}
