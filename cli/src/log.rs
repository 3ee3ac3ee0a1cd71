//! The log: to standard error, for reading or for machines.

use std::io::IsTerminal;

use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::LogFormat;

/// Starts logging what `filter` lets through; in colours on a terminal, unless `NO_COLOR` is set.
pub(crate) fn start(format: LogFormat, filter: &str) -> Result<(), ParseError> {
    let log = tracing_subscriber::registry().with(filter.parse::<Targets>()?);
    let lines = layer().with_writer(std::io::stderr).with_target(false);
    match format {
        LogFormat::Text if std::io::stderr().is_terminal() => log.with(lines).init(),
        LogFormat::Text => log.with(lines.with_ansi(false)).init(),
        LogFormat::Json => log.with(lines.json().flatten_event(true)).init(),
    }
    Ok(())
}
