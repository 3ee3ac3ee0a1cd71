//! What refers to a subject.

use super::subject::{Subject, digest, manifest, put, repository, sorted};
use crate::metadata::{ManifestPut, ManifestRecord, Referrer};
use crate::oci::{Algorithm, Descriptor, Digest, MediaType, RepositoryName};

/// A put of a manifest that refers to `of`.
fn referring(repository: &RepositoryName, digest: &Digest, of: &Digest) -> ManifestPut {
    let record = ManifestRecord { digest: digest.clone(), subject: Some(of.clone()), ..manifest("referrer", &[]) };
    let referrer = Referrer {
        artifact_type: Some("application/vnd.example.sbom".parse().unwrap()),
        annotations: [("key ä \"".to_owned(), "value\n".repeat(200))].into(),
        ..Descriptor::new(MediaType::OCI_MANIFEST, digest.clone(), record.size)
    };
    ManifestPut { referrer: Some(referrer), ..put(repository, &record, &[]) }
}

pub async fn a_manifest_with_a_subject_is_listed_with_all_of_its_descriptor(subject: &Subject) {
    let (a, of) = (repository("a"), digest("subject"));
    let put = referring(&a, &digest("referrer"), &of);
    subject.published(&put).await;
    assert_eq!(subject.other.referrers(&a, &of, None, 10).await.unwrap(), [put.referrer.unwrap()]);
}

pub async fn a_subject_without_referrers_has_an_empty_list(subject: &Subject) {
    let a = repository("a");
    assert_eq!(subject.store.referrers(&a, &digest("subject"), None, 10).await.unwrap(), []);
    let manifest = subject.push_manifest(&a, "manifest", &[], &[]).await;
    assert_eq!(subject.store.referrers(&a, &manifest.digest, None, 10).await.unwrap(), []);
}

pub async fn referrers_come_in_byte_order_and_in_pages(subject: &Subject) {
    let (a, of) = (repository("a"), digest("subject"));
    let mut all: Vec<Digest> = (0..9).map(|number| digest(&format!("referrer {number}"))).collect();
    all.push(Digest::of(Algorithm::Sha512, b"referrer"));
    for digest in &all {
        subject.published(&referring(&a, digest, &of)).await;
    }
    let all = sorted(all);
    for start in 0..=all.len() {
        let after = start.checked_sub(1).map(|last| &all[last]);
        for limit in [0, 1, 3, 9, 10, 11, 100] {
            let page = subject.store.referrers(&a, &of, after, limit).await.unwrap();
            let page: Vec<_> = page.into_iter().map(|referrer| referrer.digest).collect();
            assert_eq!(page, all[start..][..limit.min(all.len() - start)], "{limit} after {after:?}");
        }
    }
}

pub async fn referrers_are_those_of_one_repository_and_one_subject(subject: &Subject) {
    let (a, b, of) = (repository("a"), repository("a/b"), digest("subject"));
    let [one, two, three] = ["one", "two", "three"].map(digest);
    subject.published(&referring(&a, &one, &of)).await;
    subject.published(&referring(&b, &two, &of)).await;
    subject.published(&referring(&a, &three, &digest("another subject"))).await;
    for (name, wanted) in [(&a, one), (&b, two)] {
        let found = subject.store.referrers(name, &of, None, 10).await.unwrap();
        assert_eq!(found.into_iter().map(|referrer| referrer.digest).collect::<Vec<_>>(), [wanted]);
    }
}

pub async fn a_referrer_put_twice_is_listed_once(subject: &Subject) {
    let (a, of) = (repository("a"), digest("subject"));
    for _ in 0..2 {
        subject.published(&referring(&a, &digest("referrer"), &of)).await;
    }
    assert_eq!(subject.store.referrers(&a, &of, None, 10).await.unwrap().len(), 1);
}

pub async fn a_deleted_referrer_is_no_longer_listed(subject: &Subject) {
    let (a, of) = (repository("a"), digest("subject"));
    let [gone, stays] = ["gone", "stays"].map(digest);
    subject.published(&referring(&a, &gone, &of)).await;
    subject.published(&referring(&a, &stays, &of)).await;
    subject.store.delete_manifest(&a, &gone).await.unwrap().unwrap();
    let left = subject.other.referrers(&a, &of, None, 10).await.unwrap();
    assert_eq!(left.into_iter().map(|referrer| referrer.digest).collect::<Vec<_>>(), [stays]);
}

pub async fn referrers_outlive_their_subject(subject: &Subject) {
    let a = repository("a");
    let of = subject.push_manifest(&a, "subject", &[], &["1"]).await.digest;
    subject.published(&referring(&a, &digest("referrer"), &of)).await;
    subject.store.delete_manifest(&a, &of).await.unwrap().unwrap();
    assert_eq!(subject.store.referrers(&a, &of, None, 10).await.unwrap().len(), 1);
    assert!(subject.store.manifest(&a, &digest("referrer")).await.unwrap().is_some());
}
