//! Counting a bucket's failures.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::storage::error::{Error, Result};
use crate::storage::topology::BucketId;

/// How many failures in a row open the breaker.
const ENOUGH: u32 = 3;
/// How long it stays open the first time; twice as long each time after that.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// How long a read was waited for, at least, that says something of the bucket by being given up.
const SLOW: Duration = Duration::from_secs(2);
/// The longest that it stays open.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Opens after several failures in a row: then nobody gets through but one call now and then, which tries whether the bucket
/// serves again.
#[derive(Debug)]
pub(in crate::storage) struct Breaker {
    bucket: BucketId,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    failures: u32,
    /// When the next call is let through, while the breaker is open.
    open_until: Option<Instant>,
}

impl State {
    fn is_closed(self, now: Instant) -> bool {
        self.open_until.is_none_or(|until| until <= now)
    }
}

/// The source of an [`Error::Unavailable`] that was not asked for.
#[derive(Debug, thiserror::Error)]
#[error("bucket {0} has failed again and again, and is left alone for a while")]
struct LeftAlone(BucketId);

impl Breaker {
    pub(in crate::storage) fn new(bucket: BucketId) -> Self {
        Self { bucket, state: Mutex::new(State { failures: 0, open_until: None }) }
    }

    /// Whether calls get through.
    pub(in crate::storage) fn is_closed(&self, now: Instant) -> bool {
        self.state().is_closed(now)
    }

    /// Fails while the breaker is open.
    pub(super) fn check(&self, now: Instant) -> Result<()> {
        self.let_through(*self.state(), now)
    }

    /// Fails while the breaker is open. When its pause is over, the first call is let through, and the pause begins anew.
    pub(super) fn admit(&self, now: Instant) -> Result<()> {
        let mut state = self.state();
        self.let_through(*state, now)?;
        state.open_until = state.open_until.map(|_| now + pause(state.failures));
        Ok(())
    }

    fn let_through(&self, state: State, now: Instant) -> Result<()> {
        if state.is_closed(now) { Ok(()) } else { Err(Error::Unavailable(Box::new(LeftAlone(self.bucket.clone())))) }
    }

    /// Takes note of what a call came to.
    pub(super) fn hear(&self, error: Option<&Error>, a_refusal_counts: bool, now: Instant) {
        if error.is_some_and(|error| is_failure(error, a_refusal_counts)) {
            return self.count(now);
        }
        let mut state = self.state();
        if state.open_until.is_some() {
            tracing::info!(bucket = %self.bucket, "the bucket serves again");
        }
        *state = State { failures: 0, open_until: None };
    }

    /// A read that is to be waited for: should it be dropped after a while, without an answer, it counts as a failure.
    pub(super) fn wait(&self, now: Instant) -> Waiting<'_> {
        Waiting { breaker: self, since: now }
    }

    fn count(&self, now: Instant) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= ENOUGH {
            if state.open_until.is_none() {
                tracing::warn!(bucket = %self.bucket, "the bucket is left alone for a while");
            }
            state.open_until = Some(now + pause(state.failures));
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A read that has no answer yet.
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    breaker: &'a Breaker,
    since: Instant,
}

impl Waiting<'_> {
    /// It was answered.
    pub(super) fn over(self) {
        std::mem::forget(self);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        if now - self.since >= SLOW {
            self.breaker.count(now);
        }
    }
}

fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(ENOUGH).min(8)).min(LONGEST_PAUSE)
}

fn is_failure(error: &Error, a_refusal_counts: bool) -> bool {
    match error {
        Error::Unavailable(_) | Error::Throttled(_) => true,
        Error::Denied(_) => a_refusal_counts,
        Error::NotFound(_)
        | Error::AlreadyExists(_)
        | Error::OutOfRange { .. }
        | Error::TooLarge { .. }
        | Error::CheckpointGone(_)
        | Error::InvalidPath(_)
        | Error::Failed(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unavailable() -> Error {
        Error::Unavailable("503".into())
    }

    fn denied() -> Error {
        Error::Denied("403".into())
    }

    #[test]
    fn three_failures_in_a_row_open_it_and_one_call_at_a_time_tries_again() {
        let (breaker, mut now) = (Breaker::new("one".parse().unwrap()), Instant::now());
        for _ in 0..2 {
            breaker.hear(Some(&unavailable()), false, now);
            breaker.hear(None, false, now);
            breaker.hear(Some(&unavailable()), false, now);
            breaker.hear(Some(&unavailable()), false, now);
            assert!(breaker.is_closed(now) && breaker.admit(now).is_ok());
            breaker.hear(Some(&unavailable()), false, now);
            assert!(!breaker.is_closed(now));
            assert!(matches!(breaker.admit(now), Err(Error::Unavailable(_))));
            now += FIRST_PAUSE;
            assert!(breaker.admit(now).is_ok(), "one call tries");
            assert!(breaker.admit(now).is_err(), "and only one");
            breaker.hear(None, false, now);
            assert!(breaker.is_closed(now) && breaker.admit(now).is_ok());
        }
    }

    #[test]
    fn a_read_that_is_given_up_counts_once_it_was_slow() {
        let breaker = Breaker::new("one".parse().unwrap());
        let slow = || Instant::now().checked_sub(SLOW).unwrap();
        for _ in 0..3 {
            drop(breaker.wait(Instant::now()));
            breaker.wait(slow()).over();
        }
        assert!(breaker.is_closed(Instant::now()));
        (0..3).for_each(|_| drop(breaker.wait(slow())));
        assert!(!breaker.is_closed(Instant::now()));
    }

    #[test]
    fn what_goes_on_failing_is_tried_less_and_less_often() {
        assert_eq!([3, 4, 5, 100].map(|failures| pause(failures).as_secs()), [2, 4, 8, 30]);
    }

    #[test]
    fn one_objects_refusal_or_absence_says_nothing_of_the_bucket() {
        let (breaker, now) = (Breaker::new("one".parse().unwrap()), Instant::now());
        for _ in 0..10 {
            breaker.hear(Some(&denied()), false, now);
            breaker.hear(Some(&Error::NotFound("a".parse().unwrap())), false, now);
        }
        assert!(breaker.is_closed(now));
        (0..3).for_each(|_| breaker.hear(Some(&denied()), true, now));
        assert!(!breaker.is_closed(now));
    }
}
