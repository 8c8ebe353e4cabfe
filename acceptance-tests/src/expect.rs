//! Compares what is with what was expected.
//!
//! An expected object names the keys that count; others may be there. Everything else must be equal, but for a few
//! words: `any` (something that is neither null nor empty), `absent` (null or not there), `[any order, a, b]` (these and
//! no others), `[contains, a]` (these at least), `[without, a]` (none of these), `[length, 2]`.

use serde_json::Value;

/// What differs, one line each. Empty: nothing.
pub fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut all = Vec::new();
    compare("", expected, found, &mut all);
    all
}

fn compare(at: &str, expected: &Value, found: &Value, all: &mut Vec<String>) {
    let fine = match expected {
        Value::Object(keys) => {
            for (key, expected) in keys {
                let found = found.get(key).unwrap_or(&Value::Null);
                let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                compare(&at, expected, found, all);
            }
            true
        }
        Value::String(word) if word == "any" => !is_empty(found),
        Value::String(word) if word == "absent" => found.is_null(),
        Value::Array(items) => listed(items, found),
        other => other == found,
    };
    if !fine {
        let at = if at.is_empty() { String::new() } else { format!("{at}: ") };
        all.push(format!("{at}expected {expected}, found {found}"));
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(keys) => keys.is_empty(),
        _ => false,
    }
}

fn same(expected: &Value, found: &Value) -> bool {
    differences(expected, found).is_empty()
}

fn listed(items: &[Value], found: &Value) -> bool {
    let Value::Array(found) = found else { return false };
    let word = items.first().and_then(Value::as_str);
    let rest = items.get(1..).unwrap_or_default();
    let has = |item: &Value| found.iter().any(|it| same(item, it));
    match word {
        Some("any order") => rest.len() == found.len() && rest.iter().all(has),
        Some("contains") => rest.iter().all(has),
        Some("without") => !rest.iter().any(has),
        Some("length") => rest.first().and_then(Value::as_u64) == u64::try_from(found.len()).ok(),
        _ => items.len() == found.len() && items.iter().zip(found).all(|(item, it)| same(item, it)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_named_keys_count() {
        let found = json!({"name": "web", "id": "1", "tags": ["b", "a"], "parent": null});
        for expected in [
            json!({"name": "web"}),
            json!({"id": "any", "parent": "absent", "other": "absent"}),
            json!({"tags": ["any order", "a", "b"]}),
            json!({"tags": ["contains", "a"]}),
            json!({"tags": ["without", "c"]}),
            json!({"tags": ["length", 2]}),
        ] {
            assert_eq!(differences(&expected, &found), Vec::<String>::new(), "{expected}");
        }
        for expected in [
            json!({"name": "mail"}),
            json!({"parent": "any"}),
            json!({"name": "absent"}),
            json!({"tags": ["a", "b"]}),
            json!({"tags": ["any order", "a"]}),
            json!({"tags": ["contains", "c"]}),
            json!({"tags": ["without", "a"]}),
            json!({"tags": ["length", 1]}),
        ] {
            assert_eq!(differences(&expected, &found).len(), 1, "{expected}");
        }
    }
}
