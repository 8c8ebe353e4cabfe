//! Schemas: what `#[derive(Model)]` builds, erased of its Rust types.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::json;

use super::{Attr, Attribute, Value};

/// A type of Terraform's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// `bool`
    Bool,
    /// `number`
    Number,
    /// `string`
    String,
    /// `any`: each value says its own type.
    Dynamic,
    /// `list(T)`
    List(Box<Type>),
    /// `set(T)`
    Set(Box<Type>),
    /// `map(T)`
    Map(Box<Type>),
    /// `tuple([...])`
    Tuple(Vec<Type>),
    /// `object({...})`; values carry the attributes in this order.
    Object(BTreeMap<String, Type>),
}

impl Type {
    /// Terraform's JSON form: `"string"`, `["list","string"]`, `["object",{...}]`.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Type::Bool => json!("bool"),
            Type::Number => json!("number"),
            Type::String => json!("string"),
            Type::Dynamic => json!("dynamic"),
            Type::List(it) => json!(["list", it.to_json()]),
            Type::Set(it) => json!(["set", it.to_json()]),
            Type::Map(it) => json!(["map", it.to_json()]),
            Type::Tuple(all) => json!(["tuple", all.iter().map(Type::to_json).collect::<Vec<_>>()]),
            Type::Object(all) => {
                let all: BTreeMap<_, _> = all.iter().map(|(name, it)| (name, it.to_json())).collect();
                json!(["object", all])
            }
        }
    }

    /// Reads the JSON form. `None` for anything else.
    pub fn from_json(json: &serde_json::Value) -> Option<Type> {
        if let Some(name) = json.as_str() {
            return match name {
                "bool" => Some(Type::Bool),
                "number" => Some(Type::Number),
                "string" => Some(Type::String),
                "dynamic" => Some(Type::Dynamic),
                _ => None,
            };
        }
        let parts = json.as_array()?;
        let (name, inner) = (parts.first()?.as_str()?, parts.get(1)?);
        match name {
            "list" => Some(Type::List(Box::new(Type::from_json(inner)?))),
            "set" => Some(Type::Set(Box::new(Type::from_json(inner)?))),
            "map" => Some(Type::Map(Box::new(Type::from_json(inner)?))),
            "tuple" => inner.as_array()?.iter().map(Type::from_json).collect::<Option<_>>().map(Type::Tuple),
            "object" => {
                let all = inner.as_object()?.iter();
                all.map(|(name, it)| Some((name.clone(), Type::from_json(it)?)))
                    .collect::<Option<_>>()
                    .map(Type::Object)
            }
            _ => None,
        }
    }
}

/// How the objects of a nested attribute are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One object.
    Single,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// A map of objects.
    Map,
}

/// What an attribute holds: a value of a type, or objects with a schema of their own.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A value of this type.
    Plain(Type),
    /// Objects.
    Nested(Nesting, Arc<Schema>),
}

impl Kind {
    /// One nested object.
    pub fn single(schema: Schema) -> Self {
        Kind::Nested(Nesting::Single, Arc::new(schema))
    }

    /// The kind of a collection of these. Terraform knows no list of lists of nested
    /// objects: such a Rust type is a mistake that the schema's own tests find.
    fn many(self, nesting: Nesting, plain: fn(Box<Type>) -> Type) -> Self {
        match self {
            Kind::Plain(it) => Kind::Plain(plain(Box::new(it))),
            Kind::Nested(Nesting::Single, schema) => Kind::Nested(nesting, schema),
            Kind::Nested(other, _) => panic!("a collection of {other:?} objects is not a Terraform type"),
        }
    }

    pub(super) fn list(self) -> Self {
        self.many(Nesting::List, Type::List)
    }

    pub(super) fn set(self) -> Self {
        self.many(Nesting::Set, Type::Set)
    }

    pub(super) fn map(self) -> Self {
        self.many(Nesting::Map, Type::Map)
    }
}

/// Who sets an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The user, always.
    Required,
    /// The user, or nobody.
    Optional,
    /// The provider.
    Computed,
    /// The user, otherwise the provider.
    OptionalComputed,
}

impl Presence {
    /// Whether the provider may fill it in.
    pub fn is_computed(self) -> bool {
        matches!(self, Presence::Computed | Presence::OptionalComputed)
    }
}

/// A check on a value that a user wrote; the error says what it must be.
pub type Check = Arc<dyn Fn(&Value) -> Result<(), String> + Send + Sync>;

/// One attribute, its Rust type forgotten.
#[derive(Clone)]
pub struct Field {
    /// The attribute's name.
    pub name: &'static str,
    /// What users read, in Markdown.
    pub description: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Who sets it.
    pub presence: Presence,
    /// A change of it makes a new object.
    pub replace: bool,
    /// Once known, it does not change unless the user changes it.
    pub keep: bool,
    /// Unset means not managed: a plan leaves what is in the state, and never asks for one.
    pub managed_if_set: bool,
    /// Hidden in Terraform's output.
    pub sensitive: bool,
    /// Never in a plan or a state.
    pub write_only: bool,
    /// Why not to use it any more, and what instead.
    pub deprecated: Option<&'static str>,
    /// The value when the user writes none.
    pub default: Option<Value>,
    /// The only values allowed, where there are only some.
    pub choices: &'static [&'static str],
    /// What is checked of a value that the user wrote.
    pub checks: Vec<Check>,
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The attributes of an object, in the order in which its struct declares them.
#[derive(Clone, Debug)]
pub struct Schema {
    /// What users read, in Markdown.
    pub description: &'static str,
    /// The attributes.
    pub fields: Vec<Field>,
    /// Positions in `fields`, by name: the order on the wire.
    sorted: Vec<usize>,
}

impl Schema {
    /// A schema with no attributes yet.
    pub fn new(description: &'static str) -> Self {
        Schema { description, fields: Vec::new(), sorted: Vec::new() }
    }

    /// Adds an attribute.
    pub fn attribute<T: Attr>(mut self, attribute: Attribute<T>) -> Self {
        self.add(attribute.into_field());
        self
    }

    /// Adds all attributes of another schema.
    pub fn with(mut self, other: Schema) -> Self {
        other.fields.into_iter().for_each(|it| self.add(it));
        self
    }

    fn add(&mut self, field: Field) {
        let at = self.sorted.partition_point(|it| self.fields[*it].name < field.name);
        self.sorted.insert(at, self.fields.len());
        self.fields.push(field);
    }

    /// The first paragraph of the description, in one line.
    pub fn summary(&self) -> String {
        let lines = self.description.lines().take_while(|it| !it.is_empty());
        lines.collect::<Vec<_>>().join(" ")
    }

    /// The attributes by name, each with its position.
    pub fn by_name(&self) -> impl ExactSizeIterator<Item = (usize, &Field)> {
        self.sorted.iter().map(|it| (*it, &self.fields[*it]))
    }

    /// The position of an attribute.
    pub fn position(&self, name: &str) -> Option<usize> {
        let at = self.sorted.binary_search_by(|it| self.fields[*it].name.cmp(name)).ok()?;
        self.sorted.get(at).copied()
    }
}
