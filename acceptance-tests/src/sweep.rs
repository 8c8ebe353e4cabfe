//! Removes what a scenario left in the cloud: everything whose name starts with its prefix, and what is in it.
//!
//! Best effort: a scenario that failed half-way may have left anything. What cannot be removed is told, not fatal.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cloud::Cloud;

/// How long services get to finish what they are deleting.
const PATIENCE: Duration = Duration::from_secs(30);

/// Removes identity providers, mappings, domains, projects, groups and users by prefix. Gives what is left.
pub fn sweep(cloud: &Cloud, prefix: &str) -> Vec<String> {
    let sweep = Sweep { cloud, prefix };
    for (kind, id) in sweep.federation() {
        sweep.delete("identity", &format!("/OS-FEDERATION/{kind}/{id}"));
    }
    let mut domains = sweep.named("domains");
    // The ones that Keystone made for identity providers, by their description.
    let made = format!("Auto generated federated domain for Identity Provider: {prefix}");
    let all = sweep.list("identity", "/domains", "domains");
    let made = all.iter().filter(|it| it["description"].as_str().is_some_and(|it| it.starts_with(&made)));
    domains.extend(made.filter_map(entry).filter(|(_, name)| !name.starts_with(prefix)));
    for (id, _) in &domains {
        sweep.change("domains", "domain", id, &json!({"options": {"immutable": false}}));
        sweep.change("domains", "domain", id, &json!({"enabled": false}));
    }
    let within = |kind: &str| {
        let mut all = sweep.named(kind);
        for (id, _) in &domains {
            all.extend(
                sweep.list("identity", &format!("/{kind}?domain_id={id}"), kind).iter().filter_map(entry),
            );
        }
        all.sort();
        all.dedup();
        all
    };
    let projects = within("projects");
    sweep.empty(&projects.iter().map(|(id, _)| id.clone()).collect());
    for (id, _) in &projects {
        sweep.change("projects", "project", id, &json!({"options": {"immutable": false}}));
    }
    // The ones below others first: a few rounds get to the top.
    for _ in 0..5 {
        for (id, _) in within("projects") {
            sweep.delete("identity", &format!("/projects/{id}"));
        }
    }
    for (service, path, kind) in
        [("block-storage", "/types", "volume_types"), ("compute", "/flavors", "flavors")]
    {
        let all = sweep.list(service, &format!("{path}?is_public=None"), kind);
        for (id, _) in all.iter().filter_map(entry).filter(|(_, name)| name.starts_with(prefix)) {
            sweep.delete(service, &format!("{path}/{id}"));
        }
    }
    for kind in ["groups", "users"] {
        for (id, _) in within(kind) {
            sweep.delete("identity", &format!("/{kind}/{id}"));
        }
    }
    for (id, _) in &domains {
        for (role, _) in
            sweep.list("identity", &format!("/roles?domain_id={id}"), "roles").iter().filter_map(entry)
        {
            sweep.delete("identity", &format!("/roles/{role}"));
        }
        sweep.delete("identity", &format!("/domains/{id}"));
    }
    let mut left: Vec<_> = sweep.federation().into_iter().map(|(kind, id)| format!("{kind}: {id}")).collect();
    for kind in ["domains", "projects", "groups", "users"] {
        // A list that cannot be had is no proof that nothing is left.
        match cloud.ask(&format!("GET identity /{kind}?name__startswith={prefix}"), None) {
            Ok(_) => {
                left.extend(sweep.named(kind).into_iter().map(|(id, name)| format!("{kind}: {name} ({id})")))
            }
            Err(why) => left.push(format!("{kind}: {why:#}")),
        }
    }
    left
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

    /// Identity providers and mappings: whoever makes one chooses its id, and it has no name.
    fn federation(&self) -> Vec<(&'static str, String)> {
        let of = |kind: &'static str| {
            let all = self.list("identity", &format!("/OS-FEDERATION/{kind}"), kind);
            let ids = all.iter().filter_map(|it| Some(it.get("id")?.as_str()?.to_owned()));
            ids.filter(|id| id.starts_with(self.prefix)).map(|id| (kind, id)).collect::<Vec<_>>()
        };
        [of("identity_providers"), of("mappings")].concat()
    }

    fn named(&self, kind: &str) -> Vec<(String, String)> {
        let found = self.list("identity", &format!("/{kind}?name__startswith={}", self.prefix), kind);
        found.iter().filter_map(entry).filter(|(_, name)| name.starts_with(self.prefix)).collect()
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
