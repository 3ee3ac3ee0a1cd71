//! The log: a JSON object per line to standard output, from where Lambda takes it.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Starts logging what `filter` lets through.
pub(super) fn start(filter: &str) -> Result<(), ParseError> {
    let filter = EnvFilter::try_new(filter)?;
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).with_span_list(false).init();
    Ok(())
}
