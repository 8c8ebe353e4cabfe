//! Rust types as Terraform types, and the builder that `#[tf(...)]` talks to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Field, Kind, Number, Path, Presence, Schema, Type, Value};

/// A value that is not of the Rust type that was asked for. Where the schema says the same as
/// the Rust type, as it does for a [`Model`], this is a bug of the host or of the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Where, relative to the value that was decoded.
    pub path: Path,
    /// The Rust type in words.
    pub expected: &'static str,
    /// What was there, in words: never the value itself, which may be a secret.
    pub found: &'static str,
}

impl Mismatch {
    fn new(expected: &'static str, found: &Value) -> Self {
        let found = match found {
            Value::Null => "null",
            Value::Unknown => "a value that is not known yet",
            Value::Bool(_) => "a bool",
            Value::Number(_) => "a number out of range",
            Value::String(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Object(_) => "an object",
            Value::Dynamic(_) => "a dynamic value",
        };
        Mismatch { path: Path::root(), expected, found }
    }

    fn below(mut self, parent: Path) -> Self {
        self.path = self.path.below(parent);
        self
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

/// A struct that is a Terraform object.
pub trait Model: Sized + Send + Sync + 'static {
    /// Its attributes.
    fn schema() -> Schema;
    /// From values in the order of the schema.
    fn decode(fields: Fields) -> Result<Self, Mismatch>;
    /// To values in the order of the schema.
    fn encode(self) -> Vec<Value>;
}

/// The values of an object, taken one by one in the order of its schema.
pub struct Fields(std::vec::IntoIter<Value>);

impl Fields {
    /// Those of an object.
    pub fn of(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Object(all) => Ok(Fields(all.into_iter())),
            other => Err(Mismatch::new("an object", &other)),
        }
    }

    /// The first `count`, and the rest: those of two models that one schema was made of.
    pub fn split(mut self, count: usize) -> (Self, Self) {
        let first: Vec<_> = self.0.by_ref().take(count).collect();
        (first.into(), self)
    }

    /// The next one, which is the attribute `name`.
    pub fn take<T: Attr>(&mut self, name: &'static str) -> Result<T, Mismatch> {
        let value = self.0.next().unwrap_or(Value::Null);
        T::decode(value).map_err(|it| it.below(Path::root().attribute(name)))
    }
}

impl From<Vec<Value>> for Fields {
    fn from(all: Vec<Value>) -> Self {
        Fields(all.into_iter())
    }
}

/// A Rust type that can be an attribute of a [`Model`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a Terraform attribute",
    label = "not an attribute type",
    note = "use String, bool, i64, f64, Vec, BTreeSet or BTreeMap of them, a #[derive(Model)] struct, in Option or Computed where fitting"
)]
pub trait Attr: Sized {
    /// The type without `Option` and `Computed`: what a check or a default is about.
    type Known;
    /// Who sets such an attribute, unless its words say otherwise.
    const PRESENCE: Presence = Presence::Required;
    /// The only values allowed, where there are only some.
    const CHOICES: &'static [&'static str] = &[];
    /// What Terraform holds for it.
    fn kind() -> Kind;
    /// From a value.
    fn decode(value: Value) -> Result<Self, Mismatch>;
    /// To a value.
    fn encode(self) -> Value;
}

impl Attr for bool {
    type Known = Self;
    fn kind() -> Kind {
        Kind::Plain(Type::Bool)
    }
    fn decode(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Bool(it) => Ok(it),
            other => Err(Mismatch::new("a bool", &other)),
        }
    }
    fn encode(self) -> Value {
        Value::Bool(self)
    }
}

impl Attr for String {
    type Known = Self;
    fn kind() -> Kind {
        Kind::Plain(Type::String)
    }
    fn decode(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::String(it) => Ok((*it).to_owned()),
            other => Err(Mismatch::new("a string", &other)),
        }
    }
    fn encode(self) -> Value {
        Value::String(self.into())
    }
}

impl Attr for i64 {
    type Known = Self;
    fn kind() -> Kind {
        Kind::Plain(Type::Number)
    }
    fn decode(value: Value) -> Result<Self, Mismatch> {
        match &value {
            Value::Number(it) => it.to_i64().ok_or_else(|| Mismatch::new("a whole number", &value)),
            other => Err(Mismatch::new("a whole number", other)),
        }
    }
    fn encode(self) -> Value {
        Value::Number(self.into())
    }
}

impl Attr for f64 {
    type Known = Self;
    fn kind() -> Kind {
        Kind::Plain(Type::Number)
    }
    fn decode(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Number(it) => Ok(it.to_f64()),
            other => Err(Mismatch::new("a number", &other)),
        }
    }
    fn encode(self) -> Value {
        // Terraform has no infinity; a figure that is none is null.
        Number::from_f64(self).map_or(Value::Null, Value::Number)
    }
}

/// A number with all its digits.
impl Attr for Number {
    type Known = Self;
    fn kind() -> Kind {
        Kind::Plain(Type::Number)
    }
    fn decode(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Number(it) => Ok(it),
            other => Err(Mismatch::new("a number", &other)),
        }
    }
    fn encode(self) -> Value {
        Value::Number(self)
    }
}

/// A value taken as it is, of any type.
impl Attr for Value {
    type Known = Self;
    fn kind() -> Kind {
        Kind::Plain(Type::Dynamic)
    }
    fn decode(value: Value) -> Result<Self, Mismatch> {
        Ok(value)
    }
    fn encode(self) -> Value {
        self
    }
}

impl<T: Attr> Attr for Option<T> {
    type Known = T::Known;
    const PRESENCE: Presence = Presence::Optional;
    const CHOICES: &'static [&'static str] = T::CHOICES;
    fn kind() -> Kind {
        T::kind()
    }
    fn decode(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Null => Ok(None),
            it => T::decode(it).map(Some),
        }
    }
    fn encode(self) -> Value {
        self.map_or(Value::Null, T::encode)
    }
}

impl<T: Attr> Attr for Vec<T> {
    type Known = Self;
    fn kind() -> Kind {
        T::kind().list()
    }
    fn decode(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::List(all) => all
                .into_iter()
                .enumerate()
                .map(|(i, it)| T::decode(it).map_err(|e| e.below(Path::root().index(i))))
                .collect(),
            other => Err(Mismatch::new("a list", &other)),
        }
    }
    fn encode(self) -> Value {
        Value::List(self.into_iter().map(T::encode).collect())
    }
}

impl<T: Attr + Ord> Attr for BTreeSet<T> {
    type Known = Self;
    fn kind() -> Kind {
        T::kind().set()
    }
    fn decode(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::List(all) => all.into_iter().map(T::decode).collect(),
            other => Err(Mismatch::new("a set", &other)),
        }
    }
    fn encode(self) -> Value {
        Value::set(self.into_iter().map(T::encode).collect())
    }
}

impl<T: Attr> Attr for BTreeMap<String, T> {
    type Known = Self;
    fn kind() -> Kind {
        T::kind().map()
    }
    fn decode(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Map(all) => all
                .into_iter()
                .map(|(key, it)| match T::decode(it) {
                    Ok(it) => Ok(((*key).to_owned(), it)),
                    Err(e) => Err(e.below(Path::root().key(&*key))),
                })
                .collect(),
            other => Err(Mismatch::new("a map", &other)),
        }
    }
    fn encode(self) -> Value {
        Value::Map(self.into_iter().map(|(key, it)| (key.into(), it.encode())).collect())
    }
}

/// A value that only the provider knows, once it has made the object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Computed<T> {
    /// Known.
    Known(T),
    /// Known after apply.
    #[default]
    Unknown,
}

impl<T> Computed<T> {
    /// The value, if it is known.
    pub fn known(self) -> Option<T> {
        match self {
            Computed::Known(it) => Some(it),
            Computed::Unknown => None,
        }
    }

    /// The value, if it is known.
    pub fn as_known(&self) -> Option<&T> {
        match self {
            Computed::Known(it) => Some(it),
            Computed::Unknown => None,
        }
    }
}

impl<T> From<T> for Computed<T> {
    fn from(it: T) -> Self {
        Computed::Known(it)
    }
}

impl From<&str> for Computed<String> {
    fn from(it: &str) -> Self {
        Computed::Known(it.to_owned())
    }
}

impl<T: Attr> Attr for Computed<T> {
    type Known = T::Known;
    const PRESENCE: Presence = Presence::Computed;
    const CHOICES: &'static [&'static str] = T::CHOICES;
    fn kind() -> Kind {
        T::kind()
    }
    fn decode(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Unknown => Ok(Computed::Unknown),
            // A state that was written before the attribute existed has null here.
            Value::Null => Ok(T::decode(Value::Null).map_or(Computed::Unknown, Computed::Known)),
            it => T::decode(it).map(Computed::Known),
        }
    }
    fn encode(self) -> Value {
        match self {
            Computed::Known(it) => it.encode(),
            Computed::Unknown => Value::Unknown,
        }
    }
}

/// An attribute in the making, its Rust type remembered, so that a default or a check of another type
/// does not compile.
pub struct Attribute<T>(Field, PhantomData<T>);

/// A plain attribute, as its Rust type implies.
pub fn attribute<T: Attr>(name: &'static str, description: &'static str) -> Attribute<T> {
    let field = Field {
        name,
        description,
        kind: T::kind(),
        presence: T::PRESENCE,
        replace: false,
        keep: false,
        managed_if_set: false,
        sensitive: false,
        write_only: false,
        deprecated: None,
        default: None,
        choices: T::CHOICES,
        checks: Vec::new(),
    };
    Attribute(field, PhantomData)
}

impl<T: Attr> Attribute<T> {
    /// A change of this attribute makes a new object.
    pub fn replace(mut self) -> Self {
        self.0.replace = true;
        self
    }

    /// Hidden in Terraform's output.
    pub fn sensitive(mut self) -> Self {
        self.0.sensitive = true;
        self
    }

    /// Taken from the configuration, never stored in a plan or a state.
    pub fn write_only(mut self) -> Self {
        self.0.write_only = true;
        self
    }

    /// Says in validate why not to use it, and what instead.
    pub fn deprecated(mut self, why: &'static str) -> Self {
        self.0.deprecated = Some(why);
        self
    }

    /// The value when the user writes none.
    pub fn default(mut self, value: impl Into<T::Known>) -> Self
    where
        T::Known: Attr,
    {
        self.0.default = Some(value.into().encode());
        self.0.presence = Presence::OptionalComputed;
        self
    }

    /// A check on what the user wrote, once it is wholly known.
    pub fn check(mut self, check: fn(&T::Known) -> Result<(), String>) -> Self
    where
        T::Known: Attr + 'static,
    {
        self.0.checks.push(Arc::new(move |value: &Value| match T::Known::decode(value.clone()) {
            Ok(known) => check(&known),
            Err(mismatch) => Err(mismatch.to_string()),
        }));
        self
    }

    pub(super) fn into_field(self) -> Field {
        self.0
    }
}

impl<T: Attr> Attribute<Option<T>> {
    /// Unset means not managed: never sent, never compared. A state that has a value keeps it.
    /// A read reports it only if the last state had it, or on import.
    pub fn managed_if_set(mut self) -> Self {
        self.0.managed_if_set = true;
        self.0.presence = Presence::OptionalComputed;
        self
    }
}

impl<T: Attr> Attribute<Computed<T>> {
    /// The user may set it; otherwise the provider does.
    pub fn optional(mut self) -> Self {
        self.0.presence = Presence::OptionalComputed;
        self
    }

    /// Once known, never changes by itself: a plan shows the old value, not "known after apply".
    pub fn keep(mut self) -> Self {
        self.0.keep = true;
        self
    }
}

/// An enum whose variants are the only strings that an attribute takes.
macro_rules! choice {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// As users write it.
            $vis const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }
        }

        impl $crate::tf::Attr for $name {
            type Known = Self;
            const CHOICES: &'static [&'static str] = &[$($text,)+];
            fn kind() -> $crate::tf::Kind {
                <String as $crate::tf::Attr>::kind()
            }
            fn decode(value: $crate::tf::Value) -> Result<Self, $crate::tf::Mismatch> {
                match &value {
                    $($crate::tf::Value::String(it) if &**it == $text => Ok($name::$variant),)+
                    other => Err($crate::tf::Mismatch::choice(other)),
                }
            }
            fn encode(self) -> $crate::tf::Value {
                self.as_str().into()
            }
        }
    };
}
pub(crate) use choice;

impl Mismatch {
    /// For `choice!`: a string that is none of the allowed ones.
    pub fn choice(found: &Value) -> Self {
        Mismatch::new("one of the allowed words", found)
    }
}
