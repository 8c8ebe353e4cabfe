//! What a `moved` block brings: an object under another type, perhaps of another provider.

use std::cell::RefCell;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::{Diagnostic, Diagnostics, Result};

/// A type whose objects can become a resource `R`, and how.
pub struct Move<R> {
    /// The provider's namespace and name, as `acme/things`, whatever registry it comes from.
    pub provider: &'static str,
    /// The type, with the provider's prefix.
    pub from: &'static str,
    /// The new state of the old one. Nobody can be asked: what the old state does not say is left to
    /// [`Resource::settle`](super::Resource::settle).
    pub take: fn(&Old) -> Result<R>,
}

/// The state of an object under its old type, as the other provider wrote it.
pub struct Old {
    type_name: String,
    attributes: Map<String, Json>,
    kept: RefCell<Option<Json>>,
}

impl Old {
    /// Of JSON. `None` if it is no object.
    pub(super) fn of(type_name: &str, json: &[u8]) -> Option<Self> {
        let attributes = serde_json::from_slice(json).ok()?;
        Some(Old { type_name: type_name.to_owned(), attributes, kept: RefCell::default() })
    }

    /// The type that it had.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// An attribute as it is. Null is none.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.attributes.get(name).filter(|it| !it.is_null())
    }

    /// A text; `None` also for an empty one, which older providers write for none.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.as_str().filter(|it| !it.is_empty()).map(str::to_owned)
    }

    /// A text that must be there.
    pub fn must(&self, name: &str) -> Result<String> {
        self.text(name).ok_or_else(|| self.refused(format!("Its state has no `{name}`.")))
    }

    /// Whether a flag is on.
    pub fn is(&self, name: &str) -> bool {
        self.get(name).and_then(Json::as_bool) == Some(true)
    }

    /// The texts of a list or set.
    pub fn texts<T: FromIterator<String>>(&self, name: &str) -> T {
        let all = self.get(name).and_then(Json::as_array).into_iter().flatten();
        all.filter_map(|it| it.as_str().map(str::to_owned)).collect()
    }

    /// All attributes that are whole numbers.
    pub fn numbers(&self) -> impl Iterator<Item = (&str, i64)> {
        self.attributes.iter().filter_map(|(name, it)| Some((name.as_str(), it.as_i64()?)))
    }

    /// The whole numbers of a map, also where they are written as texts.
    pub fn numbers_of(&self, name: &str) -> impl Iterator<Item = (String, i64)> {
        let all = self.get(name).and_then(Json::as_object).into_iter().flatten();
        let number = |it: &Json| it.as_i64().or_else(|| it.as_str()?.parse().ok());
        all.filter_map(move |(key, it)| Some((key.clone(), number(it)?)))
    }

    /// Keeps what the new state has no place for, until the first read after the move: there it is
    /// [`Context::private`](super::Context::private).
    pub fn keep<T: Serialize>(&self, value: &T) {
        *self.kept.borrow_mut() = serde_json::to_value(value).ok();
    }

    /// What is to be kept.
    pub(super) fn take_kept(&self) -> Option<Json> {
        self.kept.take()
    }

    /// Why this object cannot become one of the new type.
    pub fn refused(&self, why: impl Into<String>) -> Diagnostics {
        Diagnostic::error(format!("This {} cannot be moved here", self.type_name)).detail(why).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_none() {
        let old = Old::of("a_b", br#"{"id": "1", "name": "", "other": null, "tags": ["x"], "on": true}"#);
        let old = old.expect("an object");
        assert_eq!(old.must("id").ok().as_deref(), Some("1"));
        assert!(old.must("name").is_err() && old.text("other").is_none() && old.text("none").is_none());
        assert_eq!(old.texts::<Vec<_>>("tags"), ["x"]);
        assert!(old.is("on") && !old.is("id"));
        assert!(Old::of("a_b", b"[]").is_none());
    }
}
