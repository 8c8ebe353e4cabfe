//! What a configuration would say that gives a state.

use super::{Field, Kind, Nesting, Presence, Schema, Value};

/// The configuration of an object: without what only the provider knows, without defaults, and without what is empty
/// where that says no more than nothing.
pub fn written(schema: &Schema, state: &Value) -> Value {
    let Value::Object(values) = state else { return Value::Null };
    Value::Object(schema.fields.iter().zip(values).map(|(field, value)| attribute(field, value)).collect())
}

fn attribute(field: &Field, value: &Value) -> Value {
    let unsaid = field.presence == Presence::Computed || field.write_only || *value == Value::Unknown;
    if unsaid || field.default.as_ref() == Some(value) || (field.managed_if_set && is_empty(value)) {
        return Value::Null;
    }
    let value = match (&field.kind, value) {
        (Kind::Nested(Nesting::Single, schema), Value::Object(_)) => written(schema, value),
        (Kind::Nested(_, schema), Value::List(all)) => {
            Value::List(all.iter().map(|it| written(schema, it)).collect())
        }
        (Kind::Nested(_, schema), Value::Map(all)) => {
            Value::Map(all.iter().map(|(key, it)| (key.clone(), written(schema, it))).collect())
        }
        (_, value) => value.clone(),
    };
    match &value {
        Value::Object(all) if field.presence != Presence::Required && all.iter().all(Value::is_null) => {
            Value::Null
        }
        _ => value,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(it) => it.is_empty(),
        Value::List(it) => it.is_empty(),
        Value::Map(it) => it.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::tf::{Attr, Computed, Model};

    /// A thing.
    #[derive(Clone, Debug, Model)]
    struct Thing {
        /// Id.
        id: Computed<String>,
        /// Name.
        name: String,
        /// Owner.
        #[tf(optional, keep)]
        owner: Computed<String>,
        /// Whether it is on.
        #[tf(default = true)]
        on: bool,
        /// Note.
        #[tf(managed_if_set)]
        note: Option<String>,
        /// Size.
        #[tf(managed_if_set)]
        size: Option<i64>,
        /// Parts.
        parts: Option<BTreeMap<String, Part>>,
        /// Rest.
        rest: Option<Part>,
    }

    /// A part.
    #[derive(Clone, Debug, Default, Model)]
    struct Part {
        /// Key.
        key: Option<String>,
        /// Id.
        id: Computed<String>,
    }

    #[test]
    fn says_no_more_than_it_must() {
        let part = Part { key: Some("k".into()), id: "1".into() };
        let thing = Thing {
            id: "1".into(),
            name: String::new(),
            owner: "me".into(),
            on: true,
            note: Some(String::new()),
            size: Some(0),
            parts: Some([("a".into(), part)].into()),
            rest: Some(Part { key: None, id: "2".into() }),
        };
        let part = Value::Object(vec!["k".into(), Value::Null]);
        let expected = vec![
            Value::Null,
            "".into(),
            "me".into(),
            Value::Null,
            Value::Null,
            0.encode(),
            Value::Map([("a".into(), part)].into()),
            Value::Null,
        ];
        assert_eq!(written(&Thing::schema(), &Attr::encode(thing)), Value::Object(expected));
    }
}
