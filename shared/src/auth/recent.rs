//! What was found out a moment ago, and need not be asked again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Answers that are good for a while: at most `most` of them.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    life: Duration,
    most: usize,
    known: Mutex<HashMap<K, Known<V>>>,
}

#[derive(Debug)]
struct Known<V> {
    since: Instant,
    life: Duration,
    value: V,
}

impl<V> Known<V> {
    fn counts(&self) -> bool {
        self.since.elapsed() < self.life
    }
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    pub(super) fn new(life: Duration, most: usize) -> Self {
        Self { life, most, known: Mutex::default() }
    }

    /// What is known under the key, unless it is too old.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|known| known.counts()).map(|known| known.value.clone())
    }

    /// Remembers an answer. When there are too many, those that are too old go, or all.
    pub(super) fn put(&self, key: K, value: V) {
        self.put_for(self.life, key, value);
    }

    /// Remembers an answer that is good for so long only, if that is shorter.
    pub(super) fn put_for(&self, life: Duration, key: K, value: V) {
        let life = life.min(self.life);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.most {
            known.retain(|_, known| known.counts());
            if known.len() >= self.most {
                known.clear();
            }
        }
        known.insert(key, Known { since: Instant::now(), life, value });
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
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
        recent.clear();
        assert_eq!(recent.get(&"d"), None);
    }

    #[test]
    fn an_answer_may_be_good_for_less_and_never_for_more() {
        let recent = Recent::new(Duration::from_millis(50), 10);
        recent.put_for(Duration::ZERO, "a", 1);
        recent.put_for(Duration::MAX, "b", 2);
        assert_eq!((recent.get(&"a"), recent.get(&"b")), (None, Some(2)));
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(recent.get(&"b"), None);
    }
}
