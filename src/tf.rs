//! The plugin protocol: values, schemas, planning, the server. Knows no OpenStack.

mod attribute;
mod context;
mod data_source;
mod diagnostic;
mod draft;
mod ephemeral;
mod function;
pub mod json;
pub mod msgpack;
mod path;
pub mod plan;
pub mod plugin;
pub mod proto;
mod provider;
mod resource;
mod schema;
mod server;
mod untyped;
mod value;

pub(crate) use attribute::choice;
pub use attribute::{Attr, Attribute, Computed, Fields, Mismatch, Model, attribute};
pub use context::{Client, Context};
pub use data_source::{DataSource, DynDataSource, ErasedData};
pub use diagnostic::{Diagnostic, Diagnostics, Result, Severity};
pub use draft::{Change, Draft};
pub use ephemeral::{DynEphemeral, Ephemeral, ErasedEphemeral, Opened, Renewed};
pub use function::{DynFunction, ErasedFunction, Function, Refused};
pub(crate) use path::at;
pub use path::{At, Path, Step};
pub use provider::Provider;
pub use resource::{After, DynResource, Erased, Failure, Identity, Outcome, Resource};
pub use schema::{Check, Field, Kind, Nesting, Presence, Schema, Type};
pub use server::Server;
pub use tenancy_derive::Model;
pub use value::{NotANumber, Number, Value};
