//! Accounts of object storage: what their headers say now.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;

use super::amount::Unit;
use super::collect::{Collector, View};
use super::report::Batch;
use super::sample::{Sample, UsageService};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Call;
use crate::openstack::error::{Error, Result};

/// So many accounts are asked at once.
const AT_ONCE: usize = 8;

/// Reads the account of each project.
pub(super) async fn read(it: &Collector<'_>, view: &View) -> Result<Batch> {
    let projects = match &view.project {
        Some(id) => vec![id.clone()],
        None => it.tally().known_ids(),
    };
    let each = projects.into_iter().map(|id| async move { account(it, view, &id).await });
    let found = stream::iter(each).buffer_unordered(AT_ONCE);
    found
        .try_fold(it.batch(), |mut batch, sample| async move {
            if let Some(sample) = sample {
                batch.push(sample);
            }
            Ok(batch)
        })
        .await
}

async fn account(it: &Collector<'_>, view: &View, project_id: &str) -> Result<Option<Sample>> {
    let call = Call::new(Method::HEAD, Service::ObjectStore, "/")
        .doing(format!("read the account of project {project_id}"));
    let reply = match view.cloud.send_to_account(call, project_id).await {
        Ok(reply) => reply,
        // An account is made when it is first used. The reply has no body; its id shows that it is the service's.
        Err(Error::Status(it)) if it.status == 404 && it.attempt.request_id.is_some() => return Ok(None),
        Err(why) => return Err(why),
    };
    let number = |name: &str| {
        let text = reply.header(name).ok_or_else(|| reply.odd(format!("it has no header {name}")))?;
        text.parse::<u64>().map_err(|_| reply.odd(format!("the header {name} is \"{text}\"")))
    };
    let bytes = number("x-account-bytes-used")?;
    let (objects, containers) = (number("x-account-object-count")?, number("x-account-container-count")?);
    if bytes == 0 && objects == 0 && containers == 0 {
        return Ok(None);
    }
    // Swift says when the account was made, and Ceph's gateway says what time it is.
    let made = reply.header("x-timestamp").and_then(seconds);
    let made = made.filter(|made| it.observed_at.duration_since(*made) > SignedDuration::from_mins(1));
    let started_at = made.unwrap_or(it.window.start());
    let overlap = it.window.overlap(started_at, None);
    let traits = [("bytes", bytes), ("containers", containers), ("objects", objects)];
    Ok(Some(Sample {
        service: UsageService::ObjectStore,
        resource_id: project_id.to_owned(),
        resource_name: String::new(),
        project_id: project_id.to_owned(),
        user_id: None,
        kind: String::new(),
        started_at,
        ended_at: None,
        overlap,
        quantities: vec![(Unit::ObjectStoreGibHours, bytes)],
        measured: Default::default(),
        rated: None,
        state: String::new(),
        grade: it.grade(UsageService::ObjectStore),
        traits: traits.map(|(name, it)| (name.to_owned(), it.to_string())).into(),
        server: None,
    }))
}

/// Seconds since 1970 with decimals.
fn seconds(text: &str) -> Option<Timestamp> {
    let (whole, _) = text.split_once('.').unwrap_or((text, ""));
    Timestamp::from_second(whole.parse().ok()?).ok()
}
