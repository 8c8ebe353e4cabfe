//! `data.tenancy_quota_usage`: what projects may use, and how much of it they do.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use crate::openstack::Error;
use crate::openstack::quota::{QuotaService, Usages};
use crate::resources::quotas::{attribute_for, name_of, service_of, volume_type_of, word_of};
use crate::resources::{Explain, Tenancy, check, diagnostic, one_of};
use crate::tf::{
    Computed, Context, DataSource, Diagnostic, Diagnostics, Draft, Model, Path, Result, Severity, at,
};

/// What projects may use, and how much of it they do, in every service that has limits.
#[derive(Model)]
pub struct QuotaUsage {
    /// Id of a project. One of `project_id` and `project_ids` is needed.
    #[tf(check(check::not_empty))]
    pub project_id: Option<String>,
    /// Ids of projects.
    #[tf(check(check::not_empty_each))]
    pub project_ids: Option<BTreeSet<String>>,
    /// The services to ask, by the attributes of `tenancy_quota_set`: `compute`, `block_storage`, `network`,
    /// `load_balancer`, `dns`, `shared_file_system`, `key_manager`, `object_storage`, `image`. By default all that the cloud
    /// has.
    #[tf(check(services))]
    pub services: Option<BTreeSet<String>>,
    /// What each project uses, by its id.
    pub projects: Computed<BTreeMap<String, ProjectUsage>>,
}

/// What a project uses.
#[derive(Clone, Debug, Default, PartialEq, Model)]
pub struct ProjectUsage {
    /// Of Nova, by the attributes of `tenancy_quota_set`. Null if it was not asked; so are the others.
    pub compute: Option<BTreeMap<String, Figures>>,
    /// Of Cinder.
    pub block_storage: Option<BTreeMap<String, Figures>>,
    /// Of Cinder, by the name of the volume type and by `gigabytes`, `volumes` and `snapshots`.
    pub volume_types: Option<BTreeMap<String, VolumeTypeUsage>>,
    /// Of Neutron.
    pub network: Option<BTreeMap<String, Figures>>,
    /// Of Octavia.
    pub load_balancer: Option<BTreeMap<String, Figures>>,
    /// Of Designate.
    pub dns: Option<BTreeMap<String, Figures>>,
    /// Of Manila.
    pub shared_file_system: Option<BTreeMap<String, Figures>>,
    /// Of Barbican, which does not tell what is in use.
    pub key_manager: Option<BTreeMap<String, Figures>>,
    /// Of Swift.
    pub object_storage: Option<BTreeMap<String, Figures>>,
    /// Of Glance.
    pub image: Option<BTreeMap<String, Figures>>,
}

/// What a project uses of a volume type.
#[derive(Clone, Debug, Default, PartialEq, Model)]
pub struct VolumeTypeUsage {
    /// Size of the type's volumes and snapshots together, in GiB.
    pub gigabytes: Option<Figures>,
    /// Volumes of the type.
    pub volumes: Option<Figures>,
    /// Snapshots of the type's volumes.
    pub snapshots: Option<Figures>,
}

/// A limit, and what is used of it.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct Figures {
    /// The limit in effect. -1 is unlimited.
    pub limit: i64,
    /// How much is in use. Null if the service does not tell.
    pub in_use: Option<i64>,
    /// How much is promised to requests under way. Null if the service does not tell.
    pub reserved: Option<i64>,
}

fn services(all: &BTreeSet<String>) -> std::result::Result<(), String> {
    match all.iter().find(|word| service_of(word).is_none()) {
        Some(word) => {
            let words = QuotaService::ALL.map(word_of).join(", ");
            Err(format!("Expected services among {words}; got \"{word}\"."))
        }
        None => Ok(()),
    }
}

impl DataSource for QuotaUsage {
    const NAME: &'static str = "quota_usage";
    type Client = Tenancy;

    fn validate(config: &Draft<Self>) -> Result<()> {
        let (one, many) = (config.is_set(at!(Self, project_id)), config.is_set(at!(Self, project_ids)));
        one_of(one, many, "project_id", "project_ids")
    }

    async fn read(config: Self, client: &Context<Tenancy>) -> Result<Self> {
        let ids: BTreeSet<String> =
            config.project_id.iter().chain(config.project_ids.iter().flatten()).cloned().collect();
        refuse_unknown(&ids, &config, client).await?;
        let asked: Vec<QuotaService> = match &config.services {
            None => client.quota_services().await?,
            Some(words) => words.iter().filter_map(|word| service_of(word)).collect(),
        };
        let quotas = client.quotas();
        // The transport keeps this within `max_concurrent_requests`.
        let work = asked.iter().map(|service| async { (*service, quotas.usages(*service, &ids).await) });
        let mut projects: BTreeMap<String, ProjectUsage> =
            ids.iter().map(|id| (id.clone(), ProjectUsage::default())).collect();
        let mut silent: BTreeMap<QuotaService, (Error, usize)> = BTreeMap::new();
        for (service, of_projects) in join_all(work).await {
            for (id, usages) in of_projects {
                match usages {
                    Ok(usages) => projects.entry(id).or_default().take(service, usages),
                    Err(error) => silent.entry(service).or_insert((error, 0)).1 += 1,
                }
            }
        }
        let mut found = Diagnostics::default();
        for (service, (error, times)) in silent {
            let hidden = error.is_forbidden() || matches!(error, Error::Unseen { .. });
            let mut told = diagnostic(format!("Cannot read the usage of {}", name_of(service)), error);
            if times > 1 {
                told.detail.push_str(&format!("\n\nSo it is with {times} of {} projects.", ids.len()));
            }
            if config.services.is_none() && hidden {
                told.severity = Severity::Warning;
                told.detail.push_str("\n\nIt is null. Name the `services` to ask without it.");
            }
            found.push(told.at(at!(Self, services)));
        }
        for one in found.0.extract_if(.., |it| it.severity == Severity::Warning) {
            client.warn(one);
        }
        found.into_result()?;
        Ok(Self { projects: projects.into(), ..config })
    }
}

/// Most services have figures for any id.
async fn refuse_unknown(ids: &BTreeSet<String>, config: &QuotaUsage, client: &Tenancy) -> Result<()> {
    let at = || match &config.project_id {
        Some(_) => Path::from(at!(QuotaUsage, project_id)),
        None => at!(QuotaUsage, project_ids).into(),
    };
    let quotas = client.quotas();
    let asked = ids.iter().map(|id| async move { (id, quotas.project_gone(id).await) });
    let mut found = Diagnostics::default();
    for (id, gone) in join_all(asked).await {
        if gone.explain_at("Cannot find the project", at())? {
            let told = Diagnostic::error(format!("There is no project {id}"))
                .detail("Keystone knows no project with this id. Expected an id, not a name.");
            found.push(told.at(at()));
        }
    }
    found.into_result()
}

impl ProjectUsage {
    /// What one service says.
    fn take(&mut self, service: QuotaService, usages: Usages) {
        let mut all = BTreeMap::new();
        for (key, usage) in usages {
            let figures = Figures { limit: usage.limit, in_use: usage.in_use, reserved: usage.reserved };
            if let (QuotaService::BlockStorage, None, Some((attribute, name))) =
                (service, attribute_for(service, &key), volume_type_of(&key))
            {
                let types = self.volume_types.get_or_insert_default();
                let of = types.entry(name.to_owned()).or_default();
                match attribute {
                    "gigabytes" => of.gigabytes = Some(figures),
                    "volumes" => of.volumes = Some(figures),
                    _ => of.snapshots = Some(figures),
                }
                continue;
            }
            all.insert(attribute_for(service, &key).unwrap_or(&key).to_owned(), figures);
        }
        let place = match service {
            QuotaService::Compute => &mut self.compute,
            QuotaService::BlockStorage => &mut self.block_storage,
            QuotaService::Network => &mut self.network,
            QuotaService::LoadBalancer => &mut self.load_balancer,
            QuotaService::Dns => &mut self.dns,
            QuotaService::SharedFileSystem => &mut self.shared_file_system,
            QuotaService::KeyManager => &mut self.key_manager,
            QuotaService::ObjectStorage => &mut self.object_storage,
            QuotaService::Image => &mut self.image,
        };
        *place = Some(all);
    }
}
