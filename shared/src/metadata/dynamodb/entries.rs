//! The books of accounts, and the audit trail. A row of a book has its `version` and its exact end, `over`, beside its body;
//! `expires` is when the service may remove it.

use futures::future::try_join_all;

use super::DynamoDbStore;
use super::item::{BODY, EXPIRES, Item, json, moment, number};
use super::query::Query;
use super::write::{Write, Written};
use crate::clock::Timestamp;
use crate::metadata::error::Result;
use crate::metadata::{Book, Deed, DeedsWanted, Entry, EntryWrite, keys};

/// How many rows a page has at most, and how many more than are missing: a few will have expired.
const PAGE: usize = 500;
const SPARE: usize = 10;

/// How many rows to ask for.
fn page(missing: usize) -> usize {
    missing.saturating_add(SPARE).min(PAGE)
}

const OVER: &str = "over";
const VERSION: &str = "version";

fn entry_of(row: &Item, name: &str) -> Result<Entry> {
    let expires = if row.has(OVER) { Some(row.moment(OVER)?) } else { None };
    Ok(Entry { name: name.to_owned(), version: row.number(VERSION)?, body: row.json(BODY)?, expires })
}

fn is_over(entry: &Entry, now: Timestamp) -> bool {
    entry.expires.is_some_and(|expires| expires <= now)
}

/// None when no record can have the name.
pub(super) async fn entry(store: &DynamoDbStore, book: Book, name: &str, now: Timestamp) -> Result<Option<Entry>> {
    let Ok(key) = keys::entry(book, name) else { return Ok(None) };
    let row = store.get(&key).await?;
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
    let mut found = Vec::new();
    if !book.is_listed() {
        return Ok(found);
    }
    let after = after.and_then(|name| keys::after_entry(book, name));
    let mut pages = store.pages(Query::of(keys::book_partition(book)).after(after.as_ref()));
    while found.len() < limit {
        let Some(page) = pages.next(page(limit - found.len())).await? else { break };
        for row in page {
            let entry = entry_of(&row, &row.key()?.sort)?;
            if found.len() < limit && !is_over(&entry, now) {
                found.push(entry);
            }
        }
    }
    Ok(found)
}

/// The version is this write's own: a row that has it shows that the write has happened, and only its answer was lost, when
/// the SDK has had to ask again.
pub(super) async fn put_entry(store: &DynamoDbStore, write: &EntryWrite) -> Result<bool> {
    let key = keys::entry(write.book, &write.name)?;
    let row = Item::new(&key).with(VERSION, number(write.version())).with(BODY, json(&write.body)?);
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
    match store.write(put).await? {
        Written::Done(_) => Ok(true),
        Written::Refused(None) => Ok(false),
        Written::Refused(Some(row)) => Ok(row.number(VERSION)? == write.version()),
    }
}

pub(super) async fn remove_entry(store: &DynamoDbStore, book: Book, name: &str, known: u64) -> Result<bool> {
    let Ok(key) = keys::entry(book, name) else { return Ok(false) };
    let delete = Write::delete(&key).when("#version = :known").with(":known", number(known));
    Ok(matches!(store.write(delete).await?, Written::Done(_)))
}

pub(super) async fn record_deed(store: &DynamoDbStore, deed: &Deed) -> Result<()> {
    let key = keys::deed(deed)?;
    let row = Item::new(&key).with(EXPIRES, number(deed.expires.as_secs_ceil())).with_body(deed)?;
    store.write(Write::put(&key, row)).await.map(drop)
}

/// The shards of a day at once, and a round trip per page of them.
pub(super) async fn deeds(store: &DynamoDbStore, wanted: &DeedsWanted) -> Result<Vec<Deed>> {
    let mut found = Vec::new();
    for day in wanted.days() {
        let missing = wanted.limit - found.len();
        let shards =
            (0..keys::AUDIT_SHARDS).map(|shard| deeds_of(store, keys::audit_partition(day, shard), wanted, missing));
        found.extend(try_join_all(shards).await?.into_iter().flatten());
        if found.len() >= wanted.limit {
            break;
        }
    }
    Ok(wanted.newest(found))
}

/// The last `limit` that are wanted of one partition: more of them can be in no answer.
async fn deeds_of(store: &DynamoDbStore, partition: String, wanted: &DeedsWanted, limit: usize) -> Result<Vec<Deed>> {
    let mut pages = store.pages(Query::of(partition).between(wanted.sorts()).backwards());
    let mut found = Vec::new();
    while found.len() < limit {
        let Some(page) = pages.next(page(limit - found.len())).await? else { break };
        for row in page {
            let deed: Deed = row.body()?;
            if wanted.has(&deed) {
                found.push(deed);
            }
        }
    }
    Ok(found)
}
