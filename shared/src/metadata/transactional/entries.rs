//! The books of accounts, and the audit trail. Whatever ends by itself has a row in the index of ends, so that a sweep finds
//! it without looking at the rest.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::engine::{Rows, RowsMut};
use super::rows;
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::metadata::error::Result;
use crate::metadata::keys::{self, Key};
use crate::metadata::{Book, Deed, DeedsWanted, Entry, EntryWrite};

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

/// What rows that end by themselves have in common.
#[derive(Debug, Deserialize)]
struct Lasting {
    expires: Option<Timestamp>,
}

/// None when no record can have the name.
pub(super) fn get(rows: &dyn Rows, book: Book, name: &str, now: Timestamp) -> Result<Option<Entry>> {
    let Ok(key) = keys::entry(book, name) else { return Ok(None) };
    let row: Option<Row> = rows::read(rows, &key)?;
    Ok(row.filter(|row| !row.is_over(now)).map(Row::into_entry))
}

pub(super) fn list(
    rows: &dyn Rows,
    book: Book,
    after: Option<&str>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    if !book.is_listed() {
        return Ok(found);
    }
    let partition = keys::book_partition(book);
    let mut after = after.map(str::to_owned);
    while found.len() < limit {
        let page = rows.range(&partition, "", after.as_deref(), limit - found.len())?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (_, row) in &page {
            let row: Row = rows::parse(row)?;
            if !row.is_over(now) {
                found.push(row.into_entry());
            }
        }
    }
    Ok(found)
}

pub(super) fn put(rows: &mut dyn RowsMut, write: &EntryWrite) -> Result<bool> {
    let key = keys::entry(write.book, &write.name)?;
    let before: Option<Row> = rows::read(rows, &key)?;
    let present = before.as_ref().filter(|row| !row.is_over(write.now)).map(|row| row.version);
    if present == Some(write.version()) {
        return Ok(true);
    }
    let is_known = present == write.known;
    if is_known {
        forget_end(rows, &key, before.and_then(|row| row.expires))?;
        let row = Row {
            name: write.name.clone(),
            version: write.version(),
            body: write.body.clone(),
            expires: write.expires,
        };
        rows::write(rows, &key, &row)?;
        note_end(rows, &key, write.expires)?;
    }
    Ok(is_known)
}

pub(super) fn remove(rows: &mut dyn RowsMut, book: Book, name: &str, known: u64) -> Result<bool> {
    let Ok(key) = keys::entry(book, name) else { return Ok(false) };
    let present: Option<Row> = rows::read(rows, &key)?;
    let Some(row) = present.filter(|row| row.version == known) else { return Ok(false) };
    rows.delete(&key)?;
    forget_end(rows, &key, row.expires)?;
    Ok(true)
}

pub(super) fn record_deed(rows: &mut dyn RowsMut, deed: &Deed) -> Result<()> {
    let key = keys::deed(deed)?;
    rows::write(rows, &key, deed)?;
    note_end(rows, &key, Some(deed.expires))
}

/// The newest first.
pub(super) fn deeds(rows: &dyn Rows, wanted: &DeedsWanted) -> Result<Vec<Deed>> {
    let mut found = Vec::new();
    for day in wanted.days() {
        let missing = wanted.limit - found.len();
        for shard in 0..keys::AUDIT_SHARDS {
            found.extend(deeds_of(rows, &keys::audit_partition(day, shard), wanted, missing)?);
        }
        if found.len() >= wanted.limit {
            break;
        }
    }
    Ok(wanted.newest(found))
}

/// The last `limit` that are wanted of one partition: more of them can be in no answer.
fn deeds_of(rows: &dyn Rows, partition: &str, wanted: &DeedsWanted, limit: usize) -> Result<Vec<Deed>> {
    let mut found = Vec::new();
    let mut sorts = wanted.sorts();
    while found.len() < limit {
        let page = rows.last(partition, sorts.start.as_str()..sorts.end.as_str(), limit - found.len())?;
        let Some((first, _)) = page.last() else { break };
        sorts.end.clone_from(first);
        for (_, row) in &page {
            let deed: Deed = rows::parse(row)?;
            if wanted.has(&deed) {
                found.push(deed);
            }
        }
    }
    Ok(found)
}

fn note_end(rows: &mut dyn RowsMut, key: &Key, expires: Option<Timestamp>) -> Result<()> {
    expires.map_or(Ok(()), |expires| rows::write(rows, &keys::expiry(expires, key), key))
}

fn forget_end(rows: &mut dyn RowsMut, key: &Key, expires: Option<Timestamp>) -> Result<()> {
    expires.map_or(Ok(()), |expires| rows.delete(&keys::expiry(expires, key)))
}

/// Removes what is over; how many ends there were.
pub(super) fn sweep(rows: &mut dyn RowsMut, now: Timestamp, limit: usize) -> Result<usize> {
    let later = keys::end(now.plus(Duration::from_millis(1)));
    let ends = rows.last(keys::EXPIRY, ""..later.as_str(), limit)?;
    for (sort, end) in &ends {
        rows.delete(&Key { partition: keys::EXPIRY.to_owned(), sort: sort.clone() })?;
        match rows::parse(end) {
            Ok(key) => sweep_row(rows, &key, now)?,
            Err(error) => tracing::error!(end = sort, error = %Causes(&error), "an end does not read"),
        }
    }
    Ok(ends.len())
}

/// Removes a row that was to end by now, unless it has been prolonged. One that does not read ends all the same.
fn sweep_row(rows: &mut dyn RowsMut, key: &Key, now: Timestamp) -> Result<()> {
    let Some(row) = rows.get(key)? else { return Ok(()) };
    let is_over = match rows::parse::<Lasting>(&row) {
        Ok(row) => row.expires.is_some_and(|expires| expires <= now),
        Err(error) => {
            tracing::error!(?key, error = %Causes(&error), "a row that has expired does not read");
            true
        }
    };
    if is_over { rows.delete(key) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
