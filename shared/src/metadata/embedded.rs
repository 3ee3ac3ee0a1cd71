//! Facts in one file, for one process.

use std::ops::{Bound, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{
    Database, DatabaseError, Durability, ReadOnlyTable, ReadableDatabase, ReadableTable, Table, TableDefinition,
};
use tokio::sync::Mutex;

use super::error::{Error, Result};
use super::keys::Key;
use super::transactional::{Engine, Rows, RowsMut, Transactional};

/// A store of facts in a file. What it acknowledges survives a crash; the file belongs to one process at a time.
pub type EmbeddedStore = Transactional<Embedded>;

impl EmbeddedStore {
    /// Opens the store in the file, or makes it. Blocks while the file is checked after a crash.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenStoreError> {
        let path = path.as_ref();
        let failed = |error: redb::Error| OpenStoreError::Failed(path.to_owned(), Box::new(error));
        let database = Database::create(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => OpenStoreError::InUse(path.to_owned()),
            error => failed(error.into()),
        })?;
        make_table(&database).map_err(failed)?;
        Ok(Self::over(Embedded { database: Arc::new(database), turn: Mutex::new(()) }))
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// The file is locked.
    #[error("the store of facts at {} belongs to a process that is running", .0.display())]
    InUse(PathBuf),
    /// The file cannot be read or made, or is no store.
    #[error("the store of facts at {} cannot be opened", .0.display())]
    Failed(PathBuf, #[source] Box<redb::Error>),
}

const ROWS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("rows");

/// Makes the table, so that a reader can rely on it.
fn make_table(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(ROWS)?;
    Ok(transaction.commit()?)
}

/// Rows in a table of a file.
#[derive(Debug)]
pub struct Embedded {
    database: Arc<Database>,
    /// Writers wait for their turn here, where waiting takes no thread.
    turn: Mutex<()>,
}

impl Engine for Embedded {
    async fn read<T: Send + 'static>(&self, run: impl FnOnce(&dyn Rows) -> Result<T> + Send + 'static) -> Result<T> {
        let database = self.database.clone();
        blocking(move || {
            let transaction = database.begin_read().map_err(failed)?;
            run(&Reading(transaction.open_table(ROWS).map_err(failed)?))
        })
        .await
    }

    async fn write<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut dyn RowsMut) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _turn = self.turn.lock().await;
        let database = self.database.clone();
        blocking(move || write(&database, run)).await
    }
}

async fn blocking<T: Send + 'static>(run: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(run).await.map_err(failed)?
}

/// Runs in a transaction; one that changed nothing is not worth waiting for the disk.
fn write<T>(database: &Database, run: impl FnOnce(&mut dyn RowsMut) -> Result<T>) -> Result<T> {
    let mut transaction = database.begin_write().map_err(failed)?;
    transaction.set_durability(Durability::Immediate).map_err(failed)?;
    let mut writing = Writing { table: transaction.open_table(ROWS).map_err(failed)?, is_changed: false };
    let result = run(&mut writing);
    let is_changed = writing.is_changed;
    drop(writing);
    if result.is_ok() && is_changed {
        transaction.commit().map_err(failed)?;
    } else {
        transaction.abort().map_err(failed)?;
    }
    result
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Failed(Box::new(error))
}

fn get(table: &impl ReadableTable<(&'static str, &'static str), &'static [u8]>, key: &Key) -> Result<Option<Vec<u8>>> {
    let row = table.get((key.partition.as_str(), key.sort.as_str())).map_err(failed)?;
    Ok(row.map(|row| row.value().to_vec()))
}

fn range(
    table: &impl ReadableTable<(&'static str, &'static str), &'static [u8]>,
    partition: &str,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Vec<u8>)>> {
    let start = after.map_or(Bound::Included((partition, prefix)), |after| Bound::Excluded((partition, after)));
    let rows = table.range::<(&str, &str)>((start, Bound::Unbounded)).map_err(failed)?;
    let mut found = Vec::new();
    for row in rows.take(limit) {
        let (key, row) = row.map_err(failed)?;
        let (its_partition, sort) = key.value();
        if its_partition != partition || !sort.starts_with(prefix) {
            break;
        }
        found.push((sort.to_owned(), row.value().to_vec()));
    }
    Ok(found)
}

fn last(
    table: &impl ReadableTable<(&'static str, &'static str), &'static [u8]>,
    partition: &str,
    sorts: Range<&str>,
    limit: usize,
) -> Result<Vec<(String, Vec<u8>)>> {
    if sorts.is_empty() {
        return Ok(Vec::new());
    }
    let rows = table.range::<(&str, &str)>((partition, sorts.start)..(partition, sorts.end)).map_err(failed)?;
    let mut found = Vec::new();
    for row in rows.rev().take(limit) {
        let (key, row) = row.map_err(failed)?;
        found.push((key.value().1.to_owned(), row.value().to_vec()));
    }
    Ok(found)
}

fn under(
    table: &impl ReadableTable<(&'static str, &'static str), &'static [u8]>,
    prefix: &str,
) -> Result<Vec<(Key, Vec<u8>)>> {
    let mut found = Vec::new();
    for row in table.range::<(&str, &str)>((prefix, "")..).map_err(failed)? {
        let (key, row) = row.map_err(failed)?;
        let (partition, sort) = key.value();
        if !partition.starts_with(prefix) {
            break;
        }
        found.push((Key { partition: partition.to_owned(), sort: sort.to_owned() }, row.value().to_vec()));
    }
    Ok(found)
}

struct Reading(ReadOnlyTable<(&'static str, &'static str), &'static [u8]>);

impl Rows for Reading {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        get(&self.0, key)
    }

    fn range(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        range(&self.0, partition, prefix, after, limit)
    }

    fn last(&self, partition: &str, sorts: Range<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>> {
        last(&self.0, partition, sorts, limit)
    }

    fn under(&self, prefix: &str) -> Result<Vec<(Key, Vec<u8>)>> {
        under(&self.0, prefix)
    }
}

struct Writing<'a> {
    table: Table<'a, (&'static str, &'static str), &'static [u8]>,
    is_changed: bool,
}

impl Rows for Writing<'_> {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        get(&self.table, key)
    }

    fn range(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        range(&self.table, partition, prefix, after, limit)
    }

    fn last(&self, partition: &str, sorts: Range<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>> {
        last(&self.table, partition, sorts, limit)
    }

    fn under(&self, prefix: &str) -> Result<Vec<(Key, Vec<u8>)>> {
        under(&self.table, prefix)
    }
}

impl RowsMut for Writing<'_> {
    fn put(&mut self, key: &Key, row: &[u8]) -> Result<()> {
        self.is_changed = true;
        self.table.insert((key.partition.as_str(), key.sort.as_str()), row).map_err(failed)?;
        Ok(())
    }

    fn delete(&mut self, key: &Key) -> Result<()> {
        let before = self.table.remove((key.partition.as_str(), key.sort.as_str())).map_err(failed)?;
        self.is_changed |= before.is_some();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::MetadataStore;
    use crate::metadata::contract::{Subject, topology};

    fn subject() -> Subject {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(EmbeddedStore::open(directory.path().join("facts.redb")).unwrap());
        Subject { other: store.clone(), store, rounds: 8, keep: Box::new(directory) }
    }

    mod contract {
        use super::*;

        crate::metadata_contract!(async { subject() });
    }

    #[tokio::test]
    async fn a_second_opening_says_whose_the_store_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("facts.redb");
        let store = EmbeddedStore::open(&path).unwrap();
        let second = EmbeddedStore::open(&path).unwrap_err();
        assert!(matches!(&second, OpenStoreError::InUse(its) if *its == path));
        assert!(second.to_string().ends_with("belongs to a process that is running"), "{second}");
        drop(store);
        EmbeddedStore::open(&path).unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_no_store_is_refused_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes.txt");
        std::fs::write(&path, "not a store").unwrap();
        assert!(matches!(EmbeddedStore::open(&path), Err(OpenStoreError::Failed(its, _)) if its == path));
        assert_eq!(std::fs::read(&path).unwrap(), b"not a store");
    }

    /// What a crash leaves: the file as it is while the store is open, never closed.
    #[tokio::test]
    async fn what_was_acknowledged_is_there_after_a_crash() {
        let directory = tempfile::tempdir().unwrap();
        let (path, copy) = (directory.path().join("facts.redb"), directory.path().join("copy.redb"));
        let store = EmbeddedStore::open(&path).unwrap();
        assert!(store.put_topology(&topology::topology(1, 7)).await.unwrap());
        std::fs::copy(&path, &copy).unwrap();
        let after = EmbeddedStore::open(&copy).unwrap();
        assert_eq!(after.topology().await.unwrap(), Some(topology::topology(1, 7)));
        drop(store);
    }

    #[tokio::test]
    async fn a_transaction_that_fails_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(directory.path().join("facts.redb")).unwrap();
        let key = |sort: &str| Key { partition: "partition".to_owned(), sort: sort.to_owned() };
        let [stays, again, new] = ["stays", "stays", "new"].map(key);
        store.engine().write(move |rows| rows.put(&stays, b"before")).await.unwrap();
        let failed: Result<()> = store
            .engine()
            .write(move |rows| {
                rows.delete(&again)?;
                rows.put(&new, b"after")?;
                Err(Error::Contended)
            })
            .await;
        assert!(matches!(failed, Err(Error::Contended)));
        let left = store.engine().read(|rows| rows.range("partition", "", None, 10)).await.unwrap();
        assert_eq!(left, [("stays".to_owned(), b"before".to_vec())]);
    }
}
