//! Fills in `${...}`: the prefix, addresses of the cloud, values of the state, and what replies told.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// What `${...}` can name. Values of objects that are gone stay known.
#[derive(Clone, Debug, Default)]
pub struct Values {
    known: BTreeMap<String, Value>,
}

impl Values {
    /// Sets a value, such as `prefix` or an address of the state.
    pub fn set(&mut self, name: impl Into<String>, value: Value) {
        self.known.insert(name.into(), value);
    }

    /// The value of `name`, or of a path below one: `tenancy_tenant_project.web.group.name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.known.get(name) {
            return Some(value);
        }
        // The longest name that fits: instance keys may have dots.
        let splits = name.match_indices('.').map(|(at, _)| at).collect::<Vec<_>>();
        splits.into_iter().rev().find_map(|at| Some(path(self.known.get(&name[..at])?, &name[at + 1..])))?
    }

    /// A text with all its `${...}` filled in.
    pub fn text(&self, text: &str) -> Result<String> {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) =
                after.split_once('}').with_context(|| format!("`{text}` has a ${{ without an end"))?;
            out.push_str(before);
            match self.get(name) {
                Some(Value::String(value)) => out.push_str(value),
                Some(Value::Null) | None => bail!("nothing is known of `{name}`, which `{text}` asks for"),
                Some(other) => out.push_str(&other.to_string()),
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// A value with all its `${...}` filled in, also in keys.
    pub fn fill(&self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::String(text) => match text.strip_prefix("${").and_then(|it| it.strip_suffix('}')) {
                // Alone, it keeps its type.
                Some(name) if !name.contains("${") && self.get(name).is_some_and(|it| !it.is_null()) => {
                    self.get(name).cloned().unwrap_or_default()
                }
                _ => self.text(text)?.into(),
            },
            Value::Array(items) => items.iter().map(|it| self.fill(it)).collect::<Result<_>>()?,
            Value::Object(keys) => {
                let keys = keys.iter().map(|(key, it)| Ok((self.text(key)?, self.fill(it)?)));
                Value::Object(keys.collect::<Result<_>>()?)
            }
            other => other.clone(),
        })
    }
}

/// The value at a path such as `project.tags.0`.
pub fn path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_filled_in() {
        let mut values = Values::default();
        values.set("prefix", json!("acc"));
        values.set(r#"tenancy_x.y["a.b"]"#, json!({"id": "7", "tags": ["t"], "count": 3}));
        assert_eq!(values.text(r#"/${prefix}/${tenancy_x.y["a.b"].id}"#).unwrap(), "/acc/7");
        assert_eq!(values.fill(&json!({"n": r#"${tenancy_x.y["a.b"].count}"#})).unwrap(), json!({"n": 3}));
        assert_eq!(values.fill(&json!(r#"${tenancy_x.y["a.b"].tags.0}"#)).unwrap(), json!("t"));
        assert!(values.text("${other}").is_err());
    }
}
