//! Runs a scenario, step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::cloud;
use crate::expect::differences;
use crate::host::{Feature, Host};
use crate::login::Login;
use crate::proxy::Proxy;
use crate::scenario::{Command, Message, Request, Scenario, Script, Step};
use crate::terraform::{Diagnostic, Run};
use crate::untrusted;
use crate::values::{self, Values};
use crate::workspace::Workspace;

/// How long a request with `eventually` is asked again.
const PATIENCE: Duration = Duration::from_secs(90);

/// Runs the scenario in a folder, and says what the host showed of what not every host can do.
pub fn run(folder: &Path, host: &Host) -> Result<BTreeSet<Feature>> {
    let scenario = Scenario::read(folder)?;
    let mut proxy = None;
    let workspace = Workspace::on(host, &scenario.name, scenario.account(), |cloud| {
        if scenario.needs_proxy() {
            proxy = Some(Proxy::start(&cloud.keystone, cloud.endpoints())?);
        }
        Ok(proxy.clone())
    })?;
    let mut player = Player::new(workspace, proxy)?;
    let result = player.play(&scenario);
    player.workspace.end(result)?;
    Ok(player.shown)
}

/// Plays the steps of one scenario.
pub struct Player {
    /// Where.
    pub workspace: Workspace,
    /// What `${...}` can name.
    pub values: Values,
    proxy: Option<Proxy>,
    variables: BTreeMap<String, Value>,
    /// A state that takes the place of the one that is there, in the next step.
    state: Option<String>,
    shown: BTreeSet<Feature>,
}

impl Player {
    /// A player for a workspace.
    pub fn new(workspace: Workspace, proxy: Option<Proxy>) -> Result<Self> {
        let mut values = Values::default();
        values.set("prefix", json!(workspace.prefix));
        values.set("account", json!(workspace.account.id));
        values.set("account_name", json!(workspace.account.name));
        values.set("registry", json!(workspace.terraform.host().registry()));
        values.set("keystone", json!(workspace.cloud.keystone));
        values.set("clouds", cloud::entries(&workspace.plugin.clouds)?);
        for (service, url) in workspace.cloud.endpoints() {
            values.set(format!("endpoint.{service}"), json!(url));
        }
        if let Some(federation) = &workspace.cloud.federation {
            values.set("oidc", json!(federation.issuer));
            values.set("oidc_keystone", json!(federation.keystone));
            values.set("oidc_secret", json!(federation.client.1));
        }
        Ok(Player {
            workspace,
            values,
            proxy,
            variables: BTreeMap::new(),
            state: None,
            shown: BTreeSet::new(),
        })
    }

    /// Plays all steps, and destroys what is left.
    pub fn play(&mut self, scenario: &Scenario) -> Result<()> {
        let missing = scenario.needs().into_iter().filter(|it| !self.workspace.cloud.has(it));
        let missing = missing.collect::<Vec<_>>().join(",");
        ensure!(
            missing.is_empty(),
            "scenario `{}` needs {missing}: cargo xtask devcloud up --with {missing}",
            scenario.name
        );
        let host = self.workspace.terraform.host().clone();
        let can = |step: &&Step| step.script.host.iter().all(|feature| host.can(*feature));
        for (number, step) in scenario.steps.iter().filter(can).enumerate() {
            self.shown.extend(&step.script.host);
            let done = self.configure(step).and_then(|()| match number {
                0 => self.workspace.init(),
                _ => Ok(()),
            });
            done.and_then(|()| self.step(&step.script)).with_context(|| {
                format!("scenario `{}`, step `{}`: {}", scenario.name, step.name, step.script.shows.trim())
            })?;
        }
        self.end().with_context(|| format!("scenario `{}`, after its last step", scenario.name))
    }

    /// Destroys what the state still has, and looks for secrets in logs and states.
    pub fn end(&mut self) -> Result<()> {
        let (instances, _) = self.workspace.terraform.state()?;
        if instances.keys().any(|address| !address.starts_with("data.")) {
            let run = self.terraform(&["destroy", "-json", "-auto-approve", "-input=false"])?;
            ensure!(run.code == 0, "the destroy at the end failed{}", told(&run));
        }
        let leaks = self.workspace.leaks()?;
        ensure!(leaks.is_empty(), "secrets in logs or states:\n{}", leaks.join("\n"));
        Ok(())
    }

    fn configure(&mut self, step: &Step) -> Result<()> {
        let state = step.folder.join("state.json");
        self.state = state.is_file().then(|| fs::read_to_string(state)).transpose()?;
        self.workspace.configuration(&step.folder)
    }

    /// Plays one step, whose configuration is in place.
    pub fn step(&mut self, script: &Script) -> Result<()> {
        for request in &script.before {
            self.request(request)?;
        }
        if let Some(state) = self.state.take() {
            fs::write(self.workspace.directory().join("terraform.tfstate"), self.values.text(&state)?)?;
        }
        let asks = |value: &Value| value.to_string().contains("${untrusted}");
        if script.variables.values().any(asks) {
            self.values.set("untrusted", json!(untrusted::start()?));
        }
        for (name, value) in &script.variables {
            let value = self.values.fill(value)?;
            if ["password", "token", "secret"].iter().any(|word| name.contains(word)) {
                self.workspace.secrets.extend(value.as_str().map(str::to_owned));
            }
            self.variables.insert(name.clone(), value);
        }
        self.workspace.variables(&self.variables)?;
        if let Some(proxy) = &self.proxy {
            proxy.set(&script.faults)?;
        }
        let runs = self.act(script)?;
        self.saved()?;
        // Counted now: what follows sends requests of its own.
        if let Some(proxy) = &self.proxy {
            for (on, times) in &script.requests {
                let on = self.values.text(on)?;
                let found = proxy.count(&on)?;
                ensure!(found == *times, "expected {times} requests `{on}`, found {found}");
            }
            proxy.set(&[])?;
        }
        for text in &script.says {
            let text = self.values.text(text)?;
            let said = runs.iter().any(|run| run.text.contains(&text));
            ensure!(said, "nobody says {text}{}", runs.last().map(told).unwrap_or_default());
        }
        self.messages("error", &script.errors, &runs)?;
        self.messages("warning", &script.warnings, &runs)?;
        self.state(script)?;
        for request in &script.cloud {
            self.request(request)?;
        }
        let changing = [Command::Apply, Command::Import].contains(&script.run);
        if changing && script.errors.is_empty() && script.settles {
            let run = self.terraform(&["plan", "-json", "-input=false", "-detailed-exitcode"])?;
            ensure!(run.code == 0, "the plan right after it has changes, or fails{}", told(&run));
        }
        Ok(())
    }

    /// Takes in what the configuration itself wrote down, since no state has it: `NAME.saved`, and `NAME.secret`.
    fn saved(&mut self) -> Result<()> {
        for entry in fs::read_dir(self.workspace.directory())? {
            let path = entry?.path();
            let part = |part: Option<&std::ffi::OsStr>| part.and_then(|it| it.to_str()).map(str::to_owned);
            let (Some(name), Some(kind)) = (part(path.file_stem()), part(path.extension())) else { continue };
            if kind == "saved" || kind == "secret" {
                let text = fs::read_to_string(&path)?;
                self.values.set(format!("saved.{name}"), json!(text));
                self.workspace.secrets.extend((kind == "secret").then_some(text));
            }
        }
        Ok(())
    }

    fn terraform(&self, arguments: &[&str]) -> Result<Run> {
        let run = self.workspace.terraform.run(arguments)?;
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.workspace.directory().join("output.log"))?;
        writeln!(file, "$ {}\n{}", run.command_line, run.text)?;
        Ok(run)
    }

    /// Runs Terraform as the step says.
    fn act(&mut self, script: &Script) -> Result<Vec<Run>> {
        let mut runs = Vec::new();
        match script.run {
            Command::Nothing => (),
            Command::Validate => runs.push(self.terraform(&["validate", "-json"])?),
            Command::Import => {
                for (address, id) in &script.import {
                    let id = self.values.text(id)?;
                    let run = self.terraform(&["import", "-no-color", "-input=false", address, &id])?;
                    ensure!(run.code == 0, "the import failed{}", told(&run));
                }
            }
            Command::Query => {
                let mut arguments = vec!["query", "-json"];
                arguments.extend(script.generate.then_some("-generate-config-out=generated.tf"));
                let run = self.terraform(&arguments)?;
                self.found(script, &run)?;
                runs.push(run);
            }
            Command::Invoke => {
                let action = script.invoke.as_ref().context("`run: invoke` needs `invoke`")?;
                let action = format!("-invoke={action}");
                let arguments = ["apply", "-json", "-auto-approve", "-input=false", &action];
                runs.push(self.terraform(&arguments)?);
            }
            Command::Apply | Command::Plan | Command::Destroy => {
                let mut arguments = vec!["plan", "-json", "-input=false", "-out=plan.bin"];
                if script.run == Command::Destroy {
                    arguments.push("-destroy");
                }
                runs.push(self.terraform(&arguments)?);
                if runs[0].code == 0 {
                    if let Some(expected) = &script.plan {
                        self.plan(expected, &runs[0])?;
                    }
                    if script.run != Command::Plan {
                        runs.push(self.terraform(&["apply", "-json", "-input=false", "plan.bin"])?);
                    }
                }
            }
        }
        let failed = runs.iter().find(|run| run.code != 0);
        match failed {
            Some(run) if script.errors.is_empty() => bail!("Terraform failed{}", told(run)),
            None if !script.errors.is_empty() => {
                bail!(
                    "Terraform succeeded, and was expected to fail{}",
                    runs.last().map(told).unwrap_or_default()
                )
            }
            _ => Ok(runs),
        }
    }

    /// Compares what a query found with what was expected.
    fn found(&self, script: &Script, run: &Run) -> Result<()> {
        let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for line in run.text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            if let Some(one) = line.get("list_resource_found") {
                let address = one["address"].as_str().unwrap_or_default().to_owned();
                found.entry(address).or_default().push(one.clone());
            }
        }
        let lines = differences(&self.values.fill(&json!(script.found))?, &json!(found));
        ensure!(lines.is_empty(), "other things were found\n{}{}", lines.join("\n"), told(run));
        Ok(())
    }

    /// Compares the plan with what was expected.
    fn plan(&self, expected: &BTreeMap<String, String>, run: &Run) -> Result<()> {
        let plan = self.workspace.terraform.show("plan.bin")?;
        let mut found = BTreeMap::new();
        for change in plan["resource_changes"].as_array().into_iter().flatten() {
            let address = change["address"].as_str().unwrap_or_default();
            if let Some(action) = action(&change["change"]) {
                found.insert(address.to_owned(), action);
            }
        }
        let sorted = |text: &String| {
            let mut words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
            // The action first, then attributes in any order.
            let actions = words.iter().take_while(|it| ACTIONS.contains(&it.as_str())).count();
            words[actions..].sort();
            words.join(" ")
        };
        let expected = expected.iter().map(|(at, text)| Ok((self.values.text(at)?, sorted(text))));
        let expected = expected.collect::<Result<BTreeMap<_, _>>>()?;
        if expected == found {
            return Ok(());
        }
        let mut lines = Vec::new();
        for address in expected.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
            let (wanted, got) = (expected.get(address), found.get(address));
            if wanted != got {
                let nothing = "no change".to_owned();
                lines.push(format!("- {address}: {}", wanted.unwrap_or(&nothing)));
                lines.push(format!("+ {address}: {}", got.unwrap_or(&nothing)));
            }
        }
        bail!("the plan is not the expected one\n{}{}", lines.join("\n"), told(run))
    }

    /// Compares errors or warnings with what was expected.
    fn messages(&self, severity: &str, expected: &[Message], runs: &[Run]) -> Result<()> {
        let all = runs.iter().flat_map(|run| &run.diagnostics).filter(|it| it.severity == severity);
        let found: Vec<&Diagnostic> = all.collect();
        let shown = || {
            let each = found.iter().map(|it| format!("- at {}: {}\n  {}", it.place(), it.summary, it.detail));
            let each = each.collect::<Vec<_>>().join("\n");
            let hand = runs.last().map(|it| it.command_line.clone()).unwrap_or_default();
            format!("\nthe {severity}s are:\n{each}\nby hand: {hand}")
        };
        let mut named = vec![false; found.len()];
        for message in expected {
            let says = message.says.iter().map(|it| self.values.text(it)).collect::<Result<Vec<_>>>()?;
            let mut any = false;
            for (found, named) in found.iter().zip(&mut named) {
                let whole = format!("{}\n{}", found.summary, found.detail);
                let at = message.at.as_ref().is_none_or(|at| *at == found.place());
                if at && says.iter().all(|it| whole.contains(it.as_str())) {
                    (any, *named) = (true, true);
                }
            }
            let at = message.at.as_deref().unwrap_or("any place");
            ensure!(any, "no {severity} at {at} says {}{}", says.join(" and "), shown());
        }
        let surprise = found
            .iter()
            .zip(&named)
            .find(|(found, named)| !**named && !is_of_the_cloud(found) && !is_of_a_removed_block(found));
        ensure!(surprise.is_none(), "there are {severity}s that the step does not name{}", shown());
        Ok(())
    }

    /// Takes in the state, and compares it with what was expected.
    fn state(&mut self, script: &Script) -> Result<()> {
        let (instances, outputs) = self.workspace.terraform.state()?;
        for (address, instance) in &instances {
            self.values.set(address.clone(), instance.values.clone());
            ensure!(!instance.tainted, "{address} is tainted: the next apply would destroy it");
        }
        for (address, expected) in &script.state {
            let (address, expected) = (self.values.text(address)?, self.values.fill(expected)?);
            let Some(found) = instances.get(&address) else {
                ensure!(expected == json!("absent"), "{address} is not in the state");
                continue;
            };
            let lines = differences(&expected, &found.values);
            ensure!(lines.is_empty(), "the state of {address} is not the expected one\n{}", lines.join("\n"));
        }
        let lines = differences(&self.values.fill(&json!(script.outputs))?, &outputs);
        ensure!(lines.is_empty(), "the outputs are not the expected ones\n{}", lines.join("\n"));
        Ok(())
    }

    /// Sends a request to the cloud.
    pub fn request(&mut self, request: &Request) -> Result<()> {
        let (line, login) = match (&request.request, &request.login) {
            (Some(line), None) => (self.values.text(line)?, None),
            (None, Some(login)) => {
                let login: Login = serde_json::from_value(self.values.fill(login)?)?;
                (format!("the login of {}", login.user), Some(login))
            }
            _ => bail!("an entry is either a request or a login"),
        };
        let fill = |it: &Value| self.values.fill(it);
        let (body, expected) =
            (request.body.as_ref().map(fill).transpose()?, request.expect.as_ref().map(fill).transpose()?);
        let cloud = &self.workspace.cloud;
        let token = match (&request.in_project, &request.token) {
            (Some(id), _) => Some(cloud.token_in(&self.values.text(id)?)?),
            (None, Some(token)) => Some(self.values.text(token)?),
            (None, None) => None,
        };
        let mut headers = BTreeMap::new();
        for (name, value) in &request.headers {
            headers.insert(name.clone(), self.values.text(value)?);
        }
        let until = Instant::now() + PATIENCE;
        let reply = loop {
            let reply = match &login {
                None => cloud.request(&line, token.as_deref(), &headers, body.as_ref())?,
                Some(login) => {
                    let (reply, secrets) = cloud.log_in(login)?;
                    self.workspace.secrets.extend(secrets);
                    reply
                }
            };
            let fine = request.status.map_or(reply.is_success(), |status| status == reply.status)
                || (request.unless_there && reply.status == 409);
            let lines = expected.as_ref().map(|it| differences(it, &reply.body)).unwrap_or_default();
            if fine && lines.is_empty() {
                break reply;
            }
            if !request.eventually || Instant::now() > until {
                let status = request.status.map_or("success".to_owned(), |it| it.to_string());
                let fine = if fine { String::new() } else { format!(" (expected {status})") };
                bail!(
                    "{line} was answered with {}{fine}\n{}\n{}",
                    reply.status,
                    lines.join("\n"),
                    reply.body
                );
            }
            sleep(Duration::from_millis(300));
        };
        for (name, from) in &request.save {
            let value = match from.strip_prefix("header ") {
                Some(header) => reply.headers.get(header).map(|it| json!(it)),
                None => values::path(&reply.body, from).cloned(),
            };
            let value =
                value.with_context(|| format!("the reply to {line} has no {from}: {}", reply.body))?;
            if from.starts_with("header ") {
                self.workspace.secrets.extend(value.as_str().map(str::to_owned));
            }
            self.values.set(name.clone(), value);
        }
        Ok(())
    }
}

const ACTIONS: [&str; 6] = ["import", "create", "update", "replace", "delete", "forget"];

/// What a plan does with one instance: the action and the attributes. `None`: nothing.
fn action(change: &Value) -> Option<String> {
    let actions: Vec<&str> = change["actions"].as_array()?.iter().filter_map(Value::as_str).collect();
    let mut words = Vec::new();
    if change.get("importing").is_some_and(|it| !it.is_null()) {
        words.push("import".to_owned());
    }
    match actions[..] {
        ["create"] => words.push("create".to_owned()),
        ["delete"] => words.push("delete".to_owned()),
        ["forget"] => words.push("forget".to_owned()),
        ["update"] => {
            words.push("update".to_owned());
            words.extend(changed(change));
        }
        ["delete", "create"] | ["create", "delete"] => {
            words.push("replace".to_owned());
            let paths = change["replace_paths"].as_array().into_iter().flatten();
            let mut names: Vec<_> = paths.filter_map(|it| Some(it.get(0)?.as_str()?.to_owned())).collect();
            names.sort();
            names.dedup();
            words.extend(names);
        }
        _ => (),
    }
    (!words.is_empty()).then(|| words.join(" "))
}

/// The attributes that an update changes.
fn changed(change: &Value) -> Vec<String> {
    let keys = |part: &str| {
        change[part].as_object().into_iter().flat_map(|it| it.keys().cloned()).collect::<Vec<_>>()
    };
    let all: BTreeSet<String> = ["before", "after", "after_unknown"].into_iter().flat_map(keys).collect();
    let unknown = |name: &String| change["after_unknown"].get(name).is_some_and(has_true);
    let differs = |name: &String| change["before"].get(name) != change["after"].get(name);
    all.into_iter().filter(|name| unknown(name) || differs(name)).collect()
}

fn has_true(value: &Value) -> bool {
    match value {
        Value::Bool(it) => *it,
        Value::Array(items) => items.iter().any(has_true),
        Value::Object(keys) => keys.values().any(has_true),
        _ => false,
    }
}

/// Whether this comes in every cloud that has Barbican or Heat, which answer nobody about another project.
fn is_of_the_cloud(found: &Diagnostic) -> bool {
    let mut services = found.detail.lines().filter(|line| line.starts_with("- "));
    found.summary.contains("Not all services were asked")
        && services.all(|it| it.starts_with("- key-manager:") || it.starts_with("- orchestration:"))
}

/// Whether a host says of a `removed` block what the plan says anyway, each in its own words.
fn is_of_a_removed_block(found: &Diagnostic) -> bool {
    let said = ["Some objects will no longer be managed", "Resource will be removed from the state"];
    found.severity == "warning" && said.iter().any(|it| found.summary.starts_with(it))
}

/// What a run said, for a failure: the messages alone where there are any.
fn told(run: &Run) -> String {
    let each = run
        .diagnostics
        .iter()
        .map(|it| format!("{} at {}: {}\n{}", it.severity, it.place(), it.summary, it.detail));
    let messages = each.collect::<Vec<_>>().join("\n");
    let tail: Vec<&str> = run.text.lines().rev().take(30).collect();
    let text = if messages.is_empty() {
        tail.into_iter().rev().collect::<Vec<_>>().join("\n")
    } else {
        let planned = run.text.lines().filter(|it| it.contains(r#""type":"planned_change""#));
        let planned = planned.filter_map(|it| {
            let it: Value = serde_json::from_str(it).ok()?;
            it["@message"].as_str().map(str::to_owned)
        });
        format!("{messages}\n{}", planned.collect::<Vec<_>>().join("\n"))
    };
    format!(" (status {})\nby hand: {}\n{text}", run.code, run.command_line)
}
