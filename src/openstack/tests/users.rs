//! Federated users: what Keystone does half, and what it says in odd ways.

use wiremock::matchers::{body_partial_json, query_param, query_param_is_missing};

use super::*;
use crate::openstack::error::Error;
use crate::openstack::identity::*;

const ALL: &str = "/v3/users";
const JANE: &str = "/v3/users/jane";

fn link(unique_id: &str) -> Link {
    Link { identity_provider: "aad".into(), protocol: "openid".into(), unique_id: unique_id.into() }
}

fn user(id: &str, unique_ids: &[&str]) -> Value {
    let protocols: Vec<_> =
        unique_ids.iter().map(|it| json!({"protocol_id": "openid", "unique_id": it})).collect();
    let mut user = json!({"id": id, "name": id, "domain_id": "d", "enabled": true});
    if !protocols.is_empty() {
        user["federated"] = json!([{"idp_id": "aad", "protocols": protocols}]);
    }
    user
}

/// A Keystone with the users who have these unique ids, and these names.
async fn keystone(linked: &[(&str, Value)], named: &[(&str, Value)]) -> Keystone {
    let keystone = Keystone::start().await;
    for (key, all) in [("unique_id", linked), ("name", named)] {
        for (value, users) in all {
            Mock::given(method("GET"))
                .and(path(ALL))
                .and(query_param(key, *value))
                .respond_with(ok(json!({"users": users})))
                .with_priority(2)
                .mount(&keystone.server)
                .await;
        }
    }
    keystone.on("GET", ALL, ok(json!({"users": []}))).await;
    keystone
}

#[tokio::test]
async fn who_has_an_identity_is_asked_by_its_stored_form_and_without_pages() {
    let keystone = Keystone::start().await;
    Mock::given(path(ALL))
        .and(query_param("idp_id", "aad"))
        .and(query_param("protocol_id", "openid"))
        .and(query_param("unique_id", "jane%40x.org"))
        .and(query_param_is_missing("limit"))
        .respond_with(ok(json!({"users": [{"id": "jane", "name": null}]})))
        .mount(&keystone.server)
        .await;
    let found = keystone.cloud().users().linked(&link(&stored_unique_id("jane@x.org"))).await.unwrap();
    // A login's user that has lost its identities has no name either.
    assert_eq!(found.map(|it| (it.id, it.name)), Some(("jane".into(), String::new())));
}

#[tokio::test]
async fn a_filter_that_is_not_known_finds_nobody() {
    let keystone = keystone(&[("jane", json!([user("a", &[]), user("b", &[])]))], &[]).await;
    let error = keystone.cloud().users().linked(&link("jane")).await.unwrap_err();
    assert!(matches!(error, Error::Unseen { .. }), "{error}");
}

#[tokio::test]
async fn a_name_finds_no_display_name_and_nobody_twice() {
    let jane = |name: &str| json!({"id": name, "name": name, "domain_id": "d"});
    let all = json!([jane("JANE"), jane("Jane Doe"), jane("jane"), jane("jane")]);
    let keystone = keystone(&[], &[("jane", all)]).await;
    let cloud = keystone.cloud();
    let named = cloud.users().named("d", "jane").await.unwrap();
    assert_eq!(named.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["JANE", "jane"]);
    assert_eq!(cloud.users().find("d", "jane").await.unwrap().unwrap().id, "jane");
}

#[tokio::test]
async fn a_half_made_user_is_removed() {
    /// Remembers the user that a POST makes, as Keystone does before it refuses the identity.
    struct HalfMade(std::sync::Arc<std::sync::Mutex<Value>>);
    impl Respond for HalfMade {
        fn respond(&self, request: &Request) -> ResponseTemplate {
            let mut made = request.body_json::<Value>().unwrap()["user"].take();
            made["id"] = json!("half");
            made.as_object_mut().unwrap().remove("federated");
            *self.0.lock().unwrap() = made;
            error(409, "Conflict occurred attempting to store federated_user - Duplicate entry.")
        }
    }
    struct Named(std::sync::Arc<std::sync::Mutex<Value>>);
    impl Respond for Named {
        fn respond(&self, _: &Request) -> ResponseTemplate {
            ok(json!({"users": [*self.0.lock().unwrap()]}))
        }
    }
    let keystone = keystone(&[("jane", json!([user("holder", &[])]))], &[]).await;
    let made = std::sync::Arc::default();
    keystone.on("POST", ALL, HalfMade(std::sync::Arc::clone(&made))).await;
    Mock::given(method("GET"))
        .and(query_param("name", "jane"))
        .respond_with(Named(made))
        .with_priority(1)
        .mount(&keystone.server)
        .await;
    keystone.on("DELETE", "/v3/users/half", ResponseTemplate::new(204)).await;
    let new = NewUser {
        name: "jane".into(),
        domain_id: "d".into(),
        link: link("jane"),
        rest: UserChange::default(),
    };
    let error = keystone.cloud().users().create(&new).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot create user \"jane\" with the identity jane of aad/openid: the identity jane of aad/openid belongs to user \
         \"holder\" (holder)"
    );
    assert_eq!(keystone.calls("DELETE", "/v3/users/half").await, 1);
}

#[tokio::test]
async fn a_user_of_that_name_who_is_not_ours_stays() {
    let keystone = keystone(&[], &[("jane", json!([{"id": "other", "name": "Jane"}]))]).await;
    keystone.on("POST", ALL, error(409, "Duplicate entry found with name jane.")).await;
    let new = NewUser {
        name: "jane".into(),
        domain_id: "d".into(),
        link: link("jane"),
        rest: UserChange::default(),
    };
    let error = keystone.cloud().users().create(&new).await.unwrap_err();
    assert!(matches!(&error, Error::Conflict(it) if it.holder_id.as_deref() == Some("other")), "{error}");
    assert_eq!(keystone.calls("DELETE", "/v3/users/other").await, 0);
}

#[tokio::test]
async fn identities_that_were_dropped_are_put_back() {
    for put_back in [true, false] {
        // `gone` went with its identity provider, and is only in Keystone's cache.
        let jane = user("jane", &["old", "other", "gone"]);
        let linked =
            [("old", json!([user("jane", &[])])), ("other", json!([user("jane", &[])])), ("gone", json!([]))];
        let keystone = keystone(&linked, &[]).await;
        keystone.on("GET", JANE, ok(json!({"user": jane}))).await;
        let protocols = |ids: [&str; 2]| {
            let one =
                |id| json!({"idp_id": "aad", "protocols": [{"protocol_id": "openid", "unique_id": id}]});
            body_partial_json(json!({"user": {"name": "jane", "federated": ids.map(one)}}))
        };
        Mock::given(method("PATCH"))
            .and(path(JANE))
            .and(protocols(["other", "new"]))
            .respond_with(error(
                500,
                "An unexpected error prevented the server from fulfilling your request.",
            ))
            .expect(1)
            .mount(&keystone.server)
            .await;
        let answer = if put_back { ok(json!({"user": user("jane", &[])})) } else { error(500, "Again.") };
        Mock::given(method("PATCH"))
            .and(path(JANE))
            .and(protocols(["old", "other"]))
            .respond_with(answer)
            .expect(1)
            .mount(&keystone.server)
            .await;
        let cloud = keystone.cloud();
        let error = cloud.users().link("jane", "jane", Some(&link("old")), &link("new")).await.unwrap_err();
        assert_eq!(matches!(error, Error::Status(_)), put_back, "{error}");
        assert_eq!(matches!(error, Error::Unlinked { .. }), !put_back, "{error}");
    }
}

#[tokio::test]
async fn a_success_that_changes_nothing_is_told() {
    // So do releases that do not know `federated`.
    let keystone = keystone(&[], &[]).await;
    keystone.on("GET", JANE, ok(json!({"user": user("jane", &[])}))).await;
    keystone.on("PATCH", JANE, ok(json!({"user": user("jane", &["new"])}))).await;
    let error = keystone.cloud().users().link("jane", "jane", None, &link("new")).await.unwrap_err();
    assert!(error.to_string().contains("the user does not have the identity new of aad/openid"), "{error}");
}

#[tokio::test]
async fn identities_that_are_given_at_once_do_not_write_each_other_away() {
    /// A user with the identities that were sent last.
    #[derive(Clone, Default)]
    struct Jane(std::sync::Arc<std::sync::Mutex<Vec<String>>>);
    impl Respond for Jane {
        fn respond(&self, request: &Request) -> ResponseTemplate {
            let mut all = self.0.lock().unwrap();
            if request.method.as_str() == "PATCH" {
                let sent = request.body_json::<Value>().unwrap();
                let id = |it: &Value| it["protocols"][0]["unique_id"].as_str().unwrap().to_owned();
                *all = sent["user"]["federated"].as_array().unwrap().iter().map(id).collect();
            }
            let all: Vec<_> = all.iter().map(String::as_str).collect();
            let asked = request.url.query_pairs().find(|(key, _)| key == "unique_id");
            let answer = match asked {
                Some((_, id)) if all.contains(&&*id) => json!({"users": [user("jane", &[])]}),
                _ if request.url.path() == ALL => json!({"users": []}),
                _ => json!({"user": user("jane", &all)}),
            };
            ok(answer).set_delay(Duration::from_millis(20))
        }
    }
    let keystone = Keystone::start().await;
    let jane = Jane::default();
    for (verb, at) in [("GET", ALL), ("GET", JANE), ("PATCH", JANE)] {
        keystone.on(verb, at, jane.clone()).await;
    }
    let cloud = keystone.cloud();
    let users = cloud.users();
    let (one, two) = (link("one"), link("two"));
    let (first, second) =
        tokio::join!(users.link("jane", "jane", None, &one), users.link("jane", "jane", None, &two));
    first.unwrap();
    second.unwrap();
    let mut all = jane.0.lock().unwrap().clone();
    all.sort();
    assert_eq!(all, ["one", "two"]);
}
