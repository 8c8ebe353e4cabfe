//! Walks through lists, page by page.

use std::collections::HashSet;

use serde_json::Value;
use serde_json::value::RawValue;

use super::collect::{Collector, View};
use super::report::Batch;
use super::sample::{Sample, UsageService};
use super::table::{METERS, Meter};
use crate::openstack::catalog::versions::Microversion;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::{Error, Result};
use crate::openstack::identity::marker_of;
use crate::openstack::transport::Reply;

/// So many rows are asked for at once. No service gives more.
pub(super) const PAGE: usize = 1000;
/// How often a list starts anew, because the row it stood at was deleted.
const RESTARTS: usize = 5;

/// A page of a list, its rows not read yet.
pub(super) struct Page<'a> {
    pub reply: &'a Reply,
    body: std::collections::HashMap<String, &'a RawValue>,
}

/// What was in a page.
pub(super) struct Seen {
    pub rows: usize,
    /// Id of the last row.
    pub last: Option<String>,
}

impl<'a> Page<'a> {
    fn of(reply: &'a Reply) -> Result<Self> {
        let body = serde_json::from_slice(&reply.body).map_err(|why| reply.odd(why.to_string()))?;
        Ok(Self { reply, body })
    }

    /// What is under a key.
    pub fn get<T: serde::Deserialize<'a>>(&self, key: &str) -> Result<T> {
        let raw = self.body.get(key).ok_or_else(|| self.reply.odd(format!("it has no `{key}`")))?;
        serde_json::from_str(raw.get()).map_err(|why| self.reply.odd(format!("`{key}`: {why}")))
    }

    /// The link to the next page, in whichever form.
    fn next(&self, key: &str) -> Option<String> {
        let value = |key: &str| self.get::<Value>(key).unwrap_or_default();
        let text = |it: &Value| it.as_str().map(str::to_owned);
        let links = value(&format!("{key}_links"));
        let links = links.as_array().into_iter().flatten();
        links
            .filter(|it| it["rel"] == "next")
            .find_map(|it| text(&it["href"]))
            .or_else(|| text(&value("next")))
            .or_else(|| text(&value("links")["next"]))
    }
}

/// Reads a list to its end, or fails. `read` takes in the rows of a page. A list that starts anew starts with a new batch.
pub(super) async fn walk<B>(
    cloud: &Cloud,
    key: &str,
    call: impl Fn() -> Call,
    batch: impl Fn() -> B,
    mut read: impl FnMut(&mut B, &Page<'_>) -> Result<Seen>,
) -> Result<B> {
    let cut = |why: &str| Error::Truncated { what: key.to_owned(), why: why.to_owned() };
    for attempt in 0.. {
        let mut batch = batch();
        let mut marker: Option<String> = None;
        let mut markers = HashSet::new();
        loop {
            let call = call().query("limit", PAGE.to_string());
            let reply = match cloud.send(call.queries(marker.iter().map(|it| ("marker", it.clone())))).await {
                Ok(reply) => reply,
                // The row that marked the place was deleted: what was read so far doesn't count.
                Err(Error::Status(it)) if marker.is_some() && matches!(it.status, 400 | 404) => {
                    if attempt < RESTARTS {
                        break;
                    }
                    return Err(Error::Status(it));
                }
                Err(why) => return Err(why),
            };
            let page = Page::of(&reply)?;
            let Seen { rows, last } = read(&mut batch, &page)?;
            let next = page.next(key);
            if rows == 0 || (next.is_none() && rows < PAGE) {
                return Ok(batch);
            }
            let Some(place) = next.as_deref().and_then(marker_of).or(last) else {
                return Err(cut("the link to the next page names no place"));
            };
            if !markers.insert(place.clone()) {
                return Err(cut("the service gives the same page again and again"));
            }
            marker = Some(place);
        }
    }
    Err(cut("it changes faster than it can be read"))
}

/// Reads the lists of a service that shows what is there now.
pub(super) async fn read(it: &Collector<'_>, view: &View, service: UsageService) -> Result<Batch> {
    let mut all = it.batch();
    for meter in METERS.iter().filter(|meter| meter.service == service) {
        let microversion = microversion(&view.cloud, meter).await?;
        let call = || {
            let call = meter.call(view.wide, view.project.as_deref());
            match &microversion {
                Some(version) => call.microversion(version),
                None => call,
            }
        };
        let rows = |batch: &mut Batch, page: &Page<'_>| {
            let rows: Vec<Value> = page.get(meter.key)?;
            let mut last = None;
            for row in &rows {
                last = row["id"].as_str().map(str::to_owned);
                if let Some(sample) = sample(it, view, meter, row, page.reply)? {
                    batch.push(sample);
                }
            }
            Ok(Seen { rows: rows.len(), last })
        };
        all.merge(walk(&view.cloud, meter.key, call, || it.batch(), rows).await?);
    }
    Ok(all)
}

/// The newest microversion that both sides speak, up to the one that is asked for.
async fn microversion(cloud: &Cloud, meter: &Meter) -> Result<Option<String>> {
    let Some((major, minor)) = meter.microversion else { return Ok(None) };
    let range = cloud.microversions(meter.api).await?;
    Ok(Some(range.max.min(Microversion(major, minor)).to_string()))
}

/// What a row counts for. `None`: nothing, or for nobody who was asked about.
fn sample(
    it: &Collector<'_>,
    view: &View,
    meter: &Meter,
    row: &Value,
    reply: &Reply,
) -> Result<Option<Sample>> {
    if Meter::is_passing(row) {
        return Ok(None);
    }
    let things = meter.things;
    let read =
        meter.read(row).map_err(|key| reply.odd(format!("one of the {things} has no good `{key}`")))?;
    if read.owner.is_none() && view.project.is_none() && row.get(meter.owner).is_none() {
        return Err(reply.odd(format!("one of the {things} doesn't say whose it is")));
    }
    let Some(owner) = it.owner(view, read.owner) else { return Ok(None) };
    let overlap = it.window.overlap(read.created, None);
    if overlap == 0 {
        return Ok(None);
    }
    let detail = it.query.detail;
    Ok(Some(Sample {
        service: meter.service,
        resource_id: read.id.to_owned(),
        resource_name: read.name.to_owned(),
        project_id: owner.to_owned(),
        user_id: read.user.map(str::to_owned),
        kind: read.kind.to_owned(),
        started_at: read.created,
        ended_at: None,
        overlap,
        quantities: vec![read.quantity],
        measured: Default::default(),
        rated: None,
        state: read.state.to_lowercase(),
        grade: it.grade(meter.service),
        traits: if detail { meter.traits(row) } else { Default::default() },
        server: None,
    }))
}
