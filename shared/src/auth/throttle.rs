//! How often somebody may try. Pure rules over a small record, and the record's place in the books.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::metadata::{self, Book, EntryWrite, MetadataStore};

/// How many sign-ins in a row are let pass, and how many a second in the long run.
const BURST: f64 = 300.0;
const PER_SECOND: f64 = 5.0;

/// How many failures there may be before each makes the next wait longer.
const FREE_FAILURES: u32 = 5;

/// The first wait after too many failures, which doubles with each more, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// After which time failures are forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// What is known of somebody's tries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tries {
    /// How many are left, at `at`.
    left: f64,
    at: Timestamp,
    failures: u32,
    failed: Timestamp,
}

impl Tries {
    const fn none(now: Timestamp) -> Self {
        Self { left: BURST, at: now, failures: 0, failed: Timestamp::from_millis(0) }
    }

    /// Takes a try, or says how long to wait for the next.
    fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        let locked = self.locked_until();
        if now < locked {
            return Err(locked.since(now));
        }
        self.left = (self.left + now.since(self.at).as_secs_f64() * PER_SECOND).min(BURST);
        self.at = now;
        if self.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.left) / PER_SECOND));
        }
        self.left -= 1.0;
        Ok(())
    }

    fn locked_until(&self) -> Timestamp {
        let Some(over) = self.failures.checked_sub(FREE_FAILURES) else {
            return Timestamp::from_millis(0);
        };
        let wait = FIRST_WAIT.saturating_mul(1 << over.min(20)).min(LONGEST_WAIT);
        self.failed.plus(wait)
    }

    fn fail(&mut self, now: Timestamp) {
        if now.since(self.failed) > FORGOTTEN_AFTER {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        self.failed = now;
    }
}

/// The records of everybody's tries.
#[derive(Debug, Clone)]
pub(super) struct Throttle {
    store: Arc<dyn MetadataStore>,
}

impl Throttle {
    /// How often a change is tried again that another came before. A record that changes all the time is that of somebody
    /// who tries all the time.
    const ATTEMPTS: usize = 5;

    pub(super) const fn in_store(store: Arc<dyn MetadataStore>) -> Self {
        Self { store }
    }

    /// Takes a try of this name, or says how long to wait.
    pub(super) async fn take(&self, name: &str, now: Timestamp) -> metadata::Result<Result<(), Duration>> {
        self.change(name, now, |tries| tries.take(now)).await.map(|taken| taken.unwrap_or(Err(FIRST_WAIT)))
    }

    /// Notes that a try of this name was wrong.
    pub(super) async fn failed(&self, name: &str, now: Timestamp) -> metadata::Result<()> {
        self.change(name, now, |tries| {
            tries.fail(now);
            Ok::<(), ()>(())
        })
        .await
        .map(drop)
    }

    /// None when others changed the record all the time.
    async fn change<T, E>(
        &self,
        name: &str,
        now: Timestamp,
        change: impl Fn(&mut Tries) -> Result<T, E> + Send,
    ) -> metadata::Result<Option<Result<T, E>>>
    where
        T: Send,
        E: Send,
    {
        for _ in 0..Self::ATTEMPTS {
            let read = self.store.entry(Book::Throttles, name, now).await?;
            let known = read.as_ref().map(|entry| entry.version);
            // A record that cannot be read is as good as none.
            let tries = read.and_then(|entry| serde_json::from_value(entry.body).ok());
            let mut tries = tries.unwrap_or_else(|| Tries::none(now));
            let changed = change(&mut tries);
            if changed.is_err() {
                return Ok(Some(changed));
            }
            let body = serde_json::to_value(&tries).map_err(|error| metadata::Error::Failed(error.into()))?;
            let expires = Some(now.plus(FORGOTTEN_AFTER.max(LONGEST_WAIT)));
            let write = EntryWrite::new(Book::Throttles, name, known, body, expires, now);
            if self.store.put_entry(&write).await? {
                return Ok(Some(changed));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000 + seconds * 1000)
    }

    #[test]
    fn a_burst_passes_and_then_some_every_second() {
        let mut tries = Tries::none(at(0));
        let passed = (0..400).filter(|_| tries.take(at(0)).is_ok()).count();
        assert_eq!(passed, 300);
        assert!(tries.take(at(0)).unwrap_err() <= Duration::from_millis(200));
        assert_eq!((0..400).filter(|_| tries.take(at(10)).is_ok()).count(), 50);
    }

    #[test]
    fn each_failure_too_many_doubles_the_wait_up_to_a_quarter_of_an_hour() {
        let mut tries = Tries::none(at(0));
        for _ in 0..FREE_FAILURES - 1 {
            tries.fail(at(0));
            assert!(tries.take(at(0)).is_ok());
        }
        let mut waits = Vec::new();
        for _ in 0..14 {
            tries.fail(at(0));
            waits.push(tries.take(at(0)).unwrap_err().as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
        assert!(tries.take(at(901)).is_ok());
        tries.fail(at(901 + 3601));
        assert!(tries.take(at(901 + 3601)).is_ok(), "an hour later, it is the first failure again");
    }
}
