//! How each service lists what is there now, and what that counts for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::amount::Unit;
use super::sample::UsageService;
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Call;

/// One list of one service.
pub(super) struct Meter {
    pub service: UsageService,
    pub api: Service,
    /// What the list has, in the plural.
    pub things: &'static str,
    pub route: &'static str,
    /// The key of the rows in the body.
    pub key: &'static str,
    pub query: &'static [(&'static str, &'static str)],
    pub reach: Reach,
    /// The newest microversion that is asked for.
    pub microversion: Option<(u32, u32)>,
    pub owner: &'static str,
    name: &'static str,
    created: &'static str,
    state: &'static str,
    kind: &'static str,
    user: &'static str,
    counts: (Unit, Quantity),
    traits: &'static [(&'static str, Trait)],
}

/// How an administrator sees the rows of other projects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// With `all_tenants`; those of one project by a filter.
    AllTenants,
    /// Without a word; those of one project by a filter of this name.
    Filter(&'static str),
    /// By headers.
    Headers,
    /// With `global_tenant`. It has no filter.
    GlobalTenant,
}

enum Quantity {
    One,
    Field(&'static str),
}

enum Trait {
    /// As it is.
    Plain(&'static str),
    /// The length of a list.
    Length(&'static str),
    /// Bytes as GiB, to six decimals.
    Gib(&'static str),
}

const AVAILABILITY_ZONE: (&str, Trait) = ("availabilityZone", Trait::Plain("availability_zone"));
const REPLICATION: (&str, Trait) = ("replicationStatus", Trait::Plain("replication_status"));
const STATUS: (&str, Trait) = ("status", Trait::Plain("status"));

/// From here on Cinder says whether a volume or snapshot counts for the project's quota.
const QUOTA: Option<(u32, u32)> = Some((3, 65));

/// What most have in common.
const PLAIN: Meter = Meter {
    service: UsageService::Volume,
    api: Service::BlockStorage,
    things: "",
    route: "",
    key: "",
    query: &[],
    reach: Reach::Filter("project_id"),
    microversion: None,
    owner: "project_id",
    name: "name",
    created: "created_at",
    state: "status",
    kind: "",
    user: "",
    counts: (Unit::VolumeGibHours, Quantity::One),
    traits: &[],
};

/// All lists of what is there now. Servers and accounts of object storage are told in other ways.
pub(super) const METERS: [Meter; 10] = [
    Meter {
        service: UsageService::Volume,
        things: "volumes",
        route: "/volumes/detail",
        key: "volumes",
        reach: Reach::AllTenants,
        microversion: QUOTA,
        owner: "os-vol-tenant-attr:tenant_id",
        kind: "volume_type",
        user: "user_id",
        counts: (Unit::VolumeGibHours, Quantity::Field("size")),
        traits: &[
            AVAILABILITY_ZONE,
            REPLICATION,
            ("size", Trait::Plain("size")),
            STATUS,
            ("type", Trait::Plain("volume_type")),
        ],
        ..PLAIN
    },
    Meter {
        service: UsageService::Snapshot,
        things: "snapshots",
        route: "/snapshots/detail",
        key: "snapshots",
        reach: Reach::AllTenants,
        // From 3.41 on a snapshot says who made it.
        microversion: QUOTA,
        owner: "os-extended-snapshot-attributes:project_id",
        user: "user_id",
        counts: (Unit::SnapshotGibHours, Quantity::Field("size")),
        traits: &[AVAILABILITY_ZONE, REPLICATION, STATUS, ("volumeSize", Trait::Plain("size"))],
        ..PLAIN
    },
    Meter {
        service: UsageService::Backup,
        things: "backups",
        route: "/backups/detail",
        key: "backups",
        reach: Reach::AllTenants,
        // From 3.18 on a backup says whose it is, from 3.56 on who made it.
        microversion: Some((3, 56)),
        owner: "os-backup-project-attr:project_id",
        user: "user_id",
        counts: (Unit::BackupGibHours, Quantity::Field("size")),
        traits: &[AVAILABILITY_ZONE, ("size", Trait::Plain("size")), STATUS],
        ..PLAIN
    },
    Meter {
        service: UsageService::FloatingIp,
        api: Service::Network,
        things: "floating IPs",
        route: "/floatingips",
        key: "floatingips",
        name: "floating_ip_address",
        counts: (Unit::FloatingIpHours, Quantity::One),
        traits: &[STATUS],
        ..PLAIN
    },
    Meter {
        service: UsageService::Router,
        api: Service::Network,
        things: "routers",
        route: "/routers",
        key: "routers",
        counts: (Unit::RouterHours, Quantity::One),
        traits: &[STATUS],
        ..PLAIN
    },
    Meter {
        service: UsageService::LoadBalancer,
        api: Service::LoadBalancer,
        things: "load balancers",
        route: "/lbaas/loadbalancers",
        key: "loadbalancers",
        state: "operating_status",
        kind: "provider",
        counts: (Unit::LoadBalancerHours, Quantity::One),
        traits: &[
            ("listeners", Trait::Length("listeners")),
            ("operatingStatus", Trait::Plain("operating_status")),
            ("pools", Trait::Length("pools")),
            ("provider", Trait::Plain("provider")),
        ],
        ..PLAIN
    },
    IMAGES,
    // Glance lists hidden images only if asked for nothing else.
    Meter { query: &[("visibility", "all"), ("os_hidden", "true")], ..IMAGES },
    Meter {
        service: UsageService::DnsZone,
        api: Service::Dns,
        things: "zones",
        route: "/zones",
        key: "zones",
        reach: Reach::Headers,
        counts: (Unit::DnsZoneHours, Quantity::One),
        traits: &[STATUS],
        ..PLAIN
    },
    Meter {
        service: UsageService::Stack,
        api: Service::Orchestration,
        things: "stacks",
        route: "/stacks",
        key: "stacks",
        reach: Reach::GlobalTenant,
        owner: "project",
        name: "stack_name",
        created: "creation_time",
        state: "stack_status",
        counts: (Unit::StackHours, Quantity::One),
        traits: &[("status", Trait::Plain("stack_status"))],
        ..PLAIN
    },
];

const IMAGES: Meter = Meter {
    service: UsageService::Image,
    api: Service::Image,
    things: "images",
    route: "/images",
    key: "images",
    query: &[("visibility", "all")],
    reach: Reach::Filter("owner"),
    owner: "owner",
    counts: (Unit::ImageGibHours, Quantity::Field("size")),
    traits: &[("size", Trait::Gib("size")), STATUS],
    ..PLAIN
};

impl Meter {
    /// The call that lists a project's rows, or everybody's. `wide`: with the token of an administrator.
    pub fn call(&self, wide: bool, project: Option<&str>) -> Call {
        let mut call = Call::get(self.api, self.route)
            .doing(format!("list the {}", self.things))
            .queries(self.query.iter().copied());
        match (self.reach, project) {
            (Reach::Filter(name), Some(project)) => call = call.query(name, project),
            (Reach::AllTenants, project) if wide => {
                call = call.query("all_tenants", "1").queries(project.map(|it| ("project_id", it)));
            }
            (Reach::Headers, Some(project)) if wide => call = call.header("x-auth-sudo-project-id", project),
            (Reach::Headers, None) if wide => call = call.header("x-auth-all-projects", "true"),
            (Reach::GlobalTenant, _) if wide => call = call.query("global_tenant", "true"),
            _ => {}
        }
        call
    }

    /// Whether a row is the service's own, for a while, and nobody's usage: the copy that a volume is migrated to, which
    /// only administrators see, or what Cinder makes to back up a volume in use.
    pub fn is_passing(row: &Value) -> bool {
        row["consumes_quota"] == false
            || row["os-vol-mig-status-attr:migstat"].as_str().is_some_and(|it| it.starts_with("target:"))
    }

    /// What a row says. `Err` is the field without which it can't be counted.
    pub fn read<'a>(&self, row: &'a Value) -> Result<Row<'a>, &'static str> {
        let text = |key: &str| row.get(key).and_then(Value::as_str);
        let (unit, quantity) = &self.counts;
        let quantity = match quantity {
            Quantity::One => 1,
            // An image that nobody has uploaded has no size.
            Quantity::Field(key) if row.get(*key).is_none_or(Value::is_null) => 0,
            Quantity::Field(key) => row[*key].as_u64().ok_or(*key)?,
        };
        Ok(Row {
            id: text("id").ok_or("id")?,
            name: text(self.name).unwrap_or_default(),
            owner: text(self.owner),
            user: text(self.user),
            kind: text(self.kind).unwrap_or_default(),
            created: text(self.created).and_then(time).ok_or(self.created)?,
            state: text(self.state).unwrap_or_default(),
            quantity: (*unit, quantity),
        })
    }

    /// The traits of a row.
    pub fn traits(&self, row: &Value) -> BTreeMap<String, String> {
        let known = self.traits.iter().filter_map(|(name, it)| Some(((*name).to_owned(), it.of(row)?)));
        known.collect()
    }
}

impl Trait {
    fn of(&self, row: &Value) -> Option<String> {
        match self {
            Trait::Plain(key) => match row.get(*key)? {
                Value::Null => None,
                Value::String(it) => Some(it.clone()),
                other => Some(other.to_string()),
            },
            Trait::Length(key) => Some(row.get(*key)?.as_array()?.len().to_string()),
            Trait::Gib(key) => Some(super::amount::gib(row.get(*key)?.as_u64()?).to_plain_string()),
        }
    }
}

/// What is read of a row.
pub(super) struct Row<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub owner: Option<&'a str>,
    pub user: Option<&'a str>,
    pub kind: &'a str,
    pub created: Timestamp,
    pub state: &'a str,
    pub quantity: (Unit, u64),
}

/// A time as services write it: all in UTC, and only some say so.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_are_in_utc() {
        for text in [
            "2026-11-22T08:32:09.000000",
            "2026-11-22T08:32:09Z",
            "2026-11-22T08:32:09",
            "2026-11-22 08:32:09",
        ] {
            assert_eq!(time(text).map(|it| it.as_second()), Some(1_795_336_329), "{text}");
        }
        assert_eq!(time("yesterday"), None);
    }

    #[test]
    fn rows_are_read() {
        let meter = |it: UsageService| METERS.iter().find(|meter| meter.service == it).expect("a meter");
        let volume = json!({"id": "v", "name": null, "size": 3, "volume_type": "ssd", "status": "in-use",
            "created_at": "2026-11-22T08:32:09.000000", "os-vol-tenant-attr:tenant_id": "p", "replication_status": null});
        let row = meter(UsageService::Volume).read(&volume).expect("a row");
        assert_eq!(
            (row.name, row.owner, row.kind, row.quantity),
            ("", Some("p"), "ssd", (Unit::VolumeGibHours, 3))
        );
        assert_eq!(
            json!(meter(UsageService::Volume).traits(&volume)),
            json!({"size": "3", "status": "in-use", "type": "ssd"})
        );
        let image =
            json!({"id": "i", "owner": "p", "size": 1_610_612_736, "created_at": "2026-11-22T08:32:09Z"});
        assert_eq!(json!(meter(UsageService::Image).traits(&image)), json!({"size": "1.5"}));
        let queued = json!({"id": "i", "owner": "p", "size": null, "created_at": "2026-11-22T08:32:09Z"});
        assert_eq!(meter(UsageService::Image).read(&queued).map(|it| it.quantity.1), Ok(0));
        let odd = json!({"id": "v", "size": -1, "created_at": "2026-11-22T08:32:09Z"});
        assert_eq!(meter(UsageService::Volume).read(&odd).err(), Some("size"));
        assert_eq!(meter(UsageService::Router).read(&json!({"id": "r"})).err(), Some("created_at"));
    }
}
