//! What a project may use, over all services, by each service's own keys.
//!
//! `cloud.quotas(driver).limits(QuotaService::Compute, &project_id)`. Each service has its own way to keep limits; what is
//! odd about it is said in its file.

mod barbican;
mod cinder;
mod designate;
mod error;
mod glance;
mod manila;
mod neutron;
mod nova;
mod octavia;
mod swift;
mod unified;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, OnceCell};

use super::catalog::Service;
use super::cloud::Cloud;
use super::collection::{Collection, Listed};
use super::error::{Error, Result, StatusError};
use super::identity::{LimitView, RegisteredLimit};
use super::transport::Reply;

pub use error::{QuotaError, Refusal};

/// Limits by the service's own key: `cores`, `gigabytes_ssd`, `floatingip`, `loadbalancer`. -1 is unlimited.
pub type Limits = BTreeMap<String, i64>;

/// What is used of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The limit in effect. -1 is unlimited.
    pub limit: i64,
    /// How much is in use, if the service tells.
    pub in_use: Option<i64>,
    /// How much is promised to requests under way, if the service tells.
    pub reserved: Option<i64>,
}

/// Usages by the service's own key.
pub type Usages = BTreeMap<String, Usage>;

/// How much of something is there, by the service's own key: what we count where a service doesn't tell.
type Counts = BTreeMap<&'static str, i64>;

/// Of more projects than that, things are counted for all at once.
const MANY: usize = 8;

/// Which of its quota drivers Nova runs. Nova doesn't tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NovaQuotaDriver {
    /// Nova is asked, project by project: it tells the limits in effect whoever keeps them. A write goes to Nova, too;
    /// if Nova accepts and ignores it, and Keystone has registered limits for Nova, it goes to Keystone instead.
    ///
    /// That Keystone has limits for Nova is no sign: whoever prepares the change of drivers copies them there.
    #[default]
    Auto,
    /// `DbQuotaDriver`: Nova keeps the limits.
    Db,
    /// `UnifiedLimitsDriver`: Keystone keeps the limits.
    Unified,
}

/// A service that has limits per project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuotaService {
    /// Nova.
    Compute,
    /// Cinder.
    BlockStorage,
    /// Neutron.
    Network,
    /// Octavia.
    LoadBalancer,
    /// Designate.
    Dns,
    /// Manila.
    SharedFileSystem,
    /// Barbican.
    KeyManager,
    /// Swift.
    ObjectStorage,
    /// Glance.
    Image,
}

impl QuotaService {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Compute,
        Self::BlockStorage,
        Self::Network,
        Self::LoadBalancer,
        Self::Dns,
        Self::SharedFileSystem,
        Self::KeyManager,
        Self::ObjectStorage,
        Self::Image,
    ];

    /// The service of the catalog.
    pub fn service(self) -> Service {
        match self {
            Self::Compute => Service::Compute,
            Self::BlockStorage => Service::BlockStorage,
            Self::Network => Service::Network,
            Self::LoadBalancer => Service::LoadBalancer,
            Self::Dns => Service::Dns,
            Self::SharedFileSystem => Service::SharedFileSystem,
            Self::KeyManager => Service::KeyManager,
            Self::ObjectStorage => Service::ObjectStore,
            Self::Image => Service::Image,
        }
    }
}

impl fmt::Display for QuotaService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.service().fmt(f)
    }
}

/// The quotas of a cloud.
#[derive(Clone, Copy, Debug)]
pub struct Quotas<'a> {
    cloud: &'a Cloud,
    nova: NovaQuotaDriver,
}

impl Cloud {
    /// Quotas: what projects may use.
    pub fn quotas(&self, nova: NovaQuotaDriver) -> Quotas<'_> {
        Quotas { cloud: self, nova }
    }
}

/// What the handles of one scope keep about quotas.
pub(crate) struct Kept {
    /// The limits in effect, by project.
    limits: BTreeMap<QuotaService, Collection<String, Limits>>,
    /// The defaults.
    defaults: BTreeMap<QuotaService, AsyncMutex<Option<Limits>>>,
    neutron: OnceCell<neutron::Check>,
    /// The registered limits at Keystone, by service id.
    registered: Collection<String, Vec<RegisteredLimit>>,
    /// Which token sees the limits at Keystone, once that is known.
    view: OnceLock<LimitView>,
    /// Whether Nova ignored a write, as it does with unified limits.
    nova_ignores: AtomicBool,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            limits: QuotaService::ALL.into_iter().map(|it| (it, Collection::default())).collect(),
            defaults: QuotaService::ALL.into_iter().map(|it| (it, AsyncMutex::default())).collect(),
            neutron: OnceCell::new(),
            registered: Collection::default(),
            view: OnceLock::new(),
            nova_ignores: AtomicBool::new(false),
        }
    }
}

/// What each service must be able to do. `Quotas` does the rest for all of them.
trait Api {
    /// The limits of a project for which none were set.
    async fn defaults(&self) -> Result<Limits>;

    /// The limits in effect for all projects that differ from the defaults, if one call tells them.
    async fn list(&self) -> Result<Option<BTreeMap<String, Limits>>> {
        Ok(None)
    }

    /// The limits in effect for one project.
    async fn limits(&self, project_id: &str) -> Result<Limits>;

    /// With what is used.
    async fn usage(&self, project_id: &str) -> Result<Usages>;

    /// What projects use of what the service doesn't count itself, by few lists of what all projects have. `None` if it
    /// counts, or doesn't show us all.
    async fn count_all(&self, _: &BTreeSet<String>) -> Result<Option<BTreeMap<String, Counts>>> {
        Ok(None)
    }

    /// Sets these limits and no others. Returns what the service has then.
    async fn put(&self, project_id: &str, limits: &Limits, force: bool) -> Result<Limits>;

    /// Gives keys the values back that they had, also where more is in use by now.
    async fn put_back(&self, project_id: &str, limits: &Limits) -> Result<Limits> {
        self.put(project_id, limits, true).await
    }

    /// Makes these keys follow the defaults.
    async fn reset(&self, project_id: &str, keys: &BTreeSet<String>) -> Result<()>;

    /// Sets the defaults. Returns all of them.
    async fn put_defaults(&self, limits: &Limits) -> Result<Limits>;
}

/// Runs the expression with the API of the service.
macro_rules! with_api {
    ($quotas:expr, $service:expr, $api:ident => $does:expr) => {
        match $service {
            QuotaService::Compute => {
                let $api = nova::Nova($quotas);
                $does
            }
            QuotaService::BlockStorage => {
                let $api = cinder::Cinder($quotas);
                $does
            }
            QuotaService::Network => {
                let $api = neutron::Neutron($quotas);
                $does
            }
            QuotaService::LoadBalancer => {
                let $api = octavia::Octavia($quotas);
                $does
            }
            QuotaService::Dns => {
                let $api = designate::Designate($quotas);
                $does
            }
            QuotaService::SharedFileSystem => {
                let $api = manila::Manila($quotas);
                $does
            }
            QuotaService::KeyManager => {
                let $api = barbican::Barbican($quotas);
                $does
            }
            QuotaService::ObjectStorage => {
                let $api = swift::Swift($quotas);
                $does
            }
            QuotaService::Image => {
                let $api = glance::Glance($quotas);
                $does
            }
        }
    };
}

impl Quotas<'_> {
    /// The limits in effect for a project, whether they were set for it or are the defaults.
    ///
    /// Where the service can, the first read gets those of all projects, and the others are answered from that for
    /// a minute. What was set by this handle's cloud is seen at once.
    ///
    /// # Errors
    /// [`Error::NoService`]; [`Error::Unknown`] if the service says that there is no such project and Keystone says
    /// so too; those of any call.
    pub async fn limits(&self, service: QuotaService, project_id: &str) -> Result<Limits> {
        let kept = self.kept();
        let found = with_api!(*self, service, api => {
            let single = async || api.limits(project_id).await.map(Some);
            let list = async |_| match api.list().await {
                Ok(Some(rows)) => Ok(Listed::All(rows)),
                Ok(None) => Ok(Listed::Refused),
                // An account that may see its own project's.
                Err(why) if why.is_forbidden() => Ok(Listed::Refused),
                Err(why) => Err(why),
            };
            kept.limits[&service].get(&project_id.to_owned(), list, single).await
        })?;
        match found {
            Some(limits) => Ok(limits),
            None => self.defaults(service).await,
        }
    }

    /// The limits of a project for which none were set. Asked once.
    ///
    /// # Errors
    /// [`Error::NoService`]; those of any call.
    pub async fn defaults(&self, service: QuotaService) -> Result<Limits> {
        let kept = self.kept();
        let mut defaults = kept.defaults[&service].lock().await;
        if let Some(known) = &*defaults {
            return Ok(known.clone());
        }
        let found = with_api!(*self, service, api => api.defaults().await)?;
        Ok(defaults.insert(found).clone())
    }

    /// The limits in effect, and what is used of them as far as the service tells.
    ///
    /// # Errors
    /// As [`Quotas::limits`].
    pub async fn usage(&self, service: QuotaService, project_id: &str) -> Result<Usages> {
        with_api!(*self, service, api => api.usage(project_id).await)
    }

    /// [`Quotas::usage`] of several projects.
    pub async fn usages(
        &self,
        service: QuotaService,
        project_ids: &BTreeSet<String>,
    ) -> BTreeMap<String, Result<Usages>> {
        let all = match project_ids.len() > MANY {
            true => with_api!(*self, service, api => api.count_all(project_ids).await),
            false => Ok(None),
        };
        let one = async |id: &String| match &all {
            Ok(Some(all)) => {
                let nothing = Counts::new();
                Ok(counted(self.limits(service, id).await?, all.get(id).unwrap_or(&nothing)))
            }
            Err(why) if !why.is_forbidden() => Err(why.clone()),
            _ => self.usage(service, id).await,
        };
        let work = project_ids.iter().map(|id| async { (id.clone(), one(id).await) });
        join_all(work).await.into_iter().collect()
    }

    /// Sets these limits; others keep their value. Returns all limits as the service has them afterwards.
    /// `force` sets limits below what is in use, where the service can.
    ///
    /// # Errors
    /// [`Error::Quota`] names every key that was not taken and why; else as [`Quotas::limits`].
    pub async fn set(
        &self,
        service: QuotaService,
        project_id: &str,
        limits: &Limits,
        force: bool,
    ) -> Result<Limits> {
        if limits.is_empty() {
            return self.limits(service, project_id).await;
        }
        let put = with_api!(*self, service, api => api.put(project_id, limits, force).await);
        self.written(service, project_id, limits, force, put).await
    }

    /// Gives limits the values back that they had before somebody set them, also where more is in use by now. A key that
    /// is gone since, such as a volume type's, is passed over.
    ///
    /// # Errors
    /// As [`Quotas::set`].
    pub async fn restore(&self, service: QuotaService, project_id: &str, limits: &Limits) -> Result<()> {
        let mut limits = limits.clone();
        if service == QuotaService::BlockStorage {
            let known = self.known_keys(service).await?;
            limits.retain(|key, _| known.contains(key));
        }
        if limits.is_empty() {
            return Ok(());
        }
        let put = with_api!(*self, service, api => api.put_back(project_id, &limits).await);
        self.written(service, project_id, &limits, true, put).await.map(|_| ())
    }

    /// Makes these keys follow the defaults again, also where more is in use; others keep their value.
    ///
    /// A service that can only reset all keys at once does so if the other keys have their defaults anyway. Else the
    /// defaults are written, so that later changes of them don't reach the project.
    ///
    /// # Errors
    /// Those of any call. A project that is gone is fine.
    pub async fn reset(
        &self,
        service: QuotaService,
        project_id: &str,
        keys: &BTreeSet<String>,
    ) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let result = with_api!(*self, service, api => api.reset(project_id, keys).await);
        self.kept().limits[&service].forget(project_id.to_owned());
        result
    }

    /// Sets the defaults of all projects: the class `default` of Nova, Cinder and Manila, the registered limits of
    /// Glance and of a Nova with unified limits. Returns all defaults.
    ///
    /// # Errors
    /// [`Error::Unseen`] for services that have no API for it; else as [`Quotas::set`].
    pub async fn set_defaults(&self, service: QuotaService, limits: &Limits) -> Result<Limits> {
        if limits.is_empty() {
            return self.defaults(service).await;
        }
        let kept = self.kept();
        let result = with_api!(*self, service, api => api.put_defaults(limits).await);
        // They are part of what is in effect for every project.
        kept.limits[&service].clear();
        *kept.defaults[&service].lock().await = result.as_ref().ok().cloned();
        match result {
            Ok(now) => error::taken(service, None, limits, now),
            Err(why) => Err(self.unknown_keys(service, None, limits, why).await),
        }
    }

    /// The keys that this cloud's service has: those of its extensions and volume types too.
    ///
    /// # Errors
    /// As [`Quotas::defaults`].
    pub async fn known_keys(&self, service: QuotaService) -> Result<BTreeSet<String>> {
        let fixed: &[&str] = match service {
            // Its defaults aren't always known.
            QuotaService::KeyManager => &barbican::KEYS,
            _ => &[],
        };
        let defaults = self.defaults(service).await?;
        Ok(defaults.into_keys().chain(fixed.iter().map(|it| (*it).to_owned())).collect())
    }

    /// Whether a project is gone, in Keystone's word: most services have limits for any id. Many of these are few
    /// calls, since a project that was seen is there for a minute.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn project_gone(&self, project_id: &str) -> Result<bool> {
        Ok(self.cloud.projects().get_opt(project_id).await?.is_none())
    }

    fn kept(&self) -> Arc<Kept> {
        self.cloud.kept()
    }

    /// What came of a write.
    async fn written(
        &self,
        service: QuotaService,
        project_id: &str,
        limits: &Limits,
        force: bool,
        put: Result<Limits>,
    ) -> Result<Limits> {
        let kept = self.kept();
        match put {
            Ok(now) => {
                kept.limits[&service].wrote(project_id.to_owned(), now.clone());
                error::taken(service, Some(project_id), limits, now)
            }
            Err(why) => {
                kept.limits[&service].forget(project_id.to_owned());
                Err(self.refused(service, project_id, limits, force, why).await)
            }
        }
    }

    /// What a refusal is about, key by key, if that can be found out.
    async fn refused(
        &self,
        service: QuotaService,
        project_id: &str,
        limits: &Limits,
        force: bool,
        why: Error,
    ) -> Error {
        let why = self.unknown_keys(service, Some(project_id), limits, why).await;
        let Some(refusal) = refusal_of(service, &why) else { return why };
        let checks = match service {
            QuotaService::BlockStorage => true,
            QuotaService::Compute | QuotaService::Network | QuotaService::SharedFileSystem => !force,
            _ => false,
        };
        if !checks {
            return why;
        }
        // Services say this each in their own words, and of the first key only.
        let Ok(usages) = self.usage(service, project_id).await else { return why };
        let used = |key: &str| {
            let usage = usages.get(key)?;
            Some(usage.in_use?.saturating_add(usage.reserved.unwrap_or_default()))
        };
        let below = limits.iter().filter_map(|(key, asked)| {
            let used = used(key).filter(|used| *asked >= 0 && asked < used)?;
            Some((key.clone(), (*asked, Refusal::BelowUse { used })))
        });
        error::explained(service, Some(project_id), below.collect(), refusal).unwrap_or(why)
    }

    /// Which keys the service doesn't have, if that is why it refused.
    async fn unknown_keys(
        &self,
        service: QuotaService,
        project_id: Option<&str>,
        limits: &Limits,
        why: Error,
    ) -> Error {
        let Some(refusal) = refusal_of(service, &why) else { return why };
        let Ok(known) = self.known_keys(service).await else { return why };
        let unknown = limits
            .iter()
            .filter(|(key, _)| !known.contains(*key))
            .map(|(key, asked)| (key.clone(), (*asked, Refusal::Unknown)));
        error::explained(service, project_id, unknown.collect(), refusal).unwrap_or(why)
    }

    /// Resets keys where the service can only reset all: `whole` does that, `put` writes some.
    async fn reset_whole(
        &self,
        service: QuotaService,
        keys: &BTreeSet<String>,
        now: &Limits,
        whole: impl AsyncFnOnce() -> Result<()>,
        put: impl AsyncFnOnce(Limits) -> Result<()>,
    ) -> Result<()> {
        let defaults = self.defaults(service).await?;
        if now.iter().all(|(key, value)| keys.contains(key) || defaults.get(key) == Some(value)) {
            return whole().await;
        }
        let differs =
            |key: &String| Some((key.clone(), *defaults.get(key)?)).filter(|it| now.get(key) != Some(&it.1));
        let back: Limits = keys.iter().filter_map(differs).collect();
        if back.is_empty() { Ok(()) } else { put(back).await }
    }
}

/// Whether a list has all projects. Some services show an account that may not see all, without a word, only what is
/// its own project's.
async fn is_of_all(cloud: &Cloud, rows: &BTreeMap<String, Limits>) -> Result<bool> {
    let login = cloud.login().await?;
    Ok(rows.keys().any(|it| Some(it) != login.project_id.as_ref()))
}

/// The reply of the service itself that says that limits can't be so.
fn refusal_of(service: QuotaService, why: &Error) -> Option<&StatusError> {
    match why {
        Error::Status(it) if it.status == 400 && it.attempt.service == service.service().official() => {
            Some(it)
        }
        _ => None,
    }
}

/// An object of a body.
type Object = serde_json::Map<String, Value>;

/// The limits in an object: its numbers. What else is there, such as the id, is no limit.
fn limits_of(all: &Object) -> Limits {
    all.iter().filter_map(|(key, value)| Some((key.clone(), value.as_i64()?))).collect()
}

/// The project that a row of a list is about, and what the row says.
fn owned(row: &Object, reply: &Reply) -> Result<(String, Limits)> {
    let id = row.get("project_id").or_else(|| row.get("tenant_id")).and_then(Value::as_str);
    let id = id.ok_or_else(|| reply.odd("a quota doesn't say whose it is"))?;
    Ok((id.to_owned(), limits_of(row)))
}

/// Limits with what was counted.
fn counted(limits: Limits, counts: &Counts) -> Usages {
    let usage = |(key, limit): (String, i64)| {
        let in_use = counts.get(key.as_str()).copied();
        (key, Usage { limit, in_use, reserved: None })
    };
    limits.into_iter().map(usage).collect()
}

/// The usages in an object, where the service calls what is in use `used`.
fn usages_of(all: &Object, used: &str) -> Usages {
    let usage = |it: &Value| {
        Some(Usage {
            limit: it["limit"].as_i64()?,
            in_use: it[used].as_i64(),
            reserved: it["reserved"].as_i64(),
        })
    };
    all.iter().filter_map(|(key, value)| Some((key.clone(), usage(value)?))).collect()
}
