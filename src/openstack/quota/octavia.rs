//! Octavia: one list has every project that ever had a row, with null for what follows the defaults.
//!
//! A single quota is never read: that GET writes the defaults of now into the project's row, so that it follows them
//! no more (Octavia 19). A PUT does so too. Octavia knows no projects: any id has the defaults.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::neutron::no_defaults;
use super::{
    Api, Counts, Limits, Object, QuotaService, Quotas, Usages, counted, is_of_all, limits_of, owned,
};
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
/// What is counted: the list of it, its key, and what of its parts is.
type Kind = (&'static str, &'static str, Option<(&'static str, &'static str)>);
const KINDS: [Kind; 5] = [
    ("loadbalancers", "loadbalancer", None),
    ("listeners", "listener", None),
    ("pools", "pool", Some(("members", "member"))),
    ("healthmonitors", "healthmonitor", None),
    ("l7policies", "l7policy", Some(("rules", "l7rule"))),
];

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

    /// All of one kind that a project has, or all projects.
    async fn holdings(&self, many: &str, project_id: Option<&str>) -> Result<Vec<Value>> {
        let whose = project_id.map_or_else(|| "all projects".to_owned(), |id| format!("project {id}"));
        let mut all: Vec<Value> = Vec::new();
        loop {
            let call = Call::get(SERVICE, format!("/lbaas/{many}"))
                .queries(project_id.map(|id| ("project_id", id)))
                .query("limit", PAGE.to_string())
                .queries(all.last().and_then(|it| it["id"].as_str()).map(|it| ("marker", it.to_owned())))
                .doing(format!("count the {many} of {whose}"));
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

    /// How much projects have: these, of what one or all have.
    async fn count(
        &self,
        of: Option<&str>,
        project_ids: impl Iterator<Item = &String>,
    ) -> Result<BTreeMap<String, Counts>> {
        let found = try_join_all(KINDS.map(|(many, ..)| self.holdings(many, of))).await?;
        let keys = || KINDS.iter().flat_map(|(_, key, parts)| [Some(*key), parts.map(|(_, key)| key)]);
        let nothing: Counts = keys().flatten().map(|key| (key, 0)).collect();
        let mut all: BTreeMap<_, _> = project_ids.map(|id| (id.clone(), nothing.clone())).collect();
        for ((_, key, parts), rows) in KINDS.iter().zip(found) {
            for row in rows {
                let owner = of.or_else(|| row["project_id"].as_str()).unwrap_or_default();
                let counts = all.entry(owner.to_owned()).or_default();
                *counts.entry(key).or_default() += 1;
                if let Some((many, key)) = parts {
                    let parts = row[many].as_array().map_or(0, Vec::len);
                    *counts.entry(key).or_default() += i64::try_from(parts).unwrap_or(i64::MAX);
                }
            }
        }
        Ok(all)
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
        let project_id = project_id.to_owned();
        let mut all = self.count(Some(&project_id), std::iter::once(&project_id)).await?;
        Ok(counted(limits, &all.remove(&project_id).unwrap_or_default()))
    }

    /// Who may not see all is shown, without a word, what is its own project's.
    async fn count_all(&self, project_ids: &BTreeSet<String>) -> Result<Option<BTreeMap<String, Counts>>> {
        let all = self.count(None, project_ids.iter()).await?;
        let login = self.0.cloud.login().await?;
        let others = all.iter().filter(|(id, _)| Some(*id) != login.project_id.as_ref());
        let seen = others.flat_map(|(_, counts)| counts.values()).any(|it| *it > 0);
        Ok(seen.then_some(all))
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
