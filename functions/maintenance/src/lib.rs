//! Background work, called by a schedule and by the table's stream: whatever the reason, all that is due is done.

use std::time::Duration;

use shared::causes::Causes;
use shared::lambda::{BackgroundEvent, Report};
use shared::registry::Registry;
use tokio::time::Instant;

/// Deals with one event, beginning nothing new after `until`.
pub async fn handle(registry: Registry, event: BackgroundEvent, until: Instant) -> Report {
    let mut report = Report::default();
    match registry.work(until).await {
        Ok(worked) => (report.done, report.failed) = (worked.done, worked.failed),
        Err(error) => {
            tracing::error!(error = %Causes(&error), "work cannot be found");
            report.failed += 1;
        }
    }
    if event.is_sweep() {
        match registry.sweep().await {
            Ok(swept) => report.swept = swept.sessions + swept.unfinished + swept.objects,
            Err(error) => {
                tracing::error!(error = %Causes(&error), "the sweep was not finished");
                report.failed += 1;
            }
        }
    }
    report.age = registry.work_age().await.unwrap_or(Duration::ZERO);
    report
}
