//! JavaScript programs of the devcloud, with their packages from a lock.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::paths::{Paths, digest, remove};
use super::progress::Progress;
use super::python::checked;

/// Installs the packages of a directory and gives the directory that has them: a copy, so that nothing is installed in
/// the repository.
pub fn ensure(paths: &Paths, name: &str, progress: &Progress) -> Result<PathBuf> {
    let source = paths.source.join(name);
    let mut contents = Vec::new();
    let files = ["package.json", "package-lock.json"];
    for file in files {
        contents.push(fs::read(source.join(file))?);
    }
    let directory = paths.cache.join(format!("{name}-{}", digest(contents)));
    if !directory.join("installed").exists() {
        let what = format!("packages of {name}");
        progress.step(&what, &format!("{what} installed"), || {
            remove(&directory)?;
            fs::create_dir_all(&directory)?;
            for file in files {
                fs::copy(source.join(file), directory.join(file))?;
            }
            // `ci` installs what the lock says, checks its hashes, and changes nothing.
            let mut npm = Command::new("npm");
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&directory);
            checked(&mut npm).context("it needs Node.js 20 or later, with npm")?;
            Ok(fs::write(directory.join("installed"), "")?)
        })?;
    }
    Ok(directory)
}
