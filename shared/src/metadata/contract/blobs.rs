//! Blobs and their links.

use super::subject::{Subject, at, commit, digest, home, lease, much_later, repository};
use crate::metadata::{BlobCommit, Committed, LinkedBlob, Place, Unlinked};

pub async fn a_store_that_can_be_read_answers_a_ping(subject: &Subject) {
    subject.store.ping().await.unwrap();
    subject.other.ping().await.unwrap();
}

pub async fn a_committed_blob_is_linked_until_its_lease(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let commit = commit(&a, &blob);
    let Committed::Published(record) = subject.store.commit_blob(&commit).await.unwrap() else {
        panic!("nothing was there before")
    };
    assert_eq!((&record.digest, record.size, &record.place), (&blob, 42, &commit.place));
    assert_eq!(subject.linked(&a, &blob).await, Some(LinkedBlob { blob: record, lease: lease() }));
}

pub async fn a_blob_that_nobody_committed_is_unknown(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("b"), digest("blob"));
    assert_eq!(subject.linked(&a, &blob).await, None);
    assert_eq!(subject.store.renew_link(&a, &blob, lease()).await.unwrap(), None);
    assert_eq!(subject.store.mount_blob(&a, &b, &blob, lease()).await.unwrap(), None);
    assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::Unknown);
    assert_eq!(subject.store.condemn_blob(&blob, much_later()).await.unwrap(), None);
    assert_eq!(subject.store.repositories_of(&blob, 10).await.unwrap(), []);
}

pub async fn a_blob_is_invisible_where_it_is_not_linked(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("a/b"), digest("blob"));
    subject.push(&a, &blob).await;
    assert_eq!(subject.linked(&b, &blob).await, None);
    assert_eq!(subject.store.unlink_blob(&b, &blob).await.unwrap(), Unlinked::Unknown);
    assert!(subject.linked(&a, &blob).await.is_some());
}

pub async fn renewing_prolongs_the_lease(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let record = subject.push(&a, &blob).await;
    assert_eq!(subject.store.renew_link(&a, &blob, at(9999)).await.unwrap().as_ref(), Some(&record));
    assert_eq!(subject.linked(&a, &blob).await, Some(LinkedBlob { blob: record, lease: at(9999) }));
    assert_eq!(subject.store.condemn_blob(&blob, at(9998)).await.unwrap(), None);
    assert!(subject.linked(&a, &blob).await.is_some());
}

pub async fn renewing_never_shortens_the_lease(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let record = subject.push(&a, &blob).await;
    assert_eq!(subject.store.renew_link(&a, &blob, at(1)).await.unwrap().as_ref(), Some(&record));
    assert_eq!(subject.linked(&a, &blob).await, Some(LinkedBlob { blob: record, lease: lease() }));
}

pub async fn renewing_makes_no_link(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("b"), digest("blob"));
    subject.push(&a, &blob).await;
    assert_eq!(subject.store.renew_link(&b, &blob, lease()).await.unwrap(), None);
    assert_eq!(subject.linked(&b, &blob).await, None);
    assert_eq!(subject.store.repositories_of(&blob, 10).await.unwrap(), [a]);
}

pub async fn nothing_shortens_a_promised_lease(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("b"), digest("blob"));
    subject.push(&a, &blob).await;
    subject.push_manifest(&b, "other", &[digest("other blob")], &[]).await;
    subject.store.mount_blob(&a, &b, &blob, lease()).await.unwrap().unwrap();
    for repository in [&a, &b] {
        subject.store.renew_link(repository, &blob, at(9999)).await.unwrap().unwrap();
    }
    let shorter = BlobCommit { lease: at(5), ..commit(&a, &blob) };
    subject.store.commit_blob(&shorter).await.unwrap();
    subject.store.mount_blob(&a, &b, &blob, at(5)).await.unwrap().unwrap();
    for repository in [&a, &b] {
        assert_eq!(subject.linked(repository, &blob).await.unwrap().lease, at(9999));
    }
}

pub async fn a_second_commit_links_and_keeps_the_first_place(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("b"), digest("blob"));
    let first = subject.push(&a, &blob).await;
    for name in [&b, &a] {
        let outcome = subject.store.commit_blob(&commit(name, &blob)).await.unwrap();
        assert_eq!(outcome, Committed::Kept(first.clone()));
        assert_eq!(subject.linked(name, &blob).await.unwrap().blob, first);
    }
}

pub async fn a_commit_at_the_same_path_replaces_the_version(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("b"), digest("blob"));
    let to = |name, version| BlobCommit { place: home(&blob, version), ..commit(name, &blob) };
    let Committed::Published(first) = subject.store.commit_blob(&to(&a, "1")).await.unwrap() else {
        panic!("nothing was there before")
    };
    let Committed::Published(second) = subject.store.commit_blob(&to(&b, "2")).await.unwrap() else {
        panic!("the path is the same")
    };
    assert_eq!(second.place, home(&blob, "2"));
    assert!(second.generation > first.generation);
    for name in [&a, &b] {
        assert_eq!(subject.linked(name, &blob).await.unwrap().blob, second);
    }
}

pub async fn the_same_path_in_another_bucket_is_another_place(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let first = BlobCommit { place: home(&blob, "1"), ..commit(&a, &blob) };
    let Committed::Published(first) = subject.store.commit_blob(&first).await.unwrap() else {
        panic!("nothing was there before")
    };
    let elsewhere = Place { bucket: "two".parse().unwrap(), ..home(&blob, "2") };
    let second = BlobCommit { place: elsewhere, ..commit(&a, &blob) };
    assert_eq!(subject.store.commit_blob(&second).await.unwrap(), Committed::Kept(first));
}

pub async fn mounting_links_the_blob(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("b"), digest("blob"));
    let record = subject.push(&a, &blob).await;
    assert_eq!(subject.store.mount_blob(&a, &b, &blob, at(9999)).await.unwrap().as_ref(), Some(&record));
    assert_eq!(subject.linked(&b, &blob).await, Some(LinkedBlob { blob: record.clone(), lease: at(9999) }));
    assert_eq!(subject.linked(&a, &blob).await, Some(LinkedBlob { blob: record, lease: lease() }));
}

pub async fn mounting_needs_the_link_of_the_source(subject: &Subject) {
    let (a, b, c, blob) = (repository("a"), repository("b"), repository("c"), digest("blob"));
    subject.push(&a, &blob).await;
    assert_eq!(subject.store.mount_blob(&b, &c, &blob, lease()).await.unwrap(), None);
    assert_eq!(subject.linked(&b, &blob).await, None);
    assert_eq!(subject.linked(&c, &blob).await, None);
    assert_eq!(subject.store.repositories_of(&blob, 10).await.unwrap(), [a]);
}

pub async fn mounting_onto_a_link_prolongs_it(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let record = subject.push(&a, &blob).await;
    assert_eq!(subject.store.mount_blob(&a, &a, &blob, at(9999)).await.unwrap().as_ref(), Some(&record));
    assert_eq!(subject.linked(&a, &blob).await, Some(LinkedBlob { blob: record, lease: at(9999) }));
}

pub async fn repositories_of_a_blob_come_in_byte_order_up_to_the_limit(subject: &Subject) {
    let blob = digest("blob");
    for name in ["ab", "a/b", "b", "a", "a-b"] {
        subject.store.commit_blob(&commit(&repository(name), &blob)).await.unwrap();
    }
    subject.store.unlink_blob(&repository("b"), &blob).await.unwrap();
    let all = ["a", "a-b", "a/b", "ab"].map(repository);
    for limit in [0, 1, 3, 4, 100] {
        let some = subject.store.repositories_of(&blob, limit).await.unwrap();
        assert_eq!(some, all[..limit.min(4)], "{limit}");
    }
}

pub async fn an_unlinked_blob_is_unreadable_at_once(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("b"), digest("blob"));
    subject.push(&a, &blob).await;
    assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::Removed);
    assert_eq!(subject.linked(&a, &blob).await, None);
    assert_eq!(subject.store.renew_link(&a, &blob, lease()).await.unwrap(), None);
    assert_eq!(subject.store.mount_blob(&a, &b, &blob, lease()).await.unwrap(), None);
    assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::Unknown);
    assert_eq!(subject.linked(&a, &blob).await, None);
}

pub async fn unlinking_in_one_repository_leaves_the_others(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("a/b"), digest("blob"));
    let record = subject.push(&a, &blob).await;
    subject.store.mount_blob(&a, &b, &blob, lease()).await.unwrap();
    assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::Removed);
    assert_eq!(subject.linked(&b, &blob).await, Some(LinkedBlob { blob: record, lease: lease() }));
}

pub async fn an_unlinked_blob_can_be_linked_again(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("b"), digest("blob"));
    subject.push(&a, &blob).await;
    subject.store.mount_blob(&a, &b, &blob, lease()).await.unwrap();
    for name in [&a, &b] {
        assert_eq!(subject.store.unlink_blob(name, &blob).await.unwrap(), Unlinked::Removed);
    }
    subject.store.commit_blob(&commit(&b, &blob)).await.unwrap();
    assert!(subject.store.mount_blob(&b, &a, &blob, lease()).await.unwrap().is_some());
    assert!(subject.linked(&a, &blob).await.is_some());
}

pub async fn a_used_blob_stays_linked(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let manifest = subject.push_manifest(&a, "manifest", std::slice::from_ref(&blob), &["1"]).await;
    assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::InUse);
    assert_eq!(subject.linked(&a, &blob).await.unwrap().lease, lease());
    assert!(subject.store.mount_blob(&a, &repository("b"), &blob, lease()).await.unwrap().is_some());
    subject.store.delete_manifest(&a, &manifest.digest).await.unwrap();
    assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::Removed);
}

pub async fn a_use_in_another_repository_does_not_hold_the_link(subject: &Subject) {
    let (a, b, blob) = (repository("a"), repository("a/b"), digest("blob"));
    subject.push_manifest(&b, "manifest", std::slice::from_ref(&blob), &[]).await;
    subject.store.mount_blob(&b, &a, &blob, lease()).await.unwrap();
    assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::Removed);
    assert!(subject.linked(&b, &blob).await.is_some());
}
