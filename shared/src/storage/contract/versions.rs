//! Versions: which state of an object lies at a path.

use std::collections::BTreeSet;

use super::bench::Bench;
use super::upload::{Upload, write_and_commit};
use crate::storage::driver::PutMode;

/// Whatever writes, and be it the same bytes, the version is one that the path never had.
pub async fn every_write_makes_another_version(bench: &Bench) {
    let upload = Upload::at(bench, "object");
    let path = &upload.path;
    let mut versions = Vec::new();
    for _ in 0..8 {
        versions.push(bench.put(path, "same").await);
        let writer = upload.open(&**bench.driver()).await.unwrap();
        versions.push(write_and_commit(writer, "same".into()).await.unwrap());
        bench.driver().delete(path, None).await.unwrap();
        versions.push(bench.reopened().put_content(path, "same".into(), PutMode::IfAbsent).await.unwrap());
    }
    let distinct: BTreeSet<_> = versions.iter().collect();
    assert_eq!(distinct.len(), versions.len(), "{versions:?}");
}

/// The version that a write returns is the one that a stat finds, as long as nothing else is written.
pub async fn a_stat_tells_the_version_of_the_write(bench: &Bench) {
    let upload = Upload::at(bench, "object");
    let path = &upload.path;
    for content in ["a", "a", "b", ""] {
        let version = bench.put(path, content).await;
        assert_eq!(bench.driver().stat(path).await.unwrap().version, version);
        let writer = upload.open(&**bench.driver()).await.unwrap();
        let version = write_and_commit(writer, content.into()).await.unwrap();
        assert_eq!(bench.driver().stat(path).await.unwrap().version, version);
    }
}

/// A version means the same to every process.
pub async fn both_instances_tell_the_same_version(bench: &Bench) {
    let path = bench.path("object");
    for _ in 0..4 {
        let version = bench.put(&path, "content").await;
        assert_eq!(bench.reopened().stat(&path).await.unwrap().version, version);
    }
}

/// What is written over stays exactly where its store says so: then it comes back when the newer one goes.
pub async fn a_version_is_there_until_it_goes(bench: &Bench) {
    let path = bench.path("object");
    let old = bench.put(&path, "old").await;
    assert!(bench.reopened().has(&path, &old).await.unwrap());
    let new = bench.put(&path, "new").await;
    let is_kept = bench.driver().keeps_overwritten(&new);
    assert!(bench.driver().has(&path, &new).await.unwrap());
    assert_eq!(bench.driver().has(&path, &old).await.unwrap(), is_kept);
    bench.driver().delete(&path, Some(&new)).await.unwrap();
    assert!(!bench.driver().has(&path, &new).await.unwrap());
    assert_eq!(bench.driver().stat(&path).await.ok().map(|found| found.version), is_kept.then_some(old.clone()));
    bench.driver().delete(&path, Some(&old)).await.unwrap();
    assert!(!bench.driver().has(&path, &old).await.unwrap());
}

/// An object that goes away and comes back the same has another version: a delete aimed at the first misses it.
pub async fn moves_and_copies_make_other_versions(bench: &Bench) {
    let (one, other) = (bench.path("one"), bench.path("other"));
    let mut versions = vec![bench.put(&one, "content").await];
    for _ in 0..4 {
        bench.driver().move_content(&one, &other).await.unwrap();
        versions.push(bench.driver().move_content(&other, &one).await.unwrap());
        assert_eq!(bench.driver().stat(&one).await.unwrap().version, versions[versions.len() - 1]);
    }
    bench.driver().move_content(&one, &other).await.unwrap();
    for _ in 0..4 {
        versions.push(bench.driver().copy_from(&**bench.reopened(), &other, &one).await.unwrap().version);
        assert_eq!(bench.driver().stat(&one).await.unwrap().version, versions[versions.len() - 1]);
    }
    let distinct: BTreeSet<_> = versions.iter().collect();
    assert_eq!(distinct.len(), versions.len(), "{versions:?}");
    bench.driver().delete(&one, Some(&versions[0])).await.unwrap();
    assert_eq!(bench.get(&one).await, "content");
}
