//! The provider, built and installed where Terraform finds it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The repository and what was built from it.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// The repository.
    pub root: PathBuf,
    /// Where everything that is made goes.
    pub target: PathBuf,
    /// The provider's binary, in the mirror.
    pub binary: PathBuf,
    /// Configuration of Terraform's command line that names the mirror.
    pub cli_config: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

const NAME: &str = "terraform-provider-tenancy";
/// Terraform's and OpenTofu's own registries, which `tenancy/tenancy` stands for.
const HOSTS: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

impl Plugin {
    /// Builds the provider and puts it into a mirror. Once for each process.
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
    // A binary that exists already, such as a release.
    let given = std::env::var_os("TENANCY_PROVIDER").map(PathBuf::from);
    if given.is_none() {
        let built = cargo().args(["build", "--quiet", "--package", NAME, "--bin", NAME]).output()?;
        ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }
    let given = given.unwrap_or_else(|| target_directory.join("debug").join(NAME));

    let acceptance = target_directory.join("acceptance");
    let mirror = acceptance.join("mirror");
    let version = env!("CARGO_PKG_VERSION");
    let mut binary = PathBuf::new();
    for host in HOSTS {
        let folder = mirror.join(host).join("tenancy/tenancy").join(version).join(platform());
        fs::create_dir_all(&folder)?;
        binary = folder.join(format!("{NAME}_v{version}"));
        replace(&given, &binary)?;
    }
    let cli_config = acceptance.join("terraform.rc");
    let text = format!(
        "disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
        mirror.display()
    );
    fs::write(&cli_config, text)?;
    Ok(Plugin { root: workspace_root, target: target_directory, binary, cli_config })
}

/// A new file under the old name: another run may be executing the old one.
fn replace(from: &Path, to: &Path) -> Result<()> {
    let fresh = to.with_extension(format!("new-{}", std::process::id()));
    fs::copy(from, &fresh).with_context(|| format!("{} cannot be copied", from.display()))?;
    Ok(fs::rename(&fresh, to)?)
}

/// `linux_amd64`, as Terraform names it.
fn platform() -> String {
    let system = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}_{machine}")
}
