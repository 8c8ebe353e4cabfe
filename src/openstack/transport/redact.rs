//! Keeps secrets out of logs and messages.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// What stands in a secret's place.
pub(crate) const HIDDEN: &str = "<redacted>";

/// Words that make a key secret, wherever they stand in it. `admin_pass`, `X-Subject-Token` and
/// `access_token` are found by them as well.
const SECRET: [&str; 10] = [
    "password",
    "adminpass",
    "secret",
    "token",
    "passcode",
    "privatekey",
    "blob",
    "payload",
    "userdata",
    "authorization",
];

/// A copy without the values of secret keys.
pub(crate) fn redacted(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| {
                let kept = if is_secret(key) && !value.is_null() && !value.is_boolean() {
                    HIDDEN.into()
                } else {
                    redacted(value)
                };
                (key.clone(), kept)
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(all) => all.iter().map(redacted).collect(),
        other => other.clone(),
    }
}

fn is_secret(key: &str) -> bool {
    let key: String = key.chars().filter(|it| it.is_alphanumeric()).collect::<String>().to_lowercase();
    SECRET.iter().any(|it| key.contains(it))
}

/// Replaces the configured secrets wherever a text quotes them. Keystone's schema errors quote what was sent.
pub(crate) struct Scrubber(Vec<SecretString>);

impl Scrubber {
    pub fn new(secrets: Vec<&SecretString>) -> Self {
        // Replacing very short texts would only garble messages; nobody's secret is that short.
        Self(secrets.into_iter().filter(|it| it.expose_secret().len() >= 4).cloned().collect())
    }

    pub fn scrub(&self, text: String) -> String {
        self.0.iter().fold(text, |text, secret| {
            if text.contains(secret.expose_secret()) {
                text.replace(secret.expose_secret(), HIDDEN)
            } else {
                text
            }
        })
    }
}

/// The last cause of an error: "certificate has expired" rather than "error sending request".
/// URLs are not part of it, as they may hold more than they should.
pub(crate) fn innermost(why: &dyn std::error::Error) -> String {
    let mut last = why;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secret_keys_are_hidden_at_any_depth() {
        let body = json!({
            "auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "u", "password": "hush"}}}},
            "list": [{"adminPass": "hush", "user_data": "hush", "id": "1"}],
            "X-Subject-Token": "hush", "client-secret": "hush", "credential": {"blob": "hush", "type": "ec2"},
        });
        let out = redacted(&body).to_string();
        assert!(!out.contains("hush"), "{out}");
        assert!(out.contains("methods") && out.contains("ec2"));
    }

    #[test]
    fn quoted_secrets_are_scrubbed() {
        let scrubber = Scrubber::new(vec![&"s3cret".into(), &"x".into()]);
        let text = scrubber.scrub("On instance['password']: 's3cret' x".into());
        assert_eq!(text, "On instance['password']: '<redacted>' x");
    }
}
