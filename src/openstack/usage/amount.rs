//! Exact amounts, and their hours.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use bigdecimal::{BigDecimal, RoundingMode};

use super::sample::UsageService;

/// A quantity x microseconds. The quantity is in the [base](Unit::base) of its unit. 2^128 are a trillion years of
/// ten petabytes.
pub type Amount = u128;

/// What is counted, in hours of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Servers.
    ServerHours,
    /// Virtual CPUs of servers.
    VcpuHours,
    /// MiB of servers' memory.
    RamMibHours,
    /// GiB of servers' root and ephemeral disks.
    LocalDiskGibHours,
    /// GiB of volumes.
    VolumeGibHours,
    /// GiB of snapshots: the size of the volume they are of.
    SnapshotGibHours,
    /// GiB of backups: the size of the volume they are of.
    BackupGibHours,
    /// Floating IPs.
    FloatingIpHours,
    /// Routers.
    RouterHours,
    /// Load balancers.
    LoadBalancerHours,
    /// GiB of images. Their base is the byte.
    ImageGibHours,
    /// GiB of objects. Their base is the byte.
    ObjectStoreGibHours,
    /// Zones.
    DnsZoneHours,
    /// Stacks.
    StackHours,
}

impl Unit {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::ServerHours,
        Self::VcpuHours,
        Self::RamMibHours,
        Self::LocalDiskGibHours,
        Self::VolumeGibHours,
        Self::SnapshotGibHours,
        Self::BackupGibHours,
        Self::FloatingIpHours,
        Self::RouterHours,
        Self::LoadBalancerHours,
        Self::ImageGibHours,
        Self::ObjectStoreGibHours,
        Self::DnsZoneHours,
        Self::StackHours,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::ServerHours => "server_hours",
            Self::VcpuHours => "vcpu_hours",
            Self::RamMibHours => "ram_mib_hours",
            Self::LocalDiskGibHours => "local_disk_gib_hours",
            Self::VolumeGibHours => "volume_gib_hours",
            Self::SnapshotGibHours => "snapshot_gib_hours",
            Self::BackupGibHours => "backup_gib_hours",
            Self::FloatingIpHours => "floating_ip_hours",
            Self::RouterHours => "router_hours",
            Self::LoadBalancerHours => "load_balancer_hours",
            Self::ImageGibHours => "image_gib_hours",
            Self::ObjectStoreGibHours => "object_store_gib_hours",
            Self::DnsZoneHours => "dns_zone_hours",
            Self::StackHours => "stack_hours",
        }
    }

    /// The kind of resource that it counts.
    pub fn service(self) -> UsageService {
        match self {
            Self::ServerHours | Self::VcpuHours | Self::RamMibHours | Self::LocalDiskGibHours => {
                UsageService::Compute
            }
            Self::VolumeGibHours => UsageService::Volume,
            Self::SnapshotGibHours => UsageService::Snapshot,
            Self::BackupGibHours => UsageService::Backup,
            Self::FloatingIpHours => UsageService::FloatingIp,
            Self::RouterHours => UsageService::Router,
            Self::LoadBalancerHours => UsageService::LoadBalancer,
            Self::ImageGibHours => UsageService::Image,
            Self::ObjectStoreGibHours => UsageService::ObjectStore,
            Self::DnsZoneHours => UsageService::DnsZone,
            Self::StackHours => UsageService::Stack,
        }
    }

    /// How many of what is counted make one of the unit: bytes are counted where the unit is GiB of images or
    /// objects, and in all other units one is one.
    pub fn base(self) -> u64 {
        match self {
            Self::ImageGibHours | Self::ObjectStoreGibHours => 1 << 30,
            _ => 1,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Unit {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|it| it.word() == word);
        found.ok_or_else(|| format!("\"{word}\" is not one of {}", Self::ALL.map(Self::word).join(", ")))
    }
}

/// Microseconds in an hour.
const HOUR: u64 = 3_600_000_000;
/// Decimals of hours that are shown. The sixth is 3.6 milliseconds of one server.
const DECIMALS: i64 = 6;

/// An amount in hours of its unit, to six decimals.
pub fn hours(unit: Unit, amount: Amount) -> BigDecimal {
    let whole = BigDecimal::from(amount) / BigDecimal::from(u128::from(HOUR) * u128::from(unit.base()));
    whole.with_scale_round(DECIMALS, RoundingMode::HalfEven).normalized()
}

/// Bytes as GiB, to six decimals.
pub(super) fn gib(bytes: u64) -> BigDecimal {
    let whole = BigDecimal::from(bytes) / BigDecimal::from(1u64 << 30);
    whole.with_scale_round(DECIMALS, RoundingMode::HalfEven).normalized()
}

/// What was used, by unit and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals(BTreeMap<Unit, BTreeMap<String, Amount>>);

impl Totals {
    /// Adds an amount. `kind` is a [sample's](super::Sample::kind).
    pub fn add(&mut self, unit: Unit, kind: &str, amount: Amount) {
        let kinds = self.0.entry(unit).or_default();
        match kinds.get_mut(kind) {
            Some(sum) => *sum = sum.saturating_add(amount),
            None => drop(kinds.insert(kind.to_owned(), amount)),
        }
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds those of an adjacent window, or of another project.
    pub fn merge(&mut self, other: &Totals) {
        for (unit, kind, amount) in other.iter() {
            self.add(unit, kind, amount);
        }
    }

    /// The units that have an amount, even if that is 0.
    pub fn units(&self) -> impl Iterator<Item = Unit> + '_ {
        self.0.keys().copied()
    }

    /// All kinds of a unit together.
    pub fn of(&self, unit: Unit) -> Amount {
        self.kinds(unit).map(|(_, amount)| amount).sum()
    }

    /// The kinds of a unit.
    pub fn kinds(&self, unit: Unit) -> impl Iterator<Item = (&str, Amount)> + '_ {
        self.0.get(&unit).into_iter().flatten().map(|(kind, amount)| (kind.as_str(), *amount))
    }

    /// All amounts by unit and kind, in this order.
    pub fn iter(&self) -> impl Iterator<Item = (Unit, &str, Amount)> + '_ {
        self.0.iter().flat_map(|(unit, kinds)| kinds.iter().map(|(kind, it)| (*unit, kind.as_str(), *it)))
    }

    /// All kinds of a unit together, in hours.
    pub fn hours(&self, unit: Unit) -> BigDecimal {
        hours(unit, self.of(unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_decimal() {
        let cases = [
            (Unit::ServerHours, u128::from(HOUR), "1"),
            (Unit::ServerHours, 5_400_000_000, "1.5"),
            (Unit::VcpuHours, 1_200_000_000, "0.333333"),
            (Unit::ImageGibHours, u128::from(HOUR) << 29, "0.5"),
            (Unit::ServerHours, 0, "0"),
            (Unit::RamMibHours, u128::from(HOUR) * 1_000_000_000_000, "1000000000000"),
        ];
        for (unit, amount, expected) in cases {
            assert_eq!(hours(unit, amount).to_plain_string(), expected);
        }
    }

    #[test]
    fn thirds_of_hours_add_up() {
        let mut all = Totals::default();
        for _ in 0..3 {
            all.add(Unit::VcpuHours, "m1", u128::from(HOUR) / 3);
        }
        all.add(Unit::VcpuHours, "m2", u128::from(HOUR));
        assert_eq!(all.hours(Unit::VcpuHours).to_plain_string(), "2");
    }
}
