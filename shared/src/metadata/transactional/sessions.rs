//! Upload sessions and the claims on them.

use serde::{Deserialize, Serialize};

use super::engine::{Rows, RowsMut};
use super::{rows, work};
use crate::clock::Timestamp;
use crate::metadata::error::{Error, Result};
use crate::metadata::keys;
use crate::metadata::{Advance, Claim, ClaimOutcome, DirectAdvance, SessionClaim, UploadSession};
use crate::oci::{Digest, RepositoryName, UploadId};
use crate::storage::Part;

/// A session's row.
#[derive(Serialize, Deserialize)]
struct SessionRow {
    session: UploadSession,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hold: Option<Hold>,
}

/// Who holds a session.
#[derive(Serialize, Deserialize)]
struct Hold {
    claim: Claim,
    until: Timestamp,
}

/// Parts that a session counts are not there.
#[derive(Debug, thiserror::Error)]
#[error("the session counts other parts than are recorded")]
struct MissingParts;

fn write(rows: &mut dyn RowsMut, row: &SessionRow) -> Result<()> {
    rows::write(rows, &keys::upload(&row.session.id), row)
}

/// The session's row, when this claim holds it.
fn held(rows: &dyn Rows, id: &UploadId, claim: &Claim) -> Result<Option<SessionRow>> {
    let row: Option<SessionRow> = rows::read(rows, &keys::upload(id))?;
    Ok(row.filter(|row| row.hold.as_ref().is_some_and(|hold| hold.claim == *claim)))
}

pub(super) fn parts(rows: &dyn Rows, session: &UploadSession) -> Result<Vec<Part>> {
    if session.parts == 0 {
        return Ok(Vec::new());
    }
    let recorded: Vec<Vec<Part>> =
        rows::read_all(rows, &keys::upload_partition(&session.id), keys::PART, None, usize::MAX)?;
    let parts = recorded.concat();
    if u32::try_from(parts.len()) == Ok(session.parts) {
        Ok(parts)
    } else {
        Err(Error::Corrupt(Box::new(MissingParts)))
    }
}

pub(super) fn create(rows: &mut dyn RowsMut, session: UploadSession) -> Result<()> {
    write(rows, &SessionRow { session, hold: None })
}

pub(super) fn get(rows: &dyn Rows, repository: &RepositoryName, id: &UploadId) -> Result<Option<UploadSession>> {
    let row: Option<SessionRow> = rows::read(rows, &keys::upload(id))?;
    Ok(row.map(|row| row.session).filter(|session| session.repository == *repository))
}

pub(super) fn claim(rows: &mut dyn RowsMut, wish: SessionClaim) -> Result<ClaimOutcome> {
    let row: Option<SessionRow> = rows::read(rows, &keys::upload(&wish.id))?;
    let Some(row) = row.filter(|row| row.session.repository == wish.repository) else {
        return Ok(ClaimOutcome::Unknown);
    };
    let SessionRow { session, hold } = row;
    if let Some(digest) = session.completed {
        return Ok(ClaimOutcome::Completed(digest));
    }
    let is_held = hold.is_some_and(|hold| hold.until >= wish.now);
    if is_held || wish.offset.is_some_and(|offset| offset != session.offset) {
        return Ok(ClaimOutcome::Conflict { offset: session.offset });
    }
    let row = SessionRow { session, hold: Some(Hold { claim: wish.claim, until: wish.until }) };
    write(rows, &row)?;
    Ok(ClaimOutcome::Claimed(Box::new(row.session)))
}

pub(super) fn extend(rows: &mut dyn RowsMut, id: &UploadId, claim: Claim, until: Timestamp) -> Result<bool> {
    let Some(row) = held(rows, id, &claim)? else { return Ok(false) };
    write(rows, &SessionRow { hold: Some(Hold { claim, until }), ..row })?;
    Ok(true)
}

pub(super) fn advance(rows: &mut dyn RowsMut, advance: Advance) -> Result<bool> {
    let Some(SessionRow { session, .. }) = held(rows, &advance.id, &advance.claim)? else { return Ok(false) };
    let new = &advance.progress.parts;
    if let Some(first) = new.first() {
        rows::write(rows, &keys::parts(&advance.id, first.number), new)?;
    }
    let session = UploadSession {
        offset: advance.progress.checkpoint.offset,
        hash: Some(advance.hash),
        // A part has a number of its own from 1 to 10,000.
        parts: session.parts + u32::try_from(new.len()).unwrap_or(u32::MAX),
        checkpoint: Some(advance.progress.checkpoint),
        expires: advance.expires,
        ..session
    };
    write(rows, &SessionRow { session, hold: None })?;
    Ok(true)
}

pub(super) fn advance_direct(rows: &mut dyn RowsMut, advance: DirectAdvance) -> Result<bool> {
    let Some(SessionRow { session, .. }) = held(rows, &advance.id, &advance.claim)? else { return Ok(false) };
    if let Some(work) = &advance.work {
        work::put(rows, work)?;
    }
    let session = UploadSession { direct: Some(advance.direct), expires: advance.expires, ..session };
    write(rows, &SessionRow { session, hold: None })?;
    Ok(true)
}

/// A request may still hold a session that has expired: such a session stays.
fn is_expired(row: &SessionRow, now: Timestamp) -> bool {
    row.session.expires < now && row.hold.as_ref().is_none_or(|hold| hold.until < now)
}

pub(super) fn expired(rows: &dyn Rows, now: Timestamp, limit: usize) -> Result<Vec<UploadSession>> {
    let sessions = rows.under(keys::UPLOAD)?.into_iter().filter(|(key, _)| key.sort == keys::META);
    let sessions = sessions.map(|(_, row)| rows::parse(&row)).collect::<Result<Vec<SessionRow>>>()?;
    Ok(sessions.into_iter().filter(|row| is_expired(row, now)).map(|row| row.session).take(limit).collect())
}

pub(super) fn forget(rows: &mut dyn RowsMut, id: &UploadId, now: Timestamp) -> Result<bool> {
    let row: Option<SessionRow> = rows::read(rows, &keys::upload(id))?;
    let is_forgotten = row.is_some_and(|row| is_expired(&row, now));
    if is_forgotten {
        rows::delete_all(rows, &keys::upload_partition(id), "")?;
    }
    Ok(is_forgotten)
}

pub(super) fn open(rows: &dyn Rows, id: &UploadId, now: Timestamp) -> Result<Option<UploadSession>> {
    let row: Option<SessionRow> = rows::read(rows, &keys::upload(id))?;
    Ok(row.filter(|row| !is_expired(row, now)).map(|row| row.session).filter(|session| session.completed.is_none()))
}

pub(super) fn release(rows: &mut dyn RowsMut, id: &UploadId, claim: &Claim) -> Result<()> {
    match held(rows, id, claim)? {
        Some(row) => write(rows, &SessionRow { hold: None, ..row }),
        None => Ok(()),
    }
}

pub(super) fn delete(rows: &mut dyn RowsMut, id: &UploadId, claim: &Claim) -> Result<bool> {
    if held(rows, id, claim)?.is_none() {
        return Ok(false);
    }
    rows::delete_all(rows, &keys::upload_partition(id), "")?;
    Ok(true)
}

/// Ends a session that this claim holds with the digest of what it brought, and forgets its parts; false when the claim
/// was lost.
pub(super) fn complete(
    rows: &mut dyn RowsMut,
    id: &UploadId,
    claim: &Claim,
    digest: &Digest,
    expires: Timestamp,
) -> Result<bool> {
    let Some(SessionRow { session, .. }) = held(rows, id, claim)? else { return Ok(false) };
    rows::delete_all(rows, &keys::upload_partition(id), keys::PART)?;
    let session = UploadSession { parts: 0, completed: Some(digest.clone()), expires, ..session };
    write(rows, &SessionRow { session, hold: None })?;
    Ok(true)
}
