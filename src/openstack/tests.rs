//! The client against a Keystone that misbehaves.

mod engines;
mod faults;
mod federation;
mod identity;
mod login;
mod quotas;
mod reads;
mod secrets;
mod services;
mod tls;
mod tokens;
mod usage;
mod users;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::config::Surroundings;
use super::{Cloud, Config, Settings};

/// A Keystone that logs everyone in, with the tokens `token-1`, `token-2`, ...
struct Keystone {
    server: MockServer,
}

/// What a login answers.
fn token(catalog: Value) -> Value {
    json!({"token": {
        "user": {"id": "me", "name": "replicator", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "home", "name": "admin", "domain": {"id": "default", "name": "Default"}},
        "roles": [{"id": "r", "name": "admin"}],
        "issued_at": "2026-11-22T00:00:00.000000Z",
        "expires_at": "2026-11-22T01:00:00.000000Z",
        "methods": ["password"],
        "catalog": catalog,
    }})
}

/// Issues tokens that tell how many there were.
struct Tokens {
    issued: AtomicUsize,
    catalog: Value,
}

impl Respond for Tokens {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let n = self.issued.fetch_add(1, Ordering::SeqCst) + 1;
        ResponseTemplate::new(201)
            .insert_header("x-subject-token", format!("token-{n}"))
            .set_body_json(token(self.catalog.clone()))
    }
}

impl Keystone {
    async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With more services in the catalog than the usual three: type and path.
    async fn with(more: &[(&str, &str)]) -> Self {
        let server = MockServer::start().await;
        let entry = |kind: &str, path: &str| {
            json!({"type": kind, "id": format!("id-{kind}"), "endpoints": [
                {"interface": "public", "region": "R", "url": format!("{}{path}", server.uri())}]})
        };
        let usual = [("compute", "/compute/v2.1"), ("network", "/network"), ("volumev3", "/volume/v3/home")];
        let catalog = usual.iter().chain(more).map(|(kind, path)| entry(kind, path)).collect();
        Mock::given(method("POST"))
            .and(path("/v3/auth/tokens"))
            .respond_with(Tokens { issued: AtomicUsize::new(0), catalog })
            .with_priority(9)
            .mount(&server)
            .await;
        Self { server }
    }

    /// Mounts an answer for a method and path.
    async fn on(&self, verb: &str, at: &str, answer: impl Respond + 'static) {
        Mock::given(method(verb)).and(path(at)).respond_with(answer).mount(&self.server).await;
    }

    /// Mounts an answer that is given so many times, before any other.
    async fn first(&self, times: u64, verb: &str, at: &str, answer: impl Respond + 'static) {
        Mock::given(method(verb))
            .and(path(at))
            .respond_with(answer)
            .up_to_n_times(times)
            .with_priority(1)
            .mount(&self.server)
            .await;
    }

    fn settings(&self) -> Settings {
        Settings {
            auth_url: Some(format!("{}/v3", self.server.uri())),
            username: Some("replicator".into()),
            password: Some("hush-password".into()),
            project_name: Some("admin".into()),
            ..Default::default()
        }
    }

    fn cloud(&self) -> Cloud {
        cloud(self.settings())
    }

    /// How often a method and path were called.
    async fn calls(&self, verb: &str, at: &str) -> usize {
        let all = self.server.received_requests().await.unwrap();
        all.iter().filter(|it| it.method.as_str() == verb && it.url.path() == at).count()
    }
}

/// A cloud that waits milliseconds where others wait seconds.
fn cloud(settings: Settings) -> Cloud {
    let mut config = Config::from_sources(settings, &Surroundings::given([], [])).unwrap();
    config.first_delay = Duration::from_millis(5);
    Cloud::new(config).unwrap()
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

/// An error as Keystone writes it.
fn error(status: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .insert_header("x-openstack-request-id", "req-1")
        .set_body_json(json!({"error": {"code": status, "message": message, "title": "t"}}))
}

fn project(id: &str, name: &str) -> Value {
    json!({
        "id": id, "name": name, "domain_id": "d", "parent_id": "d", "description": null, "enabled": true,
        "is_domain": false, "tags": [], "options": {}, "links": {"self": "http://x"},
    })
}
