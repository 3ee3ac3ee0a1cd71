//! What is read and left behind, row by row.

use std::cell::Cell;
use std::ops::Range;

use serde_json::json;

use super::*;
use crate::metadata::transactional::Engine;
use crate::metadata::{MemoryStore, MetadataStore};

const START: Timestamp = Timestamp::from_millis(4_102_444_800_000);

/// Rows that count how many of them are read.
struct Counted<'a> {
    rows: &'a mut dyn RowsMut,
    read: Cell<usize>,
}

impl<'a> Counted<'a> {
    fn over(rows: &'a mut dyn RowsMut) -> Self {
        Self { rows, read: Cell::new(0) }
    }

    fn count<T>(&self, found: Vec<T>) -> Vec<T> {
        self.read.set(self.read.get() + found.len());
        found
    }
}

impl Rows for Counted<'_> {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        self.read.set(self.read.get() + 1);
        self.rows.get(key)
    }

    fn range(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        Ok(self.count(self.rows.range(partition, prefix, after, limit)?))
    }

    fn last(&self, partition: &str, sorts: Range<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>> {
        Ok(self.count(self.rows.last(partition, sorts, limit)?))
    }

    fn under(&self, prefix: &str) -> Result<Vec<(Key, Vec<u8>)>> {
        Ok(self.count(self.rows.under(prefix)?))
    }
}

impl RowsMut for Counted<'_> {
    fn put(&mut self, key: &Key, row: &[u8]) -> Result<()> {
        self.rows.put(key, row)
    }

    fn delete(&mut self, key: &Key) -> Result<()> {
        self.rows.delete(key)
    }
}

/// What a transaction answers, and how many rows it has read.
async fn counted<T: Send + 'static>(
    store: &MemoryStore,
    run: impl FnOnce(&mut dyn RowsMut) -> Result<T> + Send + 'static,
) -> (T, usize) {
    let run = |rows: &mut dyn RowsMut| {
        let mut counted = Counted::over(rows);
        let answer = run(&mut counted)?;
        Ok((answer, counted.read.get()))
    };
    store.engine().write(run).await.unwrap()
}

fn write(name: &str, known: Option<u64>, expires: Option<Timestamp>) -> EntryWrite {
    EntryWrite::new(Book::Tokens, name, known, json!({}), expires, START)
}

fn deed(id: &str, expires: Timestamp) -> Deed {
    Deed { at: START, id: id.to_owned(), body: json!({}), expires }
}

/// A hundred records and deeds that last, and ten that do not.
async fn filled() -> (MemoryStore, Timestamp) {
    let (store, end) = (MemoryStore::new(), START.plus(Duration::from_hours(1)));
    for number in 100..200 {
        let name = number.to_string();
        let later = end.plus(Duration::from_millis(number));
        assert!(store.put_entry(&write(&name, None, Some(later))).await.unwrap());
        store.record_deed(&deed(&name, later)).await.unwrap();
    }
    for name in ["a", "b", "c", "d", "e"] {
        assert!(store.put_entry(&EntryWrite { book: Book::Throttles, ..write(name, None, Some(end)) }).await.unwrap());
        store.record_deed(&deed(name, end)).await.unwrap();
    }
    (store, end)
}

async fn ends(store: &MemoryStore) -> usize {
    store.engine().read(|rows| rows.range(keys::EXPIRY, "", None, usize::MAX)).await.unwrap().len()
}

#[tokio::test]
async fn a_sweep_goes_batch_by_batch_and_reads_what_has_expired_only() {
    let (store, end) = filled().await;
    assert_eq!(counted(&store, move |rows| sweep(rows, end.minus(Duration::from_millis(1)), 4)).await, (0, 0));
    for batch in [4, 4, 2, 0] {
        assert_eq!(counted(&store, move |rows| sweep(rows, end, 4)).await, (batch, 2 * batch));
    }
    for partition in ["THROTTLE#a", "THROTTLE#e"] {
        assert_eq!(store.engine().read(|rows| rows.under(partition)).await.unwrap(), []);
    }
    assert_eq!(store.engine().read(|rows| rows.under("AUDIT#")).await.unwrap().len(), 100);
    assert_eq!(store.entries(Book::Tokens, None, 1000, end).await.unwrap().len(), 100);
    assert_eq!(ends(&store).await, 200);
}

#[tokio::test]
async fn a_small_page_is_made_of_few_rows() {
    let (store, end) = filled().await;
    let (page, read) = counted(&store, move |rows| list(rows, Book::Tokens, Some("120"), 3, end)).await;
    assert_eq!(page.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["121", "122", "123"]);
    assert_eq!(read, 3);
    let until = START.plus(Duration::from_millis(1));
    let wanted = DeedsWanted { from: START, until, after: Some((START, "150".to_owned())), limit: 3, now: START };
    let (page, read) = counted(&store, move |rows| deeds(rows, &wanted)).await;
    assert_eq!(page.iter().map(|deed| deed.id.as_str()).collect::<Vec<_>>(), ["149", "148", "147"]);
    assert_eq!(read, 4 * 3, "three of each shard");
}

#[tokio::test]
async fn a_row_that_does_not_read_is_swept_all_the_same() {
    let (store, end) = filled().await;
    let spoil = |rows: &mut dyn RowsMut| {
        rows.put(&keys::entry(Book::Throttles, "b")?, b"{")?;
        rows.put(&keys::deed(&deed("c", START))?, b"\xff")?;
        rows.put(&Key { partition: keys::EXPIRY.to_owned(), sort: keys::end(START) }, b"no key")
    };
    store.engine().write(spoil).await.unwrap();
    assert_eq!(store.sweep_entries(end, 100).await.unwrap(), 11);
    assert_eq!(store.engine().read(|rows| rows.under("THROTTLE#")).await.unwrap(), []);
    assert_eq!(store.engine().read(|rows| rows.under("AUDIT#")).await.unwrap().len(), 100);
    assert_eq!(ends(&store).await, 200);
}

#[tokio::test]
async fn an_end_is_noted_once_for_as_long_as_there_is_what_ends() {
    let (store, end) = (MemoryStore::new(), START.plus(Duration::from_hours(1)));
    let first = write("token", None, Some(end));
    assert!(store.put_entry(&first).await.unwrap());
    let second = write("token", Some(first.version()), Some(end.plus(Duration::from_hours(1))));
    assert!(store.put_entry(&second).await.unwrap());
    assert_eq!(ends(&store).await, 1);
    let third = write("token", Some(second.version()), None);
    assert!(store.put_entry(&third).await.unwrap());
    assert_eq!(ends(&store).await, 0);
    let fourth = write("token", Some(third.version()), Some(end));
    assert!(store.put_entry(&fourth).await.unwrap());
    assert_eq!(ends(&store).await, 1);
    assert!(store.remove_entry(Book::Tokens, "token", fourth.version()).await.unwrap());
    assert_eq!(ends(&store).await, 0);
}

/// Its first end is noted yet, and is not its end any more.
#[tokio::test]
async fn a_deed_that_is_told_again_ends_when_it_says_so() {
    let (store, end) = (MemoryStore::new(), START.plus(Duration::from_hours(1)));
    let later = end.plus(Duration::from_hours(1));
    for expires in [end, later] {
        store.record_deed(&deed("deed", expires)).await.unwrap();
    }
    assert_eq!(store.sweep_entries(end, 10).await.unwrap(), 1);
    assert_eq!(store.engine().read(|rows| rows.under("AUDIT#")).await.unwrap().len(), 1);
    assert_eq!(store.sweep_entries(later, 10).await.unwrap(), 1);
    assert_eq!(store.engine().read(|rows| rows.under("AUDIT#")).await.unwrap(), []);
}
