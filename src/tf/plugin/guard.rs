//! What every call to the provider passes through: a span for the logs, and a
//! net for panics.
//!
//! A panic in one call must not take the others with it: they may be creating
//! things that would then be in no state. The call that panicked answers with
//! an error, and the process lives on.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use http_body::Frame;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Request, Response};
use tonic::codegen::{Body as HttpBody, BoxFuture, Bytes, Service};
use tonic::server::NamedService;
use tracing::{Instrument as _, Span, field};

use super::panic::{Panicked, catch_panic};

fn failure(rpc: &str, panicked: &Panicked) -> Status {
    let message = &panicked.message;
    Status::internal(format!("{rpc} failed in a way that is a bug in the provider: {message}"))
}

/// The provider service with its span and its net.
#[derive(Clone)]
pub(super) struct Guarded<S> {
    inner: S,
    count: Arc<AtomicU64>,
}

impl<S> Guarded<S> {
    pub(super) fn new(inner: S) -> Self {
        Guarded { inner, count: Arc::default() }
    }
}

impl<S: NamedService> NamedService for Guarded<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        let rpc: Arc<str> = path.rsplit('/').next().unwrap_or(path).into();
        let id = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        // At the level of errors, so that even those say where they come from.
        // The server fills in the type as soon as it has read the request.
        let span =
            tracing::error_span!("rpc", tf_rpc = &*rpc, tf_req_id = id, tf_resource_type = field::Empty);
        let answer = self.inner.call(request);
        let started = Instant::now();
        let guarded = async move {
            let response = match catch_panic(answer).await {
                Ok(Ok(response)) => {
                    let span = Span::current();
                    response.map(|inner| Body::new(GuardedBody { inner: Some(inner), rpc, span }))
                }
                Err(panicked) => failure(&rpc, &panicked).into_http(),
            };
            tracing::debug!(elapsed_us = started.elapsed().as_micros() as u64, "answered");
            Ok(response)
        };
        Box::pin(guarded.instrument(span))
    }
}

/// The answer's body. Streams do their work in here, after the call returned.
struct GuardedBody {
    /// None once it has panicked: it must not run again.
    inner: Option<Body>,
    rpc: Arc<str>,
    span: Span,
}

impl HttpBody for GuardedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        let _entered = this.span.enter();
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(cx)));
        polled.unwrap_or_else(|payload| {
            this.inner = None;
            let mut trailers = HeaderMap::new();
            let status = failure(&this.rpc, &Panicked::new(&*payload));
            Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }
}
