//! The examples are what users copy, so each is tried.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use acceptance_tests::account::Whose;
use acceptance_tests::expect::differences;
use acceptance_tests::host::{Feature, Host};
use acceptance_tests::plugin::Plugin;
use acceptance_tests::workspace::{TERRAFORM, Workspace};
use anyhow::{Context, Result, ensure};
use serde_json::json;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// Puts an example that is whole, and brings its own provider block, in the place of what every configuration has.
fn lay_out(workspace: &Workspace, example: &str, files: &[&str]) -> Result<()> {
    for file in ["terraform.tf", "provider.tf", "terraform.tfvars.json"] {
        fs::remove_file(workspace.directory().join(file))?;
    }
    for file in files {
        fs::copy(examples().join(example).join(file), workspace.directory().join(file))?;
    }
    Ok(())
}

/// The quickstart is applied, settles, and is destroyed.
pub fn quickstart(host: &Host) -> Result<()> {
    let workspace = Workspace::on(host, "examples-quickstart", Whose::Everyones, |_| Ok(None))?;
    let result = apply_quickstart(&workspace);
    workspace.end(result)
}

fn apply_quickstart(workspace: &Workspace) -> Result<()> {
    lay_out(workspace, "quickstart", &["main.tf"])?;
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

/// A spreadsheet becomes a workspace, and a row less of it a tenant less.
pub fn from_csv() -> Result<()> {
    let workspace = Workspace::new("examples-workspaces-from-csv", |_| Ok(None))?;
    let result = apply_csv(&workspace);
    workspace.end(result)
}

fn apply_csv(workspace: &Workspace) -> Result<()> {
    let directory = workspace.directory();
    lay_out(workspace, "workspaces-from-csv", &["main.tf", "tenants.csv"])?;
    workspace.init()?;
    let name = format!("-var=workspace={}-acme", workspace.prefix);
    let terraform = |arguments: &[&str], code: i32| {
        let run =
            workspace.terraform.run(&[arguments, &[name.as_str(), "-json", "-input=false"]].concat())?;
        ensure!(run.code == code, "by hand: {}\n{}", run.command_line, run.text);
        Ok(run)
    };
    let run = terraform(&["apply", "-auto-approve"], 0)?;
    ensure!(
        run.text.contains("jane@example.org"),
        "nobody says that jane@example.org is not there\n{}",
        run.text
    );
    terraform(&["plan", "-detailed-exitcode"], 0)?;
    let (_, outputs) = workspace.terraform.state()?;
    let lines = differences(&json!({"projects": {"web": "any", "mail": "any", "lab": "any"}}), &outputs);
    ensure!(lines.is_empty(), "{}", lines.join("\n"));
    let rows = fs::read_to_string(directory.join("tenants.csv"))?;
    let rows: String =
        rows.lines().filter(|row| !row.starts_with("lab,")).map(|row| format!("{row}\n")).collect();
    fs::write(directory.join("tenants.csv"), rows)?;
    terraform(&["apply", "-auto-approve"], 0)?;
    let (_, outputs) = workspace.terraform.state()?;
    let lines = differences(&json!({"projects": {"web": "any", "mail": "any", "lab": "absent"}}), &outputs);
    ensure!(lines.is_empty(), "{}", lines.join("\n"));
    terraform(&["destroy", "-auto-approve"], 0)?;
    Ok(())
}

/// The pipeline's script sees a change, no change, and a change against the rules.
pub fn pipeline() -> Result<()> {
    let workspace = Workspace::new("examples-ci", |_| Ok(None))?;
    let result = run_pipeline(&workspace);
    workspace.end(result)
}

fn run_pipeline(workspace: &Workspace) -> Result<()> {
    let directory = workspace.directory();
    fs::create_dir_all(directory.join("tests"))?;
    lay_out(workspace, "ci", &["main.tf", "plan.sh", "tests/policy.tftest.hcl"])?;
    let tenants = fs::read_to_string(examples().join("ci/tenants.auto.tfvars"))?;
    let tenants = tenants.replace("\"acme\"", &format!("\"{}-acme\"", workspace.prefix));
    let plan = |tenants: &str, expected: i32, says: &str| {
        fs::write(directory.join("tenants.auto.tfvars"), tenants)?;
        let output = Command::new("./plan.sh")
            .current_dir(directory)
            .env("TERRAFORM", workspace.plugin.host().name())
            .env("TF_CLI_CONFIG_FILE", workspace.plugin.host().cli_config())
            .env("OS_CLIENT_CONFIG_FILE", directory.join("clouds.yaml"))
            .env("OS_CLOUD", "tenancy")
            .output()?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        ensure!(output.status.code() == Some(expected), "not {expected}, but {}\n{said}", output.status);
        ensure!(said.contains(says), "it does not say \"{says}\"\n{said}");
        Ok(())
    };
    plan(&tenants, 2, "Warning: Member \"jane@example.org\" is pending")?;
    let run = workspace.terraform.run(&["apply", "-input=false", "-no-color", "plan.bin"])?;
    ensure!(run.code == 0, "by hand: {}\n{}", run.command_line, run.text);
    plan(&tenants, 0, "No changes")?;
    plan(&tenants.replace("cores       = 8", "cores       = 800"), 1, "has bought 200 cores")?;
    plan(&tenants.replace("RD-0007", "none"), 1, "two letters and four digits")?;
    fs::write(directory.join("tenants.auto.tfvars"), &tenants)?;
    let run = workspace.terraform.run(&["destroy", "-input=false", "-no-color", "-auto-approve"])?;
    ensure!(run.code == 0, "by hand: {}\n{}", run.command_line, run.text);
    Ok(())
}

/// Every other example is valid, and formatted; the README's is valid.
pub fn are_valid() -> Result<()> {
    let workspace = Workspace::new("examples-are-valid", |_| Ok(None))?;
    let result = validate_all(&workspace);
    workspace.clean()?;
    result?;
    // What the first host may not know, the first one does that can.
    for (kind, file, feature) in NEWER {
        let Some(host) = Plugin::get()?.hosts.iter().find(|it| it.can(feature)) else { continue };
        let workspace =
            Workspace::on(host, &format!("examples-{kind}-are-valid"), Whose::Everyones, |_| Ok(None))?;
        let result = validate_newer(&workspace, kind, file);
        workspace.clean()?;
        result?;
    }
    Ok(())
}

/// Examples that not every host reads: their folder, their file, and what the host must be able to do.
const NEWER: [(&str, &str, Feature); 2] = [
    ("list-resources", "list-resource.tfquery.hcl", Feature::Query),
    ("actions", "action.tf", Feature::Actions),
];

fn validate_newer(workspace: &Workspace, kind: &str, file: &str) -> Result<()> {
    workspace.init()?;
    let query = file.ends_with(".tfquery.hcl");
    let main = workspace.directory().join(if query { "main.tfquery.hcl" } else { "main.tf" });
    for entry in fs::read_dir(examples().join(kind))? {
        let example = entry?.path().join(file);
        fs::copy(&example, &main).with_context(|| format!("{} is missing", example.display()))?;
        let arguments: &[&str] =
            if query { &["validate", "-json", "-query"] } else { &["validate", "-json"] };
        let run = workspace.terraform.run(arguments)?;
        ensure!(run.code == 0, "{} is not valid\n{}", example.display(), run.text);
    }
    Ok(())
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
