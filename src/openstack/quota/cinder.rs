//! Cinder: `os-quota-sets`, one call for each project. Each volume type adds three keys, by its name.
//!
//! Cinder knows no projects: any id has the defaults. It can't be forced below what is in use; but it looks at the use
//! only of keys that were set for the project before, and takes the first value of a key as it is (Cinder 29).

use std::collections::BTreeSet;

use serde_json::json;

use super::{Api, Limits, Object, QuotaService, Quotas, Usages, limits_of, usages_of};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Call;
use crate::openstack::error::Result;

const ONE: &str = "/os-quota-sets/{id}";
const CLASS: &str = "/os-quota-class-sets/default";

pub(super) struct Cinder<'a>(pub Quotas<'a>);

impl Cinder<'_> {
    async fn body(&self, call: Call, key: &str) -> Result<Object> {
        self.0.cloud.send(call).await?.json_of(key)
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
        let call = Call::put(Service::BlockStorage, ONE)
            .id(project_id)
            .body(json!({ "quota_set": limits }))
            .doing(format!("set the volume quotas of project {project_id}"));
        Ok(limits_of(&self.body(call, "quota_set").await?))
    }

    async fn reset(&self, project_id: &str, keys: &BTreeSet<String>) -> Result<()> {
        let now = self.limits(project_id).await?;
        let whole = async || {
            let call = Call::delete(Service::BlockStorage, ONE).id(project_id);
            let call = call.doing(format!("reset the volume quotas of project {project_id}"));
            self.0.cloud.send(call).await.map(|_| ())
        };
        let put = async |back: Limits| self.put(project_id, &back, false).await.map(|_| ());
        self.0.reset_whole(QuotaService::BlockStorage, keys, &now, whole, put).await
    }

    async fn put_defaults(&self, limits: &Limits) -> Result<Limits> {
        let call = Call::put(Service::BlockStorage, CLASS).body(json!({ "quota_class_set": limits }));
        Ok(limits_of(&self.body(call.doing("set the default volume quotas"), "quota_class_set").await?))
    }
}
