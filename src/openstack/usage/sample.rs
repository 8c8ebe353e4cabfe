//! One resource in one window.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use jiff::Timestamp;

use super::amount::{Amount, Unit};
use super::prices::Prices;
use crate::openstack::catalog::Service;

/// A kind of resource that is metered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UsageService {
    /// Nova's servers.
    Compute,
    /// Cinder's volumes.
    Volume,
    /// Cinder's snapshots.
    Snapshot,
    /// Cinder's backups.
    Backup,
    /// Neutron's floating IPs.
    FloatingIp,
    /// Neutron's routers.
    Router,
    /// Octavia's load balancers.
    LoadBalancer,
    /// Glance's images.
    Image,
    /// Accounts of Swift, or of Ceph's gateway.
    ObjectStore,
    /// Designate's zones.
    DnsZone,
    /// Heat's stacks.
    Stack,
}

impl UsageService {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Compute,
        Self::Volume,
        Self::Snapshot,
        Self::Backup,
        Self::FloatingIp,
        Self::Router,
        Self::LoadBalancer,
        Self::Image,
        Self::ObjectStore,
        Self::DnsZone,
        Self::Stack,
    ];

    /// The service whose API tells it.
    pub(super) fn api(self) -> Service {
        match self {
            Self::Compute => Service::Compute,
            Self::Volume | Self::Snapshot | Self::Backup => Service::BlockStorage,
            Self::FloatingIp | Self::Router => Service::Network,
            Self::LoadBalancer => Service::LoadBalancer,
            Self::Image => Service::Image,
            Self::ObjectStore => Service::ObjectStore,
            Self::DnsZone => Service::Dns,
            Self::Stack => Service::Orchestration,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Compute => "compute",
            Self::Volume => "volume",
            Self::Snapshot => "snapshot",
            Self::Backup => "backup",
            Self::FloatingIp => "floating_ip",
            Self::Router => "router",
            Self::LoadBalancer => "load_balancer",
            Self::Image => "image",
            Self::ObjectStore => "object_store",
            Self::DnsZone => "dns_zone",
            Self::Stack => "stack",
        }
    }
}

impl fmt::Display for UsageService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for UsageService {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|it| it.word() == word);
        found.ok_or_else(|| format!("\"{word}\" is not one of {}", Self::ALL.map(Self::word).join(", ")))
    }
}

/// How far a figure can be trusted. The weaker, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// A rating engine's figure, complete as far as the engine has come.
    Rated,
    /// Every resource that existed in the window counts for the time it existed, deleted ones too.
    ExactExistence,
    /// A meter's samples, as fine as they are kept.
    Sampled,
    /// What is there at the end of the window, since its creation and with its size now. What was deleted inside the
    /// window is missing.
    Snapshot,
    /// As a snapshot, but looked at long after the window's end: what was deleted since is missing too.
    LowerBound,
}

impl Grade {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rated => "rated",
            Self::ExactExistence => "exact_existence",
            Self::Sampled => "sampled",
            Self::Snapshot => "snapshot",
            Self::LowerBound => "lower_bound",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One resource in one window.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What kind of resource it is.
    pub service: UsageService,
    /// Its id.
    pub resource_id: String,
    /// Its name; empty if it has none.
    pub resource_name: String,
    /// Id of the project that owns it.
    pub project_id: String,
    /// Id of the user who made it, where the service tells.
    pub user_id: Option<String>,
    /// What totals are split by: a server's flavor, a volume's type, a load balancer's provider; else empty.
    pub kind: String,
    /// When it came to be. For a server, when it was asked for.
    pub started_at: Timestamp,
    /// When it ended. `None`: it is still there.
    pub ended_at: Option<Timestamp>,
    /// How long it was there within the window, in microseconds.
    pub overlap: u64,
    /// What it counts for, each in the [base](Unit::base) of its unit: 2 for a server's [`Unit::VcpuHours`].
    pub quantities: Vec<(Unit, u64)>,
    /// Amounts that an engine measured, where they aren't quantity x time: the quantity changed, or was no whole number,
    /// and what is in `quantities` is its mean, for show.
    pub measured: BTreeMap<Unit, Amount>,
    /// What a rating engine charges for it. Such a sample has one unit. `None`: nobody rated it.
    pub rated: Option<BigDecimal>,
    /// Its state in the service's own word, in lower case; empty if it has none.
    pub state: String,
    /// How far this can be trusted.
    pub grade: Grade,
    /// What else is known, under the names that meshStack gives these traits: `vcpu`, `ramMb`, `availabilityZone`.
    pub traits: BTreeMap<String, String>,
    /// What is known of a server only.
    pub server: Option<Box<Server>>,
}

/// What accounting wants to know of a server. Read only where details are asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Server {
    /// Nova's status: `ACTIVE`, `SHUTOFF`, `DELETED`.
    pub status: String,
    /// Number of its virtual CPUs.
    pub vcpus: u64,
    /// Its memory in MiB.
    pub ram_mib: u64,
    /// Its root disk in GiB.
    pub root_gib: u64,
    /// Its ephemeral disk in GiB.
    pub ephemeral_gib: u64,
    /// Id of the image it was made from; `None` if it starts from a volume.
    pub image_id: Option<String>,
    /// When it was asked for.
    pub created_at: Option<Timestamp>,
    /// When it changed last.
    pub updated_at: Option<Timestamp>,
    /// When it first ran.
    pub launched_at: Option<Timestamp>,
    /// When it ended.
    pub terminated_at: Option<Timestamp>,
    /// Number of its public addresses: floating ones, and fixed ones that are no private address.
    pub public_ips: u64,
    /// Extra specifications of its flavor, where the service shows them.
    pub extra_specs: BTreeMap<String, String>,
}

impl Sample {
    /// The amount of each of its units, in the order of its quantities: what was measured, else quantity x
    /// microseconds.
    pub fn amounts(&self) -> impl Iterator<Item = (Unit, Amount)> + '_ {
        self.quantities.iter().map(|(unit, quantity)| {
            let measured = self.measured.get(unit).copied();
            (*unit, measured.unwrap_or_else(|| u128::from(*quantity) * u128::from(self.overlap)))
        })
    }

    /// What an amount of it costs: what a rating engine charges, else by the prices. `None`: there is neither.
    pub fn cost_of(&self, unit: Unit, amount: Amount, prices: &Prices) -> Option<BigDecimal> {
        self.rated.clone().or_else(|| prices.cost(unit, &self.kind, amount))
    }

    /// What all of it costs, as [`Sample::cost_of`].
    pub fn cost(&self, prices: &Prices) -> Option<BigDecimal> {
        let costs = self.amounts().filter_map(|(unit, amount)| self.cost_of(unit, amount, prices));
        costs.reduce(|one, other| one + other)
    }

    /// The order in which samples are told.
    pub(super) fn key(&self) -> (&str, UsageService, Timestamp, &str) {
        (&self.project_id, self.service, self.started_at, &self.resource_id)
    }
}
