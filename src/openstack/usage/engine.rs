//! What CloudKitty and Gnocchi have in common: who may look, and what their metrics mean.

use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive};
use jiff::Timestamp;

use super::amount::{Amount, Unit};
use super::collect::Start;
use super::query::{Part, Query, Whose};
use super::report::{Mode, Report, Source};
use super::sample::UsageService;
use super::{cloudkitty, collect, gnocchi};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Cloud;
use crate::openstack::error::{Error, Result};
use crate::openstack::identity::Scope;

/// So many projects are named in a request; of more, everybody's figures are read, and these picked from them.
const FEW: usize = 20;

impl Cloud {
    /// What projects used in a window, by the services' own APIs or by an engine that kept it.
    ///
    /// # Errors
    /// Those of [`Cloud::usage`]; [`Error::NoService`] if the cloud has no such engine.
    pub async fn usage_from(&self, source: Source, query: &Query) -> Result<Report> {
        if source == Source::Api {
            return self.usage(query).await;
        }
        let service = if source == Source::CloudKitty { Service::Rating } else { Service::Metric };
        // An account without a scope learns where services are in each project only.
        let catalog = self.catalog().await?;
        if !catalog.offers().is_empty() {
            catalog.endpoint(service, self.config())?;
        }
        let (cloud, requests) = self.counted();
        let mode = mode(&cloud, query).await?;
        let start = collect::start(&cloud, query, source, mode).await?;
        let looks = looks(&cloud, query, mode, &start);
        let mut report = match source {
            Source::CloudKitty => cloudkitty::read(query, start, looks).await?,
            _ => gnocchi::read(query, start, looks).await?,
        };
        if query.users && query.detail {
            collect::name_users(&cloud, &mut report).await?;
        }
        report.requests = requests();
        Ok(report)
    }
}

/// A token to look with.
pub(super) struct Look {
    pub cloud: Cloud,
    /// The projects to ask for. Empty: all that the token shows.
    pub projects: Vec<String>,
    /// Whether the token is an administrator's.
    pub wide: bool,
}

async fn mode(cloud: &Cloud, query: &Query) -> Result<Mode> {
    let login = cloud.login().await?;
    // Nobody is refused: an engine shows everybody but administrators their own project.
    let is_admin = login.roles.iter().any(|it| it.eq_ignore_ascii_case("admin"));
    match query.mode {
        Some(Mode::AllProjects) if !is_admin => Err(Part::Mode.led_to(Error::Unseen {
            what: "the usage of all projects".into(),
            why: format!(
                "that takes the role admin. This login is for {}, with the roles {}. With a role on each project, \
                 they can be read one by one (mode per_project)",
                cloud.scope(),
                login.roles.join(", ")
            ),
        })),
        Some(mode) => Ok(mode),
        None if is_admin => Ok(Mode::AllProjects),
        None => Ok(Mode::PerProject),
    }
}

fn looks(cloud: &Cloud, query: &Query, mode: Mode, start: &Start) -> Vec<Look> {
    let ids = start.projects.iter().map(|it| it.id.clone());
    match mode {
        Mode::AllProjects => {
            let named = query.whose != Whose::All && start.projects.len() <= FEW;
            let projects = if named { ids.collect() } else { Vec::new() };
            // A domain without a project: there is nothing to ask for.
            let nothing = query.whose != Whose::All && start.projects.is_empty();
            if nothing { Vec::new() } else { vec![Look { cloud: cloud.clone(), projects, wide: true }] }
        }
        Mode::PerProject => ids
            .map(|id| Look {
                cloud: cloud.visiting(Scope::Project(id.clone())),
                projects: vec![id],
                wide: false,
            })
            .collect(),
    }
}

/// Whether a project's figures count.
pub(super) fn counts(query: &Query, start: &Start, project_id: &str) -> bool {
    let named = start.projects.iter().any(|it| it.id == project_id);
    // With all projects, those too that Keystone knows no more. What has no project is nobody's.
    named || (!project_id.is_empty() && query.whose == Whose::All && start.tally.mode() == Mode::AllProjects)
}

/// Whether a service was asked for.
pub(super) fn asked(query: &Query, service: UsageService) -> bool {
    query.services.as_ref().is_none_or(|it| it.contains(&service))
}

/// What a metric counts, by the names that Ceilometer, CloudKitty and their documentation give it.
pub(super) fn meaning(metric: &str, unit: &str) -> Option<Unit> {
    let cores = ["vcpu", "vcpus", "core", "cores", "cpu", "cpus"];
    Some(match metric {
        "vcpus" | "vcpu" => Unit::VcpuHours,
        "cpu" | "instance" | "compute" | "server" if cores.contains(&unit.to_ascii_lowercase().as_str()) => {
            Unit::VcpuHours
        }
        "cpu" | "instance" | "compute" | "server" => Unit::ServerHours,
        "memory" | "ram" => Unit::RamMibHours,
        "volume.size" | "volume" => Unit::VolumeGibHours,
        "volume.snapshot.size" | "snapshot.size" | "snapshot" => Unit::SnapshotGibHours,
        "volume.backup.size" | "backup.size" | "backup" => Unit::BackupGibHours,
        "image.size" | "image" => Unit::ImageGibHours,
        "storage.objects.size" | "radosgw.objects.size" => Unit::ObjectStoreGibHours,
        "ip.floating" | "floating_ip" | "floatingip" => Unit::FloatingIpHours,
        "router" => Unit::RouterHours,
        "loadbalancer" | "load_balancer" | "network.services.lb.loadbalancer" => Unit::LoadBalancerHours,
        _ => return None,
    })
}

/// How many bytes one of a unit of data is.
fn bytes(unit: &str) -> Option<u64> {
    let power = |prefix: &str, base: u64| {
        let exponent = ["", "k", "m", "g", "t", "p"].iter().position(|it| *it == prefix)?;
        base.checked_pow(u32::try_from(exponent).ok()?)
    };
    let unit = unit.to_ascii_lowercase();
    match unit.strip_suffix("ib") {
        Some(prefix) => power(prefix, 1024),
        None => power(unit.strip_suffix('b')?, 1000),
    }
}

/// A quantity over some microseconds, as an amount. Data that is in no unit of data is in the one that Ceilometer
/// has for it.
pub(super) fn amount(unit: Unit, quantity: &BigDecimal, engines_unit: &str, micros: u64) -> Amount {
    // Bytes in what an amount of one microsecond counts, for data.
    let base: Option<u64> = match unit {
        Unit::RamMibHours => Some(1 << 20),
        Unit::LocalDiskGibHours | Unit::VolumeGibHours | Unit::SnapshotGibHours | Unit::BackupGibHours => {
            Some(1 << 30)
        }
        Unit::ImageGibHours | Unit::ObjectStoreGibHours => Some(1),
        _ => None,
    };
    let factor = match (base, bytes(engines_unit)) {
        (Some(base), Some(one)) => BigDecimal::from(one) / BigDecimal::from(base),
        _ => BigDecimal::from(1),
    };
    let whole = quantity * factor * BigDecimal::from(micros);
    whole.with_scale_round(0, RoundingMode::HalfEven).to_u128().unwrap_or(0)
}

/// A number of JSON, digit by digit.
pub(super) fn decimal(number: &serde_json::Number) -> BigDecimal {
    number.to_string().parse().unwrap_or_default()
}

/// A time of an engine: with a zone, or without one and then in UTC.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    super::table::time(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_meanings() {
        let cases = [
            ("instance", "instance", "1", "server_hours 3600000000"),
            ("cpu", "vCPU", "2", "vcpu_hours 7200000000"),
            ("memory", "MB", "1.048576", "ram_mib_hours 3600000000"),
            ("memory", "GiB", "2", "ram_mib_hours 7372800000000"),
            ("volume.size", "GiB", "10.5", "volume_gib_hours 37800000000"),
            ("volume.size", "", "10", "volume_gib_hours 36000000000"),
            ("image.size", "MiB", "0.5", "image_gib_hours 1887436800000000"),
            ("image.size", "B", "7", "image_gib_hours 25200000000"),
            ("ip.floating", "ip", "-1", "floating_ip_hours 0"),
        ];
        for (metric, words, quantity, expected) in cases {
            let unit = meaning(metric, words).expect("a meaning");
            let quantity = quantity.parse().expect("a number");
            let found = format!("{unit} {}", amount(unit, &quantity, words, 3_600_000_000));
            assert_eq!(found, expected, "{metric} {words}");
        }
        assert_eq!(meaning("network.outgoing.bytes.rate", "MB"), None);
    }
}
