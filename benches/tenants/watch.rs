//! What a process and its children cost, read from `/proc` again and again.

use std::collections::BTreeMap;
use std::fs;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, anyhow};

/// So often is looked. What happens after the last look is missed.
const EVERY: Duration = Duration::from_millis(10);
/// Ticks of processor time in a second, which Linux has fixed for programs.
const TICKS: f64 = 100.0;

/// What one process used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// Seconds of processor time.
    pub cpu: f64,
    /// Most resident memory in MiB.
    pub peak: f64,
}

/// What a host and the providers that it started used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// The host.
    pub host: Used,
    /// All providers: their time together, and the memory of the biggest.
    pub providers: Used,
}

/// Watches a process while it runs.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeMap<u32, Used>>,
    host: u32,
}

impl Watch {
    /// Begins.
    pub fn on(host: &Child) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, host) = (stop.clone(), host.id());
        let thread = thread::spawn(move || {
            let mut seen = BTreeMap::new();
            while !stopped.load(Relaxed) {
                for pid in children(host).into_iter().chain([host]) {
                    // The last value and not the greatest: a child just forked still has its parent's.
                    if let Some(used) = used(pid) {
                        seen.insert(pid, used);
                    }
                }
                thread::sleep(EVERY);
            }
            seen
        });
        Self { stop, thread, host }
    }

    /// Ends, and says what was used.
    pub fn end(self) -> Result<Cost> {
        self.stop.store(true, Relaxed);
        let mut seen = self.thread.join().map_err(|_| anyhow!("the watch panicked"))?;
        let host = seen.remove(&self.host).unwrap_or_default();
        let mut providers = Used::default();
        for it in seen.values() {
            providers.cpu += it.cpu;
            providers.peak = providers.peak.max(it.peak);
        }
        Ok(Cost { host, providers })
    }
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|it| it.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

fn used(pid: u32) -> Option<Used> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let peak: f64 = peak.split_whitespace().next()?.parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name, which may have blanks in it: utime and stime are fields 14 and 15.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(Used { cpu: ticks / TICKS, peak: peak / 1024.0 })
}
