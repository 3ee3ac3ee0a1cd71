//! The log: a JSON object per line to standard output, from where Lambda takes it.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging. The level is for what is ours: libraries, which at their lowest levels write down whole requests with
/// their credentials, say no more than warnings.
pub(super) fn start(level: LevelFilter) {
    let others = level.min(LevelFilter::WARN);
    let filter = Targets::new().with_default(others).with_target("shared", level).with_target("maintenance", level);
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
    tracing_subscriber::registry().with(filter).with(lines).init();
}
