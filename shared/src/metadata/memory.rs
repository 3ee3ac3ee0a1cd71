//! Facts in memory: for tests, and for a registry that may forget everything.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use super::error::Result;
use super::keys::Key;
use super::transactional::{Engine, Rows, RowsMut, Transactional};

/// A store of facts that is gone with the process.
pub type MemoryStore = Transactional<Memory>;

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::over(Memory::default())
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// Rows under one lock.
#[derive(Debug, Default)]
pub struct Memory {
    // A transaction that panicked has been undone: a poisoned lock guards whole rows all the same.
    rows: RwLock<BTreeMap<Key, Vec<u8>>>,
}

impl Engine for Memory {
    async fn read<T: Send + 'static>(&self, run: impl FnOnce(&dyn Rows) -> Result<T> + Send + 'static) -> Result<T> {
        run(&*self.rows.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn write<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut dyn RowsMut) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let mut transaction = Transaction { rows, undo: Vec::new() };
        let result = run(&mut transaction)?;
        transaction.undo.clear();
        Ok(result)
    }
}

impl Rows for BTreeMap<Key, Vec<u8>> {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        Ok(BTreeMap::get(self, key).cloned())
    }

    fn range(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        let at = |sort: &str| Key { partition: partition.to_owned(), sort: sort.to_owned() };
        let start = after.map_or_else(|| Bound::Included(at(prefix)), |after| Bound::Excluded(at(after)));
        let found = BTreeMap::range(self, (start, Bound::Unbounded))
            .take_while(|(key, _)| key.partition == partition && key.sort.starts_with(prefix));
        Ok(found.take(limit).map(|(key, row)| (key.sort.clone(), row.clone())).collect())
    }

    fn last(&self, partition: &str, sorts: Range<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>> {
        if sorts.is_empty() {
            return Ok(Vec::new());
        }
        let at = |sort: &str| Key { partition: partition.to_owned(), sort: sort.to_owned() };
        let found = BTreeMap::range(self, at(sorts.start)..at(sorts.end)).rev();
        Ok(found.take(limit).map(|(key, row)| (key.sort.clone(), row.clone())).collect())
    }

    fn under(&self, prefix: &str) -> Result<Vec<(Key, Vec<u8>)>> {
        let from = Key { partition: prefix.to_owned(), sort: String::new() };
        let found = BTreeMap::range(self, from..).take_while(|(key, _)| key.partition.starts_with(prefix));
        Ok(found.map(|(key, row)| (key.clone(), row.clone())).collect())
    }
}

/// Changes that are undone unless `undo` was emptied.
struct Transaction<'a> {
    rows: RwLockWriteGuard<'a, BTreeMap<Key, Vec<u8>>>,
    undo: Vec<(Key, Option<Vec<u8>>)>,
}

impl Rows for Transaction<'_> {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        Rows::get(&*self.rows, key)
    }

    fn range(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        Rows::range(&*self.rows, partition, prefix, after, limit)
    }

    fn last(&self, partition: &str, sorts: Range<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>> {
        Rows::last(&*self.rows, partition, sorts, limit)
    }

    fn under(&self, prefix: &str) -> Result<Vec<(Key, Vec<u8>)>> {
        Rows::under(&*self.rows, prefix)
    }
}

impl RowsMut for Transaction<'_> {
    fn put(&mut self, key: &Key, row: &[u8]) -> Result<()> {
        let before = self.rows.insert(key.clone(), row.to_vec());
        self.undo.push((key.clone(), before));
        Ok(())
    }

    fn delete(&mut self, key: &Key) -> Result<()> {
        let before = self.rows.remove(key);
        self.undo.push((key.clone(), before));
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        for (key, before) in self.undo.drain(..).rev() {
            match before {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metadata::Error;
    use crate::metadata::contract::Subject;

    fn subject() -> Subject {
        let store = Arc::new(MemoryStore::new());
        Subject { other: store.clone(), store, rounds: 60, keep: Box::new(()) }
    }

    mod contract {
        use super::*;

        crate::metadata_contract!(async { subject() });
    }

    fn key(sort: &str) -> Key {
        Key { partition: "partition".to_owned(), sort: sort.to_owned() }
    }

    #[tokio::test]
    async fn a_transaction_that_fails_changes_nothing() {
        let memory = Memory::default();
        memory.write(|rows| rows.put(&key("stays"), b"before")).await.ok();
        let failed: Result<()> = memory
            .write(|rows| {
                rows.put(&key("stays"), b"after")?;
                rows.delete(&key("stays"))?;
                rows.put(&key("new"), b"after")?;
                Err(Error::Contended)
            })
            .await;
        assert!(failed.is_err());
        let left = memory.read(|rows| rows.range("partition", "", None, 10)).await.ok();
        assert_eq!(left, Some(vec![("stays".to_owned(), b"before".to_vec())]));
    }
}
