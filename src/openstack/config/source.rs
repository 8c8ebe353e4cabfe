//! What each of the three sources says, setting by setting.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::files::{self, Surroundings};
use super::parse::{not_a_truth, scalar, truth};
use super::settings::{Group, KNOWN, Settings};
use super::{ConfigError, Origin};
use crate::openstack::catalog::Service;

type Result<T> = std::result::Result<T, ConfigError>;

/// What one source says.
#[derive(Default)]
pub(super) struct Source {
    pub values: BTreeMap<&'static str, (SecretString, Origin)>,
    pub auth_type: Option<(String, Origin)>,
    pub endpoints: Vec<(String, String, Origin)>,
}

impl Source {
    pub fn says(&self, group: Group) -> bool {
        KNOWN.iter().any(|it| it.group == group && self.values.contains_key(it.name))
    }

    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub fn text(&self, name: &'static str) -> Option<String> {
        self.values.get(name).map(|(it, _)| it.expose_secret().to_owned())
    }

    pub fn secret(&self, name: &'static str) -> Option<SecretString> {
        self.values.get(name).map(|(it, _)| it.clone())
    }

    pub fn origin(&self, name: &str) -> Origin {
        self.values.get(name).map_or(Origin::Nowhere, |(_, it)| it.clone())
    }

    /// The origin of whatever this source says about the group.
    pub fn group_origin(&self, group: Group) -> Origin {
        KNOWN
            .iter()
            .filter(|it| it.group == group)
            .find_map(|it| self.values.get(it.name))
            .map_or(Origin::Nowhere, |(_, it)| it.clone())
    }

    pub fn need(&self, group: Group, name: &'static str, what_for: &str) -> Result<SecretString> {
        self.secret(name).ok_or_else(|| {
            let origin = self.group_origin(group);
            fail(name, origin, format!("it is missing: {what_for} needs it, given in the same place"))
        })
    }
}

pub(super) fn fail(setting: &'static str, origin: Origin, why: impl Into<String>) -> ConfigError {
    ConfigError { setting, origin, why: why.into() }
}

pub(super) fn from_inline(inline: Settings) -> Source {
    let text = |it: &Option<String>| it.clone().filter(|it| !it.is_empty());
    Source {
        auth_type: text(&inline.auth_type).map(|it| (it, Origin::Inline)),
        endpoints: inline.endpoints.iter().map(|(a, b)| (a.clone(), b.clone(), Origin::Inline)).collect(),
        values: inline.values().into_iter().map(|(name, it)| (name, (it, Origin::Inline))).collect(),
    }
}

pub(super) fn from_environment(around: &Surroundings) -> Source {
    let mut source = Source::default();
    for known in KNOWN {
        if let Some((variable, value)) =
            known.variables.iter().find_map(|it| Some((*it, around.variable(it)?)))
        {
            source.values.insert(known.name, (value.into(), Origin::Variable(variable.into())));
        }
    }
    source.auth_type =
        around.variable("OS_AUTH_TYPE").map(|it| (it.into(), Origin::Variable("OS_AUTH_TYPE".into())));
    for service in Service::ALL {
        for kind in service.types() {
            let variable = format!("OS_{}_ENDPOINT_OVERRIDE", kind.replace('-', "_").to_uppercase());
            if let Some(url) = around.variable(&variable) {
                source.endpoints.push(((*kind).into(), url.into(), Origin::Variable(variable)));
            }
        }
    }
    source
}

pub(super) fn from_entry(entry: files::Entry, wanted_region: Option<&str>) -> Result<Source> {
    let files::Entry { origin, mut values } = entry;
    take_region(&mut values, wanted_region);
    let auth = values.get("auth").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut source = Source::default();
    for known in KNOWN {
        for key in known.keys {
            let Some(value) = auth.get(*key).or_else(|| values.get(*key)) else { continue };
            let text = scalar(value).map_err(|why| fail(known.name, origin.clone(), why))?;
            if let Some(text) = text {
                source.values.insert(known.name, (text.into(), origin.clone()));
                break;
            }
        }
    }
    // `verify: false` is openstacksdk's word for insecure.
    if !source.has("insecure")
        && let Some(verify) = values.get("verify")
        && let Ok(Some(text)) = scalar(verify)
    {
        let verify = truth(&text).ok_or_else(|| fail("insecure", origin.clone(), not_a_truth(&text)))?;
        source.values.insert("insecure", ((!verify).to_string().into(), origin.clone()));
    }
    source.auth_type = match values.get("auth_type").map(scalar) {
        Some(Ok(Some(text))) => Some((text, origin.clone())),
        _ => None,
    };
    for (key, value) in &values {
        if let Some(kind) = key.strip_suffix("_endpoint_override")
            && let Ok(Some(url)) = scalar(value)
        {
            source.endpoints.push((kind.replace('_', "-"), url, origin.clone()));
        }
    }
    Ok(source)
}

/// A cloud may list its regions, each with values of its own. The wanted one is taken, else the first.
fn take_region(values: &mut Map<String, Value>, wanted: Option<&str>) {
    let Some(Value::Array(regions)) = values.remove("regions") else { return };
    let name = |it: &Value| match it {
        Value::Object(map) => map.get("name").and_then(Value::as_str).map(str::to_owned),
        other => scalar(other).ok().flatten(),
    };
    let wanted = wanted.map(str::to_owned).or_else(|| values.get("region_name").and_then(name));
    let chosen = match &wanted {
        Some(wanted) => regions.iter().find(|it| name(it).as_ref() == Some(wanted)),
        None => regions.first(),
    };
    if let Some(chosen) = chosen {
        if let Some(own) = chosen.get("values").and_then(Value::as_object) {
            files::merge(values, own.clone());
        }
        if let Some(name) = name(chosen) {
            values.insert("region_name".into(), name.into());
        }
    }
}
