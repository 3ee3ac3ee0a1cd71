//! Upload sessions.
//!
//! A session's row has what moves as attributes of their own (`offset`, `hash`, `checkpoint`, `parts`, `direct`,
//! `completed`, `until`), its claim as `claim` and `claimed_until`, and the rest as it was created. Its parts are rows of their own,
//! each with as many as one request recorded.

use std::time::Duration;

use super::DynamoDbStore;
use super::item::{EXPIRES, Item, json, moment, number, text};
use super::query::Query;
use super::retry::Rounds;
use super::transaction::{Step, Transacted, Verdict};
use super::work;
use super::write::{Write, Written};
use crate::clock::Timestamp;
use crate::metadata::error::Result;
use crate::metadata::keys::{self, Key};
use crate::metadata::records::{Claim, UploadSession};
use crate::metadata::store::{Advance, ClaimOutcome, DirectAdvance, SessionClaim};
use crate::oci::{RepositoryName, UploadId};
use crate::storage::Part;

/// How much longer than their session, as it was then, parts are kept: sessions are prolonged, parts are not.
const PARTS_OUTLIVE: Duration = Duration::from_hours(30 * 24);
/// The most parts in one row: of at most about 300 bytes each, where a row may have 400 KB.
const PARTS_PER_ROW: usize = 1000;

pub(super) async fn create_session(store: &DynamoDbStore, session: &UploadSession) -> Result<()> {
    let key = keys::upload(&session.id);
    let mut row = Item::new(&key)
        .with("repository", text(&session.repository))
        .with("offset", number(session.offset))
        .with("parts", number(u64::from(session.parts)))
        .with("until", moment(session.expires))
        .with(EXPIRES, number(session.expires.as_secs_ceil()))
        .with_body(session)?;
    if let Some(hash) = &session.hash {
        row = row.with("hash", json(hash)?);
    }
    if let Some(checkpoint) = &session.checkpoint {
        row = row.with("checkpoint", json(checkpoint)?);
    }
    if let Some(direct) = &session.direct {
        row = row.with("direct", json(direct)?);
    }
    if let Some(completed) = &session.completed {
        row = row.with("completed", text(completed));
    }
    store.write(Write::put(&key, row)).await.map(drop)
}

/// The session as its row stands.
fn session_of(row: &Item) -> Result<UploadSession> {
    let parts = u32::try_from(row.number("parts")?).map_err(|error| row.malformed("parts", Some(error.into())))?;
    Ok(UploadSession {
        offset: row.number("offset")?,
        hash: row.has("hash").then(|| row.json("hash")).transpose()?,
        direct: row.has("direct").then(|| row.json("direct")).transpose()?,
        checkpoint: row.has("checkpoint").then(|| row.json("checkpoint")).transpose()?,
        completed: row.has("completed").then(|| row.parsed("completed")).transpose()?,
        parts,
        expires: row.moment("until")?,
        ..row.body()?
    })
}

pub(super) async fn session(
    store: &DynamoDbStore,
    repository: &RepositoryName,
    id: &UploadId,
) -> Result<Option<UploadSession>> {
    let session = store.get(&keys::upload(id)).await?.as_ref().map(session_of).transpose()?;
    Ok(session.filter(|session| session.repository == *repository))
}

/// A claim made twice with one name is one claim: the SDK may have had to ask again.
pub(super) async fn claim_session(store: &DynamoDbStore, claim: &SessionClaim) -> Result<ClaimOutcome> {
    let condition = match claim.offset {
        None => {
            "#repository = :repository AND #until >= :now AND attribute_not_exists(#completed) \
             AND (attribute_not_exists(#claim) OR #claim = :claim OR #claimed_until < :now)"
        }
        Some(_) => {
            "#repository = :repository AND #until >= :now AND attribute_not_exists(#completed) \
             AND (attribute_not_exists(#claim) OR #claim = :claim OR #claimed_until < :now) AND #offset = :offset"
        }
    };
    let key = keys::upload(&claim.id);
    let mut write = Write::update(&key, "SET #claim = :claim, #claimed_until = :until")
        .when(condition)
        .with(":repository", text(&claim.repository))
        .with(":claim", text(&claim.claim))
        .with(":now", moment(claim.now))
        .with(":until", moment(claim.until));
    if let Some(offset) = claim.offset {
        write = write.with(":offset", number(offset));
    }
    match store.write(write).await? {
        Written::Done(Some(row)) => session_of(&row).map(|session| ClaimOutcome::Claimed(Box::new(session))),
        Written::Done(None) | Written::Refused(None) => Ok(ClaimOutcome::Unknown),
        Written::Refused(Some(row)) => {
            let session = session_of(&row)?;
            Ok(if session.repository != claim.repository || session.expires < claim.now {
                ClaimOutcome::Unknown
            } else if let Some(digest) = session.completed {
                ClaimOutcome::Completed(digest)
            } else {
                ClaimOutcome::Conflict { offset: session.offset }
            })
        }
    }
}

pub(super) async fn parts(store: &DynamoDbStore, session: &UploadSession) -> Result<Vec<Part>> {
    if session.parts == 0 {
        return Ok(Vec::new());
    }
    let rows = Query::of(keys::upload_partition(&session.id)).beginning_with(keys::PART);
    let rows = store.query(rows, usize::MAX).await?;
    let parts: Vec<Vec<Part>> = rows.iter().map(Item::body).collect::<Result<_>>()?;
    let parts = parts.concat();
    if u32::try_from(parts.len()) == Ok(session.parts) {
        Ok(parts)
    } else {
        Err(Item::new(&keys::upload(&session.id)).malformed("parts", None))
    }
}

/// A write that happens only while the claim holds the session.
fn held(key: &Key, claim: &Claim, update: &'static str) -> Write {
    Write::update(key, update).when("#claim = :claim").with(":claim", text(claim))
}

pub(super) async fn extend_claim(
    store: &DynamoDbStore,
    id: &UploadId,
    claim: &Claim,
    until: Timestamp,
) -> Result<bool> {
    let extend = held(&keys::upload(id), claim, "SET #claimed_until = :until").with(":until", moment(until));
    Ok(matches!(store.write(extend).await?, Written::Done(_)))
}

pub(super) async fn release_claim(store: &DynamoDbStore, id: &UploadId, claim: &Claim) -> Result<()> {
    store.write(held(&keys::upload(id), claim, "REMOVE #claim, #claimed_until")).await.map(drop)
}

/// One transaction even without parts: it has a name, so that the SDK's own retry finds it done and not the claim lost.
pub(super) async fn advance_session(store: &DynamoDbStore, advance: &Advance) -> Result<bool> {
    let update = "SET #offset = :offset, #hash = :hash, #checkpoint = :checkpoint, #parts = #parts + :parts, \
                  #until = :expires_at, #expires = :expires REMOVE #claim, #claimed_until";
    let Advance { id, claim, hash, progress, expires } = advance;
    let record = held(&keys::upload(id), claim, update)
        .with(":offset", number(progress.checkpoint.offset))
        .with(":hash", json(hash)?)
        .with(":checkpoint", json(&progress.checkpoint)?)
        .with(":parts", number(progress.parts.len() as u64))
        .with(":expires_at", moment(*expires))
        .with(":expires", number(expires.as_secs_ceil()));
    let mut steps = vec![Step::from(record)];
    for parts in progress.parts.chunks(PARTS_PER_ROW) {
        let Some(first) = parts.first() else { continue };
        let key = keys::parts(id, first.number);
        let kept = number(expires.plus(PARTS_OUTLIVE).as_secs_ceil());
        steps.push(Write::put(&key, Item::new(&key).with(EXPIRES, kept).with_body(&parts)?).into());
    }
    all_or_refused(store, &steps).await
}

pub(super) async fn advance_direct(store: &DynamoDbStore, advance: &DirectAdvance) -> Result<bool> {
    let update = "SET #direct = :direct, #until = :expires_at, #expires = :expires REMOVE #claim, #claimed_until";
    let record = held(&keys::upload(&advance.id), &advance.claim, update)
        .with(":direct", json(&advance.direct)?)
        .with(":expires_at", moment(advance.expires))
        .with(":expires", number(advance.expires.as_secs_ceil()));
    let mut steps = vec![Step::from(record)];
    if let Some(work) = &advance.work {
        steps.push(work::put(work)?.into());
    }
    all_or_refused(store, &steps).await
}

/// Takes the steps at once, again when another transaction is in the way; false when a condition does not hold.
async fn all_or_refused(store: &DynamoDbStore, steps: &[Step]) -> Result<bool> {
    let mut rounds = Rounds::of_a_race();
    loop {
        match store.transact(steps.to_vec()).await? {
            Transacted::Done => return Ok(true),
            Transacted::Cancelled(verdicts) if verdicts.iter().any(Verdict::is_refused) => return Ok(false),
            Transacted::Cancelled(_) => rounds.again().await?,
        }
    }
}

pub(super) async fn delete_session(store: &DynamoDbStore, id: &UploadId, claim: &Claim) -> Result<bool> {
    let end = Write::delete(&keys::upload(id)).when("#claim = :claim").with(":claim", text(claim));
    end_session(store, id, end).await
}

pub(super) async fn forget_session(store: &DynamoDbStore, id: &UploadId, now: Timestamp) -> Result<bool> {
    let end = Write::delete(&keys::upload(id))
        .when("#until < :now AND (attribute_not_exists(#claim) OR #claimed_until < :now)")
        .with(":now", moment(now));
    end_session(store, id, end).await
}

async fn end_session(store: &DynamoDbStore, id: &UploadId, end: Write) -> Result<bool> {
    let Written::Done(row) = store.write(end).await? else { return Ok(false) };
    if row.is_some_and(|row| row.number("parts").is_ok_and(|parts| parts > 0)) {
        let parts = Query::of(keys::upload_partition(id)).beginning_with(keys::PART).only("#pk, #sk");
        let parts = store.query(parts, usize::MAX).await?.iter().map(Item::key).collect::<Result<Vec<_>>>()?;
        store.delete_all(parts).await?;
    }
    Ok(true)
}

pub(super) async fn open_session(
    store: &DynamoDbStore,
    id: &UploadId,
    now: Timestamp,
) -> Result<Option<UploadSession>> {
    let Some(row) = store.get(&keys::upload(id)).await? else { return Ok(None) };
    let session = session_of(&row)?;
    let is_held = row.has("claimed_until") && row.moment("claimed_until")? >= now;
    Ok(Some(session).filter(|session| session.completed.is_none() && (session.expires >= now || is_held)))
}
