//! The audit trail: what somebody did or was refused, kept for some days.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::keys;
use crate::clock::Timestamp;

const DAY: Duration = Duration::from_hours(24);

/// Something that somebody did, or was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// Its name: its own within the millisecond, of up to [`Entry::MAX_NAME`] bytes.
    ///
    /// [`Entry::MAX_NAME`]: super::Entry::MAX_NAME
    pub id: String,
    /// What is told of it.
    pub body: Value,
    /// From when on it is as good as removed.
    pub expires: Timestamp,
}

/// Which deeds are asked for: of at least `from` and before `until`, the newest first. However few there are, a day takes a
/// round trip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeedsWanted {
    /// The first moment.
    pub from: Timestamp,
    /// The moment after the last. No deed is of more than a day after `now`.
    pub until: Timestamp,
    /// Only those that come, in this order, after this one, which need not be there.
    pub after: Option<(Timestamp, String)>,
    /// How many at most.
    pub limit: usize,
    /// The present: what has expired is not listed.
    pub now: Timestamp,
}

impl DeedsWanted {
    /// The moment after the last that there can be: the clocks of those who record differ by less than a day.
    fn end(&self) -> Timestamp {
        self.until.min(self.now.plus(DAY))
    }

    /// The days that they lie in, the last first, as numbers since the epoch.
    pub(super) fn days(&self) -> impl Iterator<Item = u64> + use<> {
        let moment = Duration::from_millis(1);
        let end = self.after.as_ref().map_or(self.end(), |(at, _)| self.end().min(at.plus(moment)));
        let days = if self.from < end { day(self.from)..day(end.minus(moment)) + 1 } else { 0..0 };
        days.rev()
    }

    /// The sort keys that they lie between, in each of those days.
    pub(super) fn sorts(&self) -> Range<String> {
        let end = match &self.after {
            Some((at, id)) if *at < self.end() => keys::deed_sort(*at, id),
            Some(_) | None => keys::moment(self.end()),
        };
        keys::moment(self.from)..end
    }

    /// Whether a deed is one of them.
    pub(super) fn has(&self, deed: &Deed) -> bool {
        let comes_after = |(at, id): &(Timestamp, String)| (deed.at, &deed.id) < (*at, id);
        (self.from..self.end()).contains(&deed.at)
            && self.after.as_ref().is_none_or(comes_after)
            && self.now < deed.expires
    }

    /// As many of these as are wanted, the newest first.
    pub(super) fn newest(&self, mut deeds: Vec<Deed>) -> Vec<Deed> {
        deeds.sort_unstable_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
        deeds.truncate(self.limit);
        deeds
    }
}

/// The day of a moment, counted since the epoch.
pub(super) const fn day(at: Timestamp) -> u64 {
    at.as_millis() / (DAY.as_secs() * 1000)
}
