//! The fields of a line, and the line in JSON.

use std::fmt;

use serde_json::Value;
use tracing::field::{Field, Visit};

/// What one value may take of a line. Hosts cut lines at 64 KiB, and what is
/// left is no JSON; escapes can make a text up to six times as long.
const LONGEST: usize = 8 << 10;

/// Fields in the order they came, each name once.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some(field) => field.1 = value,
            None => self.0.push((name, value)),
        }
    }

    fn set_text(&mut self, field: &Field, mut text: String) {
        if text.len() > LONGEST {
            let length = text.len();
            let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end));
            text.truncate(end.unwrap_or(0));
            text.push_str(&format!(" ... ({length} bytes)"));
        }
        self.set(field.name(), text.into());
    }

    /// Adds all of `more`, which wins over what is there.
    pub(super) fn extend(&mut self, more: &Fields) {
        for (name, value) in &more.0 {
            self.set(name, value.clone());
        }
    }

    /// The text of the event.
    pub(super) fn message(&self) -> String {
        match self.0.iter().find(|(name, _)| *name == "message") {
            Some((_, Value::String(text))) => text.clone(),
            _ => String::new(),
        }
    }

    /// Everything but the text.
    pub(super) fn others(&self) -> impl Iterator<Item = &(&'static str, Value)> {
        self.0.iter().filter(|(name, _)| *name != "message")
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set_text(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set_text(field, value.to_owned());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value.into());
    }
}

/// One object on one line: `head` first, then the fields that fit.
pub(super) fn line(head: &[(&str, &str)], fields: &Fields) -> String {
    let mut line = String::with_capacity(256);
    let mut separator = '{';
    let head = head.iter().map(|(name, text)| (*name, Value::from(*text)));
    let fields = fields.others().map(|(name, value)| (*name, value.clone()));
    for (name, value) in head.chain(fields) {
        let field = format!("{separator}{}:{value}", Value::from(name));
        if line.len() + field.len() > (60 << 10) {
            break;
        }
        line.push_str(&field);
        separator = ',';
    }
    line.push_str("}\n");
    line
}
