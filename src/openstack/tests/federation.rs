//! Identity providers, mappings and protocols: ids that are chosen, and creates that are repeated.

use super::*;
use crate::openstack::error::Error;
use crate::openstack::identity::*;

const AAD: &str = "/v3/OS-FEDERATION/identity_providers/aad";
const OPENID: &str = "/v3/OS-FEDERATION/identity_providers/aad/protocols/openid";

fn provider(id: &str, remote_ids: &[&str]) -> Value {
    json!({
        "id": id, "domain_id": "d", "enabled": true, "description": null, "remote_ids": remote_ids,
        "authorization_ttl": null, "links": {"self": "http://x"},
    })
}

fn new_provider() -> NewIdentityProvider {
    let remote_ids = ["https://a".to_owned()].into();
    NewIdentityProvider { id: "aad".into(), enabled: true, remote_ids, ..Default::default() }
}

#[tokio::test]
async fn a_repeated_put_finds_what_it_made() {
    let taken =
        || error(409, "Conflict occurred attempting to store identity_provider - Duplicate entry: aad.");
    // What is answered first, what is there then, and whether that is ours.
    let cases = [
        (Some(502), provider("aad", &["https://a"]), true),
        (Some(503), provider("aad", &["https://a"]), true),
        (Some(502), provider("aad", &["https://b"]), false),
        // Sent once, and refused: it was there before, and be it the same.
        (None, provider("aad", &["https://a"]), false),
        // The service did nothing.
        (Some(429), provider("aad", &["https://a"]), false),
    ];
    for (first, there, ours) in cases {
        let keystone = Keystone::start().await;
        if let Some(status) = first {
            keystone.first(1, "PUT", AAD, ResponseTemplate::new(status)).await;
        }
        keystone.on("PUT", AAD, taken()).await;
        keystone.on("GET", AAD, ok(json!({"identity_provider": there}))).await;
        let list = ok(json!({"identity_providers": [there]}));
        keystone.on("GET", "/v3/OS-FEDERATION/identity_providers", list).await;
        let made = keystone.cloud().identity_providers().create(&new_provider()).await;
        match made {
            Ok(made) => assert!(ours && made.domain_id == "d", "{first:?}: {made:?}"),
            Err(Error::Conflict(it)) => {
                assert!(!ours, "{first:?}: {it:?}");
                assert_eq!((it.what, it.holder_id.as_deref()), ("id", Some("aad")));
            }
            Err(why) => panic!("{first:?}: {why:?}"),
        }
    }
}

#[tokio::test]
async fn a_remote_id_that_is_taken_names_who_has_it() {
    let keystone = Keystone::start().await;
    let refused = "Conflict occurred attempting to store identity_provider - Duplicate remote ID: https://a.";
    keystone.on("PUT", AAD, error(409, refused)).await;
    keystone.on("PATCH", AAD, error(409, refused)).await;
    let list =
        json!({"identity_providers": [provider("egi", &["https://x", "HTTPS://A"]), provider("aad", &[])]});
    keystone.on("GET", "/v3/OS-FEDERATION/identity_providers", ok(list)).await;
    let cloud = keystone.cloud();
    let change = IdentityProviderChange { remote_ids: Some(new_provider().remote_ids), ..Default::default() };
    for why in [
        cloud.identity_providers().create(&new_provider()).await.unwrap_err(),
        cloud.identity_providers().update("aad", &change).await.unwrap_err(),
    ] {
        let text = why.to_string();
        assert!(text.contains("an identity provider of that remote id exists already (egi)"), "{text}");
    }
}

#[tokio::test]
async fn what_a_protocol_refers_to_is_told_apart() {
    // Identity provider and mapping have the same id, as they often do.
    let cases = [
        (error(400, "Invalid mapping id: aad"), "mapping"),
        (error(404, "Could not find Identity Provider: aad."), "identity provider"),
    ];
    let new =
        Protocol { id: "openid".into(), mapping_id: "aad".into(), remote_id_attribute: Some("ISS".into()) };
    for (answer, expected) in cases {
        let keystone = Keystone::start().await;
        keystone.on("PUT", OPENID, answer).await;
        match keystone.cloud().protocols().create("aad", &new).await {
            Err(Error::Unknown(it)) => assert_eq!(it.kind, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_protocol_that_is_not_listed_is_looked_for() {
    let listed = json!({"id": "openid", "mapping_id": "m", "remote_id_attribute": "ISS"});
    let other = json!({"id": "mapped", "mapping_id": "m", "remote_id_attribute": null});
    let read = |it: Value| ok(json!({ "protocol": it }));
    // The list, what the protocol's own path says, and what comes of it.
    let cases = [
        (json!([other, listed]), error(500, "not asked"), Some(Some(Some("ISS")))),
        // MariaDB does not tell case apart, and neither does Keystone then.
        (
            json!([{"id": "OpenID", "mapping_id": "m", "remote_id_attribute": "ISS"}]),
            read(json!({"id": "OpenID", "mapping_id": "m"})),
            Some(Some(Some("ISS"))),
        ),
        (json!([other]), read(json!({"id": "openid", "mapping_id": "m"})), Some(Some(None))),
        (
            json!([other]),
            error(404, "Could not find federated protocol openid for Identity Provider: aad."),
            Some(None),
        ),
        (json!([]), error(403, "You are not authorized."), None),
    ];
    for (list, one, expected) in cases {
        let keystone = Keystone::start().await;
        let all = ok(json!({"protocols": list}));
        keystone.on("GET", "/v3/OS-FEDERATION/identity_providers/aad/protocols", all).await;
        keystone.on("GET", OPENID, one).await;
        let found = keystone.cloud().protocols().get_opt("aad", "openid").await.ok();
        let found = found.map(|it| it.map(|it| it.remote_id_attribute));
        let expected = expected.map(|it| it.map(|it| it.map(str::to_owned)));
        assert_eq!(found, expected, "{list}");
    }
}

#[tokio::test]
async fn a_deadlock_of_keystone_is_no_end() {
    let keystone = Keystone::start().await;
    keystone.first(1, "DELETE", OPENID, error(500, "Deadlock found when trying to get lock")).await;
    keystone.on("DELETE", OPENID, ResponseTemplate::new(204)).await;
    let cloud = keystone.cloud();
    cloud.protocols().delete("aad", "openid").await.unwrap();
    assert_eq!(keystone.calls("DELETE", OPENID).await, 2);
    // One that stays is told.
    keystone.on("DELETE", AAD, error(500, "no")).await;
    assert_eq!(cloud.identity_providers().delete("aad").await.unwrap_err().status(), Some(500));
}
