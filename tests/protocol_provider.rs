//! The provider's calls as a host makes them, raw: what no host at hand shows, and what a real cloud can't be made
//! to answer. Keystone is a fake here; the acceptance tests have the real one.
#![cfg(unix)]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::host::{Host, Result};
use tenancy::tf::proto::tfplugin6::*;
use tokio_stream::StreamExt as _;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const PROJECT: &str = "tenancy_tenant_project";
const BINDING: &str = "tenancy_project_group_binding";
const TOKEN: &str = "tenancy_token";
const CREDENTIAL: &str = "tenancy_application_credential";
const UNKNOWN: &str = "<unknown>";

/// A Keystone that logs in whoever comes.
async fn keystone() -> MockServer {
    let server = MockServer::start().await;
    let token = json!({"token": {
        "methods": ["password"], "expires_at": "2999-01-01T00:00:00.000000Z", "issued_at": "2026-01-01T00:00:00.000000Z",
        "user": {"id": "u", "name": "admin", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "p", "name": "admin", "domain": {"id": "default", "name": "Default"}},
        "roles": [{"id": "r", "name": "admin"}],
        "catalog": [{"type": "identity", "id": "c", "name": "keystone", "endpoints": [
            {"id": "e", "interface": "public", "region": "R", "region_id": "R", "url": server.uri()}]}],
    }});
    let login = ResponseTemplate::new(201).insert_header("x-subject-token", "t").set_body_json(token);
    Mock::given(method("POST")).and(path("/v3/auth/tokens")).respond_with(login).mount(&server).await;
    server
}

async fn on(server: &MockServer, verb: &str, at: &str, answer: ResponseTemplate) {
    Mock::given(method(verb)).and(path(at)).respond_with(answer).mount(server).await;
}

/// What was sent by this method.
async fn sent(server: &MockServer, verb: &str) -> Vec<wiremock::Request> {
    let all = server.received_requests().await.unwrap_or_default();
    all.into_iter().filter(|it| it.method.as_str() == verb).collect()
}

fn ok(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

fn project(name: &str) -> Value {
    json!({"project": {"id": "p1", "name": name, "domain_id": "d", "parent_id": "d", "description": "", "enabled": true,
        "is_domain": false, "tags": [], "options": {}, "links": {}}})
}

async fn configured(server: &MockServer) -> Result<Host> {
    let host = support::start().await?;
    let config = dynamic(
        json!({"auth_url": format!("{}/v3", server.uri()), "username": "admin", "password": "secret",
        "user_domain_name": "Default", "project_name": "admin", "project_domain_name": "Default"}),
    );
    let request =
        configure_provider::Request { terraform_version: "1.11.4".into(), config, ..Default::default() };
    let answer = host.provider().configure_provider(request).await?.into_inner();
    assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
    Ok(host)
}

/// A value as hosts send it; the text [`UNKNOWN`] is one that is not known.
fn dynamic(value: Value) -> Option<DynamicValue> {
    packed(value, &rmpv::Value::Ext(0, vec![0]))
}

fn packed(value: Value, unknown: &rmpv::Value) -> Option<DynamicValue> {
    fn convert(value: Value, unknown: &rmpv::Value) -> rmpv::Value {
        match value {
            Value::Null => rmpv::Value::Nil,
            Value::Bool(it) => it.into(),
            Value::Number(it) => it.as_i64().expect("a whole number").into(),
            Value::String(it) if it == UNKNOWN => unknown.clone(),
            Value::String(it) => it.into(),
            Value::Array(all) => rmpv::Value::Array(all.into_iter().map(|it| convert(it, unknown)).collect()),
            Value::Object(all) => rmpv::Value::Map(
                all.into_iter().map(|(key, it)| (key.into(), convert(it, unknown))).collect(),
            ),
        }
    }
    let mut msgpack = Vec::new();
    rmpv::encode::write_value(&mut msgpack, &convert(value, unknown)).expect("a Vec takes all");
    Some(DynamicValue { msgpack: msgpack.into(), ..Default::default() })
}

/// A value that came back, unknowns as text.
fn plain(value: Option<&DynamicValue>) -> Value {
    fn convert(value: rmpv::Value) -> Value {
        use rmpv::Value::*;
        match value {
            Nil => Value::Null,
            Boolean(it) => it.into(),
            Integer(it) => it.as_i64().into(),
            String(it) => it.as_str().into(),
            Array(all) => all.into_iter().map(convert).collect(),
            Map(all) => all
                .into_iter()
                .map(|(key, it)| (key.as_str().unwrap_or_default().to_owned(), convert(it)))
                .collect(),
            Ext(..) => UNKNOWN.into(),
            other => panic!("{other}"),
        }
    }
    let mut bytes = &value.expect("a value").msgpack[..];
    convert(rmpv::decode::read_value(&mut bytes).expect("msgpack"))
}

/// A configured project: every attribute is there, as hosts send it.
fn config(change: Value) -> Value {
    let mut all = json!({"id": null, "name": "web", "domain_id": "d", "parent_id": null, "description": null,
        "enabled": null, "tags": null, "properties": null, "immutable": null, "on_destroy": null});
    merge(&mut all, change);
    all
}

/// The same project in a state.
fn state(change: Value) -> Value {
    let mut all = config(json!({"id": "p1", "parent_id": "d", "enabled": true, "on_destroy": "keep"}));
    merge(&mut all, change);
    all
}

fn merge(all: &mut Value, change: Value) {
    for (key, value) in change.as_object().expect("an object") {
        all[key] = value.clone();
    }
}

async fn plan(host: &Host, prior: Value, config: Value) -> Result<plan_resource_change::Response> {
    let request = plan_resource_change::Request {
        type_name: PROJECT.into(),
        prior_state: dynamic(prior),
        proposed_new_state: dynamic(config.clone()),
        config: dynamic(config),
        ..Default::default()
    };
    Ok(host.provider().plan_resource_change(request).await?.into_inner())
}

async fn apply(
    host: &Host,
    type_name: &str,
    prior: Value,
    planned: Value,
) -> Result<apply_resource_change::Response> {
    let request = apply_resource_change::Request {
        type_name: type_name.into(),
        prior_state: dynamic(prior),
        planned_state: dynamic(planned.clone()),
        config: dynamic(planned),
        ..Default::default()
    };
    Ok(host.provider().apply_resource_change(request).await?.into_inner())
}

fn severities(all: &[Diagnostic]) -> Vec<(i32, String)> {
    all.iter().map(|it| (it.severity, it.summary.clone())).collect()
}

const ERROR: i32 = diagnostic::Severity::Error as i32;
const WARNING: i32 = diagnostic::Severity::Warning as i32;

#[tokio::test(flavor = "multi_thread")]
async fn plans_without_asking_anyone() -> Result<()> {
    let host = support::start().await?;
    let made = plan(&host, Value::Null, config(json!({"domain_id": null}))).await?;
    let planned = plain(made.planned_state.as_ref());
    assert_eq!(planned["id"], UNKNOWN);
    assert_eq!(planned["domain_id"], UNKNOWN);
    assert_eq!(planned["enabled"], true);
    assert_eq!(planned["on_destroy"], "refuse_if_not_empty");
    assert_eq!(planned["description"], Value::Null, "not set is not managed");

    let moved =
        plan(&host, state(json!({})), config(json!({"domain_id": "e", "on_destroy": "keep"}))).await?;
    let paths: Vec<_> = moved.requires_replace.iter().map(|it| it.steps[0].selector.clone()).collect();
    assert_eq!(paths, [Some(attribute_path::step::Selector::AttributeName("domain_id".into()))]);

    let same = plan(&host, state(json!({})), config(json!({"on_destroy": "keep"}))).await?;
    assert_eq!(plain(same.planned_state.as_ref()), state(json!({})));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_any_kind_of_unknown() -> Result<()> {
    let host = support::start().await?;
    // Plain, and refined: this one says that the string will not be null.
    for unknown in [rmpv::Value::Ext(0, vec![0]), rmpv::Value::Ext(12, vec![0x81, 0x01, 0xc2])] {
        let config = packed(config(json!({"name": UNKNOWN})), &unknown);
        let request = plan_resource_change::Request {
            type_name: PROJECT.into(),
            prior_state: dynamic(Value::Null),
            proposed_new_state: config.clone(),
            config,
            ..Default::default()
        };
        let answer = host.provider().plan_resource_change(request).await?.into_inner();
        assert_eq!(plain(answer.planned_state.as_ref())["name"], UNKNOWN);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_for_a_provider_block_that_is_not_known_yet() -> Result<()> {
    let host = support::start().await?;
    let config = dynamic(json!({"auth_url": UNKNOWN}));
    let request = configure_provider::Request { config, ..Default::default() };
    let answer = host.provider().configure_provider(request).await?.into_inner();
    assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);

    let answer = plan(&host, Value::Null, self::config(json!({}))).await?;
    assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
    let request = read_resource::Request {
        type_name: PROJECT.into(),
        current_state: dynamic(state(json!({}))),
        ..Default::default()
    };
    let answer = host.provider().read_resource(request.clone()).await?.into_inner();
    assert_eq!(
        severities(&answer.diagnostics),
        [(ERROR, "The provider's configuration is not known yet".into())]
    );
    assert!(answer.diagnostics[0].detail.contains("`auth_url`"), "{:?}", answer.diagnostics);
    assert_eq!(answer.new_state, request.current_state, "nothing is gone for that");
    Ok(())
}

/// In which domain members are is not known: who of them is missing, a later plan can tell.
#[tokio::test(flavor = "multi_thread")]
async fn waits_for_a_domain_that_is_not_known_yet() -> Result<()> {
    let host = configured(&keystone().await).await?;
    let config = json!({"project_id": UNKNOWN, "domain_id": null, "system": null, "group": {"name": "users",
        "domain_id": UNKNOWN, "description": null}, "group_id": null, "roles": [], "inherited": null, "members": ["jane"],
        "members_domain_id": UNKNOWN, "missing_members": null, "federation": null, "pending_members": null});
    for allowed in [true, false] {
        let request = plan_resource_change::Request {
            type_name: BINDING.into(),
            prior_state: dynamic(Value::Null),
            proposed_new_state: dynamic(config.clone()),
            config: dynamic(config.clone()),
            client_capabilities: Some(ClientCapabilities { deferral_allowed: allowed, ..Default::default() }),
            ..Default::default()
        };
        let answer = host.provider().plan_resource_change(request).await?.into_inner();
        assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
        let reason = deferred::Reason::ResourceConfigUnknown;
        assert_eq!(answer.deferred.map(|it| it.reason()), allowed.then_some(reason));
        assert_eq!(plain(answer.planned_state.as_ref())["members"], json!(["jane"]));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn knows_objects_by_their_identity() -> Result<()> {
    let server = keystone().await;
    on(&server, "POST", "/v3/projects", ok(201, project("web"))).await;
    on(&server, "GET", "/v3/projects/p1", ok(200, project("web"))).await;
    let host = configured(&server).await?;

    let planned = state(json!({"id": UNKNOWN, "parent_id": UNKNOWN}));
    let made = apply(&host, PROJECT, Value::Null, planned).await?;
    assert!(made.diagnostics.is_empty(), "{:?}", made.diagnostics);
    let identity = made.new_identity.and_then(|it| it.identity_data);
    assert_eq!(plain(identity.as_ref()), json!({"id": "p1"}));
    assert_eq!(plain(made.new_state.as_ref()), state(json!({})));

    let identity = Some(ResourceIdentityData { identity_data: dynamic(json!({"id": "p1"})) });
    let request =
        import_resource_state::Request { type_name: PROJECT.into(), identity, ..Default::default() };
    let answer = host.provider().import_resource_state(request).await?.into_inner();
    assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
    let imported = &answer.imported_resources[0];
    assert_eq!(plain(imported.state.as_ref())["name"], "web");
    let identity = imported.identity.as_ref().and_then(|it| it.identity_data.as_ref());
    assert_eq!(plain(identity), json!({"id": "p1"}));

    let request = upgrade_resource_identity::Request {
        type_name: PROJECT.into(),
        raw_identity: Some(RawState { json: r#"{"id": "p1"}"#.into(), ..Default::default() }),
        ..Default::default()
    };
    let answer = host.provider().upgrade_resource_identity(request).await?.into_inner();
    let identity = answer.upgraded_identity.and_then(|it| it.identity_data);
    assert_eq!(plain(identity.as_ref()), json!({"id": "p1"}));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_may_have_several_parts() -> Result<()> {
    const PROTOCOL: &str = "tenancy_federation_protocol";
    let server = keystone().await;
    let protocols = json!({"protocols": [{"id": "openid", "mapping_id": "m", "remote_id_attribute": "ISS"}]});
    on(&server, "GET", "/v3/OS-FEDERATION/identity_providers/aad/protocols", ok(200, protocols)).await;
    let host = configured(&server).await?;
    let identity = json!({"identity_provider": "aad", "protocol": "openid"});
    let by_identity = Some(ResourceIdentityData { identity_data: dynamic(identity.clone()) });
    for (id, by) in [("", by_identity), ("aad/openid", None)] {
        let request = import_resource_state::Request {
            type_name: PROTOCOL.into(),
            id: id.into(),
            identity: by,
            ..Default::default()
        };
        let answer = host.provider().import_resource_state(request).await?.into_inner();
        assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
        let imported = &answer.imported_resources[0];
        let state = json!({"id": "aad/openid", "identity_provider": "aad", "protocol": "openid", "mapping": "m",
            "remote_id_attribute": "ISS"});
        assert_eq!(plain(imported.state.as_ref()), state);
        assert_eq!(plain(imported.identity.as_ref().and_then(|it| it.identity_data.as_ref())), identity);
    }
    let request = import_resource_state::Request {
        type_name: PROTOCOL.into(),
        id: "openid".into(),
        ..Default::default()
    };
    let answer = host.provider().import_resource_state(request).await?.into_inner();
    assert_eq!(answer.diagnostics[0].summary, "Unreadable import id");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_states_of_other_versions() -> Result<()> {
    let host = support::start().await?;
    let upgrade = async |version: i64, raw: RawState| {
        let request =
            upgrade_resource_state::Request { type_name: PROJECT.into(), version, raw_state: Some(raw) };
        host.provider().upgrade_resource_state(request).await.map(|it| it.into_inner())
    };
    let raw = |json: Value| RawState { json: json.to_string().into(), ..Default::default() };
    // One attribute from a version that had it, and none of those that came later.
    let old =
        json!({"id": "p1", "name": "web", "domain_id": "d", "parent_id": "d", "colour": {"a": [1, 2.5]}});
    let answer = upgrade(0, raw(old)).await?;
    assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
    let upgraded = plain(answer.upgraded_state.as_ref());
    assert_eq!(upgraded["enabled"], true, "what was not there has its default");
    assert_eq!(upgraded["tags"], Value::Null);

    let newer = upgrade(7, raw(json!({}))).await?;
    assert_eq!(newer.diagnostics[0].severity, ERROR);
    assert!(newer.diagnostics[0].detail.contains("version 7"), "{:?}", newer.diagnostics);
    let ancient = RawState { flatmap: [("id".to_owned(), "p1".to_owned())].into(), ..Default::default() };
    assert_eq!(upgrade(0, ancient).await?.diagnostics[0].severity, ERROR);
    assert_eq!(upgrade(0, raw(json!({"name": 5}))).await?.diagnostics[0].severity, ERROR);
    Ok(())
}

/// The group exists when the grant is refused: nothing may be lost, and nothing tainted.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_is_kept_and_not_tainted() -> Result<()> {
    let server = keystone().await;
    let refused = json!({"error": {"code": 403, "title": "Forbidden", "message": "You are not authorized"}});
    on(
        &server,
        "GET",
        "/v3/roles",
        ok(200, json!({"roles": [{"id": "m", "name": "member", "domain_id": null}], "links": {}})),
    )
    .await;
    let group = json!({"group": {"id": "g1", "name": "users", "domain_id": "d", "description": ""}});
    on(&server, "POST", "/v3/groups", ok(201, group)).await;
    on(&server, "PUT", "/v3/projects/p1/groups/g1/roles/m", ok(403, refused)).await;
    let host = configured(&server).await?;

    let planned = json!({"project_id": "p1", "domain_id": null, "system": null,
        "group": {"name": "users", "domain_id": "d", "description": null}, "group_id": UNKNOWN, "roles": ["member"],
        "inherited": false, "members": null, "members_domain_id": null, "missing_members": null, "pending_members": []});
    let made = apply(&host, BINDING, Value::Null, planned.clone()).await?;
    assert_eq!(severities(&made.diagnostics), [(WARNING, "Cannot grant a role".into())]);
    let state = plain(made.new_state.as_ref());
    assert_eq!((&state["group_id"], &state["roles"]), (&json!("g1"), &json!(["member"])));

    // In an update the same failure is an error, and the state is what is there.
    on(
        &server,
        "GET",
        "/v3/groups/g1",
        ok(200, json!({"group": {"id": "g1", "name": "users", "domain_id": "d", "description": ""}})),
    )
    .await;
    on(&server, "GET", "/v3/role_assignments", ok(200, json!({"role_assignments": [], "links": {}}))).await;
    let mut prior = planned.clone();
    merge(&mut prior, json!({"group_id": "g1", "roles": []}));
    let mut wanted = planned;
    merge(&mut wanted, json!({"group_id": "g1"}));
    let changed = apply(&host, BINDING, prior, wanted).await?;
    assert_eq!(severities(&changed.diagnostics), [(ERROR, "Cannot grant a role".into())]);
    assert!(changed.diagnostics[0].attribute.is_some());
    assert_eq!(plain(changed.new_state.as_ref())["roles"], json!([]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_made_nothing_leaves_nothing() -> Result<()> {
    let server = keystone().await;
    on(
        &server,
        "POST",
        "/v3/projects",
        ok(409, json!({"error": {"code": 409, "message": "Duplicate entry"}})),
    )
    .await;
    let holder = json!({"projects": [project("web")["project"]], "links": {"next": null}});
    Mock::given(method("GET"))
        .and(path("/v3/projects"))
        .and(query_param("name", "web"))
        .respond_with(ok(200, holder))
        .mount(&server)
        .await;
    let host = configured(&server).await?;
    let made =
        apply(&host, PROJECT, Value::Null, state(json!({"id": UNKNOWN, "parent_id": UNKNOWN}))).await?;
    assert_eq!(severities(&made.diagnostics), [(ERROR, "The name \"web\" is taken".into())]);
    assert!(made.diagnostics[0].detail.contains("id = \"p1\""), "{}", made.diagnostics[0].detail);
    assert_eq!(plain(made.new_state.as_ref()), Value::Null);
    Ok(())
}

/// Stop lets a request that was sent end, starts no other, and leaves the provider usable.
#[tokio::test(flavor = "multi_thread")]
async fn stop_loses_nothing_and_is_prompt() -> Result<()> {
    let server = keystone().await;
    let slow = ok(201, project("web")).set_delay(Duration::from_millis(1500));
    on(&server, "POST", "/v3/projects", slow).await;
    let busy = ok(503, json!({"error": {"code": 503, "message": "busy"}})).insert_header("retry-after", "60");
    on(&server, "GET", "/v3/projects/p1", busy).await;
    let host = configured(&server).await?;

    let create = apply(&host, PROJECT, Value::Null, state(json!({"id": UNKNOWN, "parent_id": UNKNOWN})));
    let read = async {
        let request = read_resource::Request {
            type_name: PROJECT.into(),
            current_state: dynamic(state(json!({}))),
            ..Default::default()
        };
        let start = Instant::now();
        let answer = host.provider().read_resource(request).await?.into_inner();
        Result::Ok((answer, start.elapsed()))
    };
    let stop = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        host.provider().stop_provider(stop_provider::Request {}).await
    };
    let (made, read, stopped) = tokio::join!(create, read, stop);
    stopped?;
    let made = made?;
    assert!(made.diagnostics.is_empty(), "{:?}", made.diagnostics);
    assert_eq!(plain(made.new_state.as_ref())["id"], "p1", "the request was sent, so its answer is awaited");
    let (read, took) = read?;
    assert_eq!(read.diagnostics[0].severity, ERROR);
    assert!(took < Duration::from_secs(30), "it would have waited a minute: {took:?}");

    server.reset().await;
    on(&server, "GET", "/v3/projects/p1", ok(200, project("web"))).await;
    let request = read_resource::Request {
        type_name: PROJECT.into(),
        current_state: dynamic(state(json!({}))),
        ..Default::default()
    };
    let answer = host.provider().read_resource(request).await?.into_inner();
    assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
    Ok(())
}

fn named(name: &str) -> Value {
    json!({"id": name, "name": name, "domain": {"id": "default", "name": "Default"}})
}

fn token_config() -> Value {
    json!({"oidc": null, "project_id": null, "project_name": "admin", "project_domain_id": null,
        "project_domain_name": null, "domain_id": null, "domain_name": null, "system": null, "token": null,
        "expires_at": null, "user_id": null, "user_name": null, "roles": null, "auth_url": null})
}

async fn open(host: &Host, type_name: &str, config: Value) -> Result<open_ephemeral_resource::Response> {
    let (type_name, config) = (type_name.into(), dynamic(config));
    let request = open_ephemeral_resource::Request { type_name, config, ..Default::default() };
    let opened = host.provider().open_ephemeral_resource(request).await?.into_inner();
    assert!(opened.diagnostics.is_empty(), "{:?}", opened.diagnostics);
    Ok(opened)
}

async fn close(host: &Host, type_name: &str, opened: open_ephemeral_resource::Response) -> Result<()> {
    let request = close_ephemeral_resource::Request { type_name: type_name.into(), private: opened.private };
    let closed = host.provider().close_ephemeral_resource(request).await?.into_inner();
    assert!(closed.diagnostics.is_empty(), "{:?}", closed.diagnostics);
    Ok(())
}

/// A token is opened, asked about a minute before its end, and revoked; the process that ends revokes what is left.
#[tokio::test(flavor = "multi_thread")]
async fn hands_out_a_token_and_takes_it_back() -> Result<()> {
    let server = keystone().await;
    let token = json!({"token": {"methods": ["token"], "expires_at": "2999-01-01T00:00:00.000000Z",
        "issued_at": "2026-01-01T00:00:00.000000Z", "user": named("u"), "roles": [], "catalog": []}});
    let read = Mock::given(method("GET")).and(path("/v3/auth/tokens"));
    read.respond_with(ok(200, token)).up_to_n_times(3).mount(&server).await;
    // Longer than a host waits once `Shutdown` is answered.
    const SLOW: Duration = Duration::from_millis(2500);
    on(&server, "DELETE", "/v3/auth/tokens", ResponseTemplate::new(204).set_delay(SLOW)).await;
    let host = configured(&server).await?;
    let opened = open(&host, TOKEN, token_config()).await?;
    let result = plain(opened.result.as_ref());
    assert_eq!((&result["token"], &result["project_name"]), (&json!("t"), &json!("admin")));
    assert_eq!(
        (&result["system"], &result["domain_id"], &result["oidc"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
    let end: std::time::SystemTime = "2999-01-01T00:00:00Z".parse::<jiff::Timestamp>()?.into();
    let renew_at: std::time::SystemTime = opened.renew_at.ok_or("no time")?.try_into()?;
    assert_eq!(end.duration_since(renew_at)?, Duration::from_secs(60));

    let private = opened.private.clone();
    let renew = async || {
        let request = renew_ephemeral_resource::Request { type_name: TOKEN.into(), private: private.clone() };
        host.provider().renew_ephemeral_resource(request).await.map(|it| it.into_inner())
    };
    let renewed = renew().await?;
    assert_eq!(severities(&renewed.diagnostics), [(WARNING, "The token is about to end".into())]);
    assert_eq!((renewed.renew_at, &renewed.private), (None, &private));

    close(&host, TOKEN, opened).await?;
    assert_eq!(sent(&server, "DELETE").await.len(), 1);

    // Not closed by the host: the end does it, and waits for it.
    open(&host, TOKEN, token_config()).await?;
    let (status, took) = host.shutdown().await?;
    assert!(status.success() && took >= SLOW, "{status}, {took:?}");
    assert_eq!(sent(&server, "DELETE").await.len(), 2);
    Ok(())
}

/// Whoever's access is revoked is disabled for a moment, and not for good if something else fails meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_does_not_stay_disabled_for_a_failure() -> Result<()> {
    let server = keystone().await;
    let user = json!({"user": {"id": "jane", "name": "jane", "domain_id": "d", "enabled": true}});
    on(&server, "GET", "/v3/users/jane", ok(200, user.clone())).await;
    on(&server, "PATCH", "/v3/users/jane", ok(200, user)).await;
    for list in ["role_assignments", "users/jane/groups", "credentials", "OS-TRUST/trusts"] {
        let key = list.rsplit('/').next().unwrap_or_default();
        on(&server, "GET", &format!("/v3/{list}"), ok(200, json!({ key: [] }))).await;
    }
    let credentials = "/v3/users/jane/application_credentials";
    let once = Mock::given(method("GET")).and(path(credentials));
    once.respond_with(ok(200, json!({"application_credentials": []}))).up_to_n_times(1).mount(&server).await;
    on(&server, "GET", credentials, ok(403, json!({"error": {"code": 403, "message": "no more"}}))).await;
    let host = configured(&server).await?;
    let request = invoke_action::Request {
        action_type: "tenancy_revoke_user".into(),
        config: dynamic(json!({"user_id": "jane", "disable": null})),
        ..Default::default()
    };
    let mut events = host.provider().invoke_action(request).await?.into_inner();
    let mut said = Vec::new();
    while let Some(event) = events.next().await {
        if let Some(invoke_action::event::Type::Completed(it)) = event?.r#type {
            said = severities(&it.diagnostics);
        }
    }
    assert_eq!(said, [(ERROR, "Cannot see what the user may do".into())]);
    let mut changes = Vec::new();
    for it in sent(&server, "PATCH").await {
        changes.push(it.body_json::<Value>()?["user"]["enabled"].clone());
    }
    assert_eq!(changes, [json!(false), json!(true)]);
    Ok(())
}

/// Terraform closes a token and what was made with it at the same time, so in any order.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_revoked_after_what_was_made_with_it_is_gone() -> Result<()> {
    let server = keystone().await;
    let token = json!({"token": {"methods": ["token"], "expires_at": "2999-01-01T00:00:00.000000Z",
        "issued_at": "2026-01-01T00:00:00.000000Z", "user": named("u"), "project": named("p"), "roles": [],
        "catalog": [{"type": "identity", "id": "c", "name": "keystone", "endpoints": [
            {"id": "e", "interface": "public", "region": "R", "region_id": "R", "url": server.uri()}]}]}});
    on(&server, "GET", "/v3/auth/tokens", ok(200, token)).await;
    on(&server, "DELETE", "/v3/auth/tokens", ResponseTemplate::new(204)).await;
    const CREDENTIALS: &str = "/v3/users/u/application_credentials";
    let made = json!({"application_credential": {"id": "a", "name": "a", "secret": "s", "project_id": "p", "roles": []}});
    on(&server, "POST", CREDENTIALS, ok(201, made)).await;
    on(&server, "DELETE", &format!("{CREDENTIALS}/a"), ResponseTemplate::new(204)).await;
    let host = configured(&server).await?;
    let token = open(&host, TOKEN, token_config()).await?;
    let written = json!({"name": null, "description": null, "project_id": null, "roles": null, "ttl": null,
        "expires_at": null, "unrestricted": null, "access_rules": null, "token": "t", "id": null, "secret": null,
        "user_id": null, "auth_url": null});
    let all = [open(&host, CREDENTIAL, written.clone()).await?, open(&host, CREDENTIAL, written).await?];
    close(&host, TOKEN, token).await?;
    for it in all {
        close(&host, CREDENTIAL, it).await?;
    }
    let deletions = sent(&server, "DELETE").await;
    let deleted = deletions.iter().map(|it| it.url.path());
    let credential = format!("{CREDENTIALS}/a");
    assert!(deleted.eq([&*credential, &*credential, "/v3/auth/tokens"]));
    Ok(())
}

/// A devcloud has every service; this cloud has Keystone alone.
#[tokio::test]
async fn limits_of_a_service_that_the_cloud_has_not_are_refused_in_the_plan() -> Result<()> {
    let host = configured(&keystone().await).await?;
    let config = json!({"project_id": UNKNOWN, "compute": null, "block_storage": null, "network": null,
        "load_balancer": null, "dns": {"zones": 5, "zone_recordsets": null, "zone_records": null,
        "recordset_records": null, "api_export_size": null}, "shared_file_system": null, "key_manager": null,
        "object_storage": null, "image": null, "extra": {"network": {"trunk": 5}}, "force": null, "on_destroy": null});
    let request = plan_resource_change::Request {
        type_name: "tenancy_quota_set".into(),
        prior_state: dynamic(Value::Null),
        proposed_new_state: dynamic(config.clone()),
        config: dynamic(config),
        ..Default::default()
    };
    let answer = host.provider().plan_resource_change(request).await?.into_inner();
    let told: Vec<_> = answer
        .diagnostics
        .iter()
        .map(|it| {
            let steps = it.attribute.as_ref().map(|it| it.steps.len());
            (it.summary.as_str(), it.detail.contains("The catalog has no service of the type"), steps)
        })
        .collect();
    assert_eq!(
        told,
        [("This cloud has no Neutron", true, Some(1)), ("This cloud has no Designate", true, Some(1))]
    );
    Ok(())
}
