//! Moving or reading no faster than is wanted.

use std::num::NonZeroU64;
use std::time::Duration;

use tokio::time::Instant;

/// How many bytes went by since when, and how many may in a second.
pub(super) struct Pace {
    rate: Option<NonZeroU64>,
    began: Instant,
    bytes: u64,
}

impl Pace {
    /// From now on; without a rate, as fast as it goes.
    pub(super) fn of(rate: Option<NonZeroU64>) -> Self {
        Self { rate, began: Instant::now(), bytes: 0 }
    }

    /// Waits until these bytes, too, may have gone by.
    pub(super) async fn keep(&mut self, bytes: u64) {
        self.bytes += bytes;
        if let Some(rate) = self.rate {
            let least = Duration::from_millis(self.bytes.saturating_mul(1000) / rate.get());
            tokio::time::sleep_until(self.began + least).await;
        }
    }
}
