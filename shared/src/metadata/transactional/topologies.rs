//! The ring's topologies.

use super::engine::{Rows, RowsMut};
use super::rows;
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::storage::Topology;

pub(super) fn newest(rows: &dyn Rows) -> Result<Option<Topology>> {
    let all = rows.range(keys::RING, keys::EPOCH, None, usize::MAX)?;
    all.last().map(|(_, row)| rows::parse(row)).transpose()
}

pub(super) fn put(rows: &mut dyn RowsMut, topology: &Topology) -> Result<bool> {
    let follows = newest(rows)?.is_none_or(|newest| newest.epoch.0.checked_add(1) == Some(topology.epoch.0));
    if follows {
        rows::write(rows, &keys::epoch(topology.epoch), topology)?;
    }
    Ok(follows)
}
