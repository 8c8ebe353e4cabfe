//! What a dynamic value says, whatever its types: to compare it with JSON, and to write JSON as one.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Type, Value};

impl Value {
    /// The value without its types: objects are maps, tuples and sets are lists. What is not known yet stays so.
    pub fn untyped(&self) -> Value {
        match self {
            Value::Dynamic(it) => untyped(&it.1, &it.0),
            other => other.clone(),
        }
    }

    /// A value without types, of JSON.
    pub fn of_json(json: &Json) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Bool(it) => Value::Bool(*it),
            // Of a number that is one, the text is one.
            Json::Number(it) => it.to_string().parse().map_or(Value::Null, Value::Number),
            Json::String(it) => it.as_str().into(),
            Json::Array(all) => Value::List(all.iter().map(Value::of_json).collect()),
            Json::Object(all) => {
                Value::Map(all.iter().map(|(key, it)| (key.as_str().into(), Value::of_json(it))).collect())
            }
        }
    }

    /// The JSON of a value without types. `None` if not all of it is known.
    pub fn to_json(&self) -> Option<Json> {
        Some(match self {
            Value::Null => Json::Null,
            Value::Bool(it) => Json::Bool(*it),
            Value::Number(it) => it.to_i64().map_or_else(|| it.to_f64().into(), Json::from),
            Value::String(it) => Json::String((**it).to_owned()),
            Value::List(all) => Json::Array(all.iter().map(Value::to_json).collect::<Option<_>>()?),
            Value::Map(all) => {
                let all = all.iter().map(|(key, it)| Some(((**key).to_owned(), it.to_json()?)));
                Json::Object(all.collect::<Option<_>>()?)
            }
            Value::Unknown | Value::Object(_) | Value::Dynamic(_) => return None,
        })
    }

    /// A dynamic value of JSON, with the types that Terraform's `jsondecode` gives.
    pub fn dynamic(json: &Json) -> Value {
        match typed(json) {
            (_, Value::Null) => Value::Null,
            typed => Value::Dynamic(Box::new(typed)),
        }
    }
}

fn untyped(value: &Value, ty: &Type) -> Value {
    match (value, ty) {
        (Value::List(all), Type::List(element) | Type::Set(element)) => {
            Value::List(all.iter().map(|it| untyped(it, element)).collect())
        }
        (Value::List(all), Type::Tuple(types)) => {
            Value::List(all.iter().zip(types).map(|(it, ty)| untyped(it, ty)).collect())
        }
        (Value::Map(all), Type::Map(element)) => {
            Value::Map(all.iter().map(|(key, it)| (key.clone(), untyped(it, element))).collect())
        }
        (Value::Object(all), Type::Object(types)) => {
            let each = types.iter().zip(all);
            Value::Map(each.map(|((key, ty), it)| (key.as_str().into(), untyped(it, ty))).collect())
        }
        (it, _) => it.untyped(),
    }
}

fn typed(json: &Json) -> (Type, Value) {
    match json {
        Json::Null => (Type::Dynamic, Value::Null),
        Json::Bool(_) => (Type::Bool, Value::of_json(json)),
        Json::Number(_) => (Type::Number, Value::of_json(json)),
        Json::String(_) => (Type::String, Value::of_json(json)),
        Json::Array(all) => {
            let (types, values) = all.iter().map(typed).unzip();
            (Type::Tuple(types), Value::List(values))
        }
        Json::Object(all) => {
            // An object's values are in the order of its type.
            let all: BTreeMap<_, _> = all.iter().map(|(key, it)| (key.clone(), typed(it))).collect();
            let (types, values) = all.into_iter().map(|(key, (ty, it))| ((key, ty), it)).unzip();
            (Type::Object(types), Value::Object(values))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tf::msgpack;

    #[test]
    fn json_survives_being_a_dynamic_value() {
        let json = json!([{"b": ["x", 1, 2.5, true, null], "a": {}}, []]);
        let value = Value::dynamic(&json);
        let Value::Dynamic(typed) = &value else { panic!("{value:?}") };
        let ty = json!(["tuple", [
            ["object", {"a": ["object", {}], "b": ["tuple", ["string", "number", "number", "bool", "dynamic"]]}],
            ["tuple", []],
        ]]);
        assert_eq!(typed.0.to_json(), ty);
        assert_eq!(value.untyped().to_json(), Some(json.clone()));
        assert_eq!(value.untyped(), Value::of_json(&json));
        let bytes = msgpack::write_type(&value, &Type::Dynamic);
        assert_eq!(msgpack::read_type(&bytes, &Type::Dynamic), Ok(value));
    }

    #[test]
    fn what_it_says_does_not_depend_on_types() {
        let text = |it: &str| Value::from(it);
        let list = Value::List(vec![text("a"), text("b")]);
        let types = [
            Type::List(Box::new(Type::String)),
            Type::Set(Box::new(Type::String)),
            Type::Tuple(vec![Type::String, Type::String]),
        ];
        for ty in types {
            assert_eq!(Value::Dynamic(Box::new((ty, list.clone()))).untyped(), list);
        }
        let map = Value::Map([("k".into(), text("v"))].into());
        let object = (Type::Object([("k".to_owned(), Type::String)].into()), Value::Object(vec![text("v")]));
        assert_eq!(Value::Dynamic(Box::new(object)).untyped(), map);
        assert_eq!(Value::Dynamic(Box::new((Type::Map(Box::new(Type::String)), map.clone()))).untyped(), map);
    }

    #[test]
    fn what_is_unknown_stays_unknown() {
        let ty = Type::Object([("a".to_owned(), Type::String), ("b".to_owned(), Type::Dynamic)].into());
        let value = Value::Dynamic(Box::new((ty, Value::Object(vec!["x".into(), Value::Unknown]))));
        let expected = Value::Map([("a".into(), "x".into()), ("b".into(), Value::Unknown)].into());
        assert_eq!(value.untyped(), expected);
        assert_eq!(expected.to_json(), None);
    }
}
