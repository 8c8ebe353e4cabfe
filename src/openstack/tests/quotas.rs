//! Quotas: each service's oddities, and how few calls many reads are.

mod others;
mod plain;
mod unified;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use wiremock::matchers::{body_json, query_param};

use super::*;
use crate::openstack::error::{Error, Result};
use crate::openstack::quota::{Limits, NovaQuotaDriver, QuotaError, QuotaService, Refusal};

/// Limits from JSON.
fn limits(all: Value) -> Limits {
    serde_json::from_value(all).unwrap()
}

fn keys(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|it| (*it).to_owned()).collect()
}

/// The keys that were not taken.
fn refusals(result: Result<Limits>) -> Vec<(String, i64, Refusal)> {
    let QuotaError { keys, .. } = match result.unwrap_err() {
        Error::Quota(it) => *it,
        other => panic!("{other}"),
    };
    keys.into_iter().map(|(key, (asked, why))| (key, asked, why)).collect()
}

/// Bodies that were sent to a path.
async fn sent(keystone: &Keystone, verb: &str, at: &str) -> Vec<Value> {
    let all = keystone.server.received_requests().await.unwrap();
    let these = all.iter().filter(|it| it.method.as_str() == verb && it.url.path() == at);
    these.map(|it| it.body_json().unwrap_or_default()).collect()
}

/// An error as Nova, Cinder and Manila write it.
fn bad_request(message: &str) -> ResponseTemplate {
    ResponseTemplate::new(400).set_body_json(json!({"badRequest": {"code": 400, "message": message}}))
}

/// The calls can be made on any thread.
#[tokio::test]
async fn calls_can_be_spawned() {
    let keystone = Keystone::start().await;
    let cloud = keystone.cloud();
    let task = tokio::spawn(async move {
        let quotas = cloud.quotas(NovaQuotaDriver::Db);
        let none = quotas.limits(QuotaService::Dns, "p").await;
        let _ = quotas.usage(QuotaService::Dns, "p").await;
        let _ = quotas.set(QuotaService::Dns, "p", &limits(json!({"zones": 1})), false).await;
        let _ = quotas.usages(QuotaService::Dns, &keys(&["p"])).await;
        let _ = quotas.restore(QuotaService::Dns, "p", &limits(json!({"zones": 1}))).await;
        let _ = quotas.reset(QuotaService::Dns, "p", &keys(&["zones"])).await;
        let _ = quotas.set_defaults(QuotaService::Dns, &limits(json!({"zones": 1}))).await;
        let _ = quotas.project_gone("p").await;
        none
    });
    assert!(matches!(task.await.unwrap(), Err(Error::NoService(_))));
}

/// A plan that refreshes project after project, some at once.
#[tokio::test]
async fn many_projects_are_few_calls() {
    let keystone = Keystone::start().await;
    let rows: Vec<_> = (0..150).map(|n| json!({"project_id": format!("p{n}"), "network": n})).collect();
    keystone.on("GET", "/network/v2.0/quotas", ok(json!({"quotas": rows}))).await;
    keystone.on("GET", "/network/v2.0/quotas/default/default", ok(json!({"quota": {"network": 100}}))).await;
    let projects: Vec<_> = (0..150).map(|n| project(&format!("p{n}"), "x")).collect();
    keystone.on("GET", "/v3/projects", ok(json!({"projects": projects, "links": {"next": null}}))).await;
    for n in 0..200 {
        let one = json!({"quota_set": {"id": format!("p{n}"), "cores": n}});
        keystone.on("GET", &format!("/compute/v2.1/os-quota-sets/p{n}"), ok(one)).await;
        let answer = match n {
            0..150 => ok(json!({"project": project(&format!("p{n}"), "x")})),
            _ => error(404, &format!("Could not find project: p{n}.")),
        };
        keystone.on("GET", &format!("/v3/projects/p{n}"), answer).await;
    }
    let cloud = keystone.cloud();
    for round in 0..2 {
        for chunk in (0..200).collect::<Vec<i64>>().chunks(10) {
            join_all(chunk.iter().map(|n| {
                let quotas = cloud.quotas(NovaQuotaDriver::Db);
                async move {
                    let id = format!("p{n}");
                    assert_eq!(quotas.project_gone(&id).await.unwrap(), *n >= 150);
                    let network = quotas.limits(QuotaService::Network, &id).await.unwrap();
                    assert_eq!(network["network"], if *n < 150 { *n } else { 100 });
                    assert_eq!(quotas.limits(QuotaService::Compute, &id).await.unwrap()["cores"], *n);
                }
            }))
            .await;
        }
        let requests = cloud.requests();
        assert_eq!(requests["GET network /quotas"], 1, "round {round}");
        assert_eq!(requests["GET network /quotas/{id}/default"], 1);
        assert_eq!(requests["GET compute /os-quota-sets/{id}"], 200);
        // The domain of those that are there, and then all there are for those that aren't.
        assert_eq!(requests["GET /v3/projects"], 2);
    }
}
