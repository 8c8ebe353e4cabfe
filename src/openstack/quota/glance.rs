//! Glance: its quotas are limits that Keystone keeps. Those that aren't registered there are not enforced.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::unified::Unified;
use super::{Api, Limits, QuotaService, Quotas, Usage, Usages};
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

    /// How many images a project has, and how many bytes they are.
    async fn count(&self, project_id: &str) -> Result<(i64, i64)> {
        let (mut images, mut bytes) = (0, 0);
        let mut marker: Option<String> = None;
        loop {
            let call = Call::get(Service::Image, "/images")
                .query("owner", project_id)
                .query("visibility", "all")
                .query("limit", PAGE.to_string())
                .queries(marker.take().map(|it| ("marker", it)))
                .doing(format!("count the images of project {project_id}"));
            let reply = self.0.cloud.send(call).await?;
            let body: Value = reply.json()?;
            let rows = body["images"].as_array().ok_or_else(|| reply.odd("it has no list `images`"))?;
            for row in rows.iter().filter(|it| it["owner"] == project_id) {
                images += 1;
                bytes += row["size"].as_i64().unwrap_or_default();
            }
            marker = rows.last().and_then(|it| it["id"].as_str()).map(str::to_owned);
            if !body["next"].is_string() || marker.is_none() {
                return Ok((images, bytes));
            }
        }
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
        let (images, bytes) = self.count(project_id).await?;
        let usage = |(key, limit): (String, i64)| {
            let in_use = match key.as_str() {
                "image_count_total" => Some(images),
                "image_size_total" => Some(bytes / (1 << 20)),
                _ => None,
            };
            (key, Usage { limit, in_use, reserved: None })
        };
        Ok(limits.into_iter().map(usage).collect())
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
