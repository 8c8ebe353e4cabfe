//! Values in the msgpack form of the protocol.
//!
//! Unknown is an extension value of any code: the plain one is code 0, a refined one (it says,
//! for instance, that the value will not be null) is code 12. We send the plain one.

use std::sync::Arc;

use rmp::Marker;
use rmp::decode::{self, RmpRead};
use rmp::encode;

use super::{Kind, Nesting, Number, Schema, Type, Value};

/// Bytes that are not a value of the type asked for: a bug of the host or of the provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed msgpack value: {0}")]
pub struct Malformed(&'static str);

type Result<T> = std::result::Result<T, Malformed>;

/// Reads an object of a schema. Empty bytes are null.
pub fn read_object(bytes: &[u8], schema: &Schema) -> Result<Value> {
    read(bytes, |reader| reader.object(schema))
}

/// Reads a value of a type. Empty bytes are null: OpenTofu sends a null argument that way.
pub fn read_type(bytes: &[u8], ty: &Type) -> Result<Value> {
    read(bytes, |reader| reader.of_type(ty))
}

fn read<'a>(bytes: &'a [u8], read: impl FnOnce(&mut Reader<'a>) -> Result<Value>) -> Result<Value> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let mut reader = Reader { bytes };
    let value = read(&mut reader)?;
    if reader.bytes.is_empty() { Ok(value) } else { Err(Malformed("bytes left over")) }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

/// What a value starts with.
enum Head {
    Null,
    Unknown,
    Other(Marker),
}

impl<'a> Reader<'a> {
    fn head(&mut self) -> Result<Head> {
        let marker = decode::read_marker(&mut self.bytes).map_err(|_| Malformed("no value"))?;
        let payload: Result<usize> = match marker {
            Marker::Null => return Ok(Head::Null),
            Marker::FixExt1 => Ok(1),
            Marker::FixExt2 => Ok(2),
            Marker::FixExt4 => Ok(4),
            Marker::FixExt8 => Ok(8),
            Marker::FixExt16 => Ok(16),
            Marker::Ext8 => self.size(1),
            Marker::Ext16 => self.size(2),
            Marker::Ext32 => self.size(4),
            other => return Ok(Head::Other(other)),
        };
        // The code, then the refinements, which we do not need.
        self.take(1)?;
        self.take(payload?)?;
        Ok(Head::Unknown)
    }

    /// A big-endian length of so many bytes.
    fn size(&mut self, bytes: usize) -> Result<usize> {
        Ok(self.take(bytes)?.iter().fold(0, |size, byte| size << 8 | usize::from(*byte)))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(Malformed("too short"))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn string_of(&mut self, marker: Marker) -> Result<&'a str> {
        let size = match marker {
            Marker::FixStr(size) => usize::from(size),
            Marker::Str8 | Marker::Bin8 => self.size(1)?,
            Marker::Str16 | Marker::Bin16 => self.size(2)?,
            Marker::Str32 | Marker::Bin32 => self.size(4)?,
            _ => return Err(Malformed("not a string")),
        };
        std::str::from_utf8(self.take(size)?).map_err(|_| Malformed("not UTF-8"))
    }

    fn string(&mut self) -> Result<&'a str> {
        match self.head()? {
            Head::Other(marker) => self.string_of(marker),
            Head::Null | Head::Unknown => Err(Malformed("not a string")),
        }
    }

    fn array_of(&mut self, marker: Marker) -> Result<usize> {
        match marker {
            Marker::FixArray(size) => Ok(size.into()),
            Marker::Array16 => self.size(2),
            Marker::Array32 => self.size(4),
            _ => Err(Malformed("not an array")),
        }
    }

    fn map_of(&mut self, marker: Marker) -> Result<usize> {
        match marker {
            Marker::FixMap(size) => Ok(size.into()),
            Marker::Map16 => self.size(2),
            Marker::Map32 => self.size(4),
            _ => Err(Malformed("not a map")),
        }
    }

    fn number_of(&mut self, marker: Marker) -> Result<Number> {
        const BAD: Malformed = Malformed("not a number");
        let bytes = &mut self.bytes;
        // The marker is read: the integers that follow it are plain big-endian data.
        let int = match marker {
            Marker::FixPos(it) => i64::from(it),
            Marker::FixNeg(it) => i64::from(it),
            Marker::U8 => bytes.read_data_u8().map_err(|_| BAD)?.into(),
            Marker::U16 => bytes.read_data_u16().map_err(|_| BAD)?.into(),
            Marker::U32 => bytes.read_data_u32().map_err(|_| BAD)?.into(),
            Marker::I8 => bytes.read_data_i8().map_err(|_| BAD)?.into(),
            Marker::I16 => bytes.read_data_i16().map_err(|_| BAD)?.into(),
            Marker::I32 => bytes.read_data_i32().map_err(|_| BAD)?.into(),
            Marker::I64 => bytes.read_data_i64().map_err(|_| BAD)?,
            Marker::U64 => {
                let it = bytes.read_data_u64().map_err(|_| BAD)?;
                return it.to_string().parse().map_err(|_| BAD);
            }
            Marker::F32 => {
                let it = bytes.read_data_f32().map_err(|_| BAD)?;
                return Number::from_f64_exact(it.into()).ok_or(BAD);
            }
            Marker::F64 => {
                let it = bytes.read_data_f64().map_err(|_| BAD)?;
                return Number::from_f64_exact(it).ok_or(BAD);
            }
            other => return self.string_of(other)?.parse().map_err(|_| BAD),
        };
        Ok(int.into())
    }

    /// What is not null nor unknown is read by `known`.
    fn value(&mut self, known: impl FnOnce(&mut Self, Marker) -> Result<Value>) -> Result<Value> {
        match self.head()? {
            Head::Null => Ok(Value::Null),
            Head::Unknown => Ok(Value::Unknown),
            Head::Other(marker) => known(self, marker),
        }
    }

    fn many(&mut self, size: usize, mut one: impl FnMut(&mut Self) -> Result<Value>) -> Result<Vec<Value>> {
        // Each element takes a byte at least: a size that lies does not reserve memory.
        let mut all = Vec::with_capacity(size.min(self.bytes.len()));
        for _ in 0..size {
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn keyed(&mut self, size: usize, mut one: impl FnMut(&mut Self) -> Result<Value>) -> Result<Value> {
        let mut all = Vec::with_capacity(size.min(self.bytes.len()));
        for _ in 0..size {
            let key: Arc<str> = self.string()?.into();
            all.push((key, one(self)?));
        }
        Ok(Value::Map(all.into_iter().collect()))
    }

    fn of_type(&mut self, ty: &Type) -> Result<Value> {
        self.value(|it, marker| match ty {
            Type::Bool => match marker {
                Marker::True => Ok(Value::Bool(true)),
                Marker::False => Ok(Value::Bool(false)),
                _ => Err(Malformed("not a bool")),
            },
            Type::Number => it.number_of(marker).map(Value::Number),
            Type::String => it.string_of(marker).map(Value::from),
            Type::List(element) => {
                let size = it.array_of(marker)?;
                it.many(size, |it| it.of_type(element)).map(Value::List)
            }
            Type::Set(element) => {
                let size = it.array_of(marker)?;
                it.many(size, |it| it.of_type(element)).map(Value::set)
            }
            Type::Map(element) => {
                let size = it.map_of(marker)?;
                it.keyed(size, |it| it.of_type(element))
            }
            Type::Tuple(types) => {
                if it.array_of(marker)? != types.len() {
                    return Err(Malformed("a tuple of another length"));
                }
                types.iter().map(|ty| it.of_type(ty)).collect::<Result<_>>().map(Value::List)
            }
            Type::Object(types) => {
                let mut all = vec![Value::Null; types.len()];
                for _ in 0..it.map_of(marker)? {
                    let name = it.string()?;
                    let (at, (_, ty)) = types
                        .iter()
                        .enumerate()
                        .find(|(_, (key, _))| *key == name)
                        .ok_or(Malformed("an unexpected attribute"))?;
                    all[at] = it.of_type(ty)?;
                }
                Ok(Value::Object(all))
            }
            Type::Dynamic => {
                if it.array_of(marker)? != 2 {
                    return Err(Malformed("not a dynamic value"));
                }
                let ty = serde_json::from_str(it.string()?).ok();
                let ty = ty.as_ref().and_then(Type::from_json).ok_or(Malformed("not a type"))?;
                let value = it.of_type(&ty)?;
                Ok(match value {
                    Value::Null => Value::Null,
                    value => Value::Dynamic(Box::new((ty, value))),
                })
            }
        })
    }

    fn object(&mut self, schema: &Schema) -> Result<Value> {
        self.value(|it, marker| {
            let size = it.map_of(marker)?;
            let mut all = vec![Value::Null; schema.fields.len()];
            // Hosts send the attributes sorted, as the schema lists them: no search is needed.
            let mut expected = schema.by_name();
            for _ in 0..size {
                let name = it.string()?;
                let (at, field) = match expected.next() {
                    Some((at, field)) if field.name == name => (at, field),
                    _ => {
                        let at = schema.position(name).ok_or(Malformed("an unexpected attribute"))?;
                        (at, &schema.fields[at])
                    }
                };
                all[at] = it.of_kind(&field.kind)?;
            }
            Ok(Value::Object(all))
        })
    }

    fn of_kind(&mut self, kind: &Kind) -> Result<Value> {
        match kind {
            Kind::Plain(ty) => self.of_type(ty),
            Kind::Nested(Nesting::Single, schema) => self.object(schema),
            Kind::Nested(nesting, schema) => self.value(|it, marker| match nesting {
                Nesting::Map => {
                    let size = it.map_of(marker)?;
                    it.keyed(size, |it| it.object(schema))
                }
                Nesting::Set => {
                    let size = it.array_of(marker)?;
                    it.many(size, |it| it.object(schema)).map(Value::set)
                }
                Nesting::List | Nesting::Single => {
                    let size = it.array_of(marker)?;
                    it.many(size, |it| it.object(schema)).map(Value::List)
                }
            }),
        }
    }
}

/// Writes an object of a schema.
pub fn write_object(value: &Value, schema: &Schema) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    object(&mut out, value, schema);
    out
}

/// Writes a value of a type.
pub fn write_type(value: &Value, ty: &Type) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    of_type(&mut out, value, ty);
    out
}

/// Writing to a `Vec` cannot fail.
fn sure<T, E>(written: std::result::Result<T, E>) {
    debug_assert!(written.is_ok());
}

fn array(out: &mut Vec<u8>, size: usize) {
    sure(encode::write_array_len(out, size.try_into().unwrap_or(u32::MAX)));
}

fn map(out: &mut Vec<u8>, size: usize) {
    sure(encode::write_map_len(out, size.try_into().unwrap_or(u32::MAX)));
}

fn null(out: &mut Vec<u8>) {
    sure(encode::write_nil(out));
}

fn unknown(out: &mut Vec<u8>) {
    out.extend([0xd4, 0, 0]);
}

fn string(out: &mut Vec<u8>, text: &str) {
    sure(encode::write_str(out, text));
}

fn of_type(out: &mut Vec<u8>, value: &Value, ty: &Type) {
    match (value, ty) {
        (Value::Null, _) => null(out),
        (Value::Unknown, _) => unknown(out),
        (Value::Dynamic(it), _) => {
            array(out, 2);
            sure(encode::write_bin(out, it.0.to_json().to_string().as_bytes()));
            of_type(out, &it.1, &it.0);
        }
        (Value::Bool(it), _) => sure(encode::write_bool(out, *it)),
        (Value::Number(it), _) => match it.to_i64() {
            Some(int) => sure(encode::write_sint(out, int)),
            None => string(out, &it.to_string()),
        },
        (Value::String(it), _) => string(out, it),
        (Value::List(all), Type::Tuple(types)) => {
            array(out, all.len());
            all.iter().zip(types).for_each(|(it, ty)| of_type(out, it, ty));
        }
        (Value::List(all), Type::List(element) | Type::Set(element)) => {
            array(out, all.len());
            all.iter().for_each(|it| of_type(out, it, element));
        }
        (Value::Map(all), Type::Map(element)) => {
            map(out, all.len());
            for (key, it) in all {
                string(out, key);
                of_type(out, it, element);
            }
        }
        (Value::Object(all), Type::Object(types)) => {
            map(out, types.len());
            for (it, (name, ty)) in all.iter().zip(types) {
                string(out, name);
                of_type(out, it, ty);
            }
        }
        (Value::List(_) | Value::Map(_) | Value::Object(_), _) => {
            unreachable!("a model's values are of its schema's types")
        }
    }
}

fn object(out: &mut Vec<u8>, value: &Value, schema: &Schema) {
    match value {
        Value::Object(all) => {
            map(out, schema.fields.len());
            for (at, field) in schema.by_name() {
                string(out, field.name);
                of_kind(out, &all[at], &field.kind);
            }
        }
        Value::Unknown => unknown(out),
        _ => null(out),
    }
}

fn of_kind(out: &mut Vec<u8>, value: &Value, kind: &Kind) {
    match (kind, value) {
        (Kind::Plain(ty), value) => of_type(out, value, ty),
        (Kind::Nested(Nesting::List | Nesting::Set, schema), Value::List(all)) => {
            array(out, all.len());
            all.iter().for_each(|it| object(out, it, schema));
        }
        (Kind::Nested(Nesting::Map, schema), Value::Map(all)) => {
            map(out, all.len());
            for (key, it) in all {
                string(out, key);
                object(out, it, schema);
            }
        }
        (Kind::Nested(_, schema), value) => object(out, value, schema),
    }
}
