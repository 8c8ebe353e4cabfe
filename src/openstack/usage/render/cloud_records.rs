//! APEL's cloud accounting records, version 0.4, as cASO 5 sends them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::{Site, ascii};
use crate::openstack::usage::{Report, Sample, Server, Unit, UsageService};

/// The properties of a flavor that name its benchmark, as EGI has its sites set them.
const BENCHMARK: (&str, &str) = ("accounting:benchmark_type", "accounting:benchmark_value");

/// A message with a record for each server that was there in the window. Empty if there is none.
///
/// As with cASO, durations are those since the server was made, not those in the window: APEL takes each record in
/// place of the one before. A server that ended after the window counts as running.
///
/// Needs a report with samples.
pub fn cloud_records(report: &Report, site: &Site) -> String {
    let mut message = String::new();
    for sample in report.samples.iter().filter(|it| it.service == UsageService::Compute) {
        let Some(project) = report.projects.get(&sample.project_id) else { continue };
        let Some(vo) = site.vo(project) else { continue };
        let server = sample.server.as_deref().cloned().unwrap_or_else(|| bare(sample));
        let start = if message.is_empty() { "APEL-cloud-message: v0.4\n" } else { "%%\n" };
        message.push_str(start);
        // cASO sorts them too.
        for (key, value) in record(report, site, sample, &server, vo) {
            // Writing to a String fails in no way.
            let _ = writeln!(message, "{key}: {value}");
        }
    }
    message
}

fn record(
    report: &Report,
    site: &Site,
    sample: &Sample,
    server: &Server,
    vo: &str,
) -> BTreeMap<&'static str, String> {
    let end_of_window = report.window.end();
    // When it was asked for: Nova sets the time of its first start anew when it is rebuilt or resized.
    let start = server.created_at.unwrap_or(sample.started_at);
    let ended = ended(sample, server, start).filter(|it| *it <= end_of_window);
    let wall = ended.unwrap_or(end_of_window).duration_since(start).as_secs().max(0);
    // Not 0: such records were taken for errors.
    let at_least_one = |seconds: i128| seconds.max(1).to_string();
    let mut fields = BTreeMap::from([
        ("VMUUID", ascii(&sample.resource_id).into_owned()),
        ("SiteName", ascii(&site.name).into_owned()),
        ("CloudComputeService", ascii(&site.compute_service).into_owned()),
        ("CloudType", ascii(&site.cloud_type).into_owned()),
        ("MachineName", ascii(&sample.resource_name).into_owned()),
        ("LocalGroupId", ascii(&sample.project_id).into_owned()),
        ("FQAN", ascii(vo).into_owned()),
        ("Status", status(&server.status, ended.is_some()).to_owned()),
        ("StartTime", start.as_second().to_string()),
        ("EndTime", ended.map_or(0, Timestamp::as_second).to_string()),
        ("WallDuration", at_least_one(wall.into())),
        ("CpuDuration", at_least_one(i128::from(wall) * i128::from(server.vcpus))),
        ("CpuCount", server.vcpus.to_string()),
        ("Memory", server.ram_mib.to_string()),
        ("Disk", (server.root_gib + server.ephemeral_gib).to_string()),
        ("PublicIPCount", server.public_ips.to_string()),
    ]);
    fields.extend(sample.user_id.as_ref().map(|it| ("LocalUserId", ascii(it).into_owned())));
    let user = sample.user_id.as_ref().and_then(|id| report.users.get(id));
    fields.extend(user.map(|it| ("GlobalUserName", ascii(it).into_owned())));
    fields.extend(server.image_id.as_ref().map(|it| ("ImageId", ascii(it).into_owned())));
    let specs = |key: &str| server.extra_specs.get(key).cloned();
    let own = specs(BENCHMARK.0).zip(specs(BENCHMARK.1));
    if let Some((kind, value)) = own.or_else(|| site.benchmark.clone()) {
        fields.insert("BenchmarkType", ascii(&kind).into_owned());
        fields.insert("Benchmark", ascii(&value).into_owned());
    }
    fields
}

/// What usage alone tells of a server that Nova doesn't list.
fn bare(sample: &Sample) -> Server {
    let quantity = |unit| sample.quantities.iter().find(|it| it.0 == unit).map_or(0, |it| it.1);
    Server {
        status: if sample.ended_at.is_some() { "DELETED".into() } else { sample.state.to_uppercase() },
        vcpus: quantity(Unit::VcpuHours),
        ram_mib: quantity(Unit::RamMibHours),
        root_gib: quantity(Unit::LocalDiskGibHours),
        ..Server::default()
    }
}

/// When a server ended, as far as one can tell.
fn ended(sample: &Sample, server: &Server, start: Timestamp) -> Option<Timestamp> {
    if let Some(end) = server.terminated_at.or(sample.ended_at) {
        return Some(end);
    }
    match server.status.as_str() {
        // It never ran.
        _ if server.launched_at.is_none() && server.created_at.is_some() => Some(start),
        // Its end was not written down. Without one it would run for ever.
        "DELETED" | "SOFT_DELETED" => server.updated_at,
        _ => None,
    }
}

/// APEL's word for Nova's status. What is completed has an end, and what has an end is completed.
fn status(nova: &str, has_ended: bool) -> &'static str {
    let completed = if has_ended { "completed" } else { "started" };
    match nova.to_ascii_lowercase().as_str() {
        "deleted" | "shutoff" | "terminated" => completed,
        "active" | "build" | "confirming_resize" | "hard_reboot" | "migrating" | "password" | "reboot"
        | "rebuild" | "rescue" | "resize" | "revert_resize" | "verify_resize" | "saving" => "started",
        "error" => "error",
        "paused" => "paused",
        "suspended" => "suspended",
        "stopped" => "stopped",
        _ => "unknown",
    }
}
