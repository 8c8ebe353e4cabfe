//! `tenancy_project_group_binding`: a group that holds exactly these roles on a project, a domain or the system,
//! and, where asked for, has exactly these members.

mod identity;
mod moved;
mod owned;
mod people;
mod roles;
mod work;

use std::collections::BTreeSet;

use futures_util::try_join;

use super::{Existing, Explain, Federation, Tenancy, check};
use crate::openstack::identity::{Actor, GroupChange, Scope, User};
use crate::tf::{
    After, Change, Computed, Context, Diagnostic, Diagnostics, Draft, Failure, Identity, Model, Move,
    Outcome, Resource, Result, at, choice,
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
    /// needed. Written in the place of `group_id` it is a new group, with a new binding, unless name and domain are those of
    /// the group that is bound: then the binding owns that one from now on.
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
    /// The members, by name (the euid, `User.name`). Not managed unless set; `[]` is none. A plan shows a member of another
    /// domain, who is to go, as `domain/name (id)`, and a namesake as `name (id)`. An import takes in members that names can
    /// say.
    #[tf(managed_if_set, check(check::members))]
    pub members: Option<BTreeSet<String>>,
    /// Id of the domain in which the members are looked up. By default the provider's `users_domain_id`.
    #[tf(check(check::not_empty))]
    pub members_domain_id: Option<String>,
    /// What to do about a member that Keystone does not know: `skip` remarks on it and adds it once it is known,
    /// `create` makes the user, `fail` refuses. By default the provider's `missing_users`.
    ///
    /// A user who is made logs in through `federation`, with the name as unique id; somebody of the domain who has that
    /// identity already gets the name instead. The user is nobody's resource: it stays when the binding goes. For one that is managed in
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
            // Somebody else's group stays.
            let owned = prior.filter(|prior| prior.group.is_some());
            if let (Some(id), Some(client)) = (owned.and_then(|prior| prior.group_id.as_known()), client) {
                client.note_leaving(id);
            }
            return Ok(());
        };
        if planned.raw(at!(Self, members)).is_null() {
            planned.set(at!(Self, pending_members), Computed::Known(BTreeSet::new()));
        }
        let Some(client) = client else { return Ok(()) };
        if let Some(id) = prior.filter(|it| it.group.is_none()).and_then(|it| it.group_id.as_known())
            && planned.is_set(at!(Self, group))
            && !owned::is_written(id, change.config.as_ref(), client).await?
        {
            // Another group is made, by a new binding. The plan of that one looks at the rest.
            planned.set_unknown(at!(Self, group_id));
            change.replace_because_of(at!(Self, group_id));
            return Ok(());
        }
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
        let Some(domain) = planned.get(at!(Self, members_domain_id))? else {
            client.defer();
            return Ok(());
        };
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
        let mut people = People::find(&new, domain.as_deref(), &[], client).await?;
        people.missing.extend(pending);
        people.refuse(missing)?;
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
        let others = if plan.group.is_none() { plan.group_id.as_known() } else { None };
        let (roles, members) = try_join!(role_ids(&plan.roles, client), plan.members_of(others, client))?;
        let mut people = plan.people(&members, client).await?;
        people.refuse(plan.missing(client))?;
        let mut now = plan.clone();
        now.pending_members = people.pending(federation.as_ref()).into();
        let mut left_over = false;
        if let Some(owned) = &plan.group {
            let made = owned::make(owned, client).await?;
            left_over = made.adopted;
            now.group_id = made.object.id.clone().into();
            now.group = Some(owned.clone().seen(made.object));
        }
        let group_id = now.group_id.as_known().cloned().unwrap_or_default();
        let mut work = Work::new(client, &group_id);
        work.grant(&scope, plan.inherited, roles.values()).await;
        // Nothing exists yet if the group was there before and no role could be granted.
        let exists = plan.group.is_some() || work.done > 0;
        if exists || work.found.0.is_empty() {
            work.make_missing(&mut people, federation.as_ref()).await;
            match if left_over { plan.members_of(Some(&group_id), client).await } else { Ok(members) } {
                Ok(members) => plan.settle_members(members, &people, &mut work).await,
                Err(why) => work.found.extend(why),
            }
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
                    true => people::of_group(&id.group_id, client).await.map(Some),
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
                    let people = last.people(&found, client).await?;
                    let create = last.missing(client) == MissingMembers::Create;
                    let pending = if create { BTreeSet::new() } else { people.missing.clone() };
                    let mut members = people.shown(wanted, found, client).await;
                    members.extend(pending.iter().cloned());
                    (now.members, now.pending_members) = (Some(members), pending.into());
                }
                now.members_domain_id = last.members_domain_id;
                now.missing_members = last.missing_members;
                now.federation = last.federation;
            }
            None => {
                now.group = owned.then(|| group.into());
                now.members = people::imported(members.unwrap_or_default(), client).await?;
            }
        }
        Ok(Some(now))
    }

    async fn update(from: Self, to: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let Some(group_id) = from.group_id.as_known().cloned() else { return Ok(to) };
        let scope = to.scope();
        let mut now = from.clone();
        // Members that nobody wrote are in both as the last read found them, and are left alone.
        let moves = !from.has_people_of(&to);
        let listed = Some(&group_id).filter(|_| moves);
        let (roles, before, members) = try_join!(
            role_ids(&to.roles, client),
            held_ids(&from.roles, client),
            to.members_of(listed, client)
        )
        .after(&now)?;
        let mut people = match moves {
            true => to.people(&members, client).await.after(&now)?,
            false => People::default(),
        };
        people.refuse(to.missing(client)).after(&now)?;
        let federation = people::maker(to.missing(client), to.federation.clone(), client).after(&now)?;
        let pending = match moves {
            true => people.pending(federation.as_ref()).into(),
            false => from.pending_members.clone(),
        };
        if let Some(owned) = &to.group
            && from.group.as_ref() != Some(owned)
        {
            let change = GroupChange {
                // A group that becomes the binding's only now has the name: see the plan.
                name: from.group.as_ref().filter(|it| it.name != owned.name).map(|_| owned.name.clone()),
                description: owned.description.clone(),
            };
            let group = client.groups().update(&group_id, &change).await;
            let group = group.map_err(|error| owned::taken(error, &owned.name)).after(&now)?;
            now.group = Some(owned.clone().seen(group));
        } else {
            now.group = to.group.clone();
        }
        let mut work = Work::new(client, &group_id);
        let added = roles.iter().filter(|(_, id)| !before.values().any(|held| held == *id));
        work.grant(&scope, to.inherited, added.map(|(_, id)| id)).await;
        let removed = before.values().filter(|id| !roles.values().any(|wanted| wanted == *id));
        work.revoke(&scope, to.inherited, removed).await;
        if moves {
            work.make_missing(&mut people, federation.as_ref()).await;
            to.settle_members(members, &people, &mut work).await;
        }
        if work.found.0.is_empty() {
            return Ok(Self { group: now.group, group_id: from.group_id, pending_members: pending, ..to });
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
        match state.own_members(group_id, client).await {
            Ok(members) => work.remove(&members).await,
            Err(why) => work.found.extend(why),
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

    /// Whether members, and whom these mean, are the same as in another one.
    fn has_people_of(&self, other: &Self) -> bool {
        self.members == other.members
            && self.members_domain_id == other.members_domain_id
            && self.missing_members == other.missing_members
            && self.federation == other.federation
    }

    /// Who is in a group, if membership is managed here.
    async fn members_of(&self, group_id: Option<&String>, client: &Tenancy) -> Result<Vec<User>> {
        match (group_id, &self.members) {
            (Some(id), Some(_)) => people::of_group(id, client).await,
            _ => Ok(Vec::new()),
        }
    }

    /// Who is wanted, and who of them is there. `members` are those of the group.
    async fn people(&self, members: &[User], client: &Tenancy) -> Result<People> {
        match &self.members {
            Some(names) => People::find(names, self.members_domain_id.as_deref(), members, client).await,
            None => Ok(People::default()),
        }
    }

    /// Gives the group, which has these members, exactly those that are wanted and known, if membership is managed here.
    async fn settle_members(&self, mut members: Vec<User>, people: &People, work: &mut Work<'_>) {
        if self.members.is_none() {
            return;
        }
        let known = || people.known.values();
        work.add(known().filter(|user| !members.iter().any(|it| it.id == user.id))).await;
        members.retain(|user| !known().any(|wanted| wanted.id == user.id));
        work.remove(&members).await;
    }

    /// The members of a group who are there because of this binding.
    async fn own_members(&self, group_id: &str, client: &Tenancy) -> Result<Vec<User>> {
        let Some(wanted) = &self.members else { return Ok(Vec::new()) };
        let mut members = people::of_group(group_id, client).await?;
        let pending = self.pending_members.as_known().cloned().unwrap_or_default();
        let ours = wanted.difference(&pending).cloned().collect();
        let people = People::find(&ours, self.members_domain_id.as_deref(), &members, client).await?;
        members.retain(|user| people.known.values().any(|it| it.id == user.id));
        Ok(members)
    }
}
