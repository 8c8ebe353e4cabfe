//! Objects of which not everything is known yet: configurations and plans.

use std::marker::PhantomData;
use std::sync::Arc;

use super::{At, Attr, Diagnostic, Model, Path, Result, Schema, Value};

/// An object of the model `M` whose values may be unknown.
pub struct Draft<M> {
    schema: Arc<Schema>,
    values: Vec<Value>,
    model: PhantomData<M>,
}

impl<M: Model> Draft<M> {
    /// Of an object value. `None` if it is null, or unknown as a whole.
    pub(super) fn of(schema: &Arc<Schema>, value: Value) -> Option<Self> {
        match value {
            Value::Object(values) => Some(Draft { schema: schema.clone(), values, model: PhantomData }),
            _ => None,
        }
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.values)
    }

    /// The value, if it is known with all that is in it.
    pub fn get<T: Attr>(&self, at: At<M, T>) -> Result<Option<T>> {
        let value = self.raw(at);
        if !value.is_wholly_known() {
            return Ok(None);
        }
        T::decode(value.clone()).map(Some).map_err(|it| {
            let path = it.path.clone().below(at.into());
            Diagnostic::error("Unexpected value").detail(it.to_string()).at(path).into()
        })
    }

    /// The value as Terraform has it, for what is known in parts.
    pub fn raw<T>(&self, at: At<M, T>) -> &Value {
        self.position(at).map_or(&Value::Null, |at| &self.values[at])
    }

    /// Whether it is not null. An unknown value counts as set.
    pub fn is_set<T>(&self, at: At<M, T>) -> bool {
        !self.raw(at).is_null()
    }

    /// Plans this value.
    pub fn set<T: Attr>(&mut self, at: At<M, T>, value: T) {
        if let Some(at) = self.position(at) {
            self.values[at] = value.encode();
        }
    }

    /// Plans "known after apply".
    pub fn set_unknown<T>(&mut self, at: At<M, T>) {
        if let Some(at) = self.position(at) {
            self.values[at] = Value::Unknown;
        }
    }

    fn position<T>(&self, at: At<M, T>) -> Option<usize> {
        self.schema.position(at.name)
    }
}

/// A plan in the making, as a resource's plan hook sees it.
pub struct Change<M> {
    /// The object before. `None`: it will be created.
    pub prior: Option<M>,
    /// The object after. `None`: it will be destroyed.
    pub planned: Option<Draft<M>>,
    /// What the user wrote. `None` in a destroy plan.
    pub config: Option<Draft<M>>,
    /// Attributes whose change makes a new object.
    pub replace: Vec<Path>,
}

impl<M: Model> Change<M> {
    /// Makes a new object because of this attribute.
    pub fn replace_because_of(&mut self, path: impl Into<Path>) {
        self.replace.push(path.into());
    }
}
