use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::openstack::config::{Settings, Surroundings};

fn endpoint(interface: &str, region: &str, url: &str) -> Value {
    json!({"interface": interface, "region": region, "region_id": region, "url": url, "id": "e"})
}

fn catalog() -> Catalog {
    let body = json!([
        {"type": "compute", "name": "nova", "endpoints": [
            endpoint("public", "One", "https://one/compute/v2.1"),
            endpoint("internal", "One", "http://inside/compute/v2.1"),
            endpoint("public", "Two", "https://two/compute/v2.1")]},
        {"type": "volumev2", "endpoints": [endpoint("public", "One", "https://one/volume/v2/p1")]},
        {"type": "volumev3", "endpoints": [endpoint("public", "One", "https://one/volume/v3/p1")]},
        {"type": "network", "endpoints": [endpoint("publicURL", "One", "https://one:9696")]},
        {"type": "image", "endpoints": []},
        {"type": "workflow", "endpoints": [endpoint("public", "One", "https://one/mistral")]},
    ]);
    Catalog::new(serde_json::from_value(body).unwrap())
}

fn config(region: Option<&str>, interface: &str, override_of: Option<&str>) -> Config {
    let settings = Settings {
        auth_url: Some("http://k".into()),
        token: Some("t".into()),
        region: region.map(str::to_owned),
        interface: Some(interface.into()),
        endpoints: override_of.map(|it| (it.to_owned(), "http://mine".to_owned())).into_iter().collect(),
        ..Default::default()
    };
    Config::from_sources(settings, &Surroundings::given([], [])).unwrap()
}

fn check(service: Service, config: &Config, expected: Expect) {
    let actual = match catalog().endpoint(service, config) {
        Ok(url) => service.base(&url).to_string(),
        Err(why) => why.to_string(),
    };
    expected.assert_eq(&actual);
}

#[test]
fn a_service_is_found_by_type_region_and_interface() {
    let one = config(Some("One"), "public", None);
    check(Service::Compute, &one, expect!["https://one/compute/v2.1"]);
    check(Service::BlockStorage, &one, expect!["https://one/volume/v3/p1"]);
    check(Service::Network, &one, expect!["https://one:9696/v2.0"]);
    check(Service::Compute, &config(Some("One"), "internal", None), expect!["http://inside/compute/v2.1"]);
    check(Service::BlockStorage, &config(None, "public", None), expect!["https://one/volume/v3/p1"]);
    check(Service::BlockStorage, &config(None, "public", Some("volumev2")), expect!["http://mine/v3"]);
}

#[test]
fn a_missing_service_is_told_with_what_there_is() {
    let one = config(Some("One"), "public", None);
    check(
        Service::Dns,
        &one,
        expect![
            "no dns service: the catalog has no such type. The catalog has the types compute, image, network, volumev2, volumev3, workflow; the regions One, Two; the interfaces internal, public, publicURL"
        ],
    );
    check(
        Service::Network,
        &config(Some("Two"), "public", None),
        expect![
            "no network service: it is not in the region Two (public). The catalog has the types compute, image, network, volumev2, volumev3, workflow; the regions One, Two; the interfaces internal, public, publicURL"
        ],
    );
    check(
        Service::Compute,
        &config(None, "public", None),
        expect![
            "no compute service: it is in several regions; choose one by `region`. The catalog has the types compute, image, network, volumev2, volumev3, workflow; the regions One, Two; the interfaces internal, public, publicURL"
        ],
    );
    check(
        Service::Network,
        &config(None, "admin", None),
        expect![
            "no network service: it has no admin interface. The catalog has the types compute, image, network, volumev2, volumev3, workflow; the regions One, Two; the interfaces internal, public, publicURL"
        ],
    );
    check(
        Service::Image,
        &one,
        expect![
            "no image service: the catalog has no such type. The catalog has the types compute, image, network, volumev2, volumev3, workflow; the regions One, Two; the interfaces internal, public, publicURL"
        ],
    );
    assert_eq!(catalog().unknown_types().into_keys().collect::<Vec<_>>(), ["workflow"]);
}

#[test]
fn a_service_is_absent_only_where_others_are() {
    for (service, region, interface, absent) in [
        (Service::Dns, Some("One"), "public", true),
        (Service::Dns, None, "public", true),
        // It is in another region.
        (Service::Network, Some("Two"), "public", true),
        // It has another interface.
        (Service::Network, Some("One"), "internal", false),
        // No such region, nothing with this interface.
        (Service::Dns, Some("Onee"), "public", false),
        (Service::Network, None, "admin", false),
        // It is there; which one is the question.
        (Service::Compute, None, "public", false),
    ] {
        let why = catalog().endpoint(service, &config(region, interface, None)).unwrap_err();
        assert_eq!(why.is_service_absent(), absent, "{why}");
    }
    // Keystone doesn't know what only the configuration names.
    let why = catalog().place(Service::Dns, &config(Some("One"), "public", Some("dns"))).unwrap_err();
    assert!(!why.is_service_absent(), "{why}");
}

#[test]
fn versions_are_added_once() {
    let cases = [
        (Service::Compute, "http://h:8774", "http://h:8774/v2.1"),
        (Service::Compute, "http://h/compute/v2/abc", "http://h/compute/v2.1/abc"),
        (Service::BlockStorage, "http://h:8776/v2/abc", "http://h:8776/v3/abc"),
        (Service::BlockStorage, "http://h:8776/", "http://h:8776/v3"),
        (Service::SharedFileSystem, "http://h/share/v1/abc", "http://h/share/v2/abc"),
        (Service::LoadBalancer, "http://h/load-balancer", "http://h/load-balancer/v2"),
        (Service::LoadBalancer, "http://h:9876/v2.0", "http://h:9876/v2.0"),
        (Service::Image, "http://h/image", "http://h/image/v2"),
        (Service::ObjectStore, "http://h/v1/AUTH_abc", "http://h/v1/AUTH_abc"),
        (Service::ObjectStore, "http://h/swift/v1", "http://h/swift/v1"),
        (Service::Orchestration, "http://h/heat-api/v1/abc", "http://h/heat-api/v1/abc"),
        (Service::Identity, "http://h/identity", "http://h/identity/v3"),
        (Service::Placement, "http://h/placement", "http://h/placement"),
        (Service::Compute, "http://h/v9proxy/nova", "http://h/v9proxy/nova/v2.1"),
    ];
    for (service, endpoint, base) in cases {
        assert_eq!(service.base(&Url::parse(endpoint).unwrap()).as_str(), base);
    }
}
