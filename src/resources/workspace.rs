//! `tenancy_workspace`: a whole workspace in one resource: a domain, and its tenants with their groups, roles and limits.
//!
//! Every part is made, read, changed and removed by the functions of the resource that it could be by itself: see `parts`.

mod apply;
mod import;
mod look_ahead;
mod parts;
mod remarks;
mod tenant;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt as _;

use super::project_group_binding::MissingMembers;
use super::quotas::Quotas;
use super::tenant_project::OnDestroy as OnTenantDestroy;
use super::workspace_domain::{OnDestroy, WorkspaceDomain};
use super::{Explain, Tenancy, check, one_of};
use crate::tf::{
    After, Attr, Change, Computed, Context, Diagnostic, Diagnostics, Draft, Failure, Identity, Mismatch,
    Model, Outcome, Path, Resource, Result, Schema, Value, at,
};

use apply::Work;
use parts::{Frame, below};
use remarks::Remarks;

/// The domain of a workspace, which is made and removed with it.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct OwnedDomain {
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
}

/// Where the members of all bindings come from.
#[derive(Clone, Debug, Default, PartialEq, Model)]
pub struct Users {
    /// Id of the domain in which members are looked up. By default the provider's `users_domain_id`.
    #[tf(check(check::not_empty))]
    pub domain_id: Option<String>,
    /// What to do about a member that Keystone does not know: `skip` remarks on it and adds it once it is known,
    /// `create` makes the user, `fail` refuses. By default the provider's `missing_users`.
    pub missing: Option<MissingMembers>,
    /// Keystone's id of the identity provider through which the users log in who are made. Goes with `protocol`. By default
    /// that of the provider's `federation`.
    #[tf(check(check::not_empty))]
    pub identity_provider: Option<String>,
    /// Keystone's id of the protocol by which they log in. Goes with `identity_provider`.
    #[tf(check(check::not_empty))]
    pub protocol: Option<String>,
}

/// A group of a tenant: it holds exactly these roles on the tenant's project, and is made and removed with it.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct Binding {
    /// The roles, each by name or id; a domain-specific role as `domain/role`.
    #[tf(check(check::roles))]
    pub roles: BTreeSet<String>,
    /// Name of the group, unique in the workspace's domain. At most 64 characters. By default the tenant's name, a hyphen and
    /// the key: `web-users`.
    #[tf(check(check::name))]
    pub group_name: Option<String>,
    /// The members, by name (the euid, `User.name`). Not managed unless set; `[]` is none. A plan shows a member of another
    /// domain, who is to go, as `domain/name (id)`, and a namesake as `name (id)`. An import takes in members that names can
    /// say.
    #[tf(managed_if_set, check(check::members))]
    pub members: Option<BTreeSet<String>>,
    /// Id of the group.
    #[tf(keep)]
    pub group_id: Computed<String>,
    /// Those of `members` that Keystone does not know yet. The first plan after they appear adds them.
    pub pending_members: Computed<BTreeSet<String>>,
}

/// A tenant: a Keystone project in the workspace's domain.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct Tenant {
    /// Name of the project, unique in the domain. At most 64 characters. By default the key. A tenant can get the name that
    /// another gives up in the same apply, but two cannot swap theirs.
    #[tf(check(check::name))]
    pub name: Option<String>,
    /// Id of the project. Written, it names a project that exists: one of this workspace whose key has changed, or one that is
    /// to be taken in. By default the project is made.
    #[tf(optional, keep, check(check::not_empty))]
    pub project_id: Computed<Option<String>>,
    /// Key of the tenant whose project is above this one. By default none: the project is directly in the domain. Keystone
    /// moves no project, so that it cannot change.
    #[tf(check(check::not_empty))]
    pub parent: Option<String>,
    /// What the project is for. Not managed unless set.
    #[tf(managed_if_set)]
    pub description: Option<String>,
    /// Whether users can get tokens for the project.
    #[tf(default = true)]
    pub enabled: bool,
    /// Tags. Not managed unless set; `[]` is none. At most 80, of at most 255 characters, without `/` and `,`.
    #[tf(managed_if_set, check(check::tags))]
    pub tags: Option<BTreeSet<String>>,
    /// Further keys that Keystone stores with the project, such as `egi.VO`. Only the keys written here are managed; one
    /// that is removed here is set to null, since Keystone forgets no key. A value that is not a text is in JSON.
    #[tf(managed_if_set, check(check::properties))]
    pub properties: Option<BTreeMap<String, String>>,
    /// Groups with roles on the project, by a key of your choice. Not managed unless set; `{}` is none. Groups that others
    /// made are left alone.
    #[tf(managed_if_set)]
    pub bindings: Option<BTreeMap<String, Binding>>,
    /// What the project may use. Only the limits that are written are read, sent and compared; one that is no longer written
    /// stays as it is in the cloud.
    pub quotas: Option<Quotas>,
    /// What becomes of the project when the tenant is no longer written, or the workspace is destroyed: `refuse_if_not_empty`
    /// looks into every service of the catalog and deletes an empty project only; `purge` deletes what the project holds and
    /// then the project; `delete` leaves what it holds behind, as orphans. With these, its limits become the cloud's
    /// defaults, and its groups go too. `disable` leaves the project without access; `keep` only forgets it.
    #[tf(default = OnTenantDestroy::RefuseIfNotEmpty)]
    pub on_destroy: OnTenantDestroy,
}

/// A whole workspace in one resource: a domain, and its tenants with their groups, roles and limits.
///
/// Terraform's own cost grows with the square of the number of instances, so that thousands of tenants are fast in one
/// resource and slow in thousands. What `tenancy_workspace_domain`, `tenancy_tenant_project`,
/// `tenancy_project_group_binding` and `tenancy_quota_set` say of themselves holds for the parts too.
///
/// The failure of one tenant stops no other. In an update it is an error at the tenant, and the state keeps all that was
/// made. In a create, which an error would make Terraform replace, it is a warning. In both it is in `failures`, and the next
/// apply goes on where this one stopped. With a postcondition on `failures`, as in the example, such a run exits with 1, and
/// nothing is tainted.
///
/// A tenant whose key changes is another tenant: the new one is made, and the old one goes as its `on_destroy` says. With its
/// `project_id` written it is renamed instead.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct Workspace {
    /// The domain, if the workspace owns it: it is made and removed with the workspace. One of `domain` and `domain_id` is
    /// needed.
    pub domain: Option<OwnedDomain>,
    /// Id of the domain: of one that exists already, or of the one that the workspace owns.
    #[tf(optional, keep, replace, check(check::not_empty))]
    pub domain_id: Computed<String>,
    /// Where the members of all bindings come from.
    pub users: Option<Users>,
    /// The tenants, each by a key that is its name unless it says another one.
    pub tenants: BTreeMap<String, Tenant>,
    /// What becomes of the workspace on destroy. `refuse_if_not_empty` removes each tenant as its own `on_destroy` says, and
    /// then the domain, if nothing else is in it; `delete` removes the tenants likewise, and then the domain with all that is
    /// still in it; `disable` leaves the domain without access, and all in it as it is; `keep` only forgets all of it. A
    /// domain that the workspace does not own always stays.
    #[tf(default = OnDestroy::RefuseIfNotEmpty)]
    pub on_destroy: OnDestroy,
    /// What went wrong in the last apply, by the tenant's key. Known after apply as long as there is something.
    #[tf(keep)]
    pub failures: Computed<BTreeMap<String, String>>,
}

/// What finds a workspace.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct WorkspaceId {
    /// Id of the domain.
    pub domain_id: String,
}

/// An identity, and what only an import by name says: that the workspace is to own the domain.
#[derive(Clone, Debug)]
pub struct Found {
    id: WorkspaceId,
    owned: bool,
}

impl Found {
    /// All that is in a domain, which stays somebody else's.
    pub fn in_domain(domain_id: String) -> Self {
        Found { id: WorkspaceId { domain_id }, owned: false }
    }
}

impl Identity for Found {
    fn schema() -> Schema {
        WorkspaceId::schema()
    }

    fn decode(value: Value) -> std::result::Result<Self, Mismatch> {
        <WorkspaceId as Attr>::decode(value).map(|it| Found::in_domain(it.domain_id))
    }

    fn encode(self) -> Value {
        Attr::encode(self.id)
    }

    fn parse(text: &str) -> Result<Self> {
        Ok(Found::in_domain(text.to_owned()))
    }
}

impl Resource for Workspace {
    const NAME: &'static str = "workspace";
    type Client = Tenancy;
    type Id = Found;

    fn id(&self) -> Option<Found> {
        let domain_id = self.domain_id.as_known()?.clone();
        Some(Found { id: WorkspaceId { domain_id }, owned: self.domain.is_some() })
    }

    fn validate(config: &Draft<Self>) -> Result<()> {
        let domain = config.is_set(at!(Self, domain));
        one_of(domain, config.is_set(at!(Self, domain_id)), "domain", "domain_id")?;
        let mut found = Diagnostics::default();
        if !domain
            && config.is_set(at!(Self, on_destroy))
            && config.get(at!(Self, on_destroy))? == Some(OnDestroy::Disable)
        {
            found.push(
                Diagnostic::error("A domain that is not the workspace's is not disabled")
                    .detail(
                        "`on_destroy = \"disable\"` is about a domain that the workspace makes, by `domain`.",
                    )
                    .at(at!(Self, on_destroy)),
            );
        }
        if let Some(users) = config.object(at!(Self, users))
            && users.is_set(at!(Users, identity_provider)) != users.is_set(at!(Users, protocol))
        {
            found.push(
                Diagnostic::error("An identity provider and a protocol go together")
                    .detail("Set both `identity_provider` and `protocol`, or neither.")
                    .at(at!(Self, users)),
            );
        }
        found.extend(look_ahead::refuse_clashes(config));
        found.into_result()
    }

    async fn plan(change: &mut Change<Self>, client: Option<&Context<Tenancy>>) -> Result<()> {
        look_ahead::plan(change, client).await
    }

    async fn create(plan: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let mut now = Self { failures: Computed::Known(BTreeMap::new()), ..plan.clone() };
        if let Some(domain) = plan.domain() {
            let part = client.part();
            let made = WorkspaceDomain::create(domain, &part).await;
            let made = made.map_err(|why| in_domain(why.diagnostics))?;
            in_domain(part.take_warnings()).0.into_iter().for_each(|it| client.warn(it));
            now.domain_id = made.id;
        }
        let mut work = Work::new(None, &now, client);
        work.settle(&BTreeMap::new(), &plan.tenants, &BTreeMap::new()).await;
        let exists = plan.domain.is_some() || work.now.values().any(|it| it.id().is_some());
        let (now, told) = now.end(work);
        told.map_err(|diagnostics| Failure { state: exists.then(|| now.clone()), diagnostics })?;
        Ok(now)
    }

    async fn read(found: Found, last: Option<Self>, client: &Context<Tenancy>) -> Result<Option<Self>> {
        let Found { id: WorkspaceId { domain_id }, owned } = found;
        let Some(last) = last else { return import::whole(domain_id, owned, client).await };
        let mut now = last.clone();
        match last.domain() {
            Some(domain) => {
                let read = WorkspaceDomain::read(domain_id, Some(domain), client).await;
                let Some(domain) = read.map_err(in_domain)? else { return Ok(None) };
                now.domain = Some(domain.into());
            }
            None => {
                let there = client.domains().get_opt(&domain_id).await;
                if there.explain_at("Cannot read the domain", at!(Self, domain_id))?.is_none() {
                    return Ok(None);
                }
            }
        }
        let frame = &Frame::of(&last);
        let read = last.tenants.iter().map(|(key, tenant)| {
            async move {
                let part = client.part();
                let result = Box::pin(frame.read(key, tenant, &part)).await;
                (key, result, part.take_warnings())
            }
            .boxed()
        });
        now.tenants = BTreeMap::new();
        let mut remarks = Remarks::default();
        for (key, result, warnings) in apply::each(read).await {
            remarks.note(key, warnings);
            match result {
                Ok(Some(tenant)) => drop(now.tenants.insert(key.clone(), tenant)),
                Ok(None) => (),
                Err(why) => remarks.note(key, why),
            }
        }
        remarks.into_result(client).map(|()| Some(now))
    }

    async fn update(from: Self, to: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let mut now = Self { domain_id: from.domain_id.clone(), ..to.clone() };
        let mut found = Diagnostics::default();
        if let Some(domain) = to.domain() {
            match settle_domain(&from, domain, client).await {
                Ok(domain) => now.domain = Some(domain.into()),
                Err(Failure { state, diagnostics }) => {
                    now.domain = state.map_or(from.domain.clone(), |it| Some(it.into()));
                    found.extend(in_domain(diagnostics));
                }
            }
        }
        let mut work = Work::new(Some(&from), &now, client);
        let failed = from.failures.as_known().cloned().unwrap_or_default();
        work.settle(&from.tenants, &to.tenants, &failed).await;
        let (now, told) = now.end(work);
        found.extend(told.err().unwrap_or_default());
        found.into_result().after(&now)?;
        Ok(now)
    }

    async fn delete(state: Self, client: &Context<Tenancy>) -> Result<()> {
        let Some(domain_id) = state.domain_id.as_known() else { return Ok(()) };
        let domain = state.domain();
        match (state.on_destroy, &domain) {
            (OnDestroy::Keep, _) | (OnDestroy::Disable, None) => return Ok(()),
            (OnDestroy::RefuseIfNotEmpty, Some(domain)) => {
                // Before anything goes: something in the domain may be nobody's here.
                let leaving: BTreeSet<&str> = state.tenants.values().flat_map(Tenant::leaving).collect();
                let skip = |id: &str| leaving.contains(id);
                super::workspace_domain::refuse_unless_empty(domain, domain_id, client, skip).await?;
            }
            (OnDestroy::RefuseIfNotEmpty | OnDestroy::Delete, _) => (),
            (OnDestroy::Disable, Some(domain)) => {
                return WorkspaceDomain::delete(domain.clone(), client).await.map_err(in_domain);
            }
        }
        let mut work = Work::new(Some(&state), &state, client);
        work.settle(&state.tenants, &BTreeMap::new(), &BTreeMap::new()).await;
        work.remarks.into_result(client)?;
        match domain {
            Some(domain) => WorkspaceDomain::delete(domain, client).await.map_err(in_domain),
            None => Ok(()),
        }
    }

    /// By the domain's name, for a workspace that is to own it, or by its id for one that is not.
    async fn find(text: &str, client: &Context<Tenancy>) -> Result<Found> {
        let named = client.domains().find(text).await.explain("Cannot find the domain to import")?;
        let owned = named.is_some();
        let domain_id = match named {
            Some(domain) => domain.id,
            None => client.domains().get(text).await.explain("Cannot find the domain to import")?.id,
        };
        Ok(Found { id: WorkspaceId { domain_id }, owned })
    }
}

/// What the domain's own functions say, at the attributes of the workspace.
fn in_domain(found: Diagnostics) -> Diagnostics {
    below(found, |name| match name {
        "on_destroy" => Path::root(),
        "id" => Path::root().attribute("domain_id"),
        _ => at!(Workspace, domain).into(),
    })
}

/// Makes the domain what it is to be; it may only now become the workspace's.
async fn settle_domain(
    from: &Workspace,
    to: WorkspaceDomain,
    client: &Context<Tenancy>,
) -> Outcome<WorkspaceDomain> {
    let from = match from.domain() {
        Some(domain) => Some(domain),
        None => match from.domain_id.as_known() {
            Some(id) => WorkspaceDomain::read(id.clone(), Some(to.clone()), client).await?,
            None => None,
        },
    };
    match from {
        Some(from) if from == to => Ok(to),
        Some(from) => WorkspaceDomain::update(from, to, client).await,
        None => Err(Diagnostic::error("The domain is gone")
            .detail("It was deleted since the plan was made. Plan again.")
            .at(at!(WorkspaceDomain, name))
            .into()),
    }
}

impl Workspace {
    /// The domain, as the resource that it could be by itself.
    fn domain(&self) -> Option<WorkspaceDomain> {
        let OwnedDomain { name, description, enabled, tags } = self.domain.clone()?;
        Some(WorkspaceDomain {
            id: self.domain_id.clone(),
            name,
            description,
            enabled,
            tags,
            immutable: None,
            on_destroy: self.on_destroy,
        })
    }

    /// What this is after the work, and what failed of it.
    fn end(mut self, work: Work<'_>) -> (Self, Result<()>) {
        let Work { client, now, remarks, .. } = work;
        self.tenants = now;
        self.failures = remarks.failures().into();
        (self, remarks.into_result(client))
    }
}

impl From<WorkspaceDomain> for OwnedDomain {
    fn from(it: WorkspaceDomain) -> Self {
        let WorkspaceDomain { id: _, name, description, enabled, tags, immutable: _, on_destroy: _ } = it;
        OwnedDomain { name, description, enabled, tags }
    }
}
