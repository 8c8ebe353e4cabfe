//! Octavia, Designate, Manila, Barbican and Swift.

use wiremock::matchers::{header, query_param_is_missing};

use super::*;

const DB: NovaQuotaDriver = NovaQuotaDriver::Db;

/// Answers for octavia: rows by project, and the defaults.
async fn octavia(rows: Value, next: bool) -> Keystone {
    let keystone = Keystone::with(&[("load-balancer", "/lb")]).await;
    let defaults =
        json!({"quota": {"project_id": "default", "loadbalancer": 10, "load_balancer": 10, "pool": -1}});
    keystone.on("GET", "/lb/v2/lbaas/quotas/default/default", ok(defaults)).await;
    let links = if next { json!([{"rel": "next", "href": "http://x/?marker=None"}]) } else { json!([]) };
    for row in rows.as_array().unwrap() {
        Mock::given(path("/lb/v2/lbaas/quotas"))
            .and(query_param("project_id", row["project_id"].as_str().unwrap()))
            .respond_with(ok(json!({"quotas": [row], "quotas_links": []})))
            .with_priority(1)
            .mount(&keystone.server)
            .await;
    }
    Mock::given(path("/lb/v2/lbaas/quotas"))
        .and(query_param_is_missing("project_id"))
        .respond_with(ok(json!({"quotas": rows, "quotas_links": links})))
        .mount(&keystone.server)
        .await;
    keystone.on("GET", "/lb/v2/lbaas/quotas", ok(json!({"quotas": [], "quotas_links": []}))).await;
    keystone
}

#[tokio::test]
async fn octavias_null_is_the_default_and_no_quota_is_read_singly() {
    for cut in [false, true] {
        let rows = json!([
            {"project_id": "a", "loadbalancer": null, "load_balancer": null, "pool": 3, "tenant_id": "a"},
            {"project_id": "b", "loadbalancer": 0, "load_balancer": 0, "pool": null},
        ]);
        let keystone = octavia(rows, cut).await;
        let cloud = keystone.cloud();
        let quotas = cloud.quotas(DB);
        for _ in 0..2 {
            for (id, expected) in [
                ("a", json!({"loadbalancer": 10, "pool": 3})),
                ("b", json!({"loadbalancer": 0, "pool": -1})),
                ("none", json!({"loadbalancer": 10, "pool": -1})),
            ] {
                assert_eq!(
                    quotas.limits(QuotaService::LoadBalancer, id).await.unwrap(),
                    limits(expected),
                    "{id}"
                );
            }
        }
        // A list that was cut is asked for once, and each project's row then.
        let all = keystone.server.received_requests().await.unwrap();
        let lists: Vec<_> = all.iter().filter(|it| it.url.path() == "/lb/v2/lbaas/quotas").collect();
        assert_eq!(lists.len(), if cut { 4 } else { 1 });
        assert!(lists.iter().all(|it| !it.url.query().unwrap_or_default().contains("marker")));
        assert_eq!(keystone.calls("GET", "/lb/v2/lbaas/quotas/a").await, 0);
    }
}

/// A list of nothing, or of our own project alone, is what an account gets that may not see more.
#[tokio::test]
async fn a_list_of_ones_own_is_not_taken_for_all() {
    for rows in [json!([]), json!([{"project_id": "home", "pool": 1}])] {
        let keystone = octavia(rows, false).await;
        keystone.on("GET", "/network/v2.0/quotas", ok(json!({"quotas": []}))).await;
        keystone.on("GET", "/network/v2.0/quotas/p", error(403, "not yours")).await;
        Mock::given(query_param("project_id", "p"))
            .respond_with(error(403, "not yours"))
            .with_priority(1)
            .mount(&keystone.server)
            .await;
        let cloud = keystone.cloud();
        for service in [QuotaService::LoadBalancer, QuotaService::Network] {
            let why = cloud.quotas(DB).limits(service, "p").await.unwrap_err();
            assert!(why.is_forbidden(), "{why}");
        }
    }
}

#[tokio::test]
async fn octavias_keys_are_reset_by_null_and_only_where_there_is_a_row() {
    let keystone = octavia(json!([{"project_id": "a", "loadbalancer": 1, "pool": 3}]), false).await;
    for id in ["a", "none"] {
        let body = ok(json!({"quota": {"loadbalancer": 10, "pool": 3}}));
        keystone.on("PUT", &format!("/lb/v2/lbaas/quotas/{id}"), body).await;
    }
    let cloud = keystone.cloud();
    for id in ["a", "none"] {
        cloud.quotas(DB).reset(QuotaService::LoadBalancer, id, &keys(&["loadbalancer"])).await.unwrap();
    }
    assert_eq!(
        sent(&keystone, "PUT", "/lb/v2/lbaas/quotas/a").await,
        [json!({"quota": {"loadbalancer": null}})]
    );
    assert_eq!(keystone.calls("PUT", "/lb/v2/lbaas/quotas/none").await, 0);
}

#[tokio::test]
async fn what_octavia_does_not_count_is_counted() {
    let keystone =
        octavia(json!([{"project_id": "a", "loadbalancer": 5, "pool": 3, "member": 9}]), false).await;
    for kind in ["listeners", "healthmonitors", "l7policies"] {
        keystone.on("GET", &format!("/lb/v2/lbaas/{kind}"), ok(json!({ kind: [] }))).await;
    }
    let pools =
        json!({"pools": [{"id": "p", "members": [{"id": "m1"}, {"id": "m2"}]}, {"id": "q", "members": []}]});
    keystone.on("GET", "/lb/v2/lbaas/pools", ok(pools)).await;
    let page = |id: &str, next: bool| {
        let links = if next { json!([{"rel": "next", "href": "x"}]) } else { json!([]) };
        ok(json!({"loadbalancers": [{"id": id}], "loadbalancers_links": links}))
    };
    let at = "/lb/v2/lbaas/loadbalancers";
    Mock::given(path(at))
        .and(query_param("marker", "l1"))
        .respond_with(page("l2", false))
        .mount(&keystone.server)
        .await;
    keystone.on("GET", at, page("l1", true)).await;
    let cloud = keystone.cloud();
    let usage = cloud.quotas(DB).usage(QuotaService::LoadBalancer, "a").await.unwrap();
    let used: Vec<_> = usage.iter().map(|(key, it)| (key.as_str(), it.in_use)).collect();
    assert_eq!(used, [("loadbalancer", Some(2)), ("member", Some(2)), ("pool", Some(2))]);
}

#[tokio::test]
async fn what_many_projects_have_is_counted_at_once() {
    let ids: BTreeSet<String> = (0..20).map(|n| format!("p{n}")).collect();
    // An account that sees all, and one that sees its own.
    for owner in ["p7", "home"] {
        let keystone =
            octavia(json!([{"project_id": "p7", "loadbalancer": 5}, {"project_id": "x"}]), false).await;
        for kind in ["loadbalancers", "listeners", "healthmonitors", "l7policies"] {
            let body = json!({ kind: [{"id": "1", "project_id": owner}] });
            keystone.on("GET", &format!("/lb/v2/lbaas/{kind}"), ok(body)).await;
        }
        let pools = |id: &str, links: Value| {
            let members = json!([{"id": "m1"}, {"id": "m2"}]);
            let pool = json!({"id": id, "project_id": owner, "members": members});
            ok(json!({"pools": [pool], "pools_links": links}))
        };
        Mock::given(path("/lb/v2/lbaas/pools"))
            .and(query_param("marker", "q1"))
            .respond_with(pools("q2", json!([])))
            .with_priority(1)
            .mount(&keystone.server)
            .await;
        keystone.on("GET", "/lb/v2/lbaas/pools", pools("q1", json!([{"rel": "next", "href": "x"}]))).await;
        let cloud = keystone.cloud();
        let all = cloud.quotas(DB).usages(QuotaService::LoadBalancer, &ids).await;
        assert_eq!(all.len(), 20);
        let lists = cloud.requests()["GET load-balancer /lbaas/pools"];
        if owner == "home" {
            assert_eq!(lists, 2 + 2 * 20, "each by itself");
            continue;
        }
        assert_eq!(lists, 2);
        let used = |id: &str, key: &str| all[id].as_ref().unwrap()[key];
        assert_eq!((used("p7", "loadbalancer").limit, used("p7", "loadbalancer").in_use), (5, Some(1)));
        assert_eq!((used("p8", "loadbalancer").limit, used("p8", "loadbalancer").in_use), (10, Some(0)));
        assert_eq!((used("p7", "pool").in_use, used("p8", "pool").in_use), (Some(2), Some(0)));
    }
}

#[tokio::test]
async fn designate_is_told_that_it_is_another_project() {
    let keystone = Keystone::with(&[("dns", "/dns")]).await;
    for (verb, id, zones) in
        [("GET", "p", 3), ("PATCH", "p", 0), ("GET", "00000000000000000000000000000000", 10)]
    {
        Mock::given(method(verb))
            .and(path(format!("/dns/v2/quotas/{id}")))
            .and(header("x-auth-all-projects", "true"))
            .respond_with(ok(json!({"zones": zones, "zone_records": 500})))
            .mount(&keystone.server)
            .await;
    }
    Mock::given(path("/dns/v2/zones"))
        .and(header("x-auth-sudo-project-id", "p"))
        .respond_with(ok(json!({"zones": [{}], "metadata": {"total_count": 7}})))
        .mount(&keystone.server)
        .await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(DB);
    let usage = quotas.usage(QuotaService::Dns, "p").await.unwrap();
    assert_eq!((usage["zones"].limit, usage["zones"].in_use), (3, Some(7)));
    assert_eq!(usage["zone_records"].in_use, None);
    quotas.set(QuotaService::Dns, "p", &limits(json!({"zones": 0})), false).await.unwrap();
    assert_eq!(quotas.defaults(QuotaService::Dns).await.unwrap()["zones"], 10);
    assert_eq!(sent(&keystone, "PATCH", "/dns/v2/quotas/p").await, [json!({"zones": 0})]);
}

#[tokio::test]
async fn manila_is_asked_in_the_newest_version_that_both_know() {
    for (newest, asked) in [("2.51", "2.51"), ("2.99", "2.90")] {
        let keystone = Keystone::with(&[("sharev2", "/share/v2")]).await;
        let versions = json!({"versions": [{"id": "v2.0", "version": newest, "min_version": "2.0"}]});
        keystone.on("GET", "/share/v2/", ok(versions)).await;
        Mock::given(path("/share/v2/quota-sets/p"))
            .and(header("x-openstack-manila-api-version", asked))
            .respond_with(ok(json!({"quota_set": {"id": "p", "shares": 1}})))
            .mount(&keystone.server)
            .await;
        let class = json!({"quota_class_set": {"id": "default", "shares": 50}});
        keystone.on("GET", "/share/v2/quota-class-sets/default", ok(class.clone())).await;
        keystone.on("PUT", "/share/v2/quota-class-sets/default", ok(class)).await;
        let cloud = keystone.cloud();
        let quotas = cloud.quotas(DB);
        assert_eq!(quotas.limits(QuotaService::SharedFileSystem, "p").await.unwrap()["shares"], 1);
        quotas.set(QuotaService::SharedFileSystem, "p", &limits(json!({"shares": 1})), true).await.unwrap();
        assert_eq!(
            sent(&keystone, "PUT", "/share/v2/quota-sets/p").await,
            [json!({"quota_set": {"shares": 1, "force": true}})]
        );
        // An unknown default is passed over.
        let result = quotas.set_defaults(QuotaService::SharedFileSystem, &limits(json!({"nope": 1}))).await;
        assert_eq!(refusals(result), [("nope".to_owned(), 1, Refusal::Ignored { actual: None })]);
    }
}

const BARBICAN: &str = "/keys/v1/project-quotas";

fn barbican_error() -> ResponseTemplate {
    let body = json!({"code": 404, "title": "Not Found", "description": "Project quotas not found."});
    ResponseTemplate::new(404).set_body_json(body)
}

#[tokio::test]
async fn barbicans_list_is_walked_and_null_is_the_default() {
    let keystone = Keystone::with(&[("key-manager", "/keys")]).await;
    let effective = json!({"quotas": {"secrets": 5, "orders": 100, "cas": -1}});
    keystone.on("GET", "/keys/v1/quotas", ok(effective)).await;
    // What our own project has set is no default.
    keystone
        .on("GET", &format!("{BARBICAN}/home"), ok(json!({"project_quotas": {"secrets": 5, "orders": null}})))
        .await;
    let row = |n: usize| json!({"project_id": format!("p{n}"), "project_quotas": {"secrets": n, "orders": null, "cas": null}});
    for (offset, rows) in [(0, 0..100), (100, 100..130)] {
        let rows: Vec<_> = rows.map(row).collect();
        Mock::given(path(BARBICAN))
            .and(query_param("limit", "100"))
            .and(query_param("offset", offset.to_string()))
            .respond_with(ok(json!({"project_quotas": rows, "total": 130})))
            .mount(&keystone.server)
            .await;
    }
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(DB);
    for (id, expected) in [
        ("p0", json!({"secrets": 0, "orders": 100, "cas": -1})),
        ("p129", json!({"secrets": 129, "orders": 100, "cas": -1})),
        ("none", json!({"orders": 100, "cas": -1})),
    ] {
        assert_eq!(quotas.limits(QuotaService::KeyManager, id).await.unwrap(), limits(expected), "{id}");
    }
    assert_eq!(keystone.calls("GET", BARBICAN).await, 2);
    assert!(quotas.known_keys(QuotaService::KeyManager).await.unwrap().contains("secrets"));
}

#[tokio::test]
async fn what_was_set_at_barbican_is_sent_along_and_set_again() {
    let keystone = Keystone::with(&[("key-manager", "/keys")]).await;
    keystone.on("GET", "/keys/v1/quotas", ok(json!({"quotas": {"secrets": -1, "orders": -1}}))).await;
    keystone.on("GET", &format!("{BARBICAN}/home"), barbican_error()).await;
    let at = format!("{BARBICAN}/p");
    let set = |secrets: i64| ok(json!({"project_quotas": {"secrets": secrets, "orders": 2, "cas": null}}));
    keystone.first(1, "GET", &at, set(1)).await;
    keystone.on("GET", &at, set(0)).await;
    for verb in ["PUT", "DELETE"] {
        keystone.on(verb, &at, ResponseTemplate::new(204)).await;
    }
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(DB);
    let now = quotas.set(QuotaService::KeyManager, "p", &limits(json!({"secrets": 0})), false).await.unwrap();
    assert_eq!(now, limits(json!({"secrets": 0, "orders": 2})));
    quotas.reset(QuotaService::KeyManager, "p", &keys(&["cas"])).await.unwrap();
    assert_eq!(keystone.calls("DELETE", &at).await, 0, "it follows the default already");
    quotas.reset(QuotaService::KeyManager, "p", &keys(&["secrets", "cas"])).await.unwrap();
    assert_eq!(
        sent(&keystone, "PUT", &at).await,
        [json!({"project_quotas": {"secrets": 0, "orders": 2}}), json!({"project_quotas": {"orders": 2}})]
    );
    // None were set: nothing to do, and no error.
    keystone.on("GET", &format!("{BARBICAN}/q"), barbican_error()).await;
    quotas.reset(QuotaService::KeyManager, "q", &keys(&["secrets"])).await.unwrap();
}

/// An account that keeps the headers it was sent.
struct Account {
    kept: Arc<Mutex<Vec<(String, String)>>>,
    /// What names it knows.
    prefix: &'static str,
}

impl Respond for Account {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut kept = self.kept.lock().unwrap();
        if request.method.as_str() == "POST" {
            for (name, value) in &request.headers {
                if name.as_str().starts_with(self.prefix) && name.as_str().contains("quota") {
                    kept.retain(|(it, _)| it != name.as_str());
                    let value = value.to_str().unwrap();
                    if !value.is_empty() {
                        kept.push((name.as_str().to_owned(), value.to_owned()));
                    }
                }
            }
        }
        let usual = ResponseTemplate::new(204).insert_header("x-account-bytes-used", "9");
        kept.iter().fold(usual, |it, (name, value)| it.insert_header(name.as_str(), value.as_str()))
    }
}

async fn swift(prefix: &'static str, capabilities: Value) -> Keystone {
    let keystone = Keystone::with(&[("object-store", "/v1/AUTH_home")]).await;
    for verb in ["HEAD", "POST"] {
        let account = Account { kept: Arc::default(), prefix };
        keystone.on(verb, "/v1/AUTH_q", account).await;
    }
    let kept = Arc::<Mutex<Vec<_>>>::default();
    for verb in ["HEAD", "POST"] {
        keystone.on(verb, "/v1/AUTH_p", Account { kept: kept.clone(), prefix }).await;
    }
    keystone.on("GET", "/info", ok(capabilities)).await;
    keystone
}

#[tokio::test]
async fn swifts_limits_are_headers_and_nothing_is_unlimited() {
    // A new Swift, and one that knows the old name only.
    for prefix in ["x-account-quota", "x-account-meta-quota"] {
        let keystone = swift(prefix, json!({"account_quotas": {}})).await;
        let cloud = keystone.cloud();
        let quotas = cloud.quotas(DB);
        let service = QuotaService::ObjectStorage;
        assert_eq!(quotas.limits(service, "p").await.unwrap(), limits(json!({"bytes": -1, "count": -1})));
        for bytes in [0, 1 << 40, -1] {
            let now = quotas.set(service, "p", &limits(json!({ "bytes": bytes })), false).await.unwrap();
            assert_eq!(now["bytes"], bytes, "{prefix}");
        }
        let usage = quotas.usage(service, "p").await.unwrap();
        assert_eq!(usage["bytes"].in_use, Some(9));
        quotas.set(service, "p", &limits(json!({"bytes": 5})), false).await.unwrap();
        quotas.reset(service, "p", &keys(&["bytes"])).await.unwrap();
        assert_eq!(quotas.limits(service, "p").await.unwrap()["bytes"], -1);
    }
}

#[tokio::test]
async fn a_swift_without_quotas_ignores_them() {
    let keystone = swift("x-account-meta-quota", json!({"swift": {"policies": [{"name": "Gold"}]}})).await;
    let cloud = keystone.cloud();
    assert_eq!(
        cloud.quotas(DB).known_keys(QuotaService::ObjectStorage).await.unwrap(),
        keys(&["bytes", "count", "bytes-policy-gold", "count-policy-gold"])
    );
    let asked = limits(json!({"bytes": 5, "bytes-policy-gold": 1, "count": -1}));
    let result = cloud.quotas(DB).set(QuotaService::ObjectStorage, "p", &asked, false).await;
    let ignored = Refusal::Ignored { actual: Some(-1) };
    assert_eq!(
        refusals(result),
        [("bytes".to_owned(), 5, ignored.clone()), ("bytes-policy-gold".to_owned(), 1, ignored)]
    );
}

#[tokio::test]
async fn swifts_refusals_say_what_helps() {
    let keystone = Keystone::with(&[("object-store", "/v1/AUTH_home")]).await;
    let at = "/v1/AUTH_p";
    keystone.first(1, "HEAD", at, ResponseTemplate::new(403)).await;
    // Nobody has used the account; and a proxy's 404 says nothing about it.
    keystone.first(1, "HEAD", at, ResponseTemplate::new(404).insert_header("x-trans-id", "tx1")).await;
    keystone.on("HEAD", at, ResponseTemplate::new(404)).await;
    let read = async || keystone.cloud().quotas(DB).limits(QuotaService::ObjectStorage, "p").await;
    let why = read().await.unwrap_err();
    assert!(why.is_forbidden() && why.to_string().contains("role `ResellerAdmin`"), "{why}");
    assert_eq!(read().await.unwrap()["bytes"], -1);
    assert!(read().await.is_err());
    // Ceph's gateway: the URL names no account.
    let keystone = Keystone::with(&[("object-store", "/swift/v1")]).await;
    let cloud = keystone.cloud();
    let why = cloud.quotas(DB).limits(QuotaService::ObjectStorage, "p").await.unwrap_err();
    assert!(why.to_string().starts_with("cannot see the object storage quotas of project p"), "{why}");
}
