//! The plugin protocol: values, schemas, planning, the server. Knows no OpenStack.

mod attribute;
mod diagnostic;
pub mod json;
pub mod msgpack;
mod path;
pub mod plan;
pub mod proto;
mod schema;
mod value;

pub(crate) use attribute::choice;
pub use attribute::{Attr, Attribute, Computed, Fields, Mismatch, Model, attribute};
pub use diagnostic::{Diagnostic, Diagnostics, Result, Severity};
pub(crate) use path::at;
pub use path::{At, Path, Step};
pub use schema::{Check, Field, Kind, Nesting, Presence, Schema, Type};
pub use tenancy_derive::Model;
pub use value::{Number, Value};

