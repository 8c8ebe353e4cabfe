//! `tenancy_quota_defaults`: what projects may use for which nobody set limits.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::quotas::services::{BlockStorage, Compute, Image, SharedFileSystem};
use super::quotas::work::{self, Before, Done, Plan};
use super::quotas::{self, All, Quotas, known, name_of, settle, word_of};
use super::{Existing, Tenancy, diagnostic};
use crate::openstack::Error;
use crate::openstack::quota::QuotaService;
use crate::tf::{
    Attr, Change, Computed, Context, Diagnostic, Diagnostics, Failure, Model, Outcome, Path, Resource,
    Result, at, choice,
};

/// The services whose defaults can be set.
const SERVICES: [QuotaService; 4] =
    [QuotaService::Compute, QuotaService::BlockStorage, QuotaService::SharedFileSystem, QuotaService::Image];

/// There is one set of defaults in a region.
pub const ID: &str = "default";

choice! {
    /// What becomes of the defaults when their resource is destroyed.
    pub enum OnDestroy {
        /// They become what they were before.
        Restore = "restore",
        /// They stay.
        Keep = "keep",
    }
}

/// The limits of all projects for which nobody set others: Nova's, Cinder's and Manila's class `default`, and the
/// registered limits of Glance and of a Nova with unified limits.
///
/// A region has one set of these. Only the limits that are written are read, sent and compared, as in
/// `tenancy_quota_set`. Neutron, Octavia, Designate and Barbican have their defaults in their configuration files, and Swift
/// has none.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct QuotaDefaults {
    /// Always `default`.
    #[tf(keep)]
    pub id: Computed<String>,
    /// Defaults of Nova.
    #[tf(managed_if_set)]
    pub compute: Option<Compute>,
    /// Defaults of Cinder.
    #[tf(managed_if_set)]
    pub block_storage: Option<BlockStorage>,
    /// Defaults of Manila.
    #[tf(managed_if_set)]
    pub shared_file_system: Option<SharedFileSystem>,
    /// Defaults of Glance: registered limits in Keystone, which are made if there are none.
    #[tf(managed_if_set)]
    pub image: Option<Image>,
    /// Defaults that have no attribute here, by the attribute of their service and by the service's own key:
    /// `{ compute = { "class:DISK_GB" = 1000 } }`.
    #[tf(managed_if_set, check(extra))]
    pub extra: Option<BTreeMap<String, BTreeMap<String, i64>>>,
    /// What becomes of the defaults on destroy: `restore` gives those that are managed the values that they had before,
    /// `keep` leaves them.
    #[tf(default = OnDestroy::Restore)]
    pub on_destroy: OnDestroy,
}

fn extra(all: &BTreeMap<String, BTreeMap<String, i64>>) -> std::result::Result<(), String> {
    let words = SERVICES.map(word_of);
    match all.keys().find(|word| !words.contains(&word.as_str())) {
        Some(word) => Err(format!("Expected keys among {}; got \"{word}\".", words.join(", "))),
        None => quotas::extra(all),
    }
}

/// What is kept beside the state. See `QuotaSet`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Kept {
    imported: bool,
    before: Before,
}

impl Resource for QuotaDefaults {
    const NAME: &'static str = "quota_defaults";
    type Client = Tenancy;
    type Id = String;

    fn id(&self) -> Option<String> {
        self.id.as_known().cloned()
    }

    async fn plan(change: &mut Change<Self>, client: Option<&Context<Tenancy>>) -> Result<()> {
        let (Some(planned), Some(config)) = (&mut change.planned, &change.config) else { return Ok(()) };
        let prior = change.prior.as_ref();
        let imported = client.and_then(|it| it.private::<Kept>()).is_some_and(|it| it.imported)
            && prior.is_some_and(|prior| *planned.raw(at!(Self, on_destroy)) == prior.on_destroy.encode());
        planned.set(at!(Self, id), ID.into());
        let untouched = settle!(Self, planned, config, prior, imported;
            compute block_storage shared_file_system image extra);
        let Some(client) = client.filter(|_| !untouched) else { return Ok(()) };
        let to = known!(Self, planned; compute block_storage shared_file_system image extra).limits();
        let from = prior.map(|prior| prior.quotas().limits()).unwrap_or_default();
        let mut plan = Plan { from, to };
        plan.refuse_missing_services(client).await?;
        // Registered limits are made where there are none.
        let registered = |it: &QuotaService| [QuotaService::Compute, QuotaService::Image].contains(it);
        for (service, limits) in plan.to.iter().filter(|(service, _)| registered(service)) {
            limits.keys().for_each(|key| client.note_coming(Existing::Limit(*service, key)));
        }
        plan.to.retain(|service, _| !registered(service));
        plan.refuse_unknown_keys(client).await
    }

    async fn create(plan: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let plan = Self { id: ID.into(), ..plan };
        let limits = plan.quotas().limits();
        let mut kept = Kept::default();
        let done = apply(&limits, &All::new(), &mut kept, client).await;
        client.keep_private(&kept);
        match done.failed.is_empty() {
            true => Ok(plan),
            false => Err(Failure { state: done.made.then_some(plan), diagnostics: done.found }),
        }
    }

    async fn read(id: String, last: Option<Self>, client: &Context<Tenancy>) -> Result<Option<Self>> {
        if id != ID {
            return Ok(None);
        }
        let Some(last) = last else {
            let mut services = client.quota_services().await?;
            services.retain(|it| SERVICES.contains(it));
            let found =
                read(&services.into_iter().map(|it| (it, Default::default())).collect(), client).await?;
            client.keep_private(&Kept { imported: true, before: Before::new() });
            return Ok(Some(Self::from(Quotas::whole(&found))));
        };
        let limits = last.quotas();
        let found = read(&limits.limits(), client).await?;
        Ok(Some(Self { on_destroy: last.on_destroy, ..limits.seen(&found).into() }))
    }

    async fn update(from: Self, to: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let before = from.quotas().limits();
        let limits = work::changed(&before, &to.quotas().limits());
        let mut kept: Kept = client.private().unwrap_or_default();
        kept.imported = false;
        let done = apply(&limits, &before, &mut kept, client).await;
        client.keep_private(&kept);
        if done.failed.is_empty() {
            return Ok(to);
        }
        let mut now = to.quotas().limits();
        now.extend(done.failed);
        let state = Self { on_destroy: to.on_destroy, ..to.quotas().seen(&now).into() };
        Err(Failure { state: Some(state), diagnostics: done.found })
    }

    async fn delete(state: Self, client: &Context<Tenancy>) -> Result<()> {
        if state.on_destroy == OnDestroy::Keep {
            return Ok(());
        }
        let Kept { before, .. } = client.private().unwrap_or_default();
        let (mut restore, mut made) = (All::new(), Vec::new());
        for (service, limits) in state.quotas().limits() {
            let Some(before) = before.get(word_of(service)) else { continue };
            for key in limits.keys() {
                match before.get(key) {
                    Some(Some(was)) => drop(restore.entry(service).or_default().insert(key.clone(), *was)),
                    Some(None) => made.push(format!("\n- {}", quotas::path_of(service, key))),
                    None => (),
                }
            }
        }
        if !made.is_empty() {
            client.warn(
                Diagnostic::warning("Not all defaults are as they were").at(at!(Self, on_destroy)).detail(
                    format!(
                        "These had no default before, and keep the one that they were given:{}",
                        made.concat()
                    ),
                ),
            );
        }
        let mut found = Diagnostics::default();
        for (service, error) in set(&restore, client).await {
            let limits = restore.get(&service).cloned().unwrap_or_default();
            let absent = error.is_service_absent();
            for told in work::cannot_set(service, &limits, error).0 {
                match absent {
                    true => client.warn(work::as_remark(told, "There is nothing left to restore.")),
                    false => found.push(told),
                }
            }
        }
        found.into_result()
    }

    async fn find(text: &str, _client: &Context<Tenancy>) -> Result<String> {
        if text == ID {
            return Ok(ID.to_owned());
        }
        Err(Diagnostic::error("Unreadable import id")
            .detail(format!(
                "A region has one set of defaults: import it by the id \"{ID}\"; got \"{text}\"."
            ))
            .into())
    }
}

/// The defaults of services now. One that the cloud does not have any more keeps those of the state.
async fn read(last: &All, client: &Context<Tenancy>) -> Result<All> {
    let quotas = client.quotas();
    let defaults = last.keys().map(|it| async move { (*it, quotas.defaults(*it).await) });
    let (mut all, mut found) = (All::new(), Diagnostics::default());
    for (service, defaults) in join_all(defaults).await {
        match defaults {
            Ok(limits) => drop(all.insert(service, limits)),
            Err(error) if error.is_service_absent() => {
                client.warn(work::as_remark(cannot_read(service, error), work::STAYS_IN_STATE));
                all.insert(service, last.get(&service).cloned().unwrap_or_default());
            }
            Err(error) => found.push(cannot_read(service, error)),
        }
    }
    found.into_result().map(|()| all)
}

fn cannot_read(service: QuotaService, error: Error) -> Diagnostic {
    let summary = format!("Cannot read the defaults of {}", name_of(service));
    diagnostic(summary, error).at(Path::root().attribute(word_of(service)))
}

/// Keeps what was there before the first time, and sets defaults. `from` is what is in the state.
async fn apply(limits: &All, from: &All, kept: &mut Kept, client: &Tenancy) -> Done {
    let quotas = client.quotas();
    let asked = limits.keys().map(|it| async move { (*it, quotas.defaults(*it).await) });
    let (mut before, mut wanted) = (All::new(), limits.clone());
    let mut done = Done { failed: All::new(), made: false, found: Diagnostics::default() };
    let there = |service| from.get(&service).cloned().unwrap_or_default();
    for (service, now) in join_all(asked).await {
        match now {
            Ok(now) => drop(before.insert(service, now)),
            Err(error) => {
                wanted.remove(&service);
                done.failed.insert(service, there(service));
                done.found.push(cannot_read(service, error));
            }
        }
    }
    for (service, limits) in &wanted {
        let now = before.get(service);
        let kept = kept.before.entry(word_of(*service).to_owned()).or_default();
        for key in limits.keys() {
            kept.entry(key.clone()).or_insert_with(|| now.and_then(|now| now.get(key)).copied());
        }
    }
    let failed = set(&wanted, client).await;
    done.made = failed.len() < wanted.len();
    for (service, error) in failed {
        let asked = wanted.get(&service).cloned().unwrap_or_default();
        let now = if work::answered(&error) { quotas.defaults(service).await.ok() } else { None };
        done.made |= work::made(service, &asked, before.get(&service), now.as_ref(), &error);
        done.failed.insert(service, now.unwrap_or_else(|| there(service)));
        done.found.extend(work::cannot_set(service, &asked, error));
    }
    done
}

/// Sets defaults in all services side by side. Gives those that did not take them, and why.
async fn set(limits: &All, client: &Tenancy) -> Vec<(QuotaService, Error)> {
    let quotas = client.quotas();
    let work = limits.iter().map(|(service, limits)| async move {
        Some((*service, quotas.set_defaults(*service, limits).await.err()?))
    });
    join_all(work).await.into_iter().flatten().collect()
}

impl QuotaDefaults {
    fn quotas(&self) -> Quotas {
        let QuotaDefaults { id: _, compute, block_storage, shared_file_system, image, extra, on_destroy: _ } =
            self.clone();
        Quotas { compute, block_storage, shared_file_system, image, extra, ..Default::default() }
    }
}

impl From<Quotas> for QuotaDefaults {
    fn from(it: Quotas) -> Self {
        let Quotas { compute, block_storage, shared_file_system, image, extra, .. } = it;
        QuotaDefaults {
            id: ID.into(),
            compute,
            block_storage,
            shared_file_system,
            image,
            extra,
            on_destroy: OnDestroy::Restore,
        }
    }
}
