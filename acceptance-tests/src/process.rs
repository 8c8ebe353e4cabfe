//! Processes of a run, and signals to them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Kills a process at once: it cannot do anything about it.
pub fn kill(id: u32) -> Result<()> {
    Ok(kill_process(pid(id)?, Signal::KILL)?)
}

/// What Ctrl-C in a terminal does: a signal to the process and all that it started.
pub fn interrupt_group(id: u32) -> Result<()> {
    Ok(kill_process_group(pid(id)?, Signal::INT)?)
}

fn pid(id: u32) -> Result<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw).context("not the id of a process")
}

/// The child of a process whose program has `name` in its name.
pub fn child(parent: u32, name: &str) -> Option<u32> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut ids = processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    ids.find(|id| parent_of(*id) == Some(parent) && program(*id).is_some_and(|it| it.contains(name)))
}

fn program(id: u32) -> Option<String> {
    let path = fs::read_link(Path::new("/proc").join(id.to_string()).join("exe")).ok()?;
    Some(path.file_name()?.to_str()?.to_owned())
}

fn parent_of(id: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}
