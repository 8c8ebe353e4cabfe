//! One cloud: how it comes up, goes down and is looked at.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;

use super::Wanted;
use super::health::Health;
use super::mariadb::{self, MariaDb};
use super::node;
use super::paths::{Paths, digest, remove};
use super::process::{Process, tail};
use super::progress::Progress;
use super::python::{self, Python};
use super::render::{self, PASSWORD, REGION, Renderer};
use super::services::{self, Packages, Program, SERVICES, Service};
use super::state::{self, State};
use super::template::Templates;

/// How long a service may take until it answers. It takes seconds; this is for a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(240);

/// One cloud.
#[derive(Debug)]
pub struct Cloud {
    paths: Paths,
    health: Health,
}

/// What a service runs with.
struct Setup {
    service: &'static Service,
    configuration: BTreeMap<String, Vec<u8>>,
    digest: String,
}

impl Cloud {
    /// The cloud of these directories, whether it runs or not.
    pub fn new(paths: Paths) -> Self {
        Self { paths, health: Health::new() }
    }

    /// Its directories.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Whether any of it runs.
    pub fn is_running(&self) -> bool {
        !Process::all(&self.paths.run()).is_empty()
    }

    /// Keystone's address.
    pub fn keystone(&self) -> Result<String> {
        Ok(render::keystone(&State::load(&self.paths)?))
    }

    /// Brings up whatever of the wanted services does not run.
    pub fn up(&self, wanted: &Wanted) -> Result<()> {
        let lock = self.lock()?;
        let progress = Progress::new();
        let mut state = State::load(&self.paths)?;
        for name in wanted.with.iter().chain(&wanted.only) {
            if service(name)?.optional {
                state.extras.insert(name.clone());
            }
        }
        let wanted = self.wanted(wanted, &state)?;
        state.save(&self.paths)?;

        let packages = wanted.iter().map(|service| service.packages).max().unwrap_or(Packages::Base);
        let (python, mariadb) = std::thread::scope(|scope| {
            let mariadb = scope.spawn(|| MariaDb::ensure(&self.paths, &progress));
            let python = Python::ensure(&self.paths, packages, &progress);
            for service in &wanted {
                match service.program {
                    Program::Launcher => {}
                    Program::Debian(bundle, _) => drop(bundle.ensure(&self.paths, &progress)?),
                    Program::Node(directory, _) => drop(node::ensure(&self.paths, directory, &progress)?),
                }
            }
            let mariadb = mariadb.join().unwrap_or_else(|_| Err(anyhow!("unpacking MariaDB panicked")));
            Ok::<_, anyhow::Error>((python?, mariadb?))
        })?;

        if self.ports_are_taken(&wanted, &state) {
            progress.say("somebody else listens on a port of this cloud: taking others");
            self.stop_all()?;
            state.move_ports(&self.paths)?;
            state.save(&self.paths)?;
        }
        let setups = self.setups(&wanted, &python, &state)?;
        let running: BTreeSet<_> = setups
            .iter()
            .filter(|setup| self.is_well(setup, &state))
            .map(|setup| setup.service.name)
            .collect();
        let seed = self.seed_input(&wanted, &state)?;
        let seeded = self.paths.run().join("seeded");
        let seed_digest = digest([serde_json::to_vec(&seed)?, fs::read(self.paths.source.join("seed.py"))?]);
        let is_seeded = fs::read_to_string(&seeded).is_ok_and(|text| text == seed_digest);
        if running.len() == setups.len() && is_seeded && mariadb::answers(state.port(mariadb::NAME)) {
            drop(progress);
            println!("The devcloud is running: {}.", names(&wanted));
            return Ok(());
        }

        // What a killed `up` left: migrations that still run, and services that never answered or run with an old
        // configuration.
        let stale: Vec<_> = Process::all(&self.paths.run())
            .into_iter()
            .filter(|(name, _)| {
                name.starts_with("migrate-")
                    || (setups.iter().any(|setup| setup.service.name == name)
                        && !running.contains(name.as_str()))
            })
            .collect();
        Process::stop(&self.paths.run(), &stale)?;
        for setup in &setups {
            for directory in setup.service.directories {
                fs::create_dir_all(self.paths.state.join(directory))?;
            }
            render::write(&self.paths, setup.service.name, &setup.configuration)?;
        }
        let renderer = Renderer::new(&self.paths, &python, &state)?;
        let clouds = fs::read_to_string(self.paths.source.join("clouds.yaml"))?;
        fs::write(self.paths.clouds(), renderer.text("", &clouds)?)?;

        self.databases(&wanted, &mariadb, &python, &state, &renderer, &progress)?;

        let missing: Vec<_> = setups.iter().filter(|setup| !running.contains(setup.service.name)).collect();
        let catalog = || {
            progress
                .step("catalog", "catalog, users and roles seeded", || self.seed("identity", &seed, &python))
        };
        if is_seeded {
            self.start(&missing, &python, &state, &progress, || Ok(()))?;
        } else {
            if running.contains("keystone") {
                catalog()?;
            }
            self.start(&missing, &python, &state, &progress, catalog)?;
            if wanted.len() > 1 {
                progress.step("resources", "what scenarios need is seeded", || {
                    self.seed("resources", &seed, &python)
                })?;
            }
            fs::write(&seeded, seed_digest)?;
        }
        drop(progress);
        drop(lock);
        self.status()?;
        println!(
            "\nFor the openstack client: eval \"$(cargo xtask devcloud env)\"; {}",
            python.program("openstack").display()
        );
        Ok(())
    }

    /// Stops everything and keeps the state.
    pub fn down(&self) -> Result<()> {
        let _lock = self.lock()?;
        let stopped = self.stop_all()?;
        println!(
            "{}",
            if stopped == 0 { "Nothing was running." } else { "The devcloud is down; its state is kept." }
        );
        Ok(())
    }

    /// Stops everything and removes the state.
    pub fn clean(&self, all: bool) -> Result<()> {
        if self.paths.state.exists() {
            let is_empty = fs::read_dir(&self.paths.state)?.next().is_none();
            if !State::exists(&self.paths) && !is_empty && !self.paths.run().exists() {
                bail!("{} holds no devcloud", self.paths.state.display());
            }
            let _lock = self.lock()?;
            self.stop_all()?;
            remove(&self.paths.state)?;
        }
        if all {
            remove(&self.paths.cache)?;
        }
        println!("The devcloud is gone{}.", if all { ", with its packages and downloads" } else { "" });
        Ok(())
    }

    /// Prints a table of its processes.
    pub fn status(&self) -> Result<()> {
        if !State::exists(&self.paths) {
            println!("There is no devcloud in {}.", self.paths.state.display());
            return Ok(());
        }
        let state = State::load(&self.paths)?;
        let processes: BTreeMap<_, _> = Process::all(&self.paths.run()).into_iter().collect();
        let names = SERVICES.iter().filter(|service| {
            processes.contains_key(service.name) || !service.optional || state.extras.contains(service.name)
        });
        let rows: Vec<_> = std::thread::scope(|scope| {
            let looks: Vec<_> = [mariadb::NAME]
                .into_iter()
                .chain(names.map(|service| service.name))
                .map(|name| {
                    let process = processes.get(name);
                    let (state, health) = (&state, &self.health);
                    scope.spawn(move || {
                        let well = process.is_some()
                            && match services::find(name) {
                                Some(service) => health.answers(state.port(name), service.health),
                                None => mariadb::answers(state.port(name)),
                            };
                        (name, process, well)
                    })
                })
                .collect();
            looks.into_iter().filter_map(|look| look.join().ok()).collect()
        });
        println!("{:<14} {:>8} {:>6} {:>9}  state", "service", "pid", "port", "RSS MiB");
        for (name, process, well) in rows {
            let pid = process.map_or_else(|| "-".into(), |process| process.pid.to_string());
            let memory =
                process.and_then(Process::memory).map_or_else(|| "-".into(), |memory| memory.to_string());
            let word = match (process, well) {
                (_, true) => "healthy",
                (Some(_), false) => "does not answer",
                (None, _) => "stopped",
            };
            println!("{name:<14} {pid:>8} {:>6} {memory:>9}  {word}", state.port(name));
        }
        Ok(())
    }

    /// One command at a time for each cloud.
    fn lock(&self) -> Result<File> {
        // Keys and tokens lie below.
        DirBuilder::new().recursive(true).mode(0o700).create(&self.paths.state)?;
        for directory in [self.paths.run(), self.paths.state.join("log"), self.paths.state.join("locks")] {
            fs::create_dir_all(directory)?;
        }
        fs::create_dir_all(self.paths.cache.join("templates"))?;
        let file = File::create(self.paths.run().join("lock"))?;
        if file.try_lock().is_err() {
            println!("Waiting for another devcloud command ...");
            file.lock()?;
        }
        Ok(file)
    }

    /// The services to run, in the table's order, with what they wait for.
    fn wanted(&self, wanted: &Wanted, state: &State) -> Result<Vec<&'static Service>> {
        let mut names = BTreeSet::new();
        if wanted.only.is_empty() {
            names.extend(SERVICES.iter().filter(|service| !service.optional).map(|service| service.name));
            names.extend(state.extras.iter().map(String::as_str));
        } else {
            names.insert("keystone");
            for name in &wanted.only {
                names.insert(name);
            }
            // What runs already stays, and stays in the catalog.
            let running = Process::all(&self.paths.run());
            names.extend(
                SERVICES.iter().map(|s| s.name).filter(|name| running.iter().any(|(known, _)| known == name)),
            );
        }
        let mut open: Vec<_> = names.iter().copied().collect();
        let mut closed = BTreeSet::new();
        while let Some(name) = open.pop() {
            let service = service(name)?;
            if closed.insert(service.name) {
                open.extend(service.after.iter().chain(service.beside));
            }
        }
        Ok(SERVICES.iter().filter(|service| closed.contains(service.name)).collect())
    }

    fn ports_are_taken(&self, wanted: &[&'static Service], state: &State) -> bool {
        let processes = Process::all(&self.paths.run());
        wanted
            .iter()
            .map(|service| service.name)
            .chain([mariadb::NAME])
            .filter(|name| !processes.iter().any(|(known, _)| known == name))
            .any(|name| !state::is_free(state.port(name)))
    }

    fn setups(&self, wanted: &[&'static Service], python: &Python, state: &State) -> Result<Vec<Setup>> {
        let renderer = Renderer::new(&self.paths, python, state)?;
        let launcher = self.paths.source.join("launch.py");
        wanted
            .iter()
            .map(|service| {
                let configuration = renderer.configuration(service, python)?;
                let venv = python.venv.as_os_str().as_encoded_bytes();
                let program = match service.program {
                    Program::Launcher => fs::read(&launcher)?,
                    Program::Debian(..) => Vec::new(),
                    Program::Node(directory, arguments) => {
                        let module = arguments.first().unwrap_or(&"");
                        fs::read(self.paths.source.join(directory).join(module))?
                    }
                };
                let digest = render::configuration_digest(&configuration, &[&program, venv]);
                Ok(Setup { service, configuration, digest })
            })
            .collect()
    }

    /// Whether a service runs with this setup and answers.
    fn is_well(&self, setup: &Setup, state: &State) -> bool {
        let service = setup.service;
        Process::find(&self.paths.run(), service.name).is_some_and(|process| process.digest == setup.digest)
            && self.health.answers(state.port(service.name), service.health)
    }

    fn stop_all(&self) -> Result<usize> {
        let all = Process::all(&self.paths.run());
        let count = all.len();
        // The database last: the others write to it until they are gone.
        let (database, services): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(name, _)| name == mariadb::NAME);
        Process::stop(&self.paths.run(), &services)?;
        Process::stop(&self.paths.run(), &database)?;
        Ok(count)
    }

    /// Starts the database server and migrates what is not migrated.
    fn databases(
        &self,
        wanted: &[&'static Service],
        mariadb: &MariaDb,
        python: &Python,
        state: &State,
        renderer: &Renderer<'_>,
        progress: &Progress,
    ) -> Result<()> {
        let port = state.port(mariadb::NAME);
        let locks = python::locks(&self.paths)?;
        let templates = Templates::new(&self.paths, mariadb)?;
        let fresh = !self.paths.databases().exists();
        let mut held: BTreeSet<_> = wanted.iter().map(|service| service.name).collect();
        if fresh {
            for service in SERVICES {
                // A marker without a database is of a cloud that is gone.
                let _ = fs::remove_file(self.paths.migrated(service.name));
            }
            let restored = templates.restore(&held)?;
            for service in SERVICES.iter().filter(|service| restored.iter().any(|name| name == service.name))
            {
                fs::write(self.paths.migrated(service.name), &locks)?;
                held.insert(service.name);
            }
            if restored.is_empty() {
                progress.step("mariadb's tables", "mariadb has its own tables", || {
                    mariadb.initialise(&self.paths)
                })?;
            } else {
                progress.say(&format!("databases restored from a template: {}", restored.join(", ")));
            }
        }
        let start = || progress.step("mariadb", "mariadb answers", || mariadb.start(&self.paths, port));
        if Process::find(&self.paths.run(), mariadb::NAME).is_none() {
            start()?;
        }

        let (mut todo, mut statements) = (VecDeque::new(), Vec::new());
        for service in wanted.iter().filter(|service| !service.migrations.is_empty()) {
            match fs::read_to_string(self.paths.migrated(service.name)) {
                Ok(text) if text == locks => continue,
                // Made by other packages: the migrations bring it up to date.
                Ok(_) => {}
                // Never finished. Half a migration cannot be continued, because MariaDB cannot roll back changes
                // of tables.
                Err(_) => {
                    for database in service.databases {
                        statements.push(format!("DROP DATABASE IF EXISTS {database}"));
                        statements.push(format!("CREATE DATABASE {database} CHARACTER SET utf8mb4"));
                    }
                }
            }
            todo.push_back(*service);
        }
        if todo.is_empty() {
            return Ok(());
        }
        let mut sql = Command::new(python.program("python"));
        sql.arg(self.paths.source.join("sql.py")).arg(port.to_string()).args(statements);
        python::checked(&mut sql)?;
        let migrated = todo.len();
        // The longest first, so that none of them is alone at the end.
        todo.make_contiguous().sort_by_key(|service| std::cmp::Reverse(service.databases.len()));
        let todo = Mutex::new(todo);
        let next = || todo.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers)
                .map(|_| {
                    scope.spawn(|| {
                        while let Some(service) = next() {
                            let name = service.name;
                            progress.step(
                                &format!("migrating {name}"),
                                &format!("{name}'s database is ready"),
                                || self.migrate(service, python, renderer),
                            )?;
                            fs::write(self.paths.migrated(name), &locks)?;
                        }
                        Ok(())
                    })
                })
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|_| Err(anyhow!("a migration panicked"))))
                .collect::<Result<Vec<()>>>()
        })?;
        if fresh && migrated > 0 {
            let database =
                Process::find(&self.paths.run(), mariadb::NAME).map(|it| (mariadb::NAME.to_owned(), it));
            progress.step("template", "databases kept as a template for the next cloud", || {
                Process::stop(&self.paths.run(), &database.into_iter().collect::<Vec<_>>())?;
                templates.save(&held)
            })?;
            start()?;
        }
        Ok(())
    }

    fn migrate(&self, service: &'static Service, python: &Python, renderer: &Renderer<'_>) -> Result<()> {
        let name = format!("migrate-{}", service.name);
        let log = self.paths.log(&name);
        let _ = fs::remove_file(&log);
        for migration in service.migrations {
            let mut words = Vec::new();
            for word in migration.command {
                words.push(renderer.text(service.name, word)?);
            }
            let (program, arguments) =
                words.split_first().context("an empty command in the table of services")?;
            let program = if program.contains('/') { program.into() } else { python.program(program) };
            let mut command = self.command(service.name, &program, python);
            let status = Process::finish(&self.paths.run(), &name, command.args(arguments), &log)?;
            if !status.success() && status.code() != migration.done_before.or(Some(0)) {
                bail!("{}: `{}` failed ({status})\n{}", service.name, words.join(" "), tail(&log));
            }
        }
        Ok(())
    }

    /// A command in the environment that every process of the cloud gets.
    fn command(&self, service: &str, program: &Path, python: &Python) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            // Credentials for another cloud must not reach this one.
            if name.as_encoded_bytes().starts_with(b"OS_") {
                command.env_remove(name);
            }
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path =
            std::env::join_paths([python.venv.join("bin")].into_iter().chain(std::env::split_paths(&path)));
        if let Ok(path) = path {
            command.env("PATH", path);
        }
        command
            // Barbican looks for its configuration there, and nobody for anything else.
            .env("HOME", self.paths.etc(service))
            // What the packages offer to each other, which takes a second or two to find out.
            .env("XDG_CACHE_HOME", self.paths.cache.join("xdg"))
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1")
            .env("PYTHONWARNINGS", "ignore")
            // No prompt, no colour, no messages in another language.
            .env("LC_ALL", "C.UTF-8")
            .env("OS_CINDER_DISABLE_EVENTLET_PATCHING", "true")
            .env("OS_MANILA_DISABLE_EVENTLET_PATCHING", "true")
            .env("OS_NOVA_DISABLE_EVENTLET_PATCHING", "true")
            .current_dir(&self.paths.state);
        command
    }

    /// Starts services, each as soon as those answer that it needs. Who needs Keystone needs the catalog in it too.
    fn start(
        &self,
        setups: &[&Setup],
        python: &Python,
        state: &State,
        progress: &Progress,
        catalog: impl Fn() -> Result<()> + Sync,
    ) -> Result<()> {
        // Who answers (true) and who failed (false).
        let answering = Mutex::new(BTreeMap::<&str, bool>::new());
        let changed = Condvar::new();
        std::thread::scope(|scope| {
            let threads: Vec<_> = setups
                .iter()
                .map(|setup| {
                    let (answering, changed, catalog) = (&answering, &changed, &catalog);
                    scope.spawn(move || {
                        let name = setup.service.name;
                        let needs = |other: &&str| setups.iter().any(|setup| setup.service.name == *other);
                        for other in setup.service.after.iter().filter(|other| needs(other)) {
                            let known = answering.lock().unwrap_or_else(PoisonError::into_inner);
                            let known = changed
                                .wait_while(known, |known| !known.contains_key(other))
                                .unwrap_or_else(PoisonError::into_inner);
                            if !known[other] {
                                drop(known);
                                answering.lock().unwrap_or_else(PoisonError::into_inner).insert(name, false);
                                changed.notify_all();
                                // The error of the other one says what happened.
                                return Ok(());
                            }
                        }
                        let mut result = progress.step(name, &format!("{name} answers"), || {
                            self.start_one(setup, python, state, progress)
                        });
                        if name == "keystone" {
                            result = result.and_then(|()| catalog());
                        }
                        answering.lock().unwrap_or_else(PoisonError::into_inner).insert(name, result.is_ok());
                        changed.notify_all();
                        result
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("a start panicked"))))
                .collect::<Result<Vec<()>>>()
        })?;
        Ok(())
    }

    fn start_one(&self, setup: &Setup, python: &Python, state: &State, progress: &Progress) -> Result<()> {
        let renderer = Renderer::new(&self.paths, python, state)?;
        let name = setup.service.name;
        let log = self.paths.log(name);
        let port = state.port(name);
        let mut command = match setup.service.program {
            Program::Launcher => {
                let mut command = self.command(name, &python.program("python"), python);
                command
                    .arg(self.paths.source.join("launch.py"))
                    .arg(name)
                    .arg(self.paths.etc(name))
                    .arg(port.to_string());
                command
            }
            Program::Debian(bundle, arguments) => {
                let unpacked = bundle.ensure(&self.paths, progress)?;
                let mut command = self.command(name, &unpacked.program(), python);
                command.envs(unpacked.environment());
                for argument in arguments {
                    command.arg(renderer.text(name, argument)?);
                }
                command
            }
            Program::Node(directory, arguments) => {
                let installed = node::ensure(&self.paths, directory, progress)?;
                let mut command = self.command(name, Path::new("node"), python);
                let (module, arguments) =
                    arguments.split_first().context("no module in the table of services")?;
                command.arg(self.paths.source.join(directory).join(module));
                for argument in arguments {
                    command.arg(renderer.text(name, argument)?);
                }
                // Where the module finds its packages: they are not beside it.
                command.arg(installed);
                command
            }
        };
        // An error shows the end of the log: that must be of this start.
        let _ = fs::remove_file(&log);
        let process = Process::spawn(&self.paths.run(), name, &mut command, &log, &setup.digest)?;
        let since = Instant::now();
        while !self.health.answers(port, setup.service.health) {
            if !process.is_running() {
                bail!("{name} did not start\n{}", tail(&log));
            }
            if since.elapsed() > PATIENCE {
                bail!("{name} does not answer after {} s\n{}", PATIENCE.as_secs(), tail(&log));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// What `seed.py` gets to know.
    fn seed_input(&self, wanted: &[&'static Service], state: &State) -> Result<serde_json::Value> {
        let mut catalog = Vec::new();
        for service in SERVICES {
            for endpoint in service.endpoints {
                catalog.push(json!({
                    "type": endpoint.kind,
                    "name": endpoint.name,
                    "url": format!("http://127.0.0.1:{}{}", state.port(service.name), endpoint.path),
                    "enabled": wanted.iter().any(|one| one.name == service.name),
                }));
            }
        }
        Ok(json!({
            "keystone": render::keystone(state),
            "password": PASSWORD,
            "region": REGION,
            "oidc_issuer": wanted.iter().any(|service| service.name == "oidc")
                .then(|| format!("http://127.0.0.1:{}", state.port("oidc-provider"))),
            "catalog": catalog,
        }))
    }

    fn seed(&self, part: &str, input: &serde_json::Value, python: &Python) -> Result<()> {
        let file = self.paths.run().join("seed.json");
        fs::write(&file, serde_json::to_vec_pretty(input)?)?;
        let mut command = self.command("", &python.program("python"), python);
        command.arg(self.paths.source.join("seed.py")).arg(part).stdin(File::open(file)?);
        python::checked(&mut command).with_context(|| format!("seeding {part}"))
    }
}

fn service(name: &str) -> Result<&'static Service> {
    services::find(name).with_context(|| {
        let known: Vec<_> = SERVICES.iter().map(|service| service.name).collect();
        format!("there is no service {name}; there are {}", known.join(", "))
    })
}

fn names(services: &[&Service]) -> String {
    services.iter().map(|service| service.name).collect::<Vec<_>>().join(", ")
}
