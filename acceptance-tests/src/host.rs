//! A host program, Terraform or OpenTofu, that uses the provider built from this workspace.
//!
//! The provider is laid out as a mirror of a registry, under the names of both programs' registries. A plain `init`
//! finds it there, without network, and everything behaves as with a provider that was downloaded.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// The provider's address without its registry, as in `source = "tenancy/tenancy"`.
pub const SOURCE: &str = "tenancy/tenancy";

/// The registries that the two hosts take for granted.
pub const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// Terraform or OpenTofu.
#[derive(Clone, Debug)]
pub struct Host {
    program: OsString,
    cli_config: PathBuf,
}

impl Host {
    /// The program that `TERRAFORM` names, or else `terraform` or `tofu` on the path, with the provider at `provider`
    /// made ready for it in `directory`.
    pub fn new(provider: &Path, directory: &Path) -> Result<Self> {
        Ok(Self { program: find()?, cli_config: install(provider, directory)? })
    }

    /// The program's name, for messages.
    pub fn name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    /// The command line configuration, for `TF_CLI_CONFIG_FILE`.
    pub fn cli_config(&self) -> &Path {
        &self.cli_config
    }

    /// The program in a directory, free of what the environment says about clouds and Terraform.
    pub fn command(&self, directory: &Path) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            let name_bytes = name.as_encoded_bytes();
            if name_bytes.starts_with(b"OS_") || name_bytes.starts_with(b"TF_") {
                command.env_remove(name);
            }
        }
        command
            .current_dir(directory)
            .env("TF_CLI_CONFIG_FILE", &self.cli_config)
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1");
        command
    }
}

/// Looks for a program that runs.
fn find() -> Result<OsString> {
    let given = std::env::var_os("TERRAFORM");
    let names =
        given.clone().map_or_else(|| vec!["terraform".into(), "tofu".into()], |program| vec![program]);
    for name in names {
        if Command::new(&name).arg("version").output().is_ok_and(|output| output.status.success()) {
            return Ok(name);
        }
    }
    match given {
        Some(program) => bail!("TERRAFORM={} does not run", program.to_string_lossy()),
        None => bail!("neither terraform nor tofu is on the path: install one, or name one in TERRAFORM"),
    }
}

/// Builds the provider of a workspace for release and gives its binary.
pub fn build(workspace: &Path, target: &Path) -> Result<PathBuf> {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--package", "terraform-provider-tenancy"])
        .arg("--target-dir")
        .arg(target)
        .current_dir(workspace)
        .status()
        .context("cargo does not run")?;
    ensure!(status.success(), "the provider cannot be built");
    Ok(target.join("release/terraform-provider-tenancy"))
}

/// Lays out the mirror and writes the command line configuration; gives the latter's path.
fn install(provider: &Path, directory: &Path) -> Result<PathBuf> {
    let mirror = directory.join("mirror");
    let version = env!("CARGO_PKG_VERSION");
    for registry in REGISTRIES {
        let folder = mirror.join(registry).join(SOURCE).join(version).join(platform());
        fs::create_dir_all(&folder)?;
        // Renamed into place: the file of before may be running.
        let partial = folder.join("partial");
        fs::copy(provider, &partial).with_context(|| format!("cannot copy {}", provider.display()))?;
        fs::rename(partial, folder.join(format!("terraform-provider-tenancy_v{version}")))?;
    }
    let addresses: Vec<_> = REGISTRIES.iter().map(|registry| format!("\"{registry}/{SOURCE}\"")).collect();
    let addresses = addresses.join(", ");
    let cli_config = directory.join("cli.tfrc");
    let text = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path    = {mirror:?}\n    include = [{addresses}]\n  }}\n  \
         direct {{\n    exclude = [{addresses}]\n  }}\n}}\n"
    );
    fs::write(&cli_config, text)?;
    Ok(cli_config)
}

/// This machine in the words of the registries.
fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}_{processor}")
}
