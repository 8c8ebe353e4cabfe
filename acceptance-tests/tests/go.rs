//! What programs and libraries of Terraform's world that are written in Go make of the provider. They come through Go's
//! package client.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use acceptance_tests::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

const TFPLUGINDOCS: &str = "github.com/hashicorp/terraform-plugin-docs/cmd/tfplugindocs@v0.25.0";

/// Whether Go is there and can get it.
pub fn has_tfplugindocs() -> bool {
    go_can(&["run", TFPLUGINDOCS, "--version"], &std::env::temp_dir())
}

/// `tfplugindocs validate` finds nothing to say.
pub fn documentation() -> Result<()> {
    let workspace = Workspace::new("docs-registry", |_| Ok(None))?;
    let result = validate(&workspace);
    workspace.clean()?;
    result
}

fn validate(workspace: &Workspace) -> Result<()> {
    workspace.init()?;
    let run = workspace.terraform.run(&["providers", "schema", "-json"])?;
    ensure!(run.code == 0, "by hand: {}\n{}", run.command_line, run.text);
    let all: Value = serde_json::from_str(run.text.trim())?;
    let all = all["provider_schemas"].as_object().context("no schemas")?;
    let ours =
        all.iter().find(|(address, _)| address.ends_with("/tenancy/tenancy")).context("no schema of ours")?;
    // It knows short names only.
    let file = workspace.directory().join("schema.json");
    fs::write(&file, json!({"format_version": "1.0", "provider_schemas": {"tenancy": ours.1}}).to_string())?;
    let output = Command::new("go")
        .args(["run", TFPLUGINDOCS, "validate", "--provider-name", "tenancy", "--provider-dir"])
        .arg(&workspace.plugin.root)
        .arg("--providers-schema")
        .arg(&file)
        .current_dir(workspace.directory())
        .output()?;
    ensure!(output.status.success(), "{}", text(&output));
    Ok(())
}

/// Whether Go is there and can get what our tests in Go need. Nothing is compiled for the answer.
pub fn has_modules() -> bool {
    go_can(&["mod", "download"], &tests_in_go())
}

/// Our tests in Go pass: terraform-plugin-testing with the provider, as in the repository of any provider.
pub fn plugin_testing() -> Result<()> {
    let workspace = Workspace::new("plugin-testing", |_| Ok(None))?;
    let result = test(&workspace);
    workspace.end(result)
}

fn test(workspace: &Workspace) -> Result<()> {
    let terraform = &workspace.terraform;
    let output = terraform
        .around("go", &tests_in_go())
        // Whatever was built may be taken from Go's cache, but no result.
        .args(["test", "-count=1", "-v", "./..."])
        .env("TF_ACC", "1")
        .env("TF_ACC_TERRAFORM_PATH", terraform.host().path().context("the host is not on the path")?)
        .env("TF_ACC_TEMP_DIR", workspace.directory())
        // The names for Terraform's own would make the library itself log.
        .env_remove("TF_LOG")
        .env_remove("TF_LOG_PATH")
        .env("TF_ACC_LOG", "trace")
        .env("TF_ACC_LOG_PATH", workspace.directory().join("terraform.log"))
        .env("TENANCY_TEST_PREFIX", &workspace.prefix)
        .output()?;
    let text = text(&output);
    fs::write(workspace.directory().join("output.log"), &text)?;
    ensure!(output.status.success() && !text.contains("--- SKIP"), "{text}");
    let leaks = workspace.leaks()?;
    ensure!(leaks.is_empty(), "secrets in logs:\n{}", leaks.join("\n"));
    Ok(())
}

fn tests_in_go() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("go")
}

fn go_can(arguments: &[&str], directory: &Path) -> bool {
    let output = Command::new("go").args(arguments).current_dir(directory).output();
    output.is_ok_and(|output| output.status.success())
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}
