//! The collector's side of the order of writes: from live to deleting first, then a look for whatever keeps the blob.

use super::DynamoDbStore;
use super::blobs::{DELETING, LIVE};
use super::item::{moment, number, text};
use super::query::Query;
use super::retry::Rounds;
use super::transaction::{MOST, Step, Transacted, Verdict};
use super::uses::{Kept, has_a_manifest, judge};
use super::write::{Write, Written};
use crate::clock::Timestamp;
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::metadata::records::BlobRecord;
use crate::oci::{Digest, UploadId};

/// Looks before it turns the row as well, so that a blob that is kept is never unreadable, not for a moment.
pub(super) async fn condemn_blob(store: &DynamoDbStore, digest: &Digest, now: Timestamp) -> Result<Option<BlobRecord>> {
    let whole = || Query::of(keys::blob_partition(digest));
    if let Kept::Yes = judge(store, whole(), now).await? {
        return heal(store, digest).await.map(|()| None);
    }
    let collector = UploadId::random().to_string();
    let condemn = Write::update(&keys::blob(digest), "SET #state = :deleting, #collector = :collector")
        .when("#state = :live OR #collector = :collector")
        .with(":live", text(LIVE))
        .with(":deleting", text(DELETING))
        .with(":collector", text(&collector));
    let Written::Done(Some(row)) = store.write(condemn).await? else { return Ok(None) };
    let record: BlobRecord = row.body()?;
    match judge(store, whole(), now).await {
        Ok(Kept::No(dead)) => {
            store.delete_all(dead).await?;
            Ok(Some(record))
        }
        Ok(Kept::Yes) => turn_back(store, digest, &collector).await.map(|()| None),
        Err(error) => {
            turn_back(store, digest, &collector).await?;
            Err(error)
        }
    }
}

/// Makes a blob live again that this collector condemned and then found kept. Not one that a commit has revived since, or
/// another collector has condemned.
async fn turn_back(store: &DynamoDbStore, digest: &Digest, collector: &str) -> Result<()> {
    let live = Write::update(&keys::blob(digest), "SET #state = :live REMOVE #collector")
        .when("#collector = :collector")
        .with(":live", text(LIVE))
        .with(":collector", text(collector));
    store.write(live).await.map(drop)
}

/// Turns back for a collector that died before it could. Only a manifest proves that it would have: no manifest becomes
/// visible over a row that is being deleted, so this one was there, or saw the row live, before the row was turned.
async fn heal(store: &DynamoDbStore, digest: &Digest) -> Result<()> {
    match store.get(&keys::blob(digest)).await? {
        Some(row) if row.text("state")? == DELETING && has_a_manifest(store, digest).await? => {
            turn_back(store, digest, row.text("collector")?).await
        }
        _ => Ok(()),
    }
}

/// The links go while the row is still condemned, and the row with the last of them: a commit that revives it in between
/// keeps its own link.
pub(super) async fn forget_blob(store: &DynamoDbStore, condemned: &BlobRecord) -> Result<bool> {
    let mut rounds = Rounds::of_a_race();
    loop {
        let links = Query::of(keys::blob_partition(&condemned.digest)).beginning_with(keys::LINK);
        let links = store.query(links.only("#pk, #sk, #lease"), MOST - 1).await?;
        let last = links.len() < MOST - 1;
        let row = Write::delete(&keys::blob(&condemned.digest))
            .when("#state = :deleting AND #generation = :generation")
            .with(":deleting", text(DELETING))
            .with(":generation", number(condemned.generation.0));
        let mut steps = vec![if last { Step::Write(row) } else { Step::Check(row) }];
        for link in &links {
            let unchanged = Write::delete(&link.key()?).when("#lease = :lease");
            steps.push(unchanged.with(":lease", moment(link.moment("lease")?)).into());
        }
        match store.transact(steps).await? {
            Transacted::Done if last => return Ok(true),
            Transacted::Done => {}
            Transacted::Cancelled(verdicts) if verdicts.first().is_some_and(Verdict::is_refused) => return Ok(false),
            Transacted::Cancelled(_) => rounds.again().await?,
        }
    }
}
