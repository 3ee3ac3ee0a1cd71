//! The books of accounts, and the audit trail. A row of a book has its `version` and its exact end, `over`, beside its body;
//! `expires` is when the service may remove it.

use super::DynamoDbStore;
use super::item::{BODY, EXPIRES, Item, json, moment, number};
use super::query::Query;
use super::write::{Write, Written};
use crate::clock::Timestamp;
use crate::metadata::error::Result;
use crate::metadata::{Book, Deed, DeedsWanted, Entry, EntryWrite, keys};

/// How many rows a page has at most.
const PAGE: usize = 500;

const OVER: &str = "over";

fn entry_of(row: &Item, name: &str) -> Result<Entry> {
    let expires = if row.has(OVER) { Some(row.moment(OVER)?) } else { None };
    Ok(Entry { name: name.to_owned(), version: row.number("version")?, body: row.json(BODY)?, expires })
}

fn is_over(entry: &Entry, now: Timestamp) -> bool {
    entry.expires.is_some_and(|expires| expires <= now)
}

pub(super) async fn entry(store: &DynamoDbStore, book: Book, name: &str, now: Timestamp) -> Result<Option<Entry>> {
    let row = store.get(&keys::entry(book, name)).await?;
    let entry = row.map(|row| entry_of(&row, name)).transpose()?;
    Ok(entry.filter(|entry| !is_over(entry, now)))
}

pub(super) async fn entries(
    store: &DynamoDbStore,
    book: Book,
    after: Option<&str>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Entry>> {
    let after = after.map(|name| keys::entry(book, name));
    let mut pages = store.pages(Query::of(keys::book_partition(book)).after(after.as_ref()));
    let mut found = Vec::new();
    while found.len() < limit {
        let Some(page) = pages.next(PAGE).await? else { break };
        for row in page {
            let entry = entry_of(&row, &row.key()?.sort)?;
            if found.len() < limit && !is_over(&entry, now) {
                found.push(entry);
            }
        }
    }
    Ok(found)
}

pub(super) async fn put_entry(store: &DynamoDbStore, write: &EntryWrite) -> Result<bool> {
    let key = keys::entry(write.book, &write.name);
    let row = Item::new(&key).with("version", number(write.version())).with(BODY, json(&write.body)?);
    let row = match write.expires {
        Some(expires) => row.with(OVER, moment(expires)).with(EXPIRES, number(expires.as_secs_ceil())),
        None => row,
    };
    let put = Write::put(&key, row).with(":now", moment(write.now));
    let put = match write.known {
        Some(known) => put
            .when("#version = :known AND (attribute_not_exists(#over) OR #over > :now)")
            .with(":known", number(known)),
        None => put.when("attribute_not_exists(#pk) OR #over <= :now"),
    };
    Ok(matches!(store.write(put).await?, Written::Done(_)))
}

pub(super) async fn remove_entry(store: &DynamoDbStore, book: Book, name: &str, known: u64) -> Result<bool> {
    let delete = Write::delete(&keys::entry(book, name)).when("#version = :known").with(":known", number(known));
    Ok(matches!(store.write(delete).await?, Written::Done(_)))
}

pub(super) async fn record_deed(store: &DynamoDbStore, deed: &Deed) -> Result<()> {
    let key = keys::deed(deed);
    let row = Item::new(&key).with(EXPIRES, number(deed.expires.as_secs_ceil())).with_body(deed)?;
    store.write(Write::put(&key, row)).await.map(drop)
}

/// One round trip per shard of each day, and per page.
pub(super) async fn deeds(store: &DynamoDbStore, wanted: &DeedsWanted) -> Result<Vec<Deed>> {
    let mut found = Vec::new();
    for day in wanted.days() {
        for shard in 0..keys::AUDIT_SHARDS {
            found.extend(deeds_of(store, keys::audit_partition(day, shard), wanted).await?);
        }
        if found.len() >= wanted.limit {
            break;
        }
    }
    found.sort_unstable_by(|a: &Deed, b: &Deed| (b.at, &b.id).cmp(&(a.at, &a.id)));
    found.truncate(wanted.limit);
    Ok(found)
}

/// The last that are wanted of one partition: more of them can be in no answer.
async fn deeds_of(store: &DynamoDbStore, partition: String, wanted: &DeedsWanted) -> Result<Vec<Deed>> {
    let mut pages = store.pages(Query::of(partition).backwards());
    let mut found = Vec::new();
    while found.len() < wanted.limit {
        let Some(page) = pages.next(PAGE).await? else { break };
        for row in page {
            let deed: Deed = row.body()?;
            if deed.at < wanted.from {
                return Ok(found);
            }
            if wanted.has(&deed) {
                found.push(deed);
            }
        }
    }
    Ok(found)
}
