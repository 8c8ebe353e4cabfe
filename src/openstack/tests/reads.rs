//! Many reads are few lists, and a list is never taken for more than it says.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::*;
use crate::openstack::error::Error;
use crate::openstack::identity::*;

/// Lists projects of several domains, page by page, and knows `scope.project.id`.
struct Lists {
    /// Domain and project.
    projects: Vec<(String, String)>,
    page: usize,
    /// It can't page.
    truncated: bool,
}

impl Lists {
    fn of(domains: &[(&str, std::ops::Range<usize>)]) -> Self {
        let ids = |(domain, range): &(&str, std::ops::Range<usize>)| {
            let domain = (*domain).to_owned();
            range.clone().map(move |n| (domain.clone(), format!("p{n:04}"))).collect::<Vec<_>>()
        };
        Self { projects: domains.iter().flat_map(ids).collect(), page: 40, truncated: false }
    }

    fn body(&self, domain: &str, id: &str) -> Value {
        let mut body = project(id, id);
        body["domain_id"] = json!(domain);
        body["tags"] = json!(["t"]);
        body["options"] = json!({"immutable": true});
        body["color"] = json!("red");
        body
    }

    async fn mount(self, keystone: &Keystone) {
        for (domain, id) in &self.projects {
            let one = ok(json!({"project": self.body(domain, id)}));
            keystone.on("GET", &format!("/v3/projects/{id}"), one).await;
        }
        keystone.on("GET", "/v3/projects", self).await;
    }
}

impl Respond for Lists {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let asked = |key: &str| {
            request.url.query_pairs().find(|(it, _)| it == key).map(|(_, value)| value.into_owned())
        };
        let (domain, marker) = (asked("domain_id"), asked("marker"));
        let mut rows: Vec<_> =
            self.projects.iter().filter(|(its, _)| domain.as_ref().is_none_or(|it| it == its)).collect();
        rows.sort_by_key(|(_, id)| id);
        rows.retain(|(_, id)| marker.as_ref().is_none_or(|it| it < id));
        let more = rows.len() > self.page;
        rows.truncate(self.page);
        let next = rows.last().filter(|_| more && !self.truncated).map(|(_, id)| format!("?marker={id}"));
        let rows: Vec<_> = rows.into_iter().map(|(domain, id)| self.body(domain, id)).collect();
        ok(json!({"projects": rows, "links": {"next": next}, "truncated": more}))
    }
}

/// Reads them as a host does, ten at a time. Those that are there.
async fn read(cloud: &Cloud, ids: impl Iterator<Item = usize>) -> Result<Vec<Project>, Error> {
    let reads = ids.map(|n| async move { cloud.projects().get_opt(&format!("p{n:04}")).await });
    let all: Vec<_> = stream::iter(reads).buffer_unordered(10).collect().await;
    all.into_iter().filter_map(Result::transpose).collect()
}

/// How many single reads and pages of lists there were.
fn calls(cloud: &Cloud) -> (u64, u64) {
    let all = cloud.requests();
    let of = |route: &str| all.get(route).copied().unwrap_or_default();
    (of("GET /v3/projects/{id}"), of("GET /v3/projects"))
}

#[tokio::test]
async fn many_reads_are_lists_of_their_domains() {
    let keystone = Keystone::start().await;
    // Of three domains one is nobody's business.
    Lists::of(&[("d", 0..100), ("e", 100..200), ("f", 200..900)]).mount(&keystone).await;
    let cloud = keystone.cloud();
    let found = read(&cloud, 0..200).await.unwrap();
    assert_eq!(found.len(), 200);
    let (one, tags) = (&found[150], BTreeSet::from(["t".to_owned()]));
    assert!(one.immutable && one.tags == tags && one.properties["color"] == "red", "{one:?}");
    let (single, pages) = calls(&cloud);
    assert!(single <= 8 && pages == 6, "{single} {pages}");
    read(&cloud, 0..200).await.unwrap();
    assert_eq!(calls(&cloud), (single, pages), "copies are used");
}

#[tokio::test]
async fn few_reads_stay_single() {
    let keystone = Keystone::start().await;
    Lists::of(&[("d", 0..100)]).mount(&keystone).await;
    let cloud = keystone.cloud();
    read(&cloud, 0..3).await.unwrap();
    assert_eq!(calls(&cloud), (3, 0));
}

#[tokio::test]
async fn what_a_list_lacks_is_gone_only_if_keystone_says_so() {
    let keystone = Keystone::start().await;
    Lists::of(&[("d", 0..50)]).mount(&keystone).await;
    for n in 50..60 {
        let at = format!("/v3/projects/p{n:04}");
        keystone.on("GET", &at, error(404, &format!("Could not find project: p{n:04}."))).await;
    }
    keystone.on("GET", "/v3/projects/p0060", error(403, "You are not authorized.")).await;
    let cloud = keystone.cloud();
    assert_eq!(read(&cloud, 0..60).await.unwrap().len(), 50);
    assert!(cloud.projects().get_opt("p0060").await.unwrap_err().is_forbidden());
}

#[tokio::test]
async fn who_may_not_list_reads_singly() {
    let cases = [
        (Some(error(403, "You are not authorized to perform the requested action.")), 1),
        // A page that was cut.
        (None, 1),
    ];
    for (answer, lists) in cases {
        let keystone = Keystone::start().await;
        if let Some(answer) = answer {
            keystone.first(99, "GET", "/v3/projects", answer).await;
        }
        Lists { truncated: true, ..Lists::of(&[("d", 0..100)]) }.mount(&keystone).await;
        let cloud = keystone.cloud();
        assert_eq!(read(&cloud, 0..100).await.unwrap().len(), 100);
        let (single, pages) = calls(&cloud);
        assert!((100..=101).contains(&single) && pages == lists, "{single} {pages}");
    }
}

#[tokio::test]
async fn a_list_that_fails_fails_those_who_waited() {
    let keystone = Keystone::start().await;
    keystone.first(1, "GET", "/v3/projects", error(500, "down")).await;
    Lists::of(&[("d", 0..100)]).mount(&keystone).await;
    let cloud = keystone.cloud();
    assert_eq!(read(&cloud, 0..10).await.unwrap_err().status(), Some(500));
    assert_eq!(read(&cloud, 0..100).await.unwrap().len(), 100, "later ones ask anew");
}

#[tokio::test]
async fn our_own_write_is_seen_at_once() {
    let keystone = Keystone::start().await;
    let lists = Lists::of(&[("d", 0..20)]);
    let mut renamed = lists.body("d", "p0007");
    lists.mount(&keystone).await;
    let cloud = keystone.cloud();
    read(&cloud, 0..20).await.unwrap();
    renamed["description"] = json!("new");
    keystone.on("PATCH", "/v3/projects/p0007", ok(json!({"project": renamed.clone()}))).await;
    keystone.first(1, "GET", "/v3/projects/p0007", ok(json!({"project": renamed}))).await;
    let change = ProjectChange { description: Some("new".into()), ..Default::default() };
    cloud.projects().update("p0007", &change).await.unwrap();
    assert_eq!(cloud.projects().get("p0007").await.unwrap().description, "new");
    keystone.on("DELETE", "/v3/projects/p0008", ResponseTemplate::new(204)).await;
    keystone.first(1, "GET", "/v3/projects/p0008", error(404, "Could not find project: p0008.")).await;
    cloud.projects().delete("p0008").await.unwrap();
    assert_eq!(cloud.projects().get_opt("p0008").await.unwrap(), None);
}

/// Gives the roles that groups have on projects: `gN` has `member` on `pN`.
struct Assignments;

impl Respond for Assignments {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let asked: std::collections::HashMap<_, _> = request.url.query_pairs().into_owned().collect();
        let row = |n: usize| {
            json!({"role": {"id": "member"}, "group": {"id": format!("g{n:04}")},
                "scope": {"project": {"id": format!("p{n:04}")}}})
        };
        let rows: Vec<_> = match (asked.get("group.id"), asked.get("include_subtree")) {
            (Some(group), _) => group[1..].parse().ok().map(row).into_iter().collect(),
            (None, Some(_)) if asked["scope.project.id"] == "d" => (0..100).map(row).collect(),
            (None, Some(_)) => (100..300).map(row).collect(),
            (None, None) => (0..300).map(row).collect(),
        };
        ok(json!({"role_assignments": rows, "links": {"next": null}}))
    }
}

#[tokio::test]
async fn many_bindings_are_one_list() {
    let keystone = Keystone::start().await;
    Lists::of(&[("d", 0..100), ("e", 100..300)]).mount(&keystone).await;
    keystone.on("GET", "/v3/role_assignments", Assignments).await;
    for n in [7, 8] {
        let path = format!("/v3/projects/p{n:04}/groups/g{n:04}/roles/member");
        keystone.on("DELETE", &path, ResponseTemplate::new(204)).await;
    }
    let cloud = keystone.cloud();
    let grants = |n: usize| {
        let (actor, scope) = (Actor::Group(format!("g{n:04}")), Scope::Project(format!("p{n:04}")));
        let cloud = &cloud;
        async move { cloud.grants().list(&actor, &scope, false).await.unwrap() }
    };
    let all: Vec<_> = stream::iter((0..100).map(grants)).buffer_unordered(10).collect().await;
    assert!(all.iter().all(|it| it.len() == 1 && it[0].role_id == "member"));
    assert_eq!(cloud.requests()["GET /v3/role_assignments"], 3 + 1);
    // Those of another domain.
    for n in 100..300 {
        assert_eq!(grants(n).await.len(), 1);
    }
    let before = cloud.requests()["GET /v3/role_assignments"];
    assert_eq!(before, 4 + 3 + 1);
    cloud.grants().remove(&grants(7).await[0]).await.unwrap();
    grants(7).await;
    assert_eq!(cloud.requests()["GET /v3/role_assignments"], before + 1, "our own write");
}
