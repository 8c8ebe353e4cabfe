//! Nova's servers. Nova is the one service that keeps what was deleted.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

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

/// From here on usage is paged; before, it is cut at Nova's `max_limit` without a word.
const PAGED: Microversion = Microversion(2, 40);
/// From here on a server has its flavor in itself, as it was when the server got it.
const WITH_FLAVOR: Microversion = Microversion(2, 47);

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
    #[serde(default)]
    flavor: Option<Flavor>,
    #[serde(default)]
    addresses: HashMap<String, Vec<Address>>,
}

#[derive(Default, Deserialize)]
struct Flavor {
    #[serde(default)]
    vcpus: u64,
    #[serde(default)]
    ram: u64,
    #[serde(default)]
    disk: u64,
    #[serde(default)]
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

/// A server's own facts, and those that only traits have.
struct Facts {
    server: Server,
    user_id: Option<String>,
    availability_zone: Option<String>,
}

/// Whether the account may read the usage of all projects.
pub(super) async fn probe(cloud: &Cloud, window: &Window) -> Result<()> {
    cloud.send(usage(window, None).query("limit", "1")).await.map(drop)
}

/// Reads the servers of a project, or of all.
pub(super) async fn read(it: &Collector<'_>, view: &View) -> Result<Batch> {
    let range = view.cloud.microversions(Service::Compute).await?;
    let needed = if it.query.detail { WITH_FLAVOR } else { PAGED };
    if range.max < needed {
        return Err(Error::Truncated {
            what: "servers".into(),
            why: format!(
                "this Nova takes microversions up to {} only, and it takes {needed} to read usage page by page, with \
                 flavors",
                range.max
            ),
        });
    }
    let mut facts = HashMap::new();
    if it.query.detail {
        listed(it, view, &mut facts).await?;
    }
    let project = view.project.as_deref();
    let key = if project.is_some() { "tenant_usage" } else { "tenant_usages" };
    let read = |batch: &mut Batch, page: &Page<'_>| {
        let of: Vec<OfProject> = match project {
            Some(_) => vec![page.get(key)?],
            None => page.get(key)?,
        };
        let (mut rows, mut last) = (0, None);
        for usage in of.into_iter().flat_map(|it| it.server_usages) {
            rows += 1;
            last = Some(usage.instance_id.clone());
            if let Some(sample) = sample(it, view, usage, &facts, page.reply)? {
                batch.push(sample);
            }
        }
        Ok(Seen { rows, last })
    };
    walk(&view.cloud, key, || usage(&it.window, project), || it.batch(), read).await
}

fn usage(window: &Window, project: Option<&str>) -> Call {
    // Without a zone: Nova refuses one, and means UTC.
    let naive = |it: jiff::Timestamp| {
        it.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string()
    };
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
        .microversion(&PAGED.to_string())
}

fn sample(
    it: &Collector<'_>,
    view: &View,
    usage: Usage,
    facts: &HashMap<String, Facts>,
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
    let ended_at = ended_at.as_deref().map(read).transpose()?;
    let overlap = it.window.overlap(started_at, ended_at);
    let (state, kind) = (state.unwrap_or_default(), flavor.unwrap_or_default());
    let facts = facts.get(&instance_id);
    let mut traits = BTreeMap::new();
    if it.query.detail {
        let mut put = |name: &str, it: String| drop(traits.insert(name.to_owned(), it));
        put("disk", local_gb.to_string());
        put("flavor", kind.clone());
        put("ramMb", memory_mb.to_string());
        put("state", state.clone());
        put("vcpu", vcpus.to_string());
        if let Some(facts) = facts {
            put("diskEphemeral", facts.server.ephemeral_gib.to_string());
            put("diskRoot", facts.server.root_gib.to_string());
            facts.availability_zone.iter().for_each(|it| put("availabilityZone", it.clone()));
        }
    }
    Ok(Some(Sample {
        service: UsageService::Compute,
        resource_id: instance_id,
        resource_name: name.unwrap_or_default(),
        project_id: owner.to_owned(),
        user_id: facts.and_then(|it| it.user_id.clone()),
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
        state,
        grade: it.grade(UsageService::Compute),
        traits,
        server: facts.map(|it| Box::new(it.server.clone())),
    }))
}

/// Reads the servers themselves, for what usage doesn't tell.
async fn listed(it: &Collector<'_>, view: &View, facts: &mut HashMap<String, Facts>) -> Result<()> {
    // A plain list has those that are there, and one of changes has deleted ones as well. `deleted=true` would be the
    // shorter way, and is for administrators: to anyone else Nova lists those that are there, without a word.
    let since = it.window.start().to_string();
    for since in [None, Some(since)] {
        let call = || {
            let mut call = Call::get(Service::Compute, "/servers/detail")
                .doing("list the servers")
                .queries(since.iter().map(|it| ("changes-since", it.clone())))
                .microversion(&WITH_FLAVOR.to_string());
            if view.wide {
                call = call
                    .query("all_tenants", "1")
                    .queries(view.project.iter().map(|it| ("project_id", it.clone())));
            }
            call
        };
        let read = |_: &mut Batch, page: &Page<'_>| {
            let rows: Vec<Listed> = page.get("servers")?;
            let seen = Seen { rows: rows.len(), last: rows.last().map(|it| it.id.clone()) };
            facts.extend(rows.into_iter().map(Listed::taken_apart));
            Ok(seen)
        };
        walk(&view.cloud, "servers", call, || it.batch(), read).await?;
    }
    Ok(())
}

impl Listed {
    fn taken_apart(self) -> (String, Facts) {
        let at = |text: &Option<String>| text.as_deref().and_then(time);
        let flavor = self.flavor.unwrap_or_default();
        let server = Server {
            status: self.status,
            vcpus: flavor.vcpus,
            ram_mib: flavor.ram,
            root_gib: flavor.disk,
            ephemeral_gib: flavor.ephemeral,
            image_id: self.image.get("id").and_then(|it| it.as_str()).map(str::to_owned),
            created_at: at(&self.created),
            updated_at: at(&self.updated),
            launched_at: at(&self.launched),
            terminated_at: at(&self.terminated),
            public_ips: self.addresses.values().flatten().filter(|it| it.is_public()).count() as u64,
            extra_specs: flavor.extra_specs,
        };
        let facts = Facts { server, user_id: self.user_id, availability_zone: self.availability_zone };
        (self.id, facts)
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
