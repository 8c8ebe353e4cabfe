//! A host program, Terraform or OpenTofu, that uses the provider built from this workspace.
//!
//! The provider is laid out as a mirror of a registry, under the names of both programs' registries. A plain `init`
//! finds it there, without network, and everything behaves as with a provider that was downloaded.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// The provider's address without its registry, as in `source = "tenancy/tenancy"`.
pub const SOURCE: &str = "tenancy/tenancy";

/// The registries that the two hosts take for granted.
pub const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// Something that not every host can do.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// `moved` blocks between types and providers.
    Moved,
    /// Functions of a provider.
    Functions,
    /// Ephemeral resources.
    Ephemeral,
    /// Write-only attributes.
    WriteOnly,
    /// Resource identities, and import by them.
    Identity,
    /// `query`, with list resources and generated configuration.
    Query,
    /// Actions.
    Actions,
}

impl Feature {
    /// All of them.
    pub const ALL: [Feature; 7] = [
        Feature::Moved,
        Feature::Functions,
        Feature::Ephemeral,
        Feature::WriteOnly,
        Feature::Identity,
        Feature::Query,
        Feature::Actions,
    ];

    /// As scenarios write it.
    pub fn name(self) -> &'static str {
        match self {
            Feature::Moved => "moved",
            Feature::Functions => "functions",
            Feature::Ephemeral => "ephemeral",
            Feature::WriteOnly => "write_only",
            Feature::Identity => "identity",
            Feature::Query => "query",
            Feature::Actions => "actions",
        }
    }

    /// The first minor releases 1.x of Terraform and of OpenTofu that have it.
    fn since(self) -> (u32, Option<u32>) {
        match self {
            Feature::Moved => (8, Some(10)),
            Feature::Functions => (8, Some(7)),
            Feature::Ephemeral => (10, Some(11)),
            Feature::WriteOnly => (11, Some(11)),
            Feature::Identity => (12, Some(12)),
            Feature::Query | Feature::Actions => (14, None),
        }
    }
}

/// Terraform or OpenTofu.
#[derive(Clone, Debug)]
pub struct Host {
    program: OsString,
    cli_config: PathBuf,
    opentofu: bool,
    version: String,
}

impl Host {
    /// The first of [`Host::all`].
    pub fn new(provider: &Path, directory: &Path) -> Result<Self> {
        let cli_config = install(directory, &[Installed::ours(provider)])?;
        Ok(Self::all(&cli_config)?.swap_remove(0))
    }

    /// The program that `TERRAFORM` names, or else `terraform` and `tofu` as far as they are on the path; then those that
    /// `TENANCY_TEST_HOSTS` names, like a `PATH` of programs. At least one.
    pub fn all(cli_config: &Path) -> Result<Vec<Self>> {
        let given = std::env::var_os("TERRAFORM");
        let usual = given.clone().map_or_else(|| vec!["terraform".into(), "tofu".into()], |it| vec![it]);
        let mut all: Vec<_> = usual.into_iter().filter_map(|it| Self::at(it, cli_config)).collect();
        if let (Some(given), true) = (given, all.is_empty()) {
            bail!("TERRAFORM={} does not run", given.to_string_lossy());
        }
        for program in std::env::var_os("TENANCY_TEST_HOSTS").iter().flat_map(std::env::split_paths) {
            let named = program.display().to_string();
            let host = Self::at(program.into(), cli_config);
            all.push(host.with_context(|| format!("TENANCY_TEST_HOSTS: {named} does not run"))?);
        }
        ensure!(
            !all.is_empty(),
            "neither terraform nor tofu is on the path: install one, or name one in TERRAFORM"
        );
        Ok(all)
    }

    /// A program, if it runs.
    fn at(program: OsString, cli_config: &Path) -> Option<Self> {
        let mut host =
            Host { program, cli_config: cli_config.to_owned(), opentofu: false, version: String::new() };
        let output = host.command(Path::new(".")).arg("version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        // Before it may come what is wrong with the configuration of the command line.
        let said = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        (host.opentofu, host.version) = match (said("Terraform v"), said("OpenTofu v")) {
            (Some(version), _) => (false, version),
            (None, Some(version)) => (true, version),
            (None, None) => return None,
        };
        Some(host)
    }

    /// The program's name, for messages.
    pub fn name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    /// Where the program is.
    pub fn path(&self) -> Option<PathBuf> {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        // Joined to a folder, an absolute path stays what it is.
        std::env::split_paths(&folders).map(|it| it.join(&self.program)).find(|it| it.is_file())
    }

    /// What it is, such as `OpenTofu 1.12.6`.
    pub fn title(&self) -> String {
        format!("{} {}", if self.opentofu { "OpenTofu" } else { "Terraform" }, self.version)
    }

    /// Whether it can do something.
    pub fn can(&self, feature: Feature) -> bool {
        let (terraform, opentofu) = feature.since();
        let since = if self.opentofu { opentofu } else { Some(terraform) };
        let mut parts = self.version.split(['.', '-']).map(|it| it.parse::<u32>().ok());
        match (parts.next().flatten(), parts.next().flatten(), since) {
            (Some(1), Some(minor), Some(since)) => minor >= since,
            (Some(major), _, Some(_)) => major > 1,
            _ => false,
        }
    }

    /// The registry that it takes for granted.
    pub fn registry(&self) -> &'static str {
        REGISTRIES[usize::from(self.opentofu)]
    }

    /// The command line configuration, for `TF_CLI_CONFIG_FILE`.
    pub fn cli_config(&self) -> &Path {
        &self.cli_config
    }

    /// The program in a directory, free of what the environment says about clouds and Terraform.
    pub fn command(&self, directory: &Path) -> Command {
        self.around(&self.program, directory)
    }

    /// Another program that will run this one: in the same environment.
    pub fn around(&self, program: impl AsRef<OsStr>, directory: &Path) -> Command {
        let mut command = Command::new(program);
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

/// Builds the provider of a workspace and gives its binary. Not an optimized one: that takes many times as long, and what
/// these tests show does not depend on it.
pub fn build(workspace: &Path, target: &Path) -> Result<PathBuf> {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--package", "terraform-provider-tenancy"])
        .arg("--target-dir")
        .arg(target)
        .current_dir(workspace)
        .status()
        .context("cargo does not run")?;
    ensure!(status.success(), "the provider cannot be built");
    Ok(target.join("debug/terraform-provider-tenancy"))
}

/// A provider in the mirror.
pub struct Installed<'a> {
    /// Its address without its registry.
    pub source: &'a str,
    /// Its version.
    pub version: &'a str,
    /// The program.
    pub program: &'a Path,
}

impl<'a> Installed<'a> {
    /// The provider built from this workspace.
    pub fn ours(program: &'a Path) -> Self {
        Installed { source: SOURCE, version: env!("CARGO_PKG_VERSION"), program }
    }
}

/// Lays out the mirror and writes the command line configuration; gives the latter's path.
pub fn install(directory: &Path, providers: &[Installed<'_>]) -> Result<PathBuf> {
    let mirror = directory.join("mirror");
    let mut addresses = Vec::new();
    for Installed { source, version, program } in providers {
        let name = source.rsplit('/').next().unwrap_or(source);
        for registry in REGISTRIES {
            let folder = mirror.join(registry).join(source).join(version).join(platform());
            fs::create_dir_all(&folder)?;
            // Renamed into place: the file of before may be running, and another test run may do the same now.
            let partial = folder.join(format!("partial-{}", std::process::id()));
            fs::copy(program, &partial).with_context(|| format!("cannot copy {}", program.display()))?;
            fs::rename(partial, folder.join(format!("terraform-provider-{name}_v{version}")))?;
            addresses.push(format!("{registry}/{source}"));
        }
    }
    let cli_config = directory.join("cli.tfrc");
    fs::write(&cli_config, installation(&mirror, &addresses))?;
    Ok(cli_config)
}

/// What in a command line configuration makes a host install the providers at these addresses from a mirror.
pub fn installation(mirror: &Path, addresses: &[String]) -> String {
    let addresses: Vec<_> = addresses.iter().map(|it| format!("\"{it}\"")).collect();
    let addresses = addresses.join(", ");
    format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path    = {mirror:?}\n    include = [{addresses}]\n  }}\n  \
         direct {{\n    exclude = [{addresses}]\n  }}\n}}\n"
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_come_with_versions() {
        let host = |opentofu, version: &str| Host {
            program: OsString::new(),
            cli_config: PathBuf::new(),
            opentofu,
            version: version.to_owned(),
        };
        let can = |host: Host| Feature::ALL.into_iter().filter(|it| host.can(*it)).count();
        assert_eq!(can(host(false, "1.11.4")), 4);
        assert_eq!(can(host(false, "1.12.0-beta1")), 5);
        assert_eq!(can(host(false, "1.16.4")), 7);
        assert_eq!(can(host(true, "1.12.6")), 5);
        assert_eq!(can(host(true, "2.0.0")), 5);
    }
}
