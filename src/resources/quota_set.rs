//! `tenancy_quota_set`: what a project may use, in every service that has limits.

mod moved;

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
    Attr, Change, Context, Diagnostic, Diagnostics, Failure, Identity, Mismatch, Model, Move, Outcome,
    Resource, Result, Schema, Value, at, choice,
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
/// the first change that is applied, the part that is not written is no longer managed. Until then a service that does not
/// answer is a warning where its limits are not written, and an error where they are.
///
/// Limits of a service that the cloud does not have any more stay in the state, with a warning, until they are removed from
/// the configuration.
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
    /// `tenancy_quota_defaults`. Where the same configuration has that, name it in `depends_on`.
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
    /// `restore` gives them the values that they had before they were managed, `keep` leaves them. That more is in use is no
    /// obstacle to either, whatever `force` says.
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
    /// The services that did not answer the last refresh, by their attributes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    silent: BTreeSet<String>,
}

impl Resource for QuotaSet {
    const NAME: &'static str = "quota_set";
    type Client = Tenancy;
    type Id = QuotaSetId;

    fn id(&self) -> Option<QuotaSetId> {
        Some(QuotaSetId { project_id: self.project_id.clone() })
    }

    async fn plan(change: &mut Change<Self>, client: Option<&Context<Tenancy>>) -> Result<()> {
        let Kept { imported, silent, .. } = client.and_then(|it| it.private()).unwrap_or_default();
        let (Some(planned), Some(config)) = (&mut change.planned, &change.config) else {
            if let (true, Some(client), Some(prior)) = (imported, client, &change.prior) {
                warn_of_whole(prior, client);
            }
            return Ok(());
        };
        let prior = change.prior.as_ref().filter(|_| change.replace.is_empty());
        if let (Some(prior), Some(client), false) = (prior, client, silent.is_empty()) {
            // The refresh passed over them, since it did not know what is written.
            let mut written = for_each_service!(known(Self, config;)).limits();
            written.retain(|service, _| silent.contains(word_of(*service)));
            if !written.is_empty() {
                work::read(&written, &prior.project_id, false, client).await?;
            }
        }
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
        let done =
            work::set(&plan.project_id, plan.force, &limits, &All::new(), Some(&mut kept.before), client)
                .await;
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
            client.keep_private(&Kept { imported: true, ..Kept::default() });
            return Ok(found.map(|found| Self::new(project_id, Quotas::whole(&found))));
        };
        let limits = last.quotas();
        let kept: Kept = client.private().unwrap_or_default();
        let Some(seen) = work::read(&limits.limits(), &project_id, kept.imported, client).await? else {
            return Ok(None);
        };
        if kept.imported {
            client.keep_private(&Kept { silent: seen.silent, ..kept });
        }
        Ok(Some(last.with(limits.seen(&seen.all))))
    }

    async fn update(from: Self, to: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let before = from.quotas().limits();
        let limits = work::changed(&before, &to.quotas().limits());
        let mut kept: Kept = client.private().unwrap_or_default();
        kept.imported = false;
        kept.silent.clear();
        let done =
            work::set(&to.project_id, to.force, &limits, &before, Some(&mut kept.before), client).await;
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
        let project_id = &state.project_id;
        let (reset, restore) = match state.on_destroy {
            OnDestroy::Keep => return Ok(()),
            OnDestroy::Reset => (keys(&limits), All::new()),
            OnDestroy::Restore => {
                let gone = client.quotas().project_gone(project_id).await;
                if gone.explain_at("Cannot find out whether the project is there", at!(Self, project_id))? {
                    return Ok(());
                }
                undone(&limits, &kept.before)
            }
        };
        let services: BTreeSet<_> = reset.keys().chain(restore.keys()).copied().collect();
        let work = services.into_iter().map(|service| {
            work::give_up(service, project_id, reset.get(&service), restore.get(&service), client)
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

    fn moves() -> Vec<Move<Self>> {
        moved::moves()
    }

    /// Takes in what an import would, if it is the same region.
    async fn settle(moved: Self, client: &Context<Tenancy>) -> Result<Option<Self>> {
        moved::refuse_other_region(client).await?;
        Self::read(QuotaSetId { project_id: moved.project_id }, None, client).await
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
    pub(super) fn new(project_id: String, quotas: Quotas) -> Self {
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
