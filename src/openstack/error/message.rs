//! Finds the words in a service's error body. Each service has a form of its own.

use serde_json::Value;

/// Longer texts are cut: a proxy's page helps nobody.
const LONGEST: usize = 600;

/// Whether a body is an OpenStack service's own report or somebody else's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A form in which the services report errors.
    Native,
    /// A page of a proxy, a web server, or nothing at all.
    Foreign,
}

/// The message of an error reply, and whether it is the service's own.
pub(crate) fn extract(body: &[u8]) -> (String, Shape) {
    match serde_json::from_slice::<Value>(body) {
        Ok(json) => match from_json(&json) {
            Some(text) => (shorten(&text), Shape::Native),
            None => (String::new(), Shape::Foreign),
        },
        Err(_) => {
            let text = String::from_utf8_lossy(body);
            // Glance answers errors in HTML with the title "404 Not Found" and a text of its own in the body.
            (shorten(&without_markup(&text)), Shape::Foreign)
        }
    }
}

fn from_json(json: &Value) -> Option<String> {
    let object = json.as_object()?;
    let text = |it: &Value| it.as_str().map(str::to_owned);
    // Keystone, Heat: {"error": {"message": ..}}. An OIDC provider: {"error": "..", "error_description": ".."}.
    match object.get("error") {
        Some(Value::Object(error)) => return error.get("message").and_then(text),
        Some(Value::String(error)) => {
            return Some(match object.get("error_description").and_then(text) {
                Some(more) => format!("{error}: {more}"),
                None => error.clone(),
            });
        }
        _ => {}
    }
    // Neutron: {"NeutronError": {"type": "NetworkNotFound", "message": .., "detail": ..}}, or a bare text.
    if let Some(error) = object.get("NeutronError") {
        return error.as_str().map(str::to_owned).or_else(|| error.get("message").and_then(text));
    }
    // Octavia: {"faultcode": "Client", "faultstring": ..}. Barbican, Magnum and others of WSME or Pecan.
    if let Some(fault) = object.get("faultstring").and_then(text) {
        return Some(fault);
    }
    // Placement: {"errors": [{"detail": ..}]}.
    if let Some(first) = object.get("errors").and_then(Value::as_array).and_then(|it| it.first())
        && let Some(detail) = first.get("detail").or_else(|| first.get("title")).and_then(text)
    {
        return Some(detail);
    }
    // Designate: {"code": 404, "type": "zone_not_found", "message": ..}. It often leaves the message out.
    if let Some(kind) = object.get("type").and_then(text)
        && object.contains_key("code")
    {
        return Some(match object.get("message").and_then(text) {
            Some(message) => message,
            None => kind.replace('_', " "),
        });
    }
    // Glance, Cinder's middleware: {"message": .., "code": .., "title": ..}. Barbican: {"title", "description"}.
    for key in ["message", "description", "error_message"] {
        match object.get(key) {
            Some(Value::String(message)) => return Some(without_markup(message)),
            Some(inner @ Value::Object(_)) => {
                // Gnocchi: {"code": 400, "title": .., "description": {"cause": .., "reason": .., "detail": ..}}.
                let parts = ["cause", "reason"].into_iter().filter_map(|it| text(inner.get(it)?));
                let parts = parts.collect::<Vec<_>>().join(": ");
                let said = inner.get("faultstring").and_then(text);
                return said.or_else(|| (!parts.is_empty()).then_some(parts));
            }
            _ => {}
        }
    }
    // Nova, Cinder, Manila: one key that says the kind, {"itemNotFound": {"code": 404, "message": ..}}.
    if object.len() == 1
        && let Some(Value::Object(inner)) = object.values().next()
    {
        return inner.get("message").and_then(text);
    }
    None
}

/// Drops tags, scripts and styles, and folds white space.
fn without_markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST * 2));
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        out.push(' ');
        rest = &rest[open..];
        // What scripts and styles enclose is no text.
        for (tag, end) in [("<script", "</script"), ("<style", "</style"), ("<head", "</head")] {
            if rest.get(..tag.len()).is_some_and(|it| it.eq_ignore_ascii_case(tag))
                && let Some(at) = rest.to_ascii_lowercase().find(end)
            {
                rest = &rest[at..];
            }
        }
        match rest.find('>') {
            Some(close) => rest = &rest[close + 1..],
            None => rest = "",
        }
    }
    out.push_str(rest);
    let out = out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shorten(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} ...", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_its_form() {
        let native = [
            (
                r#"{"error":{"code":404,"message":"Could not find project: x.","title":"Not Found"}}"#,
                "Could not find project: x.",
            ),
            (
                r#"{"itemNotFound":{"code":404,"message":"Instance x could not be found."}}"#,
                "Instance x could not be found.",
            ),
            (
                r#"{"badRequest":{"code":400,"message":"Quota limit 1 must be >= 2"}}"#,
                "Quota limit 1 must be >= 2",
            ),
            (
                r#"{"NeutronError":{"type":"NetworkNotFound","message":"Network x could not be found.","detail":""}}"#,
                "Network x could not be found.",
            ),
            (r#"{"NeutronError":"plain"}"#, "plain"),
            (
                r#"{"faultcode":"Client","faultstring":"load balancer x not found.","debuginfo":null}"#,
                "load balancer x not found.",
            ),
            (r#"{"code":404,"type":"zone_not_found","request_id":"req-1"}"#, "zone not found"),
            (
                r#"{"code":400,"type":"invalid_object","message":"Provided object does not match schema"}"#,
                "Provided object does not match schema",
            ),
            (
                r#"{"message":"No image found with ID x<br /><br />\n","code":"404 Not Found","title":"Not Found"}"#,
                "No image found with ID x",
            ),
            (r#"{"title":"Not Found","description":"Secret not found.","code":404}"#, "Secret not found."),
            (
                r#"{"error":"invalid_client","error_description":"Bad client credentials"}"#,
                "invalid_client: Bad client credentials",
            ),
            (r#"{"errors":[{"status":404,"detail":"no such provider"}]}"#, "no such provider"),
            (
                r#"{"code":400,"title":"Bad Request","description":{"cause":"Metrics cannot be aggregated","reason":"Granularities are missing","detail":[["vcpus","mean",300.0]]}}"#,
                "Metrics cannot be aggregated: Granularities are missing",
            ),
        ];
        for (body, message) in native {
            assert_eq!(extract(body.as_bytes()), (message.to_owned(), Shape::Native), "{body}");
        }
        let foreign = [
            (
                "<html><head><title>404</title></head><body><h1>404 Not Found</h1>nginx</body></html>",
                "404 Not Found nginx",
            ),
            ("", ""),
            ("[]", ""),
            (r#"{"ok":true,"n":1}"#, ""),
            ("upstream timed out", "upstream timed out"),
        ];
        for (body, message) in foreign {
            assert_eq!(extract(body.as_bytes()), (message.to_owned(), Shape::Foreign), "{body}");
        }
        assert!(extract("x".repeat(5000).as_bytes()).0.len() < 700);
    }
}
