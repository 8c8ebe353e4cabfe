//! The one place that sends. It retries what passes, hides what is secret and counts what is sent.
//!
//! What is repeated, and when:
//! - 429 always: the service did nothing.
//! - 503 if the method may be repeated, or if the service names a time by `Retry-After`.
//! - 502, 504 and a connection that broke after sending: only if the method may be repeated.
//! - a connection that was never made: always, except for names that don't resolve (twice) and TLS (never).
//! - 500 and timeouts: never.
//!
//! GET, HEAD, PUT, DELETE and our PATCHes (they set fields to values) may be repeated; POST may not.

mod log;
pub(crate) mod redact;
mod retry;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::config::{Config, ConfigError, Origin};
use super::error::{self, Attempt, Error, Result, Shape, StatusError};

/// A connection is made within this time or not at all.
const CONNECT: Duration = Duration::from_secs(20);

pub(crate) struct Transport {
    client: reqwest::Client,
    permits: Semaphore,
    max_retries: usize,
    first_delay: Duration,
    timeout: Duration,
    secrets: redact::Scrubber,
    counts: Mutex<BTreeMap<String, u64>>,
}

/// A request, ready to be sent as often as it takes.
pub(crate) struct Outgoing<'a> {
    pub method: Method,
    pub url: Url,
    /// The path with `{id}` for ids: what requests are counted by.
    pub route: String,
    /// The service by official type.
    pub service: &'static str,
    /// What this is about, in words that follow "cannot".
    pub doing: &'a str,
    pub headers: HeaderMap,
    pub body: Payload<'a>,
    /// Instead of the configured one.
    pub timeout: Option<Duration>,
    pub repeat: Repeat,
}

/// What is sent along.
#[derive(Clone, Copy)]
pub(crate) enum Payload<'a> {
    None,
    Json(&'a Value),
    /// A form. Forms are only sent to identity providers, and all of their fields count as secret.
    Form(&'a [(&'static str, SecretString)]),
}

/// Whether a request may be repeated when it is unknown if the service acted on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// As the method says.
    #[default]
    ByMethod,
    /// Yes: a login makes nothing.
    Always,
    /// No: somebody else finds out what came of it.
    Never,
}

/// A reply, of whatever status.
pub(crate) struct Reply {
    pub attempt: Attempt,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Transport {
    pub fn new(config: &Config) -> Result<Self> {
        let agent = concat!("terraform-provider-tenancy/", env!("CARGO_PKG_VERSION"));
        let mut builder = reqwest::Client::builder()
            .user_agent(agent)
            // A token must not follow a redirect to another host.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT.min(config.request_timeout))
            .timeout(config.request_timeout)
            .pool_max_idle_per_host(config.max_concurrent_requests)
            .tls_danger_accept_invalid_certs(config.insecure)
            .tls_danger_accept_invalid_hostnames(config.insecure);
        let fail = |setting, why: reqwest::Error| ConfigError {
            setting,
            origin: Origin::Nowhere,
            why: redact::innermost(&why),
        };
        if let Some(pem) = &config.ca_certificate {
            let all = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
                .map_err(|why| fail("ca_certificate", why))?;
            builder = builder.tls_certs_merge(all);
        }
        if let Some(pem) = &config.client_identity {
            let identity = reqwest::Identity::from_pem(pem.expose_secret().as_bytes())
                .map_err(|why| fail("client_certificate", why))?;
            builder = builder.identity(identity);
        }
        Ok(Self {
            client: builder.build().map_err(|why| fail("ca_certificate", why))?,
            permits: Semaphore::new(config.max_concurrent_requests),
            max_retries: config.max_retries,
            first_delay: config.first_delay,
            timeout: config.request_timeout,
            secrets: redact::Scrubber::new(config.credential.secrets()),
            counts: Mutex::default(),
        })
    }

    /// Sends it, again if need be. `Ok` is a reply of any status but a redirect.
    pub async fn send(&self, out: &Outgoing<'_>, cancel: &CancellationToken) -> Result<Reply> {
        let mut delays = retry::Delays::new(self.max_retries, self.first_delay);
        let mut repeated = false;
        for attempt in 1.. {
            let mut result = self.once(out, attempt, cancel).await;
            if let Ok(reply) = &mut result {
                reply.attempt.repeated = repeated;
            }
            repeated |= retry::may_have_acted(&result);
            let Some(verdict) = retry::verdict(out, &result) else { return result };
            let Some(delay) = delays.next(verdict) else { return result };
            tracing::debug!(
                target: "tenancy::http", method = %out.method, service = out.service, path = out.url.path(),
                attempt, wait_ms = delay.as_millis() as u64, "will try again"
            );
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                // What the last attempt said is of no use to who cancelled.
                () = cancel.cancelled() => return Err(cancelled(out)),
            }
        }
        Err(cancelled(out))
    }

    async fn once(&self, out: &Outgoing<'_>, attempt: usize, cancel: &CancellationToken) -> Result<Reply> {
        let _permit = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(cancelled(out)),
            permit = self.permits.acquire() => permit.map_err(|_| cancelled(out))?,
        };
        // From here on nothing is interrupted: the reply may carry the id of what was made.
        *self
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(format!("{} {}", out.method, out.route))
            .or_default() += 1;
        let mut builder =
            self.client.request(out.method.clone(), out.url.clone()).headers(out.headers.clone());
        match out.body {
            Payload::None => {}
            Payload::Json(body) => {
                builder = builder.header(CONTENT_TYPE, "application/json").body(body.to_string());
            }
            Payload::Form(fields) => {
                let text = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(fields.iter().map(|(key, value)| (key, value.expose_secret())))
                    .finish();
                builder = builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(text);
            }
        }
        let timeout = out.timeout.unwrap_or(self.timeout);
        builder = builder.timeout(timeout);

        let started = Instant::now();
        let result = match builder.send().await {
            Ok(response) => {
                let (status, headers) = (response.status(), response.headers().clone());
                response.bytes().await.map(|body| (status, headers, Vec::from(body)))
            }
            Err(why) => Err(why),
        };
        let spent = started.elapsed();
        let (status, headers, body) = match result {
            Ok(it) => it,
            Err(why) => {
                log::failed(out, &why, attempt, spent);
                return Err(retry::classify(out, &why, timeout));
            }
        };
        let attempted = Attempt { request_id: request_id(&headers), ..attempt_of(out) };
        log::replied(out, &self.secrets, status, attempted.request_id.as_deref(), attempt, spent, &body);
        let reply = Reply { attempt: attempted, status, headers, body };
        match reply.header("location") {
            // Keystone answers 300 to who asks for its versions; nothing else here is a redirect.
            Some(to) if status.is_redirection() && status != StatusCode::MULTIPLE_CHOICES => {
                Err(Error::Redirect { to: to.to_owned(), attempt: Box::new(reply.attempt) })
            }
            _ => Ok(reply),
        }
    }

    /// How often each route was sent, retries included.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The reply if its status is good, else its error.
    pub fn good(&self, reply: Reply) -> Result<Reply> {
        if reply.status.is_success() { Ok(reply) } else { Err(self.error(reply)) }
    }

    /// The error that a reply's status and body tell.
    pub fn error(&self, reply: Reply) -> Error {
        let (message, shape) = error::extract(&reply.body);
        Error::Status(Box::new(StatusError {
            status: reply.status.as_u16(),
            message: self.secrets.scrub(message),
            native: shape == Shape::Native,
            attempt: reply.attempt,
        }))
    }
}

impl Reply {
    /// A header, if it is there and a text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON of that type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|why| self.odd(why.to_string()))
    }

    /// What is under one key of the body.
    pub fn json_of<T: DeserializeOwned>(&self, key: &str) -> Result<T> {
        let mut body: Value = self.json()?;
        let inner = body.get_mut(key).map(Value::take);
        let inner = inner.ok_or_else(|| self.odd(format!("it has no `{key}`")))?;
        serde_json::from_value(inner).map_err(|why| self.odd(format!("`{key}`: {why}")))
    }

    /// An error about this reply's body.
    pub fn odd(&self, why: impl Into<String>) -> Error {
        Error::OddBody { attempt: Box::new(self.attempt.clone()), why: why.into() }
    }

    /// The service's time, by the `Date` header.
    pub fn date(&self) -> Option<jiff::Timestamp> {
        http_date(self.header("date")?)
    }
}

/// A time as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<jiff::Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|it| it.timestamp())
}

/// Each service has its own header for this.
fn request_id(headers: &HeaderMap) -> Option<String> {
    const NAMES: [HeaderName; 4] = [
        HeaderName::from_static("x-openstack-request-id"),
        HeaderName::from_static("x-compute-request-id"),
        HeaderName::from_static("x-trans-id"),
        HeaderName::from_static("x-request-id"),
    ];
    NAMES.iter().find_map(|it| Some(headers.get(it)?.to_str().ok()?.to_owned()))
}

fn attempt_of(out: &Outgoing<'_>) -> Attempt {
    Attempt {
        doing: out.doing.to_owned(),
        service: out.service.to_owned(),
        method: out.method.to_string(),
        path: out.url.path().to_owned(),
        request_id: None,
        repeated: false,
    }
}

fn cancelled(out: &Outgoing<'_>) -> Error {
    Error::Cancelled { doing: out.doing.to_owned() }
}

/// A header's value that nobody may print.
pub(crate) fn sensitive(secret: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(secret.expose_secret()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
