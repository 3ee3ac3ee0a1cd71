//! Tags and the way back from a manifest to them.

use super::subject::{Subject, at, digest, manifest, put, repository, tag, tags};
use crate::metadata::{ManifestPut, ManifestRecord, PutOutcome, TagRecord};
use crate::oci::MediaType;

pub async fn a_put_moves_every_tag_it_names(subject: &Subject) {
    let a = repository("a");
    let names: Vec<String> = (0..ManifestPut::MAX_TAGS).map(|number| format!("t{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let record =
        ManifestRecord { media_type: MediaType::OCI_INDEX, size: 77, pushed: at(5), ..manifest("manifest", &[]) };
    subject.published(&ManifestPut { now: at(5), ..put(&a, &record, &names) }).await;
    let wanted = TagRecord { digest: record.digest.clone(), media_type: MediaType::OCI_INDEX, size: 77, pushed: at(5) };
    for name in &names {
        assert_eq!(subject.other.tag(&a, &tag(name)).await.unwrap().as_ref(), Some(&wanted));
    }
    assert_eq!(subject.other.tags_of(&a, &record.digest).await.unwrap(), tags(names));
}

pub async fn an_unknown_tag_names_nothing(subject: &Subject) {
    let (a, b) = (repository("a"), repository("a/b"));
    subject.push_manifest(&a, "manifest", &[], &["1"]).await;
    for (name, unknown) in [(&a, "10"), (&a, "_"), (&b, "1")] {
        assert_eq!(subject.store.tag(name, &tag(unknown)).await.unwrap(), None);
        assert!(!subject.store.delete_tag(name, &tag(unknown)).await.unwrap());
    }
    assert!(subject.store.tag(&a, &tag("1")).await.unwrap().is_some());
}

pub async fn a_moved_tag_leaves_its_old_manifest(subject: &Subject) {
    let a = repository("a");
    let old = subject.push_manifest(&a, "old", &[], &["1", "2"]).await;
    let new = subject.push_manifest(&a, "new", &[], &["2", "3"]).await;
    assert_eq!(subject.store.tag(&a, &tag("2")).await.unwrap().unwrap().digest, new.digest);
    assert_eq!(subject.store.tags_of(&a, &old.digest).await.unwrap(), tags(["1"]));
    assert_eq!(subject.store.tags_of(&a, &new.digest).await.unwrap(), tags(["2", "3"]));
    assert_eq!(subject.store.tags(&a, None, 10).await.unwrap(), Some(tags(["1", "2", "3"])));
    assert!(subject.store.manifest(&a, &old.digest).await.unwrap().is_some());
}

pub async fn a_tag_put_twice_is_one_tag(subject: &Subject) {
    let a = repository("a");
    let first = subject.push_manifest(&a, "manifest", &[], &["1"]).await;
    subject.published(&ManifestPut { now: at(9), ..put(&a, &first, &["1"]) }).await;
    assert_eq!(subject.store.tag(&a, &tag("1")).await.unwrap().unwrap().pushed, at(9));
    assert_eq!(subject.store.tags_of(&a, &first.digest).await.unwrap(), tags(["1"]));
    assert_eq!(subject.store.tags(&a, None, 10).await.unwrap(), Some(tags(["1"])));
}

pub async fn a_put_without_tags_moves_none(subject: &Subject) {
    let a = repository("a");
    let first = subject.push_manifest(&a, "manifest", &[], &["1"]).await;
    let before = subject.store.tag(&a, &tag("1")).await.unwrap();
    subject.push_manifest(&a, "another", &[], &[]).await;
    assert_eq!(subject.store.tag(&a, &tag("1")).await.unwrap(), before);
    assert_eq!(subject.store.tags_of(&a, &first.digest).await.unwrap(), tags(["1"]));
}

pub async fn a_deleted_tag_leaves_its_manifest(subject: &Subject) {
    let a = repository("a");
    let manifest = subject.push_manifest(&a, "manifest", &[], &["1", "10"]).await;
    assert!(subject.store.delete_tag(&a, &tag("1")).await.unwrap());
    assert_eq!(subject.other.tag(&a, &tag("1")).await.unwrap(), None);
    assert_eq!(subject.other.tags_of(&a, &manifest.digest).await.unwrap(), tags(["10"]));
    assert!(!subject.store.delete_tag(&a, &tag("1")).await.unwrap());
    assert_eq!(subject.other.manifest(&a, &manifest.digest).await.unwrap(), Some(manifest));
}

pub async fn an_unknown_repository_has_no_list_of_tags(subject: &Subject) {
    subject.push_manifest(&repository("a"), "manifest", &[], &["1"]).await;
    subject.push(&repository("b"), &digest("blob")).await;
    for unknown in ["b", "a/b", "c"] {
        assert_eq!(subject.store.tags(&repository(unknown), None, 10).await.unwrap(), None);
        assert_eq!(subject.store.tags(&repository(unknown), None, 0).await.unwrap(), None);
    }
}

pub async fn a_repository_outlives_its_last_tag_and_manifest(subject: &Subject) {
    let a = repository("a");
    let manifest = subject.push_manifest(&a, "manifest", &[], &["1"]).await;
    subject.store.delete_tag(&a, &tag("1")).await.unwrap();
    assert_eq!(subject.store.tags(&a, None, 10).await.unwrap(), Some(vec![]));
    subject.store.delete_manifest(&a, &manifest.digest).await.unwrap();
    assert_eq!(subject.store.tags(&a, None, 10).await.unwrap(), Some(vec![]));
    assert_eq!(subject.store.repositories(None, 10).await.unwrap(), [a]);
}

pub async fn tags_come_in_byte_order_and_in_pages(subject: &Subject) {
    let a = repository("a");
    let names = ["1", "10", "2", "A", "_", "a", "a-b", "a.b", "ab"];
    let shuffled = ["a.b", "10", "ab", "_", "1", "a", "2", "a-b", "A"];
    subject.push_manifest(&a, "manifest", &[], &shuffled).await;
    let all = tags(names);
    for start in 0..=all.len() {
        let after = start.checked_sub(1).map(|last| &all[last]);
        for limit in 0..=all.len() + 1 {
            let page = subject.store.tags(&a, after, limit).await.unwrap().unwrap();
            assert_eq!(page, all[start..][..limit.min(all.len() - start)], "{limit} after {after:?}");
        }
    }
    for (absent, next) in [("0", "1"), ("11", "2"), ("1.", "10"), ("B", "_"), ("a0", "ab")] {
        let page = subject.store.tags(&a, Some(&tag(absent)), 1).await.unwrap();
        assert_eq!(page, Some(tags([next])), "after {absent}");
    }
    assert_eq!(subject.store.tags(&a, Some(&tag("zz")), 5).await.unwrap(), Some(vec![]));
}

pub async fn many_tags_are_paged_without_loss(subject: &Subject) {
    let a = repository("a");
    let names: Vec<String> = (0..130).map(|number| format!("t{number:03}")).collect();
    for some in names.chunks(ManifestPut::MAX_TAGS) {
        let some: Vec<&str> = some.iter().map(String::as_str).collect();
        subject.published(&put(&a, &manifest(&some.join(" "), &[]), &some)).await;
    }
    let mut found = Vec::new();
    loop {
        let page = subject.store.tags(&a, found.last(), 7).await.unwrap().unwrap();
        assert!(page.len() <= 7);
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert_eq!(found, tags(&names));
}

pub async fn tags_of_lists_every_tag_of_one_manifest_only(subject: &Subject) {
    let (a, b) = (repository("a"), repository("b"));
    let one = subject.push_manifest(&a, "one", &[], &["10", "a", "1", "_"]).await;
    subject.push_manifest(&a, "two", &[], &["2"]).await;
    subject.push_manifest(&b, "one", &[], &["3"]).await;
    assert_eq!(subject.store.tags_of(&a, &one.digest).await.unwrap(), tags(["1", "10", "_", "a"]));
    assert_eq!(subject.store.tags_of(&b, &one.digest).await.unwrap(), tags(["3"]));
    assert_eq!(subject.store.tags_of(&a, &digest("absent")).await.unwrap(), []);
}

pub async fn who_may_move_no_tag_gives_new_ones_and_those_that_stay(subject: &Subject) {
    let (a, new) = (repository("a"), manifest("new", &[]));
    let old = subject.push_manifest(&a, "old", &[], &["1"]).await;
    let giving = |manifest: &_, tags: &[&str]| ManifestPut { may_move_tags: false, ..put(&a, manifest, tags) };
    let refused = subject.store.put_manifest(&giving(&new, &["0", "1", "2"])).await.unwrap();
    assert_eq!(refused, PutOutcome::TagTaken(tag("1")));
    assert_eq!(subject.store.manifest(&a, &new.digest).await.unwrap(), None);
    assert_eq!(subject.store.tags(&a, None, 10).await.unwrap(), Some(tags(["1"])));
    subject.published(&giving(&new, &["2"])).await;
    subject.published(&giving(&old, &["1", "3"])).await;
    assert_eq!(subject.store.tags_of(&a, &old.digest).await.unwrap(), tags(["1", "3"]));
}
