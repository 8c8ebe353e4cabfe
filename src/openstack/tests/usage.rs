//! Metered usage from services that misbehave.

use std::collections::BTreeSet;

use wiremock::matchers::{query_param, query_param_is_missing};

use super::*;
use crate::openstack::error::Error;
use crate::openstack::usage::{Grade, Mode, Part, Query, Source, Unit, UsageService, Whose, Window};

const USAGE: &str = "/compute/v2.1/os-simple-tenant-usage";
const SERVERS: &str = "/compute/v2.1/servers/detail";
const VOLUMES: &str = "/volume/v3/home/volumes/detail";

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

/// Of the first day of March 2026: what servers and volumes were used by whoever is seen.
fn query() -> Query {
    Query {
        window: Window::new(at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z")).unwrap(),
        whose: Whose::All,
        services: Some([UsageService::Compute, UsageService::Volume].into()),
        mode: Some(Mode::AllProjects),
        detail: false,
        users: false,
    }
}

fn only(service: UsageService) -> Option<BTreeSet<UsageService>> {
    Some([service].into())
}

/// A server of two CPUs that ran for so many hours of that day.
fn server(id: &str, owner: &str, hours: u8) -> Value {
    json!({
        "instance_id": id, "name": id, "tenant_id": owner, "flavor": "m1", "vcpus": 2, "memory_mb": 512,
        "local_gb": 1, "started_at": "2026-03-01T00:00:00.000000",
        "ended_at": format!("2026-03-01T{hours:02}:00:00.000000"), "state": "terminated",
    })
}

fn usage(servers: &[Value], next: Option<&str>) -> ResponseTemplate {
    let by_owner = |owner: &str| {
        let own: Vec<_> = servers.iter().filter(|it| it["tenant_id"] == owner).collect();
        json!({"tenant_id": owner, "server_usages": own})
    };
    let owners: BTreeSet<_> = servers.iter().filter_map(|it| it["tenant_id"].as_str()).collect();
    let usages: Vec<_> = owners.into_iter().map(by_owner).collect();
    let links: Vec<_> = next
        .iter()
        .map(|it| json!({"rel": "next", "href": format!("http://x/usage?limit=1&marker={it}")}))
        .collect();
    ok(json!({"tenant_usages": usages, "tenant_usages_links": links}))
}

/// An answer for one page of a list.
async fn page(keystone: &Keystone, at: &str, marker: Option<&str>, answer: ResponseTemplate) {
    let mock = Mock::given(method("GET")).and(path(at));
    let mock = match marker {
        Some(it) => mock.and(query_param("marker", it)),
        None => mock.and(query_param_is_missing("marker")),
    };
    mock.respond_with(answer).with_priority(4).mount(&keystone.server).await;
}

/// A cloud with the projects `a` and `b`, in which nobody has anything.
async fn start() -> Keystone {
    let keystone = Keystone::start().await;
    let compute = json!({"version": {"id": "v2.1", "min_version": "2.1", "version": "2.96"}});
    keystone.on("GET", "/compute/v2.1/", ok(compute)).await;
    let cinder = json!({"version": {"id": "v3.0", "min_version": "3.0", "version": "3.71"}});
    keystone.on("GET", "/volume/v3/", ok(cinder)).await;
    let projects = json!({"projects": [project("a", "web"), project("b", "shop")]});
    keystone.on("GET", "/v3/projects", ok(projects.clone())).await;
    keystone.on("GET", "/v3/auth/projects", ok(projects)).await;
    for id in ["a", "b"] {
        keystone.on("GET", &format!("/v3/projects/{id}"), ok(json!({"project": project(id, id)}))).await;
    }
    keystone.on("GET", "/v3/domains", ok(json!({"domains": []}))).await;
    keystone.on("GET", USAGE, usage(&[], None)).await;
    keystone.on("GET", SERVERS, ok(json!({"servers": []}))).await;
    keystone.on("GET", VOLUMES, ok(json!({"volumes": []}))).await;
    keystone
}

#[tokio::test]
async fn a_project_may_span_pages() {
    let keystone = start().await;
    // The place is in the link: Nova groups by project, so that the last one of a page is any.
    page(&keystone, USAGE, None, usage(&[server("s2", "a", 1), server("s1", "b", 2)], Some("s2"))).await;
    page(&keystone, USAGE, Some("s2"), usage(&[server("s3", "a", 4)], None)).await;
    let report = keystone.cloud().usage(&query()).await.unwrap();
    let hours = |id: &str, unit| report.projects[id].totals.hours(unit).to_string();
    assert_eq!(hours("a", Unit::ServerHours), "5");
    assert_eq!((hours("a", Unit::VcpuHours), hours("b", Unit::VcpuHours)), ("10".into(), "4".into()));
    assert_eq!((report.samples.len(), report.mode_used), (0, Mode::AllProjects));
    assert_eq!(
        keystone.calls("GET", SERVERS).await,
        2,
        "of changes, before and after; only details take those that are there too"
    );
    let grades = &report.projects["b"].completeness;
    assert_eq!(grades[&UsageService::Compute].grade, Grade::ExactExistence);
    assert_eq!(grades[&UsageService::Volume].grade, Grade::LowerBound);
}

/// As its own list has a server of two CPUs that was asked for when the day began.
fn listed(id: &str, status: &str, launched: &str, terminated: Option<&str>) -> Value {
    json!({
        "id": id, "name": id, "tenant_id": "a", "user_id": "u", "status": status, "OS-EXT-STS:vm_state": "active",
        "created": "2026-03-01T00:00:00Z", "updated": "2026-03-01T12:00:00Z",
        "OS-SRV-USG:launched_at": launched, "OS-SRV-USG:terminated_at": terminated, "image": "",
        "flavor": {"original_name": "m1", "vcpus": 2, "ram": 512, "disk": 1, "ephemeral": 0},
    })
}

#[tokio::test]
async fn a_server_counts_from_when_it_was_asked_for() {
    let keystone = start().await;
    // Nova has the start of the first from when it was resized, in the window; that of the next two is after the window,
    // so that usage leaves them out. The fourth is deleted, and nobody wrote down when. The fifth was never started.
    let mut first = server("s1", "a", 20);
    first["started_at"] = json!("2026-03-01T16:00:00.000000");
    let mut fourth = server("s4", "a", 1);
    fourth["ended_at"] = Value::Null;
    keystone.first(9, "GET", USAGE, usage(&[first, fourth], None)).await;
    let servers = [
        listed("s1", "DELETED", "2026-03-01T16:00:00.000000", Some("2026-03-01T20:00:00.000000")),
        listed("s2", "ACTIVE", "2026-03-02T00:00:00.000000", None),
        listed("s3", "DELETED", "2026-03-05T00:00:00.000000", Some("2026-03-06T00:00:00.000000")),
        listed("s4", "DELETED", "2026-03-01T00:00:00.000000", None),
        json!({"id": "s5", "tenant_id": "a", "status": "ERROR", "created": "2026-03-01T00:00:00Z",
            "flavor": {"vcpus": 2, "ram": 512, "disk": 1, "ephemeral": 0}}),
    ];
    Mock::given(path(SERVERS))
        .and(query_param("changes-since", "2026-03-01T00:00:00Z"))
        .respond_with(ok(json!({"servers": servers})))
        .with_priority(1)
        .mount(&keystone.server)
        .await;
    for detail in [false, true] {
        let report = keystone.cloud().usage(&Query { detail, ..query() }).await.unwrap();
        let hours = |unit| report.projects["a"].totals.hours(unit).to_string();
        assert_eq!(hours(Unit::ServerHours), "80", "20, 24, 24 and 12");
        assert_eq!(hours(Unit::VcpuHours), "160");
        let states: Vec<_> = report.samples.iter().map(|it| it.state.as_str()).collect();
        let expected = ["terminated", "active", "terminated", "terminated"];
        assert_eq!(states, if detail { &expected[..] } else { &[] });
    }
}

#[tokio::test]
async fn a_server_that_starts_anew_while_it_is_read_counts_once() {
    let keystone = start().await;
    // The first is started anew after the list was read and before its usage is, the second after its usage was read.
    // The third is new.
    keystone.first(9, "GET", USAGE, usage(&[server("s2", "a", 20)], None)).await;
    let mut third = listed("s3", "ACTIVE", "2026-11-22T00:00:00.000000", None);
    third["created"] = json!("2026-11-22T00:00:00Z");
    let servers = [
        listed("s1", "ACTIVE", "2026-11-22T00:00:00.000000", None),
        listed("s2", "ACTIVE", "2026-11-22T00:00:00.000000", None),
        third,
    ];
    Mock::given(path(SERVERS))
        .and(query_param("changes-since", "2026-03-01T00:00:00Z"))
        .respond_with(ok(json!({"servers": []})))
        .with_priority(1)
        .mount(&keystone.server)
        .await;
    page(&keystone, SERVERS, None, ok(json!({"servers": servers}))).await;
    let report = keystone.cloud().usage(&query()).await.unwrap();
    assert_eq!(report.projects["a"].totals.hours(Unit::ServerHours).to_string(), "44", "24 and 20");
    let requests = keystone.server.received_requests().await.unwrap();
    let since: Vec<_> = requests
        .iter()
        .flat_map(|it| it.url.query_pairs())
        .filter(|(key, _)| key == "changes-since")
        .map(|(_, it)| at(&it))
        .collect();
    let lag = report.observed_at.duration_since(since[1]).as_secs();
    assert!((60..=61).contains(&lag), "clocks differ: {lag} s");
}

#[tokio::test]
async fn half_a_list_is_no_figure() {
    for answer in
        [error(500, "oops"), ResponseTemplate::new(200).set_body_string("{\"tenant_us"), ok(json!({}))]
    {
        let keystone = start().await;
        page(&keystone, USAGE, None, usage(&[server("s1", "a", 1)], Some("s1"))).await;
        page(&keystone, USAGE, Some("s1"), answer).await;
        assert!(keystone.cloud().usage(&query()).await.is_err());
    }
}

#[tokio::test]
async fn a_list_whose_place_was_deleted_starts_anew() {
    let keystone = start().await;
    page(&keystone, USAGE, None, usage(&[server("s1", "a", 1)], Some("s1"))).await;
    keystone
        .server
        .register(
            Mock::given(path(USAGE))
                .and(query_param("marker", "s1"))
                .respond_with(error(400, "marker [s1] not found"))
                .up_to_n_times(1)
                .with_priority(1),
        )
        .await;
    page(&keystone, USAGE, Some("s1"), usage(&[server("s2", "a", 2)], None)).await;
    let report = keystone.cloud().usage(&query()).await.unwrap();
    assert_eq!(report.projects["a"].totals.hours(Unit::ServerHours).to_string(), "3", "nothing counts twice");
}

#[tokio::test]
async fn the_same_page_again_is_an_error() {
    let keystone = start().await;
    keystone.first(9, "GET", USAGE, usage(&[server("s1", "a", 1)], Some("s1"))).await;
    let why = keystone.cloud().usage(&query()).await.unwrap_err();
    assert!(matches!(why, Error::Truncated { .. }), "{why}");
}

#[tokio::test]
async fn an_account_that_may_not_see_all_reads_one_by_one() {
    let keystone = start().await;
    keystone.first(99, "GET", USAGE, error(403, "Policy doesn't allow it.")).await;
    for (id, hours) in [("a", 3), ("b", 5)] {
        let body = json!({"tenant_usage": {"tenant_id": id, "server_usages": [server(id, id, hours)]}});
        keystone.on("GET", &format!("{USAGE}/{id}"), ok(body)).await;
    }
    let query = Query { mode: None, services: only(UsageService::Compute), ..query() };
    let report = keystone.cloud().usage(&query).await.unwrap();
    assert_eq!(report.mode_used, Mode::PerProject);
    let hours: Vec<_> =
        report.projects.values().map(|it| it.totals.hours(Unit::ServerHours).to_string()).collect();
    assert_eq!(hours, ["3", "5"]);
    assert_eq!(keystone.calls("POST", "/v3/auth/tokens").await, 3, "our own, and one for each project");
    assert_eq!(
        report.requests,
        8,
        "one that is refused, the projects, and three for each: {:?}",
        keystone.cloud().requests()
    );
}

#[tokio::test]
async fn who_is_no_administrator_is_told_so() {
    let keystone = start().await;
    let mut reader = token(json!([]));
    reader["token"]["roles"] = json!([{"id": "r", "name": "reader"}]);
    let answer = ResponseTemplate::new(201).insert_header("x-subject-token", "t").set_body_json(reader);
    keystone.first(9, "POST", "/v3/auth/tokens", answer).await;
    let why = keystone.cloud().usage(&query()).await.unwrap_err();
    let Error::Query { part, why } = why else { panic!("{why}") };
    assert_eq!(part, Part::Mode);
    assert_eq!(
        why.to_string(),
        "cannot see the usage of all projects: that takes the role admin on a project, and a login to that project. \
         This login is for project \"admin\" of domain default, with the roles reader. With the role reader on each \
         project, they can be read one by one (mode per_project)"
    );
    assert_eq!(keystone.calls("GET", VOLUMES).await, 0, "Cinder would list our own volumes, without a word");
}

#[tokio::test]
async fn a_service_that_refuses_is_an_error_or_a_remark() {
    let keystone = start().await;
    keystone.first(99, "GET", VOLUMES, error(403, "no")).await;
    let why = keystone.cloud().usage(&query()).await.unwrap_err();
    let Error::Query { part: Part::Services, why } = why else { panic!("{why}") };
    assert_eq!(
        why.to_string(),
        "cannot see the volume usage of all projects: the account needs the role admin on the project that it logs in \
         to: cannot list the volumes: block-storage answered 403 Forbidden: no (GET /volume/v3/home/volumes/detail, \
         request req-1)"
    );

    // Nobody asked for volumes by name. What is said has nothing that would change from plan to plan.
    for kind in ["floatingips", "routers"] {
        keystone.on("GET", &format!("/network/v2.0/{kind}"), ok(json!({ kind: [] }))).await;
    }
    for kind in ["snapshots", "backups"] {
        keystone.on("GET", &format!("/volume/v3/home/{kind}/detail"), ok(json!({ kind: [] }))).await;
    }
    let report = keystone.cloud().usage(&Query { services: None, ..query() }).await.unwrap();
    let said = "volume is not counted: the account needs the role admin on the project that it logs in to.";
    assert!(report.remarks.iter().any(|it| it == said), "{:?}", report.remarks);
    let seen = &report.projects["a"].completeness;
    assert!(seen.contains_key(&UsageService::Backup) && !seen.contains_key(&UsageService::Volume));
}

#[tokio::test]
async fn what_the_cloud_has_not_is_told() {
    let keystone = start().await;
    let services = Some([UsageService::Compute, UsageService::Stack].into());
    let query = Query { services, ..query() };
    let report = keystone.cloud().usage(&query).await.unwrap();
    let said = "stack: the cloud has no orchestration service.";
    assert!(report.remarks.iter().any(|it| it == said), "{:?}", report.remarks);
    for engine in [Source::CloudKitty, Source::Gnocchi] {
        let why = keystone.cloud().usage_from(engine, &query).await.unwrap_err();
        assert!(matches!(why, Error::NoService(_)), "{why}");
    }
}

#[tokio::test]
async fn a_nova_that_cannot_page_is_not_believed() {
    let keystone = start().await;
    let old = json!({"version": {"id": "v2.1", "min_version": "2.1", "version": "2.38"}});
    keystone.first(9, "GET", "/compute/v2.1/", ok(old)).await;
    let why = keystone.cloud().usage(&query()).await.unwrap_err().to_string();
    assert!(why.contains("microversions up to 2.38 only, and it takes 2.47"), "{why}");
    assert_eq!(keystone.calls("GET", USAGE).await, 0);
}

#[tokio::test]
async fn projects_are_named_or_an_error() {
    let keystone = start().await;
    keystone.on("GET", "/v3/projects/c", error(404, "Could not find project: c.")).await;
    let whose = |ids: &[&str]| Whose::Projects(ids.iter().map(|it| (*it).to_owned()).collect());
    let why = keystone.cloud().usage(&Query { whose: whose(&["a", "c"]), ..query() }).await.unwrap_err();
    let Error::Query { part: Part::Whose, why } = why else { panic!("{why}") };
    assert_eq!(why.to_string(), "there is no project \"c\"");

    let per_project = Query { whose: whose(&["c"]), mode: Some(Mode::PerProject), ..query() };
    let why = keystone.cloud().usage(&per_project).await.unwrap_err().to_string();
    assert!(why.starts_with("cannot see the usage of project c: the account has no role there"), "{why}");
}

#[tokio::test]
async fn usage_of_a_project_that_is_gone_counts() {
    let keystone = start().await;
    keystone.first(9, "GET", USAGE, usage(&[server("s1", "gone", 6)], None)).await;
    let report = keystone.cloud().usage(&query()).await.unwrap();
    assert_eq!(report.projects["gone"].totals.hours(Unit::ServerHours).to_string(), "6");
    assert_eq!(report.projects["gone"].completeness.len(), 2);
    let said = "Keystone does not know project gone any more: they have usage and no name.";
    assert!(report.remarks.iter().any(|it| it == said), "{:?}", report.remarks);
    // And doesn't, if others were asked about.
    let whose = Whose::Projects((0..30).map(|_| "a".to_owned()).collect());
    let body = json!({"tenant_usage": {}});
    keystone.on("GET", &format!("{USAGE}/a"), ok(body)).await;
    let report = keystone.cloud().usage(&Query { whose, ..query() }).await.unwrap();
    assert_eq!(report.projects.keys().collect::<Vec<_>>(), ["a"]);
}

#[tokio::test]
async fn every_project_that_a_list_lacks_is_read_or_told() {
    let keystone = start().await;
    let ids: BTreeSet<String> = (0..30).map(|it| format!("p{it:02}")).collect();
    let listed: Vec<_> = ids.iter().skip(3).map(|id| project(id, id)).collect();
    keystone.first(9, "GET", "/v3/projects", ok(json!({ "projects": listed }))).await;
    for id in ["p00", "p01"] {
        keystone.on("GET", &format!("/v3/projects/{id}"), ok(json!({"project": project(id, id)}))).await;
    }
    let query = Query { whose: Whose::Projects(ids), services: only(UsageService::Volume), ..query() };
    keystone.first(1, "GET", "/v3/projects/p02", error(404, "Could not find project: p02.")).await;
    let why = keystone.cloud().usage(&query).await.unwrap_err();
    let Error::Query { part: Part::Whose, why } = why else { panic!("{why}") };
    assert_eq!(why.to_string(), "there is no project \"p02\"");

    keystone.on("GET", "/v3/projects/p02", ok(json!({"project": project("p02", "p02")}))).await;
    let report = keystone.cloud().usage(&query).await.unwrap();
    assert_eq!(report.projects.len(), 30);
}

#[tokio::test]
async fn what_cinder_makes_for_itself_is_no_usage() {
    let keystone = start().await;
    let volume = |id: &str, more: Value| {
        let mut it = json!({"id": id, "size": 1, "created_at": "2026-03-01T00:00:00.000000",
            "os-vol-tenant-attr:tenant_id": "a", "os-vol-mig-status-attr:migstat": null});
        it.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        it
    };
    let volumes = [
        volume("kept", json!({"consumes_quota": true, "os-vol-mig-status-attr:migstat": "migrating"})),
        volume("copy", json!({"os-vol-mig-status-attr:migstat": "target:kept"})),
        volume("for-a-backup", json!({"consumes_quota": false})),
        volume("from-before-quotas", json!({"consumes_quota": null})),
    ];
    let query = Query { services: only(UsageService::Volume), detail: true, ..query() };
    keystone.first(9, "GET", VOLUMES, ok(json!({ "volumes": volumes }))).await;
    // An old one knows fewer microversions, and none of the newer fields.
    let old = json!({"version": {"id": "v3.0", "min_version": "3.0", "version": "3.27"}});
    for version in ["3.65", "3.27"] {
        let report = keystone.cloud().usage(&query).await.unwrap();
        let ids: Vec<_> = report.samples.iter().map(|it| it.resource_id.as_str()).collect();
        assert_eq!(ids, ["from-before-quotas", "kept"]);
        let requests = keystone.server.received_requests().await.unwrap();
        let last = requests.iter().rfind(|it| it.url.path() == VOLUMES).unwrap();
        assert_eq!(last.headers["openstack-api-version"], format!("volume {version}").as_str());
        keystone.first(1, "GET", "/volume/v3/", ok(old.clone())).await;
    }
}

#[tokio::test]
async fn a_volume_without_an_owner_is_an_error() {
    let keystone = start().await;
    let volume = json!({"id": "v", "size": 1, "created_at": "2026-03-01T00:00:00.000000"});
    keystone.first(9, "GET", VOLUMES, ok(json!({"volumes": [volume]}))).await;
    let why = keystone.cloud().usage(&query()).await.unwrap_err().to_string();
    assert!(why.contains("one of the volumes doesn't say whose it is"), "{why}");
}

#[tokio::test]
async fn a_window_that_has_not_begun_is_an_error() {
    let keystone = start().await;
    let window = Window::new(at("2996-01-01T00:00:00Z"), at("2996-02-01T00:00:00Z")).unwrap();
    let why = keystone.cloud().usage(&Query { window, ..query() }).await.unwrap_err();
    assert!(matches!(why, Error::Query { part: Part::Window, .. }), "{why}");
    // One that has begun counts until now.
    let window = Window::new(at("2026-03-01T00:00:00Z"), at("2996-02-01T00:00:00Z")).unwrap();
    let report = keystone.cloud().usage(&Query { window, ..query() }).await.unwrap();
    assert_eq!(report.window.end().as_second(), report.observed_at.as_second());
    assert!(report.remarks.iter().any(|it| it.contains("in the future: usage counts until now")));
}
