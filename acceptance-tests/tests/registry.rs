//! What the registry's own program says of docs/. It is written in Go, and comes through Go's package client.

use std::fs;
use std::process::Command;

use acceptance_tests::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

const TFPLUGINDOCS: &str = "github.com/hashicorp/terraform-plugin-docs/cmd/tfplugindocs@v0.25.0";

/// Whether Go is there and can get it.
pub fn can_run() -> bool {
    let output = Command::new("go")
        .args(["run", TFPLUGINDOCS, "--version"])
        .current_dir(std::env::temp_dir())
        .output();
    output.is_ok_and(|output| output.status.success())
}

/// `tfplugindocs validate` finds nothing to say.
pub fn pages() -> Result<()> {
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
    ensure!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
