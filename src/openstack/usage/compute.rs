//! Nova's servers. Nova is the one service that keeps what was deleted.
//!
//! Its usage tells which servers there were, and not always since when: Nova 34 starts `started_at` (`launched_at`) anew
//! when a server is rebuilt, resized, migrated, unshelved or rescued. What happened before would be lost, and all of it if
//! that is after the window. So the servers that changed since the start of the window are read from their own list as
//! well, which tells when each was asked for. That list is read before the usage; those that Nova starts anew in between
//! would be in neither, so that what changed meanwhile is listed at the end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::amount::Unit;
use super::collect::{Collector, View};
use super::lists::{Page, Seen, walk};
use super::report::Batch;
use super::sample::{Sample, Server, UsageService};
use super::table::time;
use super::window::Window;
use crate::openstack::catalog::Service;
use crate::openstack::catalog::versions::Microversion;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::{Error, Result};
use crate::openstack::transport::Reply;

/// From 2.40 on usage is paged; before, it is cut at Nova's `max_limit` without a word. From 2.47 on a server has its
/// flavor in itself, as it was when the server got it.
const NEEDED: Microversion = Microversion(2, 47);

/// How far Nova's clock may be behind ours.
const SKEW: SignedDuration = SignedDuration::from_mins(1);

/// What Nova counts of one server.
#[derive(Deserialize)]
struct Usage {
    instance_id: String,
    #[serde(default)]
    name: Option<String>,
    tenant_id: String,
    #[serde(default)]
    flavor: Option<String>,
    vcpus: u64,
    memory_mb: u64,
    local_gb: u64,
    started_at: String,
    ended_at: Option<String>,
    #[serde(default)]
    state: Option<String>,
}

#[derive(Deserialize)]
struct OfProject {
    #[serde(default)]
    server_usages: Vec<Usage>,
}

/// A server as its own list has it.
#[derive(Deserialize)]
struct Listed {
    id: String,
    status: String,
    #[serde(default)]
    name: Option<String>,
    tenant_id: String,
    #[serde(default, rename = "OS-EXT-STS:vm_state")]
    state: Option<String>,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    updated: Option<String>,
    #[serde(default, rename = "OS-SRV-USG:launched_at")]
    launched: Option<String>,
    #[serde(default, rename = "OS-SRV-USG:terminated_at")]
    terminated: Option<String>,
    #[serde(default, rename = "OS-EXT-AZ:availability_zone")]
    availability_zone: Option<String>,
    /// `""` if the server starts from a volume.
    #[serde(default)]
    image: serde_json::Value,
    flavor: Flavor,
    #[serde(default)]
    addresses: HashMap<String, Vec<Address>>,
}

#[derive(Deserialize)]
struct Flavor {
    #[serde(default)]
    original_name: Option<String>,
    vcpus: u64,
    ram: u64,
    disk: u64,
    ephemeral: u64,
    #[serde(default)]
    extra_specs: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Address {
    addr: String,
    #[serde(default, rename = "OS-EXT-IPS:type")]
    kind: Option<String>,
}

/// What a list tells of a server, and its usage doesn't.
struct Facts {
    /// When it was asked for.
    created_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    /// Only with details.
    more: Option<Box<More>>,
}

/// What accounting and traits have.
struct More {
    server: Server,
    user_id: Option<String>,
    availability_zone: Option<String>,
}

/// What was counted, and of which servers.
struct Counted {
    batch: Batch,
    /// Hashes of their ids, which are small: no two of a cloud's servers have the same.
    servers: HashSet<u64>,
}

impl Counted {
    fn new(it: &Collector<'_>) -> Self {
        Self { batch: it.batch(), servers: HashSet::new() }
    }

    fn mark(id: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        hasher.finish()
    }

    fn has(&self, id: &str) -> bool {
        self.servers.contains(&Self::mark(id))
    }

    /// Takes in a server that was read. What isn't counted in it has no sample.
    fn take(&mut self, id: &str, sample: Option<Sample>) {
        self.servers.insert(Self::mark(id));
        if let Some(sample) = sample {
            self.batch.push(sample);
        }
    }

    fn merge(&mut self, other: Self) {
        self.batch.merge(other.batch);
        self.servers.extend(other.servers);
    }
}

/// Whether the account may read the usage of all projects.
pub(super) async fn probe(cloud: &Cloud, window: &Window) -> Result<()> {
    cloud.send(usage(window, None).query("limit", "1")).await.map(drop)
}

/// Reads the servers of a project, or of all.
pub(super) async fn read(it: &Collector<'_>, view: &View) -> Result<Batch> {
    let range = view.cloud.microversions(Service::Compute).await?;
    if range.max < NEEDED {
        return Err(Error::Truncated {
            what: "servers".into(),
            why: format!(
                "this Nova takes microversions up to {} only, and it takes {NEEDED} to read usage page by page, with \
                 flavors",
                range.max
            ),
        });
    }
    let mut facts = HashMap::new();
    let mut all = Counted::new(it);
    if it.query.detail {
        all.merge(listed(it, view, None, &mut facts, &all).await?);
    }
    all.merge(listed(it, view, Some(it.window.start()), &mut facts, &all).await?);
    let project = view.project.as_deref();
    let key = if project.is_some() { "tenant_usage" } else { "tenant_usages" };
    let read = |counted: &mut Counted, page: &Page<'_>| {
        let of: Vec<OfProject> = match project {
            Some(_) => vec![page.get(key)?],
            None => page.get(key)?,
        };
        let (mut rows, mut last) = (0, None);
        for usage in of.into_iter().flat_map(|it| it.server_usages) {
            rows += 1;
            let id = usage.instance_id.clone();
            counted.take(&id, sample(it, view, usage, facts.get(&id), page.reply)?);
            last = Some(id);
        }
        Ok(Seen { rows, last })
    };
    let used = walk(&view.cloud, key, || usage(&it.window, project), || Counted::new(it), read).await?;
    all.merge(used);
    let meanwhile = Timestamp::from_second((it.observed_at - SKEW).as_second()).unwrap_or(it.observed_at);
    all.merge(listed(it, view, Some(meanwhile), &mut facts, &all).await?);
    Ok(all.batch)
}

fn usage(window: &Window, project: Option<&str>) -> Call {
    // Without a zone: Nova refuses one, and means UTC.
    let naive =
        |it: Timestamp| it.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    let call = match project {
        Some(id) => Call::get(Service::Compute, "/os-simple-tenant-usage/{id}")
            .id(id)
            .doing(format!("read the usage of project {id}")),
        // Of one project it is always detailed, and to say so is an error from microversion 2.75 on.
        None => Call::get(Service::Compute, "/os-simple-tenant-usage")
            .query("detailed", "1")
            .doing("read the usage of all projects"),
    };
    call.query("start", naive(window.start()))
        .query("end", naive(window.end()))
        .microversion(&NEEDED.to_string())
}

fn sample(
    it: &Collector<'_>,
    view: &View,
    usage: Usage,
    facts: Option<&Facts>,
    reply: &Reply,
) -> Result<Option<Sample>> {
    let read = |text: &str| time(text).ok_or_else(|| reply.odd(format!("\"{text}\" is no time")));
    let Usage {
        instance_id,
        name,
        tenant_id,
        flavor,
        vcpus,
        memory_mb,
        local_gb,
        started_at,
        ended_at,
        state,
    } = usage;
    let Some(owner) = it.owner(view, Some(&tenant_id)) else { return Ok(None) };
    let started_at = read(&started_at)?;
    let started_at = facts.and_then(|it| it.created_at).map_or(started_at, |it| it.min(started_at));
    let ended_at = ended_at.as_deref().map(read).transpose()?.or(facts.and_then(|it| it.ended_at));
    let overlap = it.window.overlap(started_at, ended_at);
    let (state, kind) = (state.unwrap_or_default(), flavor.unwrap_or_default());
    let more = facts.and_then(|it| it.more.as_deref());
    let mut traits = BTreeMap::new();
    if it.query.detail {
        let mut put = |name: &str, it: String| drop(traits.insert(name.to_owned(), it));
        put("disk", local_gb.to_string());
        put("flavor", kind.clone());
        put("ramMb", memory_mb.to_string());
        put("state", state.clone());
        put("vcpu", vcpus.to_string());
        if let Some(more) = more {
            put("diskEphemeral", more.server.ephemeral_gib.to_string());
            put("diskRoot", more.server.root_gib.to_string());
            more.availability_zone.iter().for_each(|it| put("availabilityZone", it.clone()));
        }
    }
    Ok(Some(Sample {
        service: UsageService::Compute,
        resource_id: instance_id,
        resource_name: name.unwrap_or_default(),
        project_id: owner.to_owned(),
        user_id: more.and_then(|it| it.user_id.clone()),
        kind,
        started_at,
        ended_at,
        overlap,
        quantities: vec![
            (Unit::ServerHours, 1),
            (Unit::VcpuHours, vcpus),
            (Unit::RamMibHours, memory_mb),
            (Unit::LocalDiskGibHours, local_gb),
        ],
        measured: BTreeMap::new(),
        rated: None,
        state,
        grade: it.grade(UsageService::Compute),
        traits,
        server: more.map(|it| Box::new(it.server.clone())),
    }))
}

/// Reads a list of servers: those that are there, or those that changed since then, deleted ones too. Of the latter it
/// gives the ones that were there in the window, that usage leaves out, and that aren't counted yet.
///
/// `deleted=true` would be the shorter way, and is for administrators: to anyone else Nova lists those that are there,
/// without a word.
async fn listed(
    it: &Collector<'_>,
    view: &View,
    since: Option<Timestamp>,
    facts: &mut HashMap<String, Facts>,
    counted: &Counted,
) -> Result<Counted> {
    let call = || {
        let call = Call::get(Service::Compute, "/servers/detail")
            .doing("list the servers")
            .queries(since.iter().map(|it| ("changes-since", it.to_string())))
            .microversion(&NEEDED.to_string());
        if !view.wide {
            return call;
        }
        call.query("all_tenants", "1").queries(view.project.iter().map(|it| ("project_id", it.clone())))
    };
    let read = |found: &mut Counted, page: &Page<'_>| {
        let rows: Vec<Listed> = page.get("servers")?;
        let seen = Seen { rows: rows.len(), last: rows.last().map(|it| it.id.clone()) };
        for row in rows {
            let missing = since.and(row.missing(&it.window)).filter(|it| !counted.has(&it.instance_id));
            let kept = it.query.detail || row.is_told_wrong(&it.window);
            let (id, known) = row.taken_apart(it.query.detail);
            if let Some(usage) = missing {
                found.take(&id, sample(it, view, usage, Some(&known), page.reply)?);
            }
            if kept {
                facts.insert(id, known);
            }
        }
        Ok(seen)
    };
    walk(&view.cloud, "servers", call, || Counted::new(it), read).await
}

impl Listed {
    /// Usage as Nova would tell it, if it doesn't because it takes the server to have started after the window.
    fn missing(&self, window: &Window) -> Option<Usage> {
        let launched = self.launched.as_deref().and_then(time)?;
        (launched >= window.end()).then(|| Usage {
            instance_id: self.id.clone(),
            name: self.name.clone(),
            tenant_id: self.tenant_id.clone(),
            flavor: self.flavor.original_name.clone(),
            vcpus: self.flavor.vcpus,
            memory_mb: self.flavor.ram,
            local_gb: self.flavor.disk + self.flavor.ephemeral,
            started_at: self.launched.clone().unwrap_or_default(),
            ended_at: self.terminated.clone(),
            state: if self.terminated.is_some() { Some("terminated".into()) } else { self.state.clone() },
        })
    }

    /// Whether usage may leave out hours of the window: since it starts the server within it, or knows no end. What it
    /// starts before the window was there all the time.
    fn is_told_wrong(&self, window: &Window) -> bool {
        let launched = self.launched.as_deref().and_then(time);
        let endless = self.status == "DELETED" && self.terminated.is_none();
        endless || launched.is_none_or(|it| it > window.start())
    }

    fn taken_apart(self, detail: bool) -> (String, Facts) {
        let at = |text: &Option<String>| text.as_deref().and_then(time);
        let (created_at, terminated_at) = (at(&self.created), at(&self.terminated));
        // The end of some was not written down. Usage would let them run for ever.
        let ended_at = terminated_at.or_else(|| at(&self.updated).filter(|_| self.status == "DELETED"));
        let more = detail.then(|| {
            Box::new(More {
                server: Server {
                    status: self.status,
                    vcpus: self.flavor.vcpus,
                    ram_mib: self.flavor.ram,
                    root_gib: self.flavor.disk,
                    ephemeral_gib: self.flavor.ephemeral,
                    image_id: self.image.get("id").and_then(|it| it.as_str()).map(str::to_owned),
                    created_at,
                    updated_at: at(&self.updated),
                    launched_at: at(&self.launched),
                    terminated_at,
                    public_ips: self.addresses.values().flatten().filter(|it| it.is_public()).count() as u64,
                    extra_specs: self.flavor.extra_specs,
                },
                user_id: self.user_id,
                availability_zone: self.availability_zone,
            })
        });
        (self.id, Facts { created_at, ended_at, more })
    }
}

impl Address {
    fn is_public(&self) -> bool {
        if self.kind.as_deref() == Some("floating") {
            return true;
        }
        match self.addr.parse() {
            Ok(IpAddr::V4(it)) => !(it.is_private() || it.is_loopback() || it.is_link_local()),
            Ok(IpAddr::V6(it)) => !(it.is_unique_local() || it.is_loopback() || it.is_unicast_link_local()),
            Err(_) => false,
        }
    }
}
