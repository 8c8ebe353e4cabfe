//! Gnocchi's measures of Ceilometer's metrics: how much there was, as fine as it was sampled and is kept.
//!
//! A measure is the mean over a time that the archive policy sets, its granularity. A resource that was sampled in
//! it counts for all of it, and measures at the edges of the window for their part of it.

mod measures;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use bigdecimal::{BigDecimal, ToPrimitive};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;

use self::measures::{Ask, Found, HOUR, Key, Policy, Sum, policies};
use super::amount::Unit;
use super::collect::{Start, each};
use super::engine::{Look, amount, asked, counts};
use super::query::Query;
use super::report::{Completeness, Report};
use super::sample::{Grade, Sample, UsageService};
use super::window::Window;
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::Result;

/// A resource's id as its service has it. Gnocchi's own `id` is another if that is no UUID.
const ID: &str = "original_resource_id";

/// One of Ceilometer's metrics.
struct Metric {
    /// The type of the resources that have it.
    resource: &'static str,
    name: &'static str,
    unit: Unit,
    /// The unit of its measures. Empty: what counts is that there is one, and not its value.
    words: &'static str,
    /// The attribute of the resource that totals are split by.
    kind: &'static str,
}

const fn metric(
    resource: &'static str,
    name: &'static str,
    unit: Unit,
    words: &'static str,
    kind: &'static str,
) -> Metric {
    Metric { resource, name, unit, words, kind }
}

/// What Ceilometer has of what is metered here. It writes MB and GB, and means MiB and GiB.
const METRICS: [Metric; 13] = [
    metric("instance", "vcpus", Unit::ServerHours, "", "flavor_name"),
    metric("instance", "vcpus", Unit::VcpuHours, "vcpu", "flavor_name"),
    metric("instance", "memory", Unit::RamMibHours, "MiB", "flavor_name"),
    metric("instance", "disk.root.size", Unit::LocalDiskGibHours, "GiB", "flavor_name"),
    metric("instance", "disk.ephemeral.size", Unit::LocalDiskGibHours, "GiB", "flavor_name"),
    metric("volume", "volume.size", Unit::VolumeGibHours, "GiB", "volume_type"),
    metric("volume", "volume.snapshot.size", Unit::SnapshotGibHours, "GiB", ""),
    metric("volume", "volume.backup.size", Unit::BackupGibHours, "GiB", ""),
    metric("image", "image.size", Unit::ImageGibHours, "B", ""),
    metric("network", "ip.floating", Unit::FloatingIpHours, "", ""),
    metric("loadbalancer", "network.services.lb.loadbalancer", Unit::LoadBalancerHours, "", ""),
    metric("swift_account", "storage.objects.size", Unit::ObjectStoreGibHours, "B", ""),
    metric("ceph_account", "radosgw.objects.size", Unit::ObjectStoreGibHours, "B", ""),
];

#[derive(Deserialize)]
struct ResourceType {
    name: String,
    #[serde(default)]
    attributes: BTreeMap<String, Value>,
}

/// What Gnocchi is like, the same for everybody.
#[derive(Default)]
struct Setup {
    /// The types of resources, with their attributes.
    types: BTreeMap<String, BTreeMap<String, Value>>,
    policies: Vec<Policy>,
}

/// What was read so far.
struct Reading<'a> {
    query: &'a Query,
    start: Start,
    measured: BTreeSet<Unit>,
    coarse: BTreeSet<String>,
    short: bool,
    samples: BTreeMap<(UsageService, String), Sample>,
}

/// Reads what Gnocchi keeps.
pub(super) async fn read(query: &Query, start: Start, looks: Vec<Look>) -> Result<Report> {
    let (window, age) = (start.window, start.observed_at.duration_since(start.window.start()));
    let setup = match looks.first() {
        Some(look) => setup(&look.cloud).await?,
        None => Setup::default(),
    };
    let reading = Mutex::new(Reading {
        query,
        start,
        measured: BTreeSet::new(),
        coarse: BTreeSet::new(),
        short: false,
        samples: BTreeMap::new(),
    });
    each(looks.iter().map(|it| see(query, &setup, it, window, age, &reading)).collect()).await?;
    Ok(reading.into_inner().unwrap_or_else(PoisonError::into_inner).finish())
}

async fn setup(cloud: &Cloud) -> Result<Setup> {
    let call = Call::get(Service::Metric, "/v1/resource_type").doing("read Gnocchi's resource types");
    let types: Vec<ResourceType> = cloud.fetch(call).await?;
    let types = types.into_iter().map(|it| (it.name, it.attributes)).collect();
    Ok(Setup { types, policies: policies(cloud).await? })
}

/// Reads all metrics that a token shows.
async fn see(
    query: &Query,
    setup: &Setup,
    look: &Look,
    window: Window,
    age: SignedDuration,
    reading: &Mutex<Reading<'_>>,
) -> Result<()> {
    let mut last: Option<(&str, Option<Found>)> = None;
    for metric in METRICS.iter().filter(|it| asked(query, it.unit.service())) {
        let Some(attributes) = setup.types.get(metric.resource) else { continue };
        // The measures of single resources tell how many there are, too.
        let again = query.detail && last.as_ref().is_some_and(|(name, _)| *name == metric.name);
        if !again {
            let groups = groups(metric, attributes, query.detail);
            let ask = Ask { look, metric, groups, window, policies: &setup.policies, age };
            last = Some((metric.name, ask.read().await?));
        }
        if let Some((_, Some(found))) = &last {
            reading.lock().unwrap_or_else(PoisonError::into_inner).take(metric, found);
        }
    }
    Ok(())
}

/// What measures are grouped by.
fn groups(metric: &Metric, attributes: &BTreeMap<String, Value>, detail: bool) -> Vec<&'static str> {
    let mut groups = vec!["project_id"];
    let known = |it: &&&str| attributes.contains_key(**it);
    groups.extend([metric.kind].iter().filter(known));
    if detail {
        groups.extend([ID, "user_id"]);
        groups.extend(["display_name", "name"].iter().filter(known).take(1));
    }
    groups
}

impl Reading<'_> {
    fn take(&mut self, metric: &Metric, found: &Found) {
        self.measured.insert(metric.unit);
        for it in &found.granularities {
            if it.seconds > HOUR {
                self.coarse.insert(format!("{} ({} s)", metric.name, it.seconds));
            }
            self.short |= !it.kept;
        }
        for (key, sum) in &found.sums {
            self.add(metric, key, sum);
        }
    }

    /// Counts what was measured of a group, and with details of a resource.
    fn add(&mut self, metric: &Metric, key: &Key, sum: &Sum) {
        let Self { query, start, samples, .. } = self;
        let has = |name: &str| key.get(name).map(String::as_str).unwrap_or_default();
        let project_id = has("project_id");
        let (Some(first), Some(last)) = (sum.first, sum.last) else { return };
        if !counts(query, start, project_id) {
            return;
        }
        let whole = match metric.words.is_empty() && query.detail {
            true => sum.present.into(),
            false => amount(metric.unit, &sum.amount, metric.words, 1),
        };
        let kind = has(metric.kind);
        let project = start.tally.report().projects.entry(project_id.to_owned()).or_default();
        project.totals.add(metric.unit, kind, whole);
        if !query.detail {
            return;
        }
        let service = metric.unit.service();
        let sample = samples.entry((service, has(ID).to_owned())).or_insert_with(|| Sample {
            service,
            resource_id: has(ID).to_owned(),
            resource_name: [has("display_name"), has("name")].concat(),
            project_id: project_id.to_owned(),
            user_id: Some(has("user_id").to_owned()).filter(|it| !it.is_empty()),
            kind: kind.to_owned(),
            started_at: first,
            ended_at: Some(last),
            overlap: sum.micros,
            quantities: Vec::new(),
            measured: BTreeMap::new(),
            rated: None,
            state: String::new(),
            grade: Grade::Sampled,
            traits: BTreeMap::new(),
            server: None,
        });
        sample.started_at = sample.started_at.min(first);
        sample.ended_at = sample.ended_at.max(Some(last));
        sample.overlap = sample.overlap.max(sum.micros);
        // The mean over the time that it was measured: of what grew, in whole numbers.
        let mean = BigDecimal::from(whole) / BigDecimal::from(sum.micros.max(1));
        let mean = mean.round(0).to_u64().unwrap_or(u64::MAX);
        match sample.quantities.iter_mut().find(|it| it.0 == metric.unit) {
            // Root and ephemeral disk.
            Some(held) => held.1 = held.1.saturating_add(mean),
            None => sample.quantities.push((metric.unit, mean)),
        }
        *sample.measured.entry(metric.unit).or_default() += whole;
    }

    fn finish(self) -> Report {
        let Self { query, mut start, measured, coarse, short, samples } = self;
        start.tally.report().samples = samples.into_values().collect();
        for service in UsageService::ALL.into_iter().filter(|it| asked(query, *it)) {
            if measured.iter().any(|it| it.service() == service) {
                let it = Completeness { grade: Grade::Sampled, observed_at: start.observed_at };
                start.tally.complete_all(service, it);
            } else if query.services.is_some() {
                start.tally.remark(format!("{service}: Gnocchi has no such metric of Ceilometer's."));
            }
        }
        start.tally.report().units = measured;
        if !coarse.is_empty() {
            let all: Vec<_> = coarse.into_iter().collect();
            start.tally.remark(format!("Gnocchi keeps nothing finer than this: {}.", all.join(", ")));
        }
        if short {
            start.tally.remark(
                "The window begins longer ago than the archive policies of Gnocchi keep measures: its oldest part \
                 may be missing."
                    .into(),
            );
        }
        start.tally.finish()
    }
}
