//! `tenancy_quota_set`: what a project may use, in every service that has limits.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::quotas::services::{
    BlockStorage, Compute, Dns, Image, KeyManager, LoadBalancer, Network, ObjectStorage, SharedFileSystem,
};
use super::quotas::work::{self, Before, Plan};
use super::quotas::{self, All, Quotas, for_each_service, known, settle, word_of};
use super::{Existing, Explain, Tenancy, check};
use crate::openstack::quota::QuotaService;
use crate::tf::{
    Attr, Change, Context, Diagnostic, Diagnostics, Failure, Identity, Mismatch, Model, Outcome, Resource,
    Result, Schema, Value, at, choice,
};

choice! {
    /// What becomes of the limits when their resource is destroyed.
    pub enum OnDestroy {
        /// They follow the cloud's defaults again.
        Reset = "reset",
        /// They become what they were before.
        Restore = "restore",
        /// They stay.
        Keep = "keep",
    }
}

/// What a project may use, in every service that has limits.
///
/// Only the limits that are written are read, sent and compared: null is not managed, `0` is nothing at all, `-1` is
/// unlimited. A limit that is no longer written stays as it is in the cloud. A plan warns of a limit below what is in use.
///
/// An import takes in all limits of all services. The plan after it shows no change, whatever part of them is written; with
/// the first change that is applied, the part that is not written is no longer managed.
///
/// Two of these for the same project must not write the same limit: neither can see the other, and each apply would undo
/// the other's.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct QuotaSet {
    /// Id of the project.
    #[tf(replace, check(check::not_empty))]
    pub project_id: String,
    /// Limits of Nova.
    #[tf(managed_if_set)]
    pub compute: Option<Compute>,
    /// Limits of Cinder. A fixed amount of storage is `gigabytes`; amounts for each kind of storage are `volume_types`.
    #[tf(managed_if_set)]
    pub block_storage: Option<BlockStorage>,
    /// Limits of Neutron.
    #[tf(managed_if_set)]
    pub network: Option<Network>,
    /// Limits of Octavia.
    #[tf(managed_if_set)]
    pub load_balancer: Option<LoadBalancer>,
    /// Limits of Designate.
    #[tf(managed_if_set)]
    pub dns: Option<Dns>,
    /// Limits of Manila.
    #[tf(managed_if_set)]
    pub shared_file_system: Option<SharedFileSystem>,
    /// Limits of Barbican.
    #[tf(managed_if_set)]
    pub key_manager: Option<KeyManager>,
    /// Limits of Swift. The account must be the project's own, as it is by default.
    #[tf(managed_if_set)]
    pub object_storage: Option<ObjectStorage>,
    /// Limits of Glance. They are Keystone's unified limits, and each needs a registered limit: see
    /// `tenancy_quota_defaults`.
    #[tf(managed_if_set)]
    pub image: Option<Image>,
    /// Limits that have no attribute here, such as those of extensions, by the attribute of their service and by the
    /// service's own key: `{ network = { trunk = 5 } }`.
    #[tf(managed_if_set, check(quotas::extra))]
    pub extra: Option<BTreeMap<String, BTreeMap<String, i64>>>,
    /// Whether limits may be set below what is in use, where the service can: Nova, Neutron and Manila.
    #[tf(default = false)]
    pub force: bool,
    /// What becomes of the limits on destroy: `reset` makes those that are managed follow the cloud's defaults again,
    /// `restore` gives them the values that they had before they were managed, `keep` leaves them.
    #[tf(default = OnDestroy::Reset)]
    pub on_destroy: OnDestroy,
}

/// What finds a quota set.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct QuotaSetId {
    /// Id of the project.
    pub project_id: String,
}

impl Identity for QuotaSetId {
    fn schema() -> Schema {
        <Self as Model>::schema()
    }

    fn decode(value: Value) -> std::result::Result<Self, Mismatch> {
        <Self as Attr>::decode(value)
    }

    fn encode(self) -> Value {
        <Self as Attr>::encode(self)
    }

    fn parse(text: &str) -> Result<Self> {
        Ok(QuotaSetId { project_id: text.to_owned() })
    }
}

/// What is kept beside the state.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// The state has all limits, since an import took them in and nothing was applied since.
    imported: bool,
    /// For `restore`.
    before: Before,
}

impl Resource for QuotaSet {
    const NAME: &'static str = "quota_set";
    type Client = Tenancy;
    type Id = QuotaSetId;

    fn id(&self) -> Option<QuotaSetId> {
        Some(QuotaSetId { project_id: self.project_id.clone() })
    }

    async fn plan(change: &mut Change<Self>, client: Option<&Context<Tenancy>>) -> Result<()> {
        let imported = client.and_then(|it| it.private::<Kept>()).is_some_and(|it| it.imported);
        let (Some(planned), Some(config)) = (&mut change.planned, &change.config) else {
            if let (true, Some(client), Some(prior)) = (imported, client, &change.prior) {
                warn_of_whole(prior, client);
            }
            return Ok(());
        };
        let prior = change.prior.as_ref().filter(|_| change.replace.is_empty());
        let imported = imported
            && prior.is_some_and(|prior| {
                *planned.raw(at!(Self, force)) == prior.force.encode()
                    && *planned.raw(at!(Self, on_destroy)) == prior.on_destroy.encode()
            });
        if for_each_service!(settle(Self, planned, config, prior, imported;)) {
            return Ok(());
        }
        let Some(client) = client else { return Ok(()) };
        let project_id = planned.get(at!(Self, project_id))?;
        if let (None, Some(id)) = (prior, &project_id) {
            client.must_exist(Existing::Project(id), at!(Self, project_id)).await?;
        }
        let to = for_each_service!(known(Self, planned;));
        let from = prior.map(|prior| prior.quotas().limits()).unwrap_or_default();
        let plan = Plan { from, to: to.limits() };
        plan.refuse_missing_services(client).await?;
        plan.refuse_default_only(client)?;
        plan.refuse_unknown_keys(client).await?;
        if let Some(project_id) = project_id {
            let force = planned.get(at!(Self, force))? == Some(true);
            plan.warn_below_use(&project_id, force, client).await;
        }
        Ok(())
    }

    async fn create(plan: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let limits = plan.quotas().limits();
        let mut kept = Kept::default();
        let done = apply(&plan, &limits, &All::new(), &mut kept, client).await;
        client.keep_private(&kept);
        match (done.failed.is_empty(), done.made) {
            (true, _) => Ok(plan),
            (false, made) => Err(Failure { state: made.then_some(plan), diagnostics: done.found }),
        }
    }

    async fn read(id: QuotaSetId, last: Option<Self>, client: &Context<Tenancy>) -> Result<Option<Self>> {
        let QuotaSetId { project_id } = id;
        let Some(last) = last else {
            let found = work::read_all(&project_id, client).await?;
            client.keep_private(&Kept { imported: true, before: Before::new() });
            return Ok(found.map(|found| Self::new(project_id, Quotas::whole(&found))));
        };
        let limits = last.quotas();
        let services = limits.limits().into_keys().collect();
        let found = work::read(services, &project_id, client).await?;
        Ok(found.map(|found| last.with(limits.seen(&found))))
    }

    async fn update(from: Self, to: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let before = from.quotas().limits();
        let limits = work::changed(&before, &to.quotas().limits());
        let mut kept: Kept = client.private().unwrap_or_default();
        kept.imported = false;
        let done = apply(&to, &limits, &before, &mut kept, client).await;
        client.keep_private(&kept);
        if done.failed.is_empty() {
            return Ok(to);
        }
        let mut now = to.quotas().limits();
        now.extend(done.failed);
        let quotas = to.quotas().seen(&now);
        Err(Failure { state: Some(to.with(quotas)), diagnostics: done.found })
    }

    async fn delete(state: Self, client: &Context<Tenancy>) -> Result<()> {
        let limits = state.quotas().limits();
        let kept: Kept = client.private().unwrap_or_default();
        let quotas = client.quotas();
        let project_id = &state.project_id;
        let (reset, restore) = match state.on_destroy {
            OnDestroy::Keep => return Ok(()),
            OnDestroy::Reset => (keys(&limits), All::new()),
            OnDestroy::Restore => {
                let gone = quotas.project_gone(project_id).await;
                if gone.explain_at("Cannot find out whether the project is there", at!(Self, project_id))? {
                    return Ok(());
                }
                undone(&limits, &kept.before)
            }
        };
        let services: BTreeSet<_> = reset.keys().chain(restore.keys()).copied().collect();
        let work = services.into_iter().map(|service| {
            let (reset, restore) = (reset.get(&service), restore.get(&service));
            async move {
                let mut found = Diagnostics::default();
                if let Some(keys) = reset
                    && let Err(error) = quotas.reset(service, project_id, keys).await
                {
                    found.extend(work::cannot_reset(service, error));
                }
                if let Some(limits) = restore
                    && let Err(error) = quotas.set(service, project_id, limits, state.force).await
                {
                    found.extend(work::cannot_set(service, limits, error));
                }
                found
            }
        });
        let mut found = Diagnostics::default();
        for it in join_all(work).await {
            found.extend(it);
        }
        found.into_result()
    }

    /// By the project: its id, or `domain/project` with the domain's name or id.
    async fn find(text: &str, client: &Context<Tenancy>) -> Result<QuotaSetId> {
        let project_id = super::tenant_project::TenantProject::find(text, client).await?;
        Ok(QuotaSetId { project_id })
    }
}

/// Says that a destroy right after an import knows no better than to take all limits for managed.
fn warn_of_whole(prior: &QuotaSet, client: &Context<Tenancy>) {
    if prior.on_destroy == OnDestroy::Reset {
        client.warn(
            Diagnostic::warning("All limits of the project are reset")
                .detail(format!(
                    "This quota set was imported with all limits of the project {}, and nothing was applied since that says \
                     which of them are managed. The destroy resets all of them. To leave them, use `terraform state rm`.",
                    prior.project_id
                ))
                .at(at!(QuotaSet, on_destroy)),
        );
    }
}

/// What came of setting limits.
struct Done {
    /// The services that did not take them all, with what they have now as far as anybody knows.
    failed: All,
    /// Whether anything was set, as far as anybody knows.
    made: bool,
    found: Diagnostics,
}

/// Sets limits in all services side by side, and keeps what was there before the first time.
async fn apply(
    plan: &QuotaSet,
    limits: &All,
    from: &All,
    kept: &mut Kept,
    client: &Context<Tenancy>,
) -> Done {
    let (quotas, project_id) = (client.quotas(), &plan.project_id);
    let before = &kept.before;
    let work = limits.iter().map(|(service, limits)| async move {
        let (service, from) = (*service, from.get(service));
        let was = match before.get(word_of(service)) {
            Some(known) if limits.keys().all(|key| known.contains_key(key)) => Ok(BTreeMap::new()),
            // The refresh has just read what an import took in.
            _ if let Some(from) = from.filter(|from| limits.keys().all(|key| from.contains_key(key))) => {
                Ok(work::before(service, limits, from, client).await)
            }
            _ => match quotas.limits(service, project_id).await {
                Ok(now) => Ok(work::before(service, limits, &now, client).await),
                Err(error) => Err(error),
            },
        };
        let (was, set) = match was {
            Ok(was) => (was, quotas.set(service, project_id, limits, plan.force).await),
            Err(error) => (BTreeMap::new(), Err(error)),
        };
        let Err(error) = set else { return (service, was, Ok(())) };
        let there = match work::answered(&error) {
            true => quotas.limits(service, project_id).await.ok(),
            false => None,
        };
        (service, was, Err((error, there.or_else(|| from.cloned()).unwrap_or_default())))
    });
    let mut done = Done { failed: All::new(), made: false, found: Diagnostics::default() };
    for ((service, was, set), limits) in join_all(work).await.into_iter().zip(limits.values()) {
        let kept = kept.before.entry(word_of(service).to_owned()).or_default();
        for (key, was) in was {
            kept.entry(key).or_insert(was);
        }
        match set {
            Ok(()) => done.made = true,
            Err((error, there)) => {
                done.made |= work::may_have_set(&error);
                done.failed.insert(service, there);
                done.found.extend(work::cannot_set(service, limits, error));
            }
        }
    }
    done
}

/// The keys of these limits.
fn keys(limits: &All) -> BTreeMap<QuotaService, BTreeSet<String>> {
    limits.iter().map(|(service, limits)| (*service, limits.keys().cloned().collect())).collect()
}

/// How these limits become what they were: which are reset, and which get a value.
fn undone(limits: &All, before: &Before) -> (BTreeMap<QuotaService, BTreeSet<String>>, All) {
    let (mut reset, mut restore) = (BTreeMap::<_, BTreeSet<String>>::new(), All::new());
    for (service, limits) in limits {
        let Some(before) = before.get(word_of(*service)) else { continue };
        for (key, was) in before.iter().filter(|(key, _)| limits.contains_key(*key)) {
            match was {
                Some(was) => drop(restore.entry(*service).or_default().insert(key.clone(), *was)),
                None => drop(reset.entry(*service).or_default().insert(key.clone())),
            }
        }
    }
    (reset, restore)
}

impl QuotaSet {
    /// The limits of a project.
    fn new(project_id: String, quotas: Quotas) -> Self {
        let Quotas {
            compute,
            block_storage,
            network,
            load_balancer,
            dns,
            shared_file_system,
            key_manager,
            object_storage,
            image,
            extra,
        } = quotas;
        QuotaSet {
            project_id,
            compute,
            block_storage,
            network,
            load_balancer,
            dns,
            shared_file_system,
            key_manager,
            object_storage,
            image,
            extra,
            force: false,
            on_destroy: OnDestroy::Reset,
        }
    }

    /// The limits.
    fn quotas(&self) -> Quotas {
        macro_rules! clone {
            ($($field:ident)+) => { Quotas { $($field: self.$field.clone(),)+ } };
        }
        for_each_service!(clone)
    }

    /// This resource with other limits.
    fn with(self, quotas: Quotas) -> Self {
        QuotaSet { force: self.force, on_destroy: self.on_destroy, ..Self::new(self.project_id, quotas) }
    }
}
