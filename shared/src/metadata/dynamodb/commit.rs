//! Publishing verified bytes.

use super::DynamoDbStore;
use super::blobs::{LIVE, as_read, link, live, row, still_live};
use super::item::{Item, moment, number, text};
use super::retry::Rounds;
use super::transaction::{Step, Transacted, Verdict};
use super::work;
use super::write::Write;
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::metadata::records::{BlobRecord, Claim, Generation, Place};
use crate::metadata::store::{BlobCommit, Committed};
use crate::metadata::work::Work;
use crate::oci::UploadId;

/// What the commit believes of the blob's row. A wrong belief changes nothing: its condition fails, and shows the row.
enum Belief {
    /// There is none, or one that was being deleted or lost, in an earlier life.
    Fresh,
    /// There is one in this life, which the commit ends, that was being deleted or lost.
    Ended(Generation),
    /// It is this row, live, and one of its places has been written over: what it becomes, and what lay there before.
    WrittenOver(Item, BlobRecord, Place),
    /// It is live at another path.
    Elsewhere(BlobRecord),
}

/// One transaction when the blob is new. Otherwise the first attempt fails and tells what is there, and the second is
/// made for that.
pub(super) async fn commit_blob(store: &DynamoDbStore, commit: &BlobCommit) -> Result<Committed> {
    let link_key = keys::link(&commit.digest, &commit.repository);
    let (mut belief, mut lease) = (Belief::Fresh, None);
    let mut rounds = Rounds::of_a_race();
    loop {
        let (blob, outcome) = blob_step(commit, &belief)?;
        let mut steps = vec![blob, link(&link_key, lease, commit.lease)];
        if let Some((id, claim)) = &commit.session {
            steps.push(completion(commit, id, claim));
        }
        if let Committed::Published(_) = &outcome {
            for work in commit.work.iter().chain(&discard(commit, &belief)) {
                steps.push(work::put(work)?.into());
            }
        }
        let Transacted::Cancelled(verdicts) = store.transact(steps).await? else { return Ok(outcome) };
        let mut verdicts = verdicts.into_iter();
        let (blob, link) = (verdicts.next(), verdicts.next());
        let session = commit.session.as_ref().and_then(|_| verdicts.next());
        if session.is_some_and(|session| session.is_refused()) {
            return Ok(Committed::ClaimLost);
        }
        if let Some(Verdict::Refused(row)) = blob {
            belief = believe(commit, row.as_ref())?;
        }
        if let Some(Verdict::Refused(row)) = link {
            lease = row.map(|row| row.moment("lease")).transpose()?;
        }
        rounds.again().await?;
    }
}

/// What the row says, for the next attempt.
fn believe(commit: &BlobCommit, row: Option<&Item>) -> Result<Belief> {
    let Some(row) = row else { return Ok(Belief::Fresh) };
    Ok(match live(Some(row))? {
        Some(record) => match record.written_over(&commit.place) {
            Some((becomes, before)) => Belief::WrittenOver(row.clone(), becomes, before),
            None => Belief::Elsewhere(record),
        },
        None => Belief::Ended(Generation(row.number("generation")?)),
    })
}

/// The blob's part of the transaction, and what it makes of the commit.
fn blob_step(commit: &BlobCommit, belief: &Belief) -> Result<(Step, Committed)> {
    let key = keys::blob(&commit.digest);
    let record = |previous| BlobRecord {
        digest: commit.digest.clone(),
        size: commit.size,
        place: commit.place.clone(),
        copies: Vec::new(),
        generation: Generation::next(previous, commit.now),
    };
    Ok(match belief {
        Belief::Fresh => {
            let record = record(None);
            let put = Write::put(&key, row(&record)?)
                .when("attribute_not_exists(#pk) OR (#state <> :live AND #generation < :generation)")
                .with(":live", text(LIVE))
                .with(":generation", number(record.generation.0));
            (put.into(), Committed::Published(record))
        }
        Belief::Ended(previous) => {
            let record = record(Some(*previous));
            let put = Write::put(&key, row(&record)?).when("#state <> :live AND #generation = :previous");
            let put = put.with(":live", text(LIVE)).with(":previous", number(previous.0));
            (put.into(), Committed::Published(record))
        }
        Belief::WrittenOver(found, becomes, _) => {
            let generation = Generation::next(Some(becomes.generation), commit.now);
            let record = BlobRecord { generation, ..becomes.clone() };
            // Whoever moves it meanwhile leaves another version there, and its life the same.
            let put = as_read(Write::put(&key, row(&record)?), found)?;
            (put.into(), Committed::Published(record))
        }
        Belief::Elsewhere(present) => (still_live(&key, present.generation), Committed::Kept(present.clone())),
    })
}

/// What is left of the version that is written over.
fn discard(commit: &BlobCommit, belief: &Belief) -> Option<Work> {
    let Belief::WrittenOver(_, _, before) = belief else { return None };
    commit.discard(before.clone())
}

/// The session's part: it is over, and only its answer is kept.
fn completion(commit: &BlobCommit, id: &UploadId, claim: &Claim) -> Step {
    let complete = "SET #completed = :digest, #until = :until, #expires = :expires REMOVE #claim, #claimed_until";
    let expires = commit.session_expires;
    Write::update(&keys::upload(id), complete)
        .when("#claim = :claim")
        .with(":claim", text(claim))
        .with(":digest", text(&commit.digest))
        .with(":until", moment(expires))
        .with(":expires", number(expires.as_secs_ceil()))
        .into()
}
