//! The ring's topologies.

use super::DynamoDbStore;
use super::item::Item;
use super::query::Query;
use super::write::{Write, Written};
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::storage::Topology;

pub(super) async fn topology(store: &DynamoDbStore) -> Result<Option<Topology>> {
    let newest = Query::of(keys::RING.to_owned()).beginning_with(keys::EPOCH).backwards();
    store.query(newest, 1).await?.first().map(Item::body).transpose()
}

/// Topologies are never removed, so the one after the newest can only be written once, whoever looked first.
pub(super) async fn put_topology(store: &DynamoDbStore, new: &Topology) -> Result<bool> {
    if topology(store).await?.is_some_and(|newest| newest.epoch.0.checked_add(1) != Some(new.epoch.0)) {
        return Ok(false);
    }
    let key = keys::epoch(new.epoch);
    let put = Write::put(&key, Item::new(&key).with_body(new)?).when("attribute_not_exists(#pk)");
    Ok(matches!(store.write(put).await?, Written::Done(_)))
}
