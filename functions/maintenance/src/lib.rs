//! Background work, called by a schedule and by the table's stream. There is none to be done yet: a batch is dealt with
//! once it is read.

use shared::lambda::{BackgroundEvent, BatchAnswer};

/// Deals with one event.
#[expect(clippy::unused_async, reason = "work waits for stores, once there is any")]
pub async fn handle(event: BackgroundEvent) -> BatchAnswer {
    match event {
        BackgroundEvent::Stream { records } => tracing::info!(records = records.len(), "the stream brings no work"),
        BackgroundEvent::Schedule { source } => tracing::info!(source, "it is time, and there is no work"),
    }
    BatchAnswer::default()
}
