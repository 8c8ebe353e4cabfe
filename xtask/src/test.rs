//! All checks, in the order in which they fail fastest.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Instant;

use acceptance_tests::plugin;
use acceptance_tests::scenario::Scenario;
use anyhow::{Context, Result, bail};
use clap::Args;

use crate::devcloud::{Cloud, Paths, Wanted};
use crate::workspace::{Workspace, cargo};

/// The tests that need a cloud.
const SCENARIOS: &str = "scenarios";

/// Arguments of `test`.
#[derive(Args)]
pub struct Arguments {
    /// Leave out the devcloud and the acceptance tests.
    #[arg(long)]
    quick: bool,
    /// Run only tests whose name holds this.
    filter: Option<String>,
}

/// Runs the checks; the first that fails ends the run.
pub fn run(arguments: Arguments) -> Result<()> {
    let workspace = Workspace::find()?;
    let mut stages = Stages { started: Instant::now(), done: Vec::new() };
    let result = all(&arguments, &workspace, &mut stages);
    println!();
    for (name, seconds) in &stages.done {
        println!("{seconds:7.1} s  {name}");
    }
    println!("{:7.1} s  in all", stages.started.elapsed().as_secs_f32());
    result
}

fn all(arguments: &Arguments, workspace: &Workspace, stages: &mut Stages) -> Result<()> {
    let root = || {
        let mut command = cargo();
        command.current_dir(&workspace.root);
        command
    };
    stages.command("format", root().args(["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    stages.command("clippy", root().args(clippy))?;
    // Always of the whole workspace: for a part of it dependencies have other features, and are compiled once more.
    let mut unit = root();
    unit.args(["test", "--workspace", "--lib", "--bins"]);
    for name in workspace.tests().filter(|it| *it != SCENARIOS) {
        unit.args(["--test", name]);
    }
    stages.command("unit, golden, protocol and client tests", unit.args(&arguments.filter))?;
    if arguments.quick {
        return Ok(());
    }

    let cloud = Cloud::new(Paths::new(workspace, None)?);
    let was_running = cloud.is_running();
    let result = acceptance(arguments, workspace, &cloud, stages);
    if !was_running {
        stages.stage("devcloud down", || cloud.down())?;
    }
    result
}

fn acceptance(
    arguments: &Arguments,
    workspace: &Workspace,
    cloud: &Cloud,
    stages: &mut Stages,
) -> Result<()> {
    let with = needed(workspace, arguments.filter.as_deref().unwrap_or_default())?;
    stages.stage("devcloud up", || cloud.up(&Wanted { with, ..Wanted::default() }))?;
    let mut command = cargo();
    command
        .current_dir(&workspace.root)
        .args(["test", "--workspace", "--test", SCENARIOS])
        .args(&arguments.filter)
        // Cargo has built it with the tests that start it.
        .env("TENANCY_TEST_PROVIDER", workspace.target.join("debug").join(plugin::NAME))
        .env("TENANCY_TEST_CLOUDS", cloud.paths().clouds());
    stages.command("acceptance tests", &mut command)
}

/// The services beyond the base that these scenarios need.
fn needed(workspace: &Workspace, filter: &str) -> Result<Vec<String>> {
    let folder = workspace.root.join("acceptance-tests/scenarios");
    let mut all = BTreeSet::new();
    for name in Scenario::names(&folder)?.iter().filter(|name| name.contains(filter)) {
        let scenario = Scenario::read(&folder.join(name))?;
        all.extend(scenario.needs().into_iter().map(str::to_owned));
    }
    Ok(all.into_iter().collect())
}

/// The stages that ran, and how long each took.
struct Stages {
    started: Instant,
    done: Vec<(String, f32)>,
}

impl Stages {
    fn stage<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n== {name}");
        let since = Instant::now();
        let result = work();
        let outcome = if result.is_ok() { name.to_owned() } else { format!("{name}: FAILED") };
        self.done.push((outcome, since.elapsed().as_secs_f32()));
        result.with_context(|| format!("{name} failed"))
    }

    fn command(&mut self, name: &str, command: &mut Command) -> Result<()> {
        self.stage(name, || {
            let status = command.status()?;
            if !status.success() {
                let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
                bail!("cargo {} ended with {status}", words.join(" "));
            }
            Ok(())
        })
    }
}
