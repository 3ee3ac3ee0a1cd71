//! Work that nobody waits for. A row has `due` and `attempts` beside its record: together they tell its states apart.

use futures::future::try_join_all;

use super::DynamoDbStore;
use super::blobs;
use super::item::{Item, moment, number};
use super::query::{Pages, Query};
use super::retry::Rounds;
use super::transaction::{Step, Transacted, Verdict};
use super::write::{Write, Written};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::metadata::store::Rehousing;
use crate::metadata::work::{Work, in_turn};
use crate::oci::UploadId;

/// How many rows a page has at most.
const PAGE: usize = 500;

/// The write of a work, over whatever there is for its upload.
pub(super) fn put(work: &Work) -> Result<Write> {
    let key = keys::work(&work.upload);
    let row = Item::new(&key).with("due", moment(work.due)).with("attempts", number(work.attempts.into()));
    Ok(Write::put(&key, row.with_body(work)?))
}

/// The write, on condition that the work is still as it is held.
fn held(write: Write, work: &Work) -> Write {
    write
        .when("#due = :due AND #attempts = :attempts")
        .with(":due", moment(work.due))
        .with(":attempts", number(work.attempts.into()))
}

fn changed(work: &Work, next: Option<&Work>) -> Result<Write> {
    let write = next.map_or_else(|| Ok(Write::delete(&keys::work(&work.upload))), put)?;
    Ok(held(write, work))
}

pub(super) async fn put_work(store: &DynamoDbStore, work: &Work) -> Result<()> {
    store.write(put(work)?).await.map(drop)
}

pub(super) async fn work_of(store: &DynamoDbStore, upload: &UploadId) -> Result<Option<Work>> {
    store.get(&keys::work(upload)).await?.as_ref().map(Item::body).transpose()
}

/// One round trip per shard, and per page of each while too little is due.
pub(super) async fn due_work(store: &DynamoDbStore, now: Timestamp, limit: usize) -> Result<Vec<Work>> {
    let mut shards: Vec<_> = (0..keys::WORK_SHARDS).map(|shard| Shard::of(store, shard)).collect();
    while shards.iter().map(|shard| shard.due.len()).sum::<usize>() < limit {
        let read = try_join_all(shards.iter_mut().map(|shard| shard.read(now))).await?;
        if !read.contains(&true) {
            break;
        }
    }
    Ok(in_turn(shards.into_iter().map(|shard| shard.due).collect(), limit))
}

/// A shard that is being read.
struct Shard<'a> {
    pages: Pages<'a>,
    due: Vec<Work>,
}

impl<'a> Shard<'a> {
    fn of(store: &'a DynamoDbStore, shard: u32) -> Self {
        Self { pages: store.pages(Query::of(keys::work_partition(shard))), due: Vec::new() }
    }

    /// Reads the next page; false when there was none.
    async fn read(&mut self, now: Timestamp) -> Result<bool> {
        let Some(page) = self.pages.next(PAGE).await? else { return Ok(false) };
        for row in page {
            match due_at(&row, now) {
                Ok(work) => self.due.extend(work),
                // A row that a later version wrote, say, must not hold up all others.
                Err(error) => tracing::error!(error = %Causes(&error), "a row of work does not read"),
            }
        }
        Ok(true)
    }
}

/// The row's work, when it is due.
fn due_at(row: &Item, now: Timestamp) -> Result<Option<Work>> {
    if row.moment("due")? <= now { row.body().map(Some) } else { Ok(None) }
}

pub(super) async fn change_work(store: &DynamoDbStore, work: &Work, next: Option<&Work>) -> Result<bool> {
    Ok(matches!(store.write(changed(work, next)?).await?, Written::Done(_)))
}

pub(super) async fn rehouse_blob(store: &DynamoDbStore, rehousing: &Rehousing) -> Result<bool> {
    let Some(record) = rehousing.record() else { return Ok(false) };
    let key = keys::blob(&record.digest);
    let mut rounds = Rounds::of_a_race();
    loop {
        let switch = Write::put(&key, blobs::row(&record)?);
        let Some(switch) = blobs::only_as_found(store, switch, &rehousing.found).await? else { return Ok(false) };
        let mut steps = vec![Step::from(switch)];
        if let Some((held, next)) = &rehousing.held {
            steps.push(changed(held, next.as_ref())?.into());
        }
        for work in &rehousing.works {
            steps.push(put(work)?.into());
        }
        match store.transact(steps).await? {
            Transacted::Done => return Ok(true),
            Transacted::Cancelled(verdicts) if verdicts.iter().any(Verdict::is_refused) => return Ok(false),
            Transacted::Cancelled(_) => rounds.again().await?,
        }
    }
}
