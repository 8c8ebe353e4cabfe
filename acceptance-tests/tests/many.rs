//! What many quota sets cost.

use std::collections::BTreeMap;
use std::fs;

use acceptance_tests::proxy::Proxy;
use acceptance_tests::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

const CONFIGURATION: &str = r#"
variable "projects" {
  type = list(string)
}

resource "tenancy_quota_set" "many" {
  count         = length(var.projects)
  project_id    = var.projects[count.index]
  compute       = { cores = 20 }
  block_storage = { volumes = 10 }
  network       = { networks = count.index == 7 ? 3 : 100 }
  load_balancer = { load_balancers = count.index == 7 ? 3 : -1 }
}
"#;

/// Requests of a plan over quota sets of so many projects, each `METHOD path-regex`: at least and at most.
fn requests(many: usize) -> [(&'static str, usize, usize); 9] {
    [
        // The list, and the defaults of those that are not in it.
        ("GET /network/v2.0/quotas", 1, 1),
        ("[A-Z]+ /network/.*", 1, 2),
        ("GET /load-balancer/v2/lbaas/quotas", 1, 1),
        ("[A-Z]+ /load-balancer/.*", 1, 2),
        // Nova and Cinder have no list.
        ("GET /compute/v2.1/os-quota-sets/[0-9a-f]+", 1, many),
        ("[A-Z]+ /compute/.*", 1, many + 1),
        ("GET /block-storage/v3/os-quota-sets/[0-9a-f]+", 1, many),
        ("[A-Z]+ /block-storage/.*", 1, many + 1),
        // Whether the projects are there: a few singly, then a list.
        ("GET /v3/projects.*", 1, 12),
    ]
}

/// A plan over quota sets of these projects asks each service as rarely as it lets itself be asked.
pub fn quotas(projects: &[String]) -> Result<()> {
    let mut proxy = None;
    let workspace = Workspace::new("quota-many", |cloud| {
        proxy = Some(Proxy::start(&cloud.keystone, cloud.endpoints())?);
        Ok(proxy.clone())
    })?;
    let proxy = proxy.context("there is no proxy")?;
    let result = plan(&workspace, &proxy, projects);
    workspace.end(result)
}

fn plan(workspace: &Workspace, proxy: &Proxy, projects: &[String]) -> Result<()> {
    // One that is not as the others, which a list must tell apart.
    let other = projects.get(7).context("there are no projects")?;
    let cloud = &workspace.cloud;
    cloud.ask(&format!("PUT network /quotas/{other}"), Some(&json!({"quota": {"network": 3}})))?;
    cloud.ask(
        &format!("PUT load-balancer /lbaas/quotas/{other}"),
        Some(&json!({"quota": {"load_balancer": 3}})),
    )?;

    fs::write(workspace.directory().join("main.tf"), CONFIGURATION)?;
    workspace.variables(&BTreeMap::from([("projects".to_owned(), json!(projects))]))?;
    workspace.init()?;
    // An apply would send ten requests for each: the state is written down instead. What is in it is true.
    let state = state(workspace, projects)?;
    fs::write(workspace.directory().join("terraform.tfstate"), format!("{state:#}"))?;

    proxy.set(&[])?;
    let run = workspace.terraform.run(&["plan", "-json", "-input=false", "-detailed-exitcode"])?;
    ensure!(run.code == 0, "the plan has changes, or fails\nby hand: {}\n{}", run.command_line, run.text);
    for (on, least, most) in requests(projects.len()) {
        let found = proxy.count(on)?;
        ensure!((least..=most).contains(&found), "expected {least} to {most} requests `{on}`, found {found}");
    }
    let reset = |line: String| cloud.request(&line, None, &BTreeMap::new(), None).map(drop);
    reset(format!("DELETE network /quotas/{other}"))?;
    reset(format!("DELETE load-balancer /lbaas/quotas/{other}"))
}

/// A state in which the quota sets are.
fn state(workspace: &Workspace, projects: &[String]) -> Result<Value> {
    let run = workspace.terraform.run(&["version", "-json"])?;
    let version: Value = serde_json::from_str(&run.text)?;
    let selections = version["provider_selections"].as_object().context("no provider is installed")?;
    let provider = selections.keys().next().context("no provider is installed")?;
    let instances = projects.iter().enumerate().map(|(number, id)| {
        let other = number == 7;
        json!({"index_key": number, "schema_version": 0, "sensitive_attributes": [], "attributes": {
            "project_id": id,
            "compute": {"cores": 20},
            "block_storage": {"volumes": 10},
            "network": {"networks": if other { 3 } else { 100 }},
            "load_balancer": {"load_balancers": if other { 3 } else { -1 }},
            "force": false,
            "on_destroy": "reset",
        }})
    });
    Ok(json!({
        "version": 4,
        "terraform_version": version["terraform_version"],
        "serial": 1,
        "lineage": "00000000-0000-0000-0000-000000000000",
        "outputs": {},
        "resources": [{
            "mode": "managed",
            "type": "tenancy_quota_set",
            "name": "many",
            "provider": format!("provider[\"{provider}\"]"),
            "instances": instances.collect::<Vec<_>>(),
        }],
    }))
}
