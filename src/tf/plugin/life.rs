//! When the process ends.
//!
//! A host ends its provider with `Shutdown`, waits for the answer and then two seconds, and kills. It
//! also gets every Ctrl-C that the provider gets, since both are in one
//! process group: an interrupt is the host's to act on, by `StopProvider`.

use std::io;
#[cfg(unix)]
use std::os::unix::process::parent_id;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// How long what is left to do may take before `Shutdown` is answered.
pub(super) const UNFINISHED: Duration = Duration::from_secs(15);
/// How long calls may still run after that: well below what kills us.
const AFTER_SHUTDOWN: Duration = Duration::from_millis(1500);
/// How long they may run after a signal, when nobody counts the seconds.
const AFTER_SIGNAL: Duration = Duration::from_secs(10);
/// How often to see whether the host is still there.
#[cfg(unix)]
const PARENT_CHECK: Duration = Duration::from_secs(2);

/// Counts open connections.
#[derive(Debug, Default)]
pub(super) struct Connections(Arc<AtomicUsize>);

/// One open connection.
#[derive(Debug)]
pub(super) struct OpenConnection(Arc<AtomicUsize>);

impl Connections {
    pub(super) fn open(&self) -> OpenConnection {
        self.0.fetch_add(1, Ordering::SeqCst);
        OpenConnection(Arc::clone(&self.0))
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What can end the process.
pub(super) struct Life {
    shutdown: Arc<Notify>,
    connections: Arc<AtomicUsize>,
    debug: bool,
    signals: Signals,
    parent: u32,
}

impl Life {
    /// Starts to listen for signals.
    pub(super) fn begin(debug: bool) -> io::Result<Self> {
        Ok(Life {
            shutdown: Arc::default(),
            connections: Arc::default(),
            debug,
            signals: Signals::listen()?,
            parent: parent_id(),
        })
    }

    /// Notified when the host has called `Shutdown`.
    pub(super) fn shutdown(&self) -> &Arc<Notify> {
        &self.shutdown
    }

    pub(super) fn connections(&self) -> Connections {
        Connections(Arc::clone(&self.connections))
    }

    /// Waits until the process has to end, and says how long the calls that
    /// still run may take.
    pub(super) async fn end(&mut self) -> Duration {
        loop {
            tokio::select! {
                () = self.shutdown.notified() => return AFTER_SHUTDOWN,
                signal = self.signals.next() => match signal {
                    Signal::Terminate => return AFTER_SIGNAL,
                    Signal::Interrupt if self.debug => return AFTER_SHUTDOWN,
                    Signal::Interrupt => tracing::trace!("left an interrupt to the host"),
                },
                () = orphaned(self.parent, &self.connections), if !self.debug => return AFTER_SIGNAL,
            }
        }
    }
}

/// Waits until the host has died without a word: another process is our parent
/// now, and nobody is connected. Either alone means little. A host may drop its
/// connection and come back, and whoever holds a connection still wants us.
#[cfg(unix)]
async fn orphaned(parent: u32, connections: &AtomicUsize) {
    let mut check = tokio::time::interval(PARENT_CHECK);
    loop {
        check.tick().await;
        let adopted = parent_id() != parent;
        if adopted && connections.load(Ordering::SeqCst) == 0 {
            return;
        }
    }
}

/// Elsewhere a parent can't be seen to go, so this is left to the system.
#[cfg(not(unix))]
async fn orphaned(_: u32, _: &AtomicUsize) {
    std::future::pending().await
}

#[cfg(not(unix))]
fn parent_id() -> u32 {
    0
}

enum Signal {
    Interrupt,
    Terminate,
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    terminate: tokio::signal::windows::CtrlShutdown,
}

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Signals {
            interrupt: tokio::signal::windows::ctrl_c()?,
            terminate: tokio::signal::windows::ctrl_shutdown()?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}
