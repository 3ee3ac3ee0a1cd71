//! What was found out a moment ago, and need not be asked again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Timestamp;

/// Answers that are good for a while: at most `most` of them.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    life: Duration,
    most: usize,
    known: Mutex<HashMap<K, Known<V>>>,
    /// How often something was forgotten on purpose.
    forgotten: AtomicU64,
}

#[derive(Debug)]
struct Known<V> {
    since: Instant,
    life: Duration,
    /// The same end by the calendar: a process that stands still may have a clock that does so too.
    until: Timestamp,
    value: V,
}

impl<V> Known<V> {
    fn counts(&self) -> bool {
        self.since.elapsed() < self.life && Timestamp::now() < self.until
    }
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    pub(super) fn new(life: Duration, most: usize) -> Self {
        Self { life, most, known: Mutex::default(), forgotten: AtomicU64::new(0) }
    }

    /// What is known under the key, unless it is too old.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|known| known.counts()).map(|known| known.value.clone())
    }

    /// Remembers an answer. When there are too many, those that are too old go, or all.
    pub(super) fn put(&self, key: K, value: V) {
        self.put_if(|| true, Duration::MAX, key, value);
    }

    fn put_if(&self, may: impl FnOnce() -> bool, life: Duration, key: K, value: V) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !may() {
            return;
        }
        if known.len() >= self.most {
            known.retain(|_, known| known.counts());
            if known.len() >= self.most {
                known.clear();
            }
        }
        let life = life.min(self.life);
        known.insert(key, Known { since: Instant::now(), life, until: Timestamp::now().plus(life), value });
    }

    /// What to say in [`put_since`](Self::put_since): taken before the answer is found out.
    pub(super) fn now(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    /// Remembers an answer that is good for no longer than `life`, unless something was forgotten since it was begun to be
    /// found out: it may be what should be forgotten.
    pub(super) fn put_since(&self, since: u64, life: Duration, key: K, value: V) {
        self.put_if(|| self.now() == since, life, key, value);
    }

    /// Forgets the answers that are like this.
    pub(super) fn forget(&self, is_like: impl Fn(&V) -> bool) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, known| !is_like(&known.value));
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_good_for_a_while_and_never_too_many() {
        let recent = Recent::new(Duration::from_millis(50), 2);
        recent.put("a", 1);
        assert_eq!(recent.get(&"a"), Some(1));
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(recent.get(&"a"), None);
        recent.put("b", 2);
        recent.put("c", 3);
        recent.put("d", 4);
        assert!(recent.known.lock().unwrap().len() <= 2);
        assert_eq!(recent.get(&"d"), Some(4));
        recent.put("e", 4);
        recent.forget(|value| *value == 4);
        assert_eq!((recent.get(&"d"), recent.get(&"e")), (None, None));
        let since = recent.now();
        recent.put_since(since, Duration::MAX, "d", 3);
        assert_eq!(recent.get(&"d"), Some(3));
        recent.clear();
        recent.put_since(since, Duration::MAX, "d", 3);
        assert_eq!(recent.get(&"d"), None);
    }

    #[test]
    fn an_answer_may_be_good_for_less_and_never_for_more() {
        let recent = Recent::new(Duration::from_millis(50), 10);
        recent.put_since(0, Duration::ZERO, "a", 1);
        recent.put_since(0, Duration::MAX, "b", 2);
        assert_eq!((recent.get(&"a"), recent.get(&"b")), (None, Some(2)));
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(recent.get(&"b"), None);
    }
}
