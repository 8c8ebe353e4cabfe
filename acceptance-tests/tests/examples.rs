//! The examples are what users copy, so each is tried.

use std::fs;
use std::path::{Path, PathBuf};

use acceptance_tests::expect::differences;
use acceptance_tests::workspace::{TERRAFORM, Workspace};
use anyhow::{Context, Result, ensure};
use serde_json::json;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// The quickstart is applied, settles, and is destroyed.
pub fn quickstart() -> Result<()> {
    let workspace = Workspace::new("examples-quickstart", |_| Ok(None))?;
    let result = apply_quickstart(&workspace);
    let left = workspace.clean()?;
    result?;
    ensure!(left.is_empty(), "these things could not be removed: {}", left.join(", "));
    Ok(())
}

fn apply_quickstart(workspace: &Workspace) -> Result<()> {
    // It is whole: it brings its own provider block.
    for file in ["terraform.tf", "provider.tf", "terraform.tfvars.json"] {
        fs::remove_file(workspace.directory().join(file))?;
    }
    fs::copy(examples().join("quickstart/main.tf"), workspace.directory().join("main.tf"))?;
    workspace.init()?;
    let name = format!("-var=workspace={}-acme", workspace.prefix);
    let terraform = |arguments: &[&str]| {
        let run =
            workspace.terraform.run(&[arguments, &[name.as_str(), "-json", "-input=false"]].concat())?;
        ensure!(run.code == 0, "by hand: {}\n{}", run.command_line, run.text);
        Ok(run)
    };
    let run = terraform(&["apply", "-auto-approve"])?;
    let pending = run.diagnostics.iter().filter(|it| it.summary.contains("jane@example.org")).count();
    ensure!(pending > 0, "nobody says that jane@example.org is not there yet\n{}", run.text);
    let (instances, outputs) = workspace.terraform.state()?;
    let expected = json!({
        "projects": {"web": "any", "mail": "any", "lab": "any"},
        "pending_members": {"web-users": ["jane@example.org"], "lab-users": ["jane@example.org"], "mail-users": "absent"},
        "usage": {"web": {"servers": 0, "volumes_gib": 0, "completeness": {"compute": "exact_existence"}}},
    });
    let lines = differences(&expected, &outputs);
    ensure!(lines.is_empty(), "{}", lines.join("\n"));
    let group = instances.get("tenancy_project_group_binding.this[\"web-users\"]").context("no binding")?;
    let group = group.values["group_id"].as_str().context("no group")?;
    let users = workspace.cloud.ask(&format!("GET identity /groups/{group}/users"), None)?;
    let lines = differences(&json!({"users": [{"name": "admin"}]}), &users);
    ensure!(lines.is_empty(), "{}", lines.join("\n"));
    terraform(&["plan", "-detailed-exitcode"])?;
    terraform(&["destroy", "-auto-approve"])?;
    Ok(())
}

/// Every other example is valid, and formatted; the README's is valid.
pub fn are_valid() -> Result<()> {
    let workspace = Workspace::new("examples-are-valid", |_| Ok(None))?;
    let result = validate_all(&workspace);
    workspace.clean()?;
    result
}

fn validate_all(workspace: &Workspace) -> Result<()> {
    let run = workspace.terraform.run(&[
        "fmt",
        "-no-color",
        "-check",
        "-diff",
        "-recursive",
        examples().to_str().context("an odd path")?,
    ])?;
    ensure!(run.code == 0, "the examples are not formatted\n{}", run.text);
    let mut folders: Vec<PathBuf> = vec![examples().join("provider")];
    for kind in ["resources", "data-sources", "ephemeral-resources", "functions"] {
        for entry in fs::read_dir(examples().join(kind))? {
            folders.push(entry?.path());
        }
    }
    let mut all = vec![("README.md".to_owned(), readme()?)];
    for folder in folders {
        let file = ["provider.tf", "resource.tf", "data-source.tf", "ephemeral-resource.tf", "function.tf"]
            .iter()
            .map(|it| folder.join(it));
        let file = file.into_iter().find(|it| it.is_file());
        let file = file.with_context(|| format!("{} has no example", folder.display()))?;
        all.push((file.display().to_string(), fs::read_to_string(&file)?));
    }
    let mut initialised = false;
    for (name, text) in all {
        // An example is whole, or lacks only what every configuration has.
        let rest = if text.contains("required_providers") { "" } else { TERRAFORM };
        fs::write(workspace.directory().join("terraform.tf"), rest)?;
        fs::write(workspace.directory().join("provider.tf"), "")?;
        fs::write(workspace.directory().join("main.tf"), text)?;
        if !initialised {
            workspace.init()?;
            initialised = true;
        }
        let run = workspace.terraform.run(&["validate", "-json"])?;
        ensure!(run.code == 0, "{name} is not valid\n{}", run.text);
    }
    Ok(())
}

/// The configuration that the README begins with.
fn readme() -> Result<String> {
    let text = fs::read_to_string(examples().join("../README.md"))?;
    let mut blocks = text.split("```hcl\n").skip(1).filter_map(|rest| rest.split("```").next());
    let whole = blocks.find(|block| block.contains("required_providers"));
    Ok(whole.context("README.md has no whole configuration")?.to_owned())
}
