//! The ring: its topologies, and how far they are carried out. A pass has its `version` beside its record.

use super::DynamoDbStore;
use super::item::{Item, number};
use super::query::Query;
use super::write::{Write, Written};
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::metadata::sector::Pass;
use crate::storage::{Health, Topology};

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

/// The newest first.
pub(super) async fn topologies(store: &DynamoDbStore, limit: usize) -> Result<Vec<Topology>> {
    let all = Query::of(keys::RING.to_owned()).beginning_with(keys::EPOCH).backwards();
    store.query(all, limit).await?.iter().map(Item::body).collect()
}

pub(super) async fn health(store: &DynamoDbStore) -> Result<Option<Health>> {
    store.get(&keys::health()).await?.as_ref().map(Item::body).transpose()
}

pub(super) async fn put_health(store: &DynamoDbStore, health: &Health) -> Result<()> {
    let key = keys::health();
    store.write(Write::put(&key, Item::new(&key).with_body(health)?)).await.map(drop)
}

pub(super) async fn passes(store: &DynamoDbStore) -> Result<Vec<Pass>> {
    let all = Query::of(keys::RING.to_owned()).beginning_with(keys::PASS);
    store.query(all, usize::MAX).await?.iter().map(Item::body).collect()
}

pub(super) async fn change_pass(store: &DynamoDbStore, known: Option<&Pass>, next: &Pass) -> Result<bool> {
    let key = keys::pass(next.sector);
    let put = Write::put(&key, Item::new(&key).with("version", number(next.version)).with_body(next)?);
    let put = match known {
        Some(known) => put.when("#version = :known").with(":known", number(known.version)),
        None => put.when("attribute_not_exists(#pk)"),
    };
    Ok(matches!(store.write(put).await?, Written::Done(_)))
}
