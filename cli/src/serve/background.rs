//! Work that nobody waits for, beside the requests: done as soon as a request makes it, looked for now and then because
//! another process may have left some, and given up at once when the process stops.

use std::time::Duration;

use shared::causes::Causes;
use shared::registry::Registry;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::server::listener::told;

/// How often work of other processes, or work that failed, is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How often what nobody needs is swept away.
const SWEEP_EVERY: Duration = Duration::from_hours(6);
/// How often the buckets are asked whether they serve.
const PROBE_EVERY: Duration = Duration::from_secs(15);
/// How long one look may go on doing what it finds.
const LONGEST_LOOK: Duration = Duration::from_hours(1);

/// Works until `stopped`. Whatever is dropped then is taken up again by whoever starts next.
pub(super) async fn work(registry: Registry, mut stopped: watch::Receiver<bool>) {
    tokio::select! {
        () = work_on(&registry) => {}
        () = probe_on(&registry) => {}
        () = rebalance_on(&registry) => {}
        () = told(&mut stopped) => {}
    }
}

async fn work_on(registry: &Registry) {
    let mut swept: Option<Instant> = None;
    loop {
        if let Err(error) = registry.work(Instant::now() + LONGEST_LOOK).await {
            tracing::warn!(error = %Causes(&error), "background work cannot be found");
        }
        if swept.is_none_or(|swept| swept.elapsed() >= SWEEP_EVERY) {
            sweep(registry).await;
            swept = Some(Instant::now());
        }
        drop(tokio::time::timeout(LOOK_EVERY, registry.work_was_made()).await);
    }
}

/// Beside the work: a bucket that hangs must not keep anybody from hearing of it.
async fn probe_on(registry: &Registry) {
    loop {
        if let Err(error) = registry.probe().await {
            tracing::warn!(error = %Causes(&error), "the buckets' health is not known");
        }
        tokio::time::sleep(PROBE_EVERY).await;
    }
}

/// Beside the work, which may be waited for: a rebalance may take days.
async fn rebalance_on(registry: &Registry) {
    loop {
        match registry.rebalance(Instant::now() + LONGEST_LOOK).await {
            Ok(rebalanced) if rebalanced.moved > 0 => tracing::info!(?rebalanced, "blobs were moved"),
            Ok(_) => {}
            Err(error) => tracing::warn!(error = %Causes(&error), "the ring's last change is not carried out yet"),
        }
        drop(tokio::time::timeout(LOOK_EVERY, registry.ring_was_changed()).await);
    }
}

async fn sweep(registry: &Registry) {
    match registry.sweep().await {
        Ok(swept) => tracing::debug!(?swept, "swept"),
        Err(error) => tracing::warn!(error = %Causes(&error), "the sweep was not finished"),
    }
}
