//! Octavia: one list has every project that ever had a row, with null for what follows the defaults.
//!
//! A single quota is never read: that GET writes the defaults of now into the project's row, so that it follows them
//! no more (Octavia 19). A PUT does so too. Octavia knows no projects: any id has the defaults.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::neutron::no_defaults;
use super::{Api, Limits, Object, QuotaService, Quotas, Usage, Usages, is_of_all, limits_of, owned};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Call;
use crate::openstack::error::{Error, Result};

const ALL: &str = "/lbaas/quotas";
const ONE: &str = "/lbaas/quotas/{id}";
const SERVICE: Service = Service::LoadBalancer;
/// Old spellings that come beside the right ones.
const MISSPELLED: [&str; 2] = ["load_balancer", "health_monitor"];
/// A page's size, at most, for lists of load balancers and their parts.
const PAGE: usize = 1000;

pub(super) struct Octavia<'a>(pub Quotas<'a>);

/// The rows of a list, as they are; none if the list was cut.
type Rows = Option<BTreeMap<String, Limits>>;

impl Octavia<'_> {
    async fn rows(&self, call: Call) -> Result<Rows> {
        let reply = self.0.cloud.send(call).await?;
        let body: Value = reply.json()?;
        if body["quotas_links"].as_array().is_some_and(|it| it.iter().any(|it| it["rel"] == "next")) {
            // Octavia 19 cuts the list at 1000 rows, and answers 500 to who follows the link.
            return Ok(None);
        }
        let rows: Vec<Object> = reply.json_of("quotas")?;
        let row = |it: &Object| owned(it, &reply).map(|(id, row)| (id, spelled(row)));
        rows.iter().map(row).collect::<Result<_>>().map(Some)
    }

    /// The project's row, if it has one.
    async fn row(&self, project_id: &str) -> Result<Option<Limits>> {
        let call = Call::get(SERVICE, ALL).query("project_id", project_id);
        let call = call.doing(format!("read the load balancer quotas of project {project_id}"));
        match self.rows(call).await? {
            Some(mut rows) => Ok(rows.remove(project_id)),
            None => Err(Error::Truncated {
                what: "load balancer quotas".into(),
                why: format!("Octavia doesn't list those of project {project_id} alone"),
            }),
        }
    }

    async fn write(&self, project_id: &str, fields: Value) -> Result<Limits> {
        let call = Call::put(SERVICE, ONE)
            .id(project_id)
            .body(json!({ "quota": fields }))
            .doing(format!("set the load balancer quotas of project {project_id}"));
        Ok(spelled(limits_of(&self.0.cloud.send(call).await?.json_of("quota")?)))
    }

    /// All of one kind that a project has.
    async fn holdings(&self, many: &str, project_id: &str) -> Result<Vec<Value>> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let call = Call::get(SERVICE, format!("/lbaas/{many}"))
                .query("project_id", project_id)
                .query("limit", PAGE.to_string())
                .queries(all.last().and_then(|it| it["id"].as_str()).map(|it| ("marker", it.to_owned())))
                .doing(format!("count the {many} of project {project_id}"));
            let reply = self.0.cloud.send(call).await?;
            let body: Value = reply.json()?;
            let rows = body[many].as_array().ok_or_else(|| reply.odd(format!("it has no list `{many}`")))?;
            let goes_on = body[format!("{many}_links")]
                .as_array()
                .is_some_and(|it| it.iter().any(|it| it["rel"] == "next"));
            all.extend(rows.iter().cloned());
            if !goes_on || rows.is_empty() {
                return Ok(all);
            }
        }
    }
}

impl Api for Octavia<'_> {
    async fn defaults(&self) -> Result<Limits> {
        // `/quotas/defaults` is no place of its own, but the quota of a project of that name.
        let call = Call::get(SERVICE, "/lbaas/quotas/{id}/default").id("default");
        let call = call.doing("read the default load balancer quotas");
        Ok(spelled(limits_of(&self.0.cloud.send(call).await?.json_of("quota")?)))
    }

    async fn list(&self) -> Result<Rows> {
        let call = Call::get(SERVICE, ALL).doing("list the load balancer quotas of all projects");
        let Some(rows) = self.rows(call).await? else { return Ok(None) };
        if !is_of_all(self.0.cloud, &rows).await? {
            return Ok(None);
        }
        let defaults = self.0.defaults(QuotaService::LoadBalancer).await?;
        Ok(Some(rows.into_iter().map(|(id, row)| (id, over(&defaults, row))).collect()))
    }

    async fn limits(&self, project_id: &str) -> Result<Limits> {
        let defaults = self.0.defaults(QuotaService::LoadBalancer).await?;
        Ok(over(&defaults, self.row(project_id).await?.unwrap_or_default()))
    }

    /// Octavia doesn't tell: its things are counted.
    async fn usage(&self, project_id: &str) -> Result<Usages> {
        let limits = self.limits(project_id).await?;
        let kinds = ["loadbalancers", "listeners", "pools", "healthmonitors", "l7policies"];
        let found = try_join_all(kinds.map(|many| self.holdings(many, project_id))).await?;
        let parts = |of: usize, key: &str| {
            found[of].iter().filter_map(|it| it[key].as_array()).map(Vec::len).sum::<usize>()
        };
        let used = BTreeMap::from([
            ("loadbalancer", found[0].len()),
            ("listener", found[1].len()),
            ("pool", found[2].len()),
            ("member", parts(2, "members")),
            ("healthmonitor", found[3].len()),
            ("l7policy", found[4].len()),
            ("l7rule", parts(4, "rules")),
        ]);
        let usage = |(key, limit): (String, i64)| {
            let in_use = used.get(key.as_str()).and_then(|it| i64::try_from(*it).ok());
            (key, Usage { limit, in_use, reserved: None })
        };
        Ok(limits.into_iter().map(usage).collect())
    }

    async fn put(&self, project_id: &str, limits: &Limits, _force: bool) -> Result<Limits> {
        self.write(project_id, json!(limits)).await
    }

    async fn reset(&self, project_id: &str, keys: &BTreeSet<String>) -> Result<()> {
        // Null is a key's default. Octavia makes a row for who has none.
        if self.row(project_id).await?.is_none() {
            return Ok(());
        }
        let fields: Value =
            keys.iter().map(|it| (it.clone(), Value::Null)).collect::<serde_json::Map<_, _>>().into();
        self.write(project_id, fields).await.map(|_| ())
    }

    async fn put_defaults(&self, _limits: &Limits) -> Result<Limits> {
        Err(no_defaults(QuotaService::LoadBalancer, "octavia.conf"))
    }
}

/// Without the old spellings.
fn spelled(mut limits: Limits) -> Limits {
    limits.retain(|key, _| !MISSPELLED.contains(&key.as_str()));
    limits
}

/// The defaults, and over them what is set.
pub(super) fn over(defaults: &Limits, set: Limits) -> Limits {
    let mut all = defaults.clone();
    all.extend(set);
    all
}
