//! Removes what a scenario left in the cloud: everything whose name starts with its prefix, and what is in it.
//!
//! Best effort: a scenario that failed half-way may have left anything. What cannot be removed is told, not fatal.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cloud::Cloud;

/// How long services get to finish what they are deleting.
const PATIENCE: Duration = Duration::from_secs(60);

/// Removes domains, projects, groups and users by prefix. Gives what is left.
pub fn sweep(cloud: &Cloud, prefix: &str) -> Vec<String> {
    let sweep = Sweep { cloud, prefix };
    let domains = sweep.named("domains", "");
    for (id, _) in &domains {
        sweep.change("domains", "domain", id, &json!({"options": {"immutable": false}}));
        sweep.change("domains", "domain", id, &json!({"enabled": false}));
    }
    let within = |kind: &str| {
        let mut all = sweep.named(kind, "");
        for (id, _) in &domains {
            all.extend(sweep.list("identity", &format!("/{kind}?domain_id={id}"), kind).iter().filter_map(entry));
        }
        all.sort();
        all.dedup();
        all
    };
    let projects = within("projects");
    for (id, _) in &projects {
        sweep.empty(id);
        sweep.change("projects", "project", id, &json!({"options": {"immutable": false}}));
    }
    // The ones below others first: a few rounds get to the top.
    for _ in 0..5 {
        for (id, _) in within("projects") {
            sweep.delete("identity", &format!("/projects/{id}"));
        }
    }
    for kind in ["groups", "users"] {
        for (id, _) in within(kind) {
            sweep.delete("identity", &format!("/{kind}/{id}"));
        }
    }
    for (id, _) in &domains {
        sweep.delete("identity", &format!("/domains/{id}"));
    }
    let left = ["domains", "projects", "groups", "users"].map(|kind| (kind, sweep.named(kind, "")));
    let name = |kind: &str, (id, name): (String, String)| format!("{} {name} ({id})", kind.trim_end_matches('s'));
    left.into_iter().flat_map(|(kind, all)| all.into_iter().map(move |it| name(kind, it))).collect()
}

struct Sweep<'a> {
    cloud: &'a Cloud,
    prefix: &'a str,
}

fn entry(it: &Value) -> Option<(String, String)> {
    Some((it.get("id")?.as_str()?.to_owned(), it.get("name")?.as_str()?.to_owned()))
}

impl Sweep<'_> {
    fn list(&self, service: &str, path: &str, kind: &str) -> Vec<Value> {
        if self.cloud.url(service).is_err() {
            return Vec::new();
        }
        let reply = self.cloud.ask(&format!("GET {service} {path}"), None).unwrap_or_default();
        reply.get(kind).and_then(Value::as_array).cloned().unwrap_or_default()
    }

    fn named(&self, kind: &str, and: &str) -> Vec<(String, String)> {
        let found = self.list("identity", &format!("/{kind}?name__startswith={}{and}", self.prefix), kind);
        found.iter().filter_map(entry).filter(|(_, name)| name.starts_with(self.prefix)).collect()
    }

    fn change(&self, plural: &str, singular: &str, id: &str, body: &Value) {
        drop(self.cloud.ask(&format!("PATCH identity /{plural}/{id}"), Some(&json!({singular: body}))));
    }

    fn delete(&self, service: &str, path: &str) {
        drop(self.cloud.ask(&format!("DELETE {service} {path}"), None));
    }

    /// Deletes what a query finds, and waits until it finds nothing any more.
    fn all(&self, service: &str, query: &str, kind: &str, project: &str, delete: impl Fn(&str) -> String) {
        let until = Instant::now() + PATIENCE;
        loop {
            let of_project = |it: &Value| {
                ["tenant_id", "project_id", "owner", "os-vol-tenant-attr:tenant_id"]
                    .iter()
                    .any(|key| it.get(key).and_then(Value::as_str) == Some(project))
            };
            let found = self.list(service, query, kind);
            let ids = found.iter().filter(|it| of_project(it)).filter_map(|it| it.get("id")?.as_str());
            let ids: Vec<&str> = ids.collect();
            if ids.is_empty() || Instant::now() > until {
                return;
            }
            for id in ids {
                self.delete(service, &delete(id));
            }
            sleep(Duration::from_millis(500));
        }
    }

    /// Deletes what a project holds in other services.
    fn empty(&self, id: &str) {
        let plain = |path: &'static str| move |id: &str| format!("{path}/{id}");
        self.all("load-balancer", &format!("/lbaas/loadbalancers?project_id={id}"), "loadbalancers", id, |lb| {
            format!("/lbaas/loadbalancers/{lb}?cascade=true")
        });
        self.all("compute", &format!("/servers/detail?all_tenants=1&tenant_id={id}"), "servers", id, plain("/servers"));
        // Cinder wants every path in the administrator's project, or in none.
        self.all("block-storage", "/snapshots/detail?all_tenants=1", "snapshots", id, plain("/snapshots"));
        self.all("block-storage", "/volumes/detail?all_tenants=1", "volumes", id, |volume| {
            format!("/volumes/{volume}?cascade=true&force=true")
        });
        self.all("image", &format!("/images?owner={id}"), "images", id, plain("/images"));
        self.all("network", &format!("/floatingips?project_id={id}"), "floatingips", id, plain("/floatingips"));
        for router in self.list("network", &format!("/routers?project_id={id}"), "routers") {
            let Some((router, _)) = entry(&router) else { continue };
            for port in self.list("network", &format!("/ports?device_id={router}"), "ports") {
                let body = json!({"port_id": port.get("id")});
                let line = format!("PUT network /routers/{router}/remove_router_interface");
                drop(self.cloud.ask(&line, Some(&body)));
            }
            self.delete("network", &format!("/routers/{router}"));
        }
        self.all("network", &format!("/ports?project_id={id}"), "ports", id, plain("/ports"));
        self.all("network", &format!("/networks?project_id={id}"), "networks", id, plain("/networks"));
        self.all("network", &format!("/security-groups?project_id={id}"), "security_groups", id, |group| {
            format!("/security-groups/{group}")
        });
    }
}
