//! Processes that outlive the command that starts them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

/// How long a process may take to stop before it is killed.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is remembered of a process.
///
/// Its number alone says nothing: numbers are used again. Number, start time and boot together name one process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    started: u64,
    /// The boot that counts them.
    boot: String,
    /// What it was started with; another digest means that it has to start anew.
    pub digest: String,
}

impl Process {
    /// Starts a process in a group of its own, which Ctrl-C does not reach, and remembers it under `name`.
    pub fn spawn(run: &Path, name: &str, command: &mut Command, log: &Path, digest: &str) -> Result<Self> {
        // Not kept: it outlives this command, and until then /proc tells whether it runs.
        Ok(Self::child(run, name, command, log, digest)?.0)
    }

    /// Runs a command to its end. It is remembered too, so that it can be stopped if this command is killed.
    pub fn finish(run: &Path, name: &str, command: &mut Command, log: &Path) -> Result<ExitStatus> {
        let (_, mut child) = Self::child(run, name, command, log, "")?;
        let status = child.wait()?;
        fs::remove_file(record(run, name))?;
        Ok(status)
    }

    fn child(
        run: &Path,
        name: &str,
        command: &mut Command,
        log: &Path,
        digest: &str,
    ) -> Result<(Self, Child)> {
        use std::os::unix::process::CommandExt;
        let output = File::options().create(true).append(true).open(log);
        let output = output.with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("{name}: {:?} does not start", command.get_program()))?;
        let pid = child.id();
        let (_, started) = look(pid).with_context(|| format!("{name} ended at once"))?;
        let process = Self { pid, started, boot: boot(), digest: digest.to_owned() };
        fs::write(record(run, name), serde_json::to_vec(&process)?)?;
        Ok((process, child))
    }

    /// The remembered process, if it still runs.
    pub fn find(run: &Path, name: &str) -> Option<Self> {
        let record = fs::read(record(run, name)).ok()?;
        let process: Self = serde_json::from_slice(&record).ok()?;
        process.is_running().then_some(process)
    }

    /// Names of all remembered processes that still run.
    pub fn all(run: &Path) -> Vec<(String, Self)> {
        let Ok(entries) = fs::read_dir(run) else { return Vec::new() };
        let mut found: Vec<_> = entries
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?.strip_suffix(".json")?.to_owned();
                Some((name.clone(), Self::find(run, &name)?))
            })
            .collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    }

    /// Whether this very process still runs.
    pub fn is_running(&self) -> bool {
        self.boot == boot()
            && look(self.pid).is_some_and(|(state, started)| state != 'Z' && started == self.started)
    }

    /// Memory in use, in MiB.
    pub fn memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
    }

    fn signal(&self, signal: Signal) {
        if self.is_running()
            && let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw)
        {
            // It may end between the look and the signal, and that is just as well.
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Stops processes: all at once first politely, then not.
    pub fn stop(run: &Path, processes: &[(String, Self)]) -> Result<()> {
        for (_, process) in processes {
            process.signal(Signal::TERM);
        }
        let since = Instant::now();
        let mut killed = false;
        while processes.iter().any(|(_, process)| process.is_running()) {
            if since.elapsed() > PATIENCE && !killed {
                killed = true;
                for (_, process) in processes {
                    process.signal(Signal::KILL);
                }
            }
            if since.elapsed() > 2 * PATIENCE {
                let left: Vec<_> =
                    processes.iter().filter(|p| p.1.is_running()).map(|p| p.0.as_str()).collect();
                bail!("{} cannot be stopped", left.join(", "));
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        for (name, _) in processes {
            // Somebody else may have removed it; it is gone either way.
            let _ = fs::remove_file(record(run, name));
        }
        Ok(())
    }
}

fn record(run: &Path, name: &str) -> PathBuf {
    run.join(format!("{name}.json"))
}

/// State and start time of a process.
fn look(pid: u32) -> Option<(char, u64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before the last parenthesis may hold anything, even parentheses.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// The last lines of a log, for an error message.
pub fn tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(30)..];
    format!("{}:\n    {}", log.display(), last.join("\n    "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_process_counts_as_running() {
        let pid = std::process::id();
        let (_, started) = look(pid).unwrap();
        let process = Process { pid, started, boot: boot(), digest: String::new() };
        assert!(process.is_running());
        assert!(!Process { started: started + 1, ..process.clone() }.is_running());
        assert!(!Process { boot: "another".into(), ..process }.is_running());
    }
}
