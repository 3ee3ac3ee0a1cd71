//! Doing the work that nobody waits for: each is taken, done, and put off when it fails. Any number of processes may be at
//! it, and each may be killed at any moment.

use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::time::Instant;

use super::{Error, Registry, Result};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::metadata::{Place, Task, Work};

/// How many works are looked at together.
const BATCH: usize = 100;
/// How many are counted.
const MOST_COUNTED: usize = 10_000;
/// How many are done at once.
const TOGETHER: usize = 4;
/// How long work is put off that failed for the first time: twice as long each time after that.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest that it is put off.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// What became of the work that was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Worked {
    /// How many works were done, or brought forward.
    pub done: usize,
    /// How many failed, and are put off.
    pub failed: usize,
}

/// What is next with a work that is held.
pub(super) enum Next {
    /// Nothing: it is over.
    Over,
    /// Nothing: its record was changed together with what it brought about.
    Recorded,
    /// This.
    Work(Box<Work>),
}

impl Registry {
    /// Does what is due until nothing is, or until then: what is still due stays for whoever comes next.
    pub async fn work(&self, until: Instant) -> Result<Worked> {
        let mut worked = Worked::default();
        loop {
            let due = self.metadata.due_work(Timestamp::now(), BATCH).await?;
            let all = due.len();
            let outcomes: Vec<_> =
                stream::iter(due).map(|work| self.take(work, until)).buffer_unordered(TOGETHER).collect().await;
            worked.done += outcomes.iter().filter(|outcome| **outcome == Some(true)).count();
            worked.failed += outcomes.iter().filter(|outcome| **outcome == Some(false)).count();
            let nothing_moves = outcomes.iter().all(|outcome| *outcome != Some(true));
            if all < BATCH && nothing_moves || Instant::now() >= until {
                return Ok(worked);
            }
        }
    }

    /// Waits until this process has made work.
    pub async fn work_was_made(&self) {
        self.work_made.notified().await;
    }

    /// Up to `limit` works, due or not.
    pub async fn pending_work(&self, limit: usize) -> Result<Vec<Work>> {
        Ok(self.metadata.due_work(Timestamp::from_millis(u64::MAX), limit).await?)
    }

    /// How long the oldest work has been waiting that is due, or would be had it not failed.
    pub async fn work_age(&self) -> Result<Duration> {
        let now = Timestamp::now();
        let pending = self.pending_work(MOST_COUNTED).await?;
        let late = pending.iter().filter(|work| work.due <= now || work.attempts > 0);
        Ok(late.map(|work| now.since(work.since)).max().unwrap_or_default())
    }

    /// Whether the work was done; none when somebody else has it, or there is no time left.
    async fn take(&self, work: Work, until: Instant) -> Option<bool> {
        if Instant::now() >= until {
            return None;
        }
        match self.try_take(&work, until).await {
            Ok(done) => done.then_some(true),
            Err(error) => {
                let (upload, task) = (&work.upload, work.task.name());
                tracing::warn!(%upload, task, attempts = work.attempts, error = %Causes(&error), "work failed");
                Some(false)
            }
        }
    }

    /// Does a work at once, unless somebody else is at it, or it has just failed.
    pub(super) async fn do_now(&self, work: &Work) -> Result<()> {
        if work.attempts > 0 && work.due > Timestamp::now() {
            return Ok(());
        }
        self.try_take(work, Instant::now() + self.terms.work).await.map(drop)
    }

    async fn try_take(&self, work: &Work, until: Instant) -> Result<bool> {
        let held = work.taken(Timestamp::now().plus(self.terms.work));
        if !self.metadata.change_work(work, Some(&held)).await? {
            return Ok(false);
        }
        let next = match self.perform(&held, until).await {
            Ok(Next::Recorded) => return Ok(true),
            Ok(Next::Over) => None,
            Ok(Next::Work(next)) => Some(*next),
            Err(error) => {
                let later = held.clone().at(Timestamp::now().plus(pause(held.attempts)));
                self.metadata.change_work(&held, Some(&later)).await?;
                return Err(error);
            }
        };
        self.metadata.change_work(&held, next.as_ref()).await?;
        Ok(true)
    }

    async fn perform(&self, held: &Work, until: Instant) -> Result<Next> {
        // Whoever works may have slept, or be at it for long.
        self.keep_up().await;
        match &held.task {
            Task::Settle { digest, place } => self.settle(held, digest, place).await,
            Task::House { digest } => self.house_blob(held, digest).await,
            Task::Verify(verification) => self.verify(held, verification, until).await,
            Task::Discard { place } => self.discard(place).await,
        }
    }

    /// Removes what nobody reads any more: that version, unless it lies at the home of a blob that is read from it again, or
    /// would be if its deletion were taken back. Where a blob is read from another version of the object, that one must be
    /// there: else the store has let go of it, or names versions and keeps none, and these may be the last of the bytes. What
    /// a bucket has that was given up, or has left the ring, is nobody's to remove.
    async fn discard(&self, place: &Place) -> Result<Next> {
        if self.storage().is_down(&place.bucket) {
            return Ok(Next::Over);
        }
        let driver = match self.bucket(&place.bucket).await {
            Err(Error::BucketUnknown(_)) => return Ok(Next::Over),
            driver => driver?,
        };
        let row = match place.path.digest() {
            Some(digest) => self.metadata.blob_in_any_state(&digest).await?,
            None => None,
        };
        let named = row.as_ref().and_then(|blob| blob.places().find(|of| of.lies_at(&place.bucket, &place.path)));
        match named {
            Some(named) if named.version == place.version => {}
            Some(named) if !driver.has(&named.path, &named.version).await? => {
                let Place { bucket, path, .. } = place;
                tracing::warn!(%bucket, %path, "a blob's own version was not found: what was written over stays");
            }
            _ => driver.delete(&place.path, Some(&place.version)).await?,
        }
        Ok(Next::Over)
    }

    /// Work that could not be done wholly: tried again before long, for a bucket may serve again at any time.
    pub(super) fn put_off(&self, work: &Work) -> Work {
        work.clone().at(Timestamp::now().plus(pause(work.attempts).min(self.terms.home_again)))
    }
}

fn pause(attempts: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_failing_is_put_off_ever_longer_up_to_an_hour() {
        let pauses: Vec<_> = [1, 2, 3, 10, 11, 1000].map(pause).iter().map(Duration::as_secs).collect();
        assert_eq!(pauses, [5, 10, 20, 2560, 3600, 3600]);
    }
}
