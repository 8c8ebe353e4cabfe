//! Where in a configuration a value is, and a diagnostic points.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// A path to an attribute, like `domain_id` or `tenants["web"].quotas`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Step>);

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// An attribute of an object.
    Attribute(Cow<'static, str>),
    /// An element of a map.
    Key(String),
    /// An element of a list.
    Index(usize),
}

impl Path {
    /// The path of the object itself.
    pub const fn root() -> Self {
        Path(Vec::new())
    }

    /// The same path, one attribute deeper. Prefer [`at!`], which checks the name.
    pub fn attribute(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.0.push(Step::Attribute(name.into()));
        self
    }

    /// The same path, one map element deeper.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(Step::Key(key.into()));
        self
    }

    /// The same path, one list element deeper.
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// The same path, relative to a longer one.
    pub fn below(self, mut parent: Path) -> Self {
        parent.0.extend(self.0);
        parent
    }

    /// From the outside in.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if i == 0 => write!(f, "{name}")?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// An attribute of the model `M` whose Rust type is `T`. Made by [`at!`].
pub struct At<M, T> {
    pub(super) name: &'static str,
    types: PhantomData<fn(&M) -> &T>,
}

impl<M, T> At<M, T> {
    /// For [`at!`]: the closure is never called, it only proves the field and gives its type.
    pub const fn new(name: &'static str, _: fn(&M) -> &T) -> Self {
        At { name, types: PhantomData }
    }

    /// The path of an element of this map.
    pub fn key(self, key: impl Into<String>) -> Path {
        Path::from(self).key(key)
    }
}

impl<M, T> Clone for At<M, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, T> Copy for At<M, T> {}

impl<M, T> From<At<M, T>> for Path {
    fn from(at: At<M, T>) -> Self {
        Path::root().attribute(at.name)
    }
}

/// `at!(Self, domain_id)`: an attribute that the compiler has checked against the struct.
macro_rules! at {
    ($model:ty, $field:ident) => {
        $crate::tf::At::new(stringify!($field), |it: &$model| &it.$field)
    };
}
pub(crate) use at;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_in_a_configuration() {
        let path = Path::root().attribute("tenants").key("web").attribute("members").index(2);
        assert_eq!(path.to_string(), "tenants[\"web\"].members[2]");
    }
}
