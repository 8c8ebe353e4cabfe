//! Gnocchi's measures of Ceilometer's metrics: how much there was, as fine as it was sampled and is kept.
//!
//! A measure is the mean over a time that the archive policy sets, its granularity. A resource that was sampled in
//! it counts for all of it, and measures at the edges of the window for their part of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use bigdecimal::{BigDecimal, ToPrimitive};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::amount::Unit;
use super::collect::Start;
use super::engine::{Look, amount, asked, counts, decimal, time};
use super::query::Query;
use super::report::{Completeness, Report};
use super::sample::{Grade, Sample, UsageService};
use super::window::Window;
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::{Error, Result};

/// A window is read in parts of this length, so that a reply stays small.
const PART: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A resource's id as its service has it. Gnocchi's own `id` is another if that is no UUID.
const ID: &str = "original_resource_id";
/// The granularity that is wanted most.
const HOUR: u64 = 3600;

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

#[derive(Deserialize)]
struct Policy {
    definition: Vec<Definition>,
}

#[derive(Deserialize)]
struct Definition {
    granularity: String,
    timespan: String,
}

/// The measures of one group of resources.
#[derive(Deserialize)]
struct Group<'a> {
    #[serde(borrow)]
    group: BTreeMap<&'a str, Option<Cow<'a, str>>>,
    #[serde(borrow)]
    measures: Measures<'a>,
}

#[derive(Deserialize)]
struct Measures<'a> {
    #[serde(borrow)]
    measures: Aggregated<'a>,
}

#[derive(Deserialize)]
struct Aggregated<'a> {
    /// When it begins, how many seconds it is for, and the value.
    #[serde(borrow, default)]
    aggregated: Vec<(Cow<'a, str>, f64, Option<serde_json::Number>)>,
}

/// What was measured of a group.
#[derive(Clone, Debug, Default)]
struct Sum {
    /// Quantity x microseconds, in the metric's own unit.
    amount: BigDecimal,
    /// Microseconds that have a measure.
    micros: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// A group's attributes, without those that it has no value of.
type Key = BTreeMap<String, String>;

/// Reads what Gnocchi keeps.
pub(super) async fn read(query: &Query, mut start: Start, looks: Vec<Look>) -> Result<Report> {
    let window = start.window;
    let mut measured = BTreeSet::new();
    let mut coarse = BTreeSet::new();
    let mut short = false;
    let mut samples: BTreeMap<(UsageService, String), Sample> = BTreeMap::new();
    for look in &looks {
        let types: Vec<ResourceType> =
            get(&look.cloud, "/v1/resource_type", "read Gnocchi's resource types").await?;
        let types: BTreeMap<_, _> = types.into_iter().map(|it| (it.name, it.attributes)).collect();
        let policies: Vec<Policy> =
            get(&look.cloud, "/v1/archive_policy", "read Gnocchi's archive policies").await?;
        let age = start.observed_at.duration_since(window.start());
        for metric in METRICS.iter().filter(|it| asked(query, it.unit.service())) {
            let Some(attributes) = types.get(metric.resource) else { continue };
            let groups = groups(metric, attributes, query.detail);
            let Some((found, granularity)) =
                sums(look, metric, &groups, window, &granularities(&policies, age)).await?
            else {
                continue;
            };
            measured.insert(metric.unit);
            if granularity.seconds > HOUR {
                coarse.insert(format!("{} ({} s)", metric.name, granularity.seconds));
            }
            short |= !granularity.kept;
            for (key, sum) in found {
                add(query, &mut start, metric, &key, &sum, &mut samples);
            }
        }
    }
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
            "The window begins longer ago than the archive policies of Gnocchi keep measures: its oldest part may \
             be missing."
                .into(),
        );
    }
    Ok(start.tally.finish())
}

async fn get<T: serde::de::DeserializeOwned>(cloud: &Cloud, route: &'static str, doing: &str) -> Result<T> {
    cloud.fetch(Call::get(Service::Metric, route).doing(doing)).await
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

/// A granularity to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Granularity {
    seconds: u64,
    /// Whether it is kept for as long as the window is ago, by all policies that have it.
    kept: bool,
}

/// The granularities there are, the one that serves best first: an hour, then the next finer, then coarser ones.
/// Those that aren't kept for long enough come last.
fn granularities(policies: &[Policy], age: SignedDuration) -> Vec<Granularity> {
    let mut kept: BTreeMap<u64, u64> = BTreeMap::new();
    for it in policies.iter().flat_map(|it| &it.definition) {
        if let (Some(seconds), Some(span)) = (seconds(&it.granularity), seconds(&it.timespan)) {
            let least = kept.entry(seconds).or_insert(span);
            *least = span.min(*least);
        }
    }
    let age = u64::try_from(age.as_secs()).unwrap_or(0);
    let mut all: Vec<_> =
        kept.into_iter().map(|(seconds, span)| Granularity { seconds, kept: span >= age }).collect();
    all.sort_by_key(|it| (!it.kept, it.seconds > HOUR, it.seconds.abs_diff(HOUR)));
    all
}

/// `30 days, 0:05:00` in seconds. What is finer than a second is none.
fn seconds(text: &str) -> Option<u64> {
    let (days, clock) = match text.split_once(", ") {
        Some((days, clock)) => (days.split(' ').next()?.parse::<u64>().ok()?, clock),
        None => (0, text),
    };
    let parts: Vec<u64> = clock.split(':').map(|it| it.parse().ok()).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = parts[..] else { return None };
    Some(days * 86_400 + hours * 3600 + minutes * 60 + seconds).filter(|it| *it > 0)
}

/// What was measured, by group. `None`: nobody has such a metric.
async fn sums(
    look: &Look,
    metric: &Metric,
    groups: &[&str],
    window: Window,
    granularities: &[Granularity],
) -> Result<Option<(BTreeMap<Key, Sum>, Granularity)>> {
    'granularity: for granularity in granularities {
        let mut sums = BTreeMap::new();
        let mut from = window.start();
        while from < window.end() {
            let to = from.saturating_add(PART).unwrap_or(window.end()).min(window.end());
            let Ok(part) = Window::new(from, to) else { break };
            let call = aggregates(look, metric, groups, part, granularity.seconds);
            let reply = match look.cloud.send(call).await {
                Ok(reply) => reply,
                // No resource has the metric.
                Err(why) if why.status() == Some(404) && said(&why, "does not exist") => return Ok(None),
                Err(why) if why.status() == Some(400) && said(&why, "ranularit") => continue 'granularity,
                Err(why) => return Err(why),
            };
            let found: Vec<Group<'_>> =
                serde_json::from_slice(&reply.body).map_err(|why| reply.odd(why.to_string()))?;
            for it in found {
                let key =
                    it.group.into_iter().filter_map(|(key, it)| Some((key.to_owned(), it?.into_owned())));
                let sum: &mut Sum = sums.entry(key.collect()).or_default();
                for (begin, length, value) in it.measures.measures.aggregated {
                    let begin = time(&begin).ok_or_else(|| reply.odd(format!("\"{begin}\" is no time")))?;
                    let end = begin.saturating_add(SignedDuration::from_secs_f64(length)).unwrap_or(to);
                    sum.add(part, begin, end, value.as_ref());
                }
            }
            from = to;
        }
        return Ok(Some((sums, *granularity)));
    }
    Ok(None)
}

impl Sum {
    fn add(&mut self, part: Window, begin: Timestamp, end: Timestamp, value: Option<&serde_json::Number>) {
        let (Some(value), micros) = (value, part.overlap(begin, Some(end))) else { return };
        self.amount += decimal(value) * BigDecimal::from(micros);
        self.micros += micros;
        let (begin, end) = (begin.max(part.start()), end.min(part.end()));
        self.first = Some(self.first.map_or(begin, |it| it.min(begin)));
        self.last = Some(self.last.map_or(end, |it| it.max(end)));
    }
}

fn said(why: &Error, words: &str) -> bool {
    why.to_string().contains(words)
}

fn aggregates(look: &Look, metric: &Metric, groups: &[&str], part: Window, granularity: u64) -> Call {
    let mean = json!(["metric", metric.name, "mean"]);
    // Gnocchi 4.7: `aggregate count` is an error 500. A value by itself is 1, and where there is none, there is none.
    let values = if metric.words.is_empty() { json!(["/", mean, mean]) } else { mean };
    let ended = json!({"or": [
        {"=": {"ended_at": null}},
        {">=": {"ended_at": part.start().to_string()}},
    ]});
    let search = match look.projects.as_slice() {
        [] => ended,
        ids => json!({"and": [{"in": {"project_id": ids}}, ended]}),
    };
    let body = json!({
        "operations": ["aggregate", "sum", values],
        "resource_type": metric.resource,
        "search": search,
    });
    Call::post(Service::Metric, "/v1/aggregates", body)
        .doing(format!("read the measures of {} from Gnocchi", metric.name))
        .query("start", part.start().to_string())
        .query("stop", part.end().to_string())
        .query("granularity", granularity.to_string())
        .queries(groups.iter().map(|it| ("groupby", (*it).to_owned())))
}

/// Counts what was measured of a group, and with details of a resource.
fn add(
    query: &Query,
    start: &mut Start,
    metric: &Metric,
    key: &Key,
    sum: &Sum,
    samples: &mut BTreeMap<(UsageService, String), Sample>,
) {
    let has = |name: &str| key.get(name).map(String::as_str).unwrap_or_default();
    let project_id = has("project_id");
    let (Some(first), Some(last)) = (sum.first, sum.last) else { return };
    if !counts(query, start, project_id) {
        return;
    }
    let whole = amount(metric.unit, &sum.amount, metric.words, 1);
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
        state: String::new(),
        grade: Grade::Sampled,
        traits: BTreeMap::new(),
        server: None,
    });
    sample.started_at = sample.started_at.min(first);
    sample.ended_at = sample.ended_at.max(Some(last));
    // The mean over the time that it was there: of what grew, in whole numbers.
    let mean = BigDecimal::from(whole) / BigDecimal::from(sample.overlap.max(1));
    let mean = mean.round(0).to_u64().unwrap_or(u64::MAX);
    match sample.quantities.iter_mut().find(|it| it.0 == metric.unit) {
        // Root and ephemeral disk.
        Some(held) => held.1 = held.1.saturating_add(mean),
        None => sample.quantities.push((metric.unit, mean)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(definitions: &[(&str, &str)]) -> Policy {
        let definition = definitions
            .iter()
            .map(|(granularity, timespan)| Definition {
                granularity: (*granularity).into(),
                timespan: (*timespan).into(),
            })
            .collect();
        Policy { definition }
    }

    #[test]
    fn the_best_granularity_comes_first() {
        let policies = [
            policy(&[
                ("0:00:01", "1:00:00"),
                ("0:01:00", "7 days, 0:00:00"),
                ("1:00:00", "365 days, 0:00:00"),
            ]),
            policy(&[("0:05:00", "30 days, 0:00:00"), ("1 day, 0:00:00", "365 days, 0:00:00")]),
        ];
        let order = |days: i64| {
            let all = granularities(&policies, SignedDuration::from_hours(24 * days));
            all.into_iter().map(|it| (it.seconds, it.kept)).collect::<Vec<_>>()
        };
        let (hour, day, five, one) = ((3600, true), (86_400, true), (300, true), (60, true));
        assert_eq!(order(3), [hour, five, one, day, (1, false)]);
        assert_eq!(order(10), [hour, five, day, (60, false), (1, false)]);
        assert_eq!(order(400)[0], (3600, false));
    }

    #[test]
    fn spans_are_read() {
        assert_eq!(seconds("1 day, 0:00:00"), Some(86_400));
        assert_eq!(seconds("0:05:00"), Some(300));
        assert_eq!(seconds("0:00:00.500000"), None);
        assert_eq!(seconds("soon"), None);
    }
}
