//! Nova, Cinder and Neutron.

use super::*;

const NOVA: &str = "/compute/v2.1/os-quota-sets/p";
const CINDER: &str = "/volume/v3/home/os-quota-sets/p";
const NEUTRON: &str = "/network/v2.0/quotas/p";

/// Nova's answer about all keys.
fn nova(cores: i64, ram: i64) -> ResponseTemplate {
    ok(json!({"quota_set": {"id": "p", "cores": cores, "ram": ram}}))
}

async fn nova_defaults(keystone: &Keystone) {
    let class = json!({"quota_class_set": {"id": "default", "cores": 20, "ram": 51200}});
    keystone.on("GET", "/compute/v2.1/os-quota-class-sets/default", ok(class)).await;
}

#[tokio::test]
async fn gone_is_keystones_word_and_not_novas() {
    for (keystone_says, gone) in [
        (error(404, "Could not find project: p."), true),
        (ok(json!({"project": project("p", "web")})), false),
        (error(403, "no"), false),
    ] {
        let keystone = Keystone::start().await;
        keystone.on("GET", NOVA, bad_request("Project ID p is not a valid project.")).await;
        keystone.on("GET", "/v3/projects/p", keystone_says).await;
        let cloud = keystone.cloud();
        let quotas = cloud.quotas(NovaQuotaDriver::Db);
        let why = quotas.limits(QuotaService::Compute, "p").await.unwrap_err();
        assert_eq!(why.is_not_found_of("p"), gone, "{why}");
    }
    // Another 400 is not about the project.
    let keystone = Keystone::start().await;
    keystone.on("GET", NOVA, bad_request("Invalid input")).await;
    let cloud = keystone.cloud();
    assert!(cloud.quotas(NovaQuotaDriver::Db).limits(QuotaService::Compute, "p").await.is_err());
    assert_eq!(keystone.calls("GET", "/v3/projects/p").await, 0);
}

#[tokio::test]
async fn an_odd_body_is_an_error_and_no_empty_quota() {
    for body in [json!({"quota_set": null}), json!({"quota_set": []}), json!({}), json!({"quota": {}})] {
        let keystone = Keystone::start().await;
        keystone.on("GET", NOVA, ok(body)).await;
        keystone.on("GET", "/network/v2.0/quotas", ok(json!({"quotas": [{"port": 1}]}))).await;
        let cloud = keystone.cloud();
        for service in [QuotaService::Compute, QuotaService::Network] {
            let why = cloud.quotas(NovaQuotaDriver::Db).limits(service, "p").await.unwrap_err();
            assert!(matches!(why, Error::OddBody { .. }), "{why}");
        }
    }
}

#[tokio::test]
async fn only_these_keys_are_sent_and_force_only_when_asked() {
    let keystone = Keystone::start().await;
    keystone.on("PUT", NOVA, nova(0, -1)).await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(NovaQuotaDriver::Db);
    for force in [false, true] {
        let asked = limits(json!({"cores": 0, "ram": -1}));
        let now = quotas.set(QuotaService::Compute, "p", &asked, force).await.unwrap();
        assert_eq!(now, limits(json!({"cores": 0, "ram": -1})));
    }
    assert_eq!(
        sent(&keystone, "PUT", NOVA).await,
        [
            json!({"quota_set": {"cores": 0, "ram": -1}}),
            json!({"quota_set": {"cores": 0, "ram": -1, "force": true}})
        ]
    );
    // The reply is what a read gives from now on.
    assert_eq!(quotas.limits(QuotaService::Compute, "p").await.unwrap()["cores"], 0);
    assert_eq!(keystone.calls("GET", NOVA).await, 0);
    let all = keystone.server.received_requests().await.unwrap();
    assert_eq!(all.last().unwrap().headers["openstack-api-version"], "compute 2.57");
}

#[tokio::test]
async fn a_limit_below_use_names_key_and_use() {
    let keystone = Keystone::start().await;
    nova_defaults(&keystone).await;
    keystone.on("PUT", NOVA, bad_request("Quota limit 1 for cores must be greater than or equal")).await;
    let detail = json!({"quota_set": {
        "id": "p", "cores": {"limit": 20, "in_use": 4, "reserved": 2}, "ram": {"limit": 100, "in_use": 50, "reserved": 0}}});
    keystone.on("GET", &format!("{NOVA}/detail"), ok(detail)).await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(NovaQuotaDriver::Db);
    let asked = limits(json!({"cores": 1, "ram": -1}));
    let result = quotas.set(QuotaService::Compute, "p", &asked, false).await;
    let text = result.as_ref().unwrap_err().to_string();
    assert!(text.starts_with("cannot set the limits of compute for project p: cores = 1: 6 are in use or reserved. It answered: Quota limit 1"), "{text}");
    assert_eq!(refusals(result), [("cores".to_owned(), 1, Refusal::BelowUse { used: 6 })]);
}

#[tokio::test]
async fn keys_that_the_service_lacks_are_named() {
    let keystone = Keystone::start().await;
    let class = json!({"quota_class_set": {"id": "default", "volumes": 10, "gigabytes_ssd": -1}});
    keystone.on("GET", "/volume/v3/home/os-quota-class-sets/default", ok(class)).await;
    keystone.on("PUT", CINDER, bad_request("Bad key(s) in quota set: gigabytes_hdd")).await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(NovaQuotaDriver::Db);
    assert_eq!(
        quotas.known_keys(QuotaService::BlockStorage).await.unwrap(),
        keys(&["gigabytes_ssd", "volumes"])
    );
    let asked = limits(json!({"volumes": 1, "gigabytes_hdd": 2}));
    let result = quotas.set(QuotaService::BlockStorage, "p", &asked, false).await;
    assert_eq!(refusals(result), [("gigabytes_hdd".to_owned(), 2, Refusal::Unknown)]);
}

#[tokio::test]
async fn what_is_accepted_and_ignored_is_an_error() {
    let keystone = Keystone::start().await;
    keystone.on("PUT", CINDER, ok(json!({"quota_set": {"volumes": 10}}))).await;
    let cloud = keystone.cloud();
    let asked = limits(json!({"volumes": 1, "groups": 2}));
    let result = cloud.quotas(NovaQuotaDriver::Db).set(QuotaService::BlockStorage, "p", &asked, false).await;
    assert_eq!(
        refusals(result),
        [
            ("groups".to_owned(), 2, Refusal::Ignored { actual: None }),
            ("volumes".to_owned(), 1, Refusal::Ignored { actual: Some(10) })
        ]
    );
}

#[tokio::test]
async fn a_refused_write_is_read_again() {
    let keystone = Keystone::start().await;
    nova_defaults(&keystone).await;
    keystone.first(1, "GET", NOVA, nova(1, 1)).await;
    keystone.on("GET", NOVA, nova(2, 1)).await;
    keystone.on("PUT", NOVA, ResponseTemplate::new(504)).await;
    let mut config = keystone.cloud().config().clone();
    config.max_retries = 0;
    let cloud = Cloud::new(config).unwrap();
    let quotas = cloud.quotas(NovaQuotaDriver::Db);
    for _ in 0..2 {
        assert_eq!(quotas.limits(QuotaService::Compute, "p").await.unwrap()["cores"], 1);
    }
    assert!(quotas.set(QuotaService::Compute, "p", &limits(json!({"cores": 2})), false).await.is_err());
    assert_eq!(quotas.limits(QuotaService::Compute, "p").await.unwrap()["cores"], 2);
}

#[tokio::test]
async fn a_reset_spares_the_other_keys() {
    let back = json!({"quota_set": {"cores": 20, "force": true}});
    // What is there, the keys to reset, and whether Nova is told to delete, or what to write.
    let cases = [
        (1, 51200, vec!["cores"], true, None),
        (1, 2, vec!["cores", "ram"], true, None),
        (1, 2, vec!["cores"], false, Some(back)),
        (20, 2, vec!["cores"], false, None),
        (20, 51200, vec!["cores"], true, None),
    ];
    for (cores, ram, reset, deleted, written) in cases {
        let keystone = Keystone::start().await;
        nova_defaults(&keystone).await;
        keystone.on("GET", NOVA, nova(cores, ram)).await;
        keystone.on("PUT", NOVA, nova(20, ram)).await;
        keystone.on("DELETE", NOVA, ResponseTemplate::new(202)).await;
        let cloud = keystone.cloud();
        cloud.quotas(NovaQuotaDriver::Db).reset(QuotaService::Compute, "p", &keys(&reset)).await.unwrap();
        assert_eq!(keystone.calls("DELETE", NOVA).await, usize::from(deleted), "{cores} {ram} {reset:?}");
        assert_eq!(sent(&keystone, "PUT", NOVA).await, Vec::from_iter(written));
    }
}

/// A Cinder in which `used` volumes are in use, with limits of a project's own. It looks at the use of keys that have one.
#[derive(Clone, Default)]
struct Cinder29 {
    own: Arc<Mutex<Limits>>,
    used: i64,
}

impl Cinder29 {
    async fn start(own: Value, used: i64) -> (Keystone, Self) {
        let keystone = Keystone::start().await;
        let class = json!({"quota_class_set": {"id": "default", "volumes": 10, "gigabytes": 1000}});
        keystone.on("GET", "/volume/v3/home/os-quota-class-sets/default", ok(class)).await;
        let cinder = Cinder29 { own: Arc::new(Mutex::new(limits(own))), used };
        for verb in ["GET", "PUT", "DELETE"] {
            keystone.on(verb, CINDER, cinder.clone()).await;
        }
        (keystone, cinder)
    }

    fn own(&self) -> Limits {
        self.own.lock().unwrap().clone()
    }
}

impl Respond for Cinder29 {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut own = self.own.lock().unwrap();
        match request.method.as_str() {
            "DELETE" => own.clear(),
            "PUT" => {
                let body: Value = request.body_json().unwrap();
                let asked = limits(body["quota_set"].clone());
                let below = asked.get("volumes").is_some_and(|it| *it >= 0 && *it < self.used);
                if own.contains_key("volumes") && below {
                    return bad_request(
                        "Quota volumes limit must be equal or greater than existing resources.",
                    );
                }
                own.extend(asked);
            }
            _ => (),
        }
        let mut all = limits(json!({"volumes": 10, "gigabytes": 1000}));
        all.extend(own.clone());
        ok(json!({"quota_set": all}))
    }
}

#[tokio::test]
async fn cinder_is_given_back_what_is_below_use() {
    let volumes = keys(&["volumes"]);
    // A reset: the other key keeps its value.
    let (keystone, cinder) = Cinder29::start(json!({"volumes": 30, "gigabytes": 77}), 20).await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(NovaQuotaDriver::Db);
    quotas.reset(QuotaService::BlockStorage, "p", &volumes).await.unwrap();
    assert_eq!(cinder.own(), limits(json!({"gigabytes": 77})));
    // What was there before; a volume type that is gone is not told.
    let (keystone, cinder) = Cinder29::start(json!({"volumes": 30, "gigabytes": 77}), 20).await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(NovaQuotaDriver::Db);
    let was = limits(json!({"volumes": 0, "volumes_ssd": 4}));
    quotas.restore(QuotaService::BlockStorage, "p", &was).await.unwrap();
    assert_eq!(cinder.own(), limits(json!({"volumes": 0, "gigabytes": 77})));
    // Where nothing stands in the way, nothing is deleted.
    quotas.restore(QuotaService::BlockStorage, "p", &limits(json!({"volumes": 25}))).await.unwrap();
    assert_eq!(keystone.calls("DELETE", CINDER).await, 1);
    // Who sets a limit is told.
    let asked = limits(json!({"volumes": 1}));
    assert!(quotas.set(QuotaService::BlockStorage, "p", &asked, true).await.is_err());
    assert_eq!(keystone.calls("DELETE", CINDER).await, 1);
}

#[tokio::test]
async fn the_quotas_of_a_project_that_is_gone_are_reset_all_the_same() {
    let keystone = Keystone::start().await;
    keystone.on("GET", NOVA, bad_request("Project ID p is not a valid project.")).await;
    keystone.on("GET", "/v3/projects/p", error(404, "Could not find project: p.")).await;
    keystone.on("DELETE", NOVA, ResponseTemplate::new(202)).await;
    let cloud = keystone.cloud();
    cloud.quotas(NovaQuotaDriver::Db).reset(QuotaService::Compute, "p", &keys(&["cores"])).await.unwrap();
    assert_eq!(keystone.calls("DELETE", NOVA).await, 1);
}

#[tokio::test]
async fn defaults_are_asked_once_and_after_they_were_set() {
    let keystone = Keystone::start().await;
    nova_defaults(&keystone).await;
    let at = "/compute/v2.1/os-quota-class-sets/default";
    keystone.on("PUT", at, ok(json!({"quota_class_set": {"cores": 0, "ram": 51200}}))).await;
    keystone.on("GET", NOVA, nova(20, 1)).await;
    let cloud = keystone.cloud();
    let quotas = cloud.quotas(NovaQuotaDriver::Db);
    let all = join_all((0..5).map(|_| quotas.defaults(QuotaService::Compute))).await;
    assert_eq!(all[4].as_ref().unwrap()["cores"], 20);
    quotas.limits(QuotaService::Compute, "p").await.unwrap();
    quotas.set_defaults(QuotaService::Compute, &limits(json!({"cores": 0}))).await.unwrap();
    assert_eq!(quotas.defaults(QuotaService::Compute).await.unwrap()["cores"], 0);
    assert_eq!(keystone.calls("GET", at).await, 1);
    // They are part of what a project may use.
    quotas.limits(QuotaService::Compute, "p").await.unwrap();
    assert_eq!(keystone.calls("GET", NOVA).await, 2);
    let why = quotas.set_defaults(QuotaService::Network, &limits(json!({"port": 1}))).await.unwrap_err();
    assert!(matches!(why, Error::Unseen { .. }), "{why}");
}

#[tokio::test]
async fn neutron_is_told_to_check_in_its_releases_words() {
    let cases: [(&[&str], bool, Value); 6] = [
        (&["quota-check-limit", "quota-check-limit-default"], false, json!({})),
        (&["quota-check-limit", "quota-check-limit-default"], true, json!({"force": true})),
        (&["quota-check-limit"], false, json!({"check_limit": true})),
        (&["quota-check-limit"], true, json!({})),
        (&["quotas"], false, json!({})),
        (&["quotas"], true, json!({})),
    ];
    for (aliases, force, more) in cases {
        let keystone = Keystone::start().await;
        let all: Vec<_> = aliases.iter().map(|it| json!({"alias": it})).collect();
        keystone.on("GET", "/network/v2.0/extensions", ok(json!({"extensions": all}))).await;
        keystone.on("PUT", NEUTRON, ok(json!({"quota": {"port": 0, "trunk": 5}}))).await;
        let cloud = keystone.cloud();
        let asked = limits(json!({"port": 0}));
        for _ in 0..2 {
            cloud.quotas(NovaQuotaDriver::Db).set(QuotaService::Network, "p", &asked, force).await.unwrap();
        }
        let mut body = json!({"port": 0});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(sent(&keystone, "PUT", NEUTRON).await[1], json!({ "quota": body }));
        assert_eq!(keystone.calls("GET", "/network/v2.0/extensions").await, 1);
    }
}

#[tokio::test]
async fn who_may_not_list_reads_singly() {
    let keystone = Keystone::start().await;
    keystone.on("GET", "/network/v2.0/quotas", error(403, "no")).await;
    keystone.on("GET", NEUTRON, ok(json!({"quota": {"port": 3}}))).await;
    let cloud = keystone.cloud();
    for _ in 0..2 {
        let now = cloud.quotas(NovaQuotaDriver::Db).limits(QuotaService::Network, "p").await.unwrap();
        assert_eq!(now, limits(json!({"port": 3})));
    }
    assert_eq!(keystone.calls("GET", NEUTRON).await, 1);
}

#[tokio::test]
async fn what_was_never_set_at_neutron_is_reset() {
    let keystone = Keystone::start().await;
    let body = ok(json!({"quota": {"port": 500}}));
    keystone.on("GET", NEUTRON, body.clone()).await;
    keystone.on("GET", "/network/v2.0/quotas/default/default", body).await;
    let message = "Quota for project p could not be found.";
    let none = json!({"NeutronError": {"type": "TenantQuotaNotFound", "message": message, "detail": ""}});
    keystone.on("DELETE", NEUTRON, ResponseTemplate::new(404).set_body_json(none)).await;
    let cloud = keystone.cloud();
    cloud.quotas(NovaQuotaDriver::Db).reset(QuotaService::Network, "p", &keys(&["port"])).await.unwrap();
    // Looking at security groups by project would make one.
    assert_eq!(keystone.calls("GET", "/network/v2.0/security-groups").await, 0);
}

#[tokio::test]
async fn usage_is_read_in_each_services_words() {
    let keystone = Keystone::start().await;
    let row = |used: &str| json!({"limit": 10, used: 3, "reserved": 1});
    Mock::given(path(CINDER))
        .and(query_param("usage", "True"))
        .respond_with(ok(json!({"quota_set": {"id": "p", "volumes": row("in_use")}})))
        .mount(&keystone.server)
        .await;
    keystone.on("GET", &format!("{NEUTRON}/details"), ok(json!({"quota": {"port": row("used")}}))).await;
    let cloud = keystone.cloud();
    for (service, key) in [(QuotaService::BlockStorage, "volumes"), (QuotaService::Network, "port")] {
        let usage = cloud.quotas(NovaQuotaDriver::Db).usage(service, "p").await.unwrap()[key];
        assert_eq!((usage.limit, usage.in_use, usage.reserved), (10, Some(3), Some(1)));
    }
}
