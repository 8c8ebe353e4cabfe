//! The database server.
//!
//! One MariaDB for all services. SQLite would do for Keystone alone, but Nova and Placement lose writes on it when
//! requests come together, and Keystone would differ from real clouds: MariaDB compares names without regard to case,
//! SQLite does not. So `--only keystone` uses MariaDB too; it costs about three seconds once, nothing afterwards, and
//! the rest of the cloud can be added later.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::debian::{MARIADB, Unpacked};
use super::paths::{Paths, digest, remove};
use super::process::{Process, tail};
use super::progress::Progress;

/// Name of the process.
pub const NAME: &str = "mariadb";

/// A server program: unpacked, or the machine's own.
#[derive(Clone, Debug)]
pub struct MariaDb {
    unpacked: Option<Unpacked>,
    program: PathBuf,
    share: PathBuf,
}

impl MariaDb {
    /// The unpacked server, or where that is not to be had the machine's own.
    pub fn ensure(paths: &Paths, progress: &Progress) -> Result<Self> {
        match MARIADB.ensure(paths, progress) {
            Ok(unpacked) => Ok(Self {
                program: unpacked.program(),
                share: unpacked.root.join("usr/share/mysql"),
                unpacked: Some(unpacked),
            }),
            Err(error) => {
                let program = installed().ok_or(error)?;
                let share = ["share/mysql", "share/mariadb"]
                    .iter()
                    .filter_map(|share| Some(program.parent()?.parent()?.join(share)))
                    .find(|share| {
                        share.join("mysql_system_tables.sql").exists()
                            || share.join("mariadb_system_tables.sql").exists()
                    })
                    .with_context(|| format!("{} has no system tables beside it", program.display()))?;
                progress.say(&format!("using the installed {}", program.display()));
                Ok(Self { unpacked: None, program, share })
            }
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.envs(self.unpacked.as_ref().and_then(Unpacked::environment));
        // Without this first the machine's own configuration would be read.
        command.arg("--no-defaults");
        command.arg(format!("--lc-messages-dir={}", self.share.display()));
        command
    }

    /// What tells one server from another, for the template of databases.
    pub fn version(&self) -> Result<String> {
        let output = self.command().arg("--version").output()?;
        // The text begins with the program's path.
        Ok(String::from_utf8_lossy(&output.stdout).split_once("Ver").map_or_else(String::new, |v| v.1.into()))
    }

    /// Makes the server's own tables.
    pub fn initialise(&self, paths: &Paths) -> Result<()> {
        let data = paths.databases();
        let partial = data.with_extension("partial");
        remove(&partial)?;
        fs::create_dir_all(&partial)?;
        let mut sql = b"create database mysql;\nuse mysql;\n".to_vec();
        // Newer releases changed the prefix.
        for name in ["system_tables.sql", "system_tables_data.sql"] {
            let script =
                ["mysql", "mariadb"].iter().map(|prefix| self.share.join(format!("{prefix}_{name}")));
            let script =
                script.into_iter().find(|script| script.exists()).with_context(|| format!("no {name}"))?;
            sql.extend(fs::read(script)?);
        }
        let script = partial.join("bootstrap.sql");
        fs::write(&script, sql)?;
        let mut command = self.command();
        server_options(&mut command, &partial);
        let log = paths.log("mariadb-bootstrap");
        let output = fs::File::create(&log)?;
        let status = command
            .arg("--bootstrap")
            .stdin(Stdio::from(fs::File::open(&script)?))
            .stdout(output.try_clone()?)
            .stderr(output)
            .status()?;
        if !status.success() {
            bail!("mariadb: its first start failed\n{}", tail(&log));
        }
        fs::remove_file(script)?;
        fs::rename(partial, data)?;
        Ok(())
    }

    /// Starts the server and waits until it answers.
    pub fn start(&self, paths: &Paths, port: u16) -> Result<()> {
        let log = paths.log(NAME);
        let mut command = self.command();
        server_options(&mut command, &paths.databases());
        command
            .arg("--bind-address=127.0.0.1")
            .arg(format!("--port={port}"))
            // Relative to the data directory: the path of a socket must not be longer than 107 bytes.
            .args(["--socket=server.sock", "--skip-networking=0", "--skip-name-resolve"])
            .args(["--skip-grant-tables", "--max-connections=500", "--performance-schema=OFF"]);
        let process = Process::spawn(&paths.run(), NAME, &mut command, &log, &digest([port.to_le_bytes()]))?;
        let since = Instant::now();
        while !answers(port) {
            if !process.is_running() || since.elapsed() > Duration::from_secs(60) {
                bail!("mariadb does not start\n{}", tail(&log));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

/// Options that a first start and every other have in common: small, and not durable.
fn server_options(command: &mut Command, data: &Path) {
    command
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--plugin-dir={}", data.display()))
        .args(["--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0", "--skip-log-bin"])
        .args(["--skip-innodb-doublewrite", "--innodb-flush-method=nosync"])
        .args(["--innodb-buffer-pool-size=128M", "--innodb-log-file-size=16M"]);
    if rustix::process::geteuid().is_root() {
        // It refuses to run as root unless told to.
        command.arg("--user=root");
    }
}

/// Whether a database server greets on a port.
pub fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(2))).is_ok()
        && stream.read(&mut [0; 5]).is_ok_and(|read| read == 5)
}

fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    directories.map(|directory| directory.join("mariadbd")).find(|program| program.is_file())
}
