//! Values on the wire and in states: of any type, exact, and safe against any bytes.

// Clippy takes the helpers of tests for something else.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use tenancy::tf::{Attr, Computed, Model, Number, Schema, Type, Value, json, msgpack};

/// The derive writes `crate::tf`.
mod tf {
    pub use tenancy::tf::*;
}

// Types and values at random.

fn plain() -> impl Strategy<Value = Type> {
    prop_oneof![Just(Type::Bool), Just(Type::Number), Just(Type::String)]
}

/// Types without `any`.
fn concrete() -> impl Strategy<Value = Type> {
    plain().prop_recursive(3, 24, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed.clone().prop_map(Type::List),
            boxed.clone().prop_map(Type::Set),
            boxed.prop_map(Type::Map),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Type::Tuple),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4).prop_map(Type::Object),
        ]
    })
}

fn any_type() -> impl Strategy<Value = Type> {
    prop_oneof![4 => concrete(), 1 => Just(Type::Dynamic)]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        (-300i64..300).prop_map(Number::from),
        "-?[1-9][0-9]{0,40}(\\.[0-9]{1,40})?".prop_map(|it| it.parse().unwrap()),
        any::<f64>().prop_filter_map("finite", Number::from_f64),
    ]
}

fn known(ty: &Type, unknown: bool) -> BoxedStrategy<Value> {
    match ty {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Number => number().prop_map(Value::Number).boxed(),
        Type::String => any::<String>().prop_map(|it| it.as_str().into()).boxed(),
        Type::List(it) => prop::collection::vec(value(it, unknown), 0..20).prop_map(Value::List).boxed(),
        Type::Set(it) => prop::collection::vec(value(it, unknown), 0..5).prop_map(Value::set).boxed(),
        Type::Map(it) => prop::collection::btree_map(any::<String>(), value(it, unknown), 0..20)
            .prop_map(|all| Value::Map(all.into_iter().map(|(key, it)| (Arc::from(key), it)).collect()))
            .boxed(),
        Type::Tuple(all) => {
            let all: Vec<_> = all.iter().map(|it| value(it, unknown)).collect();
            all.prop_map(Value::List).boxed()
        }
        Type::Object(all) => {
            let all: Vec<_> = all.values().map(|it| value(it, unknown)).collect();
            all.prop_map(Value::Object).boxed()
        }
        Type::Dynamic => concrete()
            .prop_flat_map(move |ty| (known(&ty, unknown), Just(ty)))
            .prop_map(|(value, ty)| Value::Dynamic(Box::new((ty, value))))
            .boxed(),
    }
}

fn value(ty: &Type, unknown: bool) -> BoxedStrategy<Value> {
    let unknowns = if unknown { 1 } else { 0 };
    prop_oneof![8 => known(ty, unknown), 1 => Just(Value::Null), unknowns => Just(Value::Unknown)].boxed()
}

fn typed(unknown: bool) -> impl Strategy<Value = (Type, Value)> {
    any_type().prop_flat_map(move |ty| (Just(ty.clone()), value(&ty, unknown)))
}

/// As Terraform writes a state.
fn state(value: &Value, ty: &Type) -> String {
    let list = |all: &[String]| format!("[{}]", all.join(","));
    let pairs = |all: Vec<(String, String)>| {
        let all: Vec<_> =
            all.into_iter().map(|(key, it)| format!("{}: {it}", serde_json::Value::from(key))).collect();
        format!("{{{}}}", all.join(", "))
    };
    match (value, ty) {
        (Value::Null, _) => "null".to_owned(),
        (Value::Bool(it), _) => it.to_string(),
        (Value::Number(it), _) => it.to_string(),
        (Value::String(it), _) => serde_json::Value::from(&**it).to_string(),
        (Value::List(all), Type::List(ty) | Type::Set(ty)) => {
            list(&all.iter().map(|it| state(it, ty)).collect::<Vec<_>>())
        }
        (Value::List(all), Type::Tuple(types)) => {
            list(&all.iter().zip(types).map(|(it, ty)| state(it, ty)).collect::<Vec<_>>())
        }
        (Value::Map(all), Type::Map(ty)) => {
            pairs(all.iter().map(|(key, it)| ((**key).to_owned(), state(it, ty))).collect())
        }
        (Value::Object(all), Type::Object(types)) => {
            pairs(all.iter().zip(types).map(|(it, (name, ty))| (name.clone(), state(it, ty))).collect())
        }
        (Value::Dynamic(it), Type::Dynamic) => pairs(vec![
            ("value".to_owned(), state(&it.1, &it.0)),
            ("type".to_owned(), it.0.to_json().to_string()),
        ]),
        (value, ty) => unreachable!("{value:?} is no {ty:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn types_are_read_as_they_are_written(ty in any_type()) {
        prop_assert_eq!(Type::from_json(&ty.to_json()), Some(ty));
    }

    #[test]
    fn msgpack_is_the_identity((ty, value) in typed(true)) {
        let bytes = msgpack::write_type(&value, &ty);
        prop_assert_eq!(msgpack::read_type(&bytes, &ty), Ok(value));
    }

    #[test]
    fn states_are_read_as_they_are_written((ty, value) in typed(false)) {
        let text = state(&value, &ty);
        prop_assert_eq!(json::read_type(text.as_bytes(), &ty).map_err(|it| it.to_string()), Ok(value));
    }

    #[test]
    fn no_bytes_panic(ty in any_type(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = msgpack::read_type(&bytes, &ty);
        let _ = msgpack::read_object(&bytes, &Thing::schema());
        let _ = json::read_type(&bytes, &ty);
        let _ = json::read_object(&bytes, &Thing::schema());
    }

    #[test]
    fn no_damage_panics((ty, value) in typed(true), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = msgpack::write_type(&value, &ty);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = msgpack::read_type(&bytes, &ty);
        prop_assert!(at == 0 || msgpack::read_type(&bytes[..at], &ty).is_err(), "cut short, and not noticed");
    }

    #[test]
    fn numbers_keep_every_digit(it in number()) {
        prop_assert_eq!(it.to_string().parse::<Number>(), Ok(it.clone()));
        let bytes = msgpack::write_type(&Value::Number(it.clone()), &Type::Number);
        prop_assert_eq!(msgpack::read_type(&bytes, &Type::Number), Ok(Value::Number(it)));
    }

    #[test]
    fn models_survive(it in thing()) {
        let schema = Thing::schema();
        let value = Attr::encode(it.clone());
        let read = msgpack::read_object(&msgpack::write_object(&value, &schema), &schema).unwrap();
        prop_assert_eq!(<Thing as Attr>::decode(read), Ok(it));
    }
}

// Bytes that hosts really send.

#[track_caller]
fn reads(bytes: &[u8], ty: Type, expected: Value) {
    assert_eq!(msgpack::read_type(bytes, &ty), Ok(expected), "{bytes:02x?}");
}

fn decimal(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

#[test]
fn unknown_is_any_extension() {
    reads(&[0xd4, 0, 0], Type::String, Value::Unknown);
    // Refined: will not be null.
    reads(&[0xc7, 3, 12, 0x81, 1, 0xc2], Type::String, Value::Unknown);
    reads(&[0xc8, 0, 3, 12, 0x81, 1, 0xc2], Type::Bool, Value::Unknown);
    reads(&[0xc9, 0, 0, 0, 1, 12, 0x80], Type::Map(Box::new(Type::String)), Value::Unknown);
    reads(&[0xd6, 99, 1, 2, 3, 4], Type::Number, Value::Unknown);
    assert!(msgpack::read_type(&[0xc7, 3, 12, 0x81], &Type::String).is_err(), "cut short");
    assert_eq!(msgpack::write_type(&Value::Unknown, &Type::String), [0xd4, 0, 0]);
}

#[test]
fn null_is_nil_or_nothing() {
    reads(&[0xc0], Type::String, Value::Null);
    reads(&[], Type::String, Value::Null);
    reads(&[0xc0], Type::Dynamic, Value::Null);
    assert_eq!(msgpack::write_type(&Value::Null, &Type::Dynamic), [0xc0]);
}

#[test]
fn numbers_come_in_three_forms() {
    for (bytes, text) in [
        (&[0x07][..], "7"),
        (&[0xff], "-1"),
        (&[0xcc, 0xff], "255"),
        (&[0xcd, 1, 0], "256"),
        (&[0xd0, 0x80], "-128"),
        (&[0xd2, 0x80, 0, 0, 0], "-2147483648"),
        (&[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], "-9223372036854775808"),
        (&[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "18446744073709551615"),
        (&[0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0], "0.5"),
        (&[0xca, 0x3f, 0, 0, 0], "0.5"),
        (
            &[0xcb, 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a],
            "0.1000000000000000055511151231257827021181583404541015625",
        ),
        (b"\xa30.1", "0.1"),
        (b"\xb39223372036854775808", "9223372036854775808"),
    ] {
        reads(bytes, Type::Number, decimal(text));
    }
    // Infinity and what is no number are none of Terraform's.
    for bytes in [&[0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0][..], b"\xa3abc", &[0xc3], &[0x90]] {
        assert!(msgpack::read_type(bytes, &Type::Number).is_err(), "{bytes:02x?}");
    }
    assert_eq!(msgpack::write_type(&decimal("0.1"), &Type::Number), b"\xa30.1");
    assert_eq!(msgpack::write_type(&decimal("300"), &Type::Number), [0xcd, 1, 44]);
}

#[test]
fn a_size_that_lies_reserves_nothing() {
    let strings = Type::List(Box::new(Type::String));
    for bytes in [
        &[0xdd, 0xff, 0xff, 0xff, 0xff][..],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0xdb, 0xff, 0xff, 0xff, 0xff],
    ] {
        for ty in [&strings, &Type::Map(Box::new(Type::String)), &Type::String] {
            assert!(msgpack::read_type(bytes, ty).is_err());
        }
    }
}

#[test]
fn a_dynamic_value_brings_its_type() {
    let bytes = b"\x92\xc4\x08\"string\"\xa1x";
    let value = Value::Dynamic(Box::new((Type::String, "x".into())));
    reads(bytes, Type::Dynamic, value.clone());
    assert_eq!(msgpack::write_type(&value, &Type::Dynamic), bytes);
    assert!(msgpack::read_type(b"\x92\xc4\x06\"what\"\xa1x", &Type::Dynamic).is_err());
}

#[test]
fn objects_are_written_by_name_and_read_in_any_order() {
    let schema = Pair::schema();
    let pair = Value::Object(vec!["b".into(), "a".into()]);
    let bytes = msgpack::write_object(&pair, &schema);
    assert_eq!(bytes, b"\x82\xa5alpha\xa1a\xa4beta\xa1b");
    assert_eq!(msgpack::read_object(&bytes, &schema), Ok(pair.clone()));
    assert_eq!(msgpack::read_object(b"\x82\xa4beta\xa1b\xa5alpha\xa1a", &schema), Ok(pair));
    assert!(msgpack::read_object(b"\x81\xa5gamma\xa1a", &schema).is_err(), "an attribute too many");
    assert!(msgpack::read_object(b"\x80\x80", &schema).is_err(), "bytes left over");
}

// States.

/// A pair.
#[derive(Model)]
struct Pair {
    /// Declared first.
    #[allow(dead_code)]
    beta: String,
    /// Declared second.
    #[allow(dead_code)]
    alpha: String,
}

/// A thing with one of everything.
#[derive(Clone, Debug, PartialEq, Model)]
struct Thing {
    /// Id.
    #[tf(keep)]
    id: Computed<String>,
    /// On.
    #[tf(default = true)]
    on: bool,
    /// Size.
    size: Option<i64>,
    /// Weight.
    weight: Option<f64>,
    /// Tags.
    tags: Option<BTreeSet<String>>,
    /// Parts.
    parts: Option<BTreeMap<String, Part>>,
    /// The main one.
    main: Option<Part>,
    /// In order.
    order: Option<Vec<Part>>,
}

/// A part.
#[derive(Clone, Debug, PartialEq, Model)]
struct Part {
    /// Name.
    name: String,
    /// Count.
    #[tf(default = 1)]
    count: i64,
}

prop_compose! {
    fn part()(name in any::<String>(), count in any::<i64>()) -> Part {
        Part { name, count }
    }
}

prop_compose! {
    fn thing()(
        id in prop::option::of(any::<String>()),
        on in any::<bool>(),
        size in prop::option::of(any::<i64>()),
        weight in prop::option::of(-1e300..1e300f64),
        tags in prop::option::of(prop::collection::btree_set(any::<String>(), 0..5)),
        parts in prop::option::of(prop::collection::btree_map(any::<String>(), part(), 0..5)),
        main in prop::option::of(part()),
        order in prop::option::of(prop::collection::vec(part(), 0..5)),
    ) -> Thing {
        Thing { id: id.map_or(Computed::Unknown, Computed::Known), on, size, weight, tags, parts, main, order }
    }
}

fn read(text: &str) -> Result<Thing, String> {
    let schema: Schema = Thing::schema();
    let value = json::read_object(text.as_bytes(), &schema).map_err(|it| it.to_string())?;
    Attr::decode(value).map_err(|it| it.to_string())
}

#[test]
fn states_are_read_with_gaps_and_leftovers() {
    let thing = read(
        r#"{ "id": "1", "gone": [{"deep": 1e400}], "size": 12.0,
             "parts": { "a": { "name": "A", "colour": "red" }, "b": { "count": 7, "name": "\u0042" } } }"#,
    );
    let part = |name: &str, count| Part { name: name.into(), count };
    let expected = Thing {
        id: "1".into(),
        on: true,
        size: Some(12),
        weight: None,
        tags: None,
        parts: Some([("a".into(), part("A", 1)), ("b".into(), part("B", 7))].into()),
        main: None,
        order: None,
    };
    assert_eq!(thing, Ok(expected));
}

#[test]
fn a_state_that_does_not_fit_is_told_without_its_values() {
    for (text, why) in [
        (r#"{ "tags": "hunter2" }"#, r#"unexpected string, expected a value of the type ["set","string"]"#),
        (r#"{ "on": "hunter2" }"#, "unexpected string"),
        (r#"{ "parts": ["hunter2"] }"#, "a map of objects"),
        (r#"{ "size": 1.5 }"#, "expected a whole number, found a number out of range"),
        ("[]", "an object"),
        ("{", "EOF"),
    ] {
        let found = read(text).unwrap_err();
        assert!(found.contains(why), "{text}: {found}");
        assert!(!found.contains("hunter2"), "{found}");
    }
}

#[test]
fn big_numbers_in_a_state_keep_every_digit() {
    let ty = Type::Map(Box::new(Type::Number));
    let text =
        r#"{ "a": 123456789012345678901234567890.125, "b": 1e3, "c": "0.1", "d": 9223372036854775807 }"#;
    let Ok(Value::Map(all)) = json::read_type(text.as_bytes(), &ty) else { panic!("not read") };
    for (key, text) in [
        ("a", "123456789012345678901234567890.125"),
        ("b", "1000"),
        ("c", "0.1"),
        ("d", "9223372036854775807"),
    ] {
        assert_eq!(all[key], decimal(text));
    }
}
