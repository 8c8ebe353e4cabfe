//! Databases as they are after all migrations, kept for the next cloud.
//!
//! Migrations take most of the time of a first start, and their result is always the same. It is kept under a digest
//! of everything it depends on, taken before any service has started, so that it holds no port and no path.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::Result;

use super::mariadb::MariaDb;
use super::paths::{Paths, copy, digest, files, remove};
use super::services::SERVICES;

/// How many templates to keep: one for each set of services and each branch that somebody works on.
const KEPT: usize = 4;

/// The templates of one content.
#[derive(Debug)]
pub struct Templates<'a> {
    paths: &'a Paths,
    digest: String,
}

impl<'a> Templates<'a> {
    /// The templates that fit the locks, launcher, configuration and table of today.
    pub fn new(paths: &'a Paths, mariadb: &MariaDb) -> Result<Self> {
        let mut parts = vec![mariadb.version()?.into_bytes(), format!("{SERVICES:?}").into_bytes()];
        for file in files(&paths.source)? {
            parts.push(fs::read(file)?);
        }
        Ok(Self { paths, digest: digest(parts) })
    }

    fn directory(&self) -> PathBuf {
        self.paths.cache.join("templates")
    }

    /// The template that holds most of these services, and what it holds. Databases that nobody uses do no harm.
    fn best(&self, services: &BTreeSet<&str>) -> Option<(Vec<String>, PathBuf)> {
        let entries = fs::read_dir(self.directory()).ok()?;
        entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let name = path.file_name()?.to_str()?.to_owned();
                let held = name.strip_prefix(&self.digest)?.strip_prefix('-')?;
                Some((held.split('+').map(str::to_owned).collect::<Vec<_>>(), path))
            })
            .max_by_key(|(held, _)| {
                let useful = held.iter().filter(|service| services.contains(service.as_str())).count();
                (useful, std::cmp::Reverse(held.len()))
            })
    }

    /// Fills an empty cloud from a template; tells which services' databases it holds now.
    pub fn restore(&self, services: &BTreeSet<&str>) -> Result<Vec<String>> {
        let Some((held, template)) = self.best(services) else { return Ok(Vec::new()) };
        for service in &held {
            let data = template.join(service);
            if data.exists() {
                copy(&data, &self.paths.state.join(service))?;
            }
        }
        let databases = self.paths.databases();
        let partial = databases.with_extension("partial");
        remove(&partial)?;
        copy(&template.join("mariadb"), &partial)?;
        fs::rename(partial, databases)?;
        Ok(held)
    }

    /// Keeps the databases of a cloud in which nothing runs.
    pub fn save(&self, services: &BTreeSet<&str>) -> Result<()> {
        // The table's order, so that a set has one name.
        let held: Vec<_> =
            SERVICES.iter().map(|service| service.name).filter(|name| services.contains(name)).collect();
        let template = self.directory().join(format!("{}-{}", self.digest, held.join("+")));
        // The process's number keeps two clouds apart that make the same one.
        let partial = self.directory().join(format!("partial-{}", std::process::id()));
        remove(&partial)?;
        copy(&self.paths.databases(), &partial.join("mariadb"))?;
        for service in &held {
            let data = self.paths.state.join(service);
            if data.exists() {
                copy(&data, &partial.join(service))?;
            }
        }
        remove(&template)?;
        fs::rename(partial, template)?;
        self.prune()
    }

    fn prune(&self) -> Result<()> {
        let mut known: Vec<_> = fs::read_dir(self.directory())?
            .filter_map(|entry| {
                let entry = entry.ok()?;
                Some((
                    entry.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH),
                    entry.path(),
                ))
            })
            .collect();
        known.sort();
        let surplus = known.len().saturating_sub(KEPT);
        for (_, path) in known.into_iter().take(surplus) {
            remove(&path)?;
        }
        Ok(())
    }
}
