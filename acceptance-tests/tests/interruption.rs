//! What a run leaves behind that does not come to its end.

use std::collections::BTreeSet;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use acceptance_tests::cloud::{Cloud, text_at};
use acceptance_tests::plugin;
use acceptance_tests::process;
use acceptance_tests::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

const MANY: usize = 30;

/// So many projects that there is time to stop in between.
const CONFIGURATION: &str = r#"
resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "many" {
  count     = 30
  name      = "${var.prefix}-${count.index}"
  domain_id = tenancy_workspace_domain.acme.id
}
"#;

const APPLY: &[&str] = &["apply", "-json", "-auto-approve", "-input=false", "-parallelism=3"];

/// The provider's process is killed in the middle of an apply. The next apply takes over what no state knows of, and
/// nothing is there twice.
pub fn provider_killed() -> Result<()> {
    with_workspace("provider-killed", |workspace| {
        let terraform = &workspace.terraform;
        let child = terraform.start(APPLY)?;
        let domain_id = when_some_exist(workspace, &child)?;
        process::kill(process::child(child.id(), plugin::NAME).context("there is no provider to kill")?)?;
        let run = terraform.understand(APPLY, &child.wait_with_output()?);
        ensure!(run.code == 1, "the apply survived its provider\n{}", run.text);
        let made = projects(&workspace.cloud, &domain_id)?;
        ensure!(made.len() < MANY, "the provider was killed too late for anything to be seen");

        complete(workspace, &domain_id)
    })
}

/// Ctrl-C in the middle of an apply: whatever Keystone has made by then is in the state.
pub fn interrupted() -> Result<()> {
    with_workspace("interrupted", |workspace| {
        let terraform = &workspace.terraform;
        let child = terraform.start(APPLY)?;
        let domain_id = when_some_exist(workspace, &child)?;
        process::interrupt_group(child.id())?;
        let run = terraform.understand(APPLY, &child.wait_with_output()?);
        ensure!(run.code == 1, "the apply was not interrupted\n{}", run.text);
        let made = projects(&workspace.cloud, &domain_id)?;
        ensure!(made.len() < MANY, "the signal came too late for anything to be seen");
        let known = known(workspace)?;
        ensure!(made == known, "Keystone has {made:?}\nthe state has {known:?}\n{}", run.text);

        complete(workspace, &domain_id)
    })
}

fn with_workspace(name: &str, test: impl FnOnce(&Workspace) -> Result<()>) -> Result<()> {
    let workspace = Workspace::new(name, |_| Ok(None))?;
    std::fs::write(workspace.directory().join("main.tf"), CONFIGURATION)?;
    let result = workspace.init().and_then(|()| test(&workspace));
    let result = result.and_then(|()| {
        let leaks = workspace.leaks()?;
        ensure!(leaks.is_empty(), "secrets in logs or states:\n{}", leaks.join("\n"));
        Ok(())
    });
    workspace.end(result)
}

/// Waits until a few projects are there, and gives the id of their domain.
fn when_some_exist(workspace: &Workspace, child: &Child) -> Result<String> {
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        let domains =
            workspace.cloud.ask(&format!("GET identity /domains?name={}-acme", workspace.prefix), None)?;
        if let Ok(id) = text_at(&domains, "/domains/0/id")
            && projects(&workspace.cloud, &id)?.len() >= 3
        {
            return Ok(id);
        }
        sleep(Duration::from_millis(10));
    }
    anyhow::bail!("process {} made no projects", child.id())
}

/// The ids of the projects that Keystone has.
fn projects(cloud: &Cloud, domain_id: &str) -> Result<BTreeSet<String>> {
    let found = cloud.ask(&format!("GET identity /projects?domain_id={domain_id}"), None)?;
    let found = found["projects"].as_array().into_iter().flatten();
    Ok(found.filter_map(|it| it["id"].as_str().map(str::to_owned)).collect())
}

/// The ids of the projects that the state has.
fn known(workspace: &Workspace) -> Result<BTreeSet<String>> {
    let (instances, _) = workspace.terraform.state()?;
    for (address, instance) in &instances {
        ensure!(!instance.tainted, "{address} is tainted");
    }
    let ids = instances.iter().filter(|(address, _)| address.starts_with("tenancy_tenant_project"));
    Ok(ids.filter_map(|(_, it)| it.values.get("id").and_then(Value::as_str).map(str::to_owned)).collect())
}

/// Applies again: everything is there, once, and stays.
fn complete(workspace: &Workspace, domain_id: &str) -> Result<()> {
    let run = workspace.terraform.run(APPLY)?;
    ensure!(run.code == 0, "the second apply failed\nby hand: {}\n{}", run.command_line, run.text);
    let (made, known) = (projects(&workspace.cloud, domain_id)?, known(workspace)?);
    ensure!(made.len() == MANY && made == known, "Keystone has {made:?}\nthe state has {known:?}");
    let run = workspace.terraform.run(&["plan", "-json", "-input=false", "-detailed-exitcode"])?;
    ensure!(run.code == 0, "the plan afterwards has changes\nby hand: {}\n{}", run.command_line, run.text);
    Ok(())
}
