//! Nova: `os-quota-sets`, one call for each project.
//!
//! Nova asks Keystone about the project in each of these calls, and answers 400 if it is gone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Api, Limits, QuotaService, Quotas, Usages, limits_of, usages_of};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Call;
use crate::openstack::error::{Error, Result};
use crate::openstack::identity::unknown;

/// The first microversion without keys of networks and injected files, which do nothing.
const MICROVERSION: &str = "2.57";
const ONE: &str = "/os-quota-sets/{id}";
const CLASS: &str = "/os-quota-class-sets/default";

pub(super) struct Nova<'a>(pub Quotas<'a>);

impl Nova<'_> {
    /// Sends a call that names a project. Nova's 400 about the project counts only if Keystone agrees.
    async fn body(&self, call: Call, project_id: &str) -> Result<Value> {
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

impl Api for Nova<'_> {
    async fn defaults(&self) -> Result<Limits> {
        self.class(Call::get(Service::Compute, CLASS).doing("read the default compute quotas")).await
    }

    async fn limits(&self, project_id: &str) -> Result<Limits> {
        let call = Call::get(Service::Compute, ONE);
        let call = call.doing(format!("read the compute quotas of project {project_id}"));
        Ok(limits_of(&self.body(call, project_id).await?))
    }

    async fn usage(&self, project_id: &str) -> Result<Usages> {
        let call = Call::get(Service::Compute, "/os-quota-sets/{id}/detail");
        let call = call.doing(format!("read the compute usage of project {project_id}"));
        Ok(usages_of(&self.body(call, project_id).await?, "in_use"))
    }

    async fn put(&self, project_id: &str, limits: &Limits, force: bool) -> Result<Limits> {
        let mut fields = json!(limits);
        if force {
            fields["force"] = json!(true);
        }
        let call = Call::put(Service::Compute, ONE)
            .body(json!({ "quota_set": fields }))
            .doing(format!("set the compute quotas of project {project_id}"));
        Ok(limits_of(&self.body(call, project_id).await?))
    }

    async fn reset(&self, project_id: &str, keys: &BTreeSet<String>) -> Result<()> {
        let now = match self.limits(project_id).await {
            // Nova deletes the rows of a project that is gone, and should.
            Err(why) if why.is_not_found_of(project_id) => return self.delete(project_id).await,
            now => now?,
        };
        // The defaults may be below what is in use. A deletion wouldn't mind either.
        let put = async |back: Limits| self.put(project_id, &back, true).await.map(|_| ());
        self.0
            .reset_whole(QuotaService::Compute, keys, &now, async || self.delete(project_id).await, put)
            .await
    }

    async fn put_defaults(&self, limits: &Limits) -> Result<Limits> {
        let call = Call::put(Service::Compute, CLASS).body(json!({ "quota_class_set": limits }));
        self.class(call.doing("set the default compute quotas")).await
    }
}

/// `Project ID 123 is not a valid project.`
fn denies_project(why: &Error, project_id: &str) -> bool {
    matches!(why, Error::Status(it) if it.status == 400 && it.native
        && it.message.contains(project_id) && it.message.contains("not a valid project"))
}
