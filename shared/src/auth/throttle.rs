//! How often somebody may try. Pure rules over a small record, and the record's place in the books.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::metadata::{self, Book, EntryWrite, MetadataStore};

/// How often somebody may try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rate {
    /// How many tries in a row are let pass.
    burst: f64,
    /// How many a second in the long run.
    per_second: f64,
}

impl Rate {
    /// Of one name, from one address.
    pub(super) const NAME: Self = Self { burst: 300.0, per_second: 5.0 };
    /// Of all who come from one network, to one process.
    pub(super) const NETWORK: Self = Self { burst: 1000.0, per_second: 20.0 };
}

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
    const fn none(rate: Rate, now: Timestamp) -> Self {
        Self { left: rate.burst, at: now, failures: 0, failed: Timestamp::from_millis(0) }
    }

    /// Takes a try, or says how long to wait for the next.
    fn take(&mut self, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let locked = self.locked_until();
        if now < locked {
            return Err(locked.since(now));
        }
        self.left = (self.left + now.since(self.at).as_secs_f64() * rate.per_second).min(rate.burst);
        self.at = now;
        if self.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.left) / rate.per_second));
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
#[derive(Debug)]
pub(super) struct Throttle {
    rate: Rate,
    place: Place,
}

/// Where the records are.
#[derive(Debug)]
enum Place {
    /// In the books, for all processes together.
    Store(Arc<dyn MetadataStore>),
    /// In this process.
    Here(Mutex<HashMap<String, Tries>>),
}

impl Throttle {
    /// How often a change is tried again that another came before. A record that changes all the time is that of somebody
    /// who tries all the time.
    const ATTEMPTS: usize = 5;

    /// How many records a process keeps at most.
    const MOST_HERE: usize = 20_000;

    pub(super) const fn in_store(rate: Rate, store: Arc<dyn MetadataStore>) -> Self {
        Self { rate, place: Place::Store(store) }
    }

    pub(super) fn here(rate: Rate) -> Self {
        Self { rate, place: Place::Here(Mutex::default()) }
    }

    /// Takes a try of this name, or says how long to wait.
    pub(super) async fn take(&self, name: &str, now: Timestamp) -> metadata::Result<Result<(), Duration>> {
        let rate = self.rate;
        self.change(name, now, |tries| tries.take(rate, now)).await.map(|taken| taken.unwrap_or(Err(FIRST_WAIT)))
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
        match &self.place {
            Place::Store(store) => change_in_store(&**store, self.rate, name, now, change).await,
            Place::Here(known) => {
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                if known.len() >= Self::MOST_HERE {
                    known.retain(|_, tries| now < tries.locked_until());
                }
                if known.len() >= Self::MOST_HERE {
                    known.clear();
                }
                Ok(Some(change(known.entry(name.to_owned()).or_insert_with(|| Tries::none(self.rate, now)))))
            }
        }
    }
}

async fn change_in_store<T, E>(
    store: &dyn MetadataStore,
    rate: Rate,
    name: &str,
    now: Timestamp,
    change: impl Fn(&mut Tries) -> Result<T, E>,
) -> metadata::Result<Option<Result<T, E>>> {
    for _ in 0..Throttle::ATTEMPTS {
        let read = store.entry(Book::Throttles, name, now).await?;
        let known = read.as_ref().map(|entry| entry.version);
        // A record that cannot be read is as good as none.
        let tries = read.and_then(|entry| serde_json::from_value(entry.body).ok());
        let mut tries = tries.unwrap_or_else(|| Tries::none(rate, now));
        let changed = change(&mut tries);
        if changed.is_err() {
            return Ok(Some(changed));
        }
        let body = serde_json::to_value(&tries).map_err(|error| metadata::Error::Failed(error.into()))?;
        let expires = Some(now.plus(FORGOTTEN_AFTER.max(LONGEST_WAIT)));
        let write = EntryWrite::new(Book::Throttles, name, known, body, expires, now);
        if store.put_entry(&write).await? {
            return Ok(Some(changed));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000 + seconds * 1000)
    }

    #[test]
    fn a_burst_passes_and_then_some_every_second() {
        let mut tries = Tries::none(Rate::NAME, at(0));
        let passed = (0..400).filter(|_| tries.take(Rate::NAME, at(0)).is_ok()).count();
        assert_eq!(passed, 300);
        assert!(tries.take(Rate::NAME, at(0)).unwrap_err() <= Duration::from_millis(200));
        assert_eq!((0..400).filter(|_| tries.take(Rate::NAME, at(10)).is_ok()).count(), 50);
    }

    #[test]
    fn each_failure_too_many_doubles_the_wait_up_to_a_quarter_of_an_hour() {
        let mut tries = Tries::none(Rate::NAME, at(0));
        for _ in 0..FREE_FAILURES - 1 {
            tries.fail(at(0));
            assert!(tries.take(Rate::NAME, at(0)).is_ok());
        }
        let mut waits = Vec::new();
        for _ in 0..14 {
            tries.fail(at(0));
            waits.push(tries.take(Rate::NAME, at(0)).unwrap_err().as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
        assert!(tries.take(Rate::NAME, at(901)).is_ok());
        tries.fail(at(901 + 3601));
        assert!(tries.take(Rate::NAME, at(901 + 3601)).is_ok(), "an hour later, it is the first failure again");
    }

    #[tokio::test]
    async fn a_process_keeps_so_many_records_and_those_who_are_kept_out() {
        let throttle = Throttle::here(Rate::NAME);
        for _ in 0..FREE_FAILURES + 5 {
            throttle.failed("locked", at(0)).await.unwrap();
        }
        for name in 0..2 * Throttle::MOST_HERE {
            throttle.take(&name.to_string(), at(1)).await.unwrap().unwrap();
        }
        let Place::Here(known) = &throttle.place else { panic!("it is here") };
        assert!(known.lock().unwrap().len() <= Throttle::MOST_HERE);
        assert!(throttle.take("locked", at(2)).await.unwrap().is_err());
    }
}
