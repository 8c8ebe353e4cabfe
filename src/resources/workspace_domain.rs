//! `tenancy_workspace_domain`: a Keystone domain, the container of a workspace's projects, groups and users.

use std::collections::BTreeSet;

use futures_util::try_join;

use super::tenant_project::changed;
use super::{Existing, Explain, Tenancy, check, diagnostic, refused, taken_over};
use crate::openstack::Error;
use crate::openstack::identity::{Domain, DomainChange, GroupFilter, NewDomain, ProjectFilter, UserFilter};
use crate::tf::{
    After, Change, Computed, Context, Diagnostic, Failure, Model, Outcome, Resource, Result, at, choice,
};

choice! {
    /// What becomes of a domain when its resource is destroyed.
    pub enum OnDestroy {
        /// Deleted if nothing is in it, otherwise refused.
        RefuseIfNotEmpty = "refuse_if_not_empty",
        /// Deleted with all that is in it.
        Delete = "delete",
        /// Disabled; it stays.
        Disable = "disable",
        /// Left as it is.
        Keep = "keep",
    }
}

/// A workspace: a Keystone domain, which holds the projects, groups and users of one customer or department.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct WorkspaceDomain {
    /// Id of the domain.
    #[tf(keep)]
    pub id: Computed<String>,
    /// Name of the domain, unique in the cloud. At most 64 characters.
    #[tf(check(check::domain_name))]
    pub name: String,
    /// What the domain is for. Not managed unless set.
    #[tf(managed_if_set)]
    pub description: Option<String>,
    /// Whether the domain's users can log in, and its projects be used.
    #[tf(default = true)]
    pub enabled: bool,
    /// Tags. Not managed unless set; `[]` is none. At most 80, of at most 255 characters, without `/` and `,`.
    #[tf(managed_if_set, check(check::tags))]
    pub tags: Option<BTreeSet<String>>,
    /// Keystone's option `immutable`: nobody can change or delete the domain while it is on. Terraform takes it off
    /// for its own changes, and puts it back. Not managed unless set.
    #[tf(managed_if_set)]
    pub immutable: Option<bool>,
    /// What becomes of the domain on destroy: `refuse_if_not_empty` deletes it only if no project, group and user is in
    /// it, and no identity provider puts its users there; `delete` disables it and deletes it with all of them (what its projects hold in other services stays
    /// behind); `disable` leaves it without access; `keep` only forgets it.
    #[tf(default = OnDestroy::RefuseIfNotEmpty)]
    pub on_destroy: OnDestroy,
}

impl Resource for WorkspaceDomain {
    const NAME: &'static str = "workspace_domain";
    type Client = Tenancy;
    type Id = String;

    fn id(&self) -> Option<String> {
        self.id.as_known().cloned()
    }

    async fn plan(change: &mut Change<Self>, client: Option<&Context<Tenancy>>) -> Result<()> {
        if let (Some(prior), None, Some(client)) = (&change.prior, &change.planned, client) {
            announce(prior, client).await;
        }
        Ok(())
    }

    async fn create(plan: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let new = NewDomain {
            name: plan.name.clone(),
            description: plan.description.clone().unwrap_or_default(),
            enabled: plan.enabled,
            tags: plan.tags.clone().unwrap_or_default(),
            immutable: plan.immutable == Some(true),
            explicit_id: None,
        };
        let made = client.domains().create(&new).await.map_err(refusal)?;
        if made.adopted {
            let remark = taken_over("domain", &made.object.name, &made.object.id);
            client.warn(remark.at(at!(Self, name)));
        }
        Ok(plan.seen(made.object))
    }

    async fn read(id: String, last: Option<Self>, client: &Context<Tenancy>) -> Result<Option<Self>> {
        let found = client.domains().get_opt(&id).await.explain("Cannot read the domain")?;
        Ok(found.map(|domain| match last {
            Some(last) => last.seen(domain),
            None => domain.into(),
        }))
    }

    async fn update(from: Self, to: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let Some(id) = from.id() else { return Ok(to) };
        let change = DomainChange {
            name: (from.name != to.name).then(|| to.name.clone()),
            description: changed(&from.description, &to.description),
            enabled: (from.enabled != to.enabled).then_some(to.enabled),
            tags: changed(&from.tags, &to.tags),
        };
        let nothing = change == DomainChange::default();
        // An immutable domain takes no change but the one of this option, alone.
        let mut now = from.clone();
        if from.immutable == Some(true) && (!nothing || to.immutable != Some(true)) {
            client
                .domains()
                .set_immutable(&id, false)
                .await
                .explain_at("Cannot make the domain mutable", at!(Self, immutable))
                .after(&now)?;
            now.immutable = Some(false);
        }
        if !nothing {
            let domain = client.domains().update(&id, &change).await;
            let domain = domain
                .map_err(|error| Failure { state: Some(now.clone()), diagnostics: refusal(error).into() })?;
            now = Self { immutable: now.immutable, ..to.clone().seen(domain) };
        }
        if to.immutable == Some(true) && now.immutable != Some(true) {
            client
                .domains()
                .set_immutable(&id, true)
                .await
                .explain_at("Cannot make the domain immutable", at!(Self, immutable))
                .after(&now)?;
        }
        Ok(Self { id: from.id, ..to })
    }

    async fn delete(state: Self, client: &Context<Tenancy>) -> Result<()> {
        let Some(id) = state.id() else { return Ok(()) };
        let domains = client.domains();
        if state.on_destroy == OnDestroy::Keep {
            return Ok(());
        }
        if state.on_destroy == OnDestroy::RefuseIfNotEmpty {
            refuse_unless_empty(&state, &id, client).await?;
        }
        if state.immutable == Some(true) {
            domains
                .set_immutable(&id, false)
                .await
                .explain("Cannot make the domain mutable before it is destroyed")?;
        }
        if state.on_destroy == OnDestroy::Disable {
            let change = DomainChange { enabled: Some(false), ..Default::default() };
            return match domains.update(&id, &change).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_not_found_of(&id) => Ok(()),
                Err(error) => {
                    Err(diagnostic("Cannot disable the domain", error).at(at!(Self, on_destroy)).into())
                }
            };
        }
        domains.remove(&id).await.explain("Cannot delete the domain")
    }

    /// By id or by name.
    async fn find(text: &str, client: &Context<Tenancy>) -> Result<String> {
        Ok(client.domain(text).await.explain("Cannot find the domain to import")?.id)
    }
}

/// What is in a domain, in words, but for what `skip` says. `None`: nothing.
pub(super) async fn content(
    id: &str,
    client: &Tenancy,
    skip: impl Fn(&str) -> bool,
) -> Result<Option<String>, Error> {
    let domain_id = Some(id.to_owned());
    let projects = ProjectFilter { domain_id: domain_id.clone(), ..Default::default() };
    let groups = GroupFilter { domain_id: domain_id.clone(), ..Default::default() };
    let users = UserFilter { domain_id, ..Default::default() };
    let (on_projects, on_groups, on_users) = (client.projects(), client.groups(), client.users());
    let on_providers = client.identity_providers();
    let (projects, groups, users, mut providers) = try_join!(
        on_projects.list(&projects),
        on_groups.list(&groups),
        on_users.list(&users),
        on_providers.list()
    )?;
    // Keystone deletes them with the domain.
    providers.retain(|it| it.domain_id == id && !skip(&Existing::IdentityProvider(&it.id).to_string()));
    let count = |what: &str, names: Vec<String>| {
        let shown = names.iter().take(5).map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(", ");
        let more = if names.len() > 5 { format!(" and {} more", names.len() - 5) } else { String::new() };
        (!names.is_empty()).then(|| {
            format!("{} {what}{} ({shown}{more})", names.len(), if names.len() == 1 { "" } else { "s" })
        })
    };
    let parts = [
        count("project", projects.into_iter().filter(|it| !skip(&it.id)).map(|it| it.name).collect()),
        count("group", groups.into_iter().filter(|it| !skip(&it.id)).map(|it| it.name).collect()),
        count("user", users.into_iter().filter(|it| !skip(&it.id)).map(|it| it.name).collect()),
        count("identity provider", providers.into_iter().map(|it| it.id).collect()),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    Ok((!parts.is_empty()).then(|| parts.join(", ")))
}

async fn refuse_unless_empty(state: &WorkspaceDomain, id: &str, client: &Context<Tenancy>) -> Result<()> {
    match content(id, client, |_| false).await.explain("Cannot see what is in the domain")? {
        None => Ok(()),
        Some(content) => Err(Diagnostic::error(format!("The domain \"{}\" is not empty", state.name))
            .detail(format!(
                "In it are {content}. Nothing was deleted. Remove them, or set `on_destroy = \"delete\"` to delete them \
                 with the domain, and apply that before the destroy."
            ))
            .at(at!(WorkspaceDomain, on_destroy))
            .into()),
    }
}

/// Says in a destroy plan what goes with the domain, or stands in the way, beyond what this very plan destroys. A plan does
/// not fail for it: the same apply may destroy it first.
async fn announce(state: &WorkspaceDomain, client: &Context<Tenancy>) {
    let (summary, consequence) = match state.on_destroy {
        OnDestroy::Keep | OnDestroy::Disable => return,
        OnDestroy::RefuseIfNotEmpty => {
            ("is not empty", "The destroy will be refused unless it is empty by then.")
        }
        OnDestroy::Delete => (
            "is deleted with all that is in it",
            "What its projects hold in other services stays behind, as orphans.",
        ),
    };
    let Some(id) = state.id() else { return };
    if let Ok(Some(content)) = content(&id, client, |it| client.is_leaving(it)).await {
        client.warn(
            Diagnostic::warning(format!("The domain \"{}\" {summary}", state.name))
                .detail(format!("In it are now {content}. {consequence}"))
                .at(at!(WorkspaceDomain, on_destroy)),
        );
    }
}

/// A refusal, at the attribute that caused it.
fn refusal(error: Error) -> Diagnostic {
    refused("domain", "tenancy_workspace_domain", error, at!(WorkspaceDomain, name))
}

impl WorkspaceDomain {
    /// This resource with what Keystone says now, as far as it is managed.
    fn seen(self, domain: Domain) -> Self {
        let now = Self::from(domain);
        WorkspaceDomain {
            description: self.description.and(now.description),
            tags: self.tags.and(now.tags),
            immutable: self.immutable.and(now.immutable),
            on_destroy: self.on_destroy,
            ..now
        }
    }
}

/// Everything that Keystone says: what an import takes in.
impl From<Domain> for WorkspaceDomain {
    fn from(it: Domain) -> Self {
        let Domain { id, name, description, enabled, tags, immutable, .. } = it;
        WorkspaceDomain {
            id: id.into(),
            name,
            description: Some(description),
            enabled,
            tags: Some(tags),
            immutable: Some(immutable),
            on_destroy: OnDestroy::RefuseIfNotEmpty,
        }
    }
}
