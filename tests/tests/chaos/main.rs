//! One of eight buckets fails, in every way that a bucket can, while clients push and pull: which reads that takes, which it
//! does not, and that nothing is missing when the bucket is back.

mod docker;
mod load;
mod pushes;
mod registry;
mod scene;

use harness::faults::Fault;

use load::{Outcome, Read};
use scene::{Scene, Turn};

/// What befalls which bucket, one after the other.
const TURNS: [(&str, Fault); 5] = [
    ("bucket2", Fault::Hang),
    ("bucket5", Fault::Refused),
    ("bucket1", Fault::NoSuchBucket),
    ("bucket7", Fault::AccessDenied),
    ("bucket4", Fault::Unavailable),
];

/// The bucket that asks for fewer requests.
const BUSY: &str = "bucket3";

/// How far the part of the reads that fail may be from the bucket's part of the blobs.
const TOLERANCE: f64 = 0.03;

#[track_caller]
fn assert_none_fails<'a>(reads: impl Iterator<Item = &'a Read>, when: &str) {
    let failed: Vec<_> = reads.filter(|read| read.outcome != Outcome::Came).collect();
    assert!(failed.is_empty(), "{when}: {failed:?}");
}

/// What the registry says of a read that fails is that it may be tried again.
#[track_caller]
fn assert_only_its_share_fails(turn: &Turn, reads: &[Read], when: &str) {
    let is_its = |read: &&Read| read.blob.homes[0] == turn.bucket;
    assert_none_fails(reads.iter().filter(|read| !is_its(read)), when);
    let wrong: Vec<_> = reads.iter().filter(|read| matches!(read.outcome, Outcome::Wrong(_))).collect();
    assert!(wrong.is_empty(), "{when}: {wrong:?}");
    let part = |count: usize| load::part(count, reads.len());
    let failed = part(reads.iter().filter(|read| read.outcome != Outcome::Came).count());
    let share = part(reads.iter().filter(is_its).count());
    let what = format!("{:?}, one of each blob, {when}", turn.fault);
    println!("{what}: {:.1} % of the reads failed, its share is {:.1} %", failed * 100.0, share * 100.0);
    assert!((failed - share).abs() <= TOLERANCE, "{when}: {failed} of the reads failed, its share is {share}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_one_replica_a_bucket_that_fails_takes_its_share_of_the_reads_and_no_push() {
    let mut scene = Scene::with_replicas(1).await;
    for (bucket, fault) in TURNS {
        let turn = scene.turn(bucket, fault).await;
        assert_only_its_share_fails(&turn, &turn.at_once, "at once");
        assert_only_its_share_fails(&turn, &turn.known, "once it is known");
        assert!(turn.known.iter().all(|read| read.outcome != Outcome::Lost), "nobody is sent to it: {:?}", turn.known);
    }
    let turn = scene.busy(BUSY).await;
    assert_only_its_share_fails(&turn, &turn.at_once, "at once");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_two_replicas_a_bucket_that_fails_takes_no_read_and_no_push() {
    let mut scene = Scene::with_replicas(2).await;
    for (bucket, fault) in TURNS {
        let turn = scene.turn(bucket, fault).await;
        assert_none_fails(turn.at_once.iter().filter(|read| !read.blob.is_redirected()), "through the server, at once");
        assert_none_fails(turn.known.iter(), "once it is known");
    }
    scene.end().await;
}
