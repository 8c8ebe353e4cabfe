//! Grants: a group or user has a role on a project, a domain or the system.

use std::collections::BTreeSet;
use std::fmt;

use reqwest::Method;
use serde::Deserialize;

use super::Role;
use crate::openstack::auth::{LoginScope, ProjectRef};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::config::DomainRef;
use crate::openstack::error::Result;

/// Where a grant holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// On a project, by id.
    Project(String),
    /// On a domain, by id.
    Domain(String),
    /// On the whole deployment.
    System,
}

/// Who has a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// A group, by id.
    Group(String),
    /// A user, by id.
    User(String),
}

/// A role that somebody has somewhere, granted directly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// Id of the role.
    pub role_id: String,
    /// Who has it.
    pub actor: Actor,
    /// Where.
    pub scope: Scope,
    /// Whether it holds on the projects below instead of here.
    pub inherited: bool,
}

impl Scope {
    /// The id, unless it is the system.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Project(id) | Self::Domain(id) => Some(id),
            Self::System => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(id) => write!(f, "project {id}"),
            Self::Domain(id) => write!(f, "domain {id}"),
            Self::System => f.write_str("the system"),
        }
    }
}

impl From<Scope> for LoginScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Project(id) => Self::Project(ProjectRef::Id(id)),
            Scope::Domain(id) => Self::Domain(DomainRef::Id(id)),
            Scope::System => Self::System,
        }
    }
}

impl Actor {
    /// The id.
    pub fn id(&self) -> &str {
        match self {
            Self::Group(id) | Self::User(id) => id,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Group(_) => "group",
            Self::User(_) => "user",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.id())
    }
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// An entry of the list of role assignments.
#[derive(Deserialize)]
struct Assignment {
    role: Id,
    #[serde(default)]
    group: Option<Id>,
    #[serde(default)]
    user: Option<Id>,
    scope: AssignmentScope,
}

#[derive(Deserialize)]
struct AssignmentScope {
    #[serde(default)]
    project: Option<Id>,
    #[serde(default)]
    domain: Option<Id>,
    #[serde(default)]
    system: Option<serde_json::Value>,
    #[serde(default, rename = "OS-INHERIT:inherited_to")]
    inherited_to: Option<String>,
}

impl Assignment {
    fn grant(self) -> Option<Grant> {
        let Self { role, group, user, scope } = self;
        let AssignmentScope { project, domain, system, inherited_to } = scope;
        let actor = group.map(|it| Actor::Group(it.id)).or(user.map(|it| Actor::User(it.id)))?;
        let scope = project
            .map(|it| Scope::Project(it.id))
            .or(domain.map(|it| Scope::Domain(it.id)))
            .or(system.map(|_| Scope::System))?;
        Some(Grant { role_id: role.id, actor, scope, inherited: inherited_to.is_some() })
    }
}

/// The grants of a cloud.
#[derive(Clone, Copy, Debug)]
pub struct Grants<'a> {
    cloud: &'a Cloud,
}

impl<'a> Grants<'a> {
    pub(super) fn of(cloud: &'a Cloud) -> Self {
        Self { cloud }
    }

    /// The grants that one actor has directly on one scope: what is implied, inherited from above, or had by
    /// membership in a group isn't among them.
    ///
    /// Many of these become few lists, whose copies are used for a minute. An account that may not list role assignments
    /// gets them from the scope itself.
    ///
    /// An empty list doesn't say that actor and scope exist.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn list(&self, actor: &Actor, scope: &Scope, inherited: bool) -> Result<Vec<Grant>> {
        let reads = self.cloud.reads();
        let single = || self.list_singly(actor, scope, inherited);
        let roles = reads.roles(self.cloud, (actor.clone(), scope.clone(), inherited), single).await?;
        let grant = |role_id| Grant { role_id, actor: actor.clone(), scope: scope.clone(), inherited };
        Ok(roles.into_iter().map(grant).collect())
    }

    async fn list_singly(&self, actor: &Actor, scope: &Scope, inherited: bool) -> Result<BTreeSet<String>> {
        let mut call = Call::get(Service::Identity, "/role_assignments")
            .query(format!("{}.id", actor.kind()), actor.id())
            .doing(format!("list the roles of {actor} on {scope}"));
        call = match scope {
            Scope::Project(id) => call.query("scope.project.id", id.as_str()),
            Scope::Domain(id) => call.query("scope.domain.id", id.as_str()),
            Scope::System => call.query("scope.system", "all"),
        };
        if inherited {
            call = call.query("scope.OS-INHERIT:inherited_to", "projects");
        }
        let all: Vec<Assignment> = match super::all_at_once(self.cloud, call, "role_assignments").await {
            Err(why) if why.is_forbidden() => return self.list_at_scope(actor, scope, inherited).await,
            other => other?,
        };
        // Keystone ignores filters that it doesn't know, and lists inherited grants among the others.
        let asked = |it: &Grant| it.actor == *actor && it.scope == *scope && it.inherited == inherited;
        Ok(all.into_iter().filter_map(Assignment::grant).filter(asked).map(|it| it.role_id).collect())
    }

    async fn list_at_scope(&self, actor: &Actor, scope: &Scope, inherited: bool) -> Result<BTreeSet<String>> {
        let call = self.call(Method::GET, None, actor, scope, inherited);
        let call = call.doing(format!("list the roles of {actor} on {scope}"));
        let roles: Vec<Role> = super::all_at_once(self.cloud, call, "roles").await?;
        Ok(roles.into_iter().map(|it| it.id).collect())
    }

    /// All grants that the account may see, direct ones, in one reply. Big: megabytes for thousands.
    ///
    /// # Errors
    /// Those of any call; 403 for accounts without a reader's role on system or domain.
    pub async fn all(&self) -> Result<Vec<Grant>> {
        let call = Call::get(Service::Identity, "/role_assignments").doing("list all role assignments");
        let all: Vec<Assignment> = super::all_at_once(self.cloud, call, "role_assignments").await?;
        Ok(all.into_iter().filter_map(Assignment::grant).collect())
    }

    /// All grants on the projects of a domain that the account may see, direct and inherited ones, in one reply. Those on
    /// the domain itself are not among them.
    ///
    /// # Errors
    /// As [`Grants::all`].
    pub async fn within(&self, domain_id: &str) -> Result<Vec<Grant>> {
        // To Keystone a domain is a project, of which those in it are the subtree.
        let call = Call::get(Service::Identity, "/role_assignments")
            .query("scope.project.id", domain_id)
            .query("include_subtree", "true")
            .doing(format!("list the role assignments on the projects of domain {domain_id}"));
        let all: Vec<Assignment> = super::all_at_once(self.cloud, call, "role_assignments").await?;
        Ok(all.into_iter().filter_map(Assignment::grant).collect())
    }

    /// The grants that one actor has directly, wherever. Direct and inherited ones.
    ///
    /// # Errors
    /// As [`Grants::all`].
    pub async fn of_actor(&self, actor: &Actor) -> Result<Vec<Grant>> {
        let call = Call::get(Service::Identity, "/role_assignments")
            .query(format!("{}.id", actor.kind()), actor.id())
            .doing(format!("list the roles of {actor}"));
        let all: Vec<Assignment> = super::all_at_once(self.cloud, call, "role_assignments").await?;
        Ok(all.into_iter().filter_map(Assignment::grant).filter(|it| it.actor == *actor).collect())
    }

    /// The grants on one scope, of whoever. Direct and inherited ones.
    ///
    /// # Errors
    /// As [`Grants::all`].
    pub async fn on(&self, scope: &Scope) -> Result<Vec<Grant>> {
        let call =
            Call::get(Service::Identity, "/role_assignments").doing(format!("list the roles on {scope}"));
        let call = match scope {
            Scope::Project(id) => call.query("scope.project.id", id.as_str()),
            Scope::Domain(id) => call.query("scope.domain.id", id.as_str()),
            Scope::System => call.query("scope.system", "all"),
        };
        let all: Vec<Assignment> = super::all_at_once(self.cloud, call, "role_assignments").await?;
        Ok(all.into_iter().filter_map(Assignment::grant).filter(|it| it.scope == *scope).collect())
    }

    /// Grants a role. That it is granted already is fine.
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::openstack::Error::Unknown) if role, actor or scope don't exist; 403 if a domain's role doesn't fit the project;
    /// those of any call.
    pub async fn add(&self, grant: &Grant) -> Result<()> {
        let Grant { role_id, actor, scope, inherited } = grant;
        let doing = format!("grant role {role_id} to {actor} on {scope}");
        let call = self.call(Method::PUT, Some(role_id), actor, scope, *inherited).doing(doing);
        let result = self.cloud.send(call).await;
        self.cloud.written(|it| it.forget_grant(grant));
        let Err(why) = result else { return Ok(()) };
        let kind = match scope {
            Scope::Project(_) => "project",
            _ => "domain",
        };
        let parts = [("role", Some(role_id.as_str())), (actor.kind(), Some(actor.id())), (kind, scope.id())];
        for (kind, id) in parts {
            if let Some(id) = id
                && why.is_not_found_of(id)
            {
                return Err(super::unknown(kind, id, None));
            }
        }
        Err(why)
    }

    /// Takes a role away. That it wasn't granted, or that actor, scope or role are gone, is fine.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn remove(&self, grant: &Grant) -> Result<()> {
        let Grant { role_id, actor, scope, inherited } = grant;
        let doing = format!("take role {role_id} from {actor} on {scope}");
        let call = self.call(Method::DELETE, Some(role_id), actor, scope, *inherited).doing(doing);
        let result = self.cloud.send(call).await;
        self.cloud.written(|it| it.forget_grant(grant));
        let Err(why) = result else { return Ok(()) };
        if let Some(id) = scope.id()
            && why.is_not_found_of(id)
        {
            return Ok(());
        }
        if why.is_not_found_of(actor.id()) {
            return Ok(());
        }
        super::absent(self.cloud, why, role_id).await
    }

    /// `/projects/{id}/groups/{id}/roles/{id}` and its kin.
    fn call(
        &self,
        method: Method,
        role: Option<&str>,
        actor: &Actor,
        scope: &Scope,
        inherited: bool,
    ) -> Call {
        let actors = match actor {
            Actor::Group(_) => "groups",
            Actor::User(_) => "users",
        };
        let place = match scope {
            Scope::Project(_) => "/projects/{scope_id}",
            Scope::Domain(_) => "/domains/{scope_id}",
            Scope::System => "/system",
        };
        let role_part = if role.is_some() { "/{role_id}" } else { "" };
        let mut route = format!("{place}/{actors}/{{actor_id}}/roles{role_part}");
        // The system has nothing below it.
        if inherited && *scope != Scope::System {
            route = format!("/OS-INHERIT{route}/inherited_to_projects");
        }
        let mut call = Call::new(method, Service::Identity, route);
        for id in [scope.id(), Some(actor.id()), role].into_iter().flatten() {
            call = call.id(id);
        }
        call
    }
}
