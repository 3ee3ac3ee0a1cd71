//! Objects that change their place.

use std::sync::Arc;

use super::bench::{Bench, assert_not_found};
use super::noise::{MIB, noise};
use crate::storage::MemoryDriver;
use crate::storage::driver::{PutMode, StorageDriver};

/// A moved object is where it was moved to, and nowhere else.
pub async fn a_move_takes_the_object_along(bench: &Bench) {
    let (from, to) = (bench.path("from/object"), bench.path("to/some/where"));
    bench.put(&from, "content").await;
    let version = bench.driver().move_content(&from, &to).await.unwrap();
    bench.assert_absent(&from).await;
    assert_eq!(bench.get(&to).await, "content");
    assert_eq!(bench.driver().stat(&to).await.unwrap().version, version);
}

/// The object at the destination gives way.
pub async fn a_move_replaces_what_lies_there(bench: &Bench) {
    let (from, to) = (bench.path("from"), bench.path("to"));
    bench.put(&from, "new").await;
    let old = bench.put(&to, "old and longer").await;
    let version = bench.driver().move_content(&from, &to).await.unwrap();
    assert_ne!(version, old);
    bench.assert_absent(&from).await;
    assert_eq!(bench.get(&to).await, "new");
}

/// A move onto itself is no write.
pub async fn a_move_onto_itself_changes_nothing(bench: &Bench) {
    let path = bench.path("object");
    let version = bench.put(&path, "content").await;
    assert_eq!(bench.driver().move_content(&path, &path).await.unwrap(), version);
    assert_eq!(bench.get(&path).await, "content");
    assert_eq!(bench.driver().stat(&path).await.unwrap().version, version);
    let absent = bench.path("absent");
    assert_not_found(&absent, bench.driver().move_content(&absent, &absent).await);
    bench.assert_absent(&absent).await;
}

/// A move that cannot be done does nothing; a directory is nothing to move.
pub async fn a_move_of_nothing_leaves_the_destination(bench: &Bench) {
    let to = bench.path("to");
    let version = bench.put(&to, "content").await;
    bench.put(&bench.path("directory/object"), "below").await;
    for from in [bench.path("absent"), bench.path("absent/too"), bench.path("directory")] {
        assert_not_found(&from, bench.driver().move_content(&from, &to).await);
        assert_eq!(bench.get(&to).await, "content");
        assert_eq!(bench.driver().stat(&to).await.unwrap().version, version);
        let nowhere = bench.path("nowhere");
        assert_not_found(&from, bench.driver().move_content(&from, &nowhere).await);
        bench.assert_absent(&nowhere).await;
    }
    assert_eq!(bench.get(&bench.path("directory/object")).await, "below");
}

/// Size is no hindrance.
pub async fn a_large_object_moves(bench: &Bench) {
    let (from, to) = (bench.staged(), bench.path("to/data"));
    let content = noise(1, 20 * MIB + 1);
    bench.put(&from, content.clone()).await;
    bench.driver().move_content(&from, &to).await.unwrap();
    bench.assert_absent(&from).await;
    assert!(bench.get(&to).await == content);
}

/// A store of another kind is a source like any other.
pub async fn a_copy_from_another_store_leaves_its_source(bench: &Bench) {
    let source = MemoryDriver::new();
    for (name, content) in [("empty", noise(2, 0)), ("small", noise(3, 1000)), ("large", noise(4, 9 * MIB + 1))] {
        let (from, to) = (bench.path(&format!("from/{name}")), bench.path(&format!("to/{name}")));
        let before = source.put_content(&from, content.clone(), PutMode::Overwrite).await.unwrap();
        let copied = bench.driver().copy_from(&source, &from, &to).await.unwrap();
        assert!(bench.get(&to).await == content);
        assert_eq!(bench.driver().stat(&to).await.unwrap().version, copied.version);
        assert_eq!(copied.source.as_ref(), Some(&before));
        assert_eq!(source.stat(&from).await.unwrap().version, before);
        bench.assert_absent(&from).await;
    }
}

/// A store of the same kind may copy in a way of its own; the two objects are still two.
pub async fn a_copy_from_another_instance_leaves_its_source(bench: &Bench) {
    for (name, content) in [("empty", noise(5, 0)), ("small", noise(6, 1000)), ("large", noise(7, 9 * MIB + 1))] {
        let (from, to) = (bench.path(&format!("from/{name}")), bench.path(&format!("to/{name}")));
        let before = bench.put(&from, content.clone()).await;
        let copied = bench.driver().copy_from(&**bench.reopened(), &from, &to).await.unwrap();
        assert!(bench.get(&to).await == content);
        assert_eq!(bench.driver().stat(&to).await.unwrap().version, copied.version);
        assert!(copied.source.is_none_or(|source| source == before), "what was copied is what lay there");
        assert!(bench.get(&from).await == content);
        assert_eq!(bench.driver().stat(&from).await.unwrap().version, before, "a copy is no write of its source");
        bench.driver().delete(&from, None).await.unwrap();
        assert!(bench.get(&to).await == content);
        bench.put(&from, "other").await;
        assert!(bench.get(&to).await == content);
    }
}

/// A copy is a write like any other.
pub async fn a_copy_replaces_what_lies_there(bench: &Bench) {
    let (from, to) = (bench.path("from"), bench.path("to"));
    bench.put(&from, "new").await;
    for source in sources(bench) {
        source.put_content(&from, "new".into(), PutMode::Overwrite).await.unwrap();
        bench.put(&to, "old and longer").await;
        bench.driver().copy_from(&*source, &from, &to).await.unwrap();
        assert_eq!(bench.get(&to).await, "new");
    }
}

/// A copy that cannot be done does nothing.
pub async fn a_copy_of_nothing_leaves_the_destination(bench: &Bench) {
    let (from, to) = (bench.path("absent"), bench.path("to"));
    let version = bench.put(&to, "content").await;
    for source in sources(bench) {
        assert_not_found(&from, bench.driver().copy_from(&*source, &from, &to).await);
        assert_eq!(bench.get(&to).await, "content");
        assert_eq!(bench.driver().stat(&to).await.unwrap().version, version);
    }
}

fn sources(bench: &Bench) -> [Arc<dyn StorageDriver>; 2] {
    [Arc::new(MemoryDriver::new()), Arc::clone(bench.reopened())]
}
