//! How each service lists what a project has.

use std::collections::HashSet;

use serde_json::Value;

use super::{Holding, Views};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::{Error, Result};
use crate::openstack::transport::Reply;

/// A row of a list.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub service: Service,
    pub kind: &'static str,
    pub id: String,
    pub name: String,
    pub raw: Value,
}

impl Item {
    pub fn holding(self) -> Holding {
        let Self { service, kind, id, name, raw: _ } = self;
        Holding { service: service.official().into(), kind, id, name }
    }
}

/// One list of one service.
pub(crate) struct Look {
    pub service: Service,
    pub kind: &'static str,
    /// The path, and the key of the rows in the body.
    pub route: &'static str,
    key: &'static str,
    /// Where a row has its name.
    name: &'static str,
    /// Where a row says whose it is. Rows of others are never taken for the project's.
    owner: &'static str,
    paging: Paging,
    reach: Reach,
    query: &'static [(&'static str, &'static str)],
    microversion: Option<&'static str>,
}

/// How a list goes on.
#[derive(Clone, Copy)]
enum Paging {
    /// `marker` is the last id; so many rows at once.
    Marker(usize),
    /// `offset` is the number of rows before.
    Offset(usize),
    /// It comes whole.
    Whole,
}

/// How an administrator sees another project's rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// By a filter of this name, with `all_tenants`.
    AllTenants(&'static str),
    /// By a filter of this name.
    Filter(&'static str),
    /// By a filter that names our own project as well, and first: Neutron makes the security group `default` of the first
    /// project that a list of security groups names.
    Beside,
    /// By acting as the project.
    Sudo,
    /// Not at all: only with a token of the project.
    Own,
    /// By asking for the project's account instead of our own.
    Account,
}

const fn look(
    service: Service,
    kind: &'static str,
    route: &'static str,
    key: &'static str,
    owner: &'static str,
    paging: Paging,
    reach: Reach,
) -> Look {
    Look { service, kind, route, key, name: "name", owner, paging, reach, query: &[], microversion: None }
}

const NETWORK: Service = Service::Network;
const VOLUME: Service = Service::BlockStorage;
const BY_PROJECT: Reach = Reach::Filter("project_id");
const ALL_TENANTS: Reach = Reach::AllTenants("project_id");
const M: Paging = Paging::Marker(1000);
const IMAGES: Look = look(Service::Image, "image", "/images", "images", "owner", M, Reach::Filter("owner"));

/// All lists. Their order is that of a purge.
pub(crate) const LOOKS: [Look; 20] = [
    Look {
        name: "stack_name",
        ..look(Service::Orchestration, "stack", "/stacks", "stacks", "project", M, Reach::Own)
    },
    look(Service::Compute, "server", "/servers/detail", "servers", "tenant_id", M, ALL_TENANTS),
    look(
        Service::LoadBalancer,
        "load balancer",
        "/lbaas/loadbalancers",
        "loadbalancers",
        "project_id",
        M,
        BY_PROJECT,
    ),
    Look {
        name: "floating_ip_address",
        ..look(NETWORK, "floating IP", "/floatingips", "floatingips", "project_id", Paging::Whole, BY_PROJECT)
    },
    look(NETWORK, "router", "/routers", "routers", "project_id", Paging::Whole, BY_PROJECT),
    look(NETWORK, "port", "/ports", "ports", "project_id", Paging::Whole, BY_PROJECT),
    look(NETWORK, "subnet", "/subnets", "subnets", "project_id", Paging::Whole, BY_PROJECT),
    look(NETWORK, "network", "/networks", "networks", "project_id", Paging::Whole, BY_PROJECT),
    Look {
        query: &[("fields", "id"), ("fields", "name"), ("fields", "project_id")],
        ..look(
            NETWORK,
            "security group",
            "/security-groups",
            "security_groups",
            "project_id",
            Paging::Whole,
            Reach::Beside,
        )
    },
    look(
        VOLUME,
        "volume snapshot",
        "/snapshots/detail",
        "snapshots",
        "os-extended-snapshot-attributes:project_id",
        M,
        ALL_TENANTS,
    ),
    Look {
        // From 3.18 on a backup says whose it is.
        microversion: Some("3.18"),
        ..look(
            VOLUME,
            "volume backup",
            "/backups/detail",
            "backups",
            "os-backup-project-attr:project_id",
            M,
            ALL_TENANTS,
        )
    },
    look(VOLUME, "volume", "/volumes/detail", "volumes", "os-vol-tenant-attr:tenant_id", M, ALL_TENANTS),
    Look { query: &[("visibility", "all")], ..IMAGES },
    // Glance lists hidden images only if asked for nothing else.
    Look { query: &[("visibility", "all"), ("os_hidden", "true")], ..IMAGES },
    look(Service::Dns, "zone", "/zones", "zones", "project_id", M, Reach::Sudo),
    look(
        Service::SharedFileSystem,
        "share snapshot",
        "/snapshots/detail",
        "snapshots",
        "project_id",
        Paging::Offset(1000),
        ALL_TENANTS,
    ),
    look(
        Service::SharedFileSystem,
        "share",
        "/shares/detail",
        "shares",
        "project_id",
        Paging::Offset(1000),
        ALL_TENANTS,
    ),
    look(
        Service::SharedFileSystem,
        "share network",
        "/share-networks/detail",
        "share_networks",
        "project_id",
        Paging::Offset(1000),
        ALL_TENANTS,
    ),
    look(Service::ObjectStore, "container", "/", "", "", Paging::Marker(10_000), Reach::Account),
    look(
        Service::KeyManager,
        "secret",
        "/secrets",
        "secrets",
        "",
        // Barbican gives ten unless asked for more, and never more than a hundred.
        Paging::Offset(100),
        Reach::Own,
    ),
];

impl Look {
    /// The project's rows, seen with the best token there is.
    pub async fn find(&self, views: &Views<'_>) -> Result<Vec<Item>> {
        let project_id = views.project_id;
        if let (Some(wide), false) = (&views.wide, self.reach == Reach::Own) {
            return match self.rows(wide, project_id, false).await {
                // An administrator isn't one everywhere: Octavia and Swift have roles of their own.
                Err(why) if why.is_forbidden() => match views.own().await? {
                    Some(own) => self.rows(own, project_id, true).await,
                    None => Err(why),
                },
                other => other,
            };
        }
        match views.own().await? {
            Some(own) => self.rows(own, project_id, true).await,
            None => Err(Error::Unseen {
                what: format!("the {}s of project {project_id}", self.kind),
                why: "that takes an administrator's token for a project, or a role of ours on this one"
                    .into(),
            }),
        }
    }

    async fn rows(&self, cloud: &Cloud, project_id: &str, own: bool) -> Result<Vec<Item>> {
        let home = cloud.login().await?.project_id.clone().filter(|it| it != project_id);
        if self.reach == Reach::Beside && home.is_none() && !self.may_have_any(cloud, project_id).await {
            return Ok(Vec::new());
        }
        let mut all: Vec<Item> = Vec::new();
        let mut seen = HashSet::new();
        let mut last: Option<String> = None;
        loop {
            let call = self.call(project_id, own, home.as_deref());
            let call = match self.paging {
                Paging::Whole => call,
                Paging::Marker(limit) => {
                    call.query("limit", limit.to_string()).queries(last.take().map(|it| ("marker", it)))
                }
                Paging::Offset(limit) => {
                    call.query("limit", limit.to_string()).query("offset", seen.len().to_string())
                }
            };
            let reply = if self.reach == Reach::Account {
                cloud.send_to_account(call, project_id).await?
            } else {
                cloud.send(call).await?
            };
            let body: Value = reply.json()?;
            let rows = if self.key.is_empty() { &body } else { &body[self.key] };
            let rows = rows.as_array().ok_or_else(|| reply.odd(format!("it has no list `{}`", self.key)))?;
            let before = seen.len();
            for row in rows {
                let item = self.item(row).ok_or_else(|| reply.odd(format!("a {} has no id", self.kind)))?;
                last = Some(item.id.clone());
                if seen.insert(item.id.clone()) && self.is_of(&item, project_id, own, &reply)? {
                    all.push(item);
                }
            }
            let goes_on = match self.paging {
                Paging::Whole => false,
                Paging::Marker(limit) | Paging::Offset(limit) => {
                    rows.len() >= limit || has_next(&body, self.key)
                }
            };
            // A page that brings nothing new would come for ever.
            if !goes_on || seen.len() == before {
                return Ok(all);
            }
        }
    }

    /// Whether a row is the project's. What doesn't say whose it is could be anybody's, and might be purged.
    fn is_of(&self, item: &Item, project_id: &str, own: bool, reply: &Reply) -> Result<bool> {
        match item.raw.get(self.owner).and_then(Value::as_str) {
            Some(owner) => Ok(owner == project_id),
            // The list can only be that of the project itself.
            None if own || self.owner.is_empty() => Ok(true),
            None => Err(reply.odd(format!("a {} doesn't say whose it is", self.kind))),
        }
    }

    /// `home` is the token's project, if it is another one.
    fn call(&self, project_id: &str, own: bool, home: Option<&str>) -> Call {
        let mut call = Call::get(self.service, self.route).doing(format!("list the {}s", self.kind));
        if let Some(version) = self.microversion {
            call = call.microversion(version);
        }
        match self.reach {
            Reach::AllTenants(filter) if !own => {
                call = call.query("all_tenants", "1").query(filter, project_id);
            }
            Reach::Filter(filter) => call = call.query(filter, project_id),
            Reach::Sudo if !own => call = call.header("x-auth-sudo-project-id", project_id),
            Reach::Beside => {
                call = call.queries(home.map(|it| ("project_id", it))).query("project_id", project_id);
            }
            Reach::Account => call = call.query("format", "json"),
            _ => {}
        }
        call.queries(self.query.iter().copied())
    }

    fn item(&self, row: &Value) -> Option<Item> {
        let text = |key: &str| row[key].as_str().map(str::to_owned);
        let id = match self.kind {
            "secret" => text("secret_ref")?.rsplit('/').next()?.to_owned(),
            // A container goes by its name; an account may also have "subdirs".
            "container" => text("name")?,
            _ => text("id")?,
        };
        let name = if self.kind == "container" { String::new() } else { text(self.name).unwrap_or_default() };
        Some(Item { service: self.service, kind: self.kind, id, name, raw: row.clone() })
    }

    /// Listing with a token of the project makes its security group `default`. Neutron's count of them has no such effect.
    async fn may_have_any(&self, cloud: &Cloud, project_id: &str) -> bool {
        let call = Call::get(self.service, "/quotas/{id}/details.json").id(project_id);
        let details: Result<Value> = cloud.fetch(call.doing("count the security groups")).await;
        !details.is_ok_and(|it| it["quota"]["security_group"]["used"] == 0)
    }
}

/// Whether a list says that it goes on.
fn has_next(body: &Value, key: &str) -> bool {
    let links = &body[format!("{key}_links")];
    let in_links = links.as_array().is_some_and(|it| it.iter().any(|it| it["rel"] == "next"));
    in_links || body["next"].is_string() || body["links"]["next"].is_string()
}

/// Why a service couldn't be looked into, in few words.
pub(crate) fn reason(why: &Error) -> String {
    match why {
        Error::Unseen { why, .. } => why.clone(),
        other if other.is_forbidden() => format!("the account may not look: {other}"),
        other => other.to_string(),
    }
}
