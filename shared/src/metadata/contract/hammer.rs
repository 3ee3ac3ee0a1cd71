//! Many requests at once over very few names.

use std::sync::Arc;

use super::subject::{Subject, at, commit, digest, manifest, put, repository, tag};
use crate::metadata::{BlobCommit, Error, MetadataStore, Result};
use crate::oci::Digest;

const REPOSITORIES: [&str; 2] = ["a", "a/b"];
const TAGS: [&str; 2] = ["1", "10"];
const BLOBS: [&str; 3] = ["blob 0", "blob 1", "blob 2"];
const MANIFESTS: [(&str, &[usize]); 3] = [("one", &[0, 1]), ("two", &[1, 2]), ("three", &[2])];

fn blobs_of(blobs: &[usize]) -> Vec<Digest> {
    blobs.iter().map(|&blob| digest(BLOBS[blob])).collect()
}

/// A small generator of numbers: the same ones for the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

async fn step(store: &dyn MetadataStore, numbers: &mut Numbers, now: u64) -> Result<()> {
    let name = repository(REPOSITORIES[numbers.below(2)]);
    let blob = digest(BLOBS[numbers.below(3)]);
    let (manifest_name, blobs) = MANIFESTS[numbers.below(3)];
    let some_tag = TAGS[numbers.below(2)];
    match numbers.below(12) {
        0..=2 => {
            let short = BlobCommit { lease: at(now + 1), now: at(now), ..commit(&name, &blob) };
            store.commit_blob(&short).await.map(drop)
        }
        3..=6 => {
            let record = manifest(manifest_name, &blobs_of(blobs));
            store.put_manifest(&put(&name, &record, &[some_tag])).await.map(drop)
        }
        7 => store.delete_manifest(&name, &digest(manifest_name)).await.map(drop),
        8 => store.delete_tag(&name, &tag(some_tag)).await.map(drop),
        9 => store.unlink_blob(&name, &blob).await.map(drop),
        10 => store.mount_blob(&name, &repository("a/b"), &blob, at(now + 1)).await.map(drop),
        _ => match store.condemn_blob(&blob, at(now + 2)).await? {
            Some(condemned) => store.forget_blob(&condemned).await.map(drop),
            None => Ok(()),
        },
    }
}

pub async fn whatever_many_do_at_once_manifests_stay_whole_and_tags_agree(subject: &Subject) {
    for round in 0..subject.rounds.div_ceil(4) {
        let tasks = (0..6).map(|task| {
            let store = Arc::clone(if task % 2 == 0 { &subject.store } else { &subject.other });
            let mut numbers = Numbers((round * 6 + task) as u64);
            tokio::spawn(async move {
                for _ in 0..12 {
                    match step(&*store, &mut numbers, round as u64 * 10).await {
                        Ok(()) | Err(Error::Contended) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        check(subject).await;
    }
}

/// Every visible manifest is whole, and tags and ways back are the same.
async fn check(subject: &Subject) {
    for name in REPOSITORIES.map(repository) {
        let mut ways_back = Vec::new();
        for (manifest_name, blobs) in MANIFESTS {
            let digest = digest(manifest_name);
            let visible = subject.store.manifest(&name, &digest).await.unwrap().is_some();
            for blob in blobs_of(blobs).iter().filter(|_| visible) {
                assert!(subject.linked(&name, blob).await.is_some(), "{manifest_name} lost {blob} in {name}");
            }
            for tag in subject.store.tags_of(&name, &digest).await.unwrap() {
                assert!(visible, "{tag} names {manifest_name}, which is gone");
                let named = subject.store.tag(&name, &tag).await.unwrap().map(|record| record.digest);
                assert_eq!(named.as_ref(), Some(&digest));
                ways_back.push(tag);
            }
        }
        ways_back.sort();
        let listed = subject.store.tags(&name, None, 10).await.unwrap();
        assert_eq!(listed.unwrap_or_default(), ways_back);
    }
}
