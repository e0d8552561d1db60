//! Log lines: text for a terminal, JSON for machines, both to stderr.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::options::{LogFormat, Logging};

#[derive(Debug, thiserror::Error)]
#[error("cannot start logging: {0}")]
pub struct LoggingError(#[from] TryInitError);

/// Starts logging for the whole process; once.
pub fn init_logging(logging: &Logging) -> Result<(), LoggingError> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match logging.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    Ok(tracing_subscriber::registry().with(lines.with_filter(filter(logging.verbosity))).try_init()?)
}

/// kube-apiserver's verbosity as levels. Libraries say less than we do.
fn filter(verbosity: u8) -> Targets {
    let (ours, libraries) = match verbosity {
        0 => (LevelFilter::WARN, LevelFilter::ERROR),
        1..=3 => (LevelFilter::INFO, LevelFilter::WARN),
        4..=5 => (LevelFilter::DEBUG, LevelFilter::WARN),
        6..=8 => (LevelFilter::TRACE, LevelFilter::INFO),
        _ => (LevelFilter::TRACE, LevelFilter::TRACE),
    };
    // `host` is also the beginning of `host_server` and `host_store`.
    Targets::new().with_default(libraries).with_target("host", ours)
}
