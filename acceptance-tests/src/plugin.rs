//! The provider, built and installed where Terraform finds it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Result, ensure};
use serde::Deserialize;

use crate::host::{self, Host, Installed};

/// The repository and what was built from it.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// The repository.
    pub root: PathBuf,
    /// The provider's binary.
    pub binary: PathBuf,
    /// Where scenarios work, below the target directory.
    pub directory: PathBuf,
    /// The `clouds.yaml` that names the cloud to test with.
    pub clouds: PathBuf,
    /// Terraform and OpenTofu, with the provider ready for them. At least one.
    pub hosts: Vec<Host>,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

/// Name of the package and of the program.
pub const NAME: &str = "terraform-provider-tenancy";

/// A provider that scenarios need besides ours.
static BESIDES: OnceLock<(&str, &str, PathBuf)> = OnceLock::new();

/// Installs another provider as well, by its address without its registry, its version and its program. To be said before
/// the first scenario.
pub fn besides(source: &'static str, version: &'static str, program: PathBuf) {
    // Said twice, the first one counts.
    let _ = BESIDES.set((source, version, program));
}

impl Plugin {
    /// The first host: every scenario runs on it.
    pub fn host(&self) -> &Host {
        &self.hosts[0]
    }

    /// Builds the provider, unless `TENANCY_TEST_PROVIDER` names one, and installs it. Once for each process.
    pub fn get() -> Result<&'static Plugin> {
        static PLUGIN: OnceLock<Result<Plugin, String>> = OnceLock::new();
        let built = PLUGIN.get_or_init(|| install().map_err(|why| format!("{why:#}")));
        built.as_ref().map_err(|why| anyhow::anyhow!("the provider cannot be built: {why}"))
    }
}

fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo
}

fn install() -> Result<Plugin> {
    let output = cargo().args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let Metadata { workspace_root, target_directory } = serde_json::from_slice(&output.stdout)?;
    let given = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let binary = match given("TENANCY_TEST_PROVIDER") {
        Some(binary) => binary,
        None => {
            let built = cargo().args(["build", "--quiet", "--package", NAME, "--bin", NAME]).output()?;
            ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            target_directory.join("debug").join(NAME)
        }
    };
    let directory = target_directory.join("acceptance");
    let clouds =
        given("TENANCY_TEST_CLOUDS").unwrap_or_else(|| target_directory.join("devcloud/clouds.yaml"));
    let mut providers = vec![Installed::ours(&binary)];
    providers.extend(BESIDES.get().map(|(source, version, program)| Installed { source, version, program }));
    let hosts = Host::all(&host::install(&directory, &providers)?)?;
    Ok(Plugin { root: workspace_root, binary, directory, clouds, hosts })
}
