//! Blobs: where they are, who may read them, and what keeps them.

use serde::{Deserialize, Serialize};

use super::engine::{Rows, RowsMut};
use super::{rows, sessions, work};
use crate::clock::Timestamp;
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::metadata::{BlobCommit, BlobRecord, Committed, Generation, LinkedBlob, Rehousing, Sector, Unlinked};
use crate::oci::{Digest, RepositoryName};

/// A blob's row. It is there as long as any bytes are that somebody must read or delete.
#[derive(Serialize, Deserialize)]
struct BlobRow {
    #[serde(flatten)]
    record: BlobRecord,
    state: State,
}

#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Live,
    Deleting,
    Lost,
}

/// A link's row.
#[derive(Serialize, Deserialize)]
struct LinkRow {
    lease: Timestamp,
}

fn row(rows: &dyn Rows, digest: &Digest) -> Result<Option<BlobRow>> {
    rows::read(rows, &keys::blob(digest))
}

/// The blob, when it is live.
pub(super) fn get(rows: &dyn Rows, digest: &Digest) -> Result<Option<BlobRecord>> {
    Ok(row(rows, digest)?.filter(|row| row.state == State::Live).map(|row| row.record))
}

/// The blob, live or being deleted.
pub(super) fn in_any_state(rows: &dyn Rows, digest: &Digest) -> Result<Option<BlobRecord>> {
    Ok(row(rows, digest)?.filter(|row| row.state != State::Lost).map(|row| row.record))
}

/// Up to `limit` live blobs of a sector, after `after`.
pub(super) fn in_sector(
    rows: &dyn Rows,
    sector: Sector,
    after: Option<&Digest>,
    limit: usize,
) -> Result<Vec<BlobRecord>> {
    let partition = keys::sector_partition(sector);
    let (mut found, mut after) = (Vec::new(), after.map(ToString::to_string));
    loop {
        let wanted = limit - found.len();
        let digests: Vec<Digest> = rows::names(rows, &partition, "", after.as_deref(), wanted)?;
        for digest in &digests {
            found.extend(get(rows, digest)?);
        }
        match digests.last() {
            Some(last) if digests.len() == wanted && found.len() < limit => after = Some(last.to_string()),
            _ => return Ok(found),
        }
    }
}

/// Reads a live blob from other places from now on; false when it is no longer as it was found.
pub(super) fn rehouse(rows: &mut dyn RowsMut, rehousing: &Rehousing) -> Result<bool> {
    let Some(record) = rehousing.record() else { return Ok(false) };
    if get(rows, &record.digest)?.as_ref() != Some(&rehousing.found) {
        return Ok(false);
    }
    put(rows, record, State::Live)?;
    Ok(true)
}

/// Takes a live blob out of sight; false when it is no longer as it was found.
pub(super) fn lose(rows: &mut dyn RowsMut, found: &BlobRecord) -> Result<bool> {
    let is_so = get(rows, &found.digest)?.as_ref() == Some(found);
    if is_so {
        put(rows, found.clone(), State::Lost)?;
    }
    Ok(is_so)
}

fn put(rows: &mut dyn RowsMut, record: BlobRecord, state: State) -> Result<()> {
    rows::write(rows, &keys::sector_entry(&record.digest), &rows::PRESENT)?;
    let key = keys::blob(&record.digest);
    rows::write(rows, &key, &BlobRow { record, state })
}

/// Links the blob until `lease` at least.
fn link(rows: &mut dyn RowsMut, repository: &RepositoryName, digest: &Digest, lease: Timestamp) -> Result<()> {
    let key = keys::link(digest, repository);
    let promised = rows::read(rows, &key)?.map_or(lease, |row: LinkRow| row.lease);
    rows::write(rows, &key, &LinkRow { lease: lease.max(promised) })
}

pub(super) fn linked(rows: &dyn Rows, repository: &RepositoryName, digest: &Digest) -> Result<Option<LinkedBlob>> {
    let Some(LinkRow { lease }) = rows::read(rows, &keys::link(digest, repository))? else { return Ok(None) };
    Ok(get(rows, digest)?.map(|blob| LinkedBlob { blob, lease }))
}

/// Links a blob of `from`, which may be the same repository, into `to`.
pub(super) fn mount(
    rows: &mut dyn RowsMut,
    from: &RepositoryName,
    to: &RepositoryName,
    digest: &Digest,
    lease: Timestamp,
) -> Result<Option<BlobRecord>> {
    let Some(LinkedBlob { blob, .. }) = linked(rows, from, digest)? else { return Ok(None) };
    link(rows, to, digest, lease)?;
    Ok(Some(blob))
}

pub(super) fn commit(rows: &mut dyn RowsMut, commit: &BlobCommit) -> Result<Committed> {
    if let Some((id, claim)) = &commit.session
        && !sessions::complete(rows, id, claim, &commit.digest, commit.session_expires)?
    {
        return Ok(Committed::ClaimLost);
    }
    link(rows, &commit.repository, &commit.digest, commit.lease)?;
    let previous = row(rows, &commit.digest)?;
    let generation = Generation::next(previous.as_ref().map(|row| row.record.generation), commit.now);
    let fresh = BlobRecord {
        digest: commit.digest.clone(),
        size: commit.size,
        place: commit.place.clone(),
        copies: Vec::new(),
        generation,
    };
    let (record, discard) = match previous.filter(|row| row.state == State::Live) {
        None => (fresh, None),
        Some(row) => match row.record.written_over(&commit.place) {
            None => return Ok(Committed::Kept(row.record)),
            Some((record, before)) => (BlobRecord { generation, ..record }, commit.discard(before)),
        },
    };
    put(rows, record.clone(), State::Live)?;
    commit.work.iter().chain(&discard).try_for_each(|work| work::put(rows, work))?;
    Ok(Committed::Published(record))
}

pub(super) fn repositories(rows: &dyn Rows, digest: &Digest, limit: usize) -> Result<Vec<RepositoryName>> {
    rows::names(rows, &keys::blob_partition(digest), keys::LINK, None, limit)
}

pub(super) fn unlink(rows: &mut dyn RowsMut, repository: &RepositoryName, digest: &Digest) -> Result<Unlinked> {
    if linked(rows, repository, digest)?.is_none() {
        return Ok(Unlinked::Unknown);
    }
    if is_used(rows, digest, &keys::use_prefix(repository))? {
        return Ok(Unlinked::InUse);
    }
    rows.delete(&keys::link(digest, repository))?;
    Ok(Unlinked::Removed)
}

/// Whether one of those uses is there: a use's row comes and goes in one transaction with its manifest.
fn is_used(rows: &dyn Rows, digest: &Digest, prefix: &str) -> Result<bool> {
    Ok(!rows.range(&keys::blob_partition(digest), prefix, None, 1)?.is_empty())
}

fn is_leased(rows: &dyn Rows, digest: &Digest, now: Timestamp) -> Result<bool> {
    let links: Vec<LinkRow> = rows::read_all(rows, &keys::blob_partition(digest), keys::LINK, None, usize::MAX)?;
    Ok(links.iter().any(|link| link.lease > now))
}

pub(super) fn condemn(rows: &mut dyn RowsMut, digest: &Digest, now: Timestamp) -> Result<Option<BlobRecord>> {
    let Some(record) = get(rows, digest)? else { return Ok(None) };
    if is_used(rows, digest, keys::USE)? || is_leased(rows, digest, now)? {
        return Ok(None);
    }
    put(rows, record.clone(), State::Deleting)?;
    Ok(Some(record))
}

pub(super) fn forget(rows: &mut dyn RowsMut, condemned: &BlobRecord) -> Result<bool> {
    let key = keys::blob(&condemned.digest);
    let same = |row: &BlobRow| row.state == State::Deleting && row.record.generation == condemned.generation;
    if !rows::read(rows, &key)?.is_some_and(|row| same(&row)) {
        return Ok(false);
    }
    // All of them have expired: there was no other when the blob was condemned, and since then nothing prolongs one.
    rows::delete_all(rows, &keys::blob_partition(&condemned.digest), keys::LINK)?;
    rows.delete(&keys::sector_entry(&condemned.digest))?;
    rows.delete(&key)?;
    Ok(true)
}
