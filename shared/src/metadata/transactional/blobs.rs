//! Blobs: where they are, who may read them, and what keeps them.

use serde::{Deserialize, Serialize};

use super::engine::{Rows, RowsMut};
use super::{rows, sessions, work};
use crate::clock::Timestamp;
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::metadata::{BlobCommit, BlobRecord, Committed, Generation, LinkedBlob, Place, Unlinked};
use crate::oci::{Digest, RepositoryName};

/// A blob's row. It is there as long as any bytes are that somebody must read or delete.
#[derive(Serialize, Deserialize)]
struct BlobRow {
    size: u64,
    place: Place,
    generation: Generation,
    state: State,
}

#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Live,
    Deleting,
}

/// A link's row.
#[derive(Serialize, Deserialize)]
struct LinkRow {
    lease: Timestamp,
}

impl BlobRow {
    fn record(self, digest: &Digest) -> BlobRecord {
        BlobRecord { digest: digest.clone(), size: self.size, place: self.place, generation: self.generation }
    }

    /// Whether it is read from the object that `place` has replaced, or is.
    fn is_read_from(&self, place: &Place) -> bool {
        self.place.bucket == place.bucket && self.place.path == place.path
    }
}

/// The blob, when it is live.
fn live(rows: &dyn Rows, digest: &Digest) -> Result<Option<BlobRow>> {
    Ok(rows::read(rows, &keys::blob(digest))?.filter(|row: &BlobRow| row.state == State::Live))
}

pub(super) fn get(rows: &dyn Rows, digest: &Digest) -> Result<Option<BlobRecord>> {
    Ok(live(rows, digest)?.map(|row| row.record(digest)))
}

/// Reads a live blob from another place from now on; false when it is not live at `from`.
pub(super) fn move_to(rows: &mut dyn RowsMut, digest: &Digest, from: &Place, to: &Place) -> Result<bool> {
    let Some(row) = live(rows, digest)?.filter(|row| row.place == *from) else { return Ok(false) };
    rows::write(rows, &keys::blob(digest), &BlobRow { place: to.clone(), ..row })?;
    Ok(true)
}

/// Links the blob until `lease` at least.
fn link(rows: &mut dyn RowsMut, repository: &RepositoryName, digest: &Digest, lease: Timestamp) -> Result<()> {
    let key = keys::link(digest, repository);
    let promised = rows::read(rows, &key)?.map_or(lease, |row: LinkRow| row.lease);
    rows::write(rows, &key, &LinkRow { lease: lease.max(promised) })
}

pub(super) fn linked(rows: &dyn Rows, repository: &RepositoryName, digest: &Digest) -> Result<Option<LinkedBlob>> {
    let Some(LinkRow { lease }) = rows::read(rows, &keys::link(digest, repository))? else { return Ok(None) };
    Ok(live(rows, digest)?.map(|row| LinkedBlob { blob: row.record(digest), lease }))
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
    let key = keys::blob(&commit.digest);
    let previous = rows::read::<BlobRow>(rows, &key)?;
    let generation = Generation::next(previous.as_ref().map(|row| row.generation), commit.now);
    if let Some(row) = previous.filter(|row| row.state == State::Live && !row.is_read_from(&commit.place)) {
        return Ok(Committed::Kept(row.record(&commit.digest)));
    }
    let row = BlobRow { size: commit.size, place: commit.place.clone(), generation, state: State::Live };
    rows::write(rows, &key, &row)?;
    if let Some(work) = &commit.work {
        work::put(rows, work)?;
    }
    Ok(Committed::Published(row.record(&commit.digest)))
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
    let Some(row) = live(rows, digest)? else { return Ok(None) };
    if is_used(rows, digest, keys::USE)? || is_leased(rows, digest, now)? {
        return Ok(None);
    }
    let row = BlobRow { state: State::Deleting, ..row };
    rows::write(rows, &keys::blob(digest), &row)?;
    Ok(Some(row.record(digest)))
}

pub(super) fn forget(rows: &mut dyn RowsMut, condemned: &BlobRecord) -> Result<bool> {
    let key = keys::blob(&condemned.digest);
    let same = |row: &BlobRow| row.state == State::Deleting && row.generation == condemned.generation;
    if !rows::read(rows, &key)?.is_some_and(|row| same(&row)) {
        return Ok(false);
    }
    // All of them have expired: there was no other when the blob was condemned, and since then nothing prolongs one.
    rows::delete_all(rows, &keys::blob_partition(&condemned.digest), keys::LINK)?;
    rows.delete(&key)?;
    Ok(true)
}
