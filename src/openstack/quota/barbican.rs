//! Barbican: a paged list has every project for which a limit was set, with null for what follows the defaults.
//!
//! Barbican knows no projects: a PUT for any id makes a row.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;

use super::neutron::no_defaults;
use super::octavia::over;
use super::{Api, Limits, Object, QuotaService, Quotas, Usage, Usages, limits_of};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Call;
use crate::openstack::error::Result;

const ALL: &str = "/project-quotas";
const ONE: &str = "/project-quotas/{id}";
const SERVICE: Service = Service::KeyManager;
/// Barbican gives no more at once.
const PAGE: usize = 100;
/// What can be limited. Barbican gives no list of it.
pub(super) const KEYS: [&str; 5] = ["cas", "consumers", "containers", "orders", "secrets"];

#[derive(Deserialize)]
struct Row {
    project_id: String,
    project_quotas: Object,
}

pub(super) struct Barbican<'a>(pub Quotas<'a>);

impl Barbican<'_> {
    /// What is set for a project.
    async fn own(&self, project_id: &str) -> Result<Limits> {
        let call = Call::get(SERVICE, ONE).id(project_id);
        let call = call.doing(format!("read the key manager quotas of project {project_id}"));
        match self.0.cloud.send(call).await {
            Ok(reply) => Ok(limits_of(&reply.json_of("project_quotas")?)),
            // `Project quotas not found.`: none were set.
            Err(why) if why.is_native_404() => Ok(Limits::new()),
            Err(why) => Err(why),
        }
    }

    async fn write(&self, project_id: &str, limits: &Limits) -> Result<()> {
        let call = Call::put(SERVICE, ONE)
            .id(project_id)
            .body(json!({ "project_quotas": limits }))
            .doing(format!("set the key manager quotas of project {project_id}"));
        self.0.cloud.send(call).await.map(|_| ())
    }
}

impl Api for Barbican<'_> {
    /// Barbican tells only what is in effect for our own project: what is set there is no default.
    async fn defaults(&self) -> Result<Limits> {
        let call = Call::get(SERVICE, "/quotas").doing("read the default key manager quotas");
        let mut all = limits_of(&self.0.cloud.send(call).await?.json_of("quotas")?);
        if let Some(project_id) = &self.0.cloud.login().await?.project_id {
            let own = self.own(project_id).await?;
            all.retain(|key, _| !own.contains_key(key));
        }
        Ok(all)
    }

    async fn list(&self) -> Result<Option<BTreeMap<String, Limits>>> {
        let defaults = self.0.defaults(QuotaService::KeyManager).await?;
        let mut all = BTreeMap::new();
        let mut offset = 0;
        loop {
            let call = Call::get(SERVICE, ALL)
                .query("limit", PAGE.to_string())
                .query("offset", offset.to_string())
                .doing("list the key manager quotas of all projects");
            let reply = self.0.cloud.send(call).await?;
            let rows: Vec<Row> = reply.json_of("project_quotas")?;
            let of_project =
                |it: &Row| (it.project_id.clone(), over(&defaults, limits_of(&it.project_quotas)));
            all.extend(rows.iter().map(of_project));
            offset += rows.len();
            if rows.len() < PAGE {
                return Ok(Some(all));
            }
        }
    }

    async fn limits(&self, project_id: &str) -> Result<Limits> {
        let defaults = self.0.defaults(QuotaService::KeyManager).await?;
        Ok(over(&defaults, self.own(project_id).await?))
    }

    /// Barbican doesn't tell, and shows what a project has to its members only.
    async fn usage(&self, project_id: &str) -> Result<Usages> {
        let limits = self.limits(project_id).await?.into_iter();
        Ok(limits.map(|(key, limit)| (key, Usage { limit, in_use: None, reserved: None })).collect())
    }

    async fn put(&self, project_id: &str, limits: &Limits, _force: bool) -> Result<Limits> {
        // Its documentation says that a key that is left out gets its default; Barbican 22 leaves it as it is.
        let all = over(&self.own(project_id).await?, limits.clone());
        self.write(project_id, &all).await?;
        // The reply has no body.
        self.limits(project_id).await
    }

    /// What Barbican can't do is to reset one key: null is refused. But it tells what was set, so that the others can
    /// be set again.
    async fn reset(&self, project_id: &str, keys: &BTreeSet<String>) -> Result<()> {
        let mut own = self.own(project_id).await?;
        let before = own.len();
        own.retain(|key, _| !keys.contains(key));
        if own.len() == before {
            return Ok(());
        }
        let call = Call::delete(SERVICE, ONE).id(project_id);
        let call = call.doing(format!("reset the key manager quotas of project {project_id}"));
        match self.0.cloud.send(call).await {
            Ok(_) => {}
            Err(why) if why.is_native_404() => {}
            Err(why) => return Err(why),
        }
        if own.is_empty() { Ok(()) } else { self.write(project_id, &own).await }
    }

    async fn put_defaults(&self, _limits: &Limits) -> Result<Limits> {
        Err(no_defaults(QuotaService::KeyManager, "barbican.conf"))
    }
}
