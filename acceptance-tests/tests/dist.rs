//! What `cargo xtask dist` makes is what hosts install: packed twice alike, and applied from its mirror.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use acceptance_tests::terraform::Terraform;
use acceptance_tests::workspace::{TERRAFORM, Workspace};
use anyhow::{Context, Result, ensure};

/// A plain `init` from the mirror, and an apply with what it installed.
pub fn mirror() -> Result<()> {
    let workspace = Workspace::new("dist-mirror", |_| Ok(None))?;
    let result = install_and_apply(&workspace);
    workspace.end(result)
}

fn install_and_apply(workspace: &Workspace) -> Result<()> {
    let directory = workspace.directory();
    let (out, again) = (directory.join("dist"), directory.join("again"));
    let said = dist(workspace, &out)?;
    dist(workspace, &again)?;
    let sums = read_sums(&out)?;
    ensure!(sums == read_sums(&again)?, "packed twice, and not alike");
    let archives = sums.keys().filter(|it| it.ends_with(".zip")).count();
    ensure!(archives == 1 && sums.len() == 3, "an archive, its bill of materials and a manifest: {sums:?}");
    for (file, sum) in &sums {
        let output = Command::new("sha256sum").arg(out.join(file)).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(text.starts_with(sum), "another checksum of {file}: {text}");
    }

    // What it says is to be written to the command line configuration.
    let at = said.find("provider_installation").context("it does not say how to install")?;
    let config = directory.join("dist.tfrc");
    fs::write(&config, &said[at..])?;
    let path = |file: &Path| file.to_string_lossy().into_owned();
    let environment = BTreeMap::from([
        ("TF_CLI_CONFIG_FILE".to_owned(), path(&config)),
        ("OS_CLIENT_CONFIG_FILE".to_owned(), path(&directory.join("clouds.yaml"))),
        ("OS_CLOUD".to_owned(), "tenancy".to_owned()),
    ]);
    let terraform = Terraform::new(workspace.plugin.host().clone(), directory.to_owned(), environment);
    let run = |arguments: &[&str]| {
        let run = terraform.run(&[arguments, &["-no-color", "-input=false"]].concat())?;
        ensure!(run.code == 0, "by hand: {}\n{}", run.command_line, run.text);
        Ok(run)
    };
    fs::write(directory.join("terraform.tf"), TERRAFORM)?;
    fs::write(
        directory.join("main.tf"),
        "resource \"tenancy_workspace_domain\" \"acme\" {\n  name       = \"${var.prefix}-acme\"\n  on_destroy = \"delete\"\n}\n",
    )?;
    run(&["init"])?;
    let lock = fs::read_to_string(directory.join(".terraform.lock.hcl"))?;
    ensure!(lock.contains("h1:"), "the lock file has no checksum\n{lock}");
    run(&["apply", "-auto-approve"])?;
    run(&["plan", "-detailed-exitcode"])?;
    run(&["destroy", "-auto-approve"])?;
    Ok(())
}

fn dist(workspace: &Workspace, out: &Path) -> Result<String> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["xtask", "dist", "--binary"])
        .arg(&workspace.plugin.binary)
        .arg("--out")
        .arg(out)
        .current_dir(&workspace.plugin.root)
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The checksums by file, as a registry gets them.
fn read_sums(out: &Path) -> Result<BTreeMap<String, String>> {
    let files = fs::read_dir(out)?.map(|it| Ok(it?.path())).collect::<Result<Vec<_>>>()?;
    let sums =
        files.iter().find(|it| it.to_string_lossy().ends_with("_SHA256SUMS")).context("no checksums")?;
    let text = fs::read_to_string(sums)?;
    let pairs = text.lines().filter_map(|line| line.split_once("  "));
    Ok(pairs.map(|(sum, file)| (file.to_owned(), sum.to_owned())).collect())
}
