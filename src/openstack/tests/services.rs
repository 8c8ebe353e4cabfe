//! What a project holds, and how it is emptied.

use wiremock::matchers::{query_param, query_param_is_missing};

use super::*;
use crate::openstack::error::Error;

async fn empty(keystone: &Keystone) {
    keystone.on("GET", "/v3/projects", ok(json!({"projects": []}))).await;
    keystone.on("GET", "/compute/v2.1/servers/detail", ok(json!({"servers": []}))).await;
    keystone.on("GET", "/network/v2.0/security-groups", ok(json!({"security_groups": []}))).await;
    for kind in ["floatingips", "routers", "ports", "subnets", "networks"] {
        keystone.on("GET", &format!("/network/v2.0/{kind}"), ok(json!({ kind: [] }))).await;
    }
    for kind in ["volumes", "snapshots", "backups"] {
        keystone.on("GET", &format!("/volume/v3/home/{kind}/detail"), ok(json!({ kind: [] }))).await;
    }
}

#[tokio::test]
async fn an_empty_project_is_surely_empty() {
    let keystone = Keystone::start().await;
    empty(&keystone).await;
    let inventory = keystone.cloud().inventory("p").await.unwrap();
    assert!(inventory.is_surely_empty(), "{inventory:?}");
    // Neutron makes one for the first project that a list of security groups names.
    let requests = keystone.server.received_requests().await.unwrap();
    let query = requests.iter().find(|it| it.url.path().ends_with("/security-groups")).unwrap().url.query();
    assert_eq!(query.unwrap(), "project_id=home&project_id=p&fields=id&fields=name&fields=project_id");
}

/// A token of the project itself can name no other project.
#[tokio::test]
async fn a_look_from_inside_makes_no_security_group() {
    let keystone = Keystone::start().await;
    let used = json!({"quota": {"security_group": {"used": 0}}});
    keystone.on("GET", "/network/v2.0/quotas/home/details.json", ok(used)).await;
    empty(&keystone).await;
    let inventory = keystone.cloud().inventory("home").await.unwrap();
    assert!(inventory.is_surely_empty(), "{inventory:?}");
    assert_eq!(keystone.calls("GET", "/network/v2.0/security-groups").await, 0);
}

/// Only tokens of the project see its secrets. A refused login costs Keystone as much as any.
#[tokio::test]
async fn no_login_is_tried_where_there_is_no_role() {
    let keystone = Keystone::with(&[("key-manager", "/key")]).await;
    let mine = json!({"projects": [project("p2", "with a role")]});
    keystone.on("GET", "/v3/auth/projects", ok(mine)).await;
    keystone.on("GET", "/key/v1/secrets", ok(json!({"secrets": []}))).await;
    empty(&keystone).await;
    let cloud = keystone.cloud();
    for (id, seen, logins) in [("p", false, 1), ("p1", false, 1), ("p2", true, 2)] {
        let inventory = cloud.inventory(id).await.unwrap();
        assert_eq!(inventory.is_surely_empty(), seen, "{id}: {inventory:?}");
        assert_eq!(keystone.calls("POST", "/v3/auth/tokens").await, logins, "{id}");
    }
    assert_eq!(keystone.calls("GET", "/v3/auth/projects").await, 1);
}

/// Glance leaves hidden images out of a list unless it is asked for them alone.
#[tokio::test]
async fn hidden_images_are_held_too() {
    let keystone = Keystone::with(&[("image", "/image")]).await;
    let hidden = Mock::given(path("/image/v2/images")).and(query_param("os_hidden", "true"));
    let image = json!({"id": "i", "name": "old", "owner": "p", "os_hidden": true});
    hidden.respond_with(ok(json!({"images": [image]}))).with_priority(1).mount(&keystone.server).await;
    keystone.on("GET", "/image/v2/images", ok(json!({"images": []}))).await;
    empty(&keystone).await;
    let inventory = keystone.cloud().inventory("p").await.unwrap();
    assert_eq!(inventory.holdings.iter().map(ToString::to_string).collect::<Vec<_>>(), ["image \"old\" (i)"]);
}

#[tokio::test]
async fn a_service_that_fails_is_never_empty() {
    for answer in [
        error(403, "no"),
        error(500, "oops"),
        ResponseTemplate::new(200).set_body_string("[]"),
        ok(json!({})),
    ] {
        let keystone = Keystone::start().await;
        keystone.first(99, "GET", "/compute/v2.1/servers/detail", answer).await;
        empty(&keystone).await;
        let inventory = keystone.cloud().inventory("p").await.unwrap();
        let unseen: Vec<_> = inventory.unseen.iter().map(|it| it.service.as_str()).collect();
        assert_eq!((unseen, inventory.holdings.len()), (vec!["compute"], 0));
    }
}

/// Neutron lists nothing to an administrator with a token for the system, and says 200.
#[tokio::test]
async fn a_token_that_sees_nothing_is_not_looked_with() {
    let keystone = Keystone::start().await;
    let mut system = token(json!([{"type": "network", "endpoints": [
        {"interface": "public", "region": "R", "url": format!("{}/network", keystone.server.uri())}]}]));
    system["token"]["project"].take();
    system["token"]["system"] = json!({"all": true});
    let answer = ResponseTemplate::new(201).insert_header("x-subject-token", "s").set_body_json(system);
    keystone.first(1, "POST", "/v3/auth/tokens", answer).await;
    keystone.first(1, "POST", "/v3/auth/tokens", error(401, "no role on the project")).await;
    empty(&keystone).await;
    let settings = Settings { project_name: None, system_scope: Some(true), ..keystone.settings() };
    let inventory = cloud(settings).inventory("p").await.unwrap();
    assert_eq!(
        inventory.unseen.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["network: that takes an administrator's token for a project, or a role of ours on this one"]
    );
    assert_eq!(keystone.calls("GET", "/network/v2.0/networks").await, 0);
}

#[tokio::test]
async fn holdings_are_those_of_the_project_only() {
    let keystone = Keystone::start().await;
    let server = |id: &str, owner: &str| json!({"id": id, "name": id, "tenant_id": owner});
    for (marker, rows, next) in [
        (None, json!([server("s1", "p"), server("s2", "other")]), true),
        (Some("s2"), json!([server("s3", "p")]), false),
    ] {
        let mock = Mock::given(path("/compute/v2.1/servers/detail"))
            .and(query_param("all_tenants", "1"))
            .and(query_param("project_id", "p"));
        let mock = match marker {
            Some(it) => mock.and(query_param("marker", it)),
            None => mock.and(query_param_is_missing("marker")),
        };
        let links = if next { json!([{"rel": "next", "href": "x"}]) } else { json!([]) };
        mock.respond_with(ok(json!({"servers": rows, "servers_links": links})))
            .with_priority(1)
            .mount(&keystone.server)
            .await;
    }
    let ports = json!([
        {"id": "of-server", "project_id": "p", "device_id": "s1", "device_owner": "compute:nova"},
        {"id": "of-dhcp", "project_id": "p", "device_id": "dhcp", "device_owner": "network:dhcp"},
        {"id": "free", "project_id": "p", "device_id": "", "device_owner": ""},
    ]);
    keystone.first(99, "GET", "/network/v2.0/ports", ok(json!({"ports": ports}))).await;
    let groups = json!([
        {"id": "g1", "name": "default", "project_id": "p"},
        {"id": "g2", "name": "web", "project_id": "p"},
        {"id": "g3", "name": "web", "project_id": "other"},
    ]);
    keystone.on("GET", "/network/v2.0/security-groups", ok(json!({"security_groups": groups}))).await;
    empty(&keystone).await;
    let inventory = keystone.cloud().inventory("p").await.unwrap();
    let shown: Vec<_> = inventory.holdings.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        ["server \"s1\" (s1)", "server \"s3\" (s3)", "port free", "security group \"web\" (g2)"]
    );
    assert_eq!(inventory.unseen, []);
}

#[tokio::test]
async fn a_row_without_an_owner_is_not_taken_for_ours() {
    let keystone = Keystone::start().await;
    let volumes = json!([{"id": "v", "name": "v"}]);
    keystone.first(99, "GET", "/volume/v3/home/volumes/detail", ok(json!({"volumes": volumes}))).await;
    empty(&keystone).await;
    let inventory = keystone.cloud().inventory("p").await.unwrap();
    assert_eq!((inventory.holdings.len(), inventory.unseen.len()), (0, 1));
}

#[tokio::test]
async fn a_purge_waits_and_tells_what_is_left() {
    let keystone = Keystone::start().await;
    let server = json!({"servers": [{"id": "s", "name": "web", "tenant_id": "p"}]});
    keystone.first(2, "GET", "/compute/v2.1/servers/detail", ok(server)).await;
    keystone.on("DELETE", "/compute/v2.1/servers/s", ResponseTemplate::new(204)).await;
    let network = json!({"networks": [{"id": "n", "name": "net", "project_id": "p"}]});
    keystone.first(99, "GET", "/network/v2.0/networks", ok(network)).await;
    let refusal =
        json!({"NeutronError": {"type": "PolicyNotAuthorized", "message": "not allowed", "detail": ""}});
    keystone
        .on("DELETE", "/network/v2.0/networks/n", ResponseTemplate::new(403).set_body_json(refusal))
        .await;
    empty(&keystone).await;
    let why = keystone.cloud().purge("p", std::time::Duration::from_secs(60)).await.unwrap_err();
    let Error::Leftover(left) = &why else { panic!("{why}") };
    assert_eq!(left.deleted, 1);
    assert_eq!(keystone.calls("DELETE", "/compute/v2.1/servers/s").await, 1, "accepted once is enough");
    assert_eq!(
        why.to_string(),
        "cannot purge project p: 1 deleted, but left are\n- network \"net\" (n): cannot delete network \"net\" (n): \
         network answered 403 Forbidden: not allowed (DELETE /network/v2.0/networks/n)"
    );
}

#[tokio::test]
async fn microversions_are_asked_once() {
    let keystone = Keystone::start().await;
    let version = json!({"version": {"id": "v3.0", "min_version": "3.0", "version": "3.71"}});
    keystone.on("GET", "/volume/v3/", ok(version)).await;
    let cloud = keystone.cloud();
    for _ in 0..2 {
        let range = cloud.microversions(crate::openstack::Service::BlockStorage).await.unwrap();
        assert_eq!(range.max.to_string(), "3.71");
    }
    assert_eq!(keystone.calls("GET", "/volume/v3/").await, 1);
}
