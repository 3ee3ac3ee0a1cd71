//! The ring: its topologies, and how far they are carried out.

use super::engine::{Rows, RowsMut};
use super::rows;
use crate::metadata::Pass;
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::storage::{Health, Topology};

pub(super) fn newest(rows: &dyn Rows) -> Result<Option<Topology>> {
    let all = rows.range(keys::RING, keys::EPOCH, None, usize::MAX)?;
    all.last().map(|(_, row)| rows::parse(row)).transpose()
}

/// The newest first.
pub(super) fn topologies(rows: &dyn Rows, limit: usize) -> Result<Vec<Topology>> {
    let all: Vec<Topology> = rows::read_all(rows, keys::RING, keys::EPOCH, None, usize::MAX)?;
    Ok(all.into_iter().rev().take(limit).collect())
}

pub(super) fn put(rows: &mut dyn RowsMut, topology: &Topology) -> Result<bool> {
    let follows = newest(rows)?.is_none_or(|newest| newest.epoch.0.checked_add(1) == Some(topology.epoch.0));
    if follows {
        rows::write(rows, &keys::epoch(topology.epoch), topology)?;
    }
    Ok(follows)
}

pub(super) fn health(rows: &dyn Rows) -> Result<Option<Health>> {
    rows::read(rows, &keys::health())
}

pub(super) fn put_health(rows: &mut dyn RowsMut, health: &Health) -> Result<()> {
    rows::write(rows, &keys::health(), health)
}

pub(super) fn passes(rows: &dyn Rows) -> Result<Vec<Pass>> {
    rows::read_all(rows, keys::RING, keys::PASS, None, usize::MAX)
}

pub(super) fn change_pass(rows: &mut dyn RowsMut, known: Option<&Pass>, next: &Pass) -> Result<bool> {
    let key = keys::pass(next.sector);
    let present: Option<Pass> = rows::read(rows, &key)?;
    let is_known = present.as_ref().map(|pass| pass.version) == known.map(|pass| pass.version);
    if is_known {
        rows::write(rows, &key, next)?;
    }
    Ok(is_known)
}
