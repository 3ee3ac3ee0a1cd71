use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::oci::Algorithm;
use crate::storage::MemoryDriver;
use crate::storage::topology::{BucketState, Epoch};

const IDS: [&str; 3] = ["a", "b", "c"];

/// Its salts take a while to choose.
static TOPOLOGY: LazyLock<Topology> = LazyLock::new(|| {
    let bucket = |id: &str| (id.parse().unwrap(), format!("memory:{id}").parse().unwrap());
    Topology::first(IDS.map(bucket)).unwrap()
});

fn topology() -> Topology {
    TOPOLOGY.clone()
}

/// Shards over the topology of three, each made by `driver`.
fn sharded(driver: impl Fn(&str) -> Arc<dyn StorageDriver>) -> ShardedDriver {
    ShardedDriver::new(topology(), IDS.iter().map(|id| (self::id(id), driver(id))).collect()).unwrap()
}

fn memories() -> ShardedDriver {
    sharded(|_| Arc::new(MemoryDriver::new()))
}

fn id(text: &str) -> BucketId {
    text.parse().unwrap()
}

fn path(text: &str) -> ObjectPath {
    text.parse().unwrap()
}

/// A path whose home is the bucket.
fn path_in(sharded: &ShardedDriver, bucket: &str) -> ObjectPath {
    let mut paths = (0..).map(|number| path(&format!("object/{number}")));
    paths.find(|path| sharded.route(path).as_str() == bucket).unwrap()
}

async fn put(driver: &dyn StorageDriver, path: &ObjectPath, content: &'static str) -> Version {
    driver.put_content(path, content.into(), PutMode::Overwrite).await.unwrap()
}

async fn get(driver: &dyn StorageDriver, path: &ObjectPath) -> Result<Bytes> {
    driver.get_content(path, 1024).await
}

mod three_memories {
    use super::*;
    use crate::storage::contract::Subject;

    crate::storage_contract!(async {
        let parts = IDS.map(|_| MemoryDriver::new());
        let part = |id: &str| parts[IDS.iter().position(|other| *other == id).unwrap()].clone();
        let open = || Arc::new(sharded(|id| Arc::new(part(id))));
        Subject { driver: open(), reopened: open(), has_urls: false, keep: Box::new(()) }
    });
}

mod three_directories {
    use super::*;
    use crate::storage::FilesystemDriver;
    use crate::storage::contract::Subject;

    crate::storage_contract!(async {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_owned();
        let open = || Arc::new(sharded(|id| Arc::new(FilesystemDriver::open(root.join(id)).unwrap())));
        Subject { driver: open(), reopened: open(), has_urls: false, keep: Box::new(directory) }
    });
}

#[test]
fn every_bucket_of_the_topology_needs_a_driver() {
    let memory = |text: &str| (id(text), Arc::new(MemoryDriver::new()) as Arc<dyn StorageDriver>);
    let missing = ShardedDriver::new(topology(), BTreeMap::from([memory("a"), memory("c")]));
    assert!(matches!(missing.unwrap_err(), ShardedError::MissingDriver(bucket) if bucket == id("b")));
    let more = ShardedDriver::new(topology(), ["a", "b", "c", "d"].map(memory).into()).unwrap();
    assert!(more.bucket(&id("c")).is_some());
    assert!(more.bucket(&id("d")).is_none());
}

#[test]
fn a_topology_that_is_not_valid_is_refused() {
    let nothing = Topology { buckets: Vec::new(), ..topology() };
    assert!(matches!(ShardedDriver::new(nothing, BTreeMap::new()), Err(ShardedError::Topology(_))));
}

#[test]
fn a_path_is_routed_to_the_bucket_of_what_it_belongs_to() {
    let sharded = memories();
    for number in 0..64 {
        let digest = Digest::of(Algorithm::Sha256, &[number]);
        let (upload, claim) = (UploadId::random(), UploadId::random());
        let (blob, staged) = (ObjectPath::blob(&digest), ObjectPath::staged(&upload));
        assert_eq!(sharded.route(&blob), sharded.home(&digest));
        assert_eq!(sharded.route(&blob.tail(&claim)), sharded.home(&digest));
        assert_eq!(sharded.route(&staged), sharded.staging(&upload));
        assert_eq!(sharded.route(&staged.tail(&claim)), sharded.staging(&upload));
        let other = path(&format!("other/{number}"));
        assert_eq!(sharded.route(&other.tail(&claim)), sharded.route(&other));
    }
}

#[tokio::test]
async fn an_object_lies_in_its_bucket_alone() {
    let sharded = memories();
    for home in IDS {
        let path = path_in(&sharded, home);
        put(&sharded, &path, home).await;
        for bucket in IDS {
            let found = get(&**sharded.bucket(&id(bucket)).unwrap(), &path).await;
            assert_eq!(found.is_ok(), bucket == home, "{path} of {home} in {bucket}: {found:?}");
        }
    }
}

#[tokio::test]
async fn nothing_new_goes_to_a_bucket_that_is_not_active() {
    let whole = memories();
    let mut topology = topology();
    topology.buckets[1].state = BucketState::Draining;
    topology.epoch = Epoch(2);
    let draining = whole.follow(topology, BTreeSet::new()).await.unwrap();
    let stays = path_in(&whole, "b");
    put(&whole, &stays, "old").await;
    assert_ne!(draining.route(&stays).as_str(), "b");
    assert!(matches!(get(&draining, &stays).await, Err(Error::NotFound(_))));
    assert_eq!(get(&**draining.bucket(&id("b")).unwrap(), &stays).await.unwrap(), "old");
    assert_eq!(draining.list(&path("object"), None, 9).await.unwrap().len(), 1, "a list asks every bucket");
}

#[tokio::test]
async fn a_move_between_buckets_leaves_nothing_behind() {
    let sharded = memories();
    let (from, to) = (path_in(&sharded, "a"), path_in(&sharded, "b"));
    put(&sharded, &from, "content").await;
    let version = sharded.move_content(&from, &to).await.unwrap();
    assert_eq!(sharded.stat(&to).await.unwrap().version, version);
    assert!(matches!(get(&sharded, &from).await, Err(Error::NotFound(_))));
    assert_eq!(sharded.list(&path("object"), None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_transfer_brings_an_object_to_any_bucket() {
    let sharded = memories();
    let object = path_in(&sharded, "a");
    put(&sharded, &object, "content").await;
    let [a, b, c] = IDS.map(id);
    sharded.transfer((&a, &object), (&b, &object)).await.unwrap();
    sharded.transfer((&b, &object), (&b, &path("elsewhere"))).await.unwrap();
    sharded.transfer((&b, &path("elsewhere")), (&c, &object)).await.unwrap();
    assert_eq!(get(&**sharded.bucket(&c).unwrap(), &object).await.unwrap(), "content");
    for bucket in [a, b] {
        assert_eq!(sharded.bucket(&bucket).unwrap().list(&path("object"), None, 9).await.unwrap(), []);
        assert!(get(&**sharded.bucket(&bucket).unwrap(), &path("elsewhere")).await.is_err());
    }
}

#[tokio::test]
async fn a_transfer_of_nothing_or_with_a_stranger_changes_nothing() {
    let sharded = memories();
    let object = path("object");
    let [a, b, _] = IDS.map(id);
    put(&**sharded.bucket(&b).unwrap(), &object, "kept").await;
    let nothing = sharded.transfer((&a, &object), (&b, &object)).await;
    assert!(matches!(nothing, Err(Error::NotFound(path)) if path == object));
    for (from, to) in [(id("x"), b.clone()), (b.clone(), id("x"))] {
        let Err(Error::Failed(source)) = sharded.transfer((&from, &object), (&to, &object)).await else {
            panic!("a bucket that is not there took part in a transfer");
        };
        assert_eq!(source.to_string(), "bucket x is not in the topology");
    }
    assert_eq!(get(&**sharded.bucket(&b).unwrap(), &object).await.unwrap(), "kept");
}

#[tokio::test]
async fn what_lies_in_two_buckets_is_listed_once_as_its_home_has_it() {
    let sharded = memories();
    for home in IDS {
        let object = path_in(&sharded, home);
        for bucket in IDS {
            let content = if bucket == home { "true" } else { "false" };
            put(&**sharded.bucket(&id(bucket)).unwrap(), &object, content).await;
        }
    }
    let listed = sharded.list(&path("object"), None, 9).await.unwrap();
    assert_eq!(listed.iter().map(|entry| entry.size).collect::<Vec<_>>(), [4, 4, 4]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn pages_of_a_list_make_the_list_of_one_store(
        names in proptest::collection::btree_map("[ab]{1,2}(/[ab.-]?[ab])?", any::<[bool; 3]>(), 0..40),
        limit in 1..6_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (sharded, one) = (memories(), MemoryDriver::new());
            let valid = names.iter().filter_map(|(name, copies)| Some((format!("list/{name}").parse().ok()?, copies)));
            for (path, copies) in valid {
                put(&one, &path, "content").await;
                put(&sharded, &path, "content").await;
                for (bucket, copied) in IDS.iter().zip(copies) {
                    if *copied {
                        put(&**sharded.bucket(&id(bucket)).unwrap(), &path, "content").await;
                    }
                }
            }
            let mut listed: Vec<Entry> = Vec::new();
            loop {
                let after = listed.last().map(|entry| &entry.path);
                let page = sharded.list(&path("list"), after, limit).await.unwrap();
                if page.is_empty() {
                    break;
                }
                listed.extend(page);
            }
            let whole = one.list(&path("list"), None, usize::MAX).await.unwrap();
            let told = |entries: Vec<Entry>| -> Vec<_> { entries.into_iter().map(|entry| (entry.path, entry.size)).collect() };
            prop_assert_eq!(told(listed), told(whole));
            Ok(())
        })?;
    }
}
