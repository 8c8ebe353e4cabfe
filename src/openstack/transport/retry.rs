//! What is tried again, and after how long.

use std::error::Error as StdError;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use reqwest::{Method, StatusCode};

use super::{Outgoing, Repeat, Reply, attempt_of, http_date, redact};
use crate::openstack::error::{Error, Result, Unreachable, UnreachableError};

/// No `Retry-After` makes us wait longer than this.
const LONGEST: Duration = Duration::from_secs(60);
/// A name that doesn't resolve, and a host that doesn't answer, hardly ever get better.
const HOPELESS: usize = 2;

/// Something that is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What the service asked for.
    after: Option<Duration>,
    /// Fewer tries than usual.
    hopeless: bool,
}

/// Whether to try again.
pub(super) fn verdict(out: &Outgoing<'_>, result: &Result<Reply>) -> Option<Verdict> {
    let again = |yes: bool, after| yes.then_some(Verdict { after, hopeless: false });
    let repeatable = match out.repeat {
        Repeat::Always => true,
        Repeat::Never => false,
        Repeat::ByMethod => out.method != Method::POST,
    };
    match result {
        Ok(reply) => {
            let after = retry_after(reply);
            match reply.status {
                StatusCode::TOO_MANY_REQUESTS => again(true, after),
                StatusCode::SERVICE_UNAVAILABLE => again(repeatable || after.is_some(), after),
                StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => again(repeatable, after),
                _ => None,
            }
        }
        Err(Error::Unreachable(it)) => match it.cause {
            Unreachable::Connect => again(true, None),
            Unreachable::Name | Unreachable::Slow => Some(Verdict { after: None, hopeless: true }),
            Unreachable::Certificate | Unreachable::Tls => None,
        },
        Err(Error::Broken { .. }) => again(repeatable, None),
        Err(_) => None,
    }
}

/// Whether the service may have done what it was asked for, although nobody said so.
pub(super) fn may_have_acted(result: &Result<Reply>) -> bool {
    match result {
        Ok(reply) => reply.status.is_server_error(),
        Err(why) => why.is_reply_lost(),
    }
}

/// `Retry-After` in seconds or as a date.
fn retry_after(reply: &Reply) -> Option<Duration> {
    let text = reply.header("retry-after")?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            // Against the service's own clock: ours may be off.
            let now = reply.date().unwrap_or_else(jiff::Timestamp::now);
            Duration::try_from(http_date(text)?.duration_since(now)).unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST))
}

/// The waits between the tries of one request.
pub(super) struct Delays {
    backoff: ExponentialBackoff,
    tried: usize,
}

impl Delays {
    pub fn new(retries: usize, first: Duration) -> Self {
        let backoff = ExponentialBuilder::new()
            .with_min_delay(first)
            .with_max_delay(Duration::from_secs(30).max(first))
            .with_max_times(retries)
            .with_jitter()
            .build();
        Self { backoff, tried: 0 }
    }

    /// The next wait, unless there was enough.
    pub fn next(&mut self, verdict: Verdict) -> Option<Duration> {
        if verdict.hopeless && self.tried >= HOPELESS {
            return None;
        }
        self.tried += 1;
        let own = self.backoff.next()?;
        // A part of the jittered wait on top, so that all who were sent away don't come back at once.
        Some(verdict.after.map_or(own, |it| it + own / 8))
    }
}

/// What a failure of the network means.
pub(super) fn classify(out: &Outgoing<'_>, why: &reqwest::Error, timeout: Duration) -> Error {
    let attempt = attempt_of(out);
    let message = redact::innermost(why);
    let tls = tls_error(why);
    let cause = if why.is_dns() {
        Unreachable::Name
    } else if let Some(tls) = tls.filter(|_| why.is_connect()) {
        match tls {
            rustls::Error::InvalidCertificate(_) => Unreachable::Certificate,
            _ => Unreachable::Tls,
        }
    } else if why.is_connect() && why.is_timeout() {
        Unreachable::Slow
    } else if why.is_connect() {
        Unreachable::Connect
    } else if why.is_timeout() {
        return Error::Timeout { attempt: Box::new(attempt), seconds: timeout.as_secs() };
    } else {
        return Error::Broken { attempt: Box::new(attempt), why: message };
    };
    let host = out.url.origin().ascii_serialization();
    Error::Unreachable(Box::new(UnreachableError { attempt, host, cause, message }))
}

/// The TLS error in the chain. An `io::Error` hides what it wraps from `source`.
fn tls_error(why: &reqwest::Error) -> Option<&rustls::Error> {
    let mut next: Option<&(dyn StdError + 'static)> = why.source();
    while let Some(it) = next {
        if let Some(tls) = it.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        if let Some(io) = it.downcast_ref::<std::io::Error>()
            && let Some(inner) = io.get_ref()
        {
            if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
                return Some(tls);
            }
            next = Some(inner);
            continue;
        }
        next = it.source();
    }
    None
}
