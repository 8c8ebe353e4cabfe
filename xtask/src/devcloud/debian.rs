//! Programs from Debian's packages: downloaded and unpacked, not installed.
//!
//! Nothing on the machine changes: no service starts, nothing needs root, and a MariaDB that is installed stays
//! what it is. apt checks signatures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::paths::{Paths, remove};
use super::progress::Progress;
use super::python::checked;

/// A set of packages that are unpacked into one directory.
#[derive(Debug)]
pub struct Bundle {
    /// Name of the directory.
    pub name: &'static str,
    /// Packages. Where a release renamed one, the names are alternatives: "new|old".
    pub packages: &'static [&'static str],
    /// The program to run, relative to the directory.
    pub program: &'static str,
}

/// The database server, and the two libraries of it that a minimal system lacks.
pub const MARIADB: Bundle = Bundle {
    name: "mariadb",
    packages: &["mariadb-server-core", "libaio1t64|libaio1", "liburing2"],
    program: "usr/sbin/mariadbd",
};

/// Where CloudKitty keeps what was rated.
pub const INFLUXDB: Bundle = Bundle { name: "influxdb", packages: &["influxdb"], program: "usr/bin/influxd" };

/// The proxy that checks federated users' tokens for Keystone.
pub const APACHE: Bundle = Bundle {
    name: "apache",
    packages: &[
        "apache2-bin",
        "libapache2-mod-auth-openidc",
        "libapr1t64|libapr1",
        "libaprutil1t64|libaprutil1",
        "libcjose0",
        "libhiredis1.1.0|libhiredis0.14",
        "libjansson4",
        "libcurl4t64|libcurl4",
        "libnghttp2-14",
    ],
    program: "usr/sbin/apache2",
};

/// An unpacked bundle.
#[derive(Clone, Debug)]
pub struct Unpacked {
    /// Where the packages' files are: a root directory of its own.
    pub root: PathBuf,
    program: &'static str,
}

impl Unpacked {
    /// The program, which finds the libraries beside it.
    pub fn program(&self) -> PathBuf {
        self.root.join(self.program)
    }

    /// Where the unpacked libraries are.
    pub fn libraries(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(self.root.join("usr/lib")).ok()?;
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.to_string_lossy().ends_with("-linux-gnu"))
    }

    /// What the program needs in its environment.
    pub fn environment(&self) -> Option<(&'static str, PathBuf)> {
        Some(("LD_LIBRARY_PATH", self.libraries()?))
    }
}

impl Bundle {
    /// Unpacks the bundle, unless that was done before.
    pub fn ensure(&self, paths: &Paths, progress: &Progress) -> Result<Unpacked> {
        let root = paths.cache.join("debian").join(self.name);
        let unpacked = Unpacked { root: root.clone(), program: self.program };
        if unpacked.program().exists() {
            return Ok(unpacked);
        }
        progress.step(self.name, &format!("{} unpacked", self.name), || {
            // Another name until it is complete, so that an interrupted one is not taken for it.
            let partial = root.with_extension("partial");
            remove(&partial)?;
            let downloads = partial.join("downloads");
            fs::create_dir_all(&downloads)?;
            self.download(paths, &downloads)?;
            for entry in fs::read_dir(&downloads)? {
                checked(Command::new("dpkg-deb").arg("-x").arg(entry?.path()).arg(&partial))?;
            }
            remove(&downloads)?;
            remove(&root)?;
            fs::rename(&partial, &root)?;
            self.complete(&unpacked)
        })?;
        Ok(unpacked)
    }

    fn download(&self, paths: &Paths, to: &Path) -> Result<()> {
        if Command::new("apt-get").arg("--version").output().is_err() {
            bail!(
                "{} comes from Debian's packages ({}), and there is no apt-get here",
                self.name,
                self.packages.join(", ")
            );
        }
        // The machine's package lists first. If they are missing or too old, lists of our own: that works without
        // root and leaves the machine's as they are.
        if self.fetch(&[], to).is_ok() {
            return Ok(());
        }
        let lists = paths.cache.join("debian/apt");
        fs::create_dir_all(lists.join("lists/partial"))?;
        fs::create_dir_all(lists.join("cache/archives/partial"))?;
        let options = [
            format!("Dir::State::Lists={}", lists.join("lists").display()),
            format!("Dir::Cache={}", lists.join("cache").display()),
        ];
        checked(
            Command::new("apt-get")
                .args(options.iter().flat_map(|option| ["-o", option]))
                .args(["-qq", "update"]),
        )
        .context("the list of Debian's packages cannot be brought up to date")?;
        self.fetch(&options, to)
            .with_context(|| format!("Debian's packages for {} are not to be had", self.name))
    }

    fn fetch(&self, options: &[String], to: &Path) -> Result<()> {
        let mut names = Vec::new();
        for alternatives in self.packages {
            let name = alternatives.split('|').find(|name| {
                let shown = Command::new("apt-cache")
                    .args(options.iter().flat_map(|option| ["-o", option]))
                    .args(["show", "--no-all-versions", name])
                    .output();
                shown.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
            });
            names.push(name.with_context(|| format!("no package {alternatives}"))?);
        }
        checked(
            Command::new("apt-get")
                .args(options.iter().flat_map(|option| ["-o", option]))
                // Root would hand the download to a user who cannot write here.
                .args(["-o", "APT::Sandbox::User=root", "-qq", "download"])
                .args(names)
                .current_dir(to),
        )
    }

    /// Names the libraries that the unpacked program lacks on this machine.
    fn complete(&self, unpacked: &Unpacked) -> Result<()> {
        let ldd = Command::new("ldd").envs(unpacked.environment()).arg(unpacked.program()).output();
        let Ok(output) = ldd else { return Ok(()) };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let missing: Vec<_> = text
            .lines()
            .filter(|line| line.contains("not found"))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        if !missing.is_empty() {
            remove(&unpacked.root)?;
            bail!("{} needs libraries that this machine lacks: {}", self.name, missing.join(", "));
        }
        Ok(())
    }
}
