//! Objects of which not everything is known yet: configurations and plans.

use std::marker::PhantomData;
use std::sync::Arc;

use super::{At, Attr, Diagnostic, Kind, Model, Nesting, Path, Result, Schema, Value};

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
        decode(value.clone(), at).map(Some)
    }

    /// The value, as far as it is known: the rest is null.
    pub fn known_part<T: Attr>(&self, at: At<M, T>) -> Result<T> {
        decode(self.raw(at).known_part(), at)
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

    /// Plans a value as Terraform has it: one of the configuration, say, of which parts may be unknown.
    pub fn set_raw<T>(&mut self, at: At<M, T>, value: Value) {
        if let Some(at) = self.position(at) {
            self.values[at] = value;
        }
    }

    /// Plans "known after apply".
    pub fn set_unknown<T>(&mut self, at: At<M, T>) {
        if let Some(at) = self.position(at) {
            self.values[at] = Value::Unknown;
        }
    }

    /// A nested object, for what is known of its attributes one by one. `None` if it is null, or unknown as a whole.
    ///
    /// It is a copy: a plan that changes it is told so by [`Draft::set_object`].
    pub fn object<T: Attr<Known: Model>>(&self, at: At<M, T>) -> Option<Draft<T::Known>> {
        let field = &self.schema.fields[self.position(at)?];
        match &field.kind {
            Kind::Nested(Nesting::Single, schema) => Draft::of(schema, self.raw(at).clone()),
            _ => None,
        }
    }

    /// Plans this nested object.
    pub fn set_object<T: Attr<Known: Model>>(&mut self, at: At<M, T>, object: Draft<T::Known>) {
        if let Some(at) = self.position(at) {
            self.values[at] = object.into_value();
        }
    }

    fn position<T>(&self, at: At<M, T>) -> Option<usize> {
        self.schema.position(at.name)
    }
}

fn decode<M, T: Attr>(value: Value, at: At<M, T>) -> Result<T> {
    T::decode(value).map_err(|it| {
        let path = it.path.clone().below(at.into());
        Diagnostic::error("Unexpected value").detail(it.to_string()).at(path).into()
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::{Computed, at};

    /// A quota.
    #[derive(Debug, PartialEq, Model)]
    struct Quota {
        /// Limits.
        #[tf(optional, keep)]
        limits: Computed<Limits>,
    }

    /// Limits.
    #[derive(Debug, Default, PartialEq, Model)]
    struct Limits {
        /// Cores.
        #[tf(optional, keep)]
        cores: Computed<i64>,
        /// Memory.
        #[tf(optional, keep)]
        memory: Computed<i64>,
    }

    fn draft(limits: Value) -> Draft<Quota> {
        Draft::of(&Arc::new(Quota::schema()), Value::Object(vec![limits])).expect("an object")
    }

    #[test]
    fn a_plan_sets_one_value_of_a_nested_object() {
        let config = draft(Value::Object(vec![5.encode(), Value::Null]));
        let mut planned = draft(Value::Object(vec![5.encode(), Value::Unknown]));
        let written = config.object(at!(Quota, limits)).expect("limits");
        let mut limits = planned.object(at!(Quota, limits)).expect("limits");
        assert!(written.is_set(at!(Limits, cores)) && !written.is_set(at!(Limits, memory)));
        if !written.is_set(at!(Limits, memory)) {
            limits.set(at!(Limits, memory), 7.into());
        }
        planned.set_object(at!(Quota, limits), limits);
        let known = Quota { limits: Limits { cores: 5.into(), memory: 7.into() }.into() };
        assert_eq!(planned.into_value(), Attr::encode(known));
    }

    #[test]
    fn a_nested_object_may_be_known_in_parts_or_not_at_all() {
        let config = draft(Value::Object(vec![Value::Unknown, Value::Null]));
        let written = config.object(at!(Quota, limits)).expect("limits");
        assert_eq!(written.raw(at!(Limits, cores)), &Value::Unknown);
        assert_eq!(written.raw(at!(Limits, memory)), &Value::Null);
        assert!(draft(Value::Null).object(at!(Quota, limits)).is_none());
        assert!(draft(Value::Unknown).object(at!(Quota, limits)).is_none());
        // A plan fills in the whole of what nobody wrote.
        let mut planned = draft(Value::Unknown);
        planned.set(at!(Quota, limits), Limits { cores: 1.into(), memory: Computed::Unknown }.into());
        let limits = planned.object(at!(Quota, limits)).expect("limits");
        assert_eq!(limits.raw(at!(Limits, memory)), &Value::Unknown);
    }
}
