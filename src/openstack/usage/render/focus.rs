//! FOCUS 1.2, the open specification of cost and usage data.
//!
//! Four of its columns are costs, and may not be empty: what has no price has no row.

use std::collections::BTreeMap;

use bigdecimal::BigDecimal;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::plain;
use crate::openstack::usage::{Grade, Prices, ProjectUsage, Report, Sample, Unit, UsageService, hours};

/// Who bills whom, and in what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Billing {
    /// The currency of all prices, by its code in ISO 4217: `EUR`.
    pub currency: String,
    /// Who runs the cloud. Such a one is provider, publisher and issuer of invoices in one.
    pub provider: String,
    /// The region, if the cloud has several.
    pub region: Option<String>,
    /// Id and name of the account that is billed. `None`: each project's domain.
    pub account: Option<(String, String)>,
}

/// The columns in FOCUS' order, which is that of the alphabet. The last one is ours, as its prefix says.
const COLUMNS: [&str; 41] = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
    "x_Completeness",
];

/// A table with a row for each charge: of a resource, if the report has samples, else of a project. `None` if nothing
/// has a price.
///
/// A price is the list price, and nothing is taken off it, so that all four costs are the same.
pub fn focus_csv(report: &Report, prices: &Prices, billing: &Billing) -> Option<String> {
    let mut table = ::csv::Writer::from_writer(Vec::new());
    // Writing to memory, with as many fields in each row as in the first, fails in no way.
    let mut row = |fields: Vec<String>| drop(table.write_record(fields));
    let sheet = Sheet { report, billing };
    row(COLUMNS.iter().copied().map(str::to_owned).collect());
    let mut charges = 0;
    let mut charge = |project_id: &str, project: &ProjectUsage, charge: &Charge<'_>| {
        if let Some(fields) = sheet.row(project_id, project, charge) {
            row(fields);
            charges += 1;
        }
    };
    for (id, project) in &report.projects {
        // An engine's charges are those of projects.
        if report.samples.is_empty() || project.rated.is_some() {
            for (unit, kind, amount) in project.totals.iter() {
                let grade = project.completeness.get(&unit.service()).map_or("", |it| it.grade.word());
                let cost = match project.rated.as_ref().and_then(|it| it.get(&(unit, kind.to_owned()))) {
                    Some(rated) => Cost::Rated(rated),
                    None => Cost::Priced(prices.of(unit, kind)),
                };
                charge(id, project, &Charge { cost, ..Charge::of(unit, kind, hours(unit, amount), grade) });
            }
        }
        for (metric, other) in &project.others {
            charge(
                id,
                project,
                &Charge {
                    offering: OTHER,
                    meter: metric,
                    measure: &other.unit,
                    sku: metric.clone(),
                    kind: "",
                    quantity: other.quantity.clone(),
                    cost: Cost::Rated(&other.cost),
                    sample: None,
                    grade: Grade::Rated.word(),
                },
            );
        }
    }
    for sample in &report.samples {
        let Some(project) = report.projects.get(&sample.project_id) else { continue };
        for (unit, amount) in sample.amounts().filter(|_| project.rated.is_none()) {
            let kind = sample.kind.as_str();
            charge(
                &sample.project_id,
                project,
                &Charge {
                    cost: Cost::Priced(prices.of(unit, kind)),
                    sample: Some(sample),
                    ..Charge::of(unit, kind, hours(unit, amount), sample.grade.word())
                },
            );
        }
    }
    if charges == 0 {
        return None;
    }
    table.into_inner().ok().and_then(|it| String::from_utf8(it).ok())
}

struct Sheet<'a> {
    report: &'a Report,
    billing: &'a Billing,
}

/// Some quantity that is charged.
struct Charge<'a> {
    offering: Offering,
    /// What is measured, and in which unit.
    meter: &'a str,
    measure: &'a str,
    sku: String,
    kind: &'a str,
    quantity: BigDecimal,
    cost: Cost<'a>,
    sample: Option<&'a Sample>,
    grade: &'a str,
}

/// Where a cost comes from.
enum Cost<'a> {
    /// From the price of one, if there is one.
    Priced(Option<&'a BigDecimal>),
    /// From an engine, for all of it.
    Rated(&'a BigDecimal),
}

impl<'a> Charge<'a> {
    /// Hours of a unit, without a price.
    fn of(unit: Unit, kind: &'a str, hours: BigDecimal, grade: &'a str) -> Self {
        let (meter, measure) = meter(unit);
        Self {
            offering: Offering::of(unit.service()),
            meter,
            measure,
            sku: if kind.is_empty() { unit.word().to_owned() } else { format!("{}/{kind}", unit.word()) },
            kind,
            quantity: hours,
            cost: Cost::Priced(None),
            sample: None,
            grade,
        }
    }
}

impl Sheet<'_> {
    fn row(&self, project_id: &str, project: &ProjectUsage, charge: &Charge<'_>) -> Option<Vec<String>> {
        let Charge { offering: service, meter, measure, sku, kind, quantity, cost, sample, grade } = charge;
        let (cost, price) = match cost {
            Cost::Rated(cost) => (plain(cost), String::new()),
            // Exactly the product of price and quantity, as FOCUS demands.
            Cost::Priced(price) => (plain(&((*price)? * quantity)), plain((*price)?)),
        };
        let Billing { currency, provider, region, account } = self.billing;
        let (account_id, account_name) = match account {
            Some((id, name)) => (id.as_str(), name.as_str()),
            // FOCUS wants one, and Keystone may know neither project nor domain any more.
            None if project.domain_id.is_empty() => (project_id, ""),
            None => (project.domain_id.as_str(), project.domain_name.as_str()),
        };
        let (period_start, period_end) = period(self.report.window.start(), self.report.window.end());
        let window = self.report.window;
        let description = match kind.is_empty() {
            true => format!("{meter} of {}", service.resource),
            false => format!("{meter} of {} ({kind})", service.resource),
        };
        let text = |it: &str| it.to_owned();
        let quantity = plain(quantity);
        let region = region.as_deref().unwrap_or_default();
        Some(vec![
            cost.clone(),
            text(account_id),
            text(account_name),
            text(currency),
            instant(period_end),
            instant(period_start),
            text("Usage"),
            String::new(),
            description,
            text("Usage-Based"),
            instant(window.end()),
            instant(window.start()),
            quantity.clone(),
            text(measure),
            cost.clone(),
            price.clone(),
            cost.clone(),
            text(provider),
            cost,
            price,
            text("Standard"),
            quantity,
            text(measure),
            text(provider),
            text(provider),
            text(region),
            text(region),
            sample.map(|it| it.resource_id.clone()).unwrap_or_default(),
            sample.map(|it| it.resource_name.clone()).unwrap_or_default(),
            sample.map(|_| text(service.resource)).unwrap_or_default(),
            text(service.category),
            text(service.name),
            text(service.subcategory),
            sku.clone(),
            text(meter),
            sku.clone(),
            text(project_id),
            project.name.clone(),
            text("Project"),
            tags(project),
            text(grade),
        ])
    }
}

/// What is none of the services that we know.
const OTHER: Offering =
    Offering { category: "Other", subcategory: "Other (Other)", name: "OpenStack", resource: "Other" };

/// A service in FOCUS' words.
struct Offering {
    category: &'static str,
    subcategory: &'static str,
    name: &'static str,
    resource: &'static str,
}

impl Offering {
    fn of(service: UsageService) -> Self {
        let (category, subcategory, name, resource) = match service {
            UsageService::Compute => ("Compute", "Virtual Machines", "OpenStack Compute", "Server"),
            UsageService::Volume => ("Storage", "Block Storage", "OpenStack Block Storage", "Volume"),
            UsageService::Snapshot => ("Storage", "Backup Storage", "OpenStack Block Storage", "Snapshot"),
            UsageService::Backup => ("Storage", "Backup Storage", "OpenStack Block Storage", "Backup"),
            UsageService::FloatingIp => {
                ("Networking", "Network Connectivity", "OpenStack Network", "Floating IP")
            }
            UsageService::Router => ("Networking", "Network Routing", "OpenStack Network", "Router"),
            UsageService::LoadBalancer => {
                ("Networking", "Application Networking", "OpenStack Load Balancer", "Load Balancer")
            }
            UsageService::Image => ("Storage", "Other (Storage)", "OpenStack Image", "Image"),
            UsageService::ObjectStore => ("Storage", "Object Storage", "OpenStack Object Store", "Account"),
            UsageService::DnsZone => ("Networking", "Network Infrastructure", "OpenStack DNS", "Zone"),
            UsageService::Stack => (
                "Management and Governance",
                "Other (Management and Governance)",
                "OpenStack Orchestration",
                "Stack",
            ),
        };
        Self { category, subcategory, name, resource }
    }
}

/// What is measured, and in which unit.
fn meter(unit: Unit) -> (&'static str, &'static str) {
    match unit {
        Unit::ServerHours => ("Time", "Server-Hours"),
        Unit::VcpuHours => ("Virtual CPUs", "Core-Hours"),
        Unit::RamMibHours => ("Memory", "MiB-Hours"),
        Unit::LocalDiskGibHours => ("Local disk", "GiB-Hours"),
        Unit::VolumeGibHours | Unit::SnapshotGibHours | Unit::BackupGibHours => ("Size", "GiB-Hours"),
        Unit::ImageGibHours | Unit::ObjectStoreGibHours => ("Size", "GiB-Hours"),
        Unit::FloatingIpHours => ("Time", "Address-Hours"),
        Unit::RouterHours => ("Time", "Router-Hours"),
        Unit::LoadBalancerHours => ("Time", "Balancer-Hours"),
        Unit::DnsZoneHours => ("Time", "Zone-Hours"),
        Unit::StackHours => ("Time", "Stack-Hours"),
    }
}

/// The calendar month (UTC) that has the whole window; else the window itself.
fn period(start: Timestamp, end: Timestamp) -> (Timestamp, Timestamp) {
    let midnight = |date: Date| date.to_zoned(TimeZone::UTC).map(|it| it.timestamp());
    let first = start.to_zoned(TimeZone::UTC).date().first_of_month();
    let next = first.last_of_month().tomorrow().and_then(midnight);
    match (midnight(first), next) {
        (Ok(first), Ok(next)) if end <= next => (first, next),
        _ => (start, end),
    }
}

/// Whole seconds, in UTC.
fn instant(it: Timestamp) -> String {
    it.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Tags and properties of a project, as one JSON object. A tag has no value: FOCUS then wants `true`.
fn tags(project: &ProjectUsage) -> String {
    let tags = project.tags.iter().map(|tag| (tag.as_str(), Value::Bool(true)));
    let properties = project.properties.iter().map(|(key, it)| (key.as_str(), it.as_str().into()));
    let all: BTreeMap<_, _> = tags.chain(properties).collect();
    // Its keys are texts, so that it can be written.
    serde_json::to_string(&all).unwrap_or_default()
}
