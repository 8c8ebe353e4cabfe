//! Where the workspace and its target directory are.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// What every command starts from.
#[derive(Clone, Debug, Deserialize)]
pub struct Workspace {
    /// The repository.
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    /// Where cargo builds, and where everything that these commands make goes too.
    #[serde(rename = "target_directory")]
    pub target: PathBuf,
    packages: Vec<Package>,
}

#[derive(Clone, Debug, Deserialize)]
struct Package {
    targets: Vec<Target>,
}

#[derive(Clone, Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Workspace {
    /// The names of the integration tests of all packages.
    pub fn tests(&self) -> impl Iterator<Item = &str> {
        let targets = self.packages.iter().flat_map(|it| &it.targets);
        targets.filter(|it| it.kind.iter().any(|kind| kind == "test")).map(|it| it.name.as_str())
    }

    /// Asks cargo, which knows of `CARGO_TARGET_DIR` and of configuration files.
    pub fn find() -> Result<Self> {
        let output = cargo()
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .output()
            .context("cargo metadata does not run")?;
        ensure!(
            output.status.success(),
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        serde_json::from_slice(&output.stdout).context("cargo metadata answered something unknown")
    }
}

/// The cargo that runs this program.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
