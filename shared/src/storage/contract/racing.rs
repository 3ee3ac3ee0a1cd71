//! Many at once on one path. Each of the eight runs as a task of its own, half of them through the other instance.

use std::future::Future;
use std::sync::Arc;

use futures::future::join_all;

use super::bench::Bench;
use super::noise::{MIB, noise};
use super::upload::{Upload, write_and_commit};
use crate::storage::driver::{PutMode, StorageDriver};
use crate::storage::{Error, ObjectPath};

const RACERS: u64 = 8;

async fn race<T, F>(
    bench: &Bench,
    path: &ObjectPath,
    run: impl Fn(u64, Arc<dyn StorageDriver>, ObjectPath) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks = (0..RACERS).map(|racer| {
        let driver = if racer % 2 == 0 { bench.driver() } else { bench.reopened() };
        tokio::spawn(run(racer, Arc::clone(driver), path.clone()))
    });
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

/// Small and large, so that tails race parts.
fn size(racer: u64) -> usize {
    if racer < RACERS / 2 { 9 * MIB } else { 100_000 }
}

/// Of writers that commit at one path at once, the bytes of one are there, and of no other.
pub async fn of_eight_writers_one_is_whole(bench: &Bench) {
    let upload = Upload::at(bench, "object");
    let versions = race(bench, &upload.path, |racer, driver, path| async move {
        let writer = driver.writer(&path, None).await.unwrap();
        write_and_commit(writer, noise(racer, size(racer))).await.unwrap()
    })
    .await;
    let found = bench.get(&upload.path).await;
    let winner = (0..RACERS).find(|racer| noise(*racer, size(*racer)) == found).unwrap();
    let stat = bench.driver().stat(&upload.path).await.unwrap();
    assert_eq!(stat.version, versions[usize::try_from(winner).unwrap()]);
}

/// Puts do not mix either.
pub async fn of_eight_puts_one_is_whole(bench: &Bench) {
    let path = bench.path("object");
    race(bench, &path, |racer, driver, path| async move {
        driver.put_content(&path, noise(racer, MIB), PutMode::Overwrite).await.unwrap();
    })
    .await;
    let found = bench.get(&path).await;
    assert!((0..RACERS).any(|racer| noise(racer, MIB) == found));
}

/// The first put is the last.
pub async fn a_put_if_absent_succeeds_once(bench: &Bench) {
    let path = bench.path("deep/object");
    let version = bench.driver().put_content(&path, "first".into(), PutMode::IfAbsent).await.unwrap();
    for driver in [bench.driver(), bench.reopened()] {
        let outcome = driver.put_content(&path, "second".into(), PutMode::IfAbsent).await;
        assert!(matches!(outcome, Err(Error::AlreadyExists(ref named)) if *named == path), "{outcome:?}");
    }
    assert_eq!(bench.get(&path).await, "first");
    assert_eq!(bench.driver().stat(&path).await.unwrap().version, version);
}

/// Absent is absent, however often something was there.
pub async fn a_put_if_absent_succeeds_again_after_a_delete(bench: &Bench) {
    let path = bench.path("object");
    for content in ["first", "second"] {
        bench.driver().put_content(&path, content.into(), PutMode::IfAbsent).await.unwrap();
        assert_eq!(bench.get(&path).await, content);
        bench.driver().delete(&path, None).await.unwrap();
    }
}

/// Of racing puts exactly one is the first, and its bytes are the ones that stay.
pub async fn of_eight_puts_if_absent_one_succeeds(bench: &Bench) {
    for round in 0..4 {
        let path = bench.path(&format!("{round}/object"));
        let outcomes = race(bench, &path, |racer, driver, path| async move {
            driver.put_content(&path, noise(racer, 100_000), PutMode::IfAbsent).await
        })
        .await;
        let winners: Vec<u64> =
            (0..).zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).map(|(racer, _)| racer).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        for outcome in outcomes {
            assert!(matches!(outcome, Ok(_) | Err(Error::AlreadyExists(_))), "{outcome:?}");
        }
        assert!(bench.get(&path).await == noise(winners[0], 100_000));
    }
}

/// Where directories are real, deleting the last object below one must not fail a write that needs it.
pub async fn a_put_succeeds_while_its_neighbour_is_deleted(bench: &Bench) {
    let directory = bench.path("some/directory");
    let paths: Vec<_> = (0..RACERS).map(|racer| bench.path(&format!("some/directory/{racer}/object"))).collect();
    race(bench, &directory, |racer, driver, _| {
        let path = paths[usize::try_from(racer).unwrap()].clone();
        async move {
            for _ in 0..20 {
                driver.put_content(&path, "content".into(), PutMode::Overwrite).await.unwrap();
                driver.stat(&path).await.unwrap();
                driver.delete(&path, None).await.unwrap();
            }
        }
    })
    .await;
    assert_eq!(bench.list_all(&directory).await, []);
}
