//! The process that a host starts: handshake, socket, mutual TLS, and its end.
//!
//! A host (Terraform, OpenTofu, or a tool that speaks for them) runs the binary
//! and reads one line from its stdout: where to connect, and with which
//! certificate. Everything after that is gRPC. This module is the only one that
//! knows about that line and the environment it is answered from.
//!
//! [`main`] is all of a provider's `main`. [`run`] is that without the command
//! line, and [`serve`] is for a caller that has a runtime of its own.

mod cli;
mod debug;
mod guard;
mod handshake;
mod life;
mod listener;
pub mod logging;
mod panic;
mod services;
mod tls;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::RwLock;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::proto::health::health_server::HealthServer;
use super::proto::plugin::grpc_broker_server::GrpcBrokerServer;
use super::proto::plugin::grpc_controller_server::GrpcControllerServer;
use super::proto::plugin::grpc_stdio_server::GrpcStdioServer;
use super::proto::tfplugin6::provider_server::{Provider, ProviderServer};
pub use cli::main;
pub use handshake::{COOKIE_NAME, COOKIE_VALUE};
pub use panic::{Panicked, catch_panic};

/// The largest message in either direction. Big plans are sent in one piece.
pub const MAX_MESSAGE: usize = 256 << 20;

/// How much a host may send before it waits for us. The defaults of HTTP/2
/// (64 KiB) would stop a large state every few packets.
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// How a provider is served.
#[derive(Clone, Debug)]
pub struct Options {
    /// Namespace and name in a registry, like `acme/tenancy`.
    /// The name is in that of the variable of our own log level.
    pub source: &'static str,
    /// The version of the provider.
    pub version: &'static str,
    /// Serve without a host, for a debugger, and print how to attach.
    pub debug: bool,
    /// Cancelled when the process is about to end. Handlers that can take long
    /// watch a clone of it and return early, with what they have.
    pub ending: CancellationToken,
    /// Held for reading by whoever has something to do before the process ends, once `ending` is cancelled.
    pub unfinished: Arc<RwLock<()>>,
}

impl Options {
    /// Options for a provider that a host starts.
    pub fn new(source: &'static str, version: &'static str) -> Self {
        Options {
            source,
            version,
            debug: false,
            ending: CancellationToken::new(),
            unfinished: Arc::default(),
        }
    }

    fn name(&self) -> &'static str {
        self.source.rsplit('/').next().unwrap_or(self.source)
    }
}

/// Why the plugin could not be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cookie is missing: a person started the binary, not a host.
    #[error(
        "This program is a provider plugin. Terraform and OpenTofu start it themselves.\n\
         Name it in a `required_providers` block and run `terraform init` or `tofu init`.\n\
         To run it under a debugger, start it with --debug."
    )]
    NotStartedByHost,
    /// A variable that the host has set makes no sense.
    #[error("failed to read {variable}: {reason}")]
    Environment {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with its value.
        reason: String,
    },
    /// There is no address to listen on.
    #[error("failed to listen on {address}: {source}")]
    Listen {
        /// The path or port that was tried last.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate of this process could not be made.
    #[error("failed to set up TLS: {0}")]
    Tls(String),
    /// Runtime, signals or stdout failed.
    #[error("failed to start: {0}")]
    Start(#[from] io::Error),
    /// The gRPC server gave up.
    #[error("failed to serve: {0}")]
    Serve(#[from] tonic::transport::Error),
}

/// Serves the provider that `provider` makes, until the host ends it.
///
/// Checks first that a host is there, so that a person who started the binary
/// by hand gets an answer before anything else is set up.
pub fn run<P: Provider>(provider: impl FnOnce() -> P, options: Options) -> Result<(), Error> {
    if !options.debug {
        handshake::check_cookie()?;
    }
    panic::install_hook();
    logging::init(options.name(), options.debug);
    // More threads only help plans of many large resources, and each one costs
    // memory in every provider process that a host starts.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(serve(provider(), options));
    // Whatever still runs has been told to stop and had its time.
    runtime.shutdown_background();
    result
}

/// Serves `provider` on the current runtime, until the host ends it.
pub async fn serve<P: Provider>(provider: P, options: Options) -> Result<(), Error> {
    let environment = if options.debug {
        handshake::Environment::default()
    } else {
        handshake::check_cookie()?;
        handshake::Environment::from_env()?
    };
    let mutual = environment.client_certificate.as_deref().map(tls::Mutual::new).transpose()?;
    let listener = listener::Listener::bind(&environment)?;
    // From here on the host may send signals, so listen to them first.
    let mut life = life::Life::begin(options.debug)?;

    if options.debug {
        debug::announce(options.source, &listener)?;
    } else {
        let certificate = mutual.as_ref().map(|mutual| &mutual.certificate);
        handshake::answer(&environment, &listener, certificate)?;
    }

    let ending = options.ending;
    let incoming = listener.incoming(mutual.map(|mutual| mutual.acceptor), life.connections());
    let provider = ProviderServer::new(provider)
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    let finished = CancellationToken::new();
    let controller =
        services::Controller { shutdown: Arc::clone(life.shutdown()), finished: finished.clone() };
    let serving = Server::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .add_service(guard::Guarded::new(provider))
        .add_service(GrpcControllerServer::new(controller))
        .add_service(GrpcStdioServer::new(services::Stdio { ending: ending.clone() }))
        .add_service(GrpcBrokerServer::new(services::Broker { ending: ending.clone() }))
        .add_service(HealthServer::new(services::Health { ending: ending.clone() }))
        .serve_with_incoming_shutdown(incoming, ending.clone().cancelled_owned());
    tokio::pin!(serving);

    let patience = tokio::select! {
        result = &mut serving => return Ok(result?),
        patience = life.end() => patience,
        () = ending.cancelled() => Duration::from_secs(10),
    };
    ending.cancel();
    let done = timeout(life::UNFINISHED, options.unfinished.write()).await.is_ok();
    finished.cancel();
    let ended = timeout(patience, serving).await;
    if !done || ended.is_err() {
        tracing::warn!("ended though something was still under way");
    }
    ended.map_or(Ok(()), |result| Ok(result?))
}
