//! Glance: its quotas are limits that Keystone keeps. Those that aren't registered there are not enforced.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::unified::Unified;
use super::{Api, Counts, Limits, QuotaService, Quotas, Usages, counted};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Call;
use crate::openstack::error::Result;

/// What Glance asks Keystone for. Sizes are in MiB.
const NAMES: [(&str, &str); 4] = [
    ("image_count_total", "image_count_total"),
    ("image_count_uploading", "image_count_uploading"),
    ("image_size_total", "image_size_total"),
    ("image_stage_total", "image_stage_total"),
];
const PAGE: usize = 1000;

pub(super) struct Glance<'a>(pub Quotas<'a>);

impl Glance<'_> {
    fn unified(&self) -> Unified<'_> {
        Unified { quotas: self.0, service: QuotaService::Image, names: &NAMES, default_only: &[] }
    }

    /// How many images projects have, and how large these are together: these projects, of what one or all have.
    async fn count(
        &self,
        of: Option<&str>,
        project_ids: impl Iterator<Item = &String>,
    ) -> Result<BTreeMap<String, Counts>> {
        let whose = of.map_or_else(|| "all projects".to_owned(), |id| format!("project {id}"));
        let mut all: BTreeMap<String, (i64, i64)> = project_ids.map(|id| (id.clone(), (0, 0))).collect();
        let mut marker: Option<String> = None;
        loop {
            let call = Call::get(Service::Image, "/images")
                .queries(of.map(|id| ("owner", id)))
                .query("visibility", "all")
                .query("limit", PAGE.to_string())
                .queries(marker.take().map(|it| ("marker", it)))
                .doing(format!("count the images of {whose}"));
            let reply = self.0.cloud.send(call).await?;
            let body: Value = reply.json()?;
            let rows = body["images"].as_array().ok_or_else(|| reply.odd("it has no list `images`"))?;
            for row in rows {
                if let Some((images, bytes)) = row["owner"].as_str().and_then(|it| all.get_mut(it)) {
                    *images += 1;
                    *bytes += row["size"].as_i64().unwrap_or_default();
                }
            }
            marker = rows.last().and_then(|it| it["id"].as_str()).map(str::to_owned);
            if !body["next"].is_string() || marker.is_none() {
                break;
            }
        }
        let counts = |(images, bytes)| {
            Counts::from([("image_count_total", images), ("image_size_total", bytes / (1 << 20))])
        };
        Ok(all.into_iter().map(|(id, it)| (id, counts(it))).collect())
    }
}

impl Api for Glance<'_> {
    async fn defaults(&self) -> Result<Limits> {
        self.unified().defaults().await
    }

    async fn list(&self) -> Result<Option<BTreeMap<String, Limits>>> {
        self.unified().list().await
    }

    async fn limits(&self, project_id: &str) -> Result<Limits> {
        self.unified().limits(project_id).await
    }

    /// Glance tells its use to members of the project only: images are counted. What is being uploaded isn't known.
    async fn usage(&self, project_id: &str) -> Result<Usages> {
        let limits = self.limits(project_id).await?;
        let project_id = project_id.to_owned();
        let mut all = self.count(Some(&project_id), std::iter::once(&project_id)).await?;
        Ok(counted(limits, &all.remove(&project_id).unwrap_or_default()))
    }

    /// An account that may not see all images sees as many of another project's either way.
    async fn count_all(&self, project_ids: &BTreeSet<String>) -> Result<Option<BTreeMap<String, Counts>>> {
        self.count(None, project_ids.iter()).await.map(Some)
    }

    async fn put(&self, project_id: &str, limits: &Limits, _force: bool) -> Result<Limits> {
        self.unified().put(project_id, limits).await
    }

    async fn reset(&self, project_id: &str, keys: &BTreeSet<String>) -> Result<()> {
        self.unified().reset(project_id, keys).await
    }

    async fn put_defaults(&self, limits: &Limits) -> Result<Limits> {
        self.unified().put_defaults(limits).await
    }
}
