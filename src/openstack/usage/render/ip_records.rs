//! APEL's public IP records, version 0.2, as cASO 5 sends them.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Site;
use crate::openstack::usage::{Report, UsageService};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Message<'a> {
    r#type: &'static str,
    version: &'static str,
    usage_records: Vec<Record<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Record<'a> {
    measurement_time: i64,
    site_name: &'a str,
    cloud_type: &'a str,
    cloud_compute_service: &'a str,
    #[serde(rename = "uuid")]
    id: String,
    local_group: &'a str,
    #[serde(rename = "FQAN")]
    vo: &'a str,
    #[serde(rename = "IPVersion")]
    ip_version: u8,
    #[serde(rename = "IPCount")]
    ip_count: u64,
}

/// A message with the number of floating IPs that each project had at the end of the window, by version of IP. Empty
/// if no project had one.
///
/// Needs a report with samples.
pub fn ip_records(report: &Report, site: &Site) -> String {
    let end = report.window.end();
    let mut counts: BTreeMap<(&str, u8), u64> = BTreeMap::new();
    for sample in report.samples.iter().filter(|it| it.service == UsageService::FloatingIp) {
        if sample.ended_at.is_none_or(|it| it >= end) {
            // A floating IP has no name but its address.
            let version = if sample.resource_name.contains(':') { 6 } else { 4 };
            *counts.entry((&sample.project_id, version)).or_default() += 1;
        }
    }
    let record = |((project_id, ip_version), ip_count): ((_, u8), u64)| {
        let project_id: &str = project_id;
        Some(Record {
            measurement_time: end.as_second(),
            site_name: &site.name,
            cloud_type: &site.cloud_type,
            cloud_compute_service: &site.compute_service,
            id: id(&[
                &site.name,
                &site.compute_service,
                project_id,
                &end.to_string(),
                &ip_version.to_string(),
            ]),
            vo: site.vo(report.projects.get(project_id)?)?,
            local_group: report.projects.get_key_value(project_id)?.0,
            ip_version,
            ip_count,
        })
    };
    let usage_records: Vec<_> = counts.into_iter().filter_map(record).collect();
    if usage_records.is_empty() {
        return String::new();
    }
    let message = Message { r#type: "APEL Public IP message", version: "0.2", usage_records };
    // Its keys are texts, so that it can be written.
    serde_json::to_string(&message).unwrap_or_default()
}

/// A UUID (version 8) that stays the same for the same measurement. cASO takes a new one each time, so that what is
/// sent twice is counted twice.
fn id(parts: &[&str]) -> String {
    let mut bytes: Vec<u8> = Sha256::digest(parts.join("\n")).into_iter().take(16).collect();
    if let [.., version, _, variant, _, _, _, _, _, _, _] = bytes.as_mut_slice() {
        *version = *version & 0x0f | 0x80;
        *variant = *variant & 0x3f | 0x80;
    }
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
