//! Manifests: complete when visible, and holding what they name.

use super::subject::{Subject, at, digest, digests, manifest, much_later, put, repository, sorted, tag, tags};
use crate::metadata::{ManifestPut, ManifestRecord, Unlinked};
use crate::oci::{Algorithm, Digest, MediaType};

/// Every byte, over and over.
fn bytes(length: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(length).collect()
}

pub async fn a_manifest_reads_back_as_it_was_put(subject: &Subject) {
    let (a, blobs) = (repository("a"), digests("blob", 3));
    for blob in &blobs {
        subject.push(&a, blob).await;
    }
    let wanted = ManifestRecord {
        digest: Digest::of(Algorithm::Sha512, b"manifest"),
        media_type: MediaType::OCI_INDEX,
        size: 1 << 40,
        content: Some(bytes(1000)),
        subject: Some(digest("subject")),
        pushed: at(17),
        ..manifest("", &blobs)
    };
    let read = subject.published(&put(&a, &wanted, &[])).await;
    assert_eq!(read, ManifestRecord { generation: read.generation, ..wanted });
}

pub async fn content_of_the_largest_inline_size_reads_back(subject: &Subject) {
    let content = Some(bytes(ManifestRecord::MAX_INLINE));
    let large = ManifestRecord { content, ..manifest("large", &[]) };
    assert_eq!(subject.published(&put(&repository("a"), &large, &["1"])).await.content, large.content);
}

pub async fn a_manifest_may_lie_in_the_ring(subject: &Subject) {
    let (a, itself) = (repository("a"), digest("manifest"));
    subject.push(&a, &itself).await;
    let outside = ManifestRecord { content: None, ..manifest("manifest", std::slice::from_ref(&itself)) };
    assert_eq!(subject.published(&put(&a, &outside, &[])).await.content, None);
    assert_eq!(subject.store.unlink_blob(&a, &itself).await.unwrap(), Unlinked::InUse);
}

pub async fn a_manifest_is_invisible_in_another_repository(subject: &Subject) {
    let (a, b) = (repository("a"), repository("a/b"));
    let manifest = subject.push_manifest(&a, "manifest", &[], &["1"]).await;
    assert_eq!(subject.store.manifest(&b, &manifest.digest).await.unwrap(), None);
    assert_eq!(subject.store.delete_manifest(&b, &manifest.digest).await.unwrap(), None);
    assert_eq!(subject.other.manifest(&a, &manifest.digest).await.unwrap(), Some(manifest));
}

pub async fn exactly_the_missing_of_many_blobs_are_named(subject: &Subject) {
    let (a, blobs) = (repository("a"), digests("blob", 250));
    let (mut absent, mut present) = (Vec::new(), Vec::new());
    for (number, blob) in blobs.iter().enumerate() {
        if number % 40 == 7 { &mut absent } else { &mut present }.push(blob.clone());
    }
    for blob in &present {
        subject.push(&a, blob).await;
    }
    let put = put(&a, &manifest("manifest", &blobs), &["1"]);
    assert_eq!(subject.missing(&put).await, (sorted(absent.clone()), vec![]));
    assert_eq!(subject.store.manifest(&a, &put.manifest.digest).await.unwrap(), None);
    for blob in &absent {
        subject.push(&a, blob).await;
    }
    subject.published(&put).await;
}

pub async fn missing_children_are_named(subject: &Subject) {
    let (a, children) = (repository("a"), digests("child", 5));
    subject.push_manifest(&a, "child 1", &[], &[]).await;
    subject.push_manifest(&a, "child 4", &[], &[]).await;
    subject.push_manifest(&repository("b"), "child 2", &[], &[]).await;
    let index = manifest("index", &[digest("blob")]);
    let put = ManifestPut { children: children.clone(), ..put(&a, &index, &["1"]) };
    let absent = [0, 2, 3].map(|number: usize| children[number].clone());
    assert_eq!(subject.missing(&put).await, (vec![digest("blob")], sorted(absent.into())));
}

pub async fn a_missing_blob_that_is_named_twice_is_listed_once(subject: &Subject) {
    let (blob, child) = (digest("blob"), digest("child"));
    let twice = manifest("manifest", &[blob.clone(), blob.clone()]);
    let put = ManifestPut { children: vec![child.clone(), child.clone()], ..put(&repository("a"), &twice, &[]) };
    assert_eq!(subject.missing(&put).await, (vec![blob], vec![child]));
}

pub async fn a_blob_linked_elsewhere_is_missing(subject: &Subject) {
    let blob = digest("blob");
    subject.push(&repository("a"), &blob).await;
    let put = put(&repository("b"), &manifest("manifest", std::slice::from_ref(&blob)), &[]);
    assert_eq!(subject.missing(&put).await, (vec![blob], vec![]));
}

pub async fn an_unlinked_blob_is_missing(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    subject.push(&a, &blob).await;
    subject.store.unlink_blob(&a, &blob).await.unwrap();
    let put = put(&a, &manifest("manifest", std::slice::from_ref(&blob)), &[]);
    assert_eq!(subject.missing(&put).await, (vec![blob], vec![]));
}

pub async fn a_refused_put_changes_nothing(subject: &Subject) {
    let (a, blob, of) = (repository("a"), digest("blob"), digest("subject"));
    subject.push(&a, &blob).await;
    let record =
        ManifestRecord { subject: Some(of.clone()), ..manifest("manifest", &[blob.clone(), digest("absent")]) };
    let descriptor = crate::oci::Descriptor::new(MediaType::OCI_MANIFEST, record.digest.clone(), record.size);
    let put = ManifestPut { referrer: Some(descriptor), ..put(&a, &record, &["1"]) };
    subject.missing(&put).await;
    assert_eq!(subject.store.manifest(&a, &record.digest).await.unwrap(), None);
    assert_eq!(subject.store.tag(&a, &tag("1")).await.unwrap(), None);
    assert_eq!(subject.store.tags_of(&a, &record.digest).await.unwrap(), []);
    assert_eq!(subject.store.referrers(&a, &of, None, 10).await.unwrap(), []);
    assert_eq!(subject.store.tags(&a, None, 10).await.unwrap(), None);
    assert_eq!(subject.store.repositories(None, 10).await.unwrap(), []);
    assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::Removed);
}

pub async fn a_refused_second_put_leaves_the_first(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let first = subject.push_manifest(&a, "manifest", std::slice::from_ref(&blob), &["1"]).await;
    let refused = put(&a, &manifest("manifest", &[blob.clone(), digest("absent")]), &["2"]);
    subject.missing(&refused).await;
    assert_eq!(subject.store.manifest(&a, &first.digest).await.unwrap().as_ref(), Some(&first));
    assert_eq!(subject.store.tags_of(&a, &first.digest).await.unwrap(), [tag("1")]);
    assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::InUse);
    assert_eq!(subject.store.condemn_blob(&blob, much_later()).await.unwrap(), None);
}

pub async fn a_subject_need_not_exist(subject: &Subject) {
    let record = ManifestRecord { subject: Some(digest("absent")), ..manifest("manifest", &[]) };
    assert_eq!(subject.published(&put(&repository("a"), &record, &[])).await.subject, Some(digest("absent")));
}

pub async fn an_index_needs_its_children_only(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let child = subject.push_manifest(&a, "child", std::slice::from_ref(&blob), &[]).await;
    let index = ManifestPut { children: vec![child.digest], ..put(&a, &manifest("index", &[]), &["1"]) };
    subject.published(&index).await;
}

pub async fn a_manifest_may_name_things_twice(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let child = subject.push_manifest(&a, "child", &[], &[]).await.digest;
    subject.push(&a, &blob).await;
    let twice = manifest("manifest", &[blob.clone(), blob.clone()]);
    let put = ManifestPut { children: vec![child.clone(), child], ..put(&a, &twice, &["1", "1"]) };
    assert_eq!(subject.published(&put).await.blobs, [blob.clone(), blob.clone()]);
    assert_eq!(subject.store.delete_manifest(&a, &twice.digest).await.unwrap(), Some(tags(["1"])));
    assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::Removed);
}

pub async fn putting_again_is_a_new_generation(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let first = subject.push_manifest(&a, "manifest", std::slice::from_ref(&blob), &["1"]).await;
    let mut latest = first.generation;
    for seconds in [0, 0, 9, 4] {
        let again = ManifestRecord { pushed: at(seconds), ..first.clone() };
        let read = subject.published(&ManifestPut { now: at(seconds), ..put(&a, &again, &[]) }).await;
        assert!(read.generation > latest);
        latest = read.generation;
        assert_eq!(read, ManifestRecord { generation: latest, ..again });
        assert_eq!(subject.store.tags_of(&a, &first.digest).await.unwrap(), [tag("1")]);
        assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::InUse);
        assert_eq!(subject.store.condemn_blob(&blob, much_later()).await.unwrap(), None);
    }
}

pub async fn deleting_removes_the_manifest_and_its_tags(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let gone = subject.push_manifest(&a, "manifest", std::slice::from_ref(&blob), &["1", "10", "_"]).await;
    let stays = subject.push_manifest(&a, "another", &[], &["2"]).await;
    let went = subject.store.delete_manifest(&a, &gone.digest).await.unwrap().unwrap();
    assert_eq!(sorted(went), tags(["1", "10", "_"]));
    assert_eq!(subject.other.manifest(&a, &gone.digest).await.unwrap(), None);
    assert_eq!(subject.other.tags(&a, None, 10).await.unwrap(), Some(tags(["2"])));
    assert_eq!(subject.other.tags_of(&a, &gone.digest).await.unwrap(), []);
    for name in ["1", "10", "_"] {
        assert_eq!(subject.other.tag(&a, &tag(name)).await.unwrap(), None);
    }
    assert_eq!(subject.other.manifest(&a, &stays.digest).await.unwrap(), Some(stays));
    assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::Removed);
}

pub async fn deleting_nothing_says_so(subject: &Subject) {
    let a = repository("a");
    assert_eq!(subject.store.delete_manifest(&a, &digest("manifest")).await.unwrap(), None);
    let manifest = subject.push_manifest(&a, "manifest", &[], &[]).await;
    assert_eq!(subject.store.delete_manifest(&a, &manifest.digest).await.unwrap(), Some(vec![]));
    assert_eq!(subject.store.delete_manifest(&a, &manifest.digest).await.unwrap(), None);
}

pub async fn deleting_spares_a_tag_that_moved_away(subject: &Subject) {
    let a = repository("a");
    let old = subject.push_manifest(&a, "old", &[], &["1", "2"]).await;
    let new = subject.push_manifest(&a, "new", &[], &["1"]).await;
    assert_eq!(subject.store.delete_manifest(&a, &old.digest).await.unwrap(), Some(tags(["2"])));
    assert_eq!(subject.store.tag(&a, &tag("1")).await.unwrap().unwrap().digest, new.digest);
    assert_eq!(subject.store.tags_of(&a, &new.digest).await.unwrap(), [tag("1")]);
}

pub async fn sixty_tags_go_with_their_manifest(subject: &Subject) {
    tags_go_with_their_manifest(subject, 60).await;
}

pub async fn three_hundred_tags_go_with_their_manifest(subject: &Subject) {
    tags_go_with_their_manifest(subject, 300).await;
}

async fn tags_go_with_their_manifest(subject: &Subject, count: usize) {
    let a = repository("a");
    let names: Vec<String> = (0..count).map(|number| format!("t{number:03}")).collect();
    let manifest = manifest("manifest", &[]);
    for some in names.chunks(ManifestPut::MAX_TAGS) {
        let some: Vec<&str> = some.iter().map(String::as_str).collect();
        subject.published(&put(&a, &manifest, &some)).await;
    }
    assert_eq!(subject.store.tags_of(&a, &manifest.digest).await.unwrap(), tags(&names));
    let went = subject.store.delete_manifest(&a, &manifest.digest).await.unwrap().unwrap();
    assert_eq!(sorted(went), tags(&names));
    assert_eq!(subject.store.tags(&a, None, 1000).await.unwrap(), Some(vec![]));
    assert_eq!(subject.store.tags_of(&a, &manifest.digest).await.unwrap(), []);
}

pub async fn many_blobs_are_held_until_the_manifest_goes(subject: &Subject) {
    let (a, blobs) = (repository("a"), digests("blob", 120));
    let manifest = subject.push_manifest(&a, "manifest", &blobs, &["1"]).await;
    for blob in &blobs {
        assert_eq!(subject.store.unlink_blob(&a, blob).await.unwrap(), Unlinked::InUse);
    }
    subject.store.delete_manifest(&a, &manifest.digest).await.unwrap();
    for blob in &blobs {
        assert_eq!(subject.store.unlink_blob(&a, blob).await.unwrap(), Unlinked::Removed);
    }
}

pub async fn a_blob_is_held_by_each_of_two_manifests(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let one = subject.push_manifest(&a, "one", std::slice::from_ref(&blob), &["1"]).await;
    let two = subject.published(&put(&a, &manifest("two", std::slice::from_ref(&blob)), &["2"])).await;
    subject.store.delete_manifest(&a, &one.digest).await.unwrap();
    assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::InUse);
    subject.store.delete_manifest(&a, &two.digest).await.unwrap();
    assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::Removed);
}

pub async fn a_manifest_put_after_its_deletion_holds_its_blobs(subject: &Subject) {
    let (a, blob) = (repository("a"), digest("blob"));
    let first = subject.push_manifest(&a, "manifest", std::slice::from_ref(&blob), &["1"]).await;
    subject.store.delete_manifest(&a, &first.digest).await.unwrap();
    let second = subject.published(&ManifestPut { now: at(1), ..put(&a, &first, &[]) }).await;
    assert!(second.generation > first.generation);
    assert_eq!(subject.store.tags_of(&a, &first.digest).await.unwrap(), []);
    assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::InUse);
    assert_eq!(subject.store.condemn_blob(&blob, much_later()).await.unwrap(), None);
}
