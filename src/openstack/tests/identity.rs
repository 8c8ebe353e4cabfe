//! Keystone's objects: gone or not, paged lists, creates that were interrupted.

use std::collections::{BTreeMap, BTreeSet};

use wiremock::matchers::{body_partial_json, query_param, query_param_is_missing};

use super::*;
use crate::openstack::error::Error;
use crate::openstack::identity::*;

#[tokio::test]
async fn gone_is_what_keystone_says_of_that_id() {
    // What a GET answers, whether our own token can be read, and what comes of it.
    let page = ResponseTemplate::new(404).set_body_string("<html>404</html>");
    let cases: [(ResponseTemplate, bool, Option<bool>); 7] = [
        (error(404, "Could not find project: p."), false, Some(true)),
        (error(404, "Could not find project: pp."), false, None),
        // With a deleted user's token everything is 404.
        (error(404, "Could not find user: me."), false, None),
        (error(404, "Nicht gefunden."), true, Some(true)),
        (page, true, None),
        (error(403, "You are not authorized for p."), true, None),
        (error(500, "p"), true, None),
    ];
    for (answer, works, gone) in cases {
        let keystone = Keystone::start().await;
        keystone.on("GET", "/v3/projects/p", answer).await;
        let own = if works { ok(token(json!([]))) } else { error(404, "Could not find user: me.") };
        keystone.on("GET", "/v3/auth/tokens", own).await;
        let result = keystone.cloud().projects().get_opt("p").await;
        assert_eq!(result.ok().map(|it| it.is_none()), gone);
    }
}

#[tokio::test]
async fn a_project_is_read_with_its_properties() {
    let keystone = Keystone::start().await;
    let mut body = project("p", "web");
    for (key, value) in [
        ("color", json!("red")),
        ("removed", Value::Null),
        ("extra", json!({"color": "red"})),
        ("nested", json!({"a": [1]})),
        ("terraform_tenancy_origin", json!("1.abc")),
    ] {
        body[key] = value;
    }
    body["options"] = json!({"immutable": true});
    body["tags"] = json!(["b", "a"]);
    keystone.on("GET", "/v3/projects/p", ok(json!({"project": body}))).await;
    let project = keystone.cloud().projects().get("p").await.unwrap();
    let expected =
        BTreeMap::from([("color".to_owned(), json!("red")), ("nested".to_owned(), json!({"a": [1]}))]);
    assert_eq!((project.properties, project.description.as_str(), project.immutable), (expected, "", true));
    assert_eq!(project.tags, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
}

fn page(rows: &[&str], next: Option<&str>, truncated: bool) -> ResponseTemplate {
    let rows: Vec<_> = rows.iter().map(|id| project(id, id)).collect();
    let mut body = json!({"projects": rows, "links": {"self": "x", "previous": null, "next": next}});
    if truncated {
        body["truncated"] = json!(true);
    }
    ok(body)
}

async fn mount_page(keystone: &Keystone, marker: Option<&str>, times: u64, answer: ResponseTemplate) {
    let mock = Mock::given(method("GET")).and(path("/v3/projects")).and(query_param("limit", "1000"));
    let mock = match marker {
        Some(marker) => mock.and(query_param("marker", marker)),
        None => mock.and(query_param_is_missing("marker")),
    };
    mock.respond_with(answer).up_to_n_times(times).mount(&keystone.server).await;
}

async fn ids(keystone: &Keystone) -> Result<Vec<String>, String> {
    let all = keystone.cloud().projects().list(&ProjectFilter::default()).await;
    all.map(|it| it.into_iter().map(|it| it.id).collect()).map_err(|it| it.to_string())
}

#[tokio::test]
async fn lists_are_walked_by_marker_on_our_own_endpoint() {
    let keystone = Keystone::start().await;
    // Behind a proxy the link leads elsewhere; only its marker counts.
    let next = Some("http://wrong.invalid/identity/v3/identity/v3/projects?limit=1000&marker=b");
    mount_page(&keystone, None, 9, page(&["a", "b"], next, true)).await;
    mount_page(&keystone, Some("b"), 9, page(&["c", "d"], Some("x?marker=d&limit=1000"), true)).await;
    // An exactly full last page is followed by an empty one.
    mount_page(&keystone, Some("d"), 9, page(&[], None, false)).await;
    assert_eq!(ids(&keystone).await.unwrap(), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn lists_that_lie_are_errors() {
    let cases: [(ResponseTemplate, ResponseTemplate, &str); 4] = [
        // The same page for ever.
        (page(&["a"], Some("?marker=a"), true), page(&["a"], Some("?marker=a"), true), "again and again"),
        // Emptied by the filter for the token's scope.
        (page(&[], None, true), page(&[], None, false), "emptied by Keystone's filter"),
        // An old release with `list_limit`.
        (page(&["a"], None, true), page(&[], None, false), "list_limit"),
        (page(&["a"], Some("?limit=5"), true), page(&[], None, false), "names no place"),
    ];
    for (first, second, why) in cases {
        let keystone = Keystone::start().await;
        mount_page(&keystone, None, 9, first).await;
        mount_page(&keystone, Some("a"), 9, second).await;
        let actual = ids(&keystone).await.unwrap_err();
        assert!(actual.contains(why), "{actual}");
    }
}

#[tokio::test]
async fn a_list_starts_anew_when_its_place_is_deleted() {
    let keystone = Keystone::start().await;
    mount_page(&keystone, None, 1, page(&["a", "b"], Some("?marker=b"), true)).await;
    mount_page(&keystone, None, 9, page(&["a", "c"], None, false)).await;
    mount_page(&keystone, Some("b"), 9, error(404, "Marker b could not be found.")).await;
    assert_eq!(ids(&keystone).await.unwrap(), ["a", "c"]);
}

#[tokio::test]
async fn limit_goes_only_where_it_does_no_harm() {
    let keystone = Keystone::start().await;
    keystone.on("GET", "/v3/groups/g/users", ok(json!({"users": []}))).await;
    keystone.on("GET", "/v3/roles", ok(json!({"roles": []}))).await;
    keystone.on("GET", "/v3/users", ok(json!({"users": []}))).await;
    keystone.on("GET", "/v3/role_assignments", ok(json!({"role_assignments": []}))).await;
    let cloud = keystone.cloud();
    cloud.groups().members("g").await.unwrap();
    cloud.roles().all().await.unwrap();
    cloud.grants().all().await.unwrap();
    let linked = UserFilter { identity_provider: Some("idp".into()), ..Default::default() };
    cloud.users().list(&linked).await.unwrap();
    let all = keystone.server.received_requests().await.unwrap();
    assert!(all.iter().all(|it| !it.url.query().unwrap_or_default().contains("limit")));
    cloud.users().list(&UserFilter::default()).await.unwrap();
    let all = keystone.server.received_requests().await.unwrap();
    assert_eq!(all.last().unwrap().url.query(), Some("limit=1000"));
}

#[tokio::test]
async fn a_list_that_was_cut_is_an_error() {
    let keystone = Keystone::start().await;
    keystone.on("GET", "/v3/groups/g/users", ok(json!({"users": [], "truncated": true}))).await;
    let why = keystone.cloud().groups().members("g").await.unwrap_err();
    assert!(matches!(why, Error::Truncated { .. }), "{why}");
}

fn new_project(name: &str) -> NewProject {
    NewProject {
        name: name.into(),
        domain_id: "d".into(),
        parent_id: None,
        description: String::new(),
        enabled: true,
        tags: BTreeSet::new(),
        immutable: false,
        properties: BTreeMap::new(),
    }
}

/// Keeps the project that was posted, and answers as told.
struct Store {
    made: std::sync::Arc<std::sync::Mutex<Option<Value>>>,
    answer: Option<ResponseTemplate>,
}

impl Respond for Store {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut made = self.made.lock().unwrap();
        if request.method.as_str() == "GET" {
            return ok(json!({"projects": made.iter().collect::<Vec<_>>()}));
        }
        if made.is_some() {
            return error(409, "Conflict occurred attempting to store project");
        }
        let mut body: Value = request.body_json().unwrap();
        let mut it = body["project"].take();
        it["id"] = json!("p1");
        *made = Some(it.clone());
        self.answer
            .clone()
            .unwrap_or_else(|| ResponseTemplate::new(201).set_body_json(json!({"project": it})))
    }
}

async fn store(
    answer: Option<ResponseTemplate>,
) -> (Keystone, std::sync::Arc<std::sync::Mutex<Option<Value>>>) {
    let keystone = Keystone::start().await;
    let made = std::sync::Arc::<std::sync::Mutex<Option<Value>>>::default();
    for verb in ["GET", "POST"] {
        let store = Store { made: made.clone(), answer: answer.clone() };
        keystone.on(verb, "/v3/projects", store).await;
    }
    (keystone, made)
}

#[tokio::test]
async fn what_an_interrupted_run_made_is_adopted() {
    let (keystone, made) = store(None).await;
    let first = keystone.cloud();
    assert!(!first.projects().create(&new_project("web")).await.unwrap().adopted);
    // The same process: a second resource of the same name.
    let why = first.projects().create(&new_project("web")).await.unwrap_err();
    assert!(matches!(&why, Error::Conflict(it) if it.holder_id.as_deref() == Some("p1")), "{why}");
    // The next run.
    let again = keystone.cloud().projects().create(&new_project("web")).await.unwrap();
    assert_eq!((again.object.id.as_str(), again.adopted), ("p1", true));
    // Asked for something else, it is somebody's.
    let other = NewProject { description: "other".into(), ..new_project("web") };
    assert!(keystone.cloud().projects().create(&other).await.is_err());
    // As is one that was made long ago.
    let origin =
        made.lock().unwrap().as_ref().unwrap()["terraform_tenancy_origin"].as_str().unwrap().to_owned();
    let old = format!("1700000000.{}", origin.split_once('.').unwrap().1);
    made.lock().unwrap().as_mut().unwrap()["terraform_tenancy_origin"] = json!(old);
    assert!(keystone.cloud().projects().create(&new_project("web")).await.is_err());
}

#[tokio::test]
async fn an_adopted_object_is_made_what_was_asked_for() {
    let (keystone, made) = store(None).await;
    keystone.cloud().projects().create(&new_project("web")).await.unwrap();
    made.lock().unwrap().as_mut().unwrap()["enabled"] = json!(false);
    Mock::given(method("PATCH"))
        .and(path("/v3/projects/p1"))
        .and(body_partial_json(json!({"project": {"enabled": true}})))
        .respond_with(ok(json!({"project": project("p1", "web")})))
        .expect(1)
        .mount(&keystone.server)
        .await;
    let again = keystone.cloud().projects().create(&new_project("web")).await.unwrap();
    assert!(again.adopted && again.object.enabled);
}

#[tokio::test]
async fn an_object_whose_reply_was_lost_is_found() {
    let odd = ResponseTemplate::new(201).set_body_string("{");
    for answer in [ResponseTemplate::new(504), ResponseTemplate::new(502), odd] {
        let (keystone, _) = store(Some(answer)).await;
        let made = keystone.cloud().projects().create(&new_project("web")).await.unwrap();
        assert_eq!((made.object.id.as_str(), made.adopted), ("p1", true));
        assert_eq!(keystone.calls("POST", "/v3/projects").await, 1);
    }
}

#[tokio::test]
async fn a_rename_into_a_taken_name_is_a_conflict() {
    let keystone = Keystone::start().await;
    keystone.on("GET", "/v3/projects/p", ok(json!({"project": project("p", "old")}))).await;
    keystone.on("GET", "/v3/projects", ok(json!({"projects": [project("q", "Web")]}))).await;
    let change = ProjectChange { name: Some("web".into()), ..Default::default() };
    let why = keystone.cloud().projects().update("p", &change).await.unwrap_err();
    assert_eq!(
        why.to_string(),
        "cannot rename project p to \"web\": the project \"Web\" (q) exists, and Keystone takes the two names for \
         the same. Choose another name, or import it"
    );
    assert_eq!(keystone.calls("PATCH", "/v3/projects/p").await, 0);
}

#[tokio::test]
async fn only_what_is_given_is_sent() {
    let keystone = Keystone::start().await;
    keystone.on("PATCH", "/v3/projects/p", ok(json!({"project": project("p", "web")}))).await;
    let change = ProjectChange {
        description: Some(String::new()),
        properties: [("a".to_owned(), None), ("b".to_owned(), Some(json!(1)))].into(),
        ..Default::default()
    };
    keystone.cloud().projects().update("p", &change).await.unwrap();
    let all = keystone.server.received_requests().await.unwrap();
    let body: Value = all.last().unwrap().body_json().unwrap();
    assert_eq!(body, json!({"project": {"description": "", "a": null, "b": 1}}));
}

#[tokio::test]
async fn roles_are_read_once() {
    let keystone = Keystone::start().await;
    let roles = json!([{"id": "r1", "name": "member", "domain_id": null}, {"id": "r2", "name": "reader"}]);
    keystone.on("GET", "/v3/roles", ok(json!({"roles": roles}))).await;
    let cloud = keystone.cloud();
    let calls = (0..20).map(|n| {
        let cloud = &cloud;
        async move { cloud.roles().resolve(["member", "r2"][n % 2]).await.unwrap().id }
    });
    let ids = futures_util::future::join_all(calls).await;
    assert_eq!((ids[0].as_str(), ids[1].as_str()), ("r1", "r2"));
    assert_eq!(keystone.calls("GET", "/v3/roles").await, 1);
}

#[tokio::test]
async fn grants_fall_back_to_the_scope_when_refused() {
    let keystone = Keystone::start().await;
    keystone.on("GET", "/v3/role_assignments", error(403, "no")).await;
    let roles = ok(json!({"roles": [{"id": "r1", "name": "member"}]}));
    for at in [
        "/v3/projects/p/groups/g/roles",
        "/v3/OS-INHERIT/projects/p/groups/g/roles/inherited_to_projects",
        "/v3/system/groups/g/roles",
    ] {
        keystone.on("GET", at, roles.clone()).await;
    }
    let cloud = keystone.cloud();
    let group = Actor::Group("g".into());
    let cases =
        [(Scope::Project("p".into()), false), (Scope::Project("p".into()), true), (Scope::System, false)];
    for (scope, inherited) in cases {
        let grants = cloud.grants().list(&group, &scope, inherited).await.unwrap();
        assert_eq!(grants, [Grant { role_id: "r1".into(), actor: group.clone(), scope, inherited }]);
    }
}

#[tokio::test]
async fn only_the_grants_that_were_asked_for_count() {
    let keystone = Keystone::start().await;
    let entry = |role: &str, scope: Value| json!({"role": {"id": role}, "group": {"id": "g"}, "scope": scope, "links": {}});
    let all = json!([
        entry("r1", json!({"project": {"id": "p"}})),
        entry("r2", json!({"project": {"id": "p"}, "OS-INHERIT:inherited_to": "projects"})),
        entry("r3", json!({"project": {"id": "other"}})),
        entry("r4", json!({"system": {"all": true}})),
        json!({"role": {"id": "r5"}, "user": {"id": "g"}, "scope": {"project": {"id": "p"}}}),
    ]);
    keystone.on("GET", "/v3/role_assignments", ok(json!({"role_assignments": all}))).await;
    let cloud = keystone.cloud();
    let roles = async |scope: Scope, inherited| {
        let all = cloud.grants().list(&Actor::Group("g".into()), &scope, inherited).await.unwrap();
        all.into_iter().map(|it| it.role_id).collect::<Vec<_>>()
    };
    assert_eq!(roles(Scope::Project("p".into()), false).await, ["r1"]);
    assert_eq!(roles(Scope::Project("p".into()), true).await, ["r2"]);
    assert_eq!(roles(Scope::System, false).await, ["r4"]);
}

#[tokio::test]
async fn a_domain_that_can_not_go_is_enabled_again() {
    let keystone = Keystone::start().await;
    let domain =
        |enabled: bool| ok(json!({"domain": {"id": "d", "name": "acme", "enabled": enabled, "options": {}}}));
    keystone.on("GET", "/v3/domains/d", domain(true)).await;
    for enabled in [false, true] {
        Mock::given(method("PATCH"))
            .and(body_partial_json(json!({"domain": {"enabled": enabled}})))
            .respond_with(domain(enabled))
            .expect(1)
            .mount(&keystone.server)
            .await;
    }
    keystone.on("DELETE", "/v3/domains/d", error(403, "Unable to delete immutable project resource")).await;
    assert!(keystone.cloud().domains().remove("d").await.unwrap_err().is_forbidden());
}

#[tokio::test]
async fn a_domain_whose_deletion_outlives_its_proxy_goes() {
    let keystone = Keystone::start().await;
    let domain = ok(json!({"domain": {"id": "d", "name": "acme", "enabled": false}}));
    keystone.first(2, "GET", "/v3/domains/d", domain).await;
    keystone.on("GET", "/v3/domains/d", error(404, "Could not find domain: d.")).await;
    keystone.on("DELETE", "/v3/domains/d", ResponseTemplate::new(504)).await;
    // More than 1000 users are left behind.
    keystone.on("GET", "/v3/users", ok(json!({"users": [{"id": "u1"}]}))).await;
    keystone.on("DELETE", "/v3/users/u1", ResponseTemplate::new(204)).await;
    keystone.on("GET", "/v3/groups", ok(json!({"groups": []}))).await;
    let limits = json!([{"id": "l1", "domain_id": "d"}, {"id": "l2", "domain_id": "other"}]);
    keystone.on("GET", "/v3/limits", ok(json!({"limits": limits}))).await;
    keystone.on("DELETE", "/v3/limits/l1", ResponseTemplate::new(204)).await;
    keystone.cloud().domains().remove("d").await.unwrap();
    assert_eq!(keystone.calls("DELETE", "/v3/domains/d").await, 1);
    assert_eq!(keystone.calls("DELETE", "/v3/users/u1").await, 1);
    assert_eq!(keystone.calls("DELETE", "/v3/limits/l1").await, 1);
}
