//! Objects of which not everything is known yet: configurations and plans.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{At, Attr, Diagnostic, Kind, Model, Nesting, Path, Result, Schema, Value, plan};

/// An object of the model `M` whose values may be unknown.
pub struct Draft<M> {
    schema: Arc<Schema>,
    values: Vec<Value>,
    model: PhantomData<fn() -> M>,
}

impl<M> Clone for Draft<M> {
    fn clone(&self) -> Self {
        Draft { schema: self.schema.clone(), values: self.values.clone(), model: PhantomData }
    }
}

/// The same values, known or not.
impl<M> PartialEq for Draft<M> {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl<M: Model> Draft<M> {
    /// Of an object value. `None` if it is null, or unknown as a whole.
    pub(super) fn of(schema: &Arc<Schema>, value: Value) -> Option<Self> {
        match value {
            Value::Object(values) => Some(Draft { schema: schema.clone(), values, model: PhantomData }),
            _ => None,
        }
    }

    /// An object of which nothing is set.
    pub fn blank(schema: &Arc<Schema>) -> Self {
        let values = vec![Value::Null; schema.fields.len()];
        Draft { schema: schema.clone(), values, model: PhantomData }
    }

    /// What is planned for an object of this configuration, if there was that one before.
    pub fn planned(config: &Self, prior: Option<&Self>) -> Self {
        let value = |it: &Self| Value::Object(it.values.clone());
        let planned = plan::plan(&config.schema, &value(config), &prior.map_or(Value::Null, value));
        Self::of(&config.schema, planned.value).unwrap_or_else(|| config.clone())
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

    /// The elements of a map of objects: the value of each, which may be unknown as a whole. Empty unless the map itself is
    /// known.
    pub fn elements<T>(&self, at: At<M, T>) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        let map = match self.raw(at) {
            Value::Map(all) => Some(all),
            _ => None,
        };
        map.into_iter().flatten()
    }

    /// An element of a map of objects, as a copy. `None` if it is not there, or unknown as a whole.
    pub fn element<T, E: Model>(&self, at: At<M, T>, key: &str) -> Option<Draft<E>>
    where
        T: Attr<Known = BTreeMap<String, E>>,
    {
        match self.raw(at) {
            Value::Map(all) => Draft::of(self.nested(at)?, all.get(key)?.clone()),
            _ => None,
        }
    }

    /// Changes the plan of one element of a map of objects, if it is there and known.
    pub fn change_element<T, E: Model>(&mut self, at: At<M, T>, key: &str, change: impl FnOnce(&mut Draft<E>))
    where
        T: Attr<Known = BTreeMap<String, E>>,
    {
        let schema = self.nested(at).cloned();
        if let (Some(schema), Some(Value::Map(all))) = (schema, self.raw_mut(at))
            && let Some(value) = all.get_mut(key)
        {
            changed(&schema, value, change);
        }
    }

    /// Changes the plans of all elements of a map of objects that are known.
    pub fn change_elements<T, E: Model>(&mut self, at: At<M, T>, mut change: impl FnMut(&str, &mut Draft<E>))
    where
        T: Attr<Known = BTreeMap<String, E>>,
    {
        let schema = self.nested(at).cloned();
        if let (Some(schema), Some(Value::Map(all))) = (schema, self.raw_mut(at)) {
            for (key, value) in all {
                changed(&schema, value, |it| change(key, it));
            }
        }
    }

    fn nested<T>(&self, at: At<M, T>) -> Option<&Arc<Schema>> {
        match &self.schema.fields[self.position(at)?].kind {
            Kind::Nested(Nesting::Map, schema) => Some(schema),
            _ => None,
        }
    }

    fn raw_mut<T>(&mut self, at: At<M, T>) -> Option<&mut Value> {
        let at = self.position(at)?;
        self.values.get_mut(at)
    }

    fn position<T>(&self, at: At<M, T>) -> Option<usize> {
        self.schema.position(at.name)
    }
}

/// Changes an object in its place.
fn changed<E: Model>(schema: &Arc<Schema>, value: &mut Value, change: impl FnOnce(&mut Draft<E>)) {
    if let Value::Object(values) = value {
        let values = std::mem::take(values);
        let mut draft = Draft { schema: schema.clone(), values, model: PhantomData };
        change(&mut draft);
        *value = draft.into_value();
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
    /// The same as Terraform has it, to be compared with the plan. `None` with `prior`.
    pub before: Option<Draft<M>>,
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

    /// A house.
    #[derive(Debug, PartialEq, Model)]
    struct House {
        /// Rooms.
        rooms: Option<BTreeMap<String, Limits>>,
    }

    #[test]
    fn elements_of_a_map_are_planned_one_by_one() {
        let room = |cores| Value::Object(vec![cores, Value::Null]);
        let rooms = [
            ("a".into(), room(1.encode())),
            ("b".into(), room(Value::Unknown)),
            ("c".into(), Value::Unknown),
        ];
        let mut house: Draft<House> =
            Draft::of(&Arc::new(House::schema()), Value::Object(vec![Value::Map(rooms.into())]))
                .expect("a house");
        let before = house.clone();
        let at = at!(House, rooms);
        assert_eq!(house.elements(at).map(|(key, _)| &**key).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(house.element(at, "c").is_none() && house.element(at, "d").is_none());
        house.change_element(at, "a", |it| it.set(at!(Limits, memory), 7.into()));
        let mut seen = Vec::new();
        house.change_elements(at, |key, it| {
            seen.push(key.to_owned());
            if it.raw(at!(Limits, memory)).is_null() {
                it.set_unknown(at!(Limits, memory));
            }
        });
        assert_eq!(seen, ["a", "b"]);
        let memory = |key| house.element(at, key).expect("a room").raw(at!(Limits, memory)).clone();
        assert_eq!([memory("a"), memory("b")], [7.encode(), Value::Unknown]);
        assert!(house != before && house.element(at, "c").is_none());
        // An element may be planned as if it had been another one.
        let prior = Limits { cores: 1.into(), memory: 9.into() };
        let prior = Draft::of(&Arc::new(Limits::schema()), Attr::encode(prior)).expect("limits");
        let config = before.element(at, "a").expect("a room");
        assert_eq!(Draft::planned(&config, Some(&prior)).raw(at!(Limits, memory)), &9.encode());
        assert_eq!(Draft::planned(&config, None).raw(at!(Limits, memory)), &Value::Unknown);
    }
}
