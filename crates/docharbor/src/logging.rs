//! The log: JSON lines on stderr, or text where a person reads along.

use std::io::IsTerminal as _;

use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{FilterExt as _, FilterFn, LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What is logged unless a setting says otherwise.
pub(crate) fn default_level() -> Targets {
    Targets::new().with_default(LevelFilter::INFO)
}

/// Libraries that log headers, a statement's arguments or paths of the machine they were built on, and
/// how far each may go whatever the setting says.
const QUIET: [(&str, LevelFilter); 4] = [
    ("aws_sigv4", LevelFilter::OFF),
    ("hyper", LevelFilter::INFO),
    ("refinery_core", LevelFilter::WARN),
    ("tokio_postgres", LevelFilter::WARN),
];

/// Sends the log of this process to stderr. Only the first call has an effect.
pub(crate) fn start(level: Targets) {
    let level = level.and(FilterFn::new(|line| !is_too_loud(line.target(), *line.level())));
    let is_terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = if is_terminal {
        lines.with_target(false).boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
    };
    if tracing_subscriber::registry().with(layer.with_filter(level)).try_init().is_err() {
        return;
    }
    std::panic::set_hook(Box::new(log_panic));
}

/// Whether a line is one that a library must not write, however its target goes on.
fn is_too_loud(target: &str, level: Level) -> bool {
    QUIET.iter().any(|(library, most)| target.starts_with(library) && level > *most)
}

/// A panic's own text may quote what a user typed, so only its place is logged.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, backtrace = %std::backtrace::Backtrace::capture(), "panic");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_logs_too_much_is_held_back_wherever_in_it_the_line_is_from() {
        assert!(is_too_loud("aws_sigv4", Level::ERROR));
        assert!(is_too_loud("aws_sigv4::http_request::sign", Level::TRACE));
        assert!(is_too_loud("tokio_postgres::query", Level::DEBUG));
        assert!(!is_too_loud("tokio_postgres::connection", Level::WARN));
        assert!(!is_too_loud("docharbor::access", Level::TRACE));
    }
}
