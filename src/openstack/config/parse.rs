//! Texts that mean something: truths, durations, URLs.

use std::time::Duration;

use serde_json::Value;
use url::Url;

/// A text, also where YAML sees a number or a boolean. `None`: nothing.
pub(super) fn scalar(value: &Value) -> std::result::Result<Option<String>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(it) if it.is_empty() => Ok(None),
        Value::String(it) => Ok(Some(it.clone())),
        Value::Number(it) => Ok(Some(it.to_string())),
        Value::Bool(it) => Ok(Some(it.to_string())),
        // openstacksdk takes a list of interfaces, best first.
        Value::Array(all) => all.first().map_or(Ok(None), scalar),
        Value::Object(_) => Err("it is a map, and should be a text"),
    }
}

pub(super) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "t" | "y" => Some(true),
        "false" | "no" | "off" | "0" | "f" | "n" => Some(false),
        _ => None,
    }
}

pub(super) fn not_a_truth(text: &str) -> String {
    format!("`{text}` is neither true nor false")
}

pub(super) fn http_url(text: &str) -> std::result::Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|why| format!("`{text}` is not a URL: {why}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{text}` is not a URL that starts with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL must not carry a user or a password; they have settings of their own".into());
    }
    Ok(url)
}

pub(super) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let at = text.find(|it: char| it.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let number: f64 = number.trim().parse().ok()?;
    let seconds = match unit {
        "" | "s" => number,
        "ms" => number / 1000.0,
        "m" => number * 60.0,
        "h" => number * 3600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds).ok()
}
