//! `tenancy_project_group_binding`: a group that holds exactly these roles on a project, a domain or the system,
//! and, where asked for, has exactly these members.

mod identity;
mod moved;
mod people;
mod roles;
mod work;

use std::collections::BTreeSet;

use futures_util::try_join;

use super::{Existing, Explain, Federation, Tenancy, check, diagnostic, taken_over};
use crate::openstack::Error;
use crate::openstack::identity::{Actor, Group, GroupChange, NewGroup, Scope, User};
use crate::tf::{
    After, Change, Computed, Context, Diagnostic, Diagnostics, Draft, Failure, Identity, Model, Move,
    Outcome, Path, Resource, Result, at, choice,
};

use identity::unreadable;
pub use identity::{BindingId, Found};
use people::People;
use roles::{held_ids, named, role_ids};
use work::Work;

choice! {
    /// What a binding does about a member that Keystone does not know.
    #[derive(Default)]
    pub enum MissingMembers {
        /// Remarks on it, and adds it once it is known.
        #[default]
        Skip = "skip",
        /// Makes the user.
        Create = "create",
        /// Refuses.
        Fail = "fail",
    }
}

/// A group that exists because of its binding.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct OwnedGroup {
    /// Name of the group, unique within its domain. At most 64 characters.
    #[tf(check(check::name))]
    pub name: String,
    /// Id of the domain that the group is in. By default the provider's default domain.
    #[tf(optional, keep, replace, check(check::not_empty))]
    pub domain_id: Computed<String>,
    /// What the group is for. Not managed unless set.
    #[tf(managed_if_set)]
    pub description: Option<String>,
}

/// A group bound to roles on a project, a domain or the system.
///
/// The roles are exactly the ones written here, for this group on this scope; implied and inherited roles are no
/// drift. With `members`, the group has exactly these permanent members: others are removed, those who come and go with
/// a federated login (expiring memberships) are left alone. A member that Keystone does not know yet is listed in
/// `pending_members` and added by the first plan after they appear.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct ProjectGroupBinding {
    /// Id of the project. One of `project_id`, `domain_id` and `system` is needed.
    #[tf(replace, check(check::not_empty))]
    pub project_id: Option<String>,
    /// Id of the domain, for a binding on a domain.
    #[tf(replace, check(check::not_empty))]
    pub domain_id: Option<String>,
    /// `true` for a binding on the system.
    #[tf(replace)]
    pub system: Option<bool>,
    /// The group, if the binding owns it: it is made and removed with the binding. One of `group` and `group_id` is
    /// needed.
    pub group: Option<OwnedGroup>,
    /// Id of the group: of one that exists already, or of the one that the binding owns.
    #[tf(optional, keep, replace, check(check::not_empty))]
    pub group_id: Computed<String>,
    /// The roles, each by name or id; a domain-specific role as `domain/role`.
    #[tf(check(check::roles))]
    pub roles: BTreeSet<String>,
    /// Whether the roles are not for the project or domain itself but for the projects below it.
    #[tf(default = false, replace)]
    pub inherited: bool,
    /// The members, by name (the euid, `User.name`). Not managed unless set; `[]` is none.
    #[tf(managed_if_set, check(check::members))]
    pub members: Option<BTreeSet<String>>,
    /// Id of the domain in which the members are looked up. By default the provider's `users_domain_id`.
    #[tf(check(check::not_empty))]
    pub members_domain_id: Option<String>,
    /// What to do about a member that Keystone does not know: `skip` remarks on it and adds it once it is known,
    /// `create` makes the user, `fail` refuses. By default the provider's `missing_users`.
    ///
    /// A user who is made logs in through `federation`, with the name as unique id; somebody who has that identity already
    /// gets the name instead. The user is nobody's resource: it stays when the binding goes. For one that is managed in
    /// full use `tenancy_federated_user`.
    pub missing_members: Option<MissingMembers>,
    /// Identity provider and protocol of the users who are made. By default the provider's `federation`.
    pub federation: Option<Federation>,
    /// Those of `members` that Keystone does not know yet.
    pub pending_members: Computed<BTreeSet<String>>,
}

impl Resource for ProjectGroupBinding {
    const NAME: &'static str = "project_group_binding";
    type Client = Tenancy;
    type Id = Found;

    fn id(&self) -> Option<Found> {
        let id = BindingId {
            project_id: self.project_id.clone(),
            domain_id: self.domain_id.clone(),
            system: self.system.filter(|system| *system),
            group_id: self.group_id.as_known()?.clone(),
            inherited: Some(self.inherited),
        };
        Some(Found { id, owned: self.group.is_some() })
    }

    fn validate(config: &Draft<Self>) -> Result<()> {
        let mut found = Diagnostics::default();
        // `system = false` says no more than nothing at all.
        let system = config.is_set(at!(Self, system)) && config.get(at!(Self, system))? != Some(Some(false));
        let scopes = [config.is_set(at!(Self, project_id)), config.is_set(at!(Self, domain_id)), system];
        if scopes.iter().filter(|set| **set).count() != 1 {
            found.push(
                Diagnostic::error("One scope is needed")
                    .detail("A binding is on a project, on a domain or on the system: set exactly one of `project_id`, `domain_id` and `system = true`.")
                    .at(at!(Self, project_id)),
            );
        }
        if config.is_set(at!(Self, group)) == config.is_set(at!(Self, group_id)) {
            found.push(
                Diagnostic::error("One group is needed")
                    .detail("Set either `group`, for a group that the binding owns, or `group_id`, for one that exists.")
                    .at(at!(Self, group)),
            );
        }
        // Unset is null here: defaults are filled in by the plan.
        let inherited =
            config.is_set(at!(Self, inherited)) && config.get(at!(Self, inherited))? == Some(true);
        if system && inherited {
            found.push(
                Diagnostic::error("System roles are not inherited")
                    .detail("Keystone knows inherited roles on projects and domains only.")
                    .at(at!(Self, inherited)),
            );
        }
        found.into_result()
    }

    async fn plan(change: &mut Change<Self>, client: Option<&Context<Tenancy>>) -> Result<()> {
        let prior = change.prior.as_ref();
        if prior.and_then(Self::id).is_some_and(|found| !found.is_whole()) {
            moved::take_scope(&mut change.replace);
        }
        let Some(planned) = &mut change.planned else {
            if let (Some(id), Some(client)) = (prior.and_then(|prior| prior.group_id.as_known()), client) {
                client.note_leaving(id);
            }
            return Ok(());
        };
        if planned.raw(at!(Self, members)).is_null() {
            planned.set(at!(Self, pending_members), Computed::Known(BTreeSet::new()));
        }
        let Some(client) = client else { return Ok(()) };
        if prior.is_none() {
            if let Some(Some(id)) = planned.get(at!(Self, project_id))? {
                client.must_exist(Existing::Project(&id), at!(Self, project_id)).await?;
            }
            if let Some(Some(id)) = planned.get(at!(Self, domain_id))? {
                client.must_exist(Existing::Domain(&id), at!(Self, domain_id)).await?;
            }
            if let Some(Computed::Known(id)) = planned.get(at!(Self, group_id))? {
                client.must_exist(Existing::Group(&id), at!(Self, group_id)).await?;
            }
        }
        let roles = planned.get(at!(Self, roles))?;
        if let Some(roles) = roles.filter(|roles| prior.is_none_or(|prior| prior.roles != *roles)) {
            role_ids(&roles, client).await?;
        }
        let Some(Some(members)) = planned.get(at!(Self, members))? else { return Ok(()) };
        // While nobody knows in which domain to look, nobody can be missed.
        let Some(domain) = planned.get(at!(Self, members_domain_id))? else { return Ok(()) };
        let Some(missing) = planned.get(at!(Self, missing_members))? else { return Ok(()) };
        let Some(federation) = planned.get(at!(Self, federation))? else { return Ok(()) };
        let missing = missing.unwrap_or(client.defaults.missing_users);
        let federation = people::maker(missing, federation, client)?;
        let mut pending = BTreeSet::new();
        let mut new = members;
        if let Some(prior) = prior.filter(|prior| prior.members_domain_id == domain) {
            // The read has just looked for these.
            pending.extend(prior.pending_members.as_known().into_iter().flatten().cloned());
            pending.retain(|name| new.contains(name));
            let known = prior.members.as_ref();
            new.retain(|name| known.is_none_or(|known| !known.contains(name)));
        }
        let mut people = People::find(&new, domain.as_deref(), client).await?;
        people.missing.extend(pending);
        people.refuse_missing(missing)?;
        if federation.is_some() {
            planned.set(at!(Self, pending_members), Computed::Known(BTreeSet::new()));
        }
        people.announce_missing(federation.as_ref(), client);
        Ok(())
    }

    async fn create(plan: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        // All that can fail before anything is made.
        let scope = plan.scope();
        let federation = people::maker(plan.missing(client), plan.federation.clone(), client)?;
        let (roles, mut people) = try_join!(role_ids(&plan.roles, client), plan.people(client))?;
        people.refuse_missing(plan.missing(client))?;
        let mut now = plan.clone();
        now.pending_members = people.pending(federation.as_ref()).into();
        let group_id = match &plan.group {
            None => plan.group_id.as_known().cloned().unwrap_or_default(),
            Some(owned) => {
                let group = make(owned, client).await?;
                now.group_id = group.id.clone().into();
                now.group = Some(owned.clone().seen(group));
                now.group_id.as_known().cloned().unwrap_or_default()
            }
        };
        let mut work = Work::new(client, &group_id);
        work.grant(&scope, plan.inherited, roles.values()).await;
        // Nothing exists yet if the group was there before and no role could be granted.
        let exists = plan.group.is_some() || work.done > 0;
        if exists || work.found.0.is_empty() {
            work.make_missing(&mut people, federation.as_ref()).await;
            plan.settle_members(&group_id, &people, client, &mut work).await;
        }
        let exists = exists || work.done > 0;
        match (work.found.0.is_empty(), exists) {
            (true, _) => Ok(now),
            (false, exists) => Err(Failure { state: exists.then_some(now), diagnostics: work.found }),
        }
    }

    async fn read(found: Found, last: Option<Self>, client: &Context<Tenancy>) -> Result<Option<Self>> {
        let Found { id, owned } = found;
        let (id, last) = match (id.scope(), last) {
            (None, Some(moved)) => match moved::place(id, moved, client).await? {
                Ok(id) => (id, None),
                Err(state) => return Ok(state),
            },
            (_, last) => (id, last),
        };
        let inherited = id.inherited.unwrap_or(false);
        let Some(scope) = id.scope() else {
            return Err(Diagnostic::error("The identity names no scope")
                .detail("One of `project_id`, `domain_id` and `system` is needed.")
                .into());
        };
        let with_members = last.as_ref().is_none_or(|last| last.members.is_some());
        let actor = Actor::Group(id.group_id.clone());
        let (group, held, members) = try_join!(
            async { client.groups().get_opt(&id.group_id).await.explain("Cannot read the group") },
            async {
                client.grants().list(&actor, &scope, inherited).await.explain("Cannot read the group's roles")
            },
            async {
                match with_members {
                    true => members_of(&id.group_id, client).await.map(Some),
                    false => Ok(None),
                }
            },
        )?;
        let Some(group) = group else { return Ok(None) };
        // A binding of somebody else's group is gone with its scope. An owned group is still there, and still ours.
        if held.is_empty() && !owned && !exists(&scope, client).await? {
            return Ok(None);
        }
        let held: BTreeSet<String> = held.into_iter().map(|grant| grant.role_id).collect();
        let roles = named(held, last.as_ref().map(|last| &last.roles), client).await?;
        let mut now = Self {
            project_id: id.project_id,
            domain_id: id.domain_id,
            system: last.as_ref().map_or(id.system, |last| last.system),
            group: None,
            group_id: group.id.clone().into(),
            roles,
            inherited,
            members: None,
            members_domain_id: None,
            missing_members: None,
            federation: None,
            pending_members: BTreeSet::new().into(),
        };
        match last {
            Some(last) => {
                now.group = last.group.clone().map(|owned| owned.seen(group));
                if let (Some(wanted), Some(found)) = (&last.members, members) {
                    let (members, pending) = last.standing(wanted, found, client).await?;
                    (now.members, now.pending_members) = (Some(members), pending.into());
                }
                now.members_domain_id = last.members_domain_id;
                now.missing_members = last.missing_members;
                now.federation = last.federation;
            }
            None => {
                now.group = owned.then(|| group.into());
                now.members = members.map(|all| all.into_iter().map(|user| user.name).collect());
            }
        }
        Ok(Some(now))
    }

    async fn update(from: Self, to: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let Some(group_id) = from.group_id.as_known().cloned() else { return Ok(to) };
        let scope = to.scope();
        let mut now = from.clone();
        let (roles, before, mut people) =
            try_join!(role_ids(&to.roles, client), held_ids(&from.roles, client), to.people(client))
                .after(&now)?;
        people.refuse_missing(to.missing(client)).after(&now)?;
        let federation = people::maker(to.missing(client), to.federation.clone(), client).after(&now)?;
        let pending = people.pending(federation.as_ref());
        if let Some(owned) = &to.group
            && from.group.as_ref() != Some(owned)
        {
            let change = GroupChange {
                name: from.group.as_ref().is_none_or(|it| it.name != owned.name).then(|| owned.name.clone()),
                description: owned.description.clone(),
            };
            let group = client.groups().update(&group_id, &change).await;
            let group = group.map_err(|error| taken(error, &owned.name)).after(&now)?;
            now.group = Some(owned.clone().seen(group));
        } else {
            now.group = to.group.clone();
        }
        let mut work = Work::new(client, &group_id);
        let added = roles.iter().filter(|(_, id)| !before.values().any(|held| held == *id));
        work.grant(&scope, to.inherited, added.map(|(_, id)| id)).await;
        let removed = before.values().filter(|id| !roles.values().any(|wanted| wanted == *id));
        work.revoke(&scope, to.inherited, removed).await;
        work.make_missing(&mut people, federation.as_ref()).await;
        to.settle_members(&group_id, &people, client, &mut work).await;
        if work.found.0.is_empty() {
            return Ok(Self {
                group: now.group,
                group_id: from.group_id,
                pending_members: pending.into(),
                ..to
            });
        }
        // What is there now is for a read to say; if even that fails, the last state is the best there is.
        let diagnostics = work.found;
        let state = match now.id() {
            Some(id) => Self::read(id, Some(now.clone()), client).await.ok().flatten().unwrap_or(now),
            None => now,
        };
        Err(Failure { state: Some(state), diagnostics })
    }

    async fn delete(state: Self, client: &Context<Tenancy>) -> Result<()> {
        let Some(group_id) = state.group_id.as_known() else { return Ok(()) };
        if state.group.is_some() {
            // Its grants and memberships go with it.
            return client.groups().delete(group_id).await.explain("Cannot delete the group");
        }
        let roles = held_ids(&state.roles, client).await?;
        let mut work = Work::new(client, group_id);
        work.revoke(&state.scope(), state.inherited, roles.values()).await;
        if let Some(wanted) = &state.members {
            let pending = state.pending_members.as_known().cloned().unwrap_or_default();
            let ours: BTreeSet<_> = wanted.difference(&pending).collect();
            match client.groups().members(group_id).await {
                Ok(mut members) => {
                    members.retain(|user| ours.iter().any(|name| same_name(name, &user.name)));
                    work.remove(&members).await;
                }
                Err(error) if error.is_not_found_of(group_id) => (),
                Err(error) => work.found.push(diagnostic("Cannot read the group's members", error)),
            }
        }
        work.found.into_result()
    }

    async fn find(text: &str, client: &Context<Tenancy>) -> Result<Found> {
        let (inherited, rest) = match text.strip_prefix("inherited:") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let id = |group_id: String| BindingId {
            project_id: None,
            domain_id: None,
            system: None,
            group_id,
            inherited: Some(inherited),
        };
        let parts: Vec<&str> = rest.split('/').collect();
        match parts[..] {
            ["system", group] => {
                let id = BindingId { system: Some(true), ..id(group.to_owned()) };
                Ok(Found { id, owned: false })
            }
            [scope, group] if scope.starts_with("domain:") => {
                let domain = scope.trim_start_matches("domain:");
                let domain = client.domain(domain).await.explain("Cannot find the domain of the binding")?;
                let named = client.groups().find(&domain.id, group).await.explain("Cannot find the group")?;
                let owned = named.is_some();
                let group_id = named.map_or_else(|| group.to_owned(), |group| group.id);
                Ok(Found { id: BindingId { domain_id: Some(domain.id), ..id(group_id) }, owned })
            }
            [project_id, group_id] => {
                let id = BindingId { project_id: Some(project_id.to_owned()), ..id(group_id.to_owned()) };
                Ok(Found { id, owned: false })
            }
            [domain, project, group] => {
                let domain = client.domain(domain).await.explain("Cannot find the domain of the binding")?;
                let project = client
                    .project_named(project, &domain)
                    .await
                    .explain("Cannot find the project of the binding")?;
                let group = client
                    .group_named(group, &domain)
                    .await
                    .explain("Cannot find the group of the binding")?;
                Ok(Found { id: BindingId { project_id: Some(project.id), ..id(group.id) }, owned: true })
            }
            _ => Err(unreadable(text)),
        }
    }

    fn written(self) -> Self {
        let owned = self.group.is_some();
        Self { group_id: if owned { Computed::Unknown } else { self.group_id }, ..self }
    }

    fn moves() -> Vec<Move<Self>> {
        moved::moves()
    }

    async fn settle(moved: Self, client: &Context<Tenancy>) -> Result<Option<Self>> {
        match moved.id() {
            Some(found) if found.is_whole() => Self::read(found, None, client).await,
            Some(found) => Self::read(found, Some(moved), client).await,
            None => Ok(Some(moved)),
        }
    }
}

/// MariaDB and MySQL do not tell case apart, and Keystone answers as they do.
fn same_name(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

async fn members_of(group_id: &str, client: &Tenancy) -> Result<Vec<User>> {
    match client.groups().members(group_id).await {
        // The group itself is read at the same time, and decides.
        Err(error) if error.is_not_found_of(group_id) => Ok(Vec::new()),
        other => other.explain_at("Cannot read the group's members", at!(ProjectGroupBinding, members)),
    }
}

async fn exists(scope: &Scope, client: &Tenancy) -> Result<bool> {
    match scope {
        Scope::System => Ok(true),
        Scope::Project(id) => {
            Ok(client.projects().get_opt(id).await.explain("Cannot read the binding's project")?.is_some())
        }
        Scope::Domain(id) => {
            Ok(client.domains().get_opt(id).await.explain("Cannot read the binding's domain")?.is_some())
        }
    }
}

async fn make(owned: &OwnedGroup, client: &Context<Tenancy>) -> Result<Group> {
    let domain_id = match owned.domain_id.as_known() {
        Some(id) => id.clone(),
        None => client.default_domain_id().await.explain("Cannot find the default domain")?,
    };
    let new = NewGroup {
        name: owned.name.clone(),
        domain_id,
        description: owned.description.clone().unwrap_or_default(),
    };
    let made = client.groups().create(&new).await.map_err(|error| taken(error, &owned.name))?;
    if made.adopted {
        client.warn(taken_over("group", &made.object.name, &made.object.id).at(group_name()));
    }
    Ok(made.object)
}

fn group_name() -> Path {
    Path::from(at!(ProjectGroupBinding, group)).attribute("name")
}

/// A refusal of the group, at the attribute that caused it.
fn taken(error: Error, name: &str) -> Diagnostic {
    match &error {
        Error::Conflict(it) => {
            let holder = it.holder_id.clone();
            let mut told = diagnostic(format!("The group name \"{name}\" is taken"), error).at(group_name());
            if let Some(id) = holder {
                told.detail.push_str(&format!(
                    "\n\nTo bind the existing group without owning it, use a `tenancy_project_group_binding` with `group_id = \"{id}\"`. \
                     To own it there, import that binding by names: DOMAIN/PROJECT/{name}."
                ));
            }
            told
        }
        _ => diagnostic("Keystone refused the group", error).at(at!(ProjectGroupBinding, group)),
    }
}

impl ProjectGroupBinding {
    fn scope(&self) -> Scope {
        match (&self.project_id, &self.domain_id) {
            (Some(id), _) => Scope::Project(id.clone()),
            (None, Some(id)) => Scope::Domain(id.clone()),
            (None, None) => Scope::System,
        }
    }

    fn missing(&self, client: &Tenancy) -> MissingMembers {
        self.missing_members.unwrap_or(client.defaults.missing_users)
    }

    async fn people(&self, client: &Tenancy) -> Result<People> {
        match &self.members {
            Some(names) => People::find(names, self.members_domain_id.as_deref(), client).await,
            None => Ok(People::default()),
        }
    }

    /// Gives the group exactly the members that are wanted and known, if membership is managed here.
    async fn settle_members(&self, group_id: &str, people: &People, client: &Tenancy, work: &mut Work<'_>) {
        if self.members.is_none() {
            return;
        }
        let mut members = match members_of(group_id, client).await {
            Ok(members) => members,
            Err(why) => return work.found.extend(why),
        };
        let known = || people.known.values();
        work.add(known().filter(|user| !members.iter().any(|it| it.id == user.id))).await;
        members.retain(|user| !known().any(|wanted| wanted.id == user.id));
        work.remove(&members).await;
    }

    /// Members and pending members, from who was wanted and who is in the group. Someone who was wanted, is not there and
    /// is known to Keystone (by now) is no member: the plan then adds them.
    async fn standing(
        &self,
        wanted: &BTreeSet<String>,
        found: Vec<User>,
        client: &Tenancy,
    ) -> Result<(BTreeSet<String>, BTreeSet<String>)> {
        let mut absent = wanted.clone();
        let mut members = BTreeSet::new();
        for user in found {
            let written = wanted.iter().find(|name| same_name(name, &user.name));
            if let Some(name) = written {
                absent.remove(name);
            }
            members.insert(written.cloned().unwrap_or(user.name));
        }
        // Who is missing and can be made is no member either.
        if self.missing(client) == MissingMembers::Create {
            return Ok((members, BTreeSet::new()));
        }
        let people = People::find(&absent, self.members_domain_id.as_deref(), client).await?;
        members.extend(people.missing.iter().cloned());
        Ok((members, people.missing))
    }
}

impl OwnedGroup {
    /// This group with what Keystone says now, as far as it is managed.
    fn seen(self, group: Group) -> Self {
        let now = Self::from(group);
        OwnedGroup { description: self.description.and(now.description), ..now }
    }
}

impl From<Group> for OwnedGroup {
    fn from(it: Group) -> Self {
        let Group { id: _, name, domain_id, description, .. } = it;
        OwnedGroup { name, domain_id: domain_id.into(), description: Some(description) }
    }
}
