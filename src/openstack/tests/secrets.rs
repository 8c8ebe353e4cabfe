//! No secret in any log, error or debug output.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::*;

/// Everything that was logged, by whomever, at whatever level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl<S: tracing::Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut Fields(&mut self.0.lock().unwrap()));
    }
    fn on_new_span(&self, span: &tracing::span::Attributes<'_>, _: &tracing::span::Id, _: Context<'_, S>) {
        span.record(&mut Fields(&mut self.0.lock().unwrap()));
    }
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        writeln!(self.0, "{}={value:?}", field.name()).unwrap();
    }
}

/// Logs in with each method, lets everything fail once, and looks for secrets in log, errors and `Debug`.
#[tokio::test]
async fn no_secret_is_ever_shown() {
    let keystone = Keystone::start().await;
    let server = &keystone.server;
    let uri = server.uri();
    keystone.on("GET", "/discovery", ok(json!({"token_endpoint": format!("{uri}/idp/token")}))).await;
    let granted =
        json!({"access_token": "hush-granted", "refresh_token": "hush-refresh", "token_type": "Bearer"});
    keystone.on("POST", "/idp/token", ok(granted)).await;
    let federated = ResponseTemplate::new(201)
        .insert_header("x-subject-token", "hush-federated")
        .set_body_json(token(json!([])));
    let exchange = "/v3/OS-FEDERATION/identity_providers/idp/protocols/openid/auth";
    keystone.on("POST", exchange, federated).await;
    keystone.on("GET", "/v3/auth/tokens", ok(token(json!([])))).await;

    let base = || Settings { password: None, ..keystone.settings() };
    let idp = || Settings {
        identity_provider: Some("idp".into()),
        protocol: Some("openid".into()),
        discovery_endpoint: Some(format!("{uri}/discovery")),
        client_id: Some("client".into()),
        client_secret: Some("hush-secret".into()),
        ..base()
    };
    let methods = [
        base_with(base(), |it| it.password = Some("hush-password".into())),
        base_with(base(), |it| it.passcode = Some("hush-passcode".into())),
        base_with(base(), |it| {
            it.password = Some("hush-password".into());
            it.passcode = Some("hush-passcode".into());
        }),
        base_with(base(), |it| it.token = Some("hush-token".into())),
        base_with(base(), |it| {
            it.project_name = None;
            it.application_credential_id = Some("ac".into());
            it.application_credential_secret = Some("hush-secret".into());
        }),
        idp(),
        base_with(idp(), |it| it.password = Some("hush-password".into())),
        base_with(idp(), |it| it.access_token = Some("hush-access".into())),
    ];
    let log = Log::default();
    // While there is one subscriber only, tracing asks the thread that comes to an event first whether anyone wants it: that
    // may be another test, which has none. With two it asks the subscribers.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(log.clone()));
    let mut shown = String::new();
    for settings in methods {
        shown += &format!("{settings:?}");
        let cloud = cloud(settings);
        let login = cloud.login().await.unwrap();
        shown += &format!("{login:?} {cloud:?} {:?}", cloud.config());
        // Keystone's schema errors quote what was sent.
        let secrets = cloud.config().credential.secrets();
        let quoted: Vec<_> = secrets.into_iter().map(ExposeSecret::expose_secret).collect();
        let quoting = error(400, &format!("Failed on instance: '{}'", quoted.join("', '")));
        keystone.first(1, "GET", "/v3/projects/p", quoting).await;
        let why = cloud.projects().get_opt("p").await.unwrap_err();
        shown += &format!("{why} {why:?}");
    }
    let log = log.0.lock().unwrap().clone();
    assert!(log.contains("bodies") && log.contains("/v3/auth/tokens"), "nothing was logged");
    for text in [&log, &shown] {
        for secret in ["hush", "token-1", "token-2", "Y2xpZW50"] {
            let at = text.find(secret);
            assert_eq!(at, None, "{secret} in {}", &text[at.unwrap_or_default().saturating_sub(200)..]);
        }
    }
    // The exchange with the identity provider took place, with the client's secret.
    assert_eq!(keystone.calls("POST", exchange).await, 3);
    assert_eq!(keystone.calls("POST", "/idp/token").await, 2);
}

fn base_with(mut settings: Settings, change: impl FnOnce(&mut Settings)) -> Settings {
    change(&mut settings);
    settings
}
