//! What a store with real transactions is made of: rows under keys, in order.

use std::fmt;
use std::ops::Range;

use crate::metadata::error::Result;
use crate::metadata::keys::Key;

/// Transactions over rows.
///
/// They are serialisable: each sees all of those before it and nothing of those after it. Once a write is
/// acknowledged it survives whatever the rows themselves survive.
pub(crate) trait Engine: fmt::Debug + Send + Sync + 'static {
    /// Runs on rows that do not change meanwhile.
    fn read<T: Send + 'static>(
        &self,
        run: impl FnOnce(&dyn Rows) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Runs alone, and keeps every change or, when it fails, none.
    fn write<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut dyn RowsMut) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send;
}

/// The rows that a transaction sees.
pub(crate) trait Rows {
    /// The row under the key.
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>>;

    /// Up to `limit` rows of a partition, in the byte order of their sort keys: those that begin with `prefix` and come
    /// after `after`.
    fn range(&self, partition: &str, prefix: &str, after: Option<&str>, limit: usize)
    -> Result<Vec<(String, Vec<u8>)>>;

    /// Up to `limit` rows of a partition whose sort keys are within `sorts`, the last first.
    fn last(&self, partition: &str, sorts: Range<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>>;

    /// All rows of the partitions whose names begin with `prefix`.
    fn under(&self, prefix: &str) -> Result<Vec<(Key, Vec<u8>)>>;
}

/// The rows that a transaction may change.
pub(crate) trait RowsMut: Rows {
    /// Writes a row, over whatever lies under the key.
    fn put(&mut self, key: &Key, row: &[u8]) -> Result<()>;

    /// Removes a row; removing nothing succeeds.
    fn delete(&mut self, key: &Key) -> Result<()>;
}
