//! Reads the measures of a metric, as fine as serves best.
//!
//! Gnocchi adds up what has a granularity in common. Metrics of one name may have archive policies that have none: those
//! are read policy by policy, the resources of each by their ids.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use bigdecimal::{BigDecimal, Zero};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::{ID, Metric};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::{Error, Result};
use crate::openstack::usage::engine::{Look, decimal, time};
use crate::openstack::usage::window::Window;

/// A window is read in parts of this length, so that a reply stays small.
const PART: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The granularity that is wanted most.
pub(super) const HOUR: u64 = 3600;
/// So many metrics are listed at once.
const LISTED: usize = 1000;
/// So many resources are named in a request.
const IDS: usize = 500;

#[derive(Deserialize)]
pub(super) struct Policy {
    name: String,
    definition: Vec<Definition>,
}

#[derive(Deserialize)]
struct Definition {
    granularity: String,
    /// How long measures are kept; `None`: for ever.
    timespan: Option<String>,
}

/// A metric of one resource.
#[derive(Deserialize)]
struct Kept {
    id: String,
    /// `None`: of no resource, and so of no project.
    resource_id: Option<String>,
    #[serde(alias = "archive_policy_name")]
    archive_policy: PolicyOf,
}

/// Gnocchi 4.7 has the policy itself in a list of metrics, where its documentation has the name.
#[derive(Deserialize)]
#[serde(untagged)]
enum PolicyOf {
    Itself { name: String },
    Name(String),
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
pub(super) struct Sum {
    /// Quantity x microseconds, in the metric's own unit.
    pub amount: BigDecimal,
    /// Microseconds that have a measure.
    pub micros: u64,
    /// Those of them whose measure is not 0: of a single resource, how long it was there.
    pub present: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

/// A group's attributes, without those that it has no value of.
pub(super) type Key = BTreeMap<String, String>;
pub(super) type Sums = BTreeMap<Key, Sum>;

/// What was measured, and how finely.
#[derive(Default)]
pub(super) struct Found {
    pub sums: Sums,
    pub granularities: Vec<Granularity>,
}

/// How one granularity went.
enum Outcome {
    Read,
    /// No resource has the metric.
    Nothing,
    /// Not all resources have the granularity.
    Uneven(Error),
}

/// What is asked for.
pub(super) struct Ask<'a> {
    pub look: &'a Look,
    pub metric: &'a Metric,
    /// What measures are grouped by.
    pub groups: Vec<&'static str>,
    pub window: Window,
    pub policies: &'a [Policy],
    /// How long ago the window begins.
    pub age: SignedDuration,
}

impl Ask<'_> {
    /// What was measured, by group. `None`: nobody has such a metric.
    pub async fn read(&self) -> Result<Option<Found>> {
        for granularity in granularities(self.policies, self.age) {
            let mut sums = Sums::new();
            match self.sum(granularity.seconds, None, &mut sums).await? {
                Outcome::Read => return Ok(Some(Found { sums, granularities: vec![granularity] })),
                Outcome::Nothing => return Ok(None),
                Outcome::Uneven(_) => {}
            }
        }
        self.by_policy().await
    }

    /// Reads the resources of each archive policy with a granularity of its own.
    async fn by_policy(&self) -> Result<Option<Found>> {
        let mut found = Found::default();
        for (name, resources) in self.resources().await? {
            let policy = self.policies.iter().find(|it| it.name == name);
            let best = policy.and_then(|it| granularities([it], self.age).first().copied());
            let Some(granularity) = best else {
                return Err(self.incomplete(format!(
                    "some are kept by the archive policy {name}, which has no granularity of a second or more"
                )));
            };
            let mut read = false;
            for ids in resources.chunks(IDS) {
                match self.sum(granularity.seconds, Some(ids), &mut found.sums).await? {
                    Outcome::Read => read = true,
                    Outcome::Nothing => {}
                    Outcome::Uneven(why) => return Err(why),
                }
            }
            found.granularities.extend(read.then_some(granularity));
        }
        Ok((!found.granularities.is_empty()).then_some(found))
    }

    /// Ids of the resources that have the metric, by its archive policy.
    async fn resources(&self) -> Result<BTreeMap<String, Vec<String>>> {
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut markers = HashSet::new();
        let mut marker: Option<String> = None;
        loop {
            let call = Call::get(Service::Metric, "/v1/metric")
                .doing(format!("list the metrics {} of Gnocchi", self.metric.name))
                .query("name", self.metric.name)
                .query("limit", LISTED.to_string())
                .queries(marker.iter().map(|it| ("marker", it.clone())));
            // Gnocchi may give fewer than it is asked for, so that only an empty page is the end.
            let page: Vec<Kept> = self.look.cloud.fetch(call).await?;
            let Some(last) = page.last().map(|it| it.id.clone()) else { return Ok(found) };
            for it in page {
                let (PolicyOf::Itself { name } | PolicyOf::Name(name)) = it.archive_policy;
                found.entry(name).or_default().extend(it.resource_id);
            }
            if !markers.insert(last.clone()) {
                return Err(self.incomplete("Gnocchi lists the same metrics again and again".into()));
            }
            marker = Some(last);
        }
    }

    fn incomplete(&self, why: String) -> Error {
        Error::Truncated { what: format!("measures of {}", self.metric.name), why }
    }

    /// Adds up what was measured of all resources, or of these.
    async fn sum(&self, granularity: u64, ids: Option<&[String]>, sums: &mut Sums) -> Result<Outcome> {
        let mut outcome = Outcome::Nothing;
        for part in parts(self.window) {
            let reply = match self.look.cloud.send(self.aggregates(part, granularity, ids)).await {
                Ok(reply) => reply,
                // No resource that was there in this part has the metric.
                Err(why) if why.status() == Some(404) && said(&why, "does not exist") => continue,
                Err(why) if why.status() == Some(400) && said(&why, "ranularit") => {
                    return Ok(Outcome::Uneven(why));
                }
                Err(why) => return Err(why),
            };
            outcome = Outcome::Read;
            let found: Vec<Group<'_>> =
                serde_json::from_slice(&reply.body).map_err(|why| reply.odd(why.to_string()))?;
            for it in found {
                let key =
                    it.group.into_iter().filter_map(|(key, it)| Some((key.to_owned(), it?.into_owned())));
                let sum = sums.entry(key.collect()).or_default();
                for (begin, length, value) in it.measures.measures.aggregated {
                    let begin = time(&begin).ok_or_else(|| reply.odd(format!("\"{begin}\" is no time")))?;
                    let length = SignedDuration::from_secs_f64(length);
                    let end = begin.saturating_add(length).unwrap_or(part.end());
                    sum.add(part, begin, end, value.as_ref());
                }
            }
        }
        Ok(outcome)
    }

    fn aggregates(&self, part: Window, granularity: u64, ids: Option<&[String]>) -> Call {
        let mean = json!(["metric", self.metric.name, "mean"]);
        // Of single resources it is told by their measures. Gnocchi 4.7: `aggregate count` is an error 500. A value by
        // itself is 1, and where there is none, there is none.
        let counts = self.metric.words.is_empty() && !self.groups.contains(&ID);
        let values = if counts { json!(["/", mean, mean]) } else { mean };
        let mut search = vec![json!({"or": [
            {"=": {"ended_at": null}},
            {">=": {"ended_at": part.start().to_string()}},
        ]})];
        if !self.look.projects.is_empty() {
            search.push(json!({"in": {"project_id": self.look.projects}}));
        }
        search.extend(ids.map(|ids| json!({"in": {"id": ids}})));
        let body = json!({
            "operations": ["aggregate", "sum", values],
            "resource_type": self.metric.resource,
            "search": {"and": search},
        });
        Call::post(Service::Metric, "/v1/aggregates", body)
            .doing(format!("read the measures of {} from Gnocchi", self.metric.name))
            .query("start", part.start().to_string())
            .query("stop", part.end().to_string())
            .query("granularity", granularity.to_string())
            .queries(self.groups.iter().map(|it| ("groupby", (*it).to_owned())))
    }
}

pub(super) async fn policies(cloud: &Cloud) -> Result<Vec<Policy>> {
    cloud
        .fetch(Call::get(Service::Metric, "/v1/archive_policy").doing("read Gnocchi's archive policies"))
        .await
}

fn said(why: &Error, words: &str) -> bool {
    why.to_string().contains(words)
}

/// A window in parts that follow each other.
fn parts(window: Window) -> impl Iterator<Item = Window> {
    let from = move |start: Timestamp| {
        let end = start.saturating_add(PART).unwrap_or(window.end()).min(window.end());
        Window::new(start, end).ok()
    };
    std::iter::successors(from(window.start()), move |it| from(it.end()))
}

impl Sum {
    fn add(&mut self, part: Window, begin: Timestamp, end: Timestamp, value: Option<&serde_json::Number>) {
        let (Some(value), micros) = (value.map(decimal), part.overlap(begin, Some(end))) else { return };
        if !value.is_zero() {
            self.present += micros;
        }
        self.amount += value * BigDecimal::from(micros);
        self.micros += micros;
        let (begin, end) = (begin.max(part.start()), end.min(part.end()));
        self.first = Some(self.first.map_or(begin, |it| it.min(begin)));
        self.last = Some(self.last.map_or(end, |it| it.max(end)));
    }
}

/// A granularity to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Granularity {
    pub seconds: u64,
    /// Whether it is kept for as long as the window is ago, by all policies that have it.
    pub kept: bool,
}

/// The granularities there are, the one that serves best first: an hour, then the next finer, then coarser ones.
/// Those that aren't kept for long enough come last.
fn granularities<'a>(
    policies: impl IntoIterator<Item = &'a Policy>,
    age: SignedDuration,
) -> Vec<Granularity> {
    let mut kept: BTreeMap<u64, u64> = BTreeMap::new();
    for it in policies.into_iter().flat_map(|it| &it.definition) {
        let span = it.timespan.as_deref().map_or(Some(u64::MAX), seconds);
        if let (Some(seconds), Some(span)) = (seconds(&it.granularity), span) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(definitions: &[(&str, &str)]) -> Policy {
        let definition = definitions
            .iter()
            .map(|(granularity, timespan)| Definition {
                granularity: (*granularity).into(),
                timespan: Some(*timespan).filter(|it| !it.is_empty()).map(str::to_owned),
            })
            .collect();
        Policy { name: "p".into(), definition }
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
        let for_ever = granularities(&[policy(&[("1:00:00", "")])], SignedDuration::from_hours(100_000));
        assert_eq!(for_ever, [Granularity { seconds: 3600, kept: true }]);
    }

    #[test]
    fn spans_are_read() {
        assert_eq!(seconds("1 day, 0:00:00"), Some(86_400));
        assert_eq!(seconds("0:05:00"), Some(300));
        assert_eq!(seconds("0:00:00.500000"), None);
        assert_eq!(seconds("soon"), None);
    }
}
