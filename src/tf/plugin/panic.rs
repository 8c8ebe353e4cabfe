//! Panics: reported so that hosts recognise them, and caught so that one call's
//! bug is not the end of the others.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, PanicHookInfo};

use futures_util::FutureExt as _;

/// Code panicked. The panic hook has already printed where.
#[derive(Clone, Debug, thiserror::Error)]
#[error("panic: {message}")]
pub struct Panicked {
    /// What the code said when it panicked.
    pub message: String,
}

impl Panicked {
    pub(super) fn new(payload: &(dyn Any + Send)) -> Self {
        Panicked { message: message(payload).to_owned() }
    }
}

/// Runs `future` and turns a panic in it into an error.
///
/// For handlers that can say more than the gRPC error that a panicking call is
/// answered with anyway: a diagnostic with the resource's name, or a partial
/// state.
pub async fn catch_panic<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    // Nothing that a handler borrows is used again after it panicked.
    AssertUnwindSafe(future).catch_unwind().await.map_err(|payload| Panicked::new(&*payload))
}

/// Replaces what Rust prints when code panics.
pub(super) fn install_hook() {
    std::panic::set_hook(Box::new(|info| {
        // If that fails the host is gone, and there is nobody to tell.
        let _ = io::stderr().lock().write_all(report(info).as_bytes());
    }));
}

/// Hosts know a crash by a line that starts with `panic: `. They show that line
/// and those after it to the user when the provider does not answer any more.
fn report(info: &PanicHookInfo<'_>) -> String {
    let mut report = format!("panic: {}\n", message(info.payload()));
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    // Writing to a string does not fail.
    let _ = match info.location() {
        Some(place) => writeln!(report, "at {place}, thread {thread}"),
        None => writeln!(report, "thread {thread}"),
    };
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        let _ = writeln!(report, "{backtrace}");
    }
    report
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a value that is no text")
}
