//! Recognises what an interrupted run made.
//!
//! A create whose reply was lost, or whose run was killed, leaves an object that no state knows of. So each
//! domain, project and group is created with one extra key, which says when it was made and from what: the
//! create request and the working directory. If the name is taken at the next create, and its holder was made
//! from the very same request a short while ago by another process, it is ours: it is adopted.

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Kind, Object};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::{ConflictError, Error, Result};

/// The extra key. It is never shown among properties.
pub(crate) const KEY: &str = "terraform_tenancy_origin";
/// An object is taken for ours for so many seconds.
const FRESH: i64 = 3600;

/// Something that was created.
#[derive(Clone, Debug, PartialEq)]
pub struct Made<T> {
    /// The object.
    pub object: T,
    /// Whether an interrupted run had made it, and it was taken over now.
    pub adopted: bool,
}

/// What an object is created from, and where: as a mark on it, by which it is recognised.
pub(super) struct Origin(String);

impl Origin {
    /// That of a request with these fields, sent from the working directory.
    pub fn of(kind: &Kind, fields: &Value) -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        Self(fingerprint(kind.one, fields, &here))
    }

    /// The value of the extra key, now.
    pub fn mark(&self) -> Value {
        json!(format!("{}.{}", jiff::Timestamp::now().as_second(), self.0))
    }

    /// Whether an object has this mark, and a fresh one.
    pub fn made(&self, object: &impl Object, now: jiff::Timestamp) -> bool {
        object.origin().is_some_and(|it| is_ours(it, &self.0, now.as_second()))
    }
}

/// Creates an object from its fields. An object that is adopted may differ from what was asked: see to that.
pub(super) async fn create<T: Object>(
    cloud: &Cloud,
    kind: &'static Kind,
    mut fields: Value,
    domain_id: Option<&str>,
    name: &str,
) -> Result<Made<T>> {
    let origin = Origin::of(kind, &fields);
    fields[KEY] = origin.mark();
    let doing = format!("create {} \"{name}\"", kind.one);
    let call = Call::post(Service::Identity, kind.list, json!({ kind.one: fields })).doing(doing.clone());
    let why = match made(cloud, kind, call).await {
        Ok(object) => {
            cloud.claim(T::id(&object));
            return Ok(Made { object, adopted: false });
        }
        Err(why) => why,
    };
    let lost = why.is_reply_lost();
    if !lost && why.status() != Some(409) {
        return Err(why);
    }
    // A request that was cut off may still be at work: look twice.
    let mut looks = if lost { 3 } else { 1 };
    let holder = loop {
        looks -= 1;
        let (holder, date) = kind.holder::<T>(cloud, domain_id, name).await?;
        match holder {
            Some(holder) => {
                let now = date.unwrap_or_else(jiff::Timestamp::now);
                if origin.made(&holder, now) && cloud.claim(holder.id()) {
                    tracing::info!(
                        target: "tenancy::http", kind = kind.one, id = holder.id(),
                        "adopted what an interrupted run had made"
                    );
                    return Ok(Made { object: holder, adopted: true });
                }
                break Some(holder);
            }
            None if looks == 0 => break None,
            None => cloud.pause(std::time::Duration::from_secs(1), &doing).await?,
        }
    };
    match (why, lost) {
        (Error::Status(it), false) => Err(Error::Conflict(Box::new(ConflictError {
            kind: kind.one,
            what: "name",
            name: name.to_owned(),
            holder_id: holder.as_ref().map(|it| it.id().to_owned()),
            holder_name: holder.as_ref().map(|it| it.name().to_owned()),
            message: it.message,
            attempt: it.attempt,
        }))),
        (other, _) => Err(other),
    }
}

async fn made<T: Object>(cloud: &Cloud, kind: &Kind, call: Call) -> Result<T> {
    cloud.send(call).await?.json_of(kind.one)
}

/// Whether an origin has our fingerprint and is fresh at `now`, in seconds since 1970.
fn is_ours(origin: &str, fingerprint: &str, now: i64) -> bool {
    origin.split_once('.').is_some_and(|(at, its)| {
        its == fingerprint && at.parse::<i64>().is_ok_and(|at| (now - at).abs() < FRESH)
    })
}

/// A hash over what is asked for, and where from. The same in every build and on every machine.
fn fingerprint(kind: &str, fields: &Value, directory: &Path) -> String {
    let mut text = format!("{kind}\n{}\n", directory.display());
    canonical(fields, &mut text);
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().take(16).map(|it| format!("{it:02x}")).collect()
}

/// JSON with sorted keys: whether `serde_json` keeps their order depends on who else is built in.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for key in keys {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                canonical(&map[key], out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(all) => {
            out.push('[');
            for it in all {
                canonical(it, out);
                out.push(',');
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_the_same_request_of_the_last_hour() {
        let cases = [
            ("1000.abc", "abc", 1000, true),
            ("1000.abc", "abc", 4599, true),
            ("1000.abc", "abc", 4600, false),
            // Keystone's clock may be behind ours.
            ("1000.abc", "abc", 990, true),
            ("1000.abc", "abd", 1000, false),
            ("x.abc", "abc", 1000, false),
            ("abc", "abc", 1000, false),
        ];
        for (origin, fingerprint, now, ours) in cases {
            assert_eq!(is_ours(origin, fingerprint, now), ours, "{origin} {now}");
        }
    }

    #[test]
    fn a_fingerprint_covers_request_and_place() {
        let one = json!({"name": "a", "tags": ["x", "y"], "options": {"immutable": true}});
        let here = Path::new("/here");
        let print = fingerprint("project", &one, here);
        assert_eq!(print, "12bd258cccf2953f27ca783e3757e2e6");
        assert_ne!(print, fingerprint("domain", &one, here));
        assert_ne!(print, fingerprint("project", &one, Path::new("/there")));
        assert_ne!(print, fingerprint("project", &json!({"name": "a"}), here));
    }
}
