//! The window of time that usage is counted in.

use std::fmt;

use jiff::Timestamp;

/// A window of time: from `start`, up to but without `end`. Times are instants; time zones and their changes of hour
/// play no part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    start: Timestamp,
    end: Timestamp,
}

/// Why two times make no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadWindow {
    /// The start that was asked for.
    pub start: Timestamp,
    /// The end that was asked for.
    pub end: Timestamp,
}

impl fmt::Display for BadWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the window starts at {} and so must end after that, not at {}", self.start, self.end)
    }
}

impl std::error::Error for BadWindow {}

impl Window {
    /// From `start` to `end`. What is finer than a microsecond is cut off, as the services do.
    ///
    /// # Errors
    /// If it would be empty.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, BadWindow> {
        let whole = |it: Timestamp| Timestamp::from_microsecond(it.as_microsecond()).unwrap_or(it);
        let it = Self { start: whole(start), end: whole(end) };
        if it.start < it.end { Ok(it) } else { Err(BadWindow { start, end }) }
    }

    /// Where it starts.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// Where it ends; this instant is the first that is not in it.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// How long it is, in microseconds.
    pub fn micros(&self) -> u64 {
        self.overlap(self.start, None)
    }

    /// For how many microseconds of the window something was there that started then and ended then, or is there
    /// still.
    pub fn overlap(&self, started: Timestamp, ended: Option<Timestamp>) -> u64 {
        let from = started.max(self.start).as_microsecond();
        let to = ended.map_or(self.end, |it| it.min(self.end)).as_microsecond();
        u64::try_from(to.saturating_sub(from)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn overlaps() {
        let day = Window::new(at("2026-03-29T00:00:00Z"), at("2026-03-30T00:00:00Z")).expect("a window");
        let hour = 3_600_000_000;
        let cases = [
            ("2026-03-01T00:00:00Z", None, 24 * hour),
            ("2026-03-29T23:00:00Z", None, hour),
            ("2026-03-01T00:00:00Z", Some("2026-03-29T00:00:00.000001Z"), 1),
            ("2026-03-01T00:00:00Z", Some("2026-03-29T00:00:00Z"), 0),
            ("2026-03-30T00:00:00Z", None, 0),
            ("2026-03-29T01:00:00+02:00", Some("2026-03-29T05:00:00+02:00"), 3 * hour),
            // A server that ended before it started: Nova has such rows after failed builds.
            ("2026-03-29T05:00:00Z", Some("2026-03-29T04:00:00Z"), 0),
        ];
        for (started, ended, expected) in cases {
            assert_eq!(day.overlap(at(started), ended.map(at)), expected, "{started} {ended:?}");
        }
        assert_eq!(day.micros(), 24 * hour);
    }

    #[test]
    fn a_window_is_not_empty() {
        let then = at("2026-03-29T00:00:00Z");
        assert!(Window::new(then, then).is_err());
        assert!(Window::new(at("2026-03-29T00:00:00.0000001Z"), at("2026-03-29T00:00:00.0000009Z")).is_err());
        let why = Window::new(then, at("2026-03-28T00:00:00Z")).map_err(|it| it.to_string());
        let said = "the window starts at 2026-03-29T00:00:00Z and so must end after that, not at 2026-03-28T00:00:00Z";
        assert_eq!(why, Err(said.into()));
    }
}
