//! What the log says of a request: at debug one line, at trace the bodies without their secrets.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use super::{Outgoing, Payload, redact};

pub(super) fn replied(
    out: &Outgoing<'_>,
    secrets: &redact::Scrubber,
    status: StatusCode,
    request_id: Option<&str>,
    attempt: usize,
    spent: Duration,
    body: &[u8],
) {
    tracing::debug!(
        target: "tenancy::http", method = %out.method, service = out.service, path = out.url.path(),
        query = out.url.query(), status = status.as_u16(), request_id, ms = spent.as_millis() as u64, attempt,
        "request"
    );
    if !tracing::enabled!(target: "tenancy::http", tracing::Level::TRACE) {
        return;
    }
    let sent = match out.body {
        Payload::None => String::new(),
        Payload::Json(body) => redact::redacted(body).to_string(),
        Payload::Form(fields) => {
            let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
            format!("form: {}", names.join(", "))
        }
    };
    // A body that isn't JSON can't be searched for secrets.
    let got = match serde_json::from_slice::<Value>(body) {
        Ok(body) => redact::redacted(&body).to_string(),
        Err(_) => format!("{} bytes", body.len()),
    };
    let (sent, got) = (secrets.scrub(sent), secrets.scrub(got));
    tracing::trace!(target: "tenancy::http", %sent, %got, "bodies");
}

pub(super) fn failed(out: &Outgoing<'_>, why: &reqwest::Error, attempt: usize, spent: Duration) {
    tracing::debug!(
        target: "tenancy::http", method = %out.method, service = out.service, path = out.url.path(),
        failure = redact::innermost(why), ms = spent.as_millis() as u64, attempt, "no reply"
    );
}
