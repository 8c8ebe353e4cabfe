//! The rules of a mapping: what they say, in whichever form they are written, and what Keystone takes.
//!
//! Seen in Keystone 30: it checks rules against a JSON schema, one for each version, and tells what is wrong without
//! telling where. What it does not check fails at every login: a `{2}` in a rule with two values, say.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::tf::Value;

/// The versions of the schema.
pub(super) const VERSIONS: [&str; 3] = ["1.0", "2.0", "3.0"];

/// What rules say: HCL or a JSON text, without types, and without attributes that are null. Parts may be unknown.
pub(super) fn meaning(rules: &Value) -> Result<Value, String> {
    match rules.untyped() {
        Value::String(text) => {
            let json = serde_json::from_str(&text).map_err(|why| {
                format!("Expected a list of rules, or a text with one in JSON; this text is no JSON: {why}.")
            })?;
            Ok(without_nulls(Value::of_json(&json)))
        }
        other => Ok(without_nulls(other)),
    }
}

/// An attribute that is null is one that is not there, as everywhere in Terraform.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::List(all) => Value::List(all.into_iter().map(without_nulls).collect()),
        Value::Map(all) => {
            let set = all.into_iter().filter(|(_, it)| !it.is_null());
            Value::Map(set.map(|(key, it)| (key, without_nulls(it))).collect())
        }
        other => other,
    }
}

/// What is wrong with rules, each with its place. `version` is that of the schema, `None` if it is not known yet.
pub(super) fn problems(rules: &Value, version: Option<&str>) -> Vec<String> {
    let mut check = Check { version: version.unwrap_or("3.0"), found: Vec::new() };
    for (at, rule) in check.list(rules, "rules", 1) {
        check.rule(rule, &at);
    }
    check.found
}

type Object = BTreeMap<Arc<str>, Value>;

struct Check<'a> {
    version: &'a str,
    found: Vec<String>,
}

/// What a value is, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::List(_) => "a list",
        Value::Map(_) | Value::Object(_) | Value::Dynamic(_) => "an object",
        Value::Unknown => "something that is not known yet",
    }
}

impl Check<'_> {
    fn wrong(&mut self, at: &str, why: impl Into<String>) {
        self.found.push(format!("{at}: {}", why.into()));
    }

    /// The elements of a list, each with its place. Nothing if it is not known.
    fn list<'v>(&mut self, value: &'v Value, at: &str, least: usize) -> Vec<(String, &'v Value)> {
        match value {
            Value::Unknown => (),
            Value::List(all) if all.len() < least => self.wrong(at, "Expected at least one; got none."),
            Value::List(all) => {
                return all.iter().enumerate().map(|(i, it)| (format!("{at}[{i}]"), it)).collect();
            }
            other => self.wrong(at, format!("Expected a list; got {}.", kind(other))),
        }
        Vec::new()
    }

    /// An object that has none but these keys.
    fn object<'v>(&mut self, value: &'v Value, at: &str, keys: &[&str]) -> Option<&'v Object> {
        match value {
            Value::Unknown => None,
            Value::Map(all) => {
                for key in all.keys().filter(|key| !keys.contains(&&***key)) {
                    let why = match &**key {
                        "projects_json" => "`projects_json` needs `schema_version = \"3.0\"`.".to_owned(),
                        "domain" if at.contains(".projects[") => {
                            "`domain` of a project needs `schema_version = \"2.0\"` or \"3.0\".".to_owned()
                        }
                        key => format!("`{key}` is unknown here. Expected {}.", one_of(keys)),
                    };
                    self.wrong(at, why);
                }
                Some(all)
            }
            other => {
                self.wrong(at, format!("Expected an object; got {}.", kind(other)));
                None
            }
        }
    }

    fn text<'v>(&mut self, object: &'v Object, key: &str, at: &str) -> Option<&'v str> {
        match object.get(key)? {
            Value::String(text) => Some(text),
            Value::Unknown => None,
            other => {
                self.wrong(&format!("{at}.{key}"), format!("Expected a string; got {}.", kind(other)));
                None
            }
        }
    }

    fn required(&mut self, object: &Object, key: &str, at: &str) {
        if !object.contains_key(key) {
            self.wrong(at, format!("`{key}` is missing."));
        }
    }

    fn rule(&mut self, rule: &Value, at: &str) {
        let Some(rule) = self.object(rule, at, &["local", "remote"]) else { return };
        self.required(rule, "local", at);
        self.required(rule, "remote", at);
        // How many values the remotes give; unknown as long as a remote is.
        let mut values = None;
        if let Some(remotes) = rule.get("remote") {
            let all = self.list(remotes, &format!("{at}.remote"), 1);
            values = remotes.is_wholly_known().then_some(0);
            for (at, remote) in all {
                let gives = self.remote(remote, &at);
                values = values.map(|count| count + usize::from(gives));
            }
        }
        if let Some(locals) = rule.get("local") {
            for (at, local) in self.list(locals, &format!("{at}.local"), 0) {
                self.local(local, &at, values);
            }
        }
    }

    /// Also says whether the remote gives a value for the locals.
    fn remote(&mut self, remote: &Value, at: &str) -> bool {
        const CONDITIONS: [&str; 4] = ["any_one_of", "not_any_of", "blacklist", "whitelist"];
        let keys = [&["type"][..], &CONDITIONS, &["regex"]].concat();
        let Some(remote) = self.object(remote, at, &keys) else { return false };
        self.required(remote, "type", at);
        self.text(remote, "type", at);
        let has: Vec<_> = CONDITIONS.into_iter().filter(|key| remote.contains_key(*key)).collect();
        if has.len() > 1 {
            self.wrong(at, format!("Expected at most one of {}; got {}.", one_of(&CONDITIONS), all_of(&has)));
        }
        match remote.get("regex") {
            None | Some(Value::Unknown) => (),
            Some(Value::Bool(_)) if !has.is_empty() => (),
            Some(Value::Bool(_)) => {
                self.wrong(at, format!("`regex` is about one of {}.", one_of(&CONDITIONS)));
            }
            Some(other) => {
                self.wrong(&format!("{at}.regex"), format!("Expected a bool; got {}.", kind(other)));
            }
        }
        for key in &has {
            for (at, it) in self.list(&remote[*key], &format!("{at}.{key}"), 0) {
                // Keystone takes anything, and finds it nowhere: what it compares with are strings.
                if !matches!(it, Value::String(_) | Value::Unknown) {
                    self.wrong(&at, format!("Expected a string; got {}.", kind(it)));
                }
            }
        }
        !has.iter().any(|key| matches!(*key, "any_one_of" | "not_any_of"))
    }

    fn local(&mut self, local: &Value, at: &str, values: Option<usize>) {
        let mut keys = vec!["user", "group", "groups", "group_ids", "domain", "projects"];
        if self.version == "3.0" {
            keys.push("projects_json");
        }
        let Some(local) = self.object(local, at, &keys) else { return };
        if let Some(user) = local.get("user") {
            self.user(user, &format!("{at}.user"));
        }
        if let Some(group) = local.get("group") {
            self.group(group, &format!("{at}.group"));
        }
        self.text(local, "groups", at);
        self.text(local, "group_ids", at);
        self.domain(local, at);
        if let Some(projects) = local.get("projects") {
            for (at, project) in self.list(projects, &format!("{at}.projects"), 0) {
                self.project(project, &at);
            }
        }
        for (key, it) in local {
            let at = format!("{at}.{key}");
            match (&**key, it) {
                ("projects_json", Value::String(text)) => self.projects_json(text, &at, values),
                _ => self.texts(it, &at, values),
            }
        }
    }

    fn user(&mut self, user: &Value, at: &str) {
        let Some(user) = self.object(user, at, &["id", "name", "email", "type", "domain"]) else { return };
        for key in ["id", "name", "email"] {
            self.text(user, key, at);
        }
        if let Some(it) = self.text(user, "type", at)
            && !["ephemeral", "local"].contains(&it)
        {
            self.wrong(
                &format!("{at}.type"),
                format!("Expected {}; got \"{it}\".", one_of(&["ephemeral", "local"])),
            );
        }
        self.domain(user, at);
    }

    fn group(&mut self, group: &Value, at: &str) {
        let Some(group) = self.object(group, at, &["id", "name", "domain"]) else { return };
        self.text(group, "id", at);
        self.text(group, "name", at);
        self.domain(group, at);
        let has = |key: &str| group.contains_key(key);
        if !matches!((has("id"), has("name"), has("domain")), (true, false, false) | (false, true, true)) {
            self.wrong(at, "Expected either `id`, or `name` and `domain`.");
        }
        if matches!(group.get("domain"), Some(Value::Map(domain)) if domain.is_empty()) {
            self.wrong(&format!("{at}.domain"), "Expected `id` or `name`; got neither.");
        }
    }

    /// The domain of a user, a group, a project, or of all of a local.
    fn domain(&mut self, of: &Object, at: &str) {
        let Some(domain) = of.get("domain") else { return };
        let at = format!("{at}.domain");
        if let Some(domain) = self.object(domain, &at, &["id", "name"]) {
            self.text(domain, "id", &at);
            self.text(domain, "name", &at);
        }
    }

    fn project(&mut self, project: &Value, at: &str) {
        let keys: &[&str] =
            if self.version == "1.0" { &["name", "roles"] } else { &["name", "roles", "domain"] };
        let Some(project) = self.object(project, at, keys) else { return };
        self.required(project, "name", at);
        self.required(project, "roles", at);
        self.text(project, "name", at);
        if self.version != "1.0" {
            self.domain(project, at);
        }
        let Some(roles) = project.get("roles") else { return };
        for (at, role) in self.list(roles, &format!("{at}.roles"), 0) {
            if let Some(role) = self.object(role, &at, &["name"]) {
                self.required(role, "name", &at);
                self.text(role, "name", &at);
            }
        }
    }

    /// All texts below a local: Keystone puts values in by Python's `str.format`.
    fn texts(&mut self, value: &Value, at: &str, values: Option<usize>) {
        match value {
            Value::String(text) => match placeholders(text) {
                Ok(all) => all.into_iter().for_each(|index| self.index(index, at, values)),
                Err(why) => self.wrong(at, why),
            },
            Value::List(all) => {
                all.iter().enumerate().for_each(|(i, it)| self.texts(it, &format!("{at}[{i}]"), values));
            }
            Value::Map(all) => {
                all.iter().for_each(|(key, it)| self.texts(it, &format!("{at}.{key}"), values));
            }
            _ => (),
        }
    }

    /// `{0}` or `0`: the value that has the projects in JSON.
    fn projects_json(&mut self, text: &str, at: &str, values: Option<usize>) {
        let digits = text.strip_prefix('{').unwrap_or(text);
        let end = digits.find(|it: char| !it.is_ascii_digit()).unwrap_or(digits.len());
        match digits[..end].parse() {
            Ok(index) => self.index(index, at, values),
            Err(_) => self.wrong(at, format!("Expected a value such as `{{0}}`; got \"{text}\".")),
        }
    }

    fn index(&mut self, index: usize, at: &str, values: Option<usize>) {
        let Some(count) = values.filter(|count| index >= *count) else { return };
        let there = match count {
            0 => "the remotes of this rule give no value".to_owned(),
            1 => "the remotes of this rule give one value, `{0}`".to_owned(),
            _ => format!("the remotes of this rule give the values `{{0}}` to `{{{}}}`", count - 1),
        };
        self.wrong(
            at,
            format!(
                "There is no value `{{{index}}}`: {there}. A remote with `any_one_of` or `not_any_of` is a condition and \
                 gives none."
            ),
        );
    }
}

fn one_of(words: &[&str]) -> String {
    words.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
}

fn all_of(words: &[&str]) -> String {
    words.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(" and ")
}

/// The values that a text asks for, as Python's `str.format` reads it.
fn placeholders(text: &str) -> Result<Vec<usize>, String> {
    let single =
        |brace: &str| format!("A single `{brace}` makes logins fail. Write `{brace}{brace}` for a brace.");
    let (mut all, mut numbered) = (Vec::new(), 0);
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (brace, after) = rest[at..].split_at(1);
        if let Some(after) = after.strip_prefix(brace) {
            rest = after;
            continue;
        }
        if brace == "}" {
            return Err(single("}"));
        }
        let end = closing(after).ok_or_else(|| single("{"))?;
        let field = &after[..end];
        // `{0[1]}`, `{0.x}`, `{0!r}` and `{0:>4}` are about value 0 as well.
        let name = &field[..field.find(['.', '[', '!', ':']).unwrap_or(field.len())];
        if name.is_empty() {
            all.push(all.len());
        } else {
            numbered += 1;
            all.push(name.parse().map_err(|_| {
                format!("`{{{field}}}` is no value: they are numbered, `{{0}}` is the first. Write `{{{{` for a brace.")
            })?);
        }
        rest = &after[end + 1..];
    }
    if ![0, all.len()].contains(&numbered) {
        return Err("`{}` and numbered values cannot be mixed.".to_owned());
    }
    Ok(all)
}

/// Where the brace is that closes what comes before it. There may be others within: `{0:{1}}`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(at, it)| {
        match it {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => (),
        }
        None
    })
}

#[cfg(test)]
mod tests;
