//! Nova: `os-quota-sets`, one call for each project; or Keystone, where Nova goes by unified limits.
//!
//! Nova asks Keystone about the project in each of these calls, and answers 400 if it is gone. With unified limits
//! Nova still tells what is in effect, and accepts and ignores every write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;

use serde_json::json;

use super::error::ignored;
use super::unified::Unified;
use super::{Api, Limits, NovaQuotaDriver, Object, QuotaService, Quotas, Usages, limits_of, usages_of};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Call;
use crate::openstack::error::{Error, Result};
use crate::openstack::identity::unknown;

/// The first microversion without keys of networks and injected files, which do nothing.
const MICROVERSION: &str = "2.57";
const ONE: &str = "/os-quota-sets/{id}";
const CLASS: &str = "/os-quota-class-sets/default";
/// Nova's keys, and what these are called at Keystone.
const NAMES: [(&str, &str); 7] = [
    ("cores", "class:VCPU"),
    ("instances", "servers"),
    ("key_pairs", "server_key_pairs"),
    ("metadata_items", "server_metadata_items"),
    ("ram", "class:MEMORY_MB"),
    ("server_group_members", "server_group_members"),
    ("server_groups", "server_groups"),
];
/// What Nova looks up without naming a project.
const DEFAULT_ONLY: [&str; 7] = [
    "server_group_members",
    "server_groups",
    "server_injected_file_content_bytes",
    "server_injected_file_path_bytes",
    "server_injected_files",
    "server_key_pairs",
    "server_metadata_items",
];

pub(super) struct Nova<'a>(pub Quotas<'a>);

impl Nova<'_> {
    /// Sends a call that names a project. Nova's 400 about the project counts only if Keystone agrees.
    async fn body(&self, call: Call, project_id: &str) -> Result<Object> {
        let call = call.microversion(MICROVERSION).id(project_id);
        match self.0.cloud.send(call).await {
            Ok(reply) => reply.json_of("quota_set"),
            Err(why) if denies_project(&why, project_id) => {
                match self.0.cloud.projects().get_opt(project_id).await? {
                    None => Err(unknown("project", project_id, None)),
                    Some(_) => Err(why),
                }
            }
            Err(why) => Err(why),
        }
    }

    async fn class(&self, call: Call) -> Result<Limits> {
        let reply = self.0.cloud.send(call.microversion(MICROVERSION)).await?;
        Ok(limits_of(&reply.json_of("quota_class_set")?))
    }

    async fn delete(&self, project_id: &str) -> Result<()> {
        let call = Call::delete(Service::Compute, ONE)
            .microversion(MICROVERSION)
            .id(project_id)
            .doing(format!("reset the compute quotas of project {project_id}"));
        self.0.cloud.send(call).await.map(|_| ())
    }
}

/// Nova's quotas where Nova keeps them.
impl Nova<'_> {
    async fn db_defaults(&self) -> Result<Limits> {
        self.class(Call::get(Service::Compute, CLASS).doing("read the default compute quotas")).await
    }

    async fn db_limits(&self, project_id: &str) -> Result<Limits> {
        let call = Call::get(Service::Compute, ONE);
        let call = call.doing(format!("read the compute quotas of project {project_id}"));
        Ok(limits_of(&self.body(call, project_id).await?))
    }

    async fn db_put(&self, project_id: &str, limits: &Limits, force: bool) -> Result<Limits> {
        let mut fields = json!(limits);
        if force {
            fields["force"] = json!(true);
        }
        let call = Call::put(Service::Compute, ONE)
            .body(json!({ "quota_set": fields }))
            .doing(format!("set the compute quotas of project {project_id}"));
        Ok(limits_of(&self.body(call, project_id).await?))
    }

    async fn db_reset(&self, project_id: &str, keys: &BTreeSet<String>) -> Result<()> {
        let now = match self.db_limits(project_id).await {
            // Nova deletes the rows of a project that is gone, and should.
            Err(why) if why.is_not_found_of(project_id) => return self.delete(project_id).await,
            now => now?,
        };
        // The defaults may be below what is in use. A deletion wouldn't mind either.
        let put = async |back: Limits| self.db_put(project_id, &back, true).await.map(|_| ());
        self.0
            .reset_whole(QuotaService::Compute, keys, &now, async || self.delete(project_id).await, put)
            .await
    }

    async fn db_put_defaults(&self, limits: &Limits) -> Result<Limits> {
        let call = Call::put(Service::Compute, CLASS).body(json!({ "quota_class_set": limits }));
        self.class(call.doing("set the default compute quotas")).await
    }
}

/// Who keeps the quotas.
impl Nova<'_> {
    fn unified(&self) -> Unified<'_> {
        Unified { quotas: self.0, service: QuotaService::Compute, names: &NAMES, default_only: &DEFAULT_ONLY }
    }

    /// Which driver it is, as far as that is known.
    fn driver(&self) -> NovaQuotaDriver {
        match self.0.nova {
            NovaQuotaDriver::Auto if self.0.kept().nova_ignores.load(Relaxed) => NovaQuotaDriver::Unified,
            other => other,
        }
    }

    /// Whether limits that Nova ignored are Keystone's. From then on Nova isn't asked any more.
    async fn are_keystones<'k>(&self, mut ignored: impl Iterator<Item = &'k String>) -> Result<bool> {
        if self.driver() != NovaQuotaDriver::Auto {
            return Ok(false);
        }
        let registered = match self.unified().registered().await {
            Err(why) if why.is_forbidden() => return Ok(false),
            other => other?,
        };
        let theirs = ignored.any(|it| registered.contains_key(it));
        if theirs {
            let kept = self.0.kept();
            kept.nova_ignores.store(true, Relaxed);
            kept.limits[&QuotaService::Compute].clear();
        }
        Ok(theirs)
    }
}

impl Api for Nova<'_> {
    async fn defaults(&self) -> Result<Limits> {
        match self.driver() {
            NovaQuotaDriver::Unified => self.unified().defaults().await,
            _ => self.db_defaults().await,
        }
    }

    async fn list(&self) -> Result<Option<BTreeMap<String, Limits>>> {
        match self.driver() {
            NovaQuotaDriver::Unified => self.unified().list().await,
            _ => Ok(None),
        }
    }

    async fn limits(&self, project_id: &str) -> Result<Limits> {
        match self.driver() {
            NovaQuotaDriver::Unified => match self.unified().limits(project_id).await {
                // Nova sees what we can't.
                Err(Error::Unseen { .. }) => self.db_limits(project_id).await,
                other => other,
            },
            _ => self.db_limits(project_id).await,
        }
    }

    /// Nova counts, and tells the limits in effect, whoever keeps them.
    async fn usage(&self, project_id: &str) -> Result<Usages> {
        let call = Call::get(Service::Compute, "/os-quota-sets/{id}/detail");
        let call = call.doing(format!("read the compute usage of project {project_id}"));
        Ok(usages_of(&self.body(call, project_id).await?, "in_use"))
    }

    async fn put(&self, project_id: &str, limits: &Limits, force: bool) -> Result<Limits> {
        if self.driver() == NovaQuotaDriver::Unified {
            return self.unified().put(project_id, limits).await;
        }
        let now = self.db_put(project_id, limits, force).await?;
        let ignored = ignored(limits, &now);
        if !ignored.is_empty() && self.are_keystones(ignored.keys()).await? {
            return self.unified().put(project_id, limits).await;
        }
        Ok(now)
    }

    async fn reset(&self, project_id: &str, keys: &BTreeSet<String>) -> Result<()> {
        if self.driver() == NovaQuotaDriver::Unified {
            return self.unified().reset(project_id, keys).await;
        }
        self.db_reset(project_id, keys).await?;
        if self.driver() == NovaQuotaDriver::Db {
            return Ok(());
        }
        // With unified limits Nova does nothing, and says 202.
        let now = match self.db_limits(project_id).await {
            Err(why) if why.is_not_found_of(project_id) => return Ok(()),
            now => now?,
        };
        let defaults = self.0.defaults(QuotaService::Compute).await?;
        let left = keys.iter().filter(|it| now.get(*it) != defaults.get(*it));
        if self.are_keystones(left).await? {
            return self.unified().reset(project_id, keys).await;
        }
        Ok(())
    }

    async fn put_defaults(&self, limits: &Limits) -> Result<Limits> {
        if self.driver() == NovaQuotaDriver::Unified {
            return self.unified().put_defaults(limits).await;
        }
        let now = self.db_put_defaults(limits).await?;
        let ignored = ignored(limits, &now);
        if !ignored.is_empty() && self.are_keystones(ignored.keys()).await? {
            return self.unified().put_defaults(limits).await;
        }
        Ok(now)
    }
}

/// `Project ID 123 is not a valid project.`
fn denies_project(why: &Error, project_id: &str) -> bool {
    matches!(why, Error::Status(it) if it.status == 400 && it.native
        && it.message.contains(project_id) && it.message.contains("not a valid project"))
}
