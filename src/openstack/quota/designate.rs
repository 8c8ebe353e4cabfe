//! Designate: one call for each project, with a header that says it may be another one than ours.
//!
//! Designate knows no projects, unless configured to look them up on a write. It takes limits below what is in use.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::neutron::no_defaults;
use super::{Api, Limits, QuotaService, Quotas, Usage, Usages, limits_of};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Call;
use crate::openstack::error::Result;

const ONE: &str = "/quotas/{id}";
/// No project has this id.
const NOBODY: &str = "00000000000000000000000000000000";

pub(super) struct Designate<'a>(pub Quotas<'a>);

impl Designate<'_> {
    async fn body(&self, call: Call, project_id: &str) -> Result<Limits> {
        let call = call.id(project_id).header("x-auth-all-projects", "true");
        Ok(limits_of(&self.0.cloud.fetch(call).await?))
    }
}

impl Api for Designate<'_> {
    async fn defaults(&self) -> Result<Limits> {
        self.body(Call::get(Service::Dns, ONE).doing("read the default DNS quotas"), NOBODY).await
    }

    async fn limits(&self, project_id: &str) -> Result<Limits> {
        let call = Call::get(Service::Dns, ONE).doing(format!("read the DNS quotas of project {project_id}"));
        self.body(call, project_id).await
    }

    /// Designate doesn't tell: zones are counted. The other limits are for each zone or record set.
    async fn usage(&self, project_id: &str) -> Result<Usages> {
        let limits = self.limits(project_id).await?;
        let call = Call::get(Service::Dns, "/zones")
            .header("x-auth-sudo-project-id", project_id)
            .query("limit", "1")
            .doing(format!("count the zones of project {project_id}"));
        let reply = self.0.cloud.send(call).await?;
        let body: Value = reply.json()?;
        let zones = body["metadata"]["total_count"].as_i64();
        let usage = |(key, limit): (String, i64)| {
            let in_use = zones.filter(|_| key == "zones");
            (key, Usage { limit, in_use, reserved: None })
        };
        Ok(limits.into_iter().map(usage).collect())
    }

    async fn put(&self, project_id: &str, limits: &Limits, _force: bool) -> Result<Limits> {
        let call = Call::patch(Service::Dns, ONE, json!(limits));
        self.body(call.doing(format!("set the DNS quotas of project {project_id}")), project_id).await
    }

    async fn reset(&self, project_id: &str, keys: &BTreeSet<String>) -> Result<()> {
        let now = self.limits(project_id).await?;
        let whole = async || {
            let call = Call::delete(Service::Dns, ONE).id(project_id).header("x-auth-all-projects", "true");
            let call = call.doing(format!("reset the DNS quotas of project {project_id}"));
            self.0.cloud.send(call).await.map(|_| ())
        };
        let put = async |back: Limits| self.put(project_id, &back, false).await.map(|_| ());
        self.0.reset_whole(QuotaService::Dns, keys, &now, whole, put).await
    }

    async fn put_defaults(&self, _limits: &Limits) -> Result<Limits> {
        Err(no_defaults(QuotaService::Dns, "designate.conf"))
    }
}
