//! Work that nobody waits for.

use super::engine::{Rows, RowsMut};
use super::rows;
use crate::clock::Timestamp;
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::metadata::work::in_turn;
use crate::metadata::{Rehousing, Work};
use crate::oci::UploadId;

use super::blobs;

pub(super) fn put(rows: &mut dyn RowsMut, work: &Work) -> Result<()> {
    rows::write(rows, &keys::work(&work.upload), work)
}

pub(super) fn of(rows: &dyn Rows, upload: &UploadId) -> Result<Option<Work>> {
    rows::read(rows, &keys::work(upload))
}

pub(super) fn due(rows: &dyn Rows, now: Timestamp, limit: usize) -> Result<Vec<Work>> {
    let due_of = |shard| {
        let all: Vec<Work> = rows::read_all(rows, &keys::work_partition(shard), "", None, usize::MAX)?;
        Ok(all.into_iter().filter(|work| work.due <= now).collect())
    };
    Ok(in_turn((0..keys::WORK_SHARDS).map(due_of).collect::<Result<_>>()?, limit))
}

/// Puts `next` in the place of the work as it is held, or nothing; false when it is no longer so.
pub(super) fn change(rows: &mut dyn RowsMut, held: &Work, next: Option<&Work>) -> Result<bool> {
    if !of(rows, &held.upload)?.is_some_and(|present| present.is(held)) {
        return Ok(false);
    }
    match next {
        Some(next) => put(rows, next)?,
        None => rows.delete(&keys::work(&held.upload))?,
    }
    Ok(true)
}

pub(super) fn rehouse(rows: &mut dyn RowsMut, rehousing: &Rehousing) -> Result<bool> {
    if let Some((held, _)) = &rehousing.held
        && !of(rows, &held.upload)?.is_some_and(|present| present.is(held))
    {
        return Ok(false);
    }
    if !blobs::rehouse(rows, rehousing)? {
        return Ok(false);
    }
    if let Some((held, next)) = &rehousing.held {
        change(rows, held, next.as_ref())?;
    }
    rehousing.works.iter().try_for_each(|work| put(rows, work))?;
    Ok(true)
}
