//! What is to be said of many tenants, in a form that people can read.

use std::collections::BTreeMap;

use super::Workspace;
use crate::resources::Tenancy;
use crate::tf::{Context, Diagnostic, Diagnostics, Path, Result, Severity, Step, at};

/// So many tenants are told of one by one.
const SHOWN: usize = 50;

/// Errors and warnings by tenant, each at its place in the workspace.
#[derive(Default)]
pub(super) struct Remarks {
    errors: BTreeMap<String, Vec<Diagnostic>>,
    warnings: BTreeMap<String, Vec<Diagnostic>>,
}

impl Remarks {
    /// Adds what was found of a tenant.
    pub(super) fn note(&mut self, key: &str, found: Diagnostics) {
        for one in found.0 {
            let all = match one.severity {
                Severity::Error => &mut self.errors,
                Severity::Warning => &mut self.warnings,
            };
            all.entry(key.to_owned()).or_default().push(one);
        }
    }

    /// What failed, in a few lines for each tenant.
    pub(super) fn failures(&self) -> BTreeMap<String, String> {
        let text = |all: &Vec<Diagnostic>| {
            let lines = all.iter().map(|it| {
                let what = subject(it).map(|it| format!("{it}: ")).unwrap_or_default();
                let why = it.detail.split("\n\n").next().unwrap_or_default();
                format!("{what}{}. {why}", it.summary)
            });
            lines.collect::<Vec<_>>().join("\n")
        };
        self.errors.iter().map(|(key, all)| (key.clone(), text(all))).collect()
    }

    /// Warns, and fails if something did.
    pub(super) fn into_result(self, client: &Context<Tenancy>) -> Result<()> {
        let mut warnings: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
        for (key, one) in once(self.warnings) {
            warnings.entry(key).or_default().push(one);
        }
        let warnings = warnings.into_iter().map(|(key, all)| (key, gathered(all)));
        told(warnings.collect(), "More remarks").0.into_iter().for_each(|it| client.warn(it));
        told(once(self.errors), "More tenants failed").into_result()
    }
}

/// What is said in the same words of many tenants is said once.
fn once(all: BTreeMap<String, Vec<Diagnostic>>) -> Vec<(String, Diagnostic)> {
    let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut first = Vec::new();
    for (key, all) in all {
        for one in all {
            match others.get_mut(&one.detail) {
                Some(others) if others.last() != Some(&key) => others.push(key.clone()),
                Some(_) => (),
                None => {
                    others.insert(one.detail.clone(), Vec::new());
                    first.push((key.clone(), one));
                }
            }
        }
    }
    for (key, one) in &mut first {
        let others = others.get(&one.detail).map(|all| all.iter().filter(|it| *it != key).cloned().collect());
        let others: Vec<String> = others.unwrap_or_default();
        if !others.is_empty() {
            one.detail.push_str(&format!("\n\nThe same goes for {}.", named(&others)));
        }
    }
    first
}

/// Keys of tenants in words; of many the first ones.
fn named(keys: &[String]) -> String {
    let shown: Vec<_> = keys.iter().take(SHOWN).map(|it| format!("\"{it}\"")).collect();
    let more = if keys.len() > SHOWN { format!(" and {} more", keys.len() - SHOWN) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// The binding that a diagnostic is about, if it is about one.
fn subject(it: &Diagnostic) -> Option<String> {
    match it.path.as_ref()?.steps() {
        [_, _, Step::Attribute(name), Step::Key(key), ..] if name == "bindings" => {
            Some(format!("binding \"{key}\""))
        }
        _ => None,
    }
}

/// All warnings about one tenant as one.
fn gathered(mut all: Vec<Diagnostic>) -> Diagnostic {
    if all.len() == 1
        && let Some(one) = all.pop()
    {
        return one;
    }
    let lines = all.iter().map(|it| {
        let what = subject(it).map(|it| format!("{it}: ")).unwrap_or_default();
        format!("- {what}{}. {}", it.summary, it.detail.replace('\n', "\n  "))
    });
    let path = all.first().and_then(|it| it.path.as_ref());
    let tenant = path.map(|it| {
        it.steps().iter().take(2).fold(Path::root(), |path, step| match step {
            Step::Attribute(name) => path.attribute(name.clone()),
            Step::Key(key) => path.key(key.clone()),
            Step::Index(index) => path.index(*index),
        })
    });
    let told = Diagnostic::warning(format!("{} remarks", all.len()));
    Diagnostic { path: tenant, ..told.detail(lines.collect::<Vec<_>>().join("\n")) }
}

/// The diagnostics with their tenants in the summary; the ones beyond what people read as one.
fn told(all: Vec<(String, Diagnostic)>, more: &str) -> Diagnostics {
    let mut told = Vec::new();
    let mut rest: Option<(Severity, Vec<String>)> = None;
    for (key, mut one) in all {
        let what = subject(&one).map(|it| format!(", {it}")).unwrap_or_default();
        one.summary = format!("Tenant \"{key}\"{what}: {}", one.summary);
        if told.len() < SHOWN {
            told.push(one);
        } else {
            rest.get_or_insert((one.severity, Vec::new())).1.push(format!("- {}", one.summary));
        }
    }
    if let Some((severity, lines)) = rest {
        let detail = lines.join("\n");
        let one = Diagnostic::warning(format!("{more}: {}", lines.len())).detail(detail);
        told.push(Diagnostic { severity, ..one.at(at!(Workspace, tenants)) });
    }
    Diagnostics(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::workspace::parts::tenant_at;

    fn said(key: &str, summary: &str, detail: &str) -> Diagnostic {
        Diagnostic::error(summary).detail(detail).at(tenant_at(key).attribute("bindings").key("users"))
    }

    #[test]
    fn one_mistake_in_many_tenants_is_told_once() {
        let mut remarks = Remarks::default();
        for key in ["a", "b", "c"] {
            remarks.note(key, said(key, "Unknown role", "There is none.").into());
            remarks.note(key, said(key, "Refused", &format!("{key} was refused.")).into());
        }
        assert_eq!(remarks.failures()["b"].lines().count(), 2);
        let all = once(remarks.errors);
        let told: Vec<_> = all.iter().map(|(key, it)| (key.as_str(), it.summary.as_str())).collect();
        assert_eq!(told, [("a", "Unknown role"), ("a", "Refused"), ("b", "Refused"), ("c", "Refused")]);
        assert!(all[0].1.detail.ends_with("The same goes for \"b\", \"c\"."), "{}", all[0].1.detail);
    }

    #[test]
    fn of_very_many_tenants_the_rest_is_told_together() {
        let all =
            (0..70).map(|it| (format!("t{it:02}"), said(&format!("t{it:02}"), "Refused", "No."))).collect();
        let told = told(all, "More tenants failed").0;
        assert_eq!(told.len(), SHOWN + 1);
        assert_eq!(told[0].summary, "Tenant \"t00\", binding \"users\": Refused");
        assert_eq!(told[SHOWN].summary, "More tenants failed: 20");
        assert_eq!(told[SHOWN].severity, Severity::Error);
        assert!(told[SHOWN].detail.contains("- Tenant \"t69\", binding \"users\": Refused"));
    }

    #[test]
    fn what_is_remarked_of_one_tenant_is_one_remark() {
        let told = gathered(vec![said("a", "One", "Why."), said("a", "Two", "Why not.")]);
        assert_eq!(told.path.map(|it| it.to_string()).as_deref(), Some("tenants[\"a\"]"));
        assert_eq!(told.summary, "2 remarks");
        assert_eq!(told.detail, "- binding \"users\": One. Why.\n- binding \"users\": Two. Why not.");
    }
}
