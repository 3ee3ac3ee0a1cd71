//! Deletes, aimed and unaimed.

use super::bench::Bench;
use crate::storage::Error;

/// What is deleted is gone for every instance and from every listing.
pub async fn a_delete_removes_what_lies_there(bench: &Bench) {
    let path = bench.path("some/object");
    bench.put(&path, "content").await;
    bench.driver().delete(&path, None).await.unwrap();
    bench.assert_absent(&path).await;
    assert_eq!(bench.list_all(&bench.path("some")).await, []);
    bench.put(&path, "again").await;
    assert_eq!(bench.get(&path).await, "again");
}

/// A delete may be tried again.
pub async fn a_delete_of_nothing_succeeds(bench: &Bench) {
    let path = bench.path("object");
    bench.driver().delete(&path, None).await.unwrap();
    let version = bench.put(&path, "content").await;
    bench.driver().delete(&path, Some(&version)).await.unwrap();
    bench.driver().delete(&path, Some(&version)).await.unwrap();
    bench.driver().delete(&path, None).await.unwrap();
    bench.driver().delete(&bench.path("absent/too"), None).await.unwrap();
    bench.assert_absent(&path).await;
}

/// A delete is aimed at the object that was judged, never at whatever lies there now: not even at the same bytes.
pub async fn a_delete_of_an_old_version_leaves_the_newer(bench: &Bench) {
    let path = bench.path("object");
    for newer in ["newer", "older"] {
        let old = bench.put(&path, "older").await;
        let new = bench.put(&path, newer).await;
        bench.driver().delete(&path, Some(&old)).await.unwrap();
        assert_eq!(bench.get(&path).await, newer);
        assert_eq!(bench.driver().stat(&path).await.unwrap().version, new);
        bench.reopened().delete(&path, Some(&old)).await.unwrap();
        assert_eq!(bench.get(&path).await, newer);
    }
    let old = bench.put(&path, "older").await;
    bench.driver().delete(&path, None).await.unwrap();
    bench.put(&path, "newer").await;
    bench.driver().delete(&path, Some(&old)).await.unwrap();
    assert_eq!(bench.get(&path).await, "newer");
}

/// A store that keeps versions may bring back the one before, but never one that was deleted itself.
pub async fn a_delete_of_the_newest_version_brings_back_nothing_deleted(bench: &Bench) {
    let path = bench.path("object");
    let first = bench.put(&path, "first").await;
    let second = bench.put(&path, "second").await;
    let third = bench.put(&path, "third").await;
    bench.driver().delete(&path, Some(&second)).await.unwrap();
    bench.driver().delete(&path, Some(&third)).await.unwrap();
    match bench.driver().get_content(&path, 100).await {
        Ok(content) => assert_eq!(content, "first"),
        Err(error) => assert!(matches!(error, Error::NotFound(_)), "{error:?}"),
    }
    bench.driver().delete(&path, Some(&first)).await.unwrap();
    bench.assert_absent(&path).await;
}

/// Aimed well, a delete hits.
pub async fn a_delete_of_a_version_removes_it(bench: &Bench) {
    let path = bench.path("object");
    let version = bench.put(&path, "content").await;
    bench.reopened().delete(&path, Some(&version)).await.unwrap();
    bench.assert_absent(&path).await;
    bench.put(&path, "content").await;
    let found = bench.driver().stat(&path).await.unwrap().version;
    bench.driver().delete(&path, Some(&found)).await.unwrap();
    bench.assert_absent(&path).await;
}

/// A path is a name, not a prefix.
pub async fn a_delete_leaves_siblings(bench: &Bench) {
    let names = ["x/a/data", "x/ab/data", "x/a/data2", "x/a-b", "x/a.data"];
    for name in names {
        bench.put(&bench.path(name), name).await;
    }
    bench.driver().delete(&bench.path("x/a/data"), None).await.unwrap();
    bench.driver().delete(&bench.path("x/a/dat"), None).await.unwrap();
    bench.driver().delete(&bench.path("x/a-"), None).await.unwrap();
    bench.assert_absent(&bench.path("x/a/data")).await;
    for name in &names[1..] {
        assert_eq!(bench.get(&bench.path(name)).await, *name);
    }
}

/// A directory is nothing, and nothing is deleted with it.
pub async fn a_delete_of_a_directory_leaves_what_is_below(bench: &Bench) {
    let object = bench.path("x/a/data");
    let version = bench.put(&object, "content").await;
    for directory in ["x", "x/a"] {
        bench.driver().delete(&bench.path(directory), None).await.unwrap();
        bench.driver().delete(&bench.path(directory), Some(&version)).await.unwrap();
    }
    assert_eq!(bench.get(&object).await, "content");
}
