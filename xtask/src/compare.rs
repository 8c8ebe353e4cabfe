//! `cargo xtask compare caso`: the accounting records of the provider beside those of cASO, field by field.
//!
//! cASO is what EGI's sites send records with. It is installed into the target directory, and both read the same
//! projects of the same cloud for the same window. The guide `metering` explains every difference that is to be
//! expected.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use acceptance_tests::host::{self, Host};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::devcloud::{Paths, checked};
use crate::workspace::Workspace;

/// The release that is compared with.
const CASO: &str = "caso==5.2.2";
const SITE: &str = "DEVCLOUD";

/// Arguments of `compare`.
#[derive(clap::Args)]
pub struct Arguments {
    /// What to compare with
    #[arg(value_parser = ["caso"])]
    with: String,
    /// Start of the window (RFC 3339)
    #[arg(long)]
    start: String,
    /// End of the window (RFC 3339), in the past
    #[arg(long)]
    end: String,
    /// Ids of the projects; the account needs a role in each
    #[arg(long, value_delimiter = ',', required = true)]
    projects: Vec<String>,
    /// Virtual organisation of projects that name none
    #[arg(long, default_value = "vo.example.org")]
    vo: String,
    /// A clouds.yaml; by default that of the devcloud
    #[arg(long, value_name = "FILE")]
    clouds: Option<PathBuf>,
    /// The entry in it
    #[arg(long, default_value = "devcloud")]
    cloud: String,
    /// Take this binary of the provider, instead of building one
    #[arg(long, value_name = "FILE")]
    provider: Option<PathBuf>,
}

/// A record: the fields and their values.
type Record = BTreeMap<String, String>;

/// Compares and prints.
pub fn run(arguments: Arguments) -> Result<()> {
    let workspace = Workspace::find()?;
    let directory = workspace.target.join("compare");
    fs::create_dir_all(&directory)?;
    let clouds = match &arguments.clouds {
        Some(file) => file.clone(),
        None => Paths::new(&workspace, None)?.clouds(),
    };
    let provider = match &arguments.provider {
        Some(file) => file.clone(),
        None => host::build(&workspace.root, &workspace.target)?,
    };
    let theirs = caso(&arguments, &clouds, &directory)?;
    let ours = provider_records(&arguments, &clouds, &provider, &directory)?;
    print(&theirs, &ours);
    Ok(())
}

#[derive(Deserialize)]
struct Clouds {
    clouds: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    auth: BTreeMap<String, String>,
}

/// Installs and runs cASO; gives its cloud records.
fn caso(arguments: &Arguments, clouds: &Path, directory: &Path) -> Result<Vec<Record>> {
    let venv = directory.join(CASO.replace("==", "-"));
    let installed = venv.join("installed");
    if !installed.exists() {
        println!("installing {CASO} ...");
        checked(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        checked(Command::new(venv.join("bin/pip")).args(["install", "--quiet", CASO]))?;
        fs::write(&installed, "")?;
    }
    let text = fs::read_to_string(clouds).with_context(|| format!("cannot read {}", clouds.display()))?;
    let mut known: Clouds = serde_saphyr::from_str(&text)?;
    let Entry { auth } = known
        .clouds
        .remove(&arguments.cloud)
        .with_context(|| format!("there is no cloud {}", arguments.cloud))?;

    let work = directory.join("caso");
    let _ = fs::remove_dir_all(&work);
    let (spool, output, mapping) = (work.join("spool"), work.join("records"), work.join("mapping.json"));
    fs::create_dir_all(&spool)?;
    let projects = &arguments.projects;
    fs::write(&mapping, serde_json::json!({ &arguments.vo: { "projects": projects } }).to_string())?;
    // It logs in to each project by itself.
    let auth: String = auth
        .iter()
        .filter(|(key, _)| !key.starts_with("project") && !key.starts_with("system"))
        .map(|(key, value)| format!("{key} = {value}\n"))
        .collect();
    let config = work.join("caso.conf");
    fs::write(
        &config,
        format!(
            "[DEFAULT]\nsite_name = {SITE}\nservice_name = {SITE}\nprojects = {}\nmessengers = ssm\nspooldir = {}\n\
             extractor = nova\nvo_property = accounting:VO\nmapping_file = {}\n[ssm]\noutput_path = {}\n\
             [keystone_auth]\nauth_type = password\n{auth}",
            projects.join(","),
            spool.display(),
            mapping.display(),
            output.display(),
        ),
    )?;
    let log = Command::new(venv.join("bin/caso-extract"))
        .arg("--config-file")
        .arg(&config)
        .args(["--extract-from", &arguments.start, "--extract-to", &arguments.end])
        .output()
        .context("cASO does not run")?;
    // It has the password.
    fs::remove_file(&config)?;
    ensure!(log.status.success(), "cASO failed:\n{}", String::from_utf8_lossy(&log.stderr));
    let mut records = Vec::new();
    for message in files(&output)? {
        records.extend(parse(&fs::read_to_string(message)?));
    }
    ensure!(!records.is_empty(), "cASO wrote no record:\n{}", String::from_utf8_lossy(&log.stderr));
    Ok(records)
}

/// Every file below a directory.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// The records of a message.
fn parse(message: &str) -> Vec<Record> {
    let Some(records) = message.strip_prefix("APEL-cloud-message: v0.4\n") else { return Vec::new() };
    let field = |line: &str| line.split_once(": ").map(|(key, value)| (key.to_owned(), value.to_owned()));
    records.split("%%\n").map(|record| record.lines().filter_map(field).collect()).collect()
}

/// Reads the same with the data source.
fn provider_records(
    arguments: &Arguments,
    clouds: &Path,
    provider: &Path,
    directory: &Path,
) -> Result<Vec<Record>> {
    let host = Host::new(provider, directory)?;
    let work = directory.join("work");
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work)?;
    let Arguments { start, end, projects, vo, .. } = arguments;
    fs::write(
        work.join("main.tf"),
        format!(
            "terraform {{\n  required_providers {{\n    tenancy = {{ source = \"{}\" }}\n  }}\n}}\n\
             data \"tenancy_metered_usage\" \"window\" {{\n  start       = {start:?}\n  end         = {end:?}\n  \
             project_ids = {projects:?}\n  services    = [\"compute\"]\n  renderings  = [\"cloud_records\"]\n  \
             accounting  = {{ site_name = {SITE:?}, vo_property = \"accounting:VO\", vo = {vo:?} }}\n}}\n\
             output \"records\" {{\n  value = data.tenancy_metered_usage.window.cloud_records\n}}\n",
            host::SOURCE
        ),
    )?;
    let terraform = |words: &[&str]| -> Result<String> {
        let output = host
            .command(&work)
            .env("OS_CLIENT_CONFIG_FILE", clouds)
            .env("OS_CLOUD", &arguments.cloud)
            .args(words)
            .output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} {} failed:\n{text}", host.name(), words.join(" "));
        Ok(String::from_utf8(output.stdout)?)
    };
    terraform(&["init", "-input=false", "-no-color"])?;
    terraform(&["apply", "-input=false", "-auto-approve", "-no-color"])?;
    Ok(parse(&terraform(&["output", "-raw", "records"])?))
}

/// Prints each server that only one has, and each field that differs.
fn print(theirs: &[Record], ours: &[Record]) {
    let by_id = |all: &[Record]| -> BTreeMap<String, Record> {
        all.iter().filter_map(|it| Some((it.get("VMUUID")?.clone(), it.clone()))).collect()
    };
    let (theirs, ours) = (by_id(theirs), by_id(ours));
    let ids: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    let (mut fields, mut same) = (0, 0);
    println!("{:<36}  {:<20} {:>24} {:>24}", "server", "field", "cASO", "provider");
    let row = |id: &str, field: &str, theirs: &str, ours: &str| {
        println!("{id:<36}  {field:<20} {theirs:>24} {ours:>24}");
    };
    for id in &ids {
        let (their, our) = match (theirs.get(*id), ours.get(*id)) {
            (Some(their), Some(our)) => (their, our),
            (their, _) => {
                let has = |it: bool| if it { "a record" } else { "none" };
                row(id, "", has(their.is_some()), has(their.is_none()));
                continue;
            }
        };
        for key in their.keys().chain(our.keys()).collect::<BTreeSet<_>>() {
            let value = |of: &Record| of.get(key).cloned().unwrap_or_else(|| "-".into());
            fields += 1;
            if value(their) == value(our) {
                same += 1;
            } else {
                row(id, key, &value(their), &value(our));
            }
        }
    }
    println!(
        "{} servers: cASO has {}, the provider {}. Of {fields} fields of those that both have, {same} are the same.",
        ids.len(),
        theirs.len(),
        ours.len()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_records() {
        let message = "APEL-cloud-message: v0.4\nMachineName: a: b\nVMUUID: 1\n%%\nVMUUID: 2\n";
        let records = parse(message);
        assert_eq!(records.len(), 2);
        assert_eq!(records[0]["MachineName"], "a: b");
        assert_eq!(records[1]["VMUUID"], "2");
        assert!(parse("{}").is_empty());
    }
}
