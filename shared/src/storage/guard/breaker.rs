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

/// What a call asks of its bucket, and what its failure says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Call {
    /// To read, list or remove. A refusal may mean this object alone, even that it is not there.
    Read,
    /// To write. Whoever is refused may not write here any more.
    Write,
    /// To write what is read here too: a refusal may mean this object alone.
    Move,
}

/// Opens after several failures in a row: then nobody gets through but one call now and then, which tries whether the bucket
/// serves again. A bucket that takes no writes may still be read: what writes has a gate of its own, behind that of all.
#[derive(Debug)]
pub(in crate::storage) struct Breaker {
    bucket: BucketId,
    gates: Mutex<Gates>,
}

#[derive(Debug, Default)]
struct Gates {
    calls: Gate,
    writes: Gate,
}

#[derive(Debug, Clone, Copy, Default)]
struct Gate {
    failures: u32,
    /// When the next call is let through, while the gate is shut.
    shut_until: Option<Instant>,
}

impl Gate {
    fn lets_through(self, now: Instant) -> bool {
        self.shut_until.is_none_or(|until| until <= now)
    }

    /// The pause begins anew.
    fn admit(&mut self, now: Instant) {
        self.shut_until = self.shut_until.map(|_| now + pause(self.failures));
    }

    /// Takes note of a failure; whether that has shut it.
    fn count(&mut self, now: Instant) -> bool {
        let was_shut = self.shut_until.is_some();
        self.failures = self.failures.saturating_add(1);
        if self.failures >= ENOUGH {
            self.shut_until = Some(now + pause(self.failures));
        }
        !was_shut && self.shut_until.is_some()
    }

    /// Takes note of a success; whether that has opened it.
    fn clear(&mut self) -> bool {
        std::mem::take(self).shut_until.is_some()
    }
}

impl Gates {
    fn let_through(&self, call: Call, now: Instant) -> bool {
        self.calls.lets_through(now) && (call == Call::Read || self.writes.lets_through(now))
    }
}

/// The source of an [`Error::Unavailable`] that was not asked for.
#[derive(Debug, thiserror::Error)]
#[error("bucket {0} has failed again and again, and is left alone for a while")]
struct LeftAlone(BucketId);

impl Breaker {
    pub(in crate::storage) fn new(bucket: BucketId) -> Self {
        Self { bucket, gates: Mutex::default() }
    }

    /// Whether reads get through.
    pub(in crate::storage) fn serves(&self, now: Instant) -> bool {
        self.gates().let_through(Call::Read, now)
    }

    /// Whether writes get through.
    pub(in crate::storage) fn takes(&self, now: Instant) -> bool {
        self.gates().let_through(Call::Write, now)
    }

    /// Whether writes have failed, and none has succeeded since.
    pub(in crate::storage) fn doubts_writes(&self) -> bool {
        self.gates().writes.shut_until.is_some()
    }

    /// Fails while such calls are kept out.
    pub(super) fn check(&self, call: Call, now: Instant) -> Result<()> {
        self.let_through(&self.gates(), call, now)
    }

    /// Fails while such calls are kept out. When the pause is over, the first call is let through, and the pause begins anew.
    pub(super) fn admit(&self, call: Call, now: Instant) -> Result<()> {
        let mut gates = self.gates();
        self.let_through(&gates, call, now)?;
        gates.calls.admit(now);
        if call != Call::Read {
            gates.writes.admit(now);
        }
        Ok(())
    }

    fn let_through(&self, gates: &Gates, call: Call, now: Instant) -> Result<()> {
        if gates.let_through(call, now) {
            Ok(())
        } else {
            Err(Error::Unavailable(Box::new(LeftAlone(self.bucket.clone()))))
        }
    }

    /// Takes note of what a call came to.
    pub(in crate::storage) fn hear(&self, call: Call, error: Option<&Error>, now: Instant) {
        let mut gates = self.gates();
        let (is_out, is_refused) = (error.is_some_and(is_outage), matches!(error, Some(Error::Denied(_))));
        self.note(&mut gates.calls, is_out, now);
        match call {
            Call::Write => self.note(&mut gates.writes, is_out || is_refused, now),
            Call::Move if error.is_none() => self.note(&mut gates.writes, false, now),
            Call::Move | Call::Read => {}
        }
    }

    fn note(&self, gate: &mut Gate, is_failure: bool, now: Instant) {
        if is_failure && gate.count(now) {
            tracing::warn!(bucket = %self.bucket, "the bucket is left alone for a while");
        }
        if !is_failure && gate.clear() {
            tracing::info!(bucket = %self.bucket, "the bucket serves again");
        }
    }

    /// A read that is to be waited for: should it be dropped after a while, without an answer, it counts as a failure.
    pub(super) fn wait(&self, now: Instant) -> Waiting<'_> {
        Waiting { breaker: self, since: now }
    }

    fn gates(&self) -> std::sync::MutexGuard<'_, Gates> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
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
            self.breaker.note(&mut self.breaker.gates().calls, true, now);
        }
    }
}

fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(ENOUGH).min(8)).min(LONGEST_PAUSE)
}

fn is_outage(error: &Error) -> bool {
    match error {
        Error::Unavailable(_) | Error::Throttled(_) => true,
        Error::Denied(_)
        | Error::NotFound(_)
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
            breaker.hear(Call::Read, Some(&unavailable()), now);
            breaker.hear(Call::Read, None, now);
            breaker.hear(Call::Read, Some(&unavailable()), now);
            breaker.hear(Call::Read, Some(&unavailable()), now);
            assert!(breaker.serves(now) && breaker.admit(Call::Read, now).is_ok());
            breaker.hear(Call::Read, Some(&unavailable()), now);
            assert!(!breaker.serves(now));
            assert!(matches!(breaker.admit(Call::Read, now), Err(Error::Unavailable(_))));
            now += FIRST_PAUSE;
            assert!(breaker.admit(Call::Read, now).is_ok(), "one call tries");
            assert!(breaker.admit(Call::Read, now).is_err(), "and only one");
            breaker.hear(Call::Read, None, now);
            assert!(breaker.serves(now) && breaker.admit(Call::Read, now).is_ok());
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
        assert!(breaker.serves(Instant::now()));
        (0..3).for_each(|_| drop(breaker.wait(slow())));
        assert!(!breaker.serves(Instant::now()));
    }

    #[test]
    fn what_goes_on_failing_is_tried_less_and_less_often() {
        assert_eq!([3, 4, 5, 100].map(|failures| pause(failures).as_secs()), [2, 4, 8, 30]);
    }

    #[test]
    fn one_objects_refusal_or_absence_says_nothing_of_the_bucket() {
        let (breaker, now) = (Breaker::new("one".parse().unwrap()), Instant::now());
        for _ in 0..10 {
            breaker.hear(Call::Read, Some(&denied()), now);
            breaker.hear(Call::Read, Some(&Error::NotFound("a".parse().unwrap())), now);
        }
        assert!(breaker.serves(now));
        (0..3).for_each(|_| breaker.hear(Call::Move, Some(&denied()), now));
        assert!(breaker.takes(now));
        (0..3).for_each(|_| breaker.hear(Call::Write, Some(&denied()), now));
        assert!(breaker.serves(now) && !breaker.takes(now));
        breaker.hear(Call::Read, None, now);
        assert!(!breaker.takes(now), "a read says nothing of writes");
        breaker.hear(Call::Move, None, now);
        assert!(breaker.takes(now));
    }
}
