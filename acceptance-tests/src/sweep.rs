//! Removes what a scenario left in the cloud: everything whose name starts with its prefix, and what is in it.
//!
//! Best effort: a scenario that failed half-way may have left anything. What cannot be removed is told, not fatal.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use crate::cloud::Cloud;

/// How long services get to finish what they are deleting.
const PATIENCE: Duration = Duration::from_secs(30);

/// Removes identity providers, mappings, domains, projects, groups, users, flavors and volume types by prefix. Gives what
/// is left.
pub fn sweep(cloud: &Cloud, prefix: &str) -> Vec<String> {
    let sweep = Sweep { cloud, prefix };
    let left = sweep.rounds();
    // Last: a volume keeps its type.
    for (service, path, kind) in
        [("block-storage", "/types", "volume_types"), ("compute", "/flavors", "flavors")]
    {
        let all = sweep.list(service, &format!("{path}?is_public=None"), kind);
        for it in all.iter().filter(|it| text(it, "name").starts_with(prefix)) {
            sweep.delete(service, &format!("{path}/{}", text(it, "id")));
        }
    }
    left
}

struct Sweep<'a> {
    cloud: &'a Cloud,
    prefix: &'a str,
}

/// What Keystone has by a prefix: kind and object.
type Found = Vec<(&'static str, Value)>;

fn text<'a>(it: &'a Value, key: &str) -> &'a str {
    it.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn is_immutable(it: &Value) -> bool {
    it["options"]["immutable"] == json!(true)
}

impl Sweep<'_> {
    fn list(&self, service: &str, path: &str, kind: &str) -> Vec<Value> {
        if self.cloud.url(service).is_err() {
            return Vec::new();
        }
        let reply = self.cloud.ask(&format!("GET {service} {path}"), None).unwrap_or_default();
        reply.get(kind).and_then(Value::as_array).cloned().unwrap_or_default()
    }

    /// A list that cannot be had is no proof that nothing is left.
    fn found(&self) -> Result<Found> {
        let prefix = self.prefix;
        let named = |kind: &'static str| (kind, format!("/{kind}?name__startswith={prefix}"));
        let federation = |kind: &'static str| (kind, format!("/OS-FEDERATION/{kind}"));
        let mut found = Vec::new();
        for (kind, path) in [
            federation("identity_providers"),
            federation("mappings"),
            ("domains", "/domains".to_owned()),
            named("projects"),
            named("groups"),
            named("users"),
        ] {
            let reply = self.cloud.ask(&format!("GET identity {path}"), None)?;
            let all = reply[kind].as_array().cloned().unwrap_or_default();
            found.extend(all.into_iter().filter(|it| self.is_ours(it)).map(|it| (kind, it)));
        }
        Ok(found)
    }

    fn is_ours(&self, it: &Value) -> bool {
        // Whoever makes an identity provider or a mapping chooses its id, and it has no name.
        let name = it.get("name").and_then(Value::as_str).unwrap_or_else(|| text(it, "id"));
        // The domains that Keystone makes for identity providers are known by their description.
        let of_ours = format!("Auto generated federated domain for Identity Provider: {}", self.prefix);
        name.starts_with(self.prefix) || text(it, "description").starts_with(&of_ours)
    }

    /// Removes what is there. What is above something else, and what Keystone's database refuses for a deadlock, goes in a
    /// later round. Gives what is left.
    fn rounds(&self) -> Vec<String> {
        for _ in 0..5 {
            match self.found() {
                // Most tests leave nothing, and then nothing more is asked.
                Ok(found) if found.is_empty() => return Vec::new(),
                Ok(found) => self.remove(&found),
                Err(_) => sleep(Duration::from_secs(1)),
            }
        }
        self.left()
    }

    fn left(&self) -> Vec<String> {
        match self.found() {
            Ok(found) => found
                .iter()
                .map(|(kind, it)| format!("{kind}: {} ({})", text(it, "name"), text(it, "id")))
                .collect(),
            Err(why) => vec![format!("{why:#}")],
        }
    }

    fn remove(&self, found: &Found) {
        let of = |kind: &str| found.iter().filter(move |it| it.0 == kind).map(|it| &it.1).collect::<Vec<_>>();
        for kind in ["identity_providers", "mappings"] {
            for it in of(kind) {
                self.delete("identity", &format!("/OS-FEDERATION/{kind}/{}", text(it, "id")));
            }
        }
        let domains = of("domains");
        for domain in &domains {
            let id = text(domain, "id");
            if is_immutable(domain) {
                self.change("domains", "domain", id, &json!({"options": {"immutable": false}}));
            }
            self.change("domains", "domain", id, &json!({"enabled": false}));
        }
        let mut projects: Vec<Value> = of("projects").into_iter().cloned().collect();
        for domain in &domains {
            let path = format!("/projects?domain_id={}", text(domain, "id"));
            projects.extend(self.list("identity", &path, "projects"));
        }
        self.empty(&projects.iter().map(|it| text(it, "id").to_owned()).collect());
        for project in projects.iter().filter(|it| is_immutable(it)) {
            self.change(
                "projects",
                "project",
                text(project, "id"),
                &json!({"options": {"immutable": false}}),
            );
        }
        for domain in &domains {
            let id = text(domain, "id");
            for role in self.list("identity", &format!("/roles?domain_id={id}"), "roles") {
                self.delete("identity", &format!("/roles/{}", text(&role, "id")));
            }
            // With all that is in it, which is less work for Keystone than one by one.
            self.delete("identity", &format!("/domains/{id}"));
        }
        let elsewhere =
            |it: &&Value| domains.iter().all(|domain| text(domain, "id") != text(it, "domain_id"));
        for it in projects.iter().filter(elsewhere) {
            self.delete("identity", &format!("/projects/{}", text(it, "id")));
        }
        for kind in ["groups", "users"] {
            for it in of(kind).iter().filter(|it| elsewhere(it)) {
                self.delete("identity", &format!("/{kind}/{}", text(it, "id")));
            }
        }
    }

    fn change(&self, plural: &str, singular: &str, id: &str, body: &Value) {
        drop(self.cloud.ask(&format!("PATCH identity /{plural}/{id}"), Some(&json!({singular: body}))));
    }

    fn delete(&self, service: &str, path: &str) {
        drop(self.cloud.ask(&format!("DELETE {service} {path}"), None));
    }

    /// What a query finds of these projects.
    fn of(&self, service: &str, query: &str, kind: &str, projects: &BTreeSet<String>) -> Vec<String> {
        let owner = |it: &Value| {
            let keys = ["tenant_id", "project_id", "owner", "os-vol-tenant-attr:tenant_id"];
            let ids = keys.iter().filter_map(|key| it.get(key)?.as_str());
            ids.into_iter().any(|id| projects.contains(id))
        };
        let found = self.list(service, query, kind);
        found
            .iter()
            .filter(|it| owner(it))
            .filter_map(|it| Some(it.get("id")?.as_str()?.to_owned()))
            .collect()
    }

    /// Deletes what a query finds of these projects, and waits until it finds nothing any more.
    fn all(
        &self,
        service: &str,
        query: &str,
        kind: &str,
        of: &BTreeSet<String>,
        delete: impl Fn(&str) -> String,
    ) {
        let until = Instant::now() + PATIENCE;
        loop {
            let ids = self.of(service, query, kind, of);
            if ids.is_empty() || Instant::now() > until {
                return;
            }
            for id in ids {
                self.delete(service, &delete(&id));
            }
            sleep(Duration::from_millis(500));
        }
    }

    /// Deletes what projects hold in other services. Lists are never asked for by project: Neutron would make a default
    /// security group in it.
    fn empty(&self, projects: &BTreeSet<String>) {
        if projects.is_empty() {
            return;
        }
        let plain = |path: &'static str| move |id: &str| format!("{path}/{id}");
        self.all("load-balancer", "/lbaas/loadbalancers", "loadbalancers", projects, |id| {
            format!("/lbaas/loadbalancers/{id}?cascade=true")
        });
        self.all("compute", "/servers/detail?all_tenants=1", "servers", projects, plain("/servers"));
        self.all(
            "block-storage",
            "/snapshots/detail?all_tenants=1",
            "snapshots",
            projects,
            plain("/snapshots"),
        );
        self.all("block-storage", "/volumes/detail?all_tenants=1", "volumes", projects, plain("/volumes"));
        self.all("image", "/images?limit=1000", "images", projects, plain("/images"));
        self.all("network", "/floatingips", "floatingips", projects, plain("/floatingips"));
        for router in self.of("network", "/routers", "routers", projects) {
            for port in self.list("network", &format!("/ports?device_id={router}"), "ports") {
                let line = format!("PUT network /routers/{router}/remove_router_interface");
                drop(self.cloud.ask(&line, Some(&json!({"port_id": port.get("id")}))));
            }
            self.delete("network", &format!("/routers/{router}"));
        }
        self.all("network", "/ports", "ports", projects, plain("/ports"));
        self.all("network", "/networks", "networks", projects, plain("/networks"));
        self.all("network", "/security-groups", "security_groups", projects, plain("/security-groups"));
    }
}
