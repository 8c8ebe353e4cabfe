//! The quickstart on a real cloud: apply it, plan again, and ask Keystone what is there.

use std::collections::BTreeSet;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use acceptance_tests::host::{self, Host};
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};
use ureq::Agent;

use crate::devcloud::{Cloud, PASSWORD, Paths, Wanted};
use crate::workspace::Workspace;

/// Arguments of `demo`.
#[derive(Args)]
pub struct Arguments {
    /// Destroy what an earlier demo made, and begin anew.
    #[arg(long)]
    fresh: bool,
    /// Another configuration than the quickstart.
    #[arg(long, value_name = "DIRECTORY")]
    example: Option<PathBuf>,
}

/// Runs the demo.
pub fn run(arguments: Arguments) -> Result<()> {
    let workspace = Workspace::find()?;
    let example = arguments.example.unwrap_or_else(|| workspace.root.join("examples/quickstart"));
    ensure!(example.is_dir(), "there is no example in {}", example.display());

    title("An OpenStack on this machine");
    let cloud = Cloud::new(Paths::new(&workspace, None)?);
    cloud.up(&Wanted::default())?;

    title("The provider");
    let directory = workspace.target.join("demo");
    fs::create_dir_all(&directory)?;
    let host = Host::new(&host::build(&workspace.root, &workspace.target)?, &directory)?;
    println!("{} finds it in {}", host.name(), host.cli_config().display());

    let work = directory.join("work");
    lay_out(&example, &work)?;
    let terraform = |arguments: &[&str]| {
        println!("\n$ {} {}", host.name(), arguments.join(" "));
        let mut command = host.command(&work);
        command
            .env("OS_CLIENT_CONFIG_FILE", cloud.paths().clouds())
            .env("OS_CLOUD", "devcloud")
            .args(arguments);
        if !std::io::stdout().is_terminal() {
            command.arg("-no-color");
        }
        command
    };
    title("The quickstart, applied");
    // It warns that the checksums of a mirror are for one platform only: of no interest here.
    let output = terraform(&["init", "-input=false"]).output()?;
    ensure!(output.status.success(), "init failed:\n{}", String::from_utf8_lossy(&output.stderr));
    if arguments.fresh && work.join("terraform.tfstate").exists() {
        succeed(terraform(&["destroy", "-input=false", "-auto-approve"]))?;
    }
    succeed(terraform(&["apply", "-input=false", "-auto-approve"]))?;

    title("Planned again: nothing may change");
    let status = terraform(&["plan", "-input=false", "-detailed-exitcode"]).status()?;
    ensure!(status.code() != Some(2), "a second plan shows changes");
    ensure!(status.success(), "the second plan failed");

    title("What Keystone itself says");
    let output = terraform(&["show", "-json"]).output()?;
    ensure!(output.status.success(), "the state cannot be shown");
    let mut known = BTreeSet::new();
    strings(&serde_json::from_slice(&output.stdout)?, &mut known);
    Keystone::login(&cloud.keystone()?)?.report(&known)?;

    title("What the tenants used, in hours");
    succeed(terraform(&["output", "usage"]))?;

    title("What to try next");
    println!(
        "  edit    {work}\n  shell   export TF_CLI_CONFIG_FILE='{config}'; eval \"$(cargo xtask devcloud env)\"; cd '{work}'\n  \
         again   {name} plan; {name} apply\n  undo    {name} destroy\n  anew    cargo xtask demo --fresh\n  stop    cargo \
         xtask devcloud down",
        work = work.display(),
        config = host.cli_config().display(),
        name = host.name(),
    );
    Ok(())
}

fn title(text: &str) {
    println!("\n== {text}");
}

fn succeed(mut command: Command) -> Result<()> {
    let status = command.status()?;
    ensure!(status.success(), "{:?} failed ({status})", command.get_program());
    Ok(())
}

/// Copies the configuration into the work directory, whose state stays.
fn lay_out(example: &Path, work: &Path) -> Result<()> {
    fs::create_dir_all(work)?;
    for entry in fs::read_dir(work)? {
        let path = entry?.path();
        let is_configuration =
            path.extension().is_some_and(|extension| extension == "tf" || extension == "tfvars");
        // The lock file holds a checksum of the provider, which has been built anew.
        if is_configuration || path.ends_with(".terraform.lock.hcl") {
            fs::remove_file(path)?;
        }
    }
    for entry in fs::read_dir(example)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), work.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Every string of a document.
fn strings(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, found)),
        _ => {}
    }
}

/// Keystone, asked without the provider.
struct Keystone {
    agent: Agent,
    url: String,
    token: String,
}

impl Keystone {
    fn login(url: &str) -> Result<Self> {
        let agent: Agent =
            Agent::config_builder().proxy(None).timeout_global(Some(Duration::from_secs(60))).build().into();
        let domain = json!({"id": "default"});
        let answer = agent.post(format!("{url}/auth/tokens")).send_json(json!({"auth": {
            "identity": {"methods": ["password"], "password": {
                "user": {"name": "admin", "domain": domain, "password": PASSWORD}}},
            "scope": {"project": {"name": "admin", "domain": domain}},
        }}))?;
        let token =
            answer.headers().get("x-subject-token").context("Keystone gave no token")?.to_str()?.to_owned();
        Ok(Self { agent, url: url.to_owned(), token })
    }

    /// The list `key` of what `path` answers.
    fn list(&self, path: &str, key: &str) -> Result<Vec<Value>> {
        let url = format!("{}/{path}", self.url);
        let answer = self.agent.get(&url).header("X-Auth-Token", &self.token).call();
        let body: Value = answer.with_context(|| url.clone())?.body_mut().read_json()?;
        Ok(body[key].as_array().cloned().unwrap_or_default())
    }

    /// Prints what of Keystone's lists has an id that is known.
    fn report(&self, known: &BTreeSet<String>) -> Result<()> {
        let is_known = |item: &Value| item["id"].as_str().is_some_and(|id| known.contains(id));
        for kind in ["domains", "projects", "groups"] {
            for item in self.list(kind, kind)?.iter().filter(|item| is_known(item)) {
                let enabled = if item["enabled"] == json!(false) { ", disabled" } else { "" };
                println!(
                    "{:<8} {} ({}{enabled})",
                    kind.trim_end_matches('s'),
                    text(&item["name"]),
                    text(&item["id"])
                );
                if kind == "groups" {
                    for user in self.list(&format!("groups/{}/users", text(&item["id"])), "users")? {
                        println!("         member {}", text(&user["name"]));
                    }
                }
            }
        }
        for grant in self.list("role_assignments?include_names=true", "role_assignments")? {
            let (project, domain) = (&grant["scope"]["project"], &grant["scope"]["domain"]);
            if !is_known(project) && !is_known(domain) {
                continue;
            }
            let (kind, actor) = if grant["group"].is_object() {
                ("group", &grant["group"])
            } else {
                ("user", &grant["user"])
            };
            let (scope, target) = if project.is_object() { ("project", project) } else { ("domain", domain) };
            println!(
                "role     {} for {kind} {} on {scope} {}",
                text(&grant["role"]["name"]),
                text(&actor["name"]),
                text(&target["name"])
            );
        }
        Ok(())
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}
