//! Comma-separated values: a row for each unit of each sample, or of each project's totals.

use bigdecimal::BigDecimal;

use super::plain;
use crate::openstack::usage::{Grade, Prices, ProjectUsage, Report, Sample, Unit, hours};

/// The columns. New ones come at the end.
const COLUMNS: [&str; 22] = [
    "project_id",
    "project_name",
    "domain_id",
    "domain_name",
    "window_start",
    "window_end",
    "service",
    "kind",
    "unit",
    "amount",
    "grade",
    "resource_id",
    "resource_name",
    "user_id",
    "state",
    "started_at",
    "ended_at",
    "quantity",
    "hours",
    "unit_price",
    "cost",
    "currency",
];

/// A table. With samples it has a row for each of their units, and without a row for each unit and kind of a
/// project's totals; `amount` is in hours of the unit either way. Costs are a rating engine's, or by the prices, and empty
/// where there is neither.
pub fn csv(report: &Report, prices: &Prices, currency: &str) -> String {
    let mut table = ::csv::Writer::from_writer(Vec::new());
    // Writing to memory, with as many fields in each row as in the first, fails in no way.
    let mut row = |fields: [String; 22]| drop(table.write_record(fields));
    row(COLUMNS.map(str::to_owned));
    if report.samples.is_empty() {
        for (id, project) in &report.projects {
            for (unit, kind, amount) in project.totals.iter() {
                let rated = project.rated.as_ref().and_then(|it| it.get(&(unit, kind.to_owned())));
                let cost = match rated {
                    Some(rated) => Some(rated.clone()),
                    None => prices.cost(unit, kind, amount),
                };
                row(fields(Row {
                    report,
                    id,
                    project: Some(project),
                    service: unit.service().word(),
                    unit: unit.word(),
                    kind,
                    amount: plain(&hours(unit, amount)),
                    grade: project.completeness.get(&unit.service()).map_or("", |it| it.grade.word()),
                    sample: None,
                    price: if rated.is_some() { None } else { prices.of(unit, kind) },
                    cost,
                    currency,
                }));
            }
        }
    }
    // What only a rating engine knows of is in no sample.
    for (id, project) in &report.projects {
        for (metric, other) in &project.others {
            row(fields(Row {
                report,
                id,
                project: Some(project),
                service: metric,
                unit: &other.unit,
                kind: "",
                amount: plain(&other.quantity),
                grade: Grade::Rated.word(),
                sample: None,
                price: None,
                cost: Some(other.cost.clone()),
                currency,
            }));
        }
    }
    for sample in &report.samples {
        for ((unit, amount), (_, quantity)) in sample.amounts().zip(&sample.quantities) {
            row(fields(Row {
                report,
                id: &sample.project_id,
                project: report.projects.get(&sample.project_id),
                service: unit.service().word(),
                unit: unit.word(),
                kind: &sample.kind,
                amount: plain(&hours(unit, amount)),
                grade: sample.grade.word(),
                sample: Some((sample, plain(&hours(unit, u128::from(*quantity) * HOUR)))),
                price: prices.of(unit, &sample.kind).filter(|_| sample.rated.is_none()),
                cost: sample.cost_of(unit, amount, prices),
                currency,
            }));
        }
    }
    // What was written is text.
    table.into_inner().ok().and_then(|it| String::from_utf8(it).ok()).unwrap_or_default()
}

/// What an hour of a quantity amounts to is the quantity, in its unit.
const HOUR: u128 = 3_600_000_000;

/// One row, before it is text.
struct Row<'a> {
    report: &'a Report,
    id: &'a str,
    project: Option<&'a ProjectUsage>,
    service: &'a str,
    unit: &'a str,
    kind: &'a str,
    amount: String,
    grade: &'a str,
    /// With its quantity.
    sample: Option<(&'a Sample, String)>,
    price: Option<&'a BigDecimal>,
    cost: Option<BigDecimal>,
    currency: &'a str,
}

fn fields(row: Row<'_>) -> [String; 22] {
    let Row { report, id, project, service, unit, kind, amount, grade, sample, price, cost, currency } = row;
    let of = |field: fn(&ProjectUsage) -> &String| project.map(field).cloned().unwrap_or_default();
    let (sample, quantity) = sample.unzip();
    let has = |field: fn(&Sample) -> String| sample.map(field).unwrap_or_default();
    [
        id.to_owned(),
        of(|it| &it.name),
        of(|it| &it.domain_id),
        of(|it| &it.domain_name),
        report.window.start().to_string(),
        report.window.end().to_string(),
        service.to_owned(),
        kind.to_owned(),
        unit.to_owned(),
        amount,
        grade.to_owned(),
        has(|it| it.resource_id.clone()),
        has(|it| it.resource_name.clone()),
        has(|it| it.user_id.clone().unwrap_or_default()),
        has(|it| it.state.clone()),
        has(|it| it.started_at.to_string()),
        has(|it| it.ended_at.map(|it| it.to_string()).unwrap_or_default()),
        quantity.unwrap_or_default(),
        has(|it| plain(&hours(Unit::ServerHours, u128::from(it.overlap)))),
        price.map(plain).unwrap_or_default(),
        cost.as_ref().map(plain).unwrap_or_default(),
        cost.map(|_| currency.to_owned()).unwrap_or_default(),
    ]
}
