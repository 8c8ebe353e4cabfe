//! Cinder: `os-quota-sets`, one call for each project. Each volume type adds three keys, by its name.
//!
//! Cinder knows no projects: any id has the defaults. It can't be forced below what is in use; but it looks at the use
//! only of keys that were set for the project before, and takes the first value of a key as it is (Cinder 29). A deletion
//! makes all values first ones.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Api, Limits, Object, QuotaService, Quotas, Usages, limits_of, usages_of};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Call;
use crate::openstack::error::{Error, Result};

const ONE: &str = "/os-quota-sets/{id}";
const CLASS: &str = "/os-quota-class-sets/default";

pub(super) struct Cinder<'a>(pub Quotas<'a>);

impl Cinder<'_> {
    async fn body(&self, call: Call, key: &str) -> Result<Object> {
        self.0.cloud.send(call).await?.json_of(key)
    }

    async fn write(&self, project_id: &str, limits: &Limits, doing: String) -> Result<Limits> {
        let call = Call::put(Service::BlockStorage, ONE).id(project_id).body(json!({ "quota_set": limits }));
        Ok(limits_of(&self.body(call.doing(doing), "quota_set").await?))
    }

    async fn delete(&self, project_id: &str) -> Result<()> {
        let call = Call::delete(Service::BlockStorage, ONE).id(project_id);
        let call = call.doing(format!("reset the volume quotas of project {project_id}"));
        self.0.cloud.send(call).await.map(|_| ())
    }

    /// Writes what is set for a project anew, so that Cinder doesn't look at what is in use: `keys` as `limits` has them,
    /// or else the defaults, and the others as they are.
    async fn write_anew(&self, project_id: &str, keys: &BTreeSet<String>, limits: &Limits) -> Result<Limits> {
        let mut all = self.limits(project_id).await?;
        let defaults = self.0.defaults(QuotaService::BlockStorage).await?;
        all.retain(|key, value| !keys.contains(key) && defaults.get(key) != Some(value));
        all.extend(limits.clone());
        self.delete(project_id).await?;
        if all.is_empty() {
            return self.limits(project_id).await;
        }
        // Should this fail, nobody else knows the values any more.
        let values: Vec<_> = all.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let doing = format!(
            "set the volume quotas of project {project_id} again, which were reset before ({})",
            values.join(", ")
        );
        self.write(project_id, &all, doing).await
    }
}

impl Api for Cinder<'_> {
    async fn defaults(&self) -> Result<Limits> {
        let call = Call::get(Service::BlockStorage, CLASS).doing("read the default volume quotas");
        Ok(limits_of(&self.body(call, "quota_class_set").await?))
    }

    async fn limits(&self, project_id: &str) -> Result<Limits> {
        let call = Call::get(Service::BlockStorage, ONE).id(project_id);
        let call = call.doing(format!("read the volume quotas of project {project_id}"));
        Ok(limits_of(&self.body(call, "quota_set").await?))
    }

    async fn usage(&self, project_id: &str) -> Result<Usages> {
        let call = Call::get(Service::BlockStorage, ONE).id(project_id).query("usage", "True");
        let call = call.doing(format!("read the volume usage of project {project_id}"));
        Ok(usages_of(&self.body(call, "quota_set").await?, "in_use"))
    }

    /// All or nothing: Cinder checks all keys and values first.
    async fn put(&self, project_id: &str, limits: &Limits, _force: bool) -> Result<Limits> {
        self.write(project_id, limits, format!("set the volume quotas of project {project_id}")).await
    }

    async fn put_back(&self, project_id: &str, limits: &Limits) -> Result<Limits> {
        match self.put(project_id, limits, true).await {
            Err(why) if is_refused(&why) => {
                self.write_anew(project_id, &limits.keys().cloned().collect(), limits).await
            }
            other => other,
        }
    }

    async fn reset(&self, project_id: &str, keys: &BTreeSet<String>) -> Result<()> {
        let now = self.limits(project_id).await?;
        let put = async |back: Limits| match self.put(project_id, &back, true).await {
            Err(why) if is_refused(&why) => {
                self.write_anew(project_id, keys, &Limits::new()).await.map(|_| ())
            }
            other => other.map(|_| ()),
        };
        self.0
            .reset_whole(QuotaService::BlockStorage, keys, &now, async || self.delete(project_id).await, put)
            .await
    }

    async fn put_defaults(&self, limits: &Limits) -> Result<Limits> {
        let call = Call::put(Service::BlockStorage, CLASS).body(json!({ "quota_class_set": limits }));
        Ok(limits_of(&self.body(call.doing("set the default volume quotas"), "quota_class_set").await?))
    }
}

/// Whether Cinder itself says that these values can't be.
fn is_refused(why: &Error) -> bool {
    matches!(why, Error::Status(it) if it.status == 400 && it.native)
}
