//! Says what goes on: a line that moves on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Without a terminal, silence longer than this gets a line.
const SILENCE: Duration = Duration::from_secs(15);

/// The progress of one command.
#[derive(Debug)]
pub struct Progress {
    shared: Arc<Shared>,
    ticker: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    running: Mutex<Running>,
    over: AtomicBool,
    bar: Option<ProgressBar>,
}

#[derive(Debug)]
struct Running {
    steps: BTreeMap<String, Instant>,
    last_line: Instant,
}

impl Shared {
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, text: &str) {
        let line = format!("{:6.1} s  {text}", self.started.elapsed().as_secs_f32());
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{line}")),
            None => println!("{line}"),
        }
        self.running().last_line = Instant::now();
    }

    fn tick(&self) {
        let running = self.running();
        if running.steps.is_empty() {
            return;
        }
        let steps: Vec<_> = running
            .steps
            .iter()
            .map(|(name, since)| format!("{name} ({} s)", since.elapsed().as_secs()))
            .collect();
        let steps = steps.join(", ");
        let silent = running.last_line.elapsed() > SILENCE;
        drop(running);
        match &self.bar {
            Some(bar) => {
                bar.set_message(format!("{:6.1} s  {steps}", self.started.elapsed().as_secs_f32()));
                bar.tick();
            }
            None if silent => self.line(&format!("... {steps}")),
            None => {}
        }
    }
}

impl Progress {
    /// Starts the clock.
    pub fn new() -> Self {
        let bar = std::io::stdout().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar
        });
        let now = Instant::now();
        let running = Mutex::new(Running { steps: BTreeMap::new(), last_line: now });
        let shared = Arc::new(Shared { started: now, running, over: AtomicBool::new(false), bar });
        let ticking = Arc::clone(&shared);
        let ticker = std::thread::spawn(move || {
            while !ticking.over.load(Ordering::Relaxed) {
                ticking.tick();
                std::thread::park_timeout(Duration::from_millis(200));
            }
        });
        Self { shared, ticker: Some(ticker) }
    }

    /// Runs one step, named while it runs; `done` is printed after it if it went well.
    pub fn step<T>(
        &self,
        name: &str,
        done: &str,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.shared.running().steps.insert(name.to_owned(), Instant::now());
        let result = work();
        let since = self.shared.running().steps.remove(name);
        let took = since.map_or(0.0, |since| since.elapsed().as_secs_f32());
        match &result {
            Ok(_) => self.shared.line(&format!("{done} ({took:.1} s)")),
            // The error itself comes when the others have ended too.
            Err(_) => self.shared.line(&format!("{name} FAILED ({took:.1} s)")),
        }
        result
    }

    /// Prints a line of its own.
    pub fn say(&self, text: &str) {
        self.shared.line(text);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            // The ticker has nothing to tell, not even when it panicked.
            let _ = ticker.join();
        }
        if let Some(bar) = &self.shared.bar {
            bar.finish_and_clear();
        }
    }
}
