//! The log: a JSON object per line to standard output, from where Lambda takes it.

use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging what `filter` lets through.
pub(super) fn start(filter: &str) -> Result<(), ParseError> {
    let filter: Targets = filter.parse()?;
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
    tracing_subscriber::registry().with(filter).with(lines).init();
    Ok(())
}
