//! Values in the JSON form of a state file, read straight into the types of a schema.
//!
//! Attributes that the schema no longer has are passed over; those that the state does not have
//! yet get their default, or null. Numbers keep every digit.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Kind, Nesting, Schema, Type, Value};

/// Reads an object of a schema.
///
/// # Errors
/// If it is not JSON, or not an object of this schema.
pub fn read_object(json: &[u8], schema: &Schema) -> Result<Value, serde_json::Error> {
    read(json, Seed::Object(schema))
}

/// Reads a value of a type.
///
/// # Errors
/// If it is not JSON, or not of this type.
pub fn read_type(json: &[u8], ty: &Type) -> Result<Value, serde_json::Error> {
    read(json, Seed::Type(ty))
}

fn read(json: &[u8], seed: Seed<'_>) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = seed.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// What is expected next.
#[derive(Clone, Copy)]
enum Seed<'a> {
    Type(&'a Type),
    Object(&'a Schema),
    Many(Nesting, &'a Schema),
}

impl<'a> Seed<'a> {
    fn of(kind: &'a Kind) -> Self {
        match kind {
            Kind::Plain(ty) => Seed::Type(ty),
            Kind::Nested(Nesting::Single, schema) => Seed::Object(schema),
            Kind::Nested(nesting, schema) => Seed::Many(*nesting, schema),
        }
    }

    /// What a list of these holds at a position; whether their order means nothing.
    fn element(self, at: usize) -> Option<(Self, bool)> {
        match self {
            Seed::Type(Type::List(element)) => Some((Seed::Type(element), false)),
            Seed::Type(Type::Set(element)) => Some((Seed::Type(element), true)),
            Seed::Type(Type::Tuple(types)) => Some((Seed::Type(types.get(at)?), false)),
            Seed::Many(Nesting::Set, schema) => Some((Seed::Object(schema), true)),
            Seed::Many(Nesting::List, schema) => Some((Seed::Object(schema), false)),
            _ => None,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        if let Seed::Type(Type::Number | Type::Dynamic) = self {
            // As text: a number would otherwise be squeezed into an f64.
            let raw = <&RawValue as serde::Deserialize>::deserialize(from)?.get();
            return match self {
                Seed::Type(Type::Dynamic) => dynamic(raw).map_err(D::Error::custom),
                _ if raw == "null" => Ok(Value::Null),
                _ => raw.trim_matches('"').parse().map(Value::Number).map_err(D::Error::custom),
            };
        }
        from.deserialize_any(self)
    }
}

/// A dynamic value in a state is `{"value": ..., "type": ...}`.
fn dynamic(raw: &str) -> Result<Value, serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct Typed<'a> {
        #[serde(borrow)]
        value: &'a RawValue,
        r#type: serde_json::Value,
    }
    if raw == "null" {
        return Ok(Value::Null);
    }
    let typed: Typed<'_> = serde_json::from_str(raw)?;
    let ty = Type::from_json(&typed.r#type).ok_or_else(|| serde_json::Error::custom("not a type"))?;
    let value = read_type(typed.value.get().as_bytes(), &ty)?;
    Ok(Value::Dynamic(Box::new((ty, value))))
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seed::Type(ty) => write!(f, "a value of the type {}", ty.to_json()),
            Seed::Object(_) => f.write_str("an object"),
            Seed::Many(Nesting::Map, _) => f.write_str("a map of objects"),
            Seed::Many(..) => f.write_str("a list of objects"),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, it: bool) -> Result<Value, E> {
        match self {
            Seed::Type(Type::Bool) => Ok(Value::Bool(it)),
            _ => Err(E::invalid_type(serde::de::Unexpected::Bool(it), &self)),
        }
    }

    fn visit_str<E: Error>(self, it: &str) -> Result<Value, E> {
        match self {
            Seed::Type(Type::String) => Ok(it.into()),
            _ => Err(E::custom(format_args!("unexpected string, expected {}", Expected(self)))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let (mut all, mut unordered) = (Vec::new(), false);
        if let Some((_, any)) = self.element(0) {
            unordered = any;
        }
        while let Some((seed, _)) = self.element(all.len()) {
            match from.next_element_seed(seed)? {
                Some(it) => all.push(it),
                None => break,
            }
        }
        if from.next_element::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom(format_args!("unexpected list, expected {}", Expected(self))));
        }
        Ok(if unordered { Value::set(all) } else { Value::List(all) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        match self {
            Seed::Object(schema) => {
                let mut all: Vec<Value> =
                    schema.fields.iter().map(|it| it.default.clone().unwrap_or(Value::Null)).collect();
                while let Some(name) = from.next_key::<Cow<'de, str>>()? {
                    match schema.position(&name) {
                        Some(at) => all[at] = from.next_value_seed(Seed::of(&schema.fields[at].kind))?,
                        None => drop(from.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Value::Object(all))
            }
            Seed::Type(Type::Object(types)) => {
                let mut all = vec![Value::Null; types.len()];
                while let Some(name) = from.next_key::<Cow<'de, str>>()? {
                    match types.iter().enumerate().find(|(_, (key, _))| **key == name) {
                        Some((at, (_, ty))) => all[at] = from.next_value_seed(Seed::Type(ty))?,
                        None => drop(from.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Value::Object(all))
            }
            Seed::Type(Type::Map(element)) => map(from, Seed::Type(element)),
            Seed::Many(Nesting::Map, schema) => map(from, Seed::Object(schema)),
            _ => Err(A::Error::invalid_type(serde::de::Unexpected::Map, &self)),
        }
    }
}

fn map<'de, A: MapAccess<'de>>(mut from: A, seed: Seed<'_>) -> Result<Value, A::Error> {
    let mut all = std::collections::BTreeMap::new();
    while let Some(key) = from.next_key::<Cow<'de, str>>()? {
        all.insert(Arc::from(&*key), from.next_value_seed(seed)?);
    }
    Ok(Value::Map(all))
}

/// For messages that must not repeat the value.
struct Expected<'a>(Seed<'a>);

impl fmt::Display for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Visitor::expecting(&self.0, f)
    }
}
