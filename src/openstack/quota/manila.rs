//! Manila: `quota-sets`, one call for each project. Newer microversions have more keys.
//!
//! Manila knows no projects: any id has the defaults.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Api, Limits, Object, QuotaService, Quotas, Usages, limits_of, usages_of};
use crate::openstack::catalog::Service;
use crate::openstack::catalog::versions::Microversion;
use crate::openstack::cloud::Call;
use crate::openstack::error::Result;

const ONE: &str = "/quota-sets/{id}";
const CLASS: &str = "/quota-class-sets/default";
const SERVICE: Service = Service::SharedFileSystem;
/// The last that changed anything here: it added `encryption_keys`.
const NEWEST: Microversion = Microversion(2, 90);

pub(super) struct Manila<'a>(pub Quotas<'a>);

impl Manila<'_> {
    async fn body(&self, call: Call, key: &str) -> Result<Object> {
        let range = self.0.cloud.microversions(SERVICE).await?;
        let call = call.microversion(&range.max.min(NEWEST).to_string());
        self.0.cloud.send(call).await?.json_of(key)
    }
}

impl Api for Manila<'_> {
    async fn defaults(&self) -> Result<Limits> {
        let call = Call::get(SERVICE, CLASS).doing("read the default share quotas");
        Ok(limits_of(&self.body(call, "quota_class_set").await?))
    }

    async fn limits(&self, project_id: &str) -> Result<Limits> {
        let call = Call::get(SERVICE, ONE).id(project_id);
        let call = call.doing(format!("read the share quotas of project {project_id}"));
        Ok(limits_of(&self.body(call, "quota_set").await?))
    }

    async fn usage(&self, project_id: &str) -> Result<Usages> {
        let call = Call::get(SERVICE, "/quota-sets/{id}/detail").id(project_id);
        let call = call.doing(format!("read the share usage of project {project_id}"));
        Ok(usages_of(&self.body(call, "quota_set").await?, "in_use"))
    }

    async fn put(&self, project_id: &str, limits: &Limits, force: bool) -> Result<Limits> {
        let mut fields = json!(limits);
        if force {
            fields["force"] = json!(true);
        }
        let call = Call::put(SERVICE, ONE).id(project_id).body(json!({ "quota_set": fields }));
        let call = call.doing(format!("set the share quotas of project {project_id}"));
        Ok(limits_of(&self.body(call, "quota_set").await?))
    }

    async fn reset(&self, project_id: &str, keys: &BTreeSet<String>) -> Result<()> {
        let now = self.limits(project_id).await?;
        let whole = async || {
            let range = self.0.cloud.microversions(SERVICE).await?;
            let call = Call::delete(SERVICE, ONE).microversion(&range.max.min(NEWEST).to_string());
            let call = call.id(project_id).doing(format!("reset the share quotas of project {project_id}"));
            self.0.cloud.send(call).await.map(|_| ())
        };
        let put = async |back: Limits| self.put(project_id, &back, true).await.map(|_| ());
        self.0.reset_whole(QuotaService::SharedFileSystem, keys, &now, whole, put).await
    }

    /// Manila passes over keys that it doesn't have, and says 200.
    async fn put_defaults(&self, limits: &Limits) -> Result<Limits> {
        let call = Call::put(SERVICE, CLASS).body(json!({ "quota_class_set": limits }));
        Ok(limits_of(&self.body(call.doing("set the default share quotas"), "quota_class_set").await?))
    }
}
