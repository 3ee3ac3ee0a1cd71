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
    known: Mutex<HashMap<K, (Instant, V)>>,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    pub(super) fn new(life: Duration, most: usize) -> Self {
        Self { life, most, known: Mutex::default() }
    }

    /// What is known under the key, unless it is too old.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|(since, _)| since.elapsed() < self.life).map(|(_, value)| value.clone())
    }

    /// Remembers an answer. When there are too many, those that are too old go, or all.
    pub(super) fn put(&self, key: K, value: V) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.most {
            known.retain(|_, (since, _)| since.elapsed() < self.life);
            if known.len() >= self.most {
                known.clear();
            }
        }
        known.insert(key, (Instant::now(), value));
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
}
