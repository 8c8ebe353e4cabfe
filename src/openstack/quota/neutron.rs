//! Neutron: one list has every project for which a limit was ever set, with the defaults filled in.
//!
//! Neutron knows no projects: any id has the defaults. Extensions add keys of their own.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;

use super::{Api, Limits, Object, QuotaService, Quotas, Usages, is_of_all, limits_of, owned, usages_of};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Call;
use crate::openstack::error::{Error, Result};

const ONE: &str = "/quotas/{id}";

/// How this release is made to refuse limits below what is in use, and made not to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// It refuses unless forced (2025.1).
    Always,
    /// It refuses if asked to (Xena).
    OnRequest,
    /// It never refuses, and knows neither word.
    Never,
}

pub(super) struct Neutron<'a>(pub Quotas<'a>);

impl Neutron<'_> {
    async fn body(&self, call: Call) -> Result<Object> {
        self.0.cloud.send(call).await?.json_of("quota")
    }

    /// Asked once, and by writers only.
    async fn check(&self) -> Result<Check> {
        #[derive(Deserialize)]
        struct Extension {
            alias: String,
        }
        let kept = self.0.kept();
        let check = kept.neutron.get_or_try_init(|| async {
            let call = Call::get(Service::Network, "/extensions").query("fields", "alias");
            let reply = self.0.cloud.send(call.doing("list the extensions of Neutron")).await?;
            let all: Vec<Extension> = reply.json_of("extensions")?;
            let has = |alias: &str| all.iter().any(|it| it.alias == alias);
            Ok::<_, Error>(if has("quota-check-limit-default") {
                Check::Always
            } else if has("quota-check-limit") {
                Check::OnRequest
            } else {
                Check::Never
            })
        });
        check.await.copied()
    }
}

impl Api for Neutron<'_> {
    async fn defaults(&self) -> Result<Limits> {
        // Neutron takes any id here.
        let call = Call::get(Service::Network, "/quotas/{id}/default").id("default");
        Ok(limits_of(&self.body(call.doing("read the default network quotas")).await?))
    }

    async fn list(&self) -> Result<Option<BTreeMap<String, Limits>>> {
        let call = Call::get(Service::Network, "/quotas").doing("list the network quotas of all projects");
        let reply = self.0.cloud.send(call).await?;
        let rows: Vec<Object> = reply.json_of("quotas")?;
        let rows = rows.iter().map(|it| owned(it, &reply)).collect::<Result<_>>()?;
        Ok(is_of_all(self.0.cloud, &rows).await?.then_some(rows))
    }

    async fn limits(&self, project_id: &str) -> Result<Limits> {
        let call = Call::get(Service::Network, ONE).id(project_id);
        Ok(limits_of(
            &self.body(call.doing(format!("read the network quotas of project {project_id}"))).await?,
        ))
    }

    async fn usage(&self, project_id: &str) -> Result<Usages> {
        let call = Call::get(Service::Network, "/quotas/{id}/details").id(project_id);
        let call = call.doing(format!("read the network usage of project {project_id}"));
        Ok(usages_of(&self.body(call).await?, "used"))
    }

    async fn put(&self, project_id: &str, limits: &Limits, force: bool) -> Result<Limits> {
        let mut fields = json!(limits);
        match (self.check().await?, force) {
            (Check::Always, true) => fields["force"] = json!(true),
            (Check::OnRequest, false) => fields["check_limit"] = json!(true),
            _ => {}
        }
        let call = Call::put(Service::Network, ONE).id(project_id).body(json!({ "quota": fields }));
        Ok(limits_of(
            &self.body(call.doing(format!("set the network quotas of project {project_id}"))).await?,
        ))
    }

    async fn reset(&self, project_id: &str, keys: &BTreeSet<String>) -> Result<()> {
        let now = self.limits(project_id).await?;
        let whole = async || {
            let call = Call::delete(Service::Network, ONE).id(project_id);
            let call = call.doing(format!("reset the network quotas of project {project_id}"));
            match self.0.cloud.send(call).await {
                // There was nothing set.
                Err(why) if why.is_not_found_of(project_id) => Ok(()),
                other => other.map(|_| ()),
            }
        };
        let put = async |back: Limits| self.put(project_id, &back, true).await.map(|_| ());
        self.0.reset_whole(QuotaService::Network, keys, &now, whole, put).await
    }

    async fn put_defaults(&self, _limits: &Limits) -> Result<Limits> {
        Err(no_defaults(QuotaService::Network, "neutron.conf"))
    }
}

/// The defaults of this service are in its configuration.
pub(super) fn no_defaults(service: QuotaService, file: &str) -> Error {
    Error::Unseen {
        what: format!("a way to set the default quotas of {service}"),
        why: format!("it has no API for that: they are in its {file}"),
    }
}
