//! `tenancy_federation_mapping`: what becomes of a federated user at a login.

mod rules;

use futures_util::future::try_join_all;

use super::{Existing, Explain, Tenancy, check, refused};
use crate::openstack::Error;
use crate::openstack::identity::Mapping;
use crate::tf::{
    Change, Context, Diagnostic, Diagnostics, Draft, Failure, Model, Outcome, Path, Resource, Result, Value,
    at,
};

/// A mapping: rules that say which user, groups and projects a login at an identity provider leads to.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct FederationMapping {
    /// Id of the mapping, chosen here. At most 64 characters, without `/`.
    #[tf(replace, check(check::chosen_id))]
    pub id: String,
    /// The rules: a list of objects with `local` and `remote`, in HCL, or the same as a text in JSON. `validate` checks them
    /// as Keystone does, and that each `{0}` has a value. They are compared by what they say: neither the form nor the order
    /// of keys is a change, and an attribute that is null is one that is not there.
    pub rules: Value,
    /// Version of the rules' schema. `1.0` is what every Keystone knows. `2.0` honours the `domain` of users and projects,
    /// instead of always taking the identity provider's. `3.0` can take `projects_json` from a value, and takes roles away
    /// that a login does not give any more. Older releases of Keystone know `1.0` only.
    #[tf(default = "1.0", check(version))]
    pub schema_version: String,
}

#[allow(clippy::ptr_arg, reason = "a check takes the attribute's own type")]
fn version(text: &String) -> Result<(), String> {
    if rules::VERSIONS.contains(&text.as_str()) {
        return Ok(());
    }
    Err(format!("Expected \"1.0\", \"2.0\" or \"3.0\"; got \"{text}\"."))
}

impl Resource for FederationMapping {
    const NAME: &'static str = "federation_mapping";
    type Client = Tenancy;
    type Id = String;

    fn id(&self) -> Option<String> {
        Some(self.id.clone())
    }

    fn validate(config: &Draft<Self>) -> Result<()> {
        let version = match config.raw(at!(Self, schema_version)) {
            Value::String(it) => Some(&**it),
            Value::Null => Some("1.0"),
            _ => None,
        };
        valid(config.raw(at!(Self, rules)), version).map(drop)
    }

    async fn plan(change: &mut Change<Self>, client: Option<&Context<Tenancy>>) -> Result<()> {
        if let (Some(prior), Some(planned)) = (&change.prior, &mut change.planned)
            && same(&prior.rules, planned.raw(at!(Self, rules)))
        {
            planned.set(at!(Self, rules), prior.rules.clone());
        }
        let Some(client) = client else { return Ok(()) };
        let replaced = !change.replace.is_empty();
        if let Some(prior) = change.prior.as_ref().filter(|_| replaced || change.planned.is_none()) {
            announce(prior, client).await;
        }
        if let Some(planned) = &change.planned
            && let Some(id) = planned.get(at!(Self, id))?
        {
            client.note_coming(Existing::Mapping(&id));
        }
        Ok(())
    }

    async fn create(plan: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        client.mappings().create(&plan.wanted()?).await.map_err(refusal)?;
        Ok(plan)
    }

    async fn read(id: String, last: Option<Self>, client: &Context<Tenancy>) -> Result<Option<Self>> {
        let found = client.mappings().get_opt(&id).await.explain("Cannot read the mapping")?;
        Ok(found.map(|it| Self::seen(it, last)))
    }

    async fn update(from: Self, to: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        match client.mappings().update(&to.wanted()?).await {
            Ok(_) => Ok(to),
            Err(error) => Err(Failure { state: Some(from), diagnostics: refusal(error).into() }),
        }
    }

    async fn delete(state: Self, client: &Context<Tenancy>) -> Result<()> {
        client.mappings().delete(&state.id).await.explain("Cannot delete the mapping")
    }
}

/// What rules say, if there is nothing wrong with them.
fn valid(written: &Value, version: Option<&str>) -> Result<Value> {
    let wrong =
        |why: String| Diagnostic::error("Invalid rules").detail(why).at(at!(FederationMapping, rules));
    let meaning = rules::meaning(written).map_err(wrong)?;
    let mut found = Diagnostics::default();
    rules::problems(&meaning, version).into_iter().for_each(|why| found.push(wrong(why)));
    if found.0.is_empty() { Ok(meaning) } else { Err(found) }
}

/// Whether two forms of rules say the same. What is not known yet may say anything.
fn same(one: &Value, other: &Value) -> bool {
    other.is_wholly_known()
        && matches!((rules::meaning(one), rules::meaning(other)), (Ok(one), Ok(other)) if one == other)
}

/// Says in a plan who uses the mapping, beyond what this very plan destroys.
async fn announce(state: &FederationMapping, client: &Context<Tenancy>) {
    // What cannot be seen now is no reason for a plan to fail.
    let Ok(mut users) = users(&state.id, client).await else { return };
    users.retain(|it| !client.is_leaving(&format!("protocol {it}")));
    if !users.is_empty() {
        client.warn(
            Diagnostic::warning(format!("The mapping \"{}\" is in use", state.id))
                .detail(format!(
                    "These protocols of identity providers use it: {}. Keystone lets it go all the same, and nobody can log \
                     in by them any more.",
                    users.join(", ")
                ))
                .at(at!(FederationMapping, id)),
        );
    }
}

/// The protocols that use a mapping, as `identity provider/protocol`.
async fn users(id: &str, client: &Tenancy) -> Result<Vec<String>, Error> {
    let providers = client.identity_providers().list().await?;
    let all = try_join_all(providers.iter().map(|provider| async move {
        let all = client.protocols().list(&provider.id).await?;
        let using = all.into_iter().filter(|it| it.mapping_id == id);
        Ok::<_, Error>(using.map(|it| format!("{}/{}", provider.id, it.id)).collect::<Vec<_>>())
    }));
    Ok(all.await?.concat())
}

/// A refusal, at the attribute that caused it.
fn refusal(error: Error) -> Diagnostic {
    let path: Path = match error {
        Error::Conflict(_) => at!(FederationMapping, id).into(),
        _ => at!(FederationMapping, rules).into(),
    };
    refused("mapping", "tenancy_federation_mapping", error, Path::root()).at(path)
}

impl FederationMapping {
    /// As Keystone takes it.
    fn wanted(&self) -> Result<Mapping> {
        let rules = valid(&self.rules, Some(&self.schema_version))?.to_json().unwrap_or_default();
        Ok(Mapping { id: self.id.clone(), rules, schema_version: self.schema_version.clone() })
    }

    /// What Keystone says now, in the form in which it was written last.
    fn seen(it: Mapping, last: Option<Self>) -> Self {
        let Mapping { id, rules, schema_version } = it;
        let found = Value::dynamic(&rules);
        let Some(last) = last else { return FederationMapping { id, rules: found, schema_version } };
        let rules = if same(&last.rules, &found) {
            last.rules
        } else if matches!(last.rules.untyped(), Value::String(_)) {
            Value::dynamic(&rules.to_string().into())
        } else {
            found
        };
        // Keystone may spell the id with other capitals.
        FederationMapping { id: last.id, rules, schema_version }
    }
}
