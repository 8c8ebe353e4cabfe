//! What plans of `tenancy_workspace` look like, as a host gets them: computed values inside a map of tenants.

// Clippy takes the helpers of tests for something else.
#![allow(clippy::unwrap_used)]

use serde_json::{Value as Json, json};
use tenancy::provider::TenancyProvider;
use tenancy::resources::workspace::{Binding, Tenant, Workspace};
use tenancy::tf::proto::tfplugin6::provider_server::Provider as _;
use tenancy::tf::proto::tfplugin6::{DynamicValue, plan_resource_change, validate_resource_config};
use tenancy::tf::{Attr, Computed, Model, Provider as _, Server, msgpack};
use tokio_util::sync::CancellationToken;
use tonic::Request;

/// Sets keys of an object.
fn with(mut object: Json, changes: Json) -> Json {
    for (key, value) in changes.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

/// A binding as it is written. Null is unset.
fn binding(changes: Json) -> Json {
    let unset = json!({"group_name": null, "members": null, "group_id": null, "pending_members": null});
    with(with(unset, json!({"roles": ["member"]})), changes)
}

/// A tenant as it is written.
fn tenant(changes: Json) -> Json {
    let unset = json!({
        "name": null, "project_id": null, "parent": null, "description": null, "enabled": null, "tags": null,
        "properties": null, "bindings": null, "quotas": null, "on_destroy": null,
    });
    with(unset, changes)
}

/// A workspace as it is written.
fn workspace(tenants: Json) -> Json {
    let domain = json!({"name": "acme", "description": null, "enabled": null, "tags": null});
    json!({
        "domain": domain, "domain_id": null, "users": null, "tenants": tenants, "on_destroy": null, "failures": null,
    })
}

/// What a user wrote of two tenants.
fn written() -> Json {
    workspace(json!({
        "web": tenant(json!({
            "description": "The shop",
            "bindings": {"users": binding(json!({"members": ["jane"]})), "admins": binding(json!({}))},
        })),
        "mail": tenant(json!({"bindings": {"users": binding(json!({}))}})),
    }))
}

/// What became of it.
fn made() -> Json {
    let binding =
        |id: &str, changes: Json| binding(with(json!({"group_id": id, "pending_members": []}), changes));
    let tenant = |id: &str, changes: Json| {
        let made = json!({"project_id": id, "enabled": true, "on_destroy": "refuse_if_not_empty", "tags": ["imported"]});
        tenant(with(made, changes))
    };
    let users = binding("g1", json!({"members": ["jane"], "pending_members": ["jane"]}));
    let tenants = json!({
        "web": tenant("p1", json!({
            "description": "The shop", "bindings": {"users": users, "admins": binding("g2", json!({}))},
        })),
        "mail": tenant("p2", json!({"bindings": {"users": binding("g3", json!({}))}})),
    });
    let made = json!({"domain_id": "d", "on_destroy": "refuse_if_not_empty", "failures": {}});
    let domain = json!({"name": "acme", "description": null, "enabled": true, "tags": null});
    with(with(workspace(tenants), made), json!({"domain": domain}))
}

fn document(value: &Json) -> Option<DynamicValue> {
    Some(DynamicValue { json: value.to_string().into(), ..Default::default() })
}

fn server() -> Server<TenancyProvider> {
    Server::new(CancellationToken::new())
}

/// Plans without a provider block: nobody is asked.
async fn plan(prior: &Json, config: &Json) -> Workspace {
    let request = plan_resource_change::Request {
        type_name: "tenancy_workspace".into(),
        prior_state: document(prior),
        proposed_new_state: document(config),
        config: document(config),
        ..Default::default()
    };
    let answer = server().plan_resource_change(Request::new(request)).await.unwrap().into_inner();
    assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
    assert!(answer.requires_replace.is_empty());
    let planned = answer.planned_state.unwrap();
    let planned = msgpack::read_object(&planned.msgpack, &Workspace::schema()).unwrap();
    <Workspace as Attr>::decode(planned).unwrap()
}

fn known(id: &str) -> Computed<Option<String>> {
    Computed::Known(Some(id.to_owned()))
}

fn binding_of<'a>(tenant: &'a Tenant, name: &str) -> &'a Binding {
    &tenant.bindings.as_ref().unwrap()[name]
}

#[tokio::test]
async fn a_create_knows_no_id() {
    let planned = plan(&Json::Null, &written()).await;
    assert_eq!(planned.failures, Computed::Unknown);
    assert_eq!(planned.domain_id, Computed::Unknown);
    let web = &planned.tenants["web"];
    assert_eq!(web.project_id, Computed::Unknown);
    assert_eq!(binding_of(web, "users").group_id, Computed::Unknown);
    assert_eq!(binding_of(web, "users").pending_members, Computed::Unknown);
    // Nobody can be missing where nobody is asked for.
    assert_eq!(binding_of(web, "admins").pending_members, Computed::Known([].into()));
}

#[tokio::test]
async fn no_change_is_no_change() {
    let unchanged = plan(&made(), &written()).await;
    let state = plan(&made(), &made()).await;
    assert_eq!(unchanged, state);
    assert_eq!(unchanged.failures, Computed::Known([].into()));
    assert_eq!(unchanged.tenants["web"].project_id, known("p1"));
}

#[tokio::test]
async fn only_what_changes_is_open() {
    let unchanged = plan(&made(), &written()).await;
    let mut config = written();
    config["tenants"]["web"]["description"] = json!("Other");
    config["tenants"]["web"]["bindings"]["admins"]["roles"] = json!(["reader"]);
    config["tenants"]["lab"] = tenant(json!({"bindings": {"users": binding(json!({}))}}));
    let planned = plan(&made(), &config).await;
    assert_eq!(planned.tenants["mail"], unchanged.tenants["mail"]);
    let (web, before) = (&planned.tenants["web"], &unchanged.tenants["web"]);
    assert_eq!(web.project_id, known("p1"));
    assert_eq!(binding_of(web, "users"), binding_of(before, "users"));
    assert_eq!(binding_of(web, "admins").group_id, Computed::from("g2"));
    assert_eq!(planned.tenants["lab"].project_id, Computed::Unknown);
    assert_eq!(binding_of(&planned.tenants["lab"], "users").group_id, Computed::Unknown);
    // An update may fail all the same: then it ends in an error, which is bound by no plan.
    assert_eq!(planned.failures, Computed::Known([].into()));
}

#[tokio::test]
async fn what_failed_is_tried_again() {
    let unchanged = plan(&made(), &written()).await;
    let mut prior = made();
    prior["failures"] = json!({"mail": "It broke."});
    let planned = plan(&prior, &written()).await;
    assert_eq!(planned.failures, Computed::Unknown);
    assert_eq!(planned.tenants, unchanged.tenants);
    // What a create could not make has no id, and may get one.
    prior["tenants"]["mail"]["project_id"] = Json::Null;
    prior["tenants"]["mail"]["bindings"]["users"]["group_id"] = Json::Null;
    let planned = plan(&prior, &written()).await;
    assert_eq!(planned.tenants["mail"].project_id, Computed::Unknown);
    assert_eq!(binding_of(&planned.tenants["mail"], "users").group_id, Computed::Unknown);
    assert_eq!(planned.tenants["web"], unchanged.tenants["web"]);
}

#[tokio::test]
async fn a_key_that_changes_with_its_project_is_a_rename() {
    let unchanged = plan(&made(), &written()).await;
    let mut config = written();
    let mail = config["tenants"].as_object_mut().unwrap().remove("mail").unwrap();
    config["tenants"]["post"] = with(mail.clone(), json!({"project_id": "p2"}));
    let planned = plan(&made(), &config).await;
    assert!(!planned.tenants.contains_key("mail"));
    // With all that is not written any more, or never was.
    assert_eq!(planned.tenants["post"], unchanged.tenants["mail"]);
    // Without the id it is another tenant.
    config["tenants"]["post"] = mail;
    let planned = plan(&made(), &config).await;
    assert_eq!(planned.tenants["post"].project_id, Computed::Unknown);
    assert_eq!(planned.tenants["post"].tags, None);
}

#[tokio::test]
async fn users_from_elsewhere_may_be_missing() {
    let mut config = written();
    config["users"] = json!({"domain_id": "u", "missing": null, "identity_provider": null, "protocol": null});
    let planned = plan(&made(), &config).await;
    let web = &planned.tenants["web"];
    assert_eq!(binding_of(web, "users").pending_members, Computed::Unknown);
    assert_eq!(binding_of(web, "admins").pending_members, Computed::Known([].into()));
}

#[tokio::test]
async fn limits_and_names_are_checked_at_their_place() {
    let mut config = written();
    config["tenants"]["web"]["name"] = json!("x".repeat(65));
    config["tenants"]["mail"]["parent"] = json!("nowhere");
    let request = validate_resource_config::Request {
        type_name: format!("{}_workspace", TenancyProvider::NAME),
        config: document(&config),
        ..Default::default()
    };
    let answer = server().validate_resource_config(Request::new(request)).await.unwrap().into_inner();
    let mut told: Vec<_> = answer.diagnostics.into_iter().map(|it| it.summary).collect();
    told.sort();
    // The default name of a group is too long as well.
    assert_eq!(told, ["Invalid key", "Invalid key", "Invalid name", "The tenant \"mail\" is in no tenant"]);
}
