//! Metered usage from CloudKitty and Gnocchi.

use std::collections::BTreeMap;

use bigdecimal::BigDecimal;
use wiremock::matchers::{query_param, query_param_is_missing};

use super::*;
use crate::openstack::error::Error;
use crate::openstack::usage::{Mode, Prices, Query, Report, Source, Unit, Whose, Window, hours, render};

const AGGREGATES: &str = "/metric/v1/aggregates";
const METRICS: &str = "/metric/v1/metric";
const SUMMARY: &str = "/rating/v2/summary";
const FRAMES: &str = "/rating/v2/dataframes";

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

/// Of the first days of March 2026, with details.
fn query(days: i64) -> Query {
    let start = at("2026-03-01T00:00:00Z");
    Query {
        window: Window::new(start, start + jiff::SignedDuration::from_hours(24 * days)).unwrap(),
        whose: Whose::All,
        services: None,
        mode: Some(Mode::AllProjects),
        detail: true,
        users: false,
    }
}

/// A cloud with both engines and the projects `a` and `b`.
async fn start() -> Keystone {
    let keystone = Keystone::with(&[("metric", "/metric"), ("rating", "/rating")]).await;
    let projects = json!({"projects": [project("a", "web"), project("b", "shop")]});
    keystone.on("GET", "/v3/projects", ok(projects.clone())).await;
    keystone.on("GET", "/v3/auth/projects", ok(projects)).await;
    keystone.on("GET", "/v3/domains", ok(json!({"domains": []}))).await;
    let types = json!([
        {"name": "instance", "attributes": {"flavor_name": {}}},
        {"name": "volume", "attributes": {"volume_type": {}}},
    ]);
    keystone.on("GET", "/metric/v1/resource_type", ok(types)).await;
    let policies = json!([policy("fine", "0:05:00"), policy("coarse", "1 day, 0:00:00")]);
    keystone.on("GET", "/metric/v1/archive_policy", ok(policies)).await;
    keystone.on("POST", AGGREGATES, gnocchi_error(404, "Metric ['x'] does not exist")).await;
    keystone.on("GET", "/rating/v2/scope", error(403, "no")).await;
    keystone
}

fn policy(name: &str, granularity: &str) -> Value {
    json!({"name": name, "definition": [{"granularity": granularity, "timespan": null, "points": null}]})
}

fn gnocchi_error(code: u16, description: &str) -> ResponseTemplate {
    ResponseTemplate::new(code).set_body_json(json!({"code": code, "title": "t", "description": description}))
}

/// What Gnocchi is asked: the metric, from when on, how finely, of which resources.
fn asked(request: &Request) -> (String, String, String, Value) {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let operations = body["operations"][2].clone();
    let metric =
        if operations[0] == "/" { format!("/{}", operations[1][1]) } else { operations[1].to_string() };
    let has = |key: &str| request.url.query_pairs().find(|it| it.0 == key).map(|it| it.1.into_owned());
    let ids = body["search"]["and"].as_array().unwrap().iter().find_map(|it| it["in"].get("id").cloned());
    let metric = metric.replace('"', "");
    (metric, has("start").unwrap(), has("granularity").unwrap(), ids.unwrap_or_default())
}

/// One resource of project `a`: from when on, for how many seconds, and how much.
fn group(id: &str, kind: &str, measures: &[(&str, u64, f64)]) -> Value {
    json!({
        "group": {"project_id": "a", "original_resource_id": id, "user_id": "u", "flavor_name": kind, "volume_type": kind},
        "measures": {"measures": {"aggregated": measures}},
    })
}

fn nothing() -> ResponseTemplate {
    gnocchi_error(404, "Metric ['x'] does not exist")
}

fn uneven() -> ResponseTemplate {
    let why =
        json!({"cause": "Metrics cannot be aggregated", "reason": "Granularities are missing", "detail": []});
    ResponseTemplate::new(400).set_body_json(json!({"code": 400, "title": "t", "description": why}))
}

async fn gnocchi(keystone: &Keystone, answer: fn(&Request) -> ResponseTemplate) {
    let mock = Mock::given(method("POST")).and(path(AGGREGATES)).respond_with(answer).with_priority(1);
    mock.mount(&keystone.server).await;
}

fn total(report: &Report, unit: Unit) -> String {
    report.projects["a"].totals.hours(unit).to_string()
}

/// What all samples come to.
fn sum(report: &Report, unit: Unit) -> String {
    let amounts = report.samples.iter().flat_map(|it| it.amounts()).filter(|it| it.0 == unit);
    hours(unit, amounts.map(|it| it.1).sum()).to_string()
}

#[tokio::test]
async fn a_week_without_a_resource_takes_nothing_away() {
    let keystone = start().await;
    gnocchi(&keystone, |request| match asked(request) {
        (metric, from, _, _) if metric == "volume.size" && from == "2026-03-01T00:00:00Z" => {
            ok(json!([group("v", "ssd", &[("2026-03-02T00:00:00+00:00", 3600, 10.0)])]))
        }
        _ => nothing(),
    })
    .await;
    for detail in [true, false] {
        let query = Query { detail, ..query(15) };
        let report = keystone.cloud().usage_from(Source::Gnocchi, &query).await.unwrap();
        assert_eq!(total(&report, Unit::VolumeGibHours), "10");
        assert_eq!(report.units, [Unit::VolumeGibHours].into(), "nobody has the others in any week");
    }
}

#[tokio::test]
async fn archive_policies_without_a_common_granularity_are_read_one_by_one() {
    let keystone = start().await;
    let of = |id: &str, resource: Value, policy: Value| {
        let mut metric = json!({"id": id, "name": "volume.size", "resource_id": resource});
        let key = if policy.is_string() { "archive_policy_name" } else { "archive_policy" };
        metric[key] = policy;
        metric
    };
    let first =
        json!([of("1", json!("r1"), policy("fine", "0:05:00")), of("2", json!("r2"), json!("coarse"))]);
    let second = json!([of("3", json!("r3"), json!("fine")), of("4", Value::Null, json!("fine"))]);
    for (marker, page) in [(None, first), (Some("2"), second), (Some("4"), json!([]))] {
        let mock = Mock::given(method("GET")).and(path(METRICS)).and(query_param("name", "volume.size"));
        let mock = match marker {
            Some(marker) => mock.and(query_param("marker", marker)),
            None => mock.and(query_param_is_missing("marker")),
        };
        mock.respond_with(ok(page)).mount(&keystone.server).await;
    }
    gnocchi(&keystone, |request| {
        let (metric, _, granularity, ids) = asked(request);
        match (metric.as_str(), granularity.as_str(), ids) {
            ("volume.size", _, Value::Null) => uneven(),
            ("volume.size", "300", ids) if ids == json!(["r1", "r3"]) => ok(json!([group(
                "v1",
                "ssd",
                &[("2026-03-01T00:00:00Z", 300, 12.0), ("2026-03-01T01:00:00Z", 300, 24.0)]
            )])),
            ("volume.size", "86400", ids) if ids == json!(["r2"]) => {
                ok(json!([group("v2", "ssd", &[("2026-03-01T00:00:00Z", 86_400, 1.0)])]))
            }
            ("volume.size", ..) => error(500, "nobody has that granularity"),
            _ => nothing(),
        }
    })
    .await;
    let cloud = keystone.cloud();
    let report = cloud.usage_from(Source::Gnocchi, &query(1)).await.unwrap();
    assert_eq!(total(&report, Unit::VolumeGibHours), "27", "1, 2 and 24");
    assert_eq!(sum(&report, Unit::VolumeGibHours), "27");
    assert_eq!(report.remarks, ["Gnocchi keeps nothing finer than this: volume.size (86400 s)."]);

    // One that the policies don't tell of is no smaller figure.
    keystone.first(1, "GET", METRICS, ok(json!([of("9", json!("r9"), json!("gone"))]))).await;
    let end = Mock::given(path(METRICS)).and(query_param("marker", "9")).respond_with(ok(json!([])));
    end.mount(&keystone.server).await;
    let why = keystone.cloud().usage_from(Source::Gnocchi, &query(1)).await.unwrap_err();
    assert!(why.to_string().contains("kept by the archive policy gone"), "{why}");
}

#[tokio::test]
async fn samples_of_gnocchi_add_up_to_totals() {
    let keystone = start().await;
    gnocchi(&keystone, |request| {
        let hour = |hour: u8| format!("2026-03-01T{hour:02}:00:00Z");
        let mine = |values: &[(u8, f64)]| {
            let measures: Vec<_> = values.iter().map(|(at, it)| (hour(*at), 3600, *it)).collect();
            let mut group = group("x", "m1", &[]);
            group["measures"]["measures"]["aggregated"] = json!(measures);
            ok(json!([group]))
        };
        match asked(request).0.as_str() {
            // It was resized, and its memory was sampled for longer. Its disk was not there for an hour.
            "vcpus" => mine(&[(0, 2.0), (1, 3.5)]),
            "memory" => mine(&[(0, 512.0), (1, 1024.0), (2, 1024.0)]),
            "disk.root.size" => mine(&[(0, 1.0), (1, 0.0), (2, 1.0)]),
            "disk.ephemeral.size" => mine(&[(0, 1.0)]),
            "volume.size" => mine(&[(0, 0.5), (1, 0.25), (2, 1.5)]),
            _ => nothing(),
        }
    })
    .await;
    let report = keystone.cloud().usage_from(Source::Gnocchi, &query(1)).await.unwrap();
    for (unit, expected) in [
        (Unit::ServerHours, "2"),
        (Unit::VcpuHours, "5.5"),
        (Unit::RamMibHours, "2560"),
        (Unit::LocalDiskGibHours, "3"),
        (Unit::VolumeGibHours, "2.25"),
    ] {
        assert_eq!(
            (total(&report, unit).as_str(), sum(&report, unit).as_str()),
            (expected, expected),
            "{unit}"
        );
    }
    let of_vcpus = |it: &&Request| asked(it).0.contains("vcpus");
    let requests = keystone.server.received_requests().await.unwrap();
    let aggregates: Vec<_> = requests.iter().filter(|it| it.url.path() == AGGREGATES).collect();
    assert_eq!(aggregates.into_iter().filter(of_vcpus).count(), 1, "servers are told by their measures");

    let mut prices = Prices::default();
    prices.set(Unit::VolumeGibHours, BigDecimal::from(2));
    let (csv, json) = (render::csv(&report, &prices, "EUR"), render::json(&report, &prices));
    assert!(csv.contains(",volume_gib_hours,2.25,"), "{csv}");
    assert!(csv.contains(",2,4.5,EUR\n"), "{csv}");
    assert!(
        json.contains(r#""amounts":{"volume_gib_hours":2.25}"#) && json.contains(r#""cost":4.5"#),
        "{json}"
    );
    let focus = render::focus_csv(&report, &prices, &render::Billing::default()).unwrap();
    assert!(focus.lines().any(|it| it.starts_with("4.5,")), "{focus}");
}

#[tokio::test]
async fn gnocchi_is_asked_once_what_it_is_like() {
    let keystone = start().await;
    gnocchi(&keystone, |request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let own = body["search"]["and"][1]["in"]["project_id"][0].clone();
        if asked(request).0 != "volume.size" {
            return nothing();
        }
        let mut group = group("v", "ssd", &[("2026-03-01T00:00:00Z", 3600, 10.0)]);
        group["group"]["project_id"] = own;
        ok(json!([group]))
    })
    .await;
    let query = Query { mode: Some(Mode::PerProject), detail: false, ..query(1) };
    let report = keystone.cloud().usage_from(Source::Gnocchi, &query).await.unwrap();
    for id in ["a", "b"] {
        assert_eq!(report.projects[id].totals.hours(Unit::VolumeGibHours).to_string(), "10");
    }
    assert_eq!(keystone.calls("GET", "/metric/v1/resource_type").await, 1);
    assert_eq!(keystone.calls("GET", "/metric/v1/archive_policy").await, 1);
}

/// An hour of a volume of project `a`.
fn frame(hour: u8, size: f64, price: f64) -> Value {
    let at = |hour: u8| format!("2026-03-01T{hour:02}:00:00+00:00");
    json!({"period": {"begin": at(hour), "end": at(hour + 1)}, "usage": {"volume.size": [{
        "vol": {"unit": "GiB", "qty": size}, "rating": {"price": price},
        "groupby": {"id": "v", "project_id": "a", "user_id": "u"}, "metadata": {"volume_type": "ssd"}}]}})
}

fn summary(rows: &[(&str, f64, f64)]) -> ResponseTemplate {
    let rows: Vec<_> = rows
        .iter()
        .map(|(project, quantity, rate)| json!([project, "volume.size", quantity, rate]))
        .collect();
    ok(json!({"total": rows.len(), "columns": ["project_id", "type", "qty", "rate"], "results": rows}))
}

#[tokio::test]
async fn cloudkittys_costs_are_those_of_samples_too() {
    let keystone = start().await;
    keystone.on("GET", SUMMARY, summary(&[("a", 1.25, 0.35)])).await;
    let frames = [frame(0, 0.5, 0.1), frame(1, 0.5, 0.2), frame(2, 0.25, 0.05)];
    keystone.on("GET", FRAMES, ok(json!({"total": 3, "dataframes": frames}))).await;
    let report = keystone.cloud().usage_from(Source::CloudKitty, &query(1)).await.unwrap();
    assert_eq!(sum(&report, Unit::VolumeGibHours), total(&report, Unit::VolumeGibHours));

    // Prices of our own don't matter: CloudKitty has rated all of it.
    let mut prices = Prices::default();
    prices.set(Unit::VolumeGibHours, BigDecimal::from(100));
    let costs: Vec<_> = report.samples.iter().map(|it| it.cost(&prices).unwrap().to_string()).collect();
    assert_eq!(costs, ["0.3", "0.05"], "two periods are one sample, as long as the quantity stays the same");
    let csv = render::csv(&report, &prices, "EUR");
    let of_rows: Vec<_> = csv.lines().skip(1).map(|it| it.rsplitn(4, ',').collect::<Vec<_>>()).collect();
    let of_rows: Vec<_> = of_rows.iter().map(|it| (it[2], it[1], it[0])).collect();
    assert_eq!(of_rows, [("", "0.3", "EUR"), ("", "0.05", "EUR")]);
    let json: Value = serde_json::from_str(&render::json(&report, &prices)).unwrap();
    let samples: Vec<_> = json["samples"].as_array().unwrap().iter().map(|it| it["cost"].clone()).collect();
    assert_eq!(samples, [0.3, 0.05]);
    assert_eq!(json["projects"]["a"]["cost"], 0.35);
}

#[tokio::test]
async fn frames_that_end_too_soon_are_an_error() {
    let keystone = start().await;
    keystone.on("GET", SUMMARY, summary(&[("a", 1.0, 1.0)])).await;
    let mock = Mock::given(method("GET")).and(path(FRAMES)).and(query_param("offset", "1"));
    mock.respond_with(error(404, "No resource found for provided filters."))
        .with_priority(1)
        .mount(&keystone.server)
        .await;
    keystone.on("GET", FRAMES, ok(json!({"total": 2, "dataframes": [frame(0, 1.0, 1.0)]}))).await;
    let why = keystone.cloud().usage_from(Source::CloudKitty, &query(1)).await.unwrap_err();
    assert!(matches!(why, Error::Truncated { .. }), "{why}");
}

#[tokio::test]
async fn a_token_that_shows_more_than_its_project_counts_for_its_project() {
    let keystone = start().await;
    // An administrator's account reads one by one, too, and CloudKitty shows it everything each time.
    keystone.on("GET", SUMMARY, summary(&[("a", 1.0, 1.0), ("b", 2.0, 2.0)])).await;
    keystone.on("GET", FRAMES, ok(json!({"total": 1, "dataframes": [frame(0, 1.0, 1.0)]}))).await;
    let query = Query { mode: Some(Mode::PerProject), detail: false, ..query(1) };
    let report = keystone.cloud().usage_from(Source::CloudKitty, &query).await.unwrap();
    let found: BTreeMap<_, _> = report
        .projects
        .iter()
        .map(|(id, it)| (id.as_str(), it.totals.hours(Unit::VolumeGibHours).to_string()))
        .collect();
    assert_eq!(found, [("a", "1".to_owned()), ("b", "2".to_owned())].into());
    assert_eq!(keystone.calls("GET", SUMMARY).await, 2);
    assert_eq!(keystone.calls("GET", FRAMES).await, 1, "the metric is measured in the same way for both");
}
