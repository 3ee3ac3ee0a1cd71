//! Background work, called by a schedule and by the table's stream: whatever the reason, all that is due is done.

use shared::lambda::{BackgroundEvent, Report};
use shared::registry::{Error, Registry};
use tokio::time::Instant;

/// Deals with one event, beginning nothing new after `until`.
pub async fn handle(registry: Registry, event: BackgroundEvent, until: Instant) -> Result<Report, Error> {
    let mut report = Report::default();
    if event.is_sweep() {
        let swept = registry.sweep().await?;
        report.swept = swept.sessions + swept.unfinished + swept.objects;
        report.failed = swept.failed;
    }
    if event.is_scheduled() {
        report.ailing = registry.probe().await?.ailing.len();
    }
    let worked = registry.work(until).await?;
    report.done = worked.done;
    report.failed += worked.failed;
    let rebalanced = registry.rebalance(until).await?;
    report.moved = rebalanced.moved;
    report.failed += usize::try_from(rebalanced.failed).unwrap_or(usize::MAX);
    if event.is_scheduled() {
        report.age = registry.work_age().await?;
    }
    Ok(report)
}
