//! Between the wire's messages and ours. Wire types go no further than this folder.

use prost::bytes::Bytes;
use tonic::Status;

use crate::tf::proto::tfplugin6 as pb;
use crate::tf::{
    Diagnostic, Diagnostics, Field, Kind, Nesting, Path, Presence, Schema, Severity, Step, Type, Value, json,
    msgpack,
};

/// Reads an object of a schema. A missing value is null.
pub(super) fn read(value: Option<&pb::DynamicValue>, schema: &Schema) -> Result<Value, Status> {
    let Some(value) = value else { return Ok(Value::Null) };
    if value.msgpack.is_empty() && !value.json.is_empty() {
        return json::read_object(&value.json, schema).map_err(|it| Status::invalid_argument(it.to_string()));
    }
    msgpack::read_object(&value.msgpack, schema).map_err(|it| Status::invalid_argument(it.to_string()))
}

/// Writes an object of a schema.
pub(super) fn write(value: &Value, schema: &Schema) -> Option<pb::DynamicValue> {
    Some(pb::DynamicValue { msgpack: msgpack::write_object(value, schema).into(), json: Bytes::new() })
}

/// Reads a value of a type.
pub(super) fn read_type(value: &pb::DynamicValue, ty: &Type) -> Result<Value, Status> {
    if value.msgpack.is_empty() && !value.json.is_empty() {
        return json::read_type(&value.json, ty).map_err(|it| Status::invalid_argument(it.to_string()));
    }
    msgpack::read_type(&value.msgpack, ty).map_err(|it| Status::invalid_argument(it.to_string()))
}

/// Writes a value of a type.
pub(super) fn write_type(value: &Value, ty: &Type) -> pb::DynamicValue {
    pb::DynamicValue { msgpack: msgpack::write_type(value, ty).into(), json: Bytes::new() }
}

/// A type in JSON.
pub(super) fn of_type(ty: &Type) -> Bytes {
    ty.to_json().to_string().into_bytes().into()
}

/// Reads an identity; `None` if the host sent none.
pub(super) fn read_identity(
    identity: Option<&pb::ResourceIdentityData>,
    schema: &Schema,
) -> Result<Option<Value>, Status> {
    match identity.and_then(|it| it.identity_data.as_ref()) {
        None => Ok(None),
        Some(value) => Ok(Some(read(Some(value), schema)?).filter(|it| !it.is_null())),
    }
}

/// Writes an identity.
pub(super) fn write_identity(identity: Option<&Value>, schema: &Schema) -> Option<pb::ResourceIdentityData> {
    identity.map(|it| pb::ResourceIdentityData { identity_data: write(it, schema) })
}

pub(super) fn diagnostics(all: Diagnostics) -> Vec<pb::Diagnostic> {
    all.0.into_iter().map(diagnostic).collect()
}

fn diagnostic(it: Diagnostic) -> pb::Diagnostic {
    let Diagnostic { severity, summary, detail, path } = it;
    let severity = match severity {
        Severity::Error => pb::diagnostic::Severity::Error,
        Severity::Warning => pb::diagnostic::Severity::Warning,
    };
    pb::Diagnostic {
        severity: severity.into(),
        summary,
        detail,
        attribute: path.filter(|it| !it.steps().is_empty()).map(|it| self::path(&visible(&it))),
    }
}

/// The part of a path that Terraform finds in the configuration: an attribute of the block and keys below it. It looks
/// for the last attribute of a longer path directly in the block, finds none, and points at the whole block.
fn visible(path: &Path) -> Path {
    let mut attributes = 0;
    let steps = path.steps().iter().take_while(|step| {
        attributes += usize::from(matches!(step, Step::Attribute(_)));
        attributes < 2
    });
    steps.fold(Path::root(), |path, step| match step {
        Step::Attribute(name) => path.attribute(name.clone()),
        Step::Key(key) => path.key(key.clone()),
        Step::Index(index) => path.index(*index),
    })
}

pub(super) fn path(path: &Path) -> pb::AttributePath {
    use pb::attribute_path::step::Selector;
    let steps = path.steps().iter().map(|step| match step {
        Step::Attribute(name) => Selector::AttributeName(name.clone().into_owned()),
        Step::Key(key) => Selector::ElementKeyString(key.clone()),
        Step::Index(index) => Selector::ElementKeyInt(i64::try_from(*index).unwrap_or(i64::MAX)),
    });
    let steps = steps.map(|selector| pb::attribute_path::Step { selector: Some(selector) }).collect();
    pb::AttributePath { steps }
}

pub(super) fn schema(schema: &Schema, version: i64) -> pb::Schema {
    let block = pb::schema::Block {
        version,
        attributes: attributes(schema),
        description: schema.description.to_owned(),
        description_kind: pb::StringKind::Markdown.into(),
        ..Default::default()
    };
    pb::Schema { version, block: Some(block) }
}

fn attributes(schema: &Schema) -> Vec<pb::schema::Attribute> {
    schema.by_name().map(|(_, field)| attribute(field)).collect()
}

fn attribute(field: &Field) -> pb::schema::Attribute {
    let (ty, nested_type) = match &field.kind {
        Kind::Plain(ty) => (of_type(ty), None),
        Kind::Nested(nesting, schema) => {
            use pb::schema::object::NestingMode;
            let nesting = match nesting {
                Nesting::Single => NestingMode::Single,
                Nesting::List => NestingMode::List,
                Nesting::Set => NestingMode::Set,
                Nesting::Map => NestingMode::Map,
            };
            let object = pb::schema::Object {
                attributes: attributes(schema),
                nesting: nesting.into(),
                ..Default::default()
            };
            (Bytes::new(), Some(object))
        }
    };
    pb::schema::Attribute {
        name: field.name.to_owned(),
        r#type: ty,
        nested_type,
        description: field.description.to_owned(),
        description_kind: pb::StringKind::Markdown.into(),
        required: field.presence == Presence::Required,
        optional: matches!(field.presence, Presence::Optional | Presence::OptionalComputed),
        computed: field.presence.is_computed(),
        sensitive: field.sensitive,
        write_only: field.write_only,
        deprecated: field.deprecated.is_some(),
        deprecation_message: field.deprecated.unwrap_or_default().to_owned(),
    }
}

/// Every attribute of an identity is a string, a number or a bool. What must be given on import is
/// what the Rust type requires.
pub(super) fn identity_schema(schema: &Schema) -> pb::ResourceIdentitySchema {
    let attributes = schema.by_name().filter_map(|(_, field)| match &field.kind {
        Kind::Nested(..) => None,
        Kind::Plain(ty) => Some(pb::resource_identity_schema::IdentityAttribute {
            name: field.name.to_owned(),
            r#type: of_type(ty),
            required_for_import: field.presence == Presence::Required,
            optional_for_import: field.presence != Presence::Required,
            description: field.description.to_owned(),
        }),
    });
    pb::ResourceIdentitySchema { version: 0, identity_attributes: attributes.collect() }
}
