//! Tokens and application credentials that are handed out, and taken back.

use secrecy::ExposeSecret;
use wiremock::matchers::{body_partial_json, header};

use super::*;
use crate::openstack::auth::{Credential, LoginScope, OidcGrant};
use crate::openstack::identity::{AccessRule, NewApplicationCredential};

fn token_of(login: &crate::openstack::Login) -> &str {
    login.token().expose_secret()
}

#[tokio::test]
async fn a_separate_login_has_a_token_of_its_own() {
    let keystone = Keystone::start().await;
    let cloud = keystone.cloud();
    assert_eq!(token_of(&cloud.login().await.unwrap()), "token-1");
    assert_eq!(token_of(&cloud.separate_login().await.unwrap()), "token-2");
    assert_eq!(token_of(&cloud.login().await.unwrap()), "token-1", "the others keep theirs");
}

#[tokio::test]
async fn a_given_token_is_exchanged_for_a_separate_one() {
    let keystone = Keystone::start().await;
    let cloud = keystone.cloud();
    let holder = cloud.another(cloud.config().with_token("given".into())).unwrap();
    assert_eq!(token_of(&holder.separate_login().await.unwrap()), "token-1");
    let body = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": "given"}}}});
    let sent = keystone.server.received_requests().await.unwrap();
    assert_eq!(sent[0].body_json::<Value>().unwrap(), body, "and not looked at first");
}

#[tokio::test]
async fn a_token_revokes_itself() {
    let keystone = Keystone::start().await;
    keystone.on("GET", "/v3/auth/tokens", ok(token(json!([])))).await;
    Mock::given(method("DELETE"))
        .and(path("/v3/auth/tokens"))
        .and(header("x-auth-token", "given"))
        .and(header("x-subject-token", "given"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&keystone.server)
        .await;
    let cloud = keystone.cloud();
    cloud.another(cloud.config().with_token("given".into())).unwrap().log_out().await.unwrap();
    assert_eq!(keystone.calls("POST", "/v3/auth/tokens").await, 0, "nobody logs in for it");
}

#[tokio::test]
async fn a_token_that_is_over_need_not_be_revoked() {
    for (before, at_once) in [(401, true), (404, true), (200, false)] {
        let keystone = Keystone::start().await;
        let read = if at_once { error(before, "Failed to validate token") } else { ok(token(json!([]))) };
        keystone.on("GET", "/v3/auth/tokens", read).await;
        // Revoked in between, with the one that it was exchanged for.
        keystone.on("DELETE", "/v3/auth/tokens", error(404, "Failed to validate token")).await;
        let cloud = keystone.cloud();
        cloud.another(cloud.config().with_token("given".into())).unwrap().log_out().await.unwrap();
    }
    let keystone = Keystone::start().await;
    keystone.on("GET", "/v3/auth/tokens", ok(token(json!([])))).await;
    keystone.on("DELETE", "/v3/auth/tokens", error(403, "no")).await;
    let cloud = keystone.cloud();
    let why = cloud.another(cloud.config().with_token("given".into())).unwrap().log_out().await.unwrap_err();
    assert_eq!(why.status(), Some(403), "it is still good, and that is an error");
}

#[test]
fn another_login_keeps_the_rest() {
    let given = Settings {
        auth_url: Some("https://k.example/v3".into()),
        username: Some("u".into()),
        password: Some("p".into()),
        project_name: Some("home".into()),
        region: Some("R".into()),
        ..Default::default()
    };
    let config = Config::from_sources(given, &Surroundings::given([], [])).unwrap();
    let same = config.with(Settings::default()).unwrap();
    assert_eq!(
        (format!("{:?}", same.credential), &same.scope),
        (format!("{:?}", config.credential), &config.scope)
    );

    let scoped = config.with(Settings { system_scope: Some(true), ..Default::default() }).unwrap();
    assert_eq!(scoped.scope, LoginScope::System);
    assert!(matches!(scoped.credential, Credential::Password { .. }));

    let oidc = Settings {
        identity_provider: Some("idp".into()),
        protocol: Some("openid".into()),
        access_token: Some("access".into()),
        ..Default::default()
    };
    let federated = config.with(oidc.clone()).unwrap();
    assert!(matches!(federated.credential, Credential::Oidc { grant: OidcGrant::AccessToken(_), .. }));
    assert_eq!((&federated.scope, federated.region.as_deref()), (&config.scope, Some("R")));

    let both = Settings { project_id: Some("p".into()), domain_id: Some("d".into()), ..oidc.clone() };
    assert_eq!(config.with(both).unwrap_err().setting, "domain_id");
    let half = Settings { protocol: None, ..oidc };
    assert_eq!(config.with(half).unwrap_err().setting, "protocol");
}

#[tokio::test]
async fn an_application_credential_is_made_and_deleted() {
    let keystone = Keystone::start().await;
    let fields = json!({"application_credential": {
        "name": "run", "description": "one run", "unrestricted": false,
        "expires_at": "2030-01-01T00:00:00.000000Z", "roles": [{"name": "member"}],
        "access_rules": [{"service": "compute", "method": "GET", "path": "/v2.1/servers"}],
    }});
    let made = json!({"application_credential": {
        "id": "ac", "name": "run", "secret": "hush-secret", "project_id": "home", "user_id": "me",
        "roles": [{"id": "m", "name": "member"}, {"id": "r", "name": "reader"}], "expires_at": "2030-01-01T00:00:00.000000",
    }});
    Mock::given(method("POST"))
        .and(path("/v3/users/me/application_credentials"))
        .and(body_partial_json(fields))
        .respond_with(ResponseTemplate::new(201).set_body_json(made))
        .mount(&keystone.server)
        .await;
    let cloud = keystone.cloud();
    let all = cloud.application_credentials();
    let mut new = NewApplicationCredential {
        name: "run".into(),
        description: Some("one run".into()),
        roles: vec!["member".into()],
        expires_at: "2030-01-01T01:00:00+01:00".parse().unwrap(),
        unrestricted: false,
        access_rules: vec![AccessRule {
            service: "compute".into(),
            method: "GET".into(),
            path: "/v2.1/servers".into(),
        }],
    };
    let made = all.create("me", &new).await.unwrap();
    assert_eq!((made.id.as_str(), made.secret.expose_secret(), made.roles.len()), ("ac", "hush-secret", 2));
    assert!(!format!("{made:?}").contains("hush"));

    let path = "/v3/users/me/application_credentials/ac";
    keystone.first(1, "DELETE", path, ResponseTemplate::new(204)).await;
    all.delete("me", "ac").await.unwrap();
    keystone.first(1, "DELETE", path, error(404, "Could not find Application Credential: ac.")).await;
    all.delete("me", "ac").await.unwrap();
    keystone.first(1, "DELETE", path, error(403, "no")).await;
    assert_eq!(all.delete("me", "ac").await.unwrap_err().status(), Some(403));

    // What is not given is not sent.
    (new.description, new.roles, new.access_rules) = (None, vec![], vec![]);
    let _ = all.create("me", &new).await;
    let sent = keystone.server.received_requests().await.unwrap();
    let last = sent.last().unwrap().body_json::<Value>().unwrap();
    let keys: Vec<_> = last["application_credential"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["expires_at", "name", "unrestricted"]);
}
