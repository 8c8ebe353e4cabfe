//! EMI's storage accounting records (StAR), as cASO 5 sends them.

use std::io;

use quick_xml::Writer;
use quick_xml::events::BytesText;

use super::Site;
use crate::openstack::usage::{Report, Sample, Unit, UsageService};

const NAMESPACE: &str = "http://eu-emi.eu/namespaces/2011/02/storagerecord";

/// A document with a record for each volume that was there in the window. Empty if there is none.
///
/// Needs a report with samples.
pub fn storage_records(report: &Report, site: &Site) -> String {
    let mut volumes = report.samples.iter().filter(|it| it.service == UsageService::Volume).peekable();
    let vo = |sample: &Sample| report.projects.get(&sample.project_id).and_then(|it| site.vo(it));
    while volumes.next_if(|sample| vo(sample).is_none()).is_some() {}
    if volumes.peek().is_none() {
        return String::new();
    }
    let mut xml = Writer::new(Vec::new());
    let written = xml
        .create_element("sr:StorageUsageRecords")
        .with_attribute(("xmlns:sr", NAMESPACE))
        .write_inner_content(|xml| {
            volumes.try_for_each(|sample| match vo(sample) {
                Some(vo) => record(xml, report, site, sample, vo),
                None => Ok(()),
            })
        });
    // Writing to memory fails in no way, and what was written is text.
    written.map(drop).ok().and_then(|()| String::from_utf8(xml.into_inner()).ok()).unwrap_or_default()
}

fn record(
    xml: &mut Writer<Vec<u8>>,
    report: &Report,
    site: &Site,
    sample: &Sample,
    vo: &str,
) -> io::Result<()> {
    let window = report.window;
    let end = sample.ended_at.map_or(window.end(), |it| it.min(window.end())).to_string();
    let start = sample.started_at.max(window.start());
    let gib = sample.quantities.iter().find(|(unit, _)| *unit == Unit::VolumeGibHours).map_or(0, |it| it.1);
    let bytes = (u128::from(gib) << 30).to_string();
    // APEL keeps one record of an id. cASO sends the volume's, so that the record of each window takes the place of
    // the one before; here only what is sent again for the same window does.
    let id = format!("{}-{}", sample.resource_id, window.start().as_second());
    let user = sample.user_id.as_deref().unwrap_or_default();
    xml.create_element("sr:StorageUsageRecord").write_inner_content(|xml| {
        xml.create_element("sr:RecordIdentity")
            .with_attributes([("sr:createTime", end.as_str()), ("sr:recordId", &*clean(&id))])
            .write_empty()?;
        text(xml, "sr:StorageSystem", &site.storage_system)?;
        text(xml, "sr:Site", &site.name)?;
        xml.create_element("sr:SubjectIdentity").write_inner_content(|xml| {
            text(xml, "sr:LocalUser", user)?;
            text(xml, "sr:LocalGroup", &sample.project_id)?;
            if let Some(name) = report.users.get(user) {
                text(xml, "sr:UserIdentity", name)?;
            }
            text(xml, "sr:Group", vo)
        })?;
        text(xml, "sr:StartTime", &start.to_string())?;
        text(xml, "sr:EndTime", &end)?;
        text(xml, "sr:ResourceCapacityUsed", &bytes)
    })?;
    Ok(())
}

fn text(xml: &mut Writer<Vec<u8>>, name: &str, value: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(&clean(value)))?;
    Ok(())
}

/// XML has no way to write most control characters.
fn clean(value: &str) -> String {
    value.chars().filter(|it| !it.is_control()).collect()
}
