//! The whole report as JSON.

use std::collections::BTreeMap;

use bigdecimal::BigDecimal;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::plain;
use crate::openstack::usage::{Amount, Grade, Prices, ProjectUsage, Report, Sample, Source, Unit, hours};

/// A number with all its digits: a float has 15 of them.
type Number = Box<RawValue>;

#[derive(Serialize)]
struct Document<'a> {
    window: Span,
    source: &'static str,
    mode: &'static str,
    projects: BTreeMap<&'a str, Project<'a>>,
    samples: Vec<Resource<'a>>,
    remarks: &'a [String],
}

#[derive(Serialize)]
struct Span {
    start: Timestamp,
    end: Timestamp,
}

#[derive(Serialize)]
struct Project<'a> {
    name: &'a str,
    domain_id: &'a str,
    domain_name: &'a str,
    tags: Vec<&'a str>,
    properties: &'a BTreeMap<String, String>,
    /// In hours of the unit.
    totals: BTreeMap<&'static str, Number>,
    /// The same by flavor, volume type and so on; only units that know such kinds.
    kinds: BTreeMap<&'static str, BTreeMap<&'a str, Number>>,
    completeness: BTreeMap<&'static str, Complete>,
    /// What only a rating engine measures, by its name for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    others: BTreeMap<&'a str, Other<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Number>,
}

#[derive(Serialize)]
struct Other<'a> {
    quantity: Number,
    unit: &'a str,
    cost: Number,
}

#[derive(Serialize)]
struct Complete {
    grade: &'static str,
    /// How far a rating engine has come. When others were looked at isn't told: it would differ each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

#[derive(Serialize)]
struct Resource<'a> {
    service: &'static str,
    resource_id: &'a str,
    resource_name: &'a str,
    project_id: &'a str,
    user_id: Option<&'a str>,
    kind: &'a str,
    state: &'a str,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    hours: Number,
    /// In hours of the unit.
    amounts: BTreeMap<&'static str, Number>,
    grade: &'static str,
    traits: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Number>,
}

/// The report as one JSON object. Amounts are in hours of their units. Costs are there if something has a price, or
/// if an engine rated it.
pub fn json(report: &Report, prices: &Prices) -> String {
    let document = Document {
        window: Span { start: report.window.start(), end: report.window.end() },
        source: match report.source {
            Source::Api => "api",
            Source::CloudKitty => "cloudkitty",
            Source::Gnocchi => "gnocchi",
        },
        mode: report.mode_used.word(),
        projects: report.projects.iter().map(|(id, it)| (id.as_str(), project(it, prices))).collect(),
        samples: report.samples.iter().map(|it| resource(it, prices)).collect(),
        remarks: &report.remarks,
    };
    // Its keys are texts, so that it can be written.
    serde_json::to_string(&document).unwrap_or_default()
}

fn project<'a>(it: &'a ProjectUsage, prices: &Prices) -> Project<'a> {
    let mut kinds: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for (unit, kind, amount) in it.totals.iter().filter(|(_, kind, _)| !kind.is_empty()) {
        kinds.entry(unit.word()).or_default().insert(kind, amount_of(unit, amount));
    }
    let others = it.others.iter().map(|(metric, it)| {
        (metric.as_str(), Other { quantity: number(&it.quantity), unit: &it.unit, cost: number(&it.cost) })
    });
    Project {
        name: &it.name,
        domain_id: &it.domain_id,
        domain_name: &it.domain_name,
        tags: it.tags.iter().map(String::as_str).collect(),
        properties: &it.properties,
        totals: it.totals.units().map(|unit| (unit.word(), amount_of(unit, it.totals.of(unit)))).collect(),
        kinds,
        completeness: it
            .completeness
            .iter()
            .map(|(service, it)| {
                let until = (it.grade == Grade::Rated).then_some(it.observed_at);
                (service.word(), Complete { grade: it.grade.word(), until })
            })
            .collect(),
        others: others.collect(),
        cost: it.cost(prices).as_ref().map(number),
    }
}

fn resource<'a>(it: &'a Sample, prices: &Prices) -> Resource<'a> {
    Resource {
        service: it.service.word(),
        resource_id: &it.resource_id,
        resource_name: &it.resource_name,
        project_id: &it.project_id,
        user_id: it.user_id.as_deref(),
        kind: &it.kind,
        state: &it.state,
        started_at: it.started_at,
        ended_at: it.ended_at,
        hours: amount_of(Unit::ServerHours, u128::from(it.overlap)),
        amounts: it.amounts().map(|(unit, amount)| (unit.word(), amount_of(unit, amount))).collect(),
        grade: it.grade.word(),
        traits: &it.traits,
        cost: it.cost(prices).as_ref().map(number),
    }
}

fn amount_of(unit: Unit, amount: Amount) -> Number {
    number(&hours(unit, amount))
}

/// A decimal in plain digits is a JSON number.
fn number(it: &BigDecimal) -> Number {
    RawValue::from_string(plain(it)).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
