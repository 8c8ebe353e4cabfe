//! CloudKitty's summaries and data frames: what was used, and what it costs.
//!
//! A data frame is the usage of one period, an hour by default, of one resource; its quantity holds for the whole
//! period. A period counts for the window in which it begins.

use std::collections::{BTreeMap, BTreeSet};

use bigdecimal::{BigDecimal, ToPrimitive};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Number, Value};

use super::amount::Unit;
use super::collect::{Start, each, few};
use super::engine::{Look, amount, asked, counts, decimal, meaning, time};
use super::prices::rounded;
use super::query::Query;
use super::report::{Completeness, OtherCharge, Report};
use super::sample::{Grade, Sample};
use super::window::Window;
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::{Error, Result};

/// So many rows are asked for at once. CloudKitty computes all of them for each page, so pages are large.
const ROWS: usize = 5000;
/// So many data points are asked for at once.
const POINTS: usize = 1000;
/// So many scopes are asked for at once.
const SCOPES: usize = 1000;
/// What CloudKitty reads at once, unless its `period` says otherwise.
const PERIOD: u64 = 3_600_000_000;

#[derive(Deserialize)]
struct Summary {
    total: usize,
    columns: Vec<String>,
    results: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
struct Frames {
    total: usize,
    #[serde(default)]
    dataframes: Vec<Frame>,
}

#[derive(Deserialize)]
struct Frame {
    period: Period,
    usage: BTreeMap<String, Vec<Point>>,
}

#[derive(Deserialize)]
struct Period {
    begin: String,
    end: String,
}

#[derive(Deserialize)]
struct Point {
    vol: Volume,
    rating: Rating,
    #[serde(default)]
    groupby: Map<String, Value>,
    #[serde(default)]
    metadata: Map<String, Value>,
}

#[derive(Deserialize)]
struct Volume {
    #[serde(default)]
    unit: Option<String>,
    qty: Number,
}

#[derive(Deserialize)]
struct Rating {
    price: Number,
}

#[derive(Deserialize)]
struct Scopes {
    results: Vec<ScopeState>,
}

#[derive(Deserialize)]
struct ScopeState {
    scope_id: String,
    #[serde(default)]
    last_processed_timestamp: Option<String>,
}

/// What one metric of one project comes to.
struct Row {
    project_id: String,
    metric: String,
    quantity: BigDecimal,
    cost: BigDecimal,
}

/// How a metric is measured.
#[derive(Clone)]
struct Measure {
    unit: String,
    /// Microseconds.
    period: u64,
}

/// What one token shows.
struct Seen {
    rows: Vec<Row>,
    /// How far CloudKitty has come, by project. `None`: the token doesn't show it.
    processed: Option<BTreeMap<String, Timestamp>>,
    samples: Vec<Sample>,
}

/// Reads what CloudKitty rated.
pub(super) async fn read(query: &Query, mut start: Start, looks: Vec<Look>) -> Result<Report> {
    let window = start.window;
    let seen = each(looks.iter().map(|look| see(look, query, &start)).collect()).await?;
    // How a metric is measured is the same for all who have it.
    let mut shown: BTreeMap<&str, &Look> = BTreeMap::new();
    for (look, seen) in looks.iter().zip(&seen) {
        for row in &seen.rows {
            shown.entry(&row.metric).or_insert(look);
        }
    }
    let measures = shown.into_iter().map(|(metric, look)| measure(&look.cloud, window, metric));
    let measures: BTreeMap<_, _> = each(measures.collect()).await?.into_iter().collect();
    let (mut rows, mut samples) = (Vec::new(), Vec::new());
    let mut processed = BTreeMap::new();
    let mut told = true;
    for it in seen {
        rows.extend(it.rows);
        samples.extend(it.samples);
        match it.processed {
            Some(found) => processed.extend(found),
            None => told = false,
        }
    }
    let period = measures.values().map(|it| it.period).max().unwrap_or(PERIOD);
    add(query, &mut start, rows, &measures);
    start.tally.report().samples = samples;
    complete(query, &mut start, &measures, &processed, told, period);
    let aligned =
        |it: Timestamp| u64::try_from(it.as_microsecond()).is_ok_and(|it| it.is_multiple_of(period));
    if !(aligned(window.start()) && aligned(window.end())) {
        start.tally.remark(format!(
            "CloudKitty rates whole periods of {} seconds: each counts for the window in which it begins.",
            period / 1_000_000
        ));
    }
    Ok(start.tally.finish())
}

async fn see(look: &Look, query: &Query, start: &Start) -> Result<Seen> {
    let mut rows = summary(look, start.window).await?;
    // A token of one project shows all if its roles there are an administrator's.
    rows.retain(|it| {
        (look.wide || look.projects.contains(&it.project_id)) && counts(query, start, &it.project_id)
    });
    let processed = match scopes(look).await {
        Ok(found) => Some(found),
        Err(why) if why.is_forbidden() => None,
        Err(why) => return Err(why),
    };
    let samples = if query.detail { frames(look, query, start).await? } else { Vec::new() };
    Ok(Seen { rows, processed, samples })
}

/// Adds the rows to their projects.
fn add(query: &Query, start: &mut Start, rows: Vec<Row>, measures: &BTreeMap<String, Measure>) {
    let tally = &mut start.tally;
    for project in tally.report().projects.values_mut() {
        project.rated = Some(BTreeMap::new());
    }
    for Row { project_id, metric, quantity, cost } in rows {
        let Some(Measure { unit: words, period }) = measures.get(&metric) else { continue };
        let unit = meaning(&metric, words);
        if unit.map_or(query.services.is_some(), |it| !asked(query, it.service())) {
            continue;
        }
        let project = tally.report().projects.entry(project_id).or_default();
        let rated = project.rated.get_or_insert_default();
        match unit {
            Some(unit) => {
                project.totals.add(unit, "", amount(unit, &quantity, words, *period));
                *rated.entry((unit, String::new())).or_default() += cost;
            }
            None => {
                let empty = OtherCharge { quantity: 0.into(), unit: words.clone(), cost: 0.into() };
                let other = project.others.entry(metric).or_insert(empty);
                other.quantity += quantity;
                other.cost += cost;
            }
        }
    }
    // CloudKitty adds up floats: 0.1 three times is 0.30000000000000004.
    for project in tally.report().projects.values_mut() {
        let costs = project.rated.iter_mut().flat_map(BTreeMap::values_mut);
        let others = project.others.values_mut().flat_map(|it| [&mut it.cost, &mut it.quantity]);
        costs.chain(others).for_each(|it| *it = rounded(it.clone()));
    }
}

/// Says how far CloudKitty has come.
fn complete(
    query: &Query,
    start: &mut Start,
    measures: &BTreeMap<String, Measure>,
    processed: &BTreeMap<String, Timestamp>,
    told: bool,
    period: u64,
) {
    let units = measures.iter().filter_map(|(metric, it)| meaning(metric, &it.unit));
    let units: BTreeSet<_> = units.filter(|it| asked(query, it.service())).collect();
    let services: BTreeSet<_> = units.iter().map(|it| it.service()).collect();
    start.tally.report().units = units;
    let end = start.window.end();
    let mut least = end;
    let mut behind = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    for (id, project) in &mut start.tally.report().projects {
        let processed = processed.get(id).map(|it| {
            // The timestamp is where the last period began.
            let micros = it.as_microsecond().saturating_add(i64::try_from(period).unwrap_or(0));
            Timestamp::from_microsecond(micros).unwrap_or(*it)
        });
        match processed {
            Some(at) if at < end => {
                behind.insert(id.clone());
                least = least.min(at);
            }
            None if told => {
                unknown.insert(id.clone());
                // Nobody rates it, and nothing is there: that is no figure of CloudKitty's.
                if project.totals.is_empty() && project.others.is_empty() {
                    project.rated = None;
                    continue;
                }
            }
            _ => {}
        }
        let it = Completeness { grade: Grade::Rated, observed_at: processed.unwrap_or(end) };
        project.completeness.extend(services.iter().map(|service| (*service, it)));
    }
    if !behind.is_empty() {
        let whose = few(&behind);
        start
            .tally
            .remark(format!("CloudKitty has come to {least} only: later usage of {whose} is missing."));
    }
    if !unknown.is_empty() {
        start.tally.remark(format!("CloudKitty does not process {}.", few(&unknown)));
    }
    if !told {
        start.tally.remark("CloudKitty tells only administrators how far it has come.".into());
    }
}

fn list(route: &'static str, window: Window) -> Call {
    Call::get(Service::Rating, route)
        .query("begin", window.start().to_string())
        .query("end", window.end().to_string())
}

/// All metrics of all projects that a token shows.
async fn summary(look: &Look, window: Window) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut total = 1;
    while rows.len() < total {
        let mut call = list("/summary", window)
            .doing("read CloudKitty's summary")
            .query("groupby", "project_id")
            .query("groupby", "type")
            .query("limit", ROWS.to_string())
            .query("offset", rows.len().to_string());
        if look.wide {
            call = call.queries(look.projects.iter().map(|id| ("filters", format!("project_id:{id}"))));
        }
        let reply = look.cloud.send(call).await?;
        let page: Summary = reply.json()?;
        let column = |name: &str| page.columns.iter().position(|it| it == name);
        let columns = (column("project_id"), column("type"), column("qty"), column("rate"));
        let (Some(project), Some(metric), Some(quantity), Some(cost)) = columns else {
            if page.results.is_empty() && page.total == rows.len() {
                return Ok(rows);
            }
            return Err(reply.odd("it has no columns `project_id`, `type`, `qty` and `rate`"));
        };
        for row in &page.results {
            let text = |at: usize| row.get(at).and_then(Value::as_str).map(str::to_owned);
            let number = |at: usize| row.get(at).and_then(Value::as_number).map(decimal);
            let (Some(quantity), Some(cost)) = (number(quantity), number(cost)) else {
                return Err(reply.odd("`qty` or `rate` is no number"));
            };
            rows.push(Row {
                project_id: text(project).unwrap_or_default(),
                metric: text(metric).unwrap_or_default(),
                quantity,
                cost,
            });
        }
        total = page.total;
        if page.results.is_empty() && rows.len() < total {
            return Err(cut("CloudKitty's summary", rows.len(), total));
        }
    }
    Ok(rows)
}

fn cut(what: &str, got: usize, total: usize) -> Error {
    Error::Truncated { what: what.into(), why: format!("{got} of {total} rows came") }
}

/// A metric and how it is measured, which a summary doesn't tell.
async fn measure(cloud: &Cloud, window: Window, metric: &str) -> Result<(String, Measure)> {
    let page = points(cloud, window, &[("type", metric)], 1, 0).await?;
    let frame = page.iter().flat_map(|it| &it.dataframes).next();
    let unit = frame.and_then(|it| it.usage.values().flatten().next()).and_then(|it| it.vol.unit.clone());
    let period = frame.and_then(|it| Some((time(&it.period.begin)?, time(&it.period.end)?)));
    let period = period.map(|(begin, end)| end.duration_since(begin).as_micros());
    let period = period.and_then(|it| u64::try_from(it).ok()).filter(|it| *it > 0).unwrap_or(PERIOD);
    Ok((metric.to_owned(), Measure { unit: unit.unwrap_or_default(), period }))
}

/// A page of data frames. `None`: there are none at all, which CloudKitty answers by 404.
async fn points(
    cloud: &Cloud,
    window: Window,
    filters: &[(&str, &str)],
    limit: usize,
    offset: usize,
) -> Result<Option<Frames>> {
    let filters: Vec<String> = filters.iter().map(|(key, value)| format!("{key}:{value}")).collect();
    let call = list("/dataframes", window)
        .doing("read CloudKitty's data frames")
        .query("limit", limit.to_string())
        .query("offset", offset.to_string())
        .queries((!filters.is_empty()).then(|| ("filters", filters.join(","))));
    match cloud.fetch(call).await {
        Ok(page) => Ok(Some(page)),
        Err(why) if why.is_native_404() => Ok(None),
        Err(why) => Err(why),
    }
}

/// A resource that was there from one period to another.
struct Run {
    sample: Sample,
    quantity: BigDecimal,
}

/// A sample for each resource, and as long as its quantity stays the same.
async fn frames(look: &Look, query: &Query, start: &Start) -> Result<Vec<Sample>> {
    let all: &[String] = &[String::new()];
    let mut samples = Vec::new();
    for project in if look.projects.is_empty() { all } else { &look.projects } {
        let filter = [("project_id", project.as_str())];
        let filter = if project.is_empty() { &[][..] } else { &filter };
        // By project, metric and resource. Frames come in the order of time.
        let mut runs: BTreeMap<(String, String, String), Run> = BTreeMap::new();
        let (mut seen, mut total) = (0, 1);
        while seen < total {
            let Some(page) = points(&look.cloud, start.window, filter, POINTS, seen).await? else {
                if seen > 0 {
                    return Err(cut("CloudKitty's data frames", seen, total));
                }
                break;
            };
            let before = seen;
            total = page.total;
            for frame in page.dataframes {
                let (Some(begin), Some(end)) = (time(&frame.period.begin), time(&frame.period.end)) else {
                    return Err(Error::Truncated {
                        what: "CloudKitty's data frames".into(),
                        why: format!("the period {} to {} is none", frame.period.begin, frame.period.end),
                    });
                };
                for (metric, points) in frame.usage {
                    seen += points.len();
                    let points = points.into_iter().filter_map(|it| taken(it, &metric, query, begin, end));
                    for (mut sample, quantity) in points {
                        if !counts(query, start, &sample.project_id) {
                            continue;
                        }
                        let id = (sample.project_id.clone(), metric.clone(), sample.resource_id.clone());
                        let open = runs.remove(&id);
                        match open {
                            Some(open)
                                if open.sample.ended_at == Some(begin)
                                    && open.quantity == quantity
                                    && open.sample.kind == sample.kind =>
                            {
                                sample.continue_from(&open.sample);
                            }
                            Some(open) => samples.push(open.sample),
                            None => {}
                        }
                        runs.insert(id, Run { sample, quantity });
                    }
                }
            }
            if seen == before && seen < total {
                return Err(cut("CloudKitty's data frames", seen, total));
            }
        }
        samples.extend(runs.into_values().map(|it| it.sample));
    }
    for it in &mut samples {
        it.rated = it.rated.take().map(rounded);
    }
    Ok(samples)
}

impl Sample {
    /// Takes in the periods before its own.
    fn continue_from(&mut self, before: &Sample) {
        self.started_at = before.started_at;
        self.overlap += before.overlap;
        for (unit, amount) in &before.measured {
            *self.measured.entry(*unit).or_default() += amount;
        }
        if let (Some(cost), Some(more)) = (&mut self.rated, &before.rated) {
            *cost += more;
        }
    }
}

/// A data point as a sample of its period. `None`: nobody asked for it, or it is in no unit of ours.
fn taken(
    point: Point,
    metric: &str,
    query: &Query,
    begin: Timestamp,
    end: Timestamp,
) -> Option<(Sample, BigDecimal)> {
    let Point { vol, rating, groupby, metadata } = point;
    let words = vol.unit.unwrap_or_default();
    let unit = meaning(metric, &words).filter(|it| asked(query, it.service()))?;
    let text = |of: &Map<String, Value>, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
    let kind = match unit {
        Unit::ServerHours | Unit::VcpuHours | Unit::RamMibHours => text(&metadata, "flavor_name"),
        Unit::VolumeGibHours => text(&metadata, "volume_type"),
        _ => None,
    };
    let quantity = decimal(&vol.qty);
    // The whole period, as CloudKitty rates it, even if the window ends in it.
    let micros = u64::try_from(end.duration_since(begin).as_micros()).unwrap_or(0);
    // What counts for a microsecond is what counts at once.
    let at_once = amount(unit, &quantity, &words, 1).to_u64().unwrap_or(u64::MAX);
    let sample = Sample {
        service: unit.service(),
        resource_id: text(&groupby, "id").unwrap_or_default(),
        resource_name: text(&metadata, "display_name")
            .or_else(|| text(&metadata, "name"))
            .unwrap_or_default(),
        project_id: text(&groupby, "project_id").unwrap_or_default(),
        user_id: text(&groupby, "user_id").filter(|it| !it.is_empty()),
        kind: kind.unwrap_or_default(),
        started_at: begin,
        ended_at: Some(end),
        overlap: micros,
        quantities: vec![(unit, at_once)],
        measured: [(unit, amount(unit, &quantity, &words, micros))].into(),
        rated: Some(decimal(&rating.price)),
        state: String::new(),
        grade: Grade::Rated,
        traits: metadata
            .into_iter()
            .map(|(key, it)| (key, it.as_str().map_or_else(|| it.to_string(), str::to_owned)))
            .collect(),
        server: None,
    };
    Some((sample, quantity))
}

/// Where the last period that was processed began, by project.
async fn scopes(look: &Look) -> Result<BTreeMap<String, Timestamp>> {
    let mut found = BTreeMap::new();
    let mut offset = 0;
    loop {
        let call = Call::get(Service::Rating, "/scope")
            .doing("read how far CloudKitty has come")
            .query("limit", SCOPES.to_string())
            .query("offset", offset.to_string())
            .queries(look.projects.iter().map(|id| ("scope_id", id.clone())));
        let page: Scopes = match look.cloud.fetch(call).await {
            Ok(page) => page,
            // None, or no more.
            Err(why) if why.is_native_404() => return Ok(found),
            Err(why) => return Err(why),
        };
        offset += page.results.len();
        let full = page.results.len() == SCOPES;
        let states = page.results.into_iter();
        found.extend(states.filter_map(|it| Some((it.scope_id, time(&it.last_processed_timestamp?)?))));
        if !full {
            return Ok(found);
        }
    }
}
