//! Logs on stderr, in the form that hosts read.
//!
//! A host merges its providers' logs into its own: one JSON object a line, with
//! the time, the level and the fields. Levels come from the variables that the
//! host reads too, so `TF_LOG_PROVIDER=debug` is all that a user has to know.
//! With none set only warnings are written: the host would drop the rest.

mod json;

use std::fmt::Write as _;
use std::io::{self, Write as _};

use jiff::Timestamp;
use serde_json::Value;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use json::Fields;

/// Starts to log for the provider `name`, whose own level is in
/// `TF_LOG_PROVIDER_<NAME>`.
///
/// With `readable` the lines are for a person. Does nothing when the process
/// logs already.
pub fn init(name: &str, readable: bool) {
    let default = if readable { LevelFilter::INFO } else { LevelFilter::WARN };
    let own = own_variable(name);
    let set = |variable: &str| std::env::var(variable).ok().filter(|value| !value.is_empty());
    let level = [&*own, "TF_LOG_PROVIDER", "TF_LOG"]
        .into_iter()
        .find_map(set)
        .map_or(default, |word| parse_level(&word));
    if level != LevelFilter::OFF {
        let layer = Lines { level, readable, write: write_stderr };
        // Fails when there is a subscriber already, as in tests: keep that one.
        let _ = tracing_subscriber::registry().with(layer).try_init();
    }
}

/// The variable with the level of the provider `name` alone.
pub(super) fn own_variable(name: &str) -> String {
    format!("TF_LOG_PROVIDER_{}", name.to_uppercase().replace('-', "_"))
}

/// Reads a level as hosts do: `json` is trace in JSON, and so is any word that
/// they do not know.
fn parse_level(word: &str) -> LevelFilter {
    match word.to_ascii_lowercase().as_str() {
        "off" => LevelFilter::OFF,
        "error" => LevelFilter::ERROR,
        "warn" => LevelFilter::WARN,
        "info" => LevelFilter::INFO,
        "debug" => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}

fn write_stderr(line: &str) {
    // One write for one line: a line must not be cut by another thread's. If it
    // fails the host is gone, and there is nobody to tell.
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// Writes a line for each event.
struct Lines<W> {
    level: LevelFilter,
    readable: bool,
    write: W,
}

impl<W> Lines<W> {
    fn enables(&self, metadata: &Metadata<'_>) -> bool {
        let level = *metadata.level();
        // Our dependencies log each frame and each lock. Their last level stays
        // out altogether: it prints what goes over the wire, and so secrets.
        let theirs = if self.level == LevelFilter::TRACE { Level::DEBUG } else { Level::WARN };
        level <= self.level && (is_ours(metadata.target()) || level <= theirs)
    }

    fn line(&self, event: &Event<'_>, fields: &Fields) -> String {
        let metadata = event.metadata();
        let module = metadata.target().replace("::", ".");
        let now = Timestamp::now();
        if self.readable {
            let time = now.strftime("%H:%M:%S%.3f");
            let mut line = format!("{time} {:5} {module}: {}", metadata.level(), fields.message());
            for (name, value) in fields.others() {
                // Writing to a string does not fail.
                let _ = match value {
                    Value::String(text) => write!(line, " {name}={text:?}"),
                    value => write!(line, " {name}={value}"),
                };
            }
            line.push('\n');
            return line;
        }
        let level = metadata.level().as_str().to_ascii_lowercase();
        let time = now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        json::line(
            &[
                ("@level", &level),
                ("@message", &fields.message()),
                ("@module", &module),
                ("@timestamp", &time),
            ],
            fields,
        )
    }
}

fn is_ours(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or(target);
    name == env!("CARGO_CRATE_NAME") || name == env!("CARGO_PKG_NAME").replace('-', "_")
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&str) + 'static,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.enables(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        // Outermost first: an inner span's word on a field is the last one.
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(more) = span.extensions().get::<Fields>() {
                fields.extend(more);
            }
        }
        event.record(&mut fields);
        (self.write)(&self.line(event, &fields));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use expect_test::{Expect, expect};
    use tracing::field;

    use super::*;

    fn check(level: LevelFilter, readable: bool, log: impl FnOnce(), expected: Expect) {
        let written = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&written);
        let write = move |line: &str| sink.lock().unwrap().push_str(line);
        let subscriber = tracing_subscriber::registry().with(Lines { level, readable, write });
        tracing::subscriber::with_default(subscriber, log);
        // The time is the only thing that differs from run to run.
        let time = |c: char| if c.is_ascii_digit() { '0' } else { c };
        expected.assert_eq(&written.lock().unwrap().chars().map(time).collect::<String>());
    }

    fn some_events() {
        let outer = tracing::error_span!("rpc", tf_rpc = "Plan", tf_resource_type = field::Empty);
        let _entered = outer.enter();
        outer.record("tf_resource_type", "tenant_project");
        tracing::info!(count = 3, name = "a \"b\"", ok = true, half = 0.5, "listed {}", "projects");
        tracing::debug!(tf_rpc = "Apply", "not at info");
        tracing::error!(target: "h2::client", why = ?Some("x"), "broken");
        tracing::info!(target: "h2::client", "chatter");
    }

    #[test]
    fn writes_what_hosts_read() {
        check(
            LevelFilter::INFO,
            false,
            some_events,
            expect![[r#"
            {"@level":"info","@message":"listed projects","@module":"tenancy.tf.plugin.logging.tests","@timestamp":"0000-00-00T00:00:00.000000Z","tf_rpc":"Plan","tf_resource_type":"tenant_project","count":0,"name":"a \"b\"","ok":true,"half":0.0}
            {"@level":"error","@message":"broken","@module":"h0.client","@timestamp":"0000-00-00T00:00:00.000000Z","tf_rpc":"Plan","tf_resource_type":"tenant_project","why":"Some(\"x\")"}
        "#]],
        );
    }

    #[test]
    fn writes_what_people_read() {
        check(
            LevelFilter::TRACE,
            true,
            some_events,
            expect![[r#"
            00:00:00.000 INFO  tenancy.tf.plugin.logging.tests: listed projects tf_rpc="Plan" tf_resource_type="tenant_project" count=0 name="a \"b\"" ok=true half=0.0
            00:00:00.000 DEBUG tenancy.tf.plugin.logging.tests: not at info tf_rpc="Apply" tf_resource_type="tenant_project"
            00:00:00.000 ERROR h0.client: broken tf_rpc="Plan" tf_resource_type="tenant_project" why="Some(\"x\")"
            00:00:00.000 INFO  h0.client: chatter tf_rpc="Plan" tf_resource_type="tenant_project"
        "#]],
        );
    }

    #[test]
    fn cuts_what_would_break_a_line() {
        // Hosts read lines of at most 64 KiB.
        let mut longest = 0;
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let write = move |line: &str| sink.lock().unwrap().push(line.to_owned());
        let lines = Lines { level: LevelFilter::INFO, readable: false, write };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            tracing::info!(body = "é\n".repeat(100_000), "{}", "x".repeat(100_000));
        });
        for line in written.lock().unwrap().iter() {
            longest = longest.max(line.len());
            serde_json::from_str::<serde_json::Map<String, Value>>(line).unwrap();
        }
        assert!(longest > 10_000 && longest < 64 << 10, "{longest}");
    }

    #[test]
    fn knows_the_levels() {
        let levels = ["trace", "DEBUG", "info", "Warn", "error", "off", "json", "loud"];
        expect!["trace debug info warn error off trace trace"]
            .assert_eq(&levels.map(|word| parse_level(word).to_string()).join(" "));
    }
}
