//! `tenancy_identity_provider`: where federated users log in, and the domain in which they live.

use std::collections::BTreeSet;

use super::tenant_project::changed;
use super::{Existing, Explain, Tenancy, check, refused, workspace_domain};
use crate::openstack::Error;
use crate::openstack::identity::{self, IdentityProviderChange, NewIdentityProvider, UserFilter};
use crate::tf::{Change, Computed, Context, Diagnostic, Failure, Model, Outcome, Path, Resource, Result, at};

/// An identity provider: the service at which federated users log in, such as Entra ID, Keycloak or EGI Check-in.
///
/// Destroying it destroys its protocols, and the identities that users have there. From Keystone 2026.1 on, users who are
/// known by nothing else go with them. The domain goes too if Keystone made it: see `domain_id`. If it is replaced under the
/// same id, protocols and users whose blocks refer to it come back in the same apply.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct IdentityProvider {
    /// Id of the identity provider. It is chosen here, and is part of the URL at which users log in. At most 64 characters,
    /// without `/`.
    #[tf(replace, check(check::chosen_id))]
    pub id: String,
    /// How the identity provider calls itself, such as its issuer or entity id: a login with another one is refused. Each
    /// belongs to one identity provider of the cloud. `[]` accepts any. Not managed unless set. At most 255 characters
    /// each; Keystone 2026.1 takes 64.
    #[tf(managed_if_set, check(check::remote_ids))]
    pub remote_ids: Option<BTreeSet<String>>,
    /// Id of the domain in which its users live. If unset, Keystone makes one, which is named by its own id. On destroy
    /// that domain is deleted as well, unless somebody gave it another name or description, or tags, or something is in it
    /// besides the users that logins made, or another identity provider uses it: then it stays, and a warning says why.
    #[tf(optional, keep, replace, check(check::not_empty))]
    pub domain_id: Computed<String>,
    /// Whether users can log in by it.
    #[tf(default = true)]
    pub enabled: bool,
    /// What the identity provider is. Not managed unless set.
    #[tf(managed_if_set)]
    pub description: Option<String>,
    /// For how many minutes after a login a user keeps the memberships in groups that a mapping gave. `0` is Keystone's
    /// `[federation] default_authorization_ttl`. Not managed unless set.
    #[tf(managed_if_set, check(check::minutes))]
    pub authorization_ttl: Option<i64>,
}

impl Resource for IdentityProvider {
    const NAME: &'static str = "identity_provider";
    type Client = Tenancy;
    type Id = String;

    fn id(&self) -> Option<String> {
        Some(self.id.clone())
    }

    async fn plan(change: &mut Change<Self>, client: Option<&Context<Tenancy>>) -> Result<()> {
        let Some(client) = client else { return Ok(()) };
        let replaced = !change.replace.is_empty();
        if let Some(prior) = change.prior.as_ref().filter(|_| replaced || change.planned.is_none()) {
            client.note_leaving(&Existing::IdentityProvider(&prior.id).to_string());
            announce(prior, client).await;
        }
        let Some(planned) = &change.planned else { return Ok(()) };
        if let Some(id) = planned.get(at!(Self, id))? {
            client.note_coming(Existing::IdentityProvider(&id));
        }
        if change.prior.is_none()
            && let Some(Computed::Known(id)) = planned.get(at!(Self, domain_id))?
        {
            client.must_exist(Existing::Domain(&id), at!(Self, domain_id)).await?;
        }
        Ok(())
    }

    async fn create(plan: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let new = NewIdentityProvider {
            id: plan.id.clone(),
            domain_id: plan.domain_id.as_known().cloned(),
            enabled: plan.enabled,
            description: plan.description.clone(),
            remote_ids: plan.remote_ids.clone().unwrap_or_default(),
            authorization_ttl: plan.authorization_ttl,
        };
        let made = client.identity_providers().create(&new).await;
        Ok(plan.clone().seen(made.map_err(|error| refusal(error, &plan))?))
    }

    async fn read(id: String, last: Option<Self>, client: &Context<Tenancy>) -> Result<Option<Self>> {
        let found = client.identity_providers().get_opt(&id).await;
        Ok(found.explain("Cannot read the identity provider")?.map(|it| match last {
            Some(last) => last.seen(it),
            None => it.into(),
        }))
    }

    async fn update(from: Self, to: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let change = IdentityProviderChange {
            enabled: (from.enabled != to.enabled).then_some(to.enabled),
            description: changed(&from.description, &to.description),
            remote_ids: changed(&from.remote_ids, &to.remote_ids),
            authorization_ttl: changed(&from.authorization_ttl, &to.authorization_ttl),
        };
        if change == IdentityProviderChange::default() {
            return Ok(to);
        }
        match client.identity_providers().update(&to.id, &change).await {
            Ok(it) => Ok(to.seen(it)),
            Err(error) => {
                let diagnostics = refusal(error, &to).into();
                Err(Failure { state: Some(from), diagnostics })
            }
        }
    }

    async fn delete(state: Self, client: &Context<Tenancy>) -> Result<()> {
        let domain = OwnDomain::of(&state, client, |_| false).await;
        let providers = client.identity_providers();
        let deleted = match domain.explain("Cannot see what is in the identity provider's domain")? {
            OwnDomain::Unused(domain) => providers.delete_with_domain(&state.id, &domain).await,
            OwnDomain::Used(domain, why) => {
                client.warn(stays(&domain, &why));
                providers.delete(&state.id).await
            }
            OwnDomain::None => providers.delete(&state.id).await,
        };
        deleted.explain("Cannot delete the identity provider")
    }
}

/// The domain that Keystone made for an identity provider.
enum OwnDomain {
    /// The domain is somebody else's, or gone.
    None,
    /// It is as Keystone made it, and nothing needs it any more.
    Unused(String),
    /// It stays for this reason.
    Used(String, String),
}

impl OwnDomain {
    /// Whether a user, group or project is about to go, `leaving` says.
    async fn of(
        state: &IdentityProvider,
        client: &Tenancy,
        leaving: impl Fn(&str) -> bool,
    ) -> Result<OwnDomain, Error> {
        let Some(id) = state.domain_id.as_known() else { return Ok(OwnDomain::None) };
        let Some(domain) = client.domains().get_opt(id).await? else { return Ok(OwnDomain::None) };
        // As Keystone 30 writes it.
        let description = format!("Auto generated federated domain for Identity Provider: {}", state.id);
        let (named, described) = (domain.name == domain.id, domain.description == description);
        if !named && !described {
            return Ok(OwnDomain::None);
        }
        let used = |why: String| Ok(OwnDomain::Used(id.clone(), why));
        if !named || !described || !domain.tags.is_empty() || domain.immutable {
            return used(format!("somebody has changed the domain, whose name is now \"{}\"", domain.name));
        }
        let own = Existing::IdentityProvider(&state.id).to_string();
        let made_by_logins = made_by_logins(&state.id, client).await?;
        let passed_over = |it: &str| it == own || made_by_logins.contains(it) || leaving(it);
        match workspace_domain::content(id, client, passed_over).await? {
            Some(content) => used(format!("in it are {content}")),
            None => Ok(OwnDomain::Unused(id.clone())),
        }
    }
}

/// Ids of the users that logins at an identity provider made: a hash in 64 digits, where users made by API have 32.
async fn made_by_logins(id: &str, client: &Tenancy) -> Result<BTreeSet<String>, Error> {
    let filter = UserFilter { identity_provider: Some(id.to_owned()), ..Default::default() };
    let all = client.users().list(&filter).await?;
    Ok(all.into_iter().map(|it| it.id).filter(|id| id.len() == 64).collect())
}

/// Says in a plan what goes with the identity provider, beyond what this very plan destroys.
async fn announce(state: &IdentityProvider, client: &Context<Tenancy>) {
    let id = &state.id;
    // What cannot be seen now is no reason for a plan to fail.
    let protocols = client.protocols().list(id).await.unwrap_or_default();
    let protocols: Vec<_> = protocols
        .into_iter()
        .filter(|it| !client.is_leaving(&format!("protocol {id}/{}", it.id)))
        .map(|it| format!("\"{}\"", it.id))
        .collect();
    let filter = UserFilter { identity_provider: Some(id.clone()), ..Default::default() };
    let mut users = client.users().list(&filter).await.unwrap_or_default();
    users.retain(|it| !client.is_leaving(&it.id));
    let mut parts = Vec::new();
    if !protocols.is_empty() {
        parts.push(format!("Its protocols go with it: {}.", protocols.join(", ")));
    }
    if !users.is_empty() {
        parts.push(format!(
            "Users who log in by it: {}. From Keystone 2026.1 on, those who are known by nothing else are deleted.",
            users.len()
        ));
    }
    if !parts.is_empty() {
        client.warn(
            Diagnostic::warning(format!("The identity provider \"{id}\" is in use"))
                .detail(parts.join(" "))
                .at(at!(IdentityProvider, id)),
        );
    }
    if let Ok(OwnDomain::Used(domain, why)) = OwnDomain::of(state, client, |it| client.is_leaving(it)).await {
        client.warn(stays(&domain, &why));
    }
}

fn stays(id: &str, why: &str) -> Diagnostic {
    Diagnostic::warning("The identity provider's domain stays")
        .detail(format!(
            "Keystone made the domain {id} for it. It is not deleted with the identity provider: {why}."
        ))
        .at(at!(IdentityProvider, domain_id))
}

/// A refusal, at the attribute that caused it.
fn refusal(error: Error, plan: &IdentityProvider) -> Diagnostic {
    let remote = |text: &str| plan.remote_ids.iter().flatten().any(|it| text.contains(it.as_str()));
    let path: Option<Path> = match &error {
        Error::Conflict(it) if it.what == "remote id" => Some(at!(IdentityProvider, remote_ids).into()),
        Error::Conflict(_) => Some(at!(IdentityProvider, id).into()),
        Error::Unknown(it) if it.kind == "domain" => Some(at!(IdentityProvider, domain_id).into()),
        Error::Status(it) if it.status == 400 && remote(&it.message) => {
            Some(at!(IdentityProvider, remote_ids).into())
        }
        _ => None,
    };
    let mut told = refused("identity provider", "tenancy_identity_provider", error, Path::root());
    told.path = path;
    told
}

impl IdentityProvider {
    /// This resource with what Keystone says now, as far as it is managed.
    fn seen(self, found: identity::IdentityProvider) -> Self {
        let now = Self::from(found);
        IdentityProvider {
            // Keystone may spell it with other capitals.
            id: self.id,
            remote_ids: self.remote_ids.and(now.remote_ids),
            description: self.description.and(now.description),
            authorization_ttl: self.authorization_ttl.and(now.authorization_ttl),
            ..now
        }
    }
}

/// Everything that Keystone says: what an import takes in.
impl From<identity::IdentityProvider> for IdentityProvider {
    fn from(it: identity::IdentityProvider) -> Self {
        let identity::IdentityProvider { id, domain_id, enabled, description, remote_ids, authorization_ttl } =
            it;
        IdentityProvider {
            id,
            remote_ids: Some(remote_ids),
            domain_id: domain_id.into(),
            enabled,
            description,
            authorization_ttl,
        }
    }
}
