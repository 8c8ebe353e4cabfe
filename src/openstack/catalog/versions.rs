//! Reads the versions documents of the services.

use serde_json::Value;

/// A microversion, ordered by number: 2.9 comes before 2.79.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Microversion(pub u32, pub u32);

impl Microversion {
    /// From `2.79`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl std::fmt::Display for Microversion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The microversions that a service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The oldest.
    pub min: Microversion,
    /// The newest.
    pub max: Microversion,
}

/// A version of a service's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Such as `v2.1`.
    pub id: String,
    /// The service's word for what it is: `CURRENT`, `SUPPORTED`, `DEPRECATED`, `EXPERIMENTAL`, `stable`.
    pub status: Option<String>,
    /// The microversions that it takes, if it has any.
    pub microversions: Option<Range>,
}

/// The versions that a document tells; nothing, if it tells none.
pub(crate) fn listed(document: &Value) -> Vec<Version> {
    let one = |it: &Value| {
        let text = |key: &str| it.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Version { id: text("id")?, status: text("status"), microversions: microversions(it) })
    };
    all(document).into_iter().flatten().filter_map(|it| one(&it)).collect()
}

/// Whether a document at Keystone's root lists the identity API v3.
pub(crate) fn has_identity_v3(document: &Value) -> Option<bool> {
    Some(
        all(document)?.iter().any(|it| {
            it.get("id").and_then(Value::as_str).is_some_and(|it| it == "v3" || it.starts_with("v3."))
        }),
    )
}

/// The range of microversions that a document tells, for the newest version in it that has any.
pub(crate) fn range(document: &Value) -> Option<Range> {
    all(document)?.iter().filter_map(microversions).max_by_key(|it| it.max)
}

/// The microversions of one version.
fn microversions(version: &Value) -> Option<Range> {
    let text = |key: &str| version.get(key).and_then(Value::as_str).filter(|it| !it.is_empty());
    // Nova and Cinder say `version`, Placement and others `max_version`.
    let max = Microversion::parse(text("version").or_else(|| text("max_version"))?)?;
    Some(Range { min: Microversion::parse(text("min_version")?)?, max })
}

/// The versions of a document: {"versions": [..]}, {"versions": {"values": [..]}}, {"version": {..}}.
fn all(document: &Value) -> Option<Vec<Value>> {
    if let Some(one) = document.get("version").filter(|it| it.is_object()) {
        return Some(vec![one.clone()]);
    }
    match document.get("versions")? {
        Value::Array(all) => Some(all.clone()),
        Value::Object(map) => map.get("values").and_then(Value::as_array).cloned(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_of_all_shapes() {
        let keystone = json!({"versions": {"values": [{"id": "v3.14", "status": "stable"}]}});
        assert_eq!(has_identity_v3(&keystone), Some(true));
        assert_eq!(has_identity_v3(&json!({"version": {"id": "v3.14"}})), Some(true));
        assert_eq!(has_identity_v3(&json!({"versions": [{"id": "v2.1", "version": "2.95"}]})), Some(false));
        assert_eq!(has_identity_v3(&json!({"hello": 1})), None);
        let nova = json!({"versions": [
            {"id": "v2.0", "version": "", "min_version": ""},
            {"id": "v2.1", "version": "2.104", "min_version": "2.1"},
        ]});
        assert_eq!(range(&nova).map(|it| it.max.to_string()), Some("2.104".into()));
        let told = listed(&nova).into_iter().map(|it| (it.id, it.microversions.map(|it| it.max.to_string())));
        assert!(told.eq([("v2.0".into(), None), ("v2.1".into(), Some("2.104".into()))]));
        assert_eq!(listed(&keystone)[0].status.as_deref(), Some("stable"));
        assert_eq!(listed(&json!({"hello": 1})), []);
        assert!(Microversion::parse("2.9") < Microversion::parse("2.79"));
    }
}
