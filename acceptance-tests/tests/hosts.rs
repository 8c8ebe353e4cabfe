//! The table at the end: what each host ran, and what it cannot do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use acceptance_tests::host::{Feature, Host};

/// What came of the scenarios, by host.
#[derive(Clone, Default)]
pub struct Table(Arc<Mutex<BTreeMap<String, Row>>>);

#[derive(Default)]
struct Row {
    passed: usize,
    failed: usize,
    shown: BTreeSet<Feature>,
}

impl Table {
    /// A scenario ran. What it showed is `None` if it failed.
    pub fn note(&self, host: &str, shown: Option<&BTreeSet<Feature>>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let row = all.entry(host.to_owned()).or_default();
        match shown {
            Some(shown) => {
                row.passed += 1;
                row.shown.extend(shown);
            }
            None => row.failed += 1,
        }
    }

    /// Prints it, if anything ran.
    pub fn print(&self) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() {
            return;
        }
        let features = Feature::ALL.map(Feature::name).join(" | ");
        println!("| host | passed | failed | {features} |");
        println!("|---|---|---|{}", "---|".repeat(Feature::ALL.len()));
        for host in Host::all(Path::new("")).unwrap_or_default() {
            let Some(row) = all.get(&host.title()) else { continue };
            let cells = Feature::ALL.map(|feature| match (host.can(feature), row.shown.contains(&feature)) {
                (_, true) => "shown",
                (true, false) => "not asked for",
                (false, false) => "cannot",
            });
            println!("| {} | {} | {} | {} |", host.title(), row.passed, row.failed, cells.join(" | "));
        }
        println!();
    }
}
