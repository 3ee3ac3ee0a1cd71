//! Blobs as repositories see them.
//!
//! A blob's row has `state`, `generation` and `sector` beside its record; a link has `lease`, and while somebody takes the blob out
//! of the repository `mark` and `marked`.

use super::DynamoDbStore;
use super::item::{Item, moment, number, text};
use super::query::Query;
use super::retry::Rounds;
use super::sectors::SECTOR;
use super::transaction::{Step, Transacted};
use super::write::{Write, Written};
use crate::clock::Timestamp;
use crate::metadata::error::Result;
use crate::metadata::keys::{self, Key};
use crate::metadata::records::{BlobRecord, Generation, LinkedBlob};
use crate::metadata::sector::Sector;
use crate::oci::{Digest, RepositoryName};

/// The state of a blob that can be read.
pub(super) const LIVE: &str = "live";
/// The state of a blob that the collector removes.
pub(super) const DELETING: &str = "deleting";

/// The state of a blob that nothing is left of.
const LOST: &str = "lost";

/// The row of a live blob.
pub(super) fn row(record: &BlobRecord) -> Result<Item> {
    Item::new(&keys::blob(&record.digest))
        .with("state", text(LIVE))
        .with("generation", number(record.generation.0))
        .with(SECTOR, text(Sector::of(&record.digest)))
        .with_body(record)
}

/// The record of a blob's row, when it is live.
pub(super) fn live(row: Option<&Item>) -> Result<Option<BlobRecord>> {
    match row {
        Some(row) if row.text("state")? == LIVE => row.body().map(Some),
        _ => Ok(None),
    }
}

/// The blob, live or being deleted.
pub(super) async fn in_any_state(store: &DynamoDbStore, digest: &Digest) -> Result<Option<BlobRecord>> {
    match store.get(&keys::blob(digest)).await? {
        Some(row) if row.text("state")? != LOST => row.body().map(Some),
        _ => Ok(None),
    }
}

/// The condition that the blob is still live, and in the same life.
pub(super) fn still_live(key: &Key, generation: Generation) -> Step {
    let unchanged = Write::delete(key).when("#state = :live AND #generation = :generation");
    Step::Check(unchanged.with(":live", text(LIVE)).with(":generation", number(generation.0)))
}

/// Makes the link, or prolongs it. When `lease` does not end later than what a row already says, the row stays.
pub(super) fn link(key: &Key, present: Option<Timestamp>, lease: Timestamp) -> Step {
    if present.is_some_and(|present| present >= lease) {
        return Step::Check(Write::delete(key).when("#lease >= :lease").with(":lease", moment(lease)));
    }
    let prolong = Write::update(key, "SET #lease = :lease REMOVE #mark, #marked");
    prolong.when("attribute_not_exists(#lease) OR #lease < :lease").with(":lease", moment(lease)).into()
}

pub(super) async fn linked_blob(
    store: &DynamoDbStore,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<LinkedBlob>> {
    let (blob, link) = (keys::blob(digest), keys::link(digest, repository));
    let rows = store.read(vec![blob.clone(), link.clone()]).await?;
    let Some(link) = rows.get(&link) else { return Ok(None) };
    let lease = link.moment("lease")?;
    Ok(live(rows.get(&blob))?.map(|blob| LinkedBlob { blob, lease }))
}

pub(super) async fn lose_blob(store: &DynamoDbStore, found: &BlobRecord) -> Result<bool> {
    let lose = Write::update(&keys::blob(&found.digest), "SET #state = :lost").with(":lost", text(LOST));
    let Some(lose) = only_as_found(store, lose, found).await? else { return Ok(false) };
    Ok(matches!(store.write(lose).await?, Written::Done(_)))
}

/// The write of a blob's row, on condition that the blob is live as it was found: its body is what was read, to the letter.
/// None when it already is not.
pub(super) async fn only_as_found(store: &DynamoDbStore, write: Write, found: &BlobRecord) -> Result<Option<Write>> {
    let Some(row) = store.get(&keys::blob(&found.digest)).await? else { return Ok(None) };
    if live(Some(&row))?.as_ref() != Some(found) {
        return Ok(None);
    }
    as_read(write, &row).map(Some)
}

/// The write of a live blob's row, on condition that it still is what was read.
pub(super) fn as_read(write: Write, row: &Item) -> Result<Write> {
    let write = write.when("#state = :live AND #generation = :generation AND #body = :body").with(":live", text(LIVE));
    Ok(write.with(":generation", number(row.number("generation")?)).with(":body", text(row.text("body")?)))
}

pub(super) async fn renew_link(
    store: &DynamoDbStore,
    repository: &RepositoryName,
    digest: &Digest,
    lease: Timestamp,
) -> Result<Option<BlobRecord>> {
    let (blob, link) = (keys::blob(digest), keys::link(digest, repository));
    let prolong = Write::update(&link, "SET #lease = :lease").when("attribute_exists(#lease) AND #lease < :lease");
    if let Written::Refused(None) = store.write(prolong.with(":lease", moment(lease))).await? {
        return Ok(None);
    }
    // At one moment: a collector may remove the link, and a commit revive the blob, between two reads.
    let rows = store.snapshot(&[blob.clone(), link.clone()]).await?;
    if rows.contains_key(&link) { live(rows.get(&blob)) } else { Ok(None) }
}

/// A transaction, where the link first and a look at the blob afterwards would do: a link that turns out to lead to a
/// deleted blob must not stay, or it would lead to the blob's next life.
pub(super) async fn mount_blob(
    store: &DynamoDbStore,
    from: &RepositoryName,
    to: &RepositoryName,
    digest: &Digest,
    lease: Timestamp,
) -> Result<Option<BlobRecord>> {
    if from == to {
        return renew_link(store, to, digest, lease).await;
    }
    let (blob, source, target) = (keys::blob(digest), keys::link(digest, from), keys::link(digest, to));
    let mut rounds = Rounds::of_a_race();
    loop {
        let rows = store.read(vec![blob.clone(), source.clone(), target.clone()]).await?;
        let (Some(record), true) = (live(rows.get(&blob))?, rows.contains_key(&source)) else { return Ok(None) };
        let present = rows.get(&target).map(|link| link.moment("lease")).transpose()?;
        let steps = vec![
            still_live(&blob, record.generation),
            Step::Check(Write::delete(&source).when("attribute_exists(#lease)")),
            link(&target, present, lease),
        ];
        if let Transacted::Done = store.transact(steps).await? {
            return Ok(Some(record));
        }
        rounds.again().await?;
    }
}

pub(super) async fn repositories_of(
    store: &DynamoDbStore,
    digest: &Digest,
    limit: usize,
) -> Result<Vec<RepositoryName>> {
    let links = Query::of(keys::blob_partition(digest)).beginning_with(keys::LINK);
    store.query(links, limit).await?.iter().map(|link| link.after(keys::LINK)).collect()
}
