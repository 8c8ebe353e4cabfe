//! What is checked of any configuration: allowed words, and each attribute's own checks.

use crate::tf::{Diagnostic, Diagnostics, Field, Kind, Path, Schema, Value};

/// Checks an object and all that is nested in it.
pub(super) fn object(schema: &Schema, value: &Value, path: &Path, found: &mut Diagnostics) {
    let Value::Object(values) = value else { return };
    for (field, value) in schema.fields.iter().zip(values) {
        if value.is_null() {
            continue;
        }
        let path = path.clone().attribute(field.name);
        if value.is_wholly_known()
            && let Err(why) = attribute(field, value)
        {
            let summary = format!("Invalid {}", field.name.replace('_', " "));
            found.push(Diagnostic::error(summary).detail(why).at(path.clone()));
        }
        match (&field.kind, value) {
            (Kind::Nested(_, schema), Value::Map(all)) => {
                all.iter().for_each(|(key, it)| object(schema, it, &path.clone().key(&**key), found));
            }
            (Kind::Nested(_, schema), Value::List(all)) => {
                all.iter().enumerate().for_each(|(i, it)| object(schema, it, &path.clone().index(i), found));
            }
            (Kind::Nested(_, schema), it) => object(schema, it, &path, found),
            (Kind::Plain(_), _) => (),
        }
    }
}

fn attribute(field: &Field, value: &Value) -> Result<(), String> {
    if let Value::String(it) = value
        && !field.choices.is_empty()
        && !field.choices.contains(&&**it)
    {
        let choices: Vec<_> = field.choices.iter().map(|it| format!("\"{it}\"")).collect();
        return Err(format!("Expected {}; got \"{it}\".", choices.join(" or ")));
    }
    field.checks.iter().try_for_each(|check| check(value))
}
