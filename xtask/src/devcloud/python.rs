//! A Python, and in a virtual environment of the target directory the pinned packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::paths::{Paths, digest, remove};
use super::progress::Progress;
use super::services::Packages;

/// The versions that the locks are made for.
const VERSIONS: [&str; 3] = ["3.12", "3.13", "3.11"];

/// The virtual environment.
#[derive(Clone, Debug)]
pub struct Python {
    /// Its directory.
    pub venv: PathBuf,
}

impl Python {
    /// The environment for the locks in the repository, whatever is installed there.
    pub fn installed(paths: &Paths) -> Result<Self> {
        Ok(Self { venv: paths.cache.join(format!("venv-{}", locks(paths)?)) })
    }

    /// The environment for the locks in the repository, with at least these packages.
    ///
    /// Its name holds a digest of the locks, so that a change of them makes a new one.
    pub fn ensure(paths: &Paths, packages: Packages, progress: &Progress) -> Result<Self> {
        let python = Self::installed(paths)?;
        let missing: Vec<_> = Packages::ALL
            .into_iter()
            .filter(|lock| *lock <= packages && !python.marker(*lock).exists())
            .collect();
        let Some(lock) = missing.last() else { return Ok(python) };

        let base = Base::find()?;
        progress.say(&format!("installing Python packages with {} ({})", base.version, base.program));
        let uv = base.uv(paths, progress)?;
        if missing.len() == Packages::ALL.iter().filter(|lock| **lock <= packages).count() {
            // Nothing is complete here; an interrupted installation may have left anything.
            remove(&python.venv)?;
            checked(uv.command().args(["venv", "--python", &base.program]).arg(&python.venv))?;
        }
        let what = format!("packages of {}", lock.name());
        progress.step(&what, &format!("{what} installed"), || {
            // A few packages are published as source only. They are built with the pinned tools of build.txt,
            // because an isolated build would download whatever is newest.
            for (file, options) in [
                ("build", &["--no-build"][..]),
                (lock.name(), &["--no-build-isolation", "--compile-bytecode"][..]),
            ] {
                checked(
                    uv.command()
                        .args(["pip", "install", "--quiet", "--no-deps", "--require-hashes", "--no-config"])
                        .args(options)
                        .arg("--python")
                        .arg(python.program("python"))
                        .arg("--requirements")
                        .arg(paths.source.join(format!("requirements/{file}.txt"))),
                )?;
            }
            for lock in missing.iter().rev() {
                fs::write(python.marker(*lock), "")?;
            }
            Ok(())
        })?;
        Ok(python)
    }

    /// A program of the environment.
    pub fn program(&self, name: &str) -> PathBuf {
        self.venv.join("bin").join(name)
    }

    /// Says that all packages of a lock are installed.
    fn marker(&self, packages: Packages) -> PathBuf {
        self.venv.join(format!("{}.installed", packages.name()))
    }
}

/// Digest of all locks.
pub fn locks(paths: &Paths) -> Result<String> {
    let mut contents = Vec::new();
    for name in ["build", "keystone", "base", "extras"] {
        let file = paths.source.join(format!("requirements/{name}.txt"));
        contents.push(fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?);
    }
    Ok(digest(contents))
}

/// A Python of the machine.
struct Base {
    program: String,
    version: String,
}

/// The package installer.
struct Uv {
    program: PathBuf,
    cache: PathBuf,
}

impl Base {
    /// The first one that really runs: a name on the path may be a shim that only says what is not installed.
    fn find() -> Result<Self> {
        let given = std::env::var("DEVCLOUD_PYTHON").ok();
        let names = match &given {
            Some(program) => vec![program.clone()],
            None => {
                VERSIONS.iter().map(|version| format!("python{version}")).chain(["python3".into()]).collect()
            }
        };
        let mut without_venv = None;
        for name in names {
            let script = "import sys; print(sys.executable, '%d.%d' % sys.version_info[:2], sys.version.split()[0], \
                          sep='\\n'); import ensurepip, venv";
            let Ok(output) = Command::new(&name).args(["-c", script]).output() else { continue };
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let mut lines = text.lines().map(str::to_owned);
            let (Some(program), Some(minor), Some(version)) = (lines.next(), lines.next(), lines.next())
            else {
                continue;
            };
            if !VERSIONS.contains(&minor.as_str()) {
                continue;
            }
            if output.status.success() {
                return Ok(Self { program, version });
            }
            without_venv = Some(program);
        }
        match (given, without_venv) {
            (_, Some(program)) => bail!("{program} has no venv module: install it (Debian: python3-venv)"),
            (Some(program), _) => bail!("DEVCLOUD_PYTHON={program} is no working Python 3.11, 3.12 or 3.13"),
            _ => bail!(
                "no working Python 3.11, 3.12 or 3.13 on the path: install one, or name one in DEVCLOUD_PYTHON"
            ),
        }
    }

    /// The pinned uv, in an environment of its own.
    fn uv(&self, paths: &Paths, progress: &Progress) -> Result<Uv> {
        let lock = paths.source.join("requirements/uv.txt");
        let venv =
            paths.cache.join(format!("uv-{}", digest([fs::read(&lock)?, self.program.clone().into_bytes()])));
        let uv = Uv { program: venv.join("bin/uv"), cache: paths.cache.join("uv-cache") };
        let installed = venv.join("installed");
        if !installed.exists() {
            progress.step("uv", "uv installed", || {
                remove(&venv)?;
                checked(Command::new(&self.program).args(["-m", "venv"]).arg(&venv))?;
                checked(
                    Command::new(venv.join("bin/python"))
                        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
                        .args(["--require-hashes", "--only-binary", ":all:", "--requirement"])
                        .arg(&lock),
                )?;
                Ok(fs::write(&installed, "")?)
            })?;
        }
        Ok(uv)
    }
}

impl Uv {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("UV_CACHE_DIR", &self.cache)
            .env("UV_NO_PROGRESS", "1")
            .env("UV_PYTHON_DOWNLOADS", "never");
        command
    }
}

/// Runs a command to its end; what it printed is the error.
pub fn checked(command: &mut Command) -> Result<()> {
    let program = Path::new(command.get_program()).display().to_string();
    let output = command.output().with_context(|| format!("{program} does not run"))?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].concat();
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        bail!("{program} {} failed:\n{}", arguments.join(" "), String::from_utf8_lossy(&text).trim());
    }
    Ok(())
}
