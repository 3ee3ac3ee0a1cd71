//! The audit trail: what somebody did or was refused, kept for some days.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;

/// Something that somebody did, or was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// Its name: its own within the millisecond, in characters that keys may have.
    pub id: String,
    /// What is told of it.
    pub body: Value,
    /// Until when it is kept.
    pub expires: Timestamp,
}

/// Which deeds are asked for: of at least `from` and before `until`, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeedsWanted {
    /// The first moment.
    pub from: Timestamp,
    /// The moment after the last.
    pub until: Timestamp,
    /// Only those that come, in this order, after this one.
    pub after: Option<(Timestamp, String)>,
    /// How many at most.
    pub limit: usize,
}

impl DeedsWanted {
    /// The days that they lie in, the last first, as numbers since the epoch.
    pub(super) fn days(&self) -> impl Iterator<Item = u64> {
        let until = self.after.as_ref().map_or(self.until, |(at, _)| self.until.min(at.plus(Duration::from_millis(1))));
        let last = until.minus(Duration::from_millis(1));
        let days = if self.from < until { day(self.from)..day(last) + 1 } else { 0..0 };
        days.rev()
    }

    /// Whether a deed is one of them.
    pub(super) fn has(&self, deed: &Deed) -> bool {
        let comes_after = |(at, id): &(Timestamp, String)| (deed.at, &deed.id) < (*at, id);
        (self.from..self.until).contains(&deed.at) && self.after.as_ref().is_none_or(comes_after)
    }
}

/// The day of a moment, counted since the epoch.
pub(super) const fn day(at: Timestamp) -> u64 {
    at.as_millis() / (24 * 60 * 60 * 1000)
}
