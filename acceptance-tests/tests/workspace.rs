//! A workspace of many tenants: one of them broken, and the provider killed half way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use acceptance_tests::cloud::{Cloud, text_at};
use acceptance_tests::plugin;
use acceptance_tests::process;
use acceptance_tests::proxy::Proxy;
use acceptance_tests::terraform::Run;
use acceptance_tests::workspace::Workspace;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::many;

const MANY: usize = 200;
/// Not made yet when half of them are.
const LAST: &str = "t199";

const CONFIGURATION: &str = r#"
variable "tenants" {
  type = any
}

resource "tenancy_workspace" "many" {
  domain  = { name = "${var.prefix}-many" }
  tenants = var.tenants
}
"#;

const APPLY: &[&str] = &["apply", "-json", "-auto-approve", "-input=false"];
const PLAN: &[&str] = &["plan", "-json", "-input=false", "-detailed-exitcode", "-out=plan"];

/// The provider is killed half way through the create of many tenants. The next apply makes what is missing, and nothing
/// twice; but one, whose name is taken by then. The next plan has just that one. Then a change, a rename, a removal, an
/// import of it all, and the end. While all are there, a plan over a quota set of each.
pub fn workspace_of_many() -> Result<()> {
    let mut proxy = None;
    let workspace = Workspace::new("workspace-many", |cloud| {
        proxy = Some(Proxy::start(&cloud.keystone, cloud.endpoints())?);
        Ok(proxy.clone())
    })?;
    let proxy = proxy.context("there is no proxy")?;
    let result = live(&workspace, &proxy);
    workspace.end(result)
}

fn live(workspace: &Workspace, proxy: &Proxy) -> Result<()> {
    let mut tenants: BTreeMap<String, Value> = (0..MANY)
        .map(|number| {
            let description = format!("Tenant {number}");
            let users = json!({"roles": ["member"]});
            (format!("t{number:03}"), json!({"description": description, "bindings": {"users": users}}))
        })
        .collect();
    fs::write(workspace.directory().join("main.tf"), CONFIGURATION)?;
    let write = |tenants: &BTreeMap<String, Value>| {
        workspace.variables(&BTreeMap::from([("tenants".to_owned(), json!(tenants))]))
    };
    write(&tenants)?;
    workspace.init()?;

    let (domain, made) = killed(workspace)?;
    let taken = text_at(
        &workspace
            .cloud
            .ask("POST identity /projects", Some(&json!({"project": {"name": LAST, "domain_id": domain}})))?,
        "/project/id",
    )?;
    all_but_one(workspace, &domain, &made, &taken)?;
    proxy.set(&[])?;
    apply(workspace)?;
    ensure!(
        proxy.count("(POST|PUT|PATCH|DELETE) /v3/(projects|groups|domains).*")? == 3,
        "more than a tenant"
    );
    let values = state(workspace)?;
    ensure!(failures(&values).is_empty() && ids(&values).len() == MANY, "not all is there");
    let there = projects(&workspace.cloud, &domain)?;
    ensure!(there == ids(&values), "Keystone has {} projects", there.len());
    let there = groups(&workspace.cloud, &domain)?;
    let known = group_ids(&values);
    ensure!(known.len() == MANY && there == known, "Keystone has {} groups", there.len());
    // So many projects are not made twice.
    let all: Vec<_> = ids(&values).into_iter().collect();
    many::quotas(&all).context("a plan over quota sets of all these tenants")?;

    tenants.insert(
        "t000".to_owned(),
        json!({"description": "Other", "bindings": {"users": {"roles": ["member"]}}}),
    );
    let mut renamed = tenants.remove("t100").context("no t100")?;
    renamed["project_id"] = values["tenants"]["t100"]["project_id"].clone();
    tenants.insert("renamed".to_owned(), renamed);
    tenants.remove("t150");
    write(&tenants)?;
    let changes = changes(workspace)?;
    let expected = ["renamed", "t000", "t100", "t150"].map(str::to_owned);
    ensure!(changes == BTreeSet::from(expected), "the plan changes {changes:?}");
    proxy.set(&[])?;
    apply(workspace)?;
    for (on, times) in
        [("POST /v3/(projects|groups)", 0), ("PATCH /v3/projects/.*", 2), ("DELETE /v3/projects/[^/]*", 1)]
    {
        let found = proxy.count(on)?;
        ensure!(found == times, "expected {times} requests `{on}`, found {found}");
    }
    import_and_destroy(workspace, &domain)
}

/// Kills the provider half way. Gives the ids of the domain and of the projects that are there.
fn killed(workspace: &Workspace) -> Result<(String, BTreeSet<String>)> {
    let child = workspace.terraform.start(APPLY)?;
    let domain = half_way(workspace)?;
    process::kill(process::child(child.id(), plugin::NAME).context("there is no provider to kill")?)?;
    let run = workspace.terraform.understand(APPLY, &child.wait_with_output()?);
    ensure!(run.code == 1, "the apply survived its provider\n{}", run.text);
    let made = projects(&workspace.cloud, &domain)?;
    ensure!(made.len() < MANY, "the provider was killed too late for anything to be seen");
    Ok((domain, made))
}

/// Applies, and all is made except the one tenant whose name is taken.
fn all_but_one(workspace: &Workspace, domain: &str, made: &BTreeSet<String>, taken: &str) -> Result<()> {
    let cloud = &workspace.cloud;
    let run = workspace.terraform.run(APPLY)?;
    ensure!(run.code == 0, "the second apply failed\nby hand: {}\n{}", run.command_line, run.text);
    // What the killed provider had made is told too, as taken over.
    ensure!(run.diagnostics.iter().all(|it| it.severity == "warning"), "the create failed: {}", run.text);
    let told = run.diagnostics.iter().filter(|it| it.summary.ends_with(" is taken"));
    let told = told.map(|it| (it.summary.clone(), it.place()));
    let expected = (
        format!("Tenant \"{LAST}\": The name \"{LAST}\" is taken"),
        "tenancy_workspace.many.tenants".to_owned(),
    );
    ensure!(told.clone().eq([expected]), "the create says {:?}", told.collect::<Vec<_>>());
    let values = state(workspace)?;
    ensure!(failures(&values) == BTreeSet::from([LAST.to_owned()]), "failures: {}", values["failures"]);
    ensure!(ids(&values).len() == MANY - 1, "the state has {} projects", ids(&values).len());
    let mut there = projects(cloud, domain)?;
    ensure!(there.remove(taken) && there == ids(&values), "Keystone has other projects than the state");
    ensure!(there.is_superset(made), "a project was made again");
    let changes = changes(workspace)?;
    ensure!(changes == BTreeSet::from([LAST.to_owned()]), "the next plan changes {changes:?}");
    cloud.ask(&format!("DELETE identity /projects/{taken}"), None).map(drop)
}

fn import_and_destroy(workspace: &Workspace, domain: &str) -> Result<()> {
    let (cloud, terraform) = (&workspace.cloud, &workspace.terraform);
    let run = terraform.run(&["state", "rm", "tenancy_workspace.many"])?;
    ensure!(run.code == 0, "{}", run.text);
    // By name: then the domain is the workspace's own.
    let name = format!("{}-many", workspace.prefix);
    let run = terraform.run(&["import", "-input=false", "tenancy_workspace.many", &name])?;
    ensure!(run.code == 0, "the import failed\n{}", run.text);
    let run = terraform.run(PLAN)?;
    ensure!(
        run.code == 0,
        "the plan after the import has changes\nby hand: {}\n{}",
        run.command_line,
        run.text
    );

    let run = terraform.run(&["destroy", "-json", "-auto-approve", "-input=false"])?;
    ensure!(run.code == 0, "the destroy failed\nby hand: {}\n{}", run.command_line, run.text);
    let domains = cloud.ask(&format!("GET identity /domains?name={name}"), None)?;
    ensure!(domains["domains"] == json!([]), "Keystone still has {domains}");
    let left = projects(cloud, domain)?;
    ensure!(left.is_empty(), "Keystone still has {left:?}");
    let left = groups(cloud, domain)?;
    ensure!(left.is_empty(), "Keystone still has {left:?}");
    Ok(())
}

/// Waits until half of the projects are there, and gives the id of their domain.
fn half_way(workspace: &Workspace) -> Result<String> {
    let until = Instant::now() + Duration::from_secs(300);
    while Instant::now() < until {
        let name = format!("{}-many", workspace.prefix);
        let domains = workspace.cloud.ask(&format!("GET identity /domains?name={name}"), None)?;
        if let Ok(id) = text_at(&domains, "/domains/0/id")
            && projects(&workspace.cloud, &id)?.len() >= MANY / 2
        {
            return Ok(id);
        }
        sleep(Duration::from_millis(100));
    }
    bail!("the projects are never made")
}

/// Applies; the next plan has no changes.
fn apply(workspace: &Workspace) -> Result<Run> {
    let run = workspace.terraform.run(APPLY)?;
    ensure!(run.code == 0, "the apply failed\nby hand: {}\n{}", run.command_line, run.text);
    let next = workspace.terraform.run(PLAN)?;
    ensure!(next.code == 0, "the next plan has changes\nby hand: {}\n{}", next.command_line, next.text);
    Ok(run)
}

/// The keys of the tenants that a plan changes.
fn changes(workspace: &Workspace) -> Result<BTreeSet<String>> {
    let run = workspace.terraform.run(PLAN)?;
    ensure!(run.code == 2, "the plan has no changes, or fails\n{}", run.text);
    let plan = workspace.terraform.show("plan")?;
    let change = &plan["resource_changes"][0]["change"];
    ensure!(change["actions"] == json!(["update"]), "the plan is to {}", change["actions"]);
    let (before, after) = (&change["before"]["tenants"], &change["after"]["tenants"]);
    let keys = [before, after].into_iter().flat_map(|it| it.as_object().into_iter().flatten());
    Ok(keys.filter(|(key, _)| before.get(key) != after.get(key)).map(|(key, _)| key.clone()).collect())
}

/// The workspace in the state, which must be healthy.
fn state(workspace: &Workspace) -> Result<Value> {
    let (mut instances, _) = workspace.terraform.state()?;
    let instance = instances.remove("tenancy_workspace.many").context("the workspace is not in the state")?;
    ensure!(!instance.tainted, "the workspace is tainted");
    Ok(instance.values)
}

fn tenants(values: &Value) -> impl Iterator<Item = (&String, &Value)> {
    values["tenants"].as_object().into_iter().flatten()
}

/// Ids of the projects in the state.
fn ids(values: &Value) -> BTreeSet<String> {
    tenants(values).filter_map(|(_, it)| it["project_id"].as_str().map(str::to_owned)).collect()
}

/// Ids of the groups in the state.
fn group_ids(values: &Value) -> BTreeSet<String> {
    tenants(values)
        .filter_map(|(_, it)| it["bindings"]["users"]["group_id"].as_str().map(str::to_owned))
        .collect()
}

fn failures(values: &Value) -> BTreeSet<String> {
    values["failures"].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

/// The ids of the projects that Keystone has.
fn projects(cloud: &Cloud, domain_id: &str) -> Result<BTreeSet<String>> {
    listed(cloud, "projects", domain_id)
}

/// The ids of the groups that Keystone has.
fn groups(cloud: &Cloud, domain_id: &str) -> Result<BTreeSet<String>> {
    listed(cloud, "groups", domain_id)
}

fn listed(cloud: &Cloud, kind: &str, domain_id: &str) -> Result<BTreeSet<String>> {
    let found = cloud.ask(&format!("GET identity /{kind}?domain_id={domain_id}"), None)?;
    let found = found[kind].as_array().into_iter().flatten();
    Ok(found.filter_map(|it| it["id"].as_str().map(str::to_owned)).collect())
}
