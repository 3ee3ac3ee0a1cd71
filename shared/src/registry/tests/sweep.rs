//! What a sweep takes with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::facts::MortalFacts;
use super::life::Life;
use crate::clock::Timestamp;
use crate::metadata::{Book, EntryWrite, MemoryStore, MetadataStore};
use crate::oci::UploadId;
use crate::registry::{Registry, Terms};
use crate::storage::{MemoryDriver, ObjectPath, PutMode, ShardedDriver, StorageDriver, Topology};

/// A registry over one bucket, to which everything was left long ago; its facts refuse one intent.
fn registry(facts: &Arc<MemoryStore>, driver: &Arc<MemoryDriver>, refused: Option<&'static str>) -> Registry {
    let topology = Topology::first([("one".parse().unwrap(), "memory:one".parse().unwrap())]).unwrap();
    let driver = Arc::clone(driver) as Arc<dyn StorageDriver>;
    let storage = ShardedDriver::new(topology, BTreeMap::from([("one".parse().unwrap(), driver)])).unwrap();
    let facts = MortalFacts { inner: Arc::clone(facts), life: Life::long(), refused };
    Registry::new(Arc::new(storage), Arc::new(facts), Terms { session: Duration::ZERO, ..Terms::default() })
}

#[tokio::test]
async fn every_record_that_has_expired_is_swept() {
    let (facts, long_ago) = (Arc::<MemoryStore>::default(), Timestamp::from_millis(1));
    for number in 0..1001 {
        let name = format!("token-{number}");
        let write = EntryWrite::new(Book::Tokens, name, None, json!({}), Some(Timestamp::from_millis(2)), long_ago);
        assert!(facts.put_entry(&write).await.unwrap());
    }
    registry(&facts, &Arc::default(), None).sweep().await.unwrap();
    assert_eq!(facts.sweep_entries(Timestamp::now(), 1).await.unwrap(), 0);
}

#[tokio::test]
async fn buckets_are_swept_though_records_are_not() {
    let (facts, driver) = (Arc::default(), Arc::<MemoryDriver>::default());
    let left = ObjectPath::staged(&UploadId::random());
    driver.put_content(&left, Bytes::from_static(b"left"), PutMode::Overwrite).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let swept = registry(&facts, &driver, Some("sweep_entries")).sweep().await.unwrap();
    assert_eq!((swept.objects, swept.failed), (1, 0));
}
