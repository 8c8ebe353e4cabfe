//! One login for all, renewed; and what is said when there is none.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{body_partial_json, header};

use super::*;
use crate::openstack::error::{Error, Unreachable};
use crate::openstack::identity::{PROJECTS, Project, Scope};

/// A call, whatever was read before.
async fn ask(cloud: &Cloud) -> Result<Project, Error> {
    PROJECTS.read(cloud, "p").await.map(Option::unwrap)
}

#[tokio::test]
async fn many_calls_are_one_login() {
    let keystone = Keystone::start().await;
    keystone.on("GET", "/v3/projects/p", ok(json!({"project": project("p", "web")}))).await;
    let cloud = keystone.cloud();
    let calls = (0..20).map(|_| async { ask(&cloud).await.unwrap().name });
    assert!(join_all(calls).await.iter().all(|it| it == "web"));
    assert_eq!(keystone.calls("POST", "/v3/auth/tokens").await, 1);
    assert_eq!(cloud.requests()["GET /v3/projects/{id}"], 20);
}

#[tokio::test]
async fn a_rejected_token_is_renewed_once_for_all() {
    let keystone = Keystone::start().await;
    Mock::given(method("GET"))
        .and(path("/v3/projects/p"))
        .and(header("x-auth-token", "token-1"))
        .respond_with(error(401, "The request you have made requires authentication."))
        .mount(&keystone.server)
        .await;
    Mock::given(method("GET"))
        .and(path("/v3/projects/p"))
        .and(header("x-auth-token", "token-2"))
        .respond_with(ok(json!({"project": project("p", "web")})))
        .mount(&keystone.server)
        .await;
    let cloud = keystone.cloud();
    let started = Instant::now();
    let calls = (0..20).map(|_| async { ask(&cloud).await.is_ok() });
    assert!(join_all(calls).await.into_iter().all(|it| it));
    assert_eq!(keystone.calls("POST", "/v3/auth/tokens").await, 2);
    // The token was brand-new: revocations have a resolution of a second.
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn what_no_token_opens_is_an_error() {
    let keystone = Keystone::start().await;
    keystone.on("GET", "/v3/projects/p", error(401, "no")).await;
    let why = ask(&keystone.cloud()).await.unwrap_err();
    assert_eq!(why.status(), Some(401));
    assert_eq!(keystone.calls("POST", "/v3/auth/tokens").await, 3);
}

#[tokio::test]
async fn a_given_token_is_not_renewed() {
    let keystone = Keystone::start().await;
    keystone.on("GET", "/v3/auth/tokens", ok(token(json!([])))).await;
    keystone.on("GET", "/v3/projects/p", ok(json!({"project": project("p", "web")}))).await;
    let settings =
        Settings { username: None, password: None, token: Some("given".into()), ..keystone.settings() };
    let cloud = cloud(settings);
    // It is for the scope that is asked for, so it is used as it is.
    ask(&cloud).await.unwrap();
    assert_eq!(keystone.calls("POST", "/v3/auth/tokens").await, 0);
    // Another scope takes another token.
    cloud.scoped(Scope::System).login().await.unwrap();
    assert_eq!(keystone.calls("POST", "/v3/auth/tokens").await, 1);
    keystone.server.reset().await;
    keystone.on("GET", "/v3/auth/tokens", error(404, "Could not find token")).await;
    keystone.on("GET", "/v3/projects/p", error(401, "no")).await;
    let why = ask(&cloud).await.unwrap_err();
    assert!(matches!(why, Error::TokenExpired { .. }), "{why}");
}

#[tokio::test]
async fn a_rejected_login_is_told_to_all_and_not_repeated() {
    let keystone = Keystone::start().await;
    keystone
        .first(
            100,
            "POST",
            "/v3/auth/tokens",
            error(401, "The request you have made requires authentication."),
        )
        .await;
    let cloud = keystone.cloud();
    let all = join_all((0..10).map(|_| async { ask(&cloud).await.unwrap_err() })).await;
    assert_eq!(keystone.calls("POST", "/v3/auth/tokens").await, 1, "an account may be locked after a few");
    assert_eq!(
        all[0].to_string(),
        format!(
            "cannot log in as user \"replicator\" of domain default for project \"admin\" of domain default at {}/: \
             The request you have made requires authentication. (status 401, request req-1)",
            keystone.server.uri()
        )
    );
}

#[tokio::test]
async fn a_scope_has_its_own_login() {
    let keystone = Keystone::start().await;
    let cloud = keystone.cloud();
    let (system, again) = (cloud.scoped(Scope::System), cloud.scoped(Scope::System));
    let project = cloud.scoped(Scope::Project("p".into()));
    for it in [&cloud, &system, &again, &project, &cloud] {
        it.login().await.unwrap();
    }
    assert_eq!(keystone.calls("POST", "/v3/auth/tokens").await, 3);
    Mock::given(body_partial_json(json!({"auth": {"scope": {"domain": {"id": "d"}}}})))
        .respond_with(error(401, "no role there"))
        .with_priority(1)
        .mount(&keystone.server)
        .await;
    assert!(cloud.scoped(Scope::Domain("d".into())).login().await.is_err());
    cloud.login().await.unwrap();
}

#[tokio::test]
async fn an_application_credential_has_one_scope() {
    let keystone = Keystone::start().await;
    let settings = Settings {
        auth_url: keystone.settings().auth_url,
        application_credential_id: Some("ac".into()),
        application_credential_secret: Some("hush".into()),
        ..Default::default()
    };
    let cloud = cloud(settings);
    cloud.login().await.unwrap();
    let why = cloud.scoped(Scope::System).login().await.unwrap_err();
    assert!(why.to_string().contains("bound to one project"), "{why}");
    assert_eq!(keystone.calls("POST", "/v3/auth/tokens").await, 1);
}

#[tokio::test]
async fn versions_are_asked_for_only_if_unknown() {
    let keystone = Keystone::start().await;
    let values = json!([{"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": "http://elsewhere/v3/"}]}]);
    keystone
        .on("GET", "/", ResponseTemplate::new(300).set_body_json(json!({"versions": {"values": values}})))
        .await;
    let settings = Settings { auth_url: Some(keystone.server.uri()), ..keystone.settings() };
    cloud(settings).login().await.unwrap();
    assert_eq!(keystone.calls("GET", "/").await, 1);
    keystone.cloud().login().await.unwrap();
    assert_eq!(keystone.calls("GET", "/").await, 1);
}

#[tokio::test]
async fn what_is_not_keystone_is_called_so() {
    let page = ResponseTemplate::new(200).set_body_string("<html>Welcome to nginx</html>");
    let cases: [(&str, ResponseTemplate); 3] =
        [("/", page.clone()), ("/v3", page), ("/v3", error(404, "Not Found"))];
    for (suffix, answer) in cases {
        let server = MockServer::start().await;
        Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
        let settings = Settings {
            auth_url: Some(format!("{}{suffix}", server.uri())),
            username: Some("u".into()),
            password: Some("hush".into()),
            ..Default::default()
        };
        let why = cloud(settings).login().await.unwrap_err();
        assert!(matches!(why, Error::NotKeystone { .. }), "{suffix} {why}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_there_is_unreachable() {
    // Nobody listens on a port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = |url: String| Settings {
        auth_url: Some(url),
        token: Some("t".into()),
        max_retries: Some(1),
        ..Default::default()
    };
    let causes = [
        (format!("http://127.0.0.1:{port}/v3"), Unreachable::Connect),
        ("http://no-such-host.invalid/v3".to_owned(), Unreachable::Name),
    ];
    for (url, cause) in causes {
        let why = cloud(settings(url)).login().await.unwrap_err();
        assert!(matches!(&why, Error::Unreachable(it) if it.cause == cause), "{why:?}");
    }
    // TLS spoken to a server of plain HTTP.
    let server = MockServer::start().await;
    let url = server.uri().replace("http://", "https://");
    let why = cloud(settings(url)).login().await.unwrap_err();
    assert!(matches!(&why, Error::Unreachable(it) if it.cause == Unreachable::Tls), "{why:?}");
}

#[tokio::test]
async fn after_cancellation_nothing_starts_and_what_was_sent_ends() {
    let keystone = Keystone::start().await;
    let slow = ok(json!({"project": project("p", "web")})).set_delay(Duration::from_millis(300));
    keystone.on("GET", "/v3/projects/p", slow).await;
    keystone
        .on("GET", "/v3/projects/busy", ResponseTemplate::new(503).insert_header("retry-after", "50"))
        .await;
    let token = CancellationToken::new();
    let cloud = keystone.cloud().cancelled_by(token.clone());
    cloud.login().await.unwrap();
    let started = Instant::now();
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        token.cancel();
    };
    let projects = cloud.projects();
    let (sent, waiting, ()) = tokio::join!(projects.get("p"), projects.get("busy"), stop);
    assert_eq!(sent.unwrap().name, "web", "its reply may carry the id of what was made");
    assert!(waiting.unwrap_err().is_cancelled());
    assert!(ask(&cloud).await.unwrap_err().is_cancelled());
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(keystone.calls("GET", "/v3/projects/p").await, 1);
    // Another handle goes on.
    ask(&keystone.cloud()).await.unwrap();
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let keystone = Keystone::start().await;
    let mut short = token(json!([]));
    short["token"]["expires_at"] = json!("2026-11-22T00:00:03.000000Z");
    let answer = ResponseTemplate::new(201).insert_header("x-subject-token", "short").set_body_json(short);
    keystone.first(1, "POST", "/v3/auth/tokens", answer).await;
    keystone.on("GET", "/v3/projects/p", ok(json!({"project": project("p", "web")}))).await;
    let cloud = keystone.cloud();
    ask(&cloud).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    join_all((0..5).map(|_| async { ask(&cloud).await.unwrap() })).await;
    assert_eq!(keystone.calls("POST", "/v3/auth/tokens").await, 2);
}
