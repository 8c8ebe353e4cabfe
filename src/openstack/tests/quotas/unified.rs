//! Limits that Keystone keeps: Glance's, and Nova's with unified limits.

use super::*;

const NOVA: &str = "/compute/v2.1/os-quota-sets/p";

/// Keystone's limits, as Keystone treats them.
#[derive(Clone, Default)]
struct Limits30 {
    rows: Arc<Mutex<Vec<Value>>>,
    /// Whether a project's token sees all of them.
    shy: bool,
    /// Fails the next POST.
    refuse: Arc<Mutex<bool>>,
}

impl Respond for Limits30 {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut rows = self.rows.lock().unwrap();
        let id = request.url.path().strip_prefix("/v3/limits/").unwrap_or_default();
        let system = request.headers["x-auth-token"] == "system";
        match request.method.as_str() {
            "GET" => {
                let seen: Vec<_> =
                    rows.iter().filter(|it| !self.shy || system || it["project_id"] == "home").collect();
                ok(json!({"limits": seen, "links": {"next": null}}))
            }
            "POST" => {
                if std::mem::take(&mut *self.refuse.lock().unwrap()) {
                    return error(403, "the limit model forbids it");
                }
                let body: Value = request.body_json().unwrap();
                let mut made = body["limits"].as_array().unwrap().clone();
                let taken = |it: &Value| {
                    rows.iter()
                        .any(|row| ["project_id", "resource_name"].iter().all(|key| row[key] == it[key]))
                };
                if made.iter().any(taken) {
                    return error(409, "Duplicate entry");
                }
                for (n, it) in made.iter_mut().enumerate() {
                    it["id"] = json!(format!("new-{}", rows.len() + n));
                }
                rows.extend(made.iter().cloned());
                ResponseTemplate::new(201).set_body_json(json!({ "limits": made }))
            }
            "PATCH" => {
                let body: Value = request.body_json().unwrap();
                let row = rows.iter_mut().find(|it| it["id"] == id).unwrap();
                if body["limit"]["resource_limit"] != 0 {
                    row["resource_limit"] = body["limit"]["resource_limit"].clone();
                }
                ok(json!({ "limit": row }))
            }
            _ => {
                rows.retain(|it| it["id"] != id);
                ResponseTemplate::new(204)
            }
        }
    }
}

fn row(service: &str, project: &str, resource: &str, value: i64) -> Value {
    json!({
        "id": format!("{project}-{resource}"), "service_id": service, "region_id": "R", "project_id": project,
        "domain_id": null, "resource_name": resource, "resource_limit": value,
    })
}

/// A cloud whose Keystone has registered limits for Nova and Glance, and these limits.
async fn unified(limits: Limits30) -> Keystone {
    let keystone = Keystone::with(&[("image", "/image")]).await;
    let registered = |service: &str, region: Option<&str>, name: &str, value: i64| {
        json!({"id": format!("r-{name}"), "service_id": service, "region_id": region, "resource_name": name,
               "default_limit": value, "description": null})
    };
    let all = json!([
        registered("id-compute", Some("R"), "class:VCPU", 20),
        registered("id-compute", Some("R"), "class:MEMORY_MB", 51200),
        registered("id-compute", Some("R"), "class:DISK_GB", 7),
        registered("id-compute", Some("R"), "server_key_pairs", 100),
        registered("id-compute", Some("Other"), "servers", 1),
        registered("id-compute", None, "server_groups", 1),
        registered("id-image", Some("R"), "image_count_total", 100),
    ]);
    keystone.on("GET", "/v3/registered_limits", ok(json!({"registered_limits": all}))).await;
    for verb in ["GET", "POST"] {
        keystone.on(verb, "/v3/limits", limits.clone()).await;
    }
    for verb in ["PATCH", "DELETE"] {
        Mock::given(method(verb)).respond_with(limits.clone()).with_priority(8).mount(&keystone.server).await;
    }
    keystone
}

fn rows(all: &[Value]) -> Limits30 {
    Limits30 { rows: Arc::new(Mutex::new(all.to_vec())), ..Default::default() }
}

#[tokio::test]
async fn all_projects_limits_are_one_list() {
    let keystone = unified(rows(&[
        row("id-compute", "p", "class:VCPU", 0),
        // Another region's, another service's, a domain's, and one that Nova doesn't look at.
        json!({"id": "x", "service_id": "id-compute", "region_id": "Other", "project_id": "p",
               "resource_name": "class:MEMORY_MB", "resource_limit": 1}),
        row("id-image", "p", "class:MEMORY_MB", 2),
        json!({"id": "y", "service_id": "id-compute", "region_id": "R", "project_id": null, "domain_id": "p",
               "resource_name": "class:MEMORY_MB", "resource_limit": 3}),
        row("id-compute", "p", "server_key_pairs", 4),
        row("id-compute", "q", "class:MEMORY_MB", -1),
    ]))
    .await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(NovaQuotaDriver::Unified);
    let default = json!({"cores": 20, "ram": 51200, "key_pairs": 100, "class:DISK_GB": 7});
    for (id, key, value) in [("p", "cores", 0), ("q", "ram", -1), ("none", "cores", 20)] {
        let mut expected = limits(default.clone());
        expected.insert(key.into(), value);
        assert_eq!(quotas.limits(QuotaService::Compute, id).await.unwrap(), expected, "{id}");
    }
    assert_eq!(quotas.defaults(QuotaService::Compute).await.unwrap(), limits(default));
    let requests = cloud.requests();
    assert_eq!((requests["GET /v3/limits"], requests["GET /v3/registered_limits"]), (1, 1));
    assert_eq!(keystone.calls("GET", NOVA).await, 0);
}

#[tokio::test]
async fn a_limit_of_zero_is_made_anew() {
    let state = rows(&[
        row("id-compute", "p", "class:VCPU", 5),
        row("id-compute", "p", "class:MEMORY_MB", 6),
        row("id-compute", "q", "class:VCPU", 9),
    ]);
    let keystone = unified(state.clone()).await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(NovaQuotaDriver::Unified);
    let asked = limits(json!({"cores": 0, "ram": -1, "class:DISK_GB": 0}));
    let now = quotas.set(QuotaService::Compute, "p", &asked, false).await.unwrap();
    assert_eq!(now, limits(json!({"cores": 0, "ram": -1, "class:DISK_GB": 0, "key_pairs": 100})));
    let requests = cloud.requests();
    assert_eq!(requests["POST /v3/limits"], 1, "all or nothing");
    assert_eq!((requests["DELETE /v3/limits/{id}"], requests["PATCH /v3/limits/{id}"]), (1, 1));
    assert_eq!(state.rows.lock().unwrap().len(), 4);
    // The same again is nothing at all.
    quotas.set(QuotaService::Compute, "p", &asked, false).await.unwrap();
    assert_eq!(cloud.requests()["POST /v3/limits"], 1);
    // It is known by now that this token sees all, and that one project's are enough.
    let all = keystone.server.received_requests().await.unwrap();
    let last = all.iter().rfind(|it| it.url.path() == "/v3/limits").unwrap();
    assert_eq!(last.url.query(), Some("service_id=id-compute&project_id=p"));
    // A reset deletes these keys' limits, and no others.
    quotas.reset(QuotaService::Compute, "p", &keys(&["cores", "ram"])).await.unwrap();
    let left = quotas.limits(QuotaService::Compute, "p").await.unwrap();
    assert_eq!(left, limits(json!({"cores": 20, "ram": 51200, "class:DISK_GB": 0, "key_pairs": 100})));
}

#[tokio::test]
async fn a_limit_that_can_not_be_made_anew_gets_its_value_back() {
    let state = rows(&[row("id-compute", "p", "class:VCPU", 5), row("id-compute", "q", "class:VCPU", 9)]);
    *state.refuse.lock().unwrap() = true;
    let keystone = unified(state.clone()).await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(NovaQuotaDriver::Unified);
    let why = quotas.set(QuotaService::Compute, "p", &limits(json!({"cores": 0})), false).await.unwrap_err();
    assert!(why.to_string().contains("the limit model forbids it"), "{why}");
    assert_eq!(quotas.limits(QuotaService::Compute, "p").await.unwrap()["cores"], 5);
}

#[tokio::test]
async fn what_would_do_nothing_is_refused() {
    let keystone = unified(Limits30::default()).await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(NovaQuotaDriver::Unified);
    let asked = limits(json!({"cores": 1, "instances": 2, "key_pairs": 3, "server_groups": 4}));
    let result = quotas.set(QuotaService::Compute, "p", &asked, false).await;
    assert_eq!(
        refusals(result),
        [
            // Another region has it.
            ("instances".to_owned(), 2, Refusal::Unregistered),
            ("key_pairs".to_owned(), 3, Refusal::DefaultOnly),
            // Nova asks for those of its region.
            ("server_groups".to_owned(), 4, Refusal::Unregistered),
        ]
    );
    // What is the default is in effect.
    quotas.set(QuotaService::Compute, "p", &limits(json!({"key_pairs": 100})), false).await.unwrap();
    assert_eq!(keystone.calls("POST", "/v3/limits").await, 0);
}

#[tokio::test]
async fn what_a_projects_token_does_not_see_is_not_taken_for_unset() {
    // Whether the account may log in for the system.
    for system in [true, false] {
        let state = Limits30 { shy: true, ..rows(&[row("id-image", "p", "image_count_total", 5)]) };
        let keystone = unified(state).await;
        let answer = match system {
            true => {
                let mut body = token(json!([]));
                body["token"]["project"].take();
                body["token"]["system"] = json!({"all": true});
                ResponseTemplate::new(201).insert_header("x-subject-token", "system").set_body_json(body)
            }
            false => error(401, "no role on the system"),
        };
        let scope = json!({"auth": {"scope": {"system": {"all": true}}}});
        Mock::given(path("/v3/auth/tokens"))
            .and(wiremock::matchers::body_partial_json(scope))
            .respond_with(answer)
            .with_priority(1)
            .mount(&keystone.server)
            .await;
        let cloud = keystone.cloud();
        let quotas = cloud.quotas(NovaQuotaDriver::Unified);
        let read = quotas.limits(QuotaService::Image, "p").await;
        if system {
            assert_eq!(read.unwrap()["image_count_total"], 5);
            continue;
        }
        assert!(matches!(read, Err(Error::Unseen { .. })), "{read:?}");
        // There is one already, as a write finds out.
        let asked = limits(json!({"image_count_total": 1}));
        let result = quotas.set(QuotaService::Image, "p", &asked, false).await;
        assert!(matches!(result, Err(Error::Unseen { .. })), "{result:?}");
        // There is none for this one.
        quotas.set(QuotaService::Image, "q", &asked, false).await.unwrap();
        assert_eq!(quotas.limits(QuotaService::Image, "q").await.unwrap()["image_count_total"], 1);
        // Nova tells its own.
        keystone.on("GET", NOVA, ok(json!({"quota_set": {"cores": 3}}))).await;
        assert_eq!(quotas.limits(QuotaService::Compute, "p").await.unwrap()["cores"], 3);
    }
}

#[tokio::test]
async fn nova_is_found_out_by_what_it_ignores() {
    let nova = |cores: i64| ok(json!({"quota_set": {"id": "p", "cores": cores, "ram": 51200}}));
    // With unified limits Nova answers 200, and goes by Keystone.
    let state = rows(&[row("id-compute", "q", "class:VCPU", 9)]);
    let keystone = unified(state.clone()).await;
    keystone.on("PUT", NOVA, nova(20)).await;
    keystone.on("GET", NOVA, nova(20)).await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(NovaQuotaDriver::Auto);
    assert_eq!(quotas.limits(QuotaService::Compute, "p").await.unwrap()["cores"], 20);
    assert_eq!(keystone.calls("GET", "/v3/registered_limits").await, 0, "a read asks Nova");
    let asked = limits(json!({"cores": 0, "ram": 51200}));
    let now = quotas.set(QuotaService::Compute, "p", &asked, false).await.unwrap();
    assert_eq!(now["cores"], 0);
    assert_eq!(state.rows.lock().unwrap().len(), 3);
    // From then on it is known, also to other handles.
    let again = cloud.clone();
    again.quotas(NovaQuotaDriver::Auto).set(QuotaService::Compute, "p", &asked, false).await.unwrap();
    assert_eq!(
        again.quotas(NovaQuotaDriver::Auto).limits(QuotaService::Compute, "q").await.unwrap()["cores"],
        9
    );
    assert_eq!((keystone.calls("PUT", NOVA).await, keystone.calls("GET", NOVA).await), (1, 1));

    // A Nova that keeps them itself, though Keystone has copies.
    let keystone = unified(rows(&[row("id-compute", "p", "class:VCPU", 20)])).await;
    keystone.on("PUT", NOVA, nova(0)).await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(NovaQuotaDriver::Auto);
    quotas.set(QuotaService::Compute, "p", &limits(json!({"cores": 0})), false).await.unwrap();
    assert_eq!(keystone.calls("PATCH", "/v3/limits/p-class:VCPU").await, 0);

    // A Nova that was said to keep them, and doesn't: that is told.
    keystone.first(1, "PUT", NOVA, nova(20)).await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(NovaQuotaDriver::Db);
    let result = quotas.set(QuotaService::Compute, "p", &limits(json!({"cores": 0})), false).await;
    assert_eq!(refusals(result), [("cores".to_owned(), 0, Refusal::Ignored { actual: Some(20) })]);
}

#[tokio::test]
async fn a_reset_that_nova_ignores_is_keystones() {
    let state = rows(&[row("id-compute", "p", "class:VCPU", 5), row("id-compute", "q", "class:VCPU", 9)]);
    let keystone = unified(state.clone()).await;
    let class = json!({"quota_class_set": {"id": "default", "cores": 20, "ram": 51200}});
    keystone.on("GET", "/compute/v2.1/os-quota-class-sets/default", ok(class)).await;
    keystone.on("GET", NOVA, ok(json!({"quota_set": {"cores": 5, "ram": 51200}}))).await;
    Mock::given(method("DELETE"))
        .and(path(NOVA))
        .respond_with(ResponseTemplate::new(202))
        .with_priority(1)
        .mount(&keystone.server)
        .await;
    let cloud = keystone.cloud();
    cloud.quotas(NovaQuotaDriver::Auto).reset(QuotaService::Compute, "p", &keys(&["cores"])).await.unwrap();
    assert_eq!(state.rows.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn defaults_are_registered_limits() {
    let keystone = unified(Limits30::default()).await;
    let changed = |value: i64| {
        json!({"registered_limit": {"id": "r-class:VCPU", "service_id": "id-compute", "region_id": "R",
               "resource_name": "class:VCPU", "default_limit": value}})
    };
    Mock::given(method("PATCH"))
        .and(path("/v3/registered_limits/r-class:VCPU"))
        .and(body_json(json!({"registered_limit": {"default_limit": 0}})))
        .respond_with(ok(changed(0)))
        .with_priority(1)
        .mount(&keystone.server)
        .await;
    let made = json!({"registered_limits": [{"id": "new", "service_id": "id-compute", "region_id": "R",
                      "resource_name": "servers", "default_limit": 4}]});
    keystone.on("POST", "/v3/registered_limits", ResponseTemplate::new(201).set_body_json(made)).await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(NovaQuotaDriver::Unified);
    let asked = limits(json!({"cores": 0, "ram": 51200, "instances": 4}));
    let now = quotas.set_defaults(QuotaService::Compute, &asked).await.unwrap();
    assert_eq!((now["cores"], now["instances"], now["key_pairs"]), (0, 4, 100));
    assert_eq!(
        sent(&keystone, "POST", "/v3/registered_limits").await,
        [json!({"registered_limits": [
            {"service_id": "id-compute", "region_id": "R", "resource_name": "servers", "default_limit": 4}]})]
    );
    // What nobody asks Keystone for isn't registered.
    let result = quotas.set_defaults(QuotaService::Image, &limits(json!({"image_cuont": 1}))).await;
    assert_eq!(refusals(result), [("image_cuont".to_owned(), 1, Refusal::Unregistered)]);
}

#[tokio::test]
async fn glances_images_are_counted() {
    let keystone = unified(rows(&[row("id-image", "p", "image_count_total", 5)])).await;
    let image = |id: &str, size: Value| json!({"id": id, "owner": "p", "size": size});
    Mock::given(path("/image/v2/images"))
        .and(query_param("marker", "b"))
        .respond_with(ok(json!({"images": [image("c", json!(1 << 20))]})))
        .mount(&keystone.server)
        .await;
    let first = json!({"images": [image("a", json!(3 << 20)), image("b", Value::Null)], "next": "/v2/images?marker=b"});
    keystone.on("GET", "/image/v2/images", ok(first)).await;
    let cloud = keystone.cloud();
    let usage = cloud.quotas(NovaQuotaDriver::Auto).usage(QuotaService::Image, "p").await.unwrap();
    let count = usage["image_count_total"];
    assert_eq!((count.limit, count.in_use), (5, Some(3)));
    // Those of many projects are one list.
    let ids = (0..20).map(|n| format!("p{n}")).chain(["p".to_owned()]).collect();
    let all = cloud.quotas(NovaQuotaDriver::Auto).usages(QuotaService::Image, &ids).await;
    let count = |id: &str| all[id].as_ref().unwrap()["image_count_total"];
    assert_eq!((count("p").in_use, count("p1").limit, count("p1").in_use), (Some(3), 100, Some(0)));
    assert_eq!(cloud.requests()["GET image /images"], 4);
}
