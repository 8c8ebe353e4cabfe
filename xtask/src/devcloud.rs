//! A real OpenStack on this machine, as plain processes.
//!
//! Packages are installed into a virtual environment below the target directory, MariaDB is unpacked beside it, and
//! every project runs as one process on the loopback interface. `services` is the table of what there is, `cloud` is
//! the story of how it comes up, and the launcher, the seed and the configuration are plain files in
//! `acceptance-tests/devcloud`.

mod cloud;
mod debian;
mod health;
mod mariadb;
mod node;
mod paths;
mod process;
mod progress;
mod python;
mod render;
mod services;
mod state;
mod template;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

pub use cloud::Cloud;
pub use paths::Paths;
pub use python::checked;
pub use render::PASSWORD;

use crate::workspace::Workspace;

/// Arguments of `devcloud`.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Directory of the cloud, instead of `devcloud` in the target directory.
    #[arg(long, global = true, value_name = "DIRECTORY", env = "DEVCLOUD_STATE")]
    state: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Bring the cloud up, or whatever of it does not run.
    Up(Wanted),
    /// Stop it and keep what it holds.
    Down,
    /// Show its processes.
    Status,
    /// Print what a shell needs to talk to it: eval "$(cargo xtask devcloud env)".
    Env,
    /// Stop it and forget what it holds; downloads and packages stay.
    Clean {
        /// Remove downloads, packages and templates too.
        #[arg(long)]
        all: bool,
    },
}

/// Which services a cloud is to have.
#[derive(Args, Clone, Debug, Default)]
pub struct Wanted {
    /// Only these services and what they need, for example keystone.
    #[arg(long, value_delimiter = ',', value_name = "SERVICES", conflicts_with = "with")]
    pub only: Vec<String>,
    /// These services too. The cloud remembers them.
    #[arg(long, value_delimiter = ',', value_name = "SERVICES")]
    pub with: Vec<String>,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<()> {
    let cloud = Cloud::new(Paths::new(&Workspace::find()?, arguments.state)?);
    match arguments.command {
        Command::Up(wanted) => cloud.up(&wanted),
        Command::Down => cloud.down(),
        Command::Status => cloud.status(),
        Command::Env => {
            println!(
                "export OS_CLIENT_CONFIG_FILE={}; export OS_CLOUD=devcloud",
                quoted(&cloud.paths().clouds())
            );
            Ok(())
        }
        Command::Clean { all } => cloud.clean(all),
    }
}

/// A path as a shell takes it.
fn quoted(path: &std::path::Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
