//! Where a devcloud keeps what.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::workspace::Workspace;

/// The directories of one devcloud.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The devcloud's files in the repository: launcher, seed, configuration, locks.
    pub source: PathBuf,
    /// Downloads, virtual environments and templates: shared by all states, kept by `clean`.
    pub cache: PathBuf,
    /// Everything that belongs to this one cloud.
    pub state: PathBuf,
}

impl Paths {
    /// The devcloud of a workspace, with another state directory if one is given.
    pub fn new(workspace: &Workspace, state: Option<PathBuf>) -> Result<Self> {
        let state = state.unwrap_or_else(|| workspace.target.join("devcloud"));
        Ok(Self {
            source: workspace.root.join("acceptance-tests/devcloud"),
            cache: workspace.target.join("devcloud-cache"),
            state: std::path::absolute(state).context("the state directory has no absolute path")?,
        })
    }

    /// Rendered configuration of one service.
    pub fn etc(&self, service: &str) -> PathBuf {
        self.state.join("etc").join(service)
    }

    /// One record per process.
    pub fn run(&self) -> PathBuf {
        self.state.join("run")
    }

    /// Log of one process.
    pub fn log(&self, process: &str) -> PathBuf {
        self.state.join("log").join(format!("{process}.log"))
    }

    /// The databases' files.
    pub fn databases(&self) -> PathBuf {
        self.state.join("mariadb")
    }

    /// Says that a service's database is complete; holds the digest of the packages that made it.
    pub fn migrated(&self, service: &str) -> PathBuf {
        self.run().join(format!("{service}.migrated"))
    }

    /// Where OpenStack clients find the clouds.
    pub fn clouds(&self) -> PathBuf {
        self.state.join("clouds.yaml")
    }
}

/// A short digest of all parts, for names of directories and for "has this changed".
pub fn digest<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Every file below a directory, sorted, without hidden ones.
pub fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        std::fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") || entry.file_name() == "node_modules" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Copies a directory with all it holds.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Removes a directory if it is there.
pub fn remove(directory: &Path) -> Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}
