//! What a plan looks like: a pure function of schema, configuration and prior state.
//!
//! In the order of HashiCorp's plugin framework: the configuration, defaults, then computed values:
//! those of an object in which nothing changes stay as they are, those of one that changes
//! become unknown, except the ones that are kept. Elements of nested maps are matched by key,
//! of lists by position, of sets by what the user wrote. Everything is done in one walk.

use std::collections::BTreeMap;

use super::{Field, Kind, Nesting, Path, Schema, Value};

/// A planned object, before a resource's own plan hook has seen it.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The object.
    pub value: Value,
    /// Attributes whose change makes a new object.
    pub replace: Vec<Path>,
}

/// Plans a create (`prior` is null) or an update.
pub fn plan(schema: &Schema, config: &Value, prior: &Value) -> Planned {
    let mut replace = Vec::new();
    let (value, _) = object(schema, config, Some(prior), &Path::root(), &mut replace);
    Planned { value, replace }
}

/// Fills in the defaults of an object for which nothing else is planned: a data source's, a provider's.
pub fn with_defaults(schema: &Schema, config: &Value) -> Value {
    let Value::Object(values) = config else { return config.clone() };
    let filled = schema.fields.iter().zip(values).map(|(field, value)| match (value, &field.default) {
        (Value::Null, Some(default)) => default.clone(),
        (value, _) => nested(&field.kind, value, &mut |schema, it| with_defaults(schema, it)),
    });
    Value::Object(filled.collect())
}

/// Applies a function to each object of a nested attribute.
fn nested(kind: &Kind, value: &Value, each: &mut dyn FnMut(&Schema, &Value) -> Value) -> Value {
    match (kind, value) {
        (Kind::Nested(_, schema), Value::List(all)) => {
            Value::List(all.iter().map(|it| each(schema, it)).collect())
        }
        (Kind::Nested(_, schema), Value::Map(all)) => {
            Value::Map(all.iter().map(|(key, it)| (key.clone(), each(schema, it))).collect())
        }
        (Kind::Nested(Nesting::Single, schema), Value::Object(_)) => each(schema, value),
        (_, value) => value.clone(),
    }
}

/// Plans one object; also says whether it differs from the prior one.
fn object(
    schema: &Schema,
    config: &Value,
    prior: Option<&Value>,
    path: &Path,
    replace: &mut Vec<Path>,
) -> (Value, bool) {
    let Value::Object(config) = config else { return (config.clone(), prior != Some(config)) };
    let prior = match prior {
        Some(Value::Object(all)) => Some(all),
        _ => None,
    };
    let mut changed = prior.is_none();
    // Computed values can only be settled when all else is.
    let mut open = Vec::new();
    let mut planned = Vec::with_capacity(schema.fields.len());
    for (at, field) in schema.fields.iter().enumerate() {
        let before = prior.and_then(|all| all.get(at));
        let value = match (&config[at], &field.default) {
            _ if field.write_only => Value::Null,
            (Value::Null, Some(default)) => {
                changed |= before != Some(default);
                default.clone()
            }
            (Value::Null, None) if field.managed_if_set => before.cloned().unwrap_or(Value::Null),
            (Value::Null, None) if field.presence.is_computed() => {
                open.push(at);
                before.cloned().unwrap_or(Value::Unknown)
            }
            (written, _) => {
                let (value, differs) = attribute(field, written, before, path, replace);
                changed |= differs;
                value
            }
        };
        if field.replace && before.is_some_and(|before| *before != value) {
            replace.push(path.clone().attribute(field.name));
        }
        planned.push(value);
    }
    if changed {
        for at in open {
            if !(schema.fields[at].keep && prior.is_some()) {
                planned[at] = Value::Unknown;
            }
        }
    }
    (Value::Object(planned), changed)
}

/// Plans one attribute that the user wrote; also says whether it differs from the prior one.
fn attribute(
    field: &Field,
    written: &Value,
    before: Option<&Value>,
    path: &Path,
    replace: &mut Vec<Path>,
) -> (Value, bool) {
    let Kind::Nested(nesting, schema) = &field.kind else {
        return (written.clone(), before != Some(written));
    };
    let path = || path.clone().attribute(field.name);
    match (nesting, written) {
        (Nesting::Single, Value::Object(_)) => object(schema, written, before, &path(), replace),
        (Nesting::Map, Value::Map(elements)) => {
            let empty = BTreeMap::new();
            let before = match before {
                Some(Value::Map(all)) => Some(all),
                _ => None,
            };
            let mut changed = before.is_none_or(|all| all.len() != elements.len());
            let before = before.unwrap_or(&empty);
            let path = path();
            let planned = elements.iter().map(|(key, it)| {
                let (value, differs) =
                    object(schema, it, before.get(key), &path.clone().key(&**key), replace);
                changed |= differs;
                (key.clone(), value)
            });
            let planned = planned.collect();
            (Value::Map(planned), changed)
        }
        (Nesting::List | Nesting::Set, Value::List(elements)) => {
            let before = match before {
                Some(Value::List(all)) => Some(all.as_slice()),
                _ => None,
            };
            let mut changed = before.is_none_or(|all| all.len() != elements.len());
            let mut left: Vec<Option<&Value>> = before.unwrap_or_default().iter().map(Some).collect();
            let path = path();
            let mut planned = Vec::with_capacity(elements.len());
            for (at, it) in elements.iter().enumerate() {
                let (prior, below) = match nesting {
                    Nesting::Set => (matching(schema, it, &mut left), path.clone()),
                    _ => (left.get(at).copied().flatten(), path.clone().index(at)),
                };
                let (value, differs) = object(schema, it, prior, &below, replace);
                changed |= differs;
                planned.push(value);
            }
            let value = if *nesting == Nesting::Set { Value::set(planned) } else { Value::List(planned) };
            (value, changed)
        }
        (_, other) => (other.clone(), before != Some(other)),
    }
}

/// Takes out the first prior element of a set that has all that the user wrote.
fn matching<'a>(schema: &Schema, written: &Value, left: &mut [Option<&'a Value>]) -> Option<&'a Value> {
    let slot = left.iter_mut().find(|it| it.is_some_and(|prior| agrees(schema, written, prior)))?;
    slot.take()
}

fn agrees(schema: &Schema, written: &Value, prior: &Value) -> bool {
    let (Value::Object(written), Value::Object(prior)) = (written, prior) else { return written == prior };
    schema.fields.iter().zip(written.iter().zip(prior)).all(|(field, (written, prior))| match written {
        Value::Null if field.presence.is_computed() => true,
        Value::Object(_) => match &field.kind {
            Kind::Nested(_, schema) => agrees(schema, written, prior),
            Kind::Plain(_) => written == prior,
        },
        written => written == prior,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::tf::{Attr, Computed, Model};

    /// A thing.
    #[derive(Clone, Debug, Default, PartialEq, Model)]
    struct Thing {
        /// Id.
        #[tf(keep)]
        id: Computed<String>,
        /// Name.
        name: String,
        /// Owner.
        #[tf(optional, keep, replace)]
        owner: Computed<String>,
        /// Enabled.
        #[tf(default = true)]
        enabled: bool,
        /// Tags.
        #[tf(managed_if_set)]
        tags: Option<BTreeSet<String>>,
        /// Time of the last change.
        changed_at: Computed<String>,
        /// Parts.
        parts: Option<BTreeMap<String, Part>>,
    }

    /// A part.
    #[derive(Clone, Debug, Default, PartialEq, Model)]
    struct Part {
        /// Id.
        #[tf(keep)]
        id: Computed<String>,
        /// Size.
        size: i64,
        /// Weight.
        weight: Computed<i64>,
    }

    fn made() -> Thing {
        let part = |id: &str, size| Part { id: id.into(), size, weight: (size * 2).into() };
        Thing {
            id: "1".into(),
            name: "web".into(),
            owner: "me".into(),
            enabled: true,
            tags: None,
            changed_at: "noon".into(),
            parts: Some([("a".into(), part("a1", 1)), ("b".into(), part("b1", 2))].into()),
        }
    }

    /// What a user would have written for `made()`: computed values are null.
    fn config(change: impl FnOnce(&mut Vec<Value>)) -> Value {
        let part = |size: i64| Value::Object(vec![Value::Null, size.encode(), Value::Null]);
        let parts = Value::Map([("a".into(), part(1)), ("b".into(), part(2))].into());
        let mut all =
            vec![Value::Null, "web".into(), Value::Null, Value::Null, Value::Null, Value::Null, parts];
        change(&mut all);
        Value::Object(all)
    }

    fn check(config: &Value, prior: &Value, expected: Thing, replace: &[&str]) {
        let planned = plan(&Thing::schema(), config, prior);
        let value = <Thing as Attr>::decode(planned.value).expect("a thing");
        assert_eq!(value, expected);
        assert_eq!(planned.replace.iter().map(Path::to_string).collect::<Vec<_>>(), replace);
    }

    #[test]
    fn create_computes_all() {
        let part = |size| Part { size, ..Default::default() };
        let expected = Thing {
            name: "web".into(),
            enabled: true,
            parts: Some([("a".into(), part(1)), ("b".into(), part(2))].into()),
            ..Default::default()
        };
        check(&config(|_| ()), &Value::Null, expected, &[]);
    }

    #[test]
    fn no_change_is_no_change() {
        check(&config(|_| ()), &Attr::encode(made()), made(), &[]);
    }

    #[test]
    fn a_change_keeps_what_is_kept() {
        let expected = Thing { name: "api".into(), changed_at: Computed::Unknown, ..made() };
        check(&config(|it| it[1] = "api".into()), &Attr::encode(made()), expected, &[]);
    }

    #[test]
    fn a_default_repairs_drift() {
        let drifted = Thing { enabled: false, ..made() };
        let expected = Thing { changed_at: Computed::Unknown, ..made() };
        check(&config(|_| ()), &Attr::encode(drifted), expected, &[]);
    }

    #[test]
    fn unset_is_not_managed() {
        let tagged = Thing { tags: Some(["x".to_owned()].into()), ..made() };
        check(&config(|_| ()), &Attr::encode(tagged.clone()), tagged.clone(), &[]);
        let none = Thing { tags: Some([].into()), changed_at: Computed::Unknown, ..made() };
        check(&config(|it| it[4] = Value::List(vec![])), &Attr::encode(tagged), none, &[]);
    }

    #[test]
    fn a_new_owner_replaces_and_an_unknown_one_may() {
        let expected = Thing { owner: "you".into(), changed_at: Computed::Unknown, ..made() };
        check(&config(|it| it[2] = "you".into()), &Attr::encode(made()), expected, &["owner"]);
        let expected = Thing { owner: Computed::Unknown, changed_at: Computed::Unknown, ..made() };
        check(&config(|it| it[2] = Value::Unknown), &Attr::encode(made()), expected, &["owner"]);
    }

    #[test]
    fn one_element_of_a_map_changes_alone() {
        let part = |size: i64| Value::Object(vec![Value::Null, size.encode(), Value::Null]);
        let parts = Value::Map([("a".into(), part(5)), ("b".into(), part(2)), ("c".into(), part(3))].into());
        let mut expected = Thing { changed_at: Computed::Unknown, ..made() };
        let all = expected.parts.as_mut().expect("parts");
        all.insert("a".into(), Part { id: "a1".into(), size: 5, weight: Computed::Unknown });
        all.insert("c".into(), Part { size: 3, ..Default::default() });
        check(&config(|it| it[6] = parts), &Attr::encode(made()), expected, &[]);
    }

    #[test]
    fn a_removed_element_is_a_change_of_the_whole_only() {
        let part = |size: i64| Value::Object(vec![Value::Null, size.encode(), Value::Null]);
        let parts = Value::Map([("b".into(), part(2))].into());
        let mut expected = Thing { changed_at: Computed::Unknown, ..made() };
        expected.parts.as_mut().expect("parts").remove("a");
        check(&config(|it| it[6] = parts), &Attr::encode(made()), expected, &[]);
    }

    /// A nested object of which the user may write any part, and the provider knows the rest.
    #[derive(Clone, Debug, Default, PartialEq, Model)]
    struct Limited {
        /// Limits.
        #[tf(optional, keep)]
        limits: Computed<Limits>,
    }

    /// Limits.
    #[derive(Clone, Debug, Default, PartialEq, Model)]
    struct Limits {
        /// Cores.
        #[tf(optional, keep)]
        cores: Computed<i64>,
        /// Memory.
        #[tf(optional, keep)]
        memory: Computed<i64>,
        /// In use.
        in_use: Computed<i64>,
    }

    fn limited(cores: i64, memory: i64, in_use: Computed<i64>) -> Limited {
        let limits = Limits { cores: cores.into(), memory: memory.into(), in_use };
        Limited { limits: limits.into() }
    }

    fn limits(written: Value, prior: &Value) -> Limited {
        let planned = plan(&Limited::schema(), &Value::Object(vec![written]), prior);
        Attr::decode(planned.value).expect("limits")
    }

    fn written(cores: Value, memory: Value) -> Value {
        Value::Object(vec![cores, memory, Value::Null])
    }

    #[test]
    fn a_nested_object_that_nobody_wrote_is_the_providers() {
        assert_eq!(limits(Value::Null, &Value::Null), Limited::default());
        let prior = limited(1, 2, 0.into());
        assert_eq!(limits(Value::Null, &Attr::encode(prior.clone())), prior);
        // A state of a version that did not have it.
        assert_eq!(limits(Value::Null, &Value::Object(vec![Value::Null])), Limited::default());
    }

    #[test]
    fn what_a_nested_object_does_not_say_is_the_providers() {
        let open = Limits { cores: 1.into(), ..Default::default() };
        let open = Limited { limits: open.into() };
        assert_eq!(limits(written(1.encode(), Value::Null), &Value::Null), open);
        assert_eq!(limits(written(1.encode(), Value::Null), &Value::Object(vec![Value::Null])), open);
        let prior = Attr::encode(limited(1, 2, 0.into()));
        assert_eq!(limits(written(Value::Null, Value::Null), &prior), limited(1, 2, 0.into()));
        assert_eq!(limits(written(1.encode(), Value::Null), &prior), limited(1, 2, 0.into()));
        assert_eq!(limits(written(5.encode(), Value::Null), &prior), limited(5, 2, Computed::Unknown));
        let unknown = Limits { cores: Computed::Unknown, memory: 2.into(), in_use: Computed::Unknown };
        assert_eq!(limits(written(Value::Unknown, Value::Null), &prior), Limited { limits: unknown.into() });
        assert_eq!(limits(Value::Unknown, &prior), Limited::default());
    }
}
