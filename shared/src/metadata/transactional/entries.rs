//! The books of accounts, and the audit trail.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::engine::{Rows, RowsMut};
use super::rows;
use crate::clock::Timestamp;
use crate::metadata::error::Result;
use crate::metadata::{Book, Deed, DeedsWanted, Entry, EntryWrite, keys};

/// A row of a book.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    name: String,
    version: u64,
    body: Value,
    expires: Option<Timestamp>,
}

impl Row {
    fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn into_entry(self) -> Entry {
        Entry { name: self.name, version: self.version, body: self.body, expires: self.expires }
    }
}

pub(super) fn get(rows: &dyn Rows, book: Book, name: &str, now: Timestamp) -> Result<Option<Entry>> {
    let row: Option<Row> = rows::read(rows, &keys::entry(book, name))?;
    Ok(row.filter(|row| !row.is_over(now)).map(Row::into_entry))
}

pub(super) fn list(
    rows: &dyn Rows,
    book: Book,
    after: Option<&str>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Entry>> {
    let all: Vec<Row> = rows::read_all(rows, &keys::book_partition(book), "", after, usize::MAX)?;
    Ok(all.into_iter().filter(|row| !row.is_over(now)).take(limit).map(Row::into_entry).collect())
}

pub(super) fn put(rows: &mut dyn RowsMut, write: &EntryWrite) -> Result<bool> {
    let present = get(rows, write.book, &write.name, write.now)?;
    let is_known = present.map(|entry| entry.version) == write.known;
    if is_known {
        let row = Row {
            name: write.name.clone(),
            version: write.version(),
            body: write.body.clone(),
            expires: write.expires,
        };
        rows::write(rows, &keys::entry(write.book, &write.name), &row)?;
    }
    Ok(is_known)
}

pub(super) fn remove(rows: &mut dyn RowsMut, book: Book, name: &str, known: u64) -> Result<bool> {
    let key = keys::entry(book, name);
    let present: Option<Row> = rows::read(rows, &key)?;
    let is_known = present.is_some_and(|row| row.version == known);
    if is_known {
        rows.delete(&key)?;
    }
    Ok(is_known)
}

pub(super) fn record_deed(rows: &mut dyn RowsMut, deed: &Deed) -> Result<()> {
    rows::write(rows, &keys::deed(deed), deed)
}

/// The newest first.
pub(super) fn deeds(rows: &dyn Rows, wanted: &DeedsWanted) -> Result<Vec<Deed>> {
    let mut found = Vec::new();
    for day in wanted.days() {
        for shard in 0..keys::AUDIT_SHARDS {
            let all: Vec<Deed> = rows::read_all(rows, &keys::audit_partition(day, shard), "", None, usize::MAX)?;
            found.extend(all.into_iter().filter(|deed| wanted.has(deed)));
        }
        if found.len() >= wanted.limit {
            break;
        }
    }
    found.sort_unstable_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
    found.truncate(wanted.limit);
    Ok(found)
}

/// Removes what is over, of those kinds that come to an end by themselves; how many.
pub(super) fn sweep(rows: &mut dyn RowsMut, now: Timestamp, limit: usize) -> Result<usize> {
    let mut over = Vec::new();
    for prefix in [keys::ACCOUNT, keys::THROTTLE] {
        for (key, row) in rows.under(prefix)? {
            if rows::parse::<Row>(&row)?.is_over(now) {
                over.push(key);
            }
        }
    }
    for (key, row) in rows.under(keys::AUDIT)? {
        if rows::parse::<Deed>(&row)?.expires <= now {
            over.push(key);
        }
    }
    over.truncate(limit);
    over.iter().try_for_each(|key| rows.delete(key))?;
    Ok(over.len())
}
