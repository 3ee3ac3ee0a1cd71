//! The ring's topologies: numbered, immutable.

use super::races::race;
use super::subject::{Subject, at};
use crate::storage::{Bucket, BucketState, Epoch, Topology};

pub(in crate::metadata) fn topology(epoch: u64, weight: u32) -> Topology {
    let bucket = |id: &str, state| Bucket {
        id: id.parse().unwrap(),
        url: "s3://one?endpoint=http%3A%2F%2Flocalhost&path_style=true".parse().unwrap(),
        weight,
        salt: u32::MAX,
        state,
    };
    let buckets = vec![bucket("b-2", BucketState::Active), bucket("b-1", BucketState::ReadOnly)];
    Topology { epoch: Epoch(epoch), since: at(weight.into()), vnodes: 512, replicas: 2, buckets }
}

pub async fn a_new_store_has_no_topology(subject: &Subject) {
    assert_eq!(subject.store.topology().await.unwrap(), None);
}

pub async fn a_topology_reads_back_as_it_was_written(subject: &Subject) {
    assert!(subject.store.put_topology(&topology(1, 7)).await.unwrap());
    assert_eq!(subject.other.topology().await.unwrap(), Some(topology(1, 7)));
}

pub async fn a_topology_follows_the_newest_or_is_refused(subject: &Subject) {
    assert!(subject.store.put_topology(&topology(1, 1)).await.unwrap());
    assert!(subject.store.put_topology(&topology(2, 2)).await.unwrap());
    for number in [0, 1, 2, 4, 5, u64::MAX] {
        assert!(!subject.other.put_topology(&topology(number, 9)).await.unwrap(), "{number}");
        assert_eq!(subject.store.topology().await.unwrap(), Some(topology(2, 2)));
    }
    assert!(subject.other.put_topology(&topology(3, 3)).await.unwrap());
    assert_eq!(subject.store.topology().await.unwrap(), Some(topology(3, 3)));
}

pub async fn epochs_follow_each_other_as_numbers(subject: &Subject) {
    for number in 1..=12 {
        assert!(subject.store.put_topology(&topology(number, 1)).await.unwrap());
        assert_eq!(subject.store.topology().await.unwrap(), Some(topology(number, 1)));
    }
}

pub async fn of_two_topologies_with_one_number_one_is_written(subject: &Subject) {
    for round in 0..subject.rounds {
        let number = round as u64 + 1;
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let (one, two) =
            race(round, async move { store.put_topology(&topology(number, 1)).await.unwrap() }, async move {
                other.put_topology(&topology(number, 2)).await.unwrap()
            })
            .await;
        assert_ne!(one, two);
        let weight = if one { 1 } else { 2 };
        assert_eq!(subject.store.topology().await.unwrap(), Some(topology(number, weight)));
    }
}
