//! Quotas that Keystone keeps: those of Glance, and of a Nova with unified limits.
//!
//! One list has the limits of all projects. A default is a registered limit. The service asks Keystone for those of its
//! endpoint's region: one without a region is for an endpoint without a region, and not for all.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Refusal, refuse};
use super::octavia::over;
use super::{Limits, QuotaService, Quotas};
use crate::openstack::error::{Error, Result};
use crate::openstack::identity::{Limit, LimitView, NewLimit, RegisteredLimit, unknown};

/// The limits of one service.
pub(super) struct Unified<'a> {
    pub quotas: Quotas<'a>,
    pub service: QuotaService,
    /// Our key for each resource that has another name at Keystone, and those that it may be asked to register.
    pub names: &'static [(&'static str, &'static str)],
    /// Resources of which the service knows the default only. Worse: with limits of several projects, it takes the
    /// first that it finds for everybody.
    pub default_only: &'static [&'static str],
}

impl Unified<'_> {
    /// The registered limits of the service in its region, by our keys.
    pub async fn registered(&self) -> Result<BTreeMap<String, RegisteredLimit>> {
        let (service_id, region) = self.place().await?;
        let cloud = self.quotas.cloud;
        let all = async || {
            let mut by_service = BTreeMap::<String, Vec<RegisteredLimit>>::new();
            for it in cloud.unified_limits().registered().await? {
                by_service.entry(it.service_id.clone()).or_default().push(it);
            }
            Ok(Some(by_service))
        };
        let found = self.quotas.kept().registered.get(&service_id, all, async || Ok(None)).await?;
        let mut found = found.unwrap_or_default();
        found.retain(|it| region.is_none() || it.region_id == region);
        Ok(found.into_iter().map(|it| (self.key(&it.resource_name), it)).collect())
    }

    pub async fn defaults(&self) -> Result<Limits> {
        let all = self.registered().await?;
        Ok(all.into_iter().map(|(key, it)| (key, it.default_limit)).collect())
    }

    pub async fn list(&self) -> Result<Option<BTreeMap<String, Limits>>> {
        let registered = self.registered().await?;
        if registered.is_empty() {
            // Without these there are no limits.
            return Ok(Some(BTreeMap::new()));
        }
        let (service_id, _) = self.place().await?;
        let Some(rows) = self.all(&service_id).await? else { return Ok(None) };
        let mut by_project = BTreeMap::<String, Vec<Limit>>::new();
        for row in rows {
            if let Some(id) = row.project_id.clone() {
                by_project.entry(id).or_default().push(row);
            }
        }
        Ok(Some(by_project.into_iter().map(|(id, rows)| (id, self.effective(&registered, &rows))).collect()))
    }

    pub async fn limits(&self, project_id: &str) -> Result<Limits> {
        let registered = self.registered().await?;
        match self.rows(&registered, project_id).await? {
            Some(rows) => Ok(self.effective(&registered, &rows)),
            None => Err(self.unseen(project_id)),
        }
    }

    pub async fn put(&self, project_id: &str, asked: &Limits) -> Result<Limits> {
        let registered = self.registered().await?;
        let refusal = |key: &String, value: i64| match registered.get(key) {
            None => Some(Refusal::Unregistered),
            Some(it) if it.default_limit == value => None,
            Some(it) if self.default_only.contains(&it.resource_name.as_str()) => Some(Refusal::DefaultOnly),
            Some(_) => None,
        };
        let refused: BTreeMap<_, _> = asked
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), (*value, refusal(key, *value)?))))
            .collect();
        if !refused.is_empty() {
            return Err(refuse(self.service, Some(project_id), refused));
        }
        let api = self.quotas.cloud.unified_limits();
        let seen = self.rows(&registered, project_id).await?;
        let blind = seen.is_none();
        let mut rows = Vec::new();
        let mut replaced = Vec::new();
        let mut new = asked.clone();
        for row in seen.unwrap_or_default() {
            let key = self.key(&row.resource_name);
            match asked.get(&key) {
                None => rows.push(row),
                // Keystone passes over a change to 0.
                Some(0) if row.resource_limit != 0 => replaced.push(row),
                Some(value) => {
                    new.remove(&key);
                    let same = *value == row.resource_limit;
                    rows.push(if same { row } else { api.change(&row, *value).await? });
                }
            }
        }
        // What is the only value for all projects needs no limit.
        new.retain(|key, _| !self.default_only.contains(&self.resource(key)));
        for (n, row) in replaced.iter().enumerate() {
            if let Err(why) = api.delete(row).await {
                return Err(self.not_made(project_id, why, &replaced[..n], &registered, blind).await);
            }
        }
        let make =
            |(key, value): (&String, &i64)| registered.get(key).map(|it| new_limit(it, project_id, *value));
        let new: Vec<NewLimit> = new.iter().filter_map(make).collect();
        if !new.is_empty() {
            match api.create(&new).await {
                Ok(made) => rows.extend(made),
                Err(why) => return Err(self.not_made(project_id, why, &replaced, &registered, blind).await),
            }
        }
        Ok(self.effective(&registered, &rows))
    }

    pub async fn reset(&self, project_id: &str, keys: &BTreeSet<String>) -> Result<()> {
        let registered = self.registered().await?;
        let Some(rows) = self.rows(&registered, project_id).await? else {
            return Err(self.unseen(project_id));
        };
        for row in rows.iter().filter(|it| keys.contains(&self.key(&it.resource_name))) {
            self.quotas.cloud.unified_limits().delete(row).await?;
        }
        Ok(())
    }

    /// Changes registered limits, and registers what the service is known to ask for.
    pub async fn put_defaults(&self, asked: &Limits) -> Result<Limits> {
        let registered = self.registered().await?;
        let known = |key: &str| self.names.iter().any(|(own, _)| *own == key) || key.starts_with("class:");
        let unknown: BTreeMap<_, _> = asked
            .iter()
            .filter(|(key, _)| !registered.contains_key(*key) && !known(key))
            .map(|(key, value)| (key.clone(), (*value, Refusal::Unregistered)))
            .collect();
        if !unknown.is_empty() {
            return Err(refuse(self.service, None, unknown));
        }
        let api = self.quotas.cloud.unified_limits();
        let (service_id, region) = self.place().await?;
        let write = async || {
            let mut now: Limits =
                registered.iter().map(|(key, it)| (key.clone(), it.default_limit)).collect();
            for (key, value) in asked {
                let made = match registered.get(key) {
                    Some(it) if it.default_limit == *value => continue,
                    Some(it) => api.change_registered(it, *value).await?,
                    None => api.register(&service_id, region.as_deref(), self.resource(key), *value).await?,
                };
                now.insert(key.clone(), made.default_limit);
            }
            Ok(now)
        };
        let result = write().await;
        self.quotas.kept().registered.clear();
        result
    }

    /// The service's id, and the region of its endpoint.
    async fn place(&self) -> Result<(String, Option<String>)> {
        let cloud = self.quotas.cloud;
        cloud.login().await?.catalog.place(self.service.service(), cloud.config())
    }

    /// The limits of a project that count: each has the region of its registered limit.
    async fn rows(
        &self,
        registered: &BTreeMap<String, RegisteredLimit>,
        project_id: &str,
    ) -> Result<Option<Vec<Limit>>> {
        if registered.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let (service_id, _) = self.place().await?;
        let cloud = self.quotas.cloud;
        let view = match self.quotas.kept().view.get() {
            Some(view) => Some(*view),
            None if cloud.login().await?.project_id.as_deref() == Some(project_id) => Some(LimitView::Own),
            None => None,
        };
        let mut rows = match view {
            Some(view) => cloud.unified_limits().of_project(view, &service_id, project_id).await?,
            None => match self.all(&service_id).await? {
                Some(all) => all,
                None => return Ok(None),
            },
        };
        rows.retain(|it| it.project_id.as_deref() == Some(project_id) && self.counts(registered, it));
        Ok(Some(rows))
    }

    /// The limits of all projects, if we see them.
    async fn all(&self, service_id: &str) -> Result<Option<Vec<Limit>>> {
        let Some((view, rows)) = self.quotas.cloud.unified_limits().all(service_id).await? else {
            return Ok(None);
        };
        let _ = self.quotas.kept().view.set(view);
        Ok(Some(rows))
    }

    fn counts(&self, registered: &BTreeMap<String, RegisteredLimit>, row: &Limit) -> bool {
        let of = registered.get(&self.key(&row.resource_name));
        of.is_some_and(|it| {
            it.region_id == row.region_id && !self.default_only.contains(&it.resource_name.as_str())
        })
    }

    fn effective(&self, registered: &BTreeMap<String, RegisteredLimit>, rows: &[Limit]) -> Limits {
        let defaults: Limits = registered.iter().map(|(key, it)| (key.clone(), it.default_limit)).collect();
        let rows = rows.iter().filter(|it| self.counts(registered, it));
        over(&defaults, rows.map(|it| (self.key(&it.resource_name), it.resource_limit)).collect())
    }

    /// Why limits were not made. Those that were deleted to be made anew get their value back.
    async fn not_made(
        &self,
        project_id: &str,
        why: Error,
        replaced: &[Limit],
        registered: &BTreeMap<String, RegisteredLimit>,
        blind: bool,
    ) -> Error {
        let back = |row: &Limit| {
            let of = registered.get(&self.key(&row.resource_name))?;
            Some(new_limit(of, project_id, row.resource_limit))
        };
        let back: Vec<NewLimit> = replaced.iter().filter_map(back).collect();
        if !back.is_empty()
            && let Err(other) = self.quotas.cloud.unified_limits().create(&back).await
        {
            tracing::warn!(target: "tenancy::http", why = %other, "limits that were to be replaced have their defaults");
        }
        match why.status() {
            Some(409) if blind => self.unseen(project_id),
            // Keystone 30 answers 400 for a project that is gone.
            Some(400 | 404) => match self.quotas.cloud.projects().get_opt(project_id).await {
                Ok(None) => unknown("project", project_id, None),
                _ => why,
            },
            _ => why,
        }
    }

    fn unseen(&self, project_id: &str) -> Error {
        Error::Unseen {
            what: format!("the limits that Keystone keeps of {} for project {project_id}", self.service),
            why: "with a project's token Keystone shows the limits of that project only, and the account may not log \
                  in for the system. Give it a role on the system"
                .into(),
        }
    }

    fn key(&self, resource: &str) -> String {
        let known = self.names.iter().find(|(_, it)| *it == resource);
        known.map_or(resource, |(key, _)| key).to_owned()
    }

    fn resource<'k>(&self, key: &'k str) -> &'k str {
        self.names.iter().find(|(it, _)| *it == key).map_or(key, |(_, resource)| resource)
    }
}

fn new_limit(of: &RegisteredLimit, project_id: &str, value: i64) -> NewLimit {
    NewLimit {
        service_id: of.service_id.clone(),
        region_id: of.region_id.clone(),
        resource_name: of.resource_name.clone(),
        project_id: project_id.to_owned(),
        resource_limit: value,
    }
}
