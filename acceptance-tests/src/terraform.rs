//! Runs Terraform and reads what it says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::host::Host;

/// Terraform in one working directory.
#[derive(Clone, Debug)]
pub struct Terraform {
    host: Host,
    /// The working directory.
    pub directory: PathBuf,
    environment: BTreeMap<String, String>,
}

/// One run of Terraform.
#[derive(Clone, Debug)]
pub struct Run {
    /// How to repeat it by hand.
    pub command_line: String,
    /// Exit status; -1 if a signal ended it.
    pub code: i32,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// Everything that it wrote.
    pub text: String,
}

/// An error or a warning.
#[derive(Clone, Debug, Deserialize)]
pub struct Diagnostic {
    /// `error` or `warning`.
    pub severity: String,
    /// In short.
    pub summary: String,
    /// At length.
    #[serde(default)]
    pub detail: String,
    /// The place in the configuration.
    pub snippet: Option<Snippet>,
}

/// A place in the configuration.
#[derive(Clone, Debug, Deserialize)]
pub struct Snippet {
    /// The block, such as `resource "tenancy_tenant_project" "web"`.
    pub context: Option<String>,
    /// The lines.
    pub code: String,
}

impl Diagnostic {
    /// Where it points: `tenancy_tenant_project.web.name`. Without a place: nothing.
    pub fn place(&self) -> String {
        let Some(Snippet { context, code }) = &self.snippet else { return String::new() };
        let block = |text: &str| {
            let mut words: Vec<_> = text.split(['"', ' ', '{']).filter(|it| !it.is_empty()).collect();
            words.retain(|it| *it != "resource");
            words.join(".")
        };
        let Some(context) = context else { return block(code.lines().next().unwrap_or_default()) };
        let context = block(context);
        match code.trim_start().split_once('=') {
            Some((attribute, _)) => format!("{context}.{}", attribute.trim_end()),
            None => context,
        }
    }
}

/// A resource instance in the state.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its values.
    pub values: Value,
    /// Whether the next apply would replace it.
    pub tainted: bool,
}

impl Terraform {
    /// Terraform, with these variables in its environment besides the usual ones.
    pub fn new(host: Host, directory: PathBuf, environment: BTreeMap<String, String>) -> Self {
        Terraform { host, directory, environment }
    }

    /// The program.
    pub fn host(&self) -> &Host {
        &self.host
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.host.command(&self.directory);
        command.args(arguments).envs(&self.environment).stdin(Stdio::null());
        command
    }

    /// Another program that will run Terraform, in some directory: with the same environment.
    pub fn around(&self, program: &str, directory: &Path) -> Command {
        let mut command = self.host.around(program, directory);
        command.envs(&self.environment).stdin(Stdio::null());
        command
    }

    /// How to run it by hand.
    pub fn command_line(&self, arguments: &[&str]) -> String {
        let config = self.host.cli_config().display();
        let mut line = format!("cd {} && env TF_CLI_CONFIG_FILE={config}", self.directory.display());
        for (name, value) in self.environment.iter().filter(|(name, _)| !name.starts_with("TF_LOG")) {
            let _ = write!(line, " {name}={value}");
        }
        let _ = write!(line, " {} {}", self.host.name(), arguments.join(" "));
        line
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Result<Run> {
        let output = self.command(arguments).output().context("terraform does not run")?;
        Ok(self.understand(arguments, &output))
    }

    /// Starts it, in a process group of its own. What it writes is read at its end.
    pub fn start(&self, arguments: &[&str]) -> Result<Child> {
        let mut command = self.command(arguments);
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().context("terraform does not run")
    }

    /// What a run that has ended says.
    pub fn understand(&self, arguments: &[&str], output: &Output) -> Run {
        let stdout = String::from_utf8_lossy(&output.stdout);
        let mut diagnostics = Vec::new();
        // Either one JSON document per line, or, from `validate`, one in all.
        let whole = serde_json::from_str::<Value>(&stdout).ok().filter(|it| it.get("diagnostics").is_some());
        let lines = stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let each = match whole {
            Some(mut it) => it["diagnostics"].take().as_array().cloned().unwrap_or_default(),
            None => lines.filter_map(|mut it| Some(it.get_mut("diagnostic")?.take())).collect(),
        };
        for found in each {
            if let Ok(found) = serde_json::from_value(found) {
                diagnostics.push(found);
            }
        }
        Run {
            command_line: self.command_line(arguments),
            code: output.status.code().unwrap_or(-1),
            diagnostics,
            text: format!("{stdout}{}", String::from_utf8_lossy(&output.stderr)),
        }
    }

    /// The plan in a file, as JSON.
    pub fn show(&self, plan: &str) -> Result<Value> {
        let run = self.run(&["show", "-json", plan])?;
        ensure!(run.code == 0, "{}\n{}", run.command_line, run.text);
        Ok(serde_json::from_str(run.text.lines().find(|it| it.starts_with('{')).unwrap_or_default())?)
    }

    /// The state: instances by address, and outputs.
    pub fn state(&self) -> Result<(BTreeMap<String, Instance>, Value)> {
        read_state(&self.directory.join("terraform.tfstate"))
    }
}

#[derive(Deserialize)]
struct StateFile {
    #[serde(default)]
    outputs: BTreeMap<String, StateOutput>,
    #[serde(default)]
    resources: Vec<StateResource>,
}

#[derive(Deserialize)]
struct StateOutput {
    value: Value,
}

#[derive(Deserialize)]
struct StateResource {
    module: Option<String>,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    instances: Vec<StateInstance>,
}

#[derive(Deserialize)]
struct StateInstance {
    index_key: Option<Value>,
    status: Option<String>,
    attributes: Value,
}

fn read_state(file: &Path) -> Result<(BTreeMap<String, Instance>, Value)> {
    if !file.exists() {
        return Ok((BTreeMap::new(), Value::Null));
    }
    let state: StateFile = serde_json::from_slice(&fs::read(file)?).context("the state cannot be read")?;
    let mut all = BTreeMap::new();
    for resource in state.resources {
        let module = resource.module.map(|it| format!("{it}.")).unwrap_or_default();
        let data = if resource.mode == "data" { "data." } else { "" };
        for instance in resource.instances {
            let key = instance.index_key.map(|it| format!("[{it}]")).unwrap_or_default();
            let address = format!("{module}{data}{}.{}{key}", resource.kind, resource.name);
            let tainted = instance.status.as_deref() == Some("tainted");
            all.insert(address, Instance { values: instance.attributes, tainted });
        }
    }
    let outputs = state.outputs.into_iter().map(|(name, it)| (name, it.value)).collect();
    Ok((all, Value::Object(outputs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let place = |context: Option<&str>, code: &str| {
            let snippet = Some(Snippet { context: context.map(str::to_owned), code: code.to_owned() });
            Diagnostic { severity: String::new(), summary: String::new(), detail: String::new(), snippet }
                .place()
        };
        let project = Some(r#"resource "tenancy_tenant_project" "web""#);
        assert_eq!(place(project, "  name      = \"web\""), "tenancy_tenant_project.web.name");
        assert_eq!(place(Some(r#"provider "tenancy""#), "  token = var.token"), "provider.tenancy.token");
        assert_eq!(place(Some(r#"data "tenancy_role" "x""#), "  name = \"x\""), "data.tenancy_role.x.name");
        assert_eq!(place(None, r#"provider "tenancy" {"#), "provider.tenancy");
        assert_eq!(
            place(project, r#"resource "tenancy_tenant_project" "web" {"#),
            "tenancy_tenant_project.web"
        );
    }
}
