//! A Keystone that keeps everything in memory, answers after a while, and counts what it is asked.
//!
//! It has the traps of the real one that matter for scale: lists of projects, groups, users and domains are cut at 1000,
//! silently unless `limit` is sent; the link to the next page leads to a host that does not exist; role assignments come
//! in one reply; names are unique whatever their case. It has no policy: every token may do everything. Nova and Cinder,
//! where they are wanted, know quotas and nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use serde_json::{Map, Value, json};
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};

use crate::http::{self, Reply, Request};

/// No list has more rows at once.
const PAGE: usize = 1000;
const ROLES: [&str; 3] = ["admin", "member", "reader"];

/// A running Keystone. It ends with the runtime.
pub struct Keystone {
    /// Where it is, with the version.
    pub url: String,
    world: Arc<Mutex<World>>,
}

/// What it was asked.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// How often, by route.
    pub routes: BTreeMap<String, usize>,
    /// On how many connections.
    pub connections: usize,
}

impl Counts {
    /// All requests.
    pub fn total(&self) -> usize {
        self.routes.values().sum()
    }
}

/// A grant: the kind of scope and its id, the kind of actor and its id, the role, and whether it is inherited.
type Grant = (String, String, String, String, String, bool);

#[derive(Default)]
struct World {
    url: String,
    /// Whether there are services beside Keystone.
    services: bool,
    counts: Counts,
    /// By kind, then by id: lists are in that order.
    tables: HashMap<&'static str, BTreeMap<String, Value>>,
    /// Ids by kind, domain and name.
    names: HashMap<(&'static str, String, String), String>,
    grants: BTreeSet<Grant>,
    members: BTreeSet<(String, String)>,
    /// What was set, by service and project.
    quotas: BTreeMap<(String, String), Map<String, Value>>,
    made: u64,
}

impl Keystone {
    /// Starts one that takes so long for each answer; with services that keep limits, or alone.
    pub async fn start(delay: Duration, services: bool) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/v3", listener.local_addr()?);
        let mut world = World { url: url.trim_end_matches("/v3").to_owned(), services, ..World::default() };
        world.put("domains", "default", json!({"name": "Default", "enabled": true, "description": ""}));
        let project =
            json!({"name": "admin", "enabled": true, "domain_id": "default", "parent_id": "default"});
        world.put("projects", "a0000000000040008000000000000001", project);
        let world = Arc::new(Mutex::new(world));
        let served = world.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                lock(&served).counts.connections += 1;
                let world = served.clone();
                tokio::spawn(async move {
                    // A connection that breaks is the other side's affair.
                    let _ = serve(stream, &world, delay).await;
                });
            }
        });
        Ok(Self { url, world })
    }

    /// What it was asked since the last time.
    pub fn take_counts(&self) -> Counts {
        std::mem::take(&mut lock(&self.world).counts)
    }
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(stream: TcpStream, world: &Mutex<World>, delay: Duration) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(request) = http::read(&mut stream).await? {
        let reply = lock(world).answer(&request);
        tokio::time::sleep(delay).await;
        http::write(&mut stream, reply, request.method == "HEAD").await?;
    }
    Ok(())
}

fn error(status: u16, message: &str) -> Reply {
    Reply::new(status, json!({"error": {"code": status, "message": message, "title": "t"}}))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The same kind with a name that lives for ever, and the word for one of it.
fn kind(many: &str) -> Option<(&'static str, &'static str)> {
    [("domains", "domain"), ("projects", "project"), ("groups", "group"), ("users", "user")]
        .into_iter()
        .find(|(it, _)| *it == many)
}

impl World {
    fn answer(&mut self, request: &Request) -> Reply {
        let path = request.path.trim_matches('/').to_owned();
        let path = path.strip_prefix("v3").map_or(path.as_str(), |it| it.trim_start_matches('/'));
        let parts: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
        let (route, reply) = self.route(&request.method, &parts, request);
        *self.counts.routes.entry(format!("{} {route}", request.method)).or_default() += 1;
        reply
    }

    /// The route that requests are counted by, and the answer.
    fn route(&mut self, method: &str, parts: &[&str], request: &Request) -> (String, Reply) {
        let done = || Reply::new(204, Value::Null);
        match (method, parts) {
            ("GET", []) => {
                let url = format!("{}/v3/", self.url);
                let version =
                    json!({"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": url}]});
                ("/v3".into(), Reply::new(200, json!({"version": version})))
            }
            ("POST", ["auth", "tokens"]) => ("/v3/auth/tokens".into(), self.token(201)),
            ("GET", ["auth", "tokens"]) => ("/v3/auth/tokens".into(), self.token(200)),
            ("GET", ["roles"]) => {
                let wanted = request.query.get("name");
                let rows: Vec<_> = ROLES.iter().filter(|it| wanted.is_none_or(|name| name == *it)).collect();
                let rows: Vec<_> =
                    rows.iter().map(|it| json!({"id": it, "name": it, "domain_id": null})).collect();
                ("/v3/roles".into(), Reply::new(200, json!({"roles": rows, "links": {"next": null}})))
            }
            ("GET", ["roles", id]) => {
                let body = json!({"role": {"id": id, "name": id, "domain_id": null}});
                ("/v3/roles/{id}".into(), Reply::new(200, body))
            }
            ("GET", ["role_assignments"]) => {
                ("/v3/role_assignments".into(), self.assignments(&request.query))
            }
            (_, ["groups", group, "users", user]) => {
                let member = ((*group).to_owned(), (*user).to_owned());
                let found = match method {
                    "PUT" => {
                        self.members.insert(member);
                        true
                    }
                    "DELETE" => self.members.remove(&member),
                    _ => self.members.contains(&member),
                };
                let reply = if found { done() } else { error(404, &format!("Could not find user: {user}.")) };
                ("/v3/groups/{id}/users/{id}".into(), reply)
            }
            ("GET", ["groups", group, "users"]) => {
                let ids = self.members.range(((*group).to_owned(), String::new())..);
                let ids = ids.take_while(|(it, _)| it == group).map(|(_, user)| user);
                let rows: Vec<_> = ids.filter_map(|id| self.tables.get("users")?.get(id)).collect();
                ("/v3/groups/{id}/users".into(), Reply::new(200, json!({"users": rows, "links": {}})))
            }
            (_, ["OS-INHERIT", rest @ .., "inherited_to_projects"]) => self.granting(method, rest, true),
            (_, [_, _, "users" | "groups", _, "roles", ..]) => self.granting(method, parts, false),
            (_, [many]) if kind(many).is_some() => (format!("/v3/{many}"), self.all(method, many, request)),
            (_, [many, id]) if kind(many).is_some() => {
                (format!("/v3/{many}/{{id}}"), self.one(method, many, id, request))
            }
            (_, [service, .., "os-quota-sets", project]) => (
                format!("/{service}/os-quota-sets/{{id}}"),
                self.quota(method, service, project, "quota_set", request),
            ),
            (_, [service, .., "os-quota-sets", _, "defaults"] | [service, .., "os-quota-class-sets", _]) => {
                let key = if parts.contains(&"defaults") { "quota_set" } else { "quota_class_set" };
                (format!("/{service}/defaults"), Reply::new(200, json!({key: self.limits(service, "")})))
            }
            _ => (format!("?? {}", request.path), error(404, "The resource could not be found.")),
        }
    }

    fn token(&self, status: u16) -> Reply {
        let endpoint = |kind: &str, path: &str| {
            json!({"type": kind, "id": kind, "name": kind, "endpoints": [{"interface": "public", "region": "RegionOne",
                "region_id": "RegionOne", "id": kind, "url": format!("{}/{path}", self.url)}]})
        };
        let mut catalog = vec![endpoint("identity", "v3")];
        if self.services {
            catalog.extend([endpoint("compute", "compute/v2.1"), endpoint("volumev3", "volume/v3")]);
        }
        let domain = json!({"id": "default", "name": "Default"});
        let now = jiff::Timestamp::now();
        let body = json!({"token": {
            "user": {"id": "a0000000000040008000000000000002", "name": "admin", "domain": domain},
            "project": {"id": "a0000000000040008000000000000001", "name": "admin", "domain": domain},
            "roles": [{"id": "admin", "name": "admin"}], "methods": ["password"], "catalog": catalog,
            "issued_at": now.to_string(), "expires_at": (now + jiff::SignedDuration::from_hours(8)).to_string(),
        }});
        Reply { headers: "x-subject-token: a-token-of-no-worth\r\n".into(), ..Reply::new(status, body) }
    }

    fn put(&mut self, many: &'static str, id: &str, mut row: Value) {
        row["id"] = json!(id);
        row["links"] = json!({"self": format!("{}/v3/{many}/{id}", self.url)});
        let name = (many, text(&row, "domain_id").to_owned(), text(&row, "name").to_lowercase());
        if let Some(old) = self.tables.entry(many).or_default().insert(id.to_owned(), row) {
            self.names.remove(&(many, text(&old, "domain_id").to_owned(), text(&old, "name").to_lowercase()));
        }
        self.names.insert(name, id.to_owned());
    }

    fn all(&mut self, method: &str, many: &str, request: &Request) -> Reply {
        let Some((many, one)) = kind(many) else { return error(404, "no such kind") };
        if method == "POST" {
            let mut row = request.body[one].clone();
            let key = (many, text(&row, "domain_id").to_owned(), text(&row, "name").to_lowercase());
            if self.names.contains_key(&key) {
                return error(409, &format!("Duplicate entry found with name {}.", key.2));
            }
            self.made += 1;
            // In no order that a list would profit from.
            let id = format!(
                "{:032x}",
                u128::from(self.made).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
            );
            if many == "projects" {
                row["is_domain"] = json!(false);
                if row["parent_id"].is_null() {
                    row["parent_id"] = row["domain_id"].clone();
                }
            }
            self.put(many, &id, row);
            return Reply::new(201, json!({one: self.tables[many][&id]}));
        }
        let query = &request.query;
        let rows: Vec<&Value> = match (query.get("name"), query.get("domain_id")) {
            (Some(name), domain) if domain.is_some() || many == "domains" => {
                let key = (many, domain.cloned().unwrap_or_default(), name.to_lowercase());
                self.names.get(&key).and_then(|id| self.tables[many].get(id)).into_iter().collect()
            }
            (name, domain) => {
                let after = query.get("marker").cloned().unwrap_or_default();
                let rows = self.tables.entry(many).or_default().range(after.clone()..).map(|(_, row)| row);
                rows.filter(|row| text(row, "id") > after.as_str())
                    .filter(|row| domain.is_none_or(|it| text(row, "domain_id") == it))
                    .filter(|row| query.get("parent_id").is_none_or(|it| text(row, "parent_id") == it))
                    .filter(|row| name.is_none_or(|it| text(row, "name").eq_ignore_ascii_case(it)))
                    .collect()
            }
        };
        let limit = query.get("limit").and_then(|it| it.parse().ok());
        let size = limit.unwrap_or(PAGE).min(PAGE);
        let full = rows.len() >= size;
        let rows: Vec<_> = rows.into_iter().take(size).collect();
        let mut body = json!({"links": {"self": "x", "previous": null, "next": null}});
        if limit.is_some() && full {
            let last = rows.last().map(|it| text(it, "id")).unwrap_or_default();
            body["links"]["next"] =
                json!(format!("http://inside.invalid/v3/v3/{many}?limit={size}&marker={last}"));
            body["truncated"] = json!(true);
        }
        body[many] = json!(rows);
        Reply::new(200, body)
    }

    fn one(&mut self, method: &str, many: &str, id: &str, request: &Request) -> Reply {
        let Some((many, one)) = kind(many) else { return error(404, "no such kind") };
        let Some(row) = self.tables.entry(many).or_default().get(id).cloned() else {
            return error(404, &format!("Could not find {one}: {id}."));
        };
        match method {
            "PATCH" => {
                let mut now = row;
                for (key, value) in request.body[one].as_object().into_iter().flatten() {
                    now[key] = value.clone();
                }
                self.put(many, id, now.clone());
                Reply::new(200, json!({one: now}))
            }
            "DELETE" => {
                self.remove(many, id);
                if many == "domains" {
                    for inner in ["projects", "groups", "users"] {
                        let rows = self.tables.entry(inner).or_default().iter();
                        let ids: Vec<_> = rows
                            .filter(|(_, row)| text(row, "domain_id") == id)
                            .map(|(id, _)| id.clone())
                            .collect();
                        ids.iter().for_each(|it| self.remove(inner, it));
                    }
                }
                Reply::new(204, Value::Null)
            }
            _ => Reply::new(200, json!({one: row})),
        }
    }

    fn remove(&mut self, many: &'static str, id: &str) {
        if let Some(old) = self.tables.entry(many).or_default().remove(id) {
            self.names.remove(&(many, text(&old, "domain_id").to_owned(), text(&old, "name").to_lowercase()));
        }
        match many {
            "projects" => {
                let from = (
                    "projects".to_owned(),
                    id.to_owned(),
                    String::new(),
                    String::new(),
                    String::new(),
                    false,
                );
                let gone: Vec<_> = self.grants.range(from..).take_while(|it| it.1 == id).cloned().collect();
                for it in &gone {
                    self.grants.remove(it);
                }
            }
            "groups" => {
                let from = (id.to_owned(), String::new());
                let gone: Vec<_> = self.members.range(from..).take_while(|it| it.0 == id).cloned().collect();
                for it in &gone {
                    self.members.remove(it);
                }
            }
            _ => {}
        }
    }

    fn granting(&mut self, method: &str, parts: &[&str], inherited: bool) -> (String, Reply) {
        let [scope, scope_id, actor, actor_id, _, role @ ..] = parts else {
            return ("?? grants".into(), error(404, "no such grant"));
        };
        let own = |it: &str| it.to_owned();
        let above = if inherited { "/OS-INHERIT" } else { "" };
        let route = format!("/v3{above}/{scope}/{{id}}/{actor}/{{id}}/roles");
        let grant = |role: &str| (own(scope), own(scope_id), own(actor), own(actor_id), own(role), inherited);
        let Some(role) = role.first() else {
            let held = ROLES.iter().filter(|it| self.grants.contains(&grant(it)));
            let rows: Vec<_> = held.map(|it| json!({"id": it, "name": it})).collect();
            return (route, Reply::new(200, json!({"roles": rows, "links": {}})));
        };
        let grant = grant(role);
        let found = match method {
            "PUT" => {
                self.grants.insert(grant);
                true
            }
            "DELETE" => self.grants.remove(&grant),
            _ => self.grants.contains(&grant),
        };
        let gone = || error(404, &format!("Could not find role assignment with role: {role}."));
        (format!("{route}/{{id}}"), if found { Reply::new(204, Value::Null) } else { gone() })
    }

    fn assignments(&self, query: &HashMap<String, String>) -> Reply {
        let is = |key: &str, value: &str| query.get(key).is_none_or(|it| it == value);
        let subtree = query.contains_key("include_subtree");
        let within = |project: &str, top: &str| {
            project == top
                || self.tables["projects"].get(project).is_some_and(|it| text(it, "domain_id") == top)
        };
        let start = match query.get("scope.project.id") {
            Some(id) if !subtree => {
                ("projects".to_owned(), id.clone(), String::new(), String::new(), String::new(), false)
            }
            _ => Grant::default(),
        };
        let exact = !start.1.is_empty();
        let wanted_scope =
            |kind: &str, id: &str| match (query.get("scope.project.id"), query.get("scope.domain.id")) {
                (Some(top), _) if subtree => kind == "projects" && within(id, top),
                (Some(it), _) => kind == "projects" && id == it,
                (None, Some(it)) => kind == "domains" && id == it,
                (None, None) => true,
            };
        let rows: Vec<_> = self
            .grants
            .range(start.clone()..)
            .take_while(|it| !exact || (it.0 == start.0 && it.1 == start.1))
            .filter(|(kind, id, actor, actor_id, role, _)| {
                wanted_scope(kind, id)
                    && is("role.id", role)
                    && (actor != "groups" || is("group.id", actor_id))
                    && (actor != "users" || is("user.id", actor_id))
                    && (actor == "groups" || !query.contains_key("group.id"))
                    && (actor == "users" || !query.contains_key("user.id"))
            })
            .map(|(kind, id, actor, actor_id, role, inherited)| {
                let mut scope = json!({kind.trim_end_matches('s'): {"id": id}});
                if *inherited {
                    scope["OS-INHERIT:inherited_to"] = json!("projects");
                }
                let link = format!("{}/v3/{kind}/{id}/{actor}/{actor_id}/roles/{role}", self.url);
                json!({"scope": scope, "role": {"id": role}, actor.trim_end_matches('s'): {"id": actor_id},
                    "links": {"assignment": link}})
            })
            .collect();
        Reply::new(
            200,
            json!({"role_assignments": rows, "links": {"self": "x", "next": null, "previous": null}}),
        )
    }

    fn limits(&self, service: &str, project: &str) -> Map<String, Value> {
        let defaults = match service {
            "compute" => {
                json!({"cores": 20, "ram": 51200, "instances": 10, "key_pairs": 100, "server_groups": 10,
                "server_group_members": 10, "metadata_items": 128})
            }
            _ => {
                json!({"volumes": 10, "gigabytes": 1000, "snapshots": 10, "backups": 10, "backup_gigabytes": 1000,
                "groups": 10, "per_volume_gigabytes": -1})
            }
        };
        let mut all = defaults.as_object().cloned().unwrap_or_default();
        all.extend(self.quotas.get(&(service.to_owned(), project.to_owned())).cloned().unwrap_or_default());
        all
    }

    fn quota(&mut self, method: &str, service: &str, project: &str, key: &str, request: &Request) -> Reply {
        let at = (service.to_owned(), project.to_owned());
        match method {
            "PUT" => {
                let mut new = request.body[key].as_object().cloned().unwrap_or_default();
                new.remove("force");
                self.quotas.entry(at).or_default().extend(new);
            }
            "DELETE" => drop(self.quotas.remove(&at)),
            _ => {}
        }
        Reply::new(200, json!({key: self.limits(service, project)}))
    }
}
