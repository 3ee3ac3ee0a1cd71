//! What the collector may take, and what brings a blob back.

use std::time::Duration;

use super::subject::{Subject, at, commit, digest, home, lease, manifest, much_later, put, repository};
use crate::clock::Timestamp;
use crate::metadata::{BlobCommit, BlobRecord, Committed, Generation, Unlinked};
use crate::oci::{Digest, RepositoryName};

/// Publishes bytes where they were not live before.
async fn publish(subject: &Subject, commit: &BlobCommit) -> BlobRecord {
    match subject.store.commit_blob(commit).await.unwrap() {
        Committed::Published(blob) => blob,
        outcome => panic!("{outcome:?}"),
    }
}

/// Commits a blob and condemns it.
async fn condemned(subject: &Subject, repository: &RepositoryName, digest: &Digest) -> BlobRecord {
    subject.push(repository, digest).await;
    subject.store.condemn_blob(digest, much_later()).await.unwrap().unwrap()
}

pub async fn a_blob_is_condemned_once_its_lease_is_over(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let record = subject.push(&a, &blob).await;
    let almost = Timestamp::from_millis(lease().as_millis() - 1);
    assert_eq!(subject.store.condemn_blob(&blob, almost).await.unwrap(), None);
    assert_eq!(subject.linked(&a, &blob).await.unwrap().blob, record);
    let after = lease().plus(Duration::from_millis(1));
    assert_eq!(subject.store.condemn_blob(&blob, after).await.unwrap(), Some(record));
}

pub async fn a_lease_in_any_repository_keeps_a_blob(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("b"), digest("blob"));
    subject.push(&a, &blob).await;
    subject.store.mount_blob(&a, &b, &blob, at(9999)).await.unwrap();
    assert_eq!(subject.store.condemn_blob(&blob, at(9000)).await.unwrap(), None);
    for name in [&a, &b] {
        assert!(subject.linked(name, &blob).await.is_some());
    }
    assert!(subject.store.condemn_blob(&blob, at(10000)).await.unwrap().is_some());
}

pub async fn a_use_keeps_a_blob_without_a_lease(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("b"), digest("blob"));
    subject.push_manifest(&b, "manifest", std::slice::from_ref(&blob), &[]).await;
    subject.store.mount_blob(&b, &a, &blob, lease()).await.unwrap();
    assert_eq!(subject.store.condemn_blob(&blob, much_later()).await.unwrap(), None);
    for name in [&a, &b] {
        assert!(subject.linked(name, &blob).await.is_some());
    }
}

pub async fn a_blob_goes_after_the_last_manifest_that_used_it(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("b"), digest("blob"));
    let one = subject.push_manifest(&a, "manifest", std::slice::from_ref(&blob), &["1"]).await;
    subject.store.mount_blob(&a, &b, &blob, lease()).await.unwrap();
    subject.published(&put(&b, &one, &["1"])).await;
    subject.store.delete_manifest(&a, &one.digest).await.unwrap();
    assert_eq!(subject.store.condemn_blob(&blob, much_later()).await.unwrap(), None);
    subject.store.delete_manifest(&b, &one.digest).await.unwrap();
    assert_eq!(subject.store.condemn_blob(&blob, at(1)).await.unwrap(), None);
    assert!(subject.store.condemn_blob(&blob, much_later()).await.unwrap().is_some());
}

pub async fn an_unlinked_blob_has_no_lease(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let record = subject.push(&a, &blob).await;
    subject.store.unlink_blob(&a, &blob).await.unwrap();
    assert_eq!(subject.store.condemn_blob(&blob, at(1)).await.unwrap(), Some(record));
}

pub async fn a_condemned_blob_is_nowhere_to_be_seen(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("b"), digest("blob"));
    condemned(subject, &a, &blob).await;
    assert_eq!(subject.linked(&a, &blob).await, None);
    assert_eq!(subject.store.renew_link(&a, &blob, at(9_999_999)).await.unwrap(), None);
    assert_eq!(subject.store.mount_blob(&a, &b, &blob, at(9_999_999)).await.unwrap(), None);
    assert_eq!(subject.linked(&a, &blob).await, None);
    assert_eq!(subject.linked(&b, &blob).await, None);
}

pub async fn a_condemned_blob_is_missing_to_a_manifest(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let record = condemned(subject, &a, &blob).await;
    let put = put(&a, &manifest("manifest", std::slice::from_ref(&blob)), &["1"]);
    assert_eq!(subject.missing(&put).await, (vec![blob.clone()], vec![]));
    assert!(subject.store.forget_blob(&record).await.unwrap());
    assert_eq!(subject.missing(&put).await, (vec![blob], vec![]));
}

pub async fn a_condemned_blob_is_not_condemned_again(subject: &Subject) {
    let blob = digest("blob");
    condemned(subject, &repository("a"), &blob).await;
    assert_eq!(subject.store.condemn_blob(&blob, much_later()).await.unwrap(), None);
}

pub async fn a_blob_that_is_kept_stays_as_it_was(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    subject.push_manifest(&a, "manifest", std::slice::from_ref(&blob), &[]).await;
    let before = subject.linked(&a, &blob).await;
    assert_eq!(subject.store.condemn_blob(&blob, much_later()).await.unwrap(), None);
    assert_eq!(subject.linked(&a, &blob).await, before);
    assert!(subject.store.renew_link(&a, &blob, lease()).await.unwrap().is_some());
}

pub async fn a_commit_revives_a_condemned_blob_at_its_own_place(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("b"), digest("blob"));
    let old = condemned(subject, &a, &blob).await;
    let commit = BlobCommit { now: much_later(), lease: at(2_000_000), ..commit(&b, &blob) };
    let new = publish(subject, &commit).await;
    assert_eq!(new.place, commit.place);
    assert!(new.generation > old.generation);
    assert!(!subject.store.forget_blob(&old).await.unwrap());
    assert_eq!(subject.linked(&b, &blob).await.unwrap().blob, new);
    assert_eq!(subject.store.condemn_blob(&blob, much_later()).await.unwrap(), None);
}

pub async fn a_commit_at_the_condemned_path_is_safe_from_the_collector(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let to = |version| BlobCommit { place: home(&blob, version), ..commit(&a, &blob) };
    publish(subject, &to("1")).await;
    let old = subject.store.condemn_blob(&blob, much_later()).await.unwrap().unwrap();
    assert_eq!(old.place, home(&blob, "1"));
    let new = publish(subject, &BlobCommit { lease: at(2_000_000), ..to("2") }).await;
    assert_eq!(new.place, home(&blob, "2"));
    assert!(new.generation > old.generation);
    assert!(!subject.store.forget_blob(&old).await.unwrap());
    assert_eq!(subject.linked(&a, &blob).await.unwrap().blob, new);
}

pub async fn a_forgotten_blob_is_gone_and_can_come_back(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let old = condemned(subject, &a, &blob).await;
    assert!(subject.store.forget_blob(&old).await.unwrap());
    assert!(!subject.store.forget_blob(&old).await.unwrap());
    assert_eq!(subject.linked(&a, &blob).await, None);
    let again = BlobCommit { now: much_later(), lease: at(2_000_000), ..commit(&a, &blob) };
    let new = publish(subject, &again).await;
    assert!(new.generation > old.generation);
    assert!(!subject.store.forget_blob(&old).await.unwrap());
    assert_eq!(subject.linked(&a, &blob).await.unwrap().blob, new);
}

pub async fn a_forgotten_blob_leaves_no_links_behind(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("b"), digest("blob"));
    let old = condemned(subject, &a, &blob).await;
    assert!(subject.store.forget_blob(&old).await.unwrap());
    assert_eq!(subject.store.repositories_of(&blob, 10).await.unwrap(), []);
    subject.push(&b, &blob).await;
    assert_eq!(subject.linked(&a, &blob).await, None);
    assert_eq!(subject.store.repositories_of(&blob, 10).await.unwrap(), [b]);
}

pub async fn a_live_blob_cannot_be_forgotten(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let record = subject.push(&a, &blob).await;
    assert!(!subject.store.forget_blob(&record).await.unwrap());
    assert_eq!(subject.linked(&a, &blob).await.unwrap().blob, record);
    subject.store.condemn_blob(&blob, much_later()).await.unwrap().unwrap();
    let another = BlobRecord { generation: Generation(record.generation.0 + 1), ..record };
    assert!(!subject.store.forget_blob(&another).await.unwrap());
}

pub async fn a_refused_put_keeps_nothing(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    subject.push(&a, &blob).await;
    let refused = manifest("manifest", &[blob.clone(), digest("absent")]);
    subject.missing(&put(&a, &refused, &["1"])).await;
    assert!(subject.store.condemn_blob(&blob, much_later()).await.unwrap().is_some());
    assert_eq!(subject.store.unlink_blob(&a, &digest("absent")).await.unwrap(), Unlinked::Unknown);
}
