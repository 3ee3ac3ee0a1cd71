//! The ring in operation: blobs by sectors, in several places, and how far a topology is carried out.

use std::collections::BTreeMap;

use super::subject::{Subject, at, commit, digest, digests, home, much_later, repository, sorted};
use super::topology::topology;
use crate::metadata::{BlobCommit, BlobRecord, Committed, Pass, Place, Rehousing, Sector, Tally, Work};
use crate::oci::Digest;
use crate::storage::{Ailment, Epoch, Health};

/// The same object in another bucket.
fn copy_in(bucket: &str, digest: &Digest) -> Place {
    Place { bucket: bucket.parse().unwrap(), ..home(digest, "copy") }
}

fn tally(moved: u64) -> Tally {
    Tally { moved, ..Tally::default() }
}

fn rehousing(found: &BlobRecord, places: &[Place]) -> Rehousing {
    Rehousing { found: found.clone(), places: places.to_vec(), held: None, works: Vec::new() }
}

async fn sector_entry(subject: &Subject) -> Vec<Digest> {
    let mut found = Vec::new();
    for sector in Sector::all() {
        let blobs = subject.store.blobs(sector, None, 1000).await.unwrap();
        assert!(blobs.iter().all(|blob| Sector::of(&blob.digest) == sector));
        found.extend(blobs.into_iter().map(|blob| blob.digest));
    }
    sorted(found)
}

pub async fn every_live_blob_is_in_one_sector(subject: &Subject) {
    let all = digests("blob", 40);
    for digest in &all {
        subject.push(&repository("a"), digest).await;
    }
    assert_eq!(sector_entry(subject).await, sorted(all.clone()));
    let condemned = subject.store.condemn_blob(&all[0], much_later()).await.unwrap().unwrap();
    assert_eq!(sector_entry(subject).await, sorted(all[1..].to_vec()));
    assert!(subject.store.forget_blob(&condemned).await.unwrap());
    assert_eq!(sector_entry(subject).await, sorted(all[1..].to_vec()));
    subject.push(&repository("a"), &all[0]).await;
    assert_eq!(sector_entry(subject).await, sorted(all));
}

pub async fn blobs_of_a_sector_come_in_byte_order_and_in_pages(subject: &Subject) {
    let sector = Sector::of(&digest("blob 0"));
    let all: Vec<_> = digests("blob", 120).into_iter().filter(|digest| Sector::of(digest) == sector).collect();
    for digest in &all {
        subject.push(&repository("a"), digest).await;
    }
    let gone = subject.store.condemn_blob(&all[0], much_later()).await.unwrap().unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = subject.other.blobs(sector, after.as_ref(), 2).await.unwrap();
        found.extend(page.iter().map(|blob| blob.digest.clone()));
        match page.last() {
            Some(last) if page.len() == 2 => after = Some(last.digest.clone()),
            _ => break,
        }
    }
    assert_eq!(found, sorted(all.into_iter().filter(|digest| *digest != gone.digest).collect()));
}

pub async fn a_blob_may_lie_in_several_places(subject: &Subject) {
    let blob = subject.push(&repository("a"), &digest("blob")).await;
    let places = [home(&blob.digest, "2"), copy_in("two", &blob.digest)];
    assert!(subject.store.rehouse_blob(&rehousing(&blob, &places)).await.unwrap());
    let found = subject.other.blob(&blob.digest).await.unwrap().unwrap();
    assert_eq!(found.places().cloned().collect::<Vec<_>>(), places);
    assert_eq!(found.generation, blob.generation);
    assert!(!subject.store.rehouse_blob(&rehousing(&blob, &places)).await.unwrap(), "it is no longer as it was found");
    assert!(!subject.store.rehouse_blob(&rehousing(&found, &[])).await.unwrap(), "it must lie somewhere");
    assert_eq!(subject.other.blob_in_any_state(&blob.digest).await.unwrap(), Some(found));
}

pub async fn rehousing_records_the_work_that_it_makes(subject: &Subject) {
    let blob = subject.push(&repository("a"), &digest("blob")).await;
    let work = Work::house(&blob.digest, at(5));
    let places = [home(&blob.digest, "2")];
    let rehousing = Rehousing { works: vec![work.clone()], ..rehousing(&blob, &places) };
    assert!(subject.store.rehouse_blob(&rehousing).await.unwrap());
    assert_eq!(subject.other.work_of(&work.upload).await.unwrap(), Some(work.clone()));
    assert!(subject.store.change_work(&work, None).await.unwrap());
    assert!(!subject.store.rehouse_blob(&rehousing).await.unwrap());
    assert_eq!(subject.other.work_of(&work.upload).await.unwrap(), None);
}

pub async fn a_commit_over_one_of_its_places_leaves_a_blob_the_others(subject: &Subject) {
    let blob = subject.push(&repository("a"), &digest("blob")).await;
    let (first, copy) = (home(&blob.digest, "2"), copy_in("two", &blob.digest));
    assert!(subject.store.rehouse_blob(&rehousing(&blob, &[first.clone(), copy.clone()])).await.unwrap());
    let written = Place { version: home(&blob.digest, "3").version, ..copy };
    let again = BlobCommit { place: written.clone(), ..commit(&repository("b"), &blob.digest) };
    let Committed::Published(record) = subject.store.commit_blob(&again).await.unwrap() else { panic!("it is new") };
    assert_eq!(record.places().cloned().collect::<Vec<_>>(), [first, written]);
    assert!(record.generation > blob.generation);
    assert_eq!(subject.other.blob(&blob.digest).await.unwrap(), Some(record));
}

pub async fn a_version_that_is_written_over_goes_when_its_store_keeps_it(subject: &Subject) {
    let (repository, digest) = (repository("a"), digest("blob"));
    let to = |version, goes| BlobCommit {
        place: home(&digest, version),
        overwritten_goes: goes,
        ..commit(&repository, &digest)
    };
    let left = async || subject.other.due_work(at(1000), 10).await.unwrap();
    for commit in [to("1", Some(at(100))), to("1", Some(at(100))), to("2", None)] {
        assert!(matches!(subject.store.commit_blob(&commit).await.unwrap(), Committed::Published(_)));
        assert_eq!(left().await, []);
    }
    subject.store.commit_blob(&to("3", Some(at(100)))).await.unwrap();
    let [work] = left().await.try_into().unwrap();
    assert_eq!(work, Work::discard(work.upload.clone(), home(&digest, "2"), at(100)));
}

pub async fn a_condemned_blob_is_still_known(subject: &Subject) {
    let blob = subject.push(&repository("a"), &digest("blob")).await;
    let condemned = subject.store.condemn_blob(&blob.digest, much_later()).await.unwrap().unwrap();
    assert_eq!(subject.other.blob_in_any_state(&blob.digest).await.unwrap(), Some(blob));
    assert!(subject.store.forget_blob(&condemned).await.unwrap());
    assert_eq!(subject.other.blob_in_any_state(&condemned.digest).await.unwrap(), None);
}

pub async fn a_lost_blob_is_out_of_sight_until_it_is_pushed_again(subject: &Subject) {
    let repository = repository("a");
    let manifest = subject.push_manifest(&repository, "manifest", &[digest("blob")], &["tag"]).await;
    let blob = subject.other.blob(&digest("blob")).await.unwrap().unwrap();
    let other = BlobRecord { size: 43, ..blob.clone() };
    assert!(!subject.store.lose_blob(&other).await.unwrap(), "it is another");
    assert!(subject.store.lose_blob(&blob).await.unwrap());
    assert!(!subject.store.lose_blob(&blob).await.unwrap(), "it is lost once");
    assert_eq!(subject.linked(&repository, &blob.digest).await, None);
    assert_eq!(subject.other.blob_in_any_state(&blob.digest).await.unwrap(), None);
    assert_eq!(subject.store.condemn_blob(&blob.digest, much_later()).await.unwrap(), None);
    assert_eq!(subject.linked(&repository, &blob.digest).await, None, "a collector does not bring it back");
    assert!(subject.other.manifest(&repository, &manifest.digest).await.unwrap().is_some());
    let again = subject.push(&repository, &blob.digest).await;
    assert_eq!(subject.linked(&repository, &blob.digest).await.unwrap().blob, again);
}

pub async fn topologies_come_newest_first(subject: &Subject) {
    for number in 1..=12 {
        assert!(subject.store.put_topology(&topology(number, 1)).await.unwrap());
    }
    let epochs = async |limit| {
        let found = subject.other.topologies(limit).await.unwrap();
        found.into_iter().map(|topology| topology.epoch.0).collect::<Vec<_>>()
    };
    assert_eq!(epochs(3).await, [12, 11, 10]);
    assert_eq!(epochs(100).await, (1..=12).rev().collect::<Vec<_>>());
}

pub async fn a_pass_goes_on_only_from_where_it_is(subject: &Subject) {
    let sector = Sector::of(&digest("blob"));
    let first = Pass::begin(sector, Epoch(2), at(0), 1);
    assert_eq!(subject.store.passes().await.unwrap(), []);
    assert!(subject.store.change_pass(None, &first).await.unwrap());
    assert!(!subject.other.change_pass(None, &first).await.unwrap());
    let second = Pass { version: 2, after: Some(digest("blob")), tally: tally(7), ..first.clone() };
    assert!(subject.other.change_pass(Some(&first), &second).await.unwrap());
    assert!(!subject.store.change_pass(Some(&first), &Pass { version: 2, ..first.clone() }).await.unwrap());
    assert_eq!(subject.store.passes().await.unwrap(), [second]);
}

pub async fn a_pass_is_taken_once(subject: &Subject) {
    let mut known: Option<Pass> = None;
    for version in 1..=subject.rounds as u64 {
        let next = Pass::begin(Sector::of(&digest("blob")), Epoch(2), at(0), version);
        let [one, two] = [1, 2].map(|moved| Pass { tally: tally(moved), ..next.clone() });
        let (first, second) = tokio::join!(
            subject.store.change_pass(known.as_ref(), &one),
            subject.other.change_pass(known.as_ref(), &two)
        );
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_ne!(first, second);
        known = Some(if first { one } else { two });
        assert_eq!(subject.store.passes().await.unwrap(), known.iter().cloned().collect::<Vec<_>>());
    }
}

pub async fn health_reads_back_as_it_was_put(subject: &Subject) {
    assert_eq!(subject.store.health().await.unwrap(), None);
    let ailment = Ailment { since: at(3), why: "unavailable".to_owned() };
    for ailing in [BTreeMap::from([("one".parse().unwrap(), ailment)]), BTreeMap::new()] {
        let health = Health { checked: at(9), ailing, reached: BTreeMap::from([("two".parse().unwrap(), at(8))]) };
        subject.store.put_health(&health).await.unwrap();
        assert_eq!(subject.other.health().await.unwrap(), Some(health));
    }
}
