//! `cargo xtask dist`: what a registry takes, and a mirror to install from without one.
//!
//! The same commit gives the same bytes, wherever it is built with the same compiler: paths of the machine are mapped
//! away, and no file has a time. `--check` builds a clone in another place and compares.

mod sbom;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use acceptance_tests::host::{self, REGISTRIES, SOURCE};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::json;
use sha2::{Digest, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::workspace::{Workspace, cargo};

/// What the provider is called in a registry.
const NAME: &str = "terraform-provider-tenancy";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The protocol, as registries announce it to hosts.
const PROTOCOL: &str = "6.0";

/// Arguments of `dist`.
#[derive(Args)]
pub struct Arguments {
    /// Build for this target of Rust's; as often as wanted. This machine's, if none is named.
    #[arg(long = "target", value_name = "TRIPLE")]
    targets: Vec<String>,
    /// Where everything goes: a directory that is empty, or has what an earlier run made. If not said, `dist-files` in the
    /// target directory.
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
    /// Pack this binary of this machine's target, and build nothing.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["targets", "check"])]
    binary: Option<PathBuf>,
    /// Sign the checksums with this key of gpg's.
    #[arg(long, value_name = "KEY")]
    sign: Option<String>,
    /// Build a clone of the last commit in another place too, and fail if that gives other bytes.
    #[arg(long)]
    check: bool,
}

/// Makes the files.
pub fn run(arguments: Arguments) -> Result<()> {
    let workspace = Workspace::find()?;
    let out = arguments.out.unwrap_or_else(|| workspace.target.join("dist-files"));
    // What is printed for the command line configuration has to hold in every directory.
    let out = std::path::absolute(&out)?;
    let targets = if arguments.targets.is_empty() { vec![this_machine()?] } else { arguments.targets };
    clear(&out)?;

    let mut sums = BTreeMap::new();
    for target in &targets {
        let platform = platform(target)?;
        let binary = match &arguments.binary {
            Some(binary) => binary.clone(),
            None => build(&workspace.root, &workspace.target, target)?,
        };
        if arguments.check {
            compare(&workspace, target, &binary)?;
        }
        let archive = format!("{NAME}_{VERSION}_{platform}.zip");
        pack(&workspace.root, &binary, target, &out.join(&archive))?;
        for registry in REGISTRIES {
            let folder = out.join("mirror").join(registry).join(SOURCE);
            fs::create_dir_all(&folder)?;
            fs::copy(out.join(&archive), folder.join(&archive))?;
        }
        let bill = format!("{NAME}_{VERSION}_{platform}.cdx.json");
        fs::write(out.join(&bill), sbom::of(&workspace.root, NAME, target)?)?;
        for file in [archive, bill] {
            sums.insert(file.clone(), sha256(&out.join(file))?);
        }
    }
    let manifest = format!("{NAME}_{VERSION}_manifest.json");
    let text = json!({"version": 1, "metadata": {"protocol_versions": [PROTOCOL]}});
    fs::write(out.join(&manifest), format!("{text:#}\n"))?;
    sums.insert(manifest.clone(), sha256(&out.join(&manifest))?);

    let checksums = out.join(checksums());
    let lines: String = sums.iter().map(|(file, sum)| format!("{sum}  {file}\n")).collect();
    fs::write(&checksums, &lines)?;
    if let Some(key) = arguments.sign {
        let status = Command::new("gpg")
            .args(["--batch", "--yes", "--local-user", &key, "--detach-sign", "--output"])
            .arg(out.join(signature()))
            .arg(&checksums)
            .status()
            .context("gpg does not run")?;
        ensure!(status.success(), "gpg did not sign with the key {key}");
    }
    print!("{lines}");
    println!(
        "\nIn {out}. To install from the mirror, write to the command line configuration:\n\n{}",
        host::installation(&out.join("mirror"), &REGISTRIES.map(|registry| format!("{registry}/{SOURCE}"))),
        out = out.display()
    );
    Ok(())
}

/// Name of the file of checksums.
fn checksums() -> String {
    format!("{NAME}_{VERSION}_SHA256SUMS")
}

/// Name of its signature.
fn signature() -> String {
    format!("{}.sig", checksums())
}

/// Makes the directory, without what an earlier run left there.
///
/// # Errors
/// It has something that no run makes. Nothing is removed then.
fn clear(out: &Path) -> Result<()> {
    fs::create_dir_all(out)?;
    let all = fs::read_dir(out)?.map(|it| Ok(it?.path())).collect::<Result<Vec<_>>>()?;
    let ours = |it: &&PathBuf| {
        let name = it.file_name().unwrap_or_default().to_string_lossy();
        name == "mirror" || name.starts_with(&format!("{NAME}_"))
    };
    if let Some(other) = all.iter().find(|it| !ours(it)) {
        bail!("{} has {} in it; name a directory of its own", out.display(), other.display());
    }
    for it in all {
        if it.is_dir() { fs::remove_dir_all(&it) } else { fs::remove_file(&it) }
            .with_context(|| format!("cannot remove {}", it.display()))?;
    }
    Ok(())
}

/// The target that this compiler builds for, if nobody says anything.
fn this_machine() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc does not run")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host =
        text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV names no host")?;
    Ok(host.to_owned())
}

/// A target of Rust's in the words of the registries.
fn platform(target: &str) -> Result<String> {
    let (processor, rest) = target.split_once('-').unwrap_or((target, ""));
    let processor = match processor {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "i686" => "386",
        "armv7" => "arm",
        other => other,
    };
    let systems = ["linux", "darwin", "windows", "freebsd", "openbsd"];
    let system = systems.into_iter().find(|it| rest.contains(it));
    Ok(format!("{}_{processor}", system.with_context(|| format!("no registry knows the target {target}"))?))
}

/// Builds the provider of a workspace, without a trace of where that was.
fn build(root: &Path, target_directory: &Path, target: &str) -> Result<PathBuf> {
    println!("== build for {target}");
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|it| it.join(".cargo")));
    let home = home.context("where is the home of cargo? Set CARGO_HOME")?;
    // The last that fits counts, and a target directory may be within the workspace.
    let places = [(&*home, "/cargo"), (root, "/source"), (target_directory, "/target")];
    let rust: Vec<_> =
        places.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect();
    let c: Vec<_> =
        places.iter().map(|(from, to)| format!("-ffile-prefix-map={}={to}", from.display())).collect();
    let mut command = cargo();
    command
        .args([
            "build",
            "--locked",
            "--profile",
            "dist",
            "--package",
            NAME,
            "--target",
            target,
            "--target-dir",
        ])
        .arg(target_directory)
        .current_dir(root)
        .env("CARGO_ENCODED_RUSTFLAGS", rust.join("\u{1f}"));
    if !target.contains("msvc") {
        command.env("CFLAGS", c.join(" "));
    }
    let status = command.status().context("cargo does not run")?;
    ensure!(
        status.success(),
        "the provider cannot be built for {target}. `rustup target add {target}` brings Rust's part; aws-lc-sys wants a C \
         compiler and a linker for it too"
    );
    let suffix = if target.contains("windows") { ".exe" } else { "" };
    Ok(target_directory.join(target).join("dist").join(format!("{NAME}{suffix}")))
}

/// Builds the last commit in another place, and compares.
fn compare(workspace: &Workspace, target: &str, binary: &Path) -> Result<()> {
    let elsewhere = workspace.target.join("dist-check");
    let _ = fs::remove_dir_all(&elsewhere);
    let status = Command::new("git")
        .args(["clone", "--quiet"])
        .args([&workspace.root, &elsewhere])
        .status()
        .context("git does not run")?;
    ensure!(status.success(), "the workspace cannot be cloned");
    let other = build(&elsewhere, &elsewhere.join("build"), target)?;
    let (one, other) = (sha256(binary)?, sha256(&other)?);
    ensure!(
        one == other,
        "two places, two binaries: {one} here, {other} from a clone of the last commit. Is everything committed?"
    );
    println!("the same binary from two places: {one}");
    Ok(())
}

/// Writes the archive: the binary under the name that hosts look for, licence and changes.
fn pack(root: &Path, binary: &Path, target: &str, archive: &Path) -> Result<()> {
    let mut zip = ZipWriter::new(File::create(archive)?);
    let plain = SimpleFileOptions::default().unix_permissions(0o644);
    for file in ["CHANGELOG.md", "LICENSE", "README.md"] {
        zip.start_file(file, plain)?;
        zip.write_all(&fs::read(root.join(file))?)?;
    }
    let suffix = if target.contains("windows") { ".exe" } else { "" };
    zip.start_file(format!("{NAME}_v{VERSION}{suffix}"), plain.unix_permissions(0o755))?;
    io::copy(&mut File::open(binary).with_context(|| binary.display().to_string())?, &mut zip)?;
    zip.finish()?;
    Ok(())
}

fn sha256(file: &Path) -> Result<String> {
    let digest = Sha256::digest(fs::read(file).with_context(|| file.display().to_string())?);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms() {
        for (target, name) in [
            ("x86_64-unknown-linux-gnu", "linux_amd64"),
            ("aarch64-unknown-linux-musl", "linux_arm64"),
            ("aarch64-apple-darwin", "darwin_arm64"),
            ("x86_64-pc-windows-msvc", "windows_amd64"),
        ] {
            assert_eq!(platform(target).expect("a platform"), name);
        }
        assert!(platform("wasm32-unknown-unknown").is_err());
    }
}
