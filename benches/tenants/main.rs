//! `cargo xtask bench tenants`: what many tenants cost.
//!
//! Runs the host against a Keystone of the bench's own, which counts requests and takes a while for each, and prints a
//! line for each step: wall time, requests, processor time and memory of the provider and of the host. Beside it stands
//! the floor: as many of the host's own resources, of the same shape, which do nothing.

mod http;
mod keystone;
mod shapes;
mod watch;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Parser as _, ValueEnum};

use keystone::{Counts, Keystone};
use shapes::{Shape, Tenants};
use watch::{Cost, Watch};

/// Applies, plans and destroys many tenants, and prints what it cost.
#[derive(Debug, clap::Parser)]
struct Args {
    /// How many tenants
    #[arg(short, long = "tenants", value_delimiter = ',', default_value = "100")]
    n: Vec<usize>,
    /// How they are written
    #[arg(long, value_enum, value_delimiter = ',', default_value = "single,module,workspace")]
    shapes: Vec<Shape>,
    /// What is done, in this order
    #[arg(long, value_enum, value_delimiter = ',', default_value = "apply,plan,change,destroy")]
    steps: Vec<Step>,
    /// How long each request takes, such as 20ms
    #[arg(long, default_value = "20ms", value_parser = duration)]
    delay: Duration,
    /// Over how many workspaces the tenants are spread, in the shape `workspace`
    #[arg(long, default_value_t = 1)]
    workspaces: usize,
    /// Projects with a description, and nothing else
    #[arg(long)]
    lean: bool,
    /// With limits of Nova and Cinder
    #[arg(long)]
    quotas: bool,
    /// Do not measure the host's own resources beside
    #[arg(long)]
    no_floor: bool,
    /// The host
    #[arg(long, default_value = "terraform")]
    host: PathBuf,
    /// What the host calls `-parallelism`
    #[arg(long)]
    parallelism: Option<usize>,
    /// How often the plans are repeated; the line is the one with the least processor time
    #[arg(long, default_value_t = 1)]
    repeat: usize,
    /// Print the requests of each step by route
    #[arg(long)]
    routes: bool,
    /// Take this binary of ours
    #[arg(long, default_value = env!("CARGO_BIN_EXE_terraform-provider-tenancy"))]
    binary: PathBuf,
    /// Another provider to measure beside. It is given OS_AUTH_URL and the other variables of a password login, and the
    /// variables n and changed
    #[arg(long, requires = "other_config")]
    other: Option<PathBuf>,
    /// The folder with the other provider's configuration
    #[arg(long, requires = "other")]
    other_config: Option<PathBuf>,
    /// Cargo says this to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// What a host does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Makes everything.
    Apply,
    /// Plans, and finds no change.
    Plan,
    /// Plans the change of one tenant.
    Change,
    /// Plans without asking the provider what is there.
    Norefresh,
    /// Removes everything.
    Destroy,
}

impl Step {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Apply => &["apply", "-auto-approve"],
            // 0: no change, 2: a change.
            Self::Plan | Self::Change => &["plan", "-detailed-exitcode"],
            Self::Norefresh => &["plan", "-detailed-exitcode", "-refresh=false"],
            Self::Destroy => &["destroy", "-auto-approve"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Plan => "plan",
            Self::Change => "plan, one change",
            Self::Norefresh => "plan, no refresh",
            Self::Destroy => "destroy",
        }
    }
}

fn duration(text: &str) -> Result<Duration> {
    let millis = text.strip_suffix("ms").context("expected milliseconds, such as 20ms")?;
    Ok(Duration::from_millis(millis.parse()?))
}

/// Whose resources are applied.
struct Subject<'a> {
    /// What the table calls it.
    name: String,
    /// The provider's address and binary; none for the host's own resources.
    provider: Option<(String, &'a Path)>,
    keystone: Option<&'a Keystone>,
}

/// What a step cost.
struct Line {
    step: Step,
    wall: Duration,
    cost: Cost,
    counts: Counts,
}

fn main() -> ExitCode {
    match all(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures everything.
fn all(args: &Args) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let delay = args.delay.as_millis();
    println!(
        "| shape | tenants | step | resources of | wall, s | requests | connections | provider CPU, s | provider MiB | host CPU, s | host MiB |"
    );
    println!("|---|--:|---|---|--:|--:|--:|--:|--:|--:|--:|");
    for &count in &args.n {
        for &shape in &args.shapes {
            let tenants =
                Tenants { count, workspaces: args.workspaces, lean: args.lean, quotas: args.quotas };
            let keystone = runtime.block_on(Keystone::start(args.delay, args.quotas))?;
            let ours = Subject {
                name: "tenancy".into(),
                provider: Some(("tenancy/tenancy".into(), &args.binary)),
                keystone: Some(&keystone),
            };
            let folder = tempfile::tempdir()?;
            shape.write(folder.path(), tenants, false)?;
            measure(args, shape.name(), count, &ours, folder.path())?;
            if !args.no_floor {
                let floor = Subject { name: "terraform_data".into(), provider: None, keystone: None };
                let folder = tempfile::tempdir()?;
                shape.write(folder.path(), tenants, true)?;
                measure(args, shape.name(), count, &floor, folder.path())?;
            }
        }
        if let (Some(binary), Some(config)) = (&args.other, &args.other_config) {
            let keystone = runtime.block_on(Keystone::start(args.delay, args.quotas))?;
            let folder = tempfile::tempdir()?;
            let source = copy(config, folder.path())?;
            let name = source.rsplit('/').next().unwrap_or_default().to_owned();
            let other = Subject { name, provider: Some((source, binary)), keystone: Some(&keystone) };
            measure(args, "its own", count, &other, folder.path())?;
        }
    }
    println!(
        "\n{delay} ms for each request; the floor of each shape are as many `terraform_data` as it has resources."
    );
    Ok(())
}

/// Copies a configuration, and says which provider it is for.
fn copy(from: &Path, to: &Path) -> Result<String> {
    let mut source = None;
    for entry in fs::read_dir(from).with_context(|| format!("failed to read {}", from.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "tf") {
            let text = fs::read_to_string(&path)?;
            let found = text.split("source").nth(1).and_then(|it| it.split('"').nth(1)).map(str::to_owned);
            source = source.or(found);
            fs::write(to.join(path.file_name().unwrap_or_default()), text)?;
        }
    }
    source.context("the configuration of the other provider names no source")
}

/// Runs the steps, and prints a line for each.
fn measure(args: &Args, shape: &str, count: usize, subject: &Subject<'_>, folder: &Path) -> Result<()> {
    prepare(args, subject, folder)?;
    for &step in &args.steps {
        let times = if matches!(step, Step::Apply | Step::Destroy) { 1 } else { args.repeat.max(1) };
        let lines =
            (0..times).map(|_| run(args, count, subject, folder, step)).collect::<Result<Vec<_>>>()?;
        let cpu = |it: &Line| it.cost.host.cpu + it.cost.providers.cpu;
        let Some(best) = lines.iter().min_by(|a, b| cpu(a).total_cmp(&cpu(b))) else { continue };
        let Line { step, wall, cost: Cost { host, providers }, counts } = best;
        println!(
            "| {shape} | {count} | {} | {} | {:.1} | {} | {} | {:.2} | {:.0} | {:.1} | {:.0} |",
            step.name(),
            subject.name,
            wall.as_secs_f64(),
            counts.total(),
            counts.connections,
            providers.cpu,
            providers.peak,
            host.cpu,
            host.peak,
        );
        if args.routes {
            for (route, times) in &counts.routes {
                eprintln!("    {times:>6} {route}");
            }
        }
    }
    Ok(())
}

/// Tells the host where the provider is, and where modules are.
fn prepare(args: &Args, subject: &Subject<'_>, folder: &Path) -> Result<()> {
    let mut settings = String::new();
    if let Some((source, binary)) = &subject.provider {
        let name = source.rsplit('/').next().unwrap_or_default();
        let place = folder.join(".bin");
        fs::create_dir_all(&place)?;
        let binary = binary.canonicalize().with_context(|| format!("there is no {}", binary.display()))?;
        std::os::unix::fs::symlink(binary, place.join(format!("terraform-provider-{name}")))?;
        settings = format!(
            "provider_installation {{\n  dev_overrides {{ \"{source}\" = \"{}\" }}\n  direct {{}}\n}}\n",
            place.display()
        );
    }
    fs::write(folder.join("host.tfrc"), settings)?;
    let get =
        host(args, subject, folder).arg(if subject.provider.is_some() { "get" } else { "init" }).output();
    let get = get.with_context(|| format!("{} does not run", args.host.display()))?;
    ensure!(get.status.success(), "{}", String::from_utf8_lossy(&get.stderr));
    Ok(())
}

fn host(args: &Args, subject: &Subject<'_>, folder: &Path) -> Command {
    let mut command = Command::new(&args.host);
    let foreign = std::env::vars_os().map(|(name, _)| name);
    for name in
        foreign.filter(|it| it.to_str().is_some_and(|it| it.starts_with("OS_") || it.starts_with("TF_")))
    {
        command.env_remove(name);
    }
    command.current_dir(folder).env("TF_CLI_CONFIG_FILE", folder.join("host.tfrc"));
    command.env("CHECKPOINT_DISABLE", "1").env("TF_IN_AUTOMATION", "1").stdin(Stdio::null());
    if let Some(keystone) = subject.keystone {
        command.env("OS_AUTH_URL", &keystone.url);
        for (name, value) in [
            ("OS_USERNAME", "admin"),
            ("OS_PASSWORD", "secret"),
            ("OS_PROJECT_NAME", "admin"),
            ("OS_USER_DOMAIN_NAME", "Default"),
            ("OS_PROJECT_DOMAIN_NAME", "Default"),
            ("OS_REGION_NAME", "RegionOne"),
        ] {
            command.env(name, value);
        }
    }
    command
}

/// One step.
fn run(args: &Args, count: usize, subject: &Subject<'_>, folder: &Path, step: Step) -> Result<Line> {
    let mut command = host(args, subject, folder);
    command.args(step.arguments()).args(["-input=false", "-no-color"]).env("TF_VAR_n", count.to_string());
    command.args(args.parallelism.map(|it| format!("-parallelism={it}")));
    if step == Step::Change {
        command.env("TF_VAR_changed", "tenant-00007");
    }
    let told = tempfile::tempfile()?;
    command.stdout(Stdio::null()).stderr(told.try_clone()?);
    subject.keystone.map(Keystone::take_counts);
    let started = Instant::now();
    let mut child = command.spawn()?;
    let watch = Watch::on(&child);
    let status = child.wait()?;
    let wall = started.elapsed();
    let cost = watch.end()?;
    let expected = if step == Step::Change { 2 } else { 0 };
    if status.code() != Some(expected) {
        use std::io::{Read as _, Seek as _};
        let (mut told, mut text) = (told, String::new());
        told.rewind()?;
        told.read_to_string(&mut text)?;
        bail!("{} of {count} tenants by {} ended with {status}:\n{text}", step.name(), subject.name);
    }
    let counts = subject.keystone.map(Keystone::take_counts).unwrap_or_default();
    Ok(Line { step, wall, cost, counts })
}
