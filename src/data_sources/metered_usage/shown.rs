//! A report as Terraform's values.

use std::collections::{BTreeMap, BTreeSet};

use bigdecimal::BigDecimal;

use super::MeteredUsage;
use super::prices;
use super::texts::{Rendering, Texts};
use crate::openstack::usage::{
    Completeness, OtherCharge, Prices, ProjectUsage, Report, Sample, Totals, Unit, UsageService, hours,
};
use crate::tf::{Computed, Model, Number};

/// What a project used.
#[derive(Clone, Debug, Model)]
pub struct Usage {
    /// Name of the project; empty if Keystone does not know it any more.
    pub name: Computed<String>,
    /// Id of the domain that owns it; empty if Keystone does not know the project any more.
    pub domain_id: Computed<String>,
    /// Its tags.
    pub tags: Computed<BTreeSet<String>>,
    /// What it used, in hours. A unit is null if nobody counted it.
    pub totals: Computed<Hours>,
    /// The same by kind, for units that have kinds: servers by flavor, volumes by type, load balancers by provider.
    pub by_kind: Computed<BTreeMap<String, BTreeMap<String, Number>>>,
    /// How complete the figures of each service are. `exact_existence`: each resource counts for the time it existed.
    /// `snapshot`: what is there now, since its creation; what was deleted inside the window is missing. `lower_bound`:
    /// as a snapshot, but made long after the window. `sampled`: from a meter's samples. `rated`: from a rating engine.
    pub completeness: Computed<BTreeMap<String, String>>,
    /// What only a rating engine measures, by its name for the metric.
    pub others: Computed<BTreeMap<String, Other>>,
    /// What all of it costs, in the prices' currency, or in the rating engine's. Null without prices.
    pub cost: Computed<Option<Number>>,
}

/// What only a rating engine measures.
#[derive(Clone, Debug, Model)]
pub struct Other {
    /// How much there was, summed over the engine's periods.
    pub quantity: Computed<Number>,
    /// The engine's unit.
    pub unit: Computed<String>,
    /// What it costs.
    pub cost: Computed<Number>,
}

/// Hours of what was used, with six decimals.
#[derive(Clone, Debug, Model)]
pub struct Hours {
    /// Hours of servers, running or not.
    pub server_hours: Computed<Option<Number>>,
    /// Virtual CPUs x hours.
    pub vcpu_hours: Computed<Option<Number>>,
    /// MiB of memory x hours.
    pub ram_mib_hours: Computed<Option<Number>>,
    /// GiB of root and ephemeral disks x hours.
    pub local_disk_gib_hours: Computed<Option<Number>>,
    /// GiB of volumes x hours.
    pub volume_gib_hours: Computed<Option<Number>>,
    /// GiB of snapshots (the size of their volume) x hours.
    pub snapshot_gib_hours: Computed<Option<Number>>,
    /// GiB of backups (the size of their volume) x hours.
    pub backup_gib_hours: Computed<Option<Number>>,
    /// Hours of floating IPs.
    pub floating_ip_hours: Computed<Option<Number>>,
    /// Hours of routers.
    pub router_hours: Computed<Option<Number>>,
    /// Hours of load balancers.
    pub load_balancer_hours: Computed<Option<Number>>,
    /// GiB of images x hours.
    pub image_gib_hours: Computed<Option<Number>>,
    /// GiB of objects x hours, as if the bytes of now had been there all the time.
    pub object_store_gib_hours: Computed<Option<Number>>,
    /// Hours of DNS zones.
    pub dns_zone_hours: Computed<Option<Number>>,
    /// Hours of Heat's stacks.
    pub stack_hours: Computed<Option<Number>>,
}

/// A resource.
#[derive(Clone, Debug, Model)]
pub struct Resource {
    /// What kind of resource it is, as in `services`.
    pub service: Computed<String>,
    /// Its id.
    pub resource_id: Computed<String>,
    /// Its name; empty if it has none.
    pub resource_name: Computed<String>,
    /// Id of the project that owns it.
    pub project_id: Computed<String>,
    /// Id of the user who made it, where the service tells.
    pub user_id: Computed<Option<String>>,
    /// Flavor of a server, type of a volume, provider of a load balancer; else empty.
    pub kind: Computed<String>,
    /// When it came to be; for a server, when it was asked for.
    pub started_at: Computed<String>,
    /// When it ended; null if it is still there.
    pub ended_at: Computed<Option<String>>,
    /// How long it was there within the window, in hours.
    pub hours: Computed<Number>,
    /// What it counts for, by the units of `totals`.
    pub amounts: Computed<BTreeMap<String, Number>>,
    /// Its state, in the service's own word.
    pub state: Computed<String>,
    /// How far this can be trusted, as in `completeness`.
    pub grade: Computed<String>,
    /// What else is known, by the names of meshStack's traits: `flavor`, `vcpu`, `ramMb`, `diskRoot`, `size`, `type`,
    /// `availabilityZone` and so on.
    pub traits: Computed<BTreeMap<String, String>>,
    /// What it costs, in the prices' currency, or in the rating engine's. Null without a price.
    pub cost: Computed<Option<Number>>,
}

/// The data source with what was found.
pub(super) fn shown(config: MeteredUsage, mut report: Report, wanted: &BTreeSet<Rendering>) -> MeteredUsage {
    let MeteredUsage { prices, billing, accounting, detail, .. } = &config;
    // They were checked when the configuration was.
    let prices = prices.as_ref().and_then(|it| prices::read(it).ok()).unwrap_or_default();
    let texts = Texts::of(&mut report, wanted, &prices, billing.clone(), accounting.clone(), *detail);
    let Texts { csv, json, focus_csv, cloud_records, ip_records, storage_records } = texts;
    let Report {
        window: _,
        observed_at,
        source: _,
        units,
        projects,
        samples,
        users: _,
        mode_used,
        requests,
        remarks,
    } = report;

    let mut totals = Totals::default();
    let mut seen = BTreeSet::new();
    let mut cost: Option<BigDecimal> = None;
    let mut shown = BTreeMap::new();
    for (id, usage) in projects {
        totals.merge(&usage.totals);
        seen.extend(usage.completeness.keys().copied());
        let own = usage.cost(&prices);
        if let Some(own) = &own {
            cost = Some(cost.unwrap_or_default() + own);
        }
        shown.insert(id, project(usage, &units, own));
    }
    let samples: Option<Vec<_>> =
        detail.then(|| samples.into_iter().map(|it| resource(it, &prices)).collect());
    let requests = i64::try_from(requests).unwrap_or(i64::MAX);
    MeteredUsage {
        projects: shown.into(),
        totals: Hours::of(&totals, &seen, &units).into(),
        cost: cost.map(Number::from).into(),
        samples: samples.into(),
        csv: csv.into(),
        json: json.into(),
        focus_csv: focus_csv.into(),
        cloud_records: cloud_records.into(),
        ip_records: ip_records.into(),
        storage_records: storage_records.into(),
        mode_used: mode_used.word().into(),
        requests: requests.into(),
        remarks: remarks.into(),
        observed_at: observed_at.to_string().into(),
        ..config
    }
}

fn project(usage: ProjectUsage, units: &BTreeSet<Unit>, cost: Option<BigDecimal>) -> Usage {
    let ProjectUsage {
        name,
        domain_id,
        domain_name: _,
        tags,
        properties: _,
        totals,
        completeness,
        rated: _,
        others,
    } = usage;
    let seen = completeness.keys().copied().collect();
    let mut by_kind: BTreeMap<String, BTreeMap<String, Number>> = BTreeMap::new();
    for (unit, kind, amount) in totals.iter().filter(|(_, kind, _)| !kind.is_empty()) {
        by_kind.entry(unit.word().into()).or_default().insert(kind.into(), hours(unit, amount).into());
    }
    let word =
        |(service, it): (UsageService, Completeness)| (service.word().to_owned(), it.grade.word().to_owned());
    Usage {
        name: name.into(),
        domain_id: domain_id.into(),
        tags: tags.into(),
        totals: Hours::of(&totals, &seen, units).into(),
        by_kind: by_kind.into(),
        completeness: completeness.into_iter().map(word).collect::<BTreeMap<_, _>>().into(),
        others: others.into_iter().map(|(metric, it)| (metric, other(it))).collect::<BTreeMap<_, _>>().into(),
        cost: cost.map(Number::from).into(),
    }
}

fn other(it: OtherCharge) -> Other {
    let OtherCharge { quantity, unit, cost } = it;
    Other { quantity: Number::from(quantity).into(), unit: unit.into(), cost: Number::from(cost).into() }
}

fn resource(sample: Sample, prices: &Prices) -> Resource {
    let cost = sample.cost(prices);
    let amounts: BTreeMap<String, Number> =
        sample.amounts().map(|(unit, amount)| (unit.word().to_owned(), hours(unit, amount).into())).collect();
    let lived = hours(Unit::ServerHours, sample.overlap.into());
    let Sample {
        service,
        resource_id,
        resource_name,
        project_id,
        user_id,
        kind,
        started_at,
        ended_at,
        overlap: _,
        quantities: _,
        measured: _,
        rated: _,
        state,
        grade,
        traits,
        server: _,
    } = sample;
    Resource {
        service: service.word().into(),
        resource_id: resource_id.into(),
        resource_name: resource_name.into(),
        project_id: project_id.into(),
        user_id: user_id.into(),
        kind: kind.into(),
        started_at: started_at.to_string().into(),
        ended_at: ended_at.map(|it| it.to_string()).into(),
        hours: Number::from(lived).into(),
        amounts: amounts.into(),
        state: state.into(),
        grade: grade.word().into(),
        traits: traits.into(),
        cost: cost.map(Number::from).into(),
    }
}

impl Hours {
    /// Those that were counted of the services that were looked at.
    fn of(totals: &Totals, seen: &BTreeSet<UsageService>, units: &BTreeSet<Unit>) -> Self {
        let of = |unit: Unit| {
            let counted = seen.contains(&unit.service()) && units.contains(&unit);
            Computed::Known(counted.then(|| Number::from(totals.hours(unit))))
        };
        Hours {
            server_hours: of(Unit::ServerHours),
            vcpu_hours: of(Unit::VcpuHours),
            ram_mib_hours: of(Unit::RamMibHours),
            local_disk_gib_hours: of(Unit::LocalDiskGibHours),
            volume_gib_hours: of(Unit::VolumeGibHours),
            snapshot_gib_hours: of(Unit::SnapshotGibHours),
            backup_gib_hours: of(Unit::BackupGibHours),
            floating_ip_hours: of(Unit::FloatingIpHours),
            router_hours: of(Unit::RouterHours),
            load_balancer_hours: of(Unit::LoadBalancerHours),
            image_gib_hours: of(Unit::ImageGibHours),
            object_store_gib_hours: of(Unit::ObjectStoreGibHours),
            dns_zone_hours: of(Unit::DnsZoneHours),
            stack_hours: of(Unit::StackHours),
        }
    }
}
