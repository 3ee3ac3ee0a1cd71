//! What is broken is left out with all that needs it, and the rest is imported.

use serde_json::json;

use super::store::{Store, digest, layer};
use super::{BUCKETS, Target, usual};
use crate::oci::Digest;
use crate::registry::ImportOptions;
use crate::storage::{ObjectPath, StorageDriver};

/// An index of two images, of which the second is to be broken, and an image of its own.
async fn three_images(store: &Store) -> [Digest; 4] {
    let images = [store.image("app", &[1, 2]).await, store.image("app", &[2, 3]).await, store.image("app", &[4]).await];
    let index = store.images_index("app", &[&images[0], &images[1]]).await;
    for (tag, digest) in [("one", &images[0]), ("two", &images[1]), ("all", &index), ("own", &images[2])] {
        store.tag("app", tag, digest).await;
    }
    let [one, two, own] = images;
    [one, two, own, index]
}

/// The second image is left out, the index too, and the rest is there.
async fn check(store: &Store, target: &Target, options: &ImportOptions, member: Option<&str>) {
    let told = target.import(&[store.source(member)], options).await;
    let problems = told.problems().join("\n");
    assert_eq!((told.sums.manifests_published, told.sums.tags_set), (2, 2), "{told:?}");
    for wanted in ["Blob(", "Manifest(", "Tag(Tag(\"two\"))", "Tag(Tag(\"all\"))"] {
        assert!(problems.contains(wanted), "{wanted}: {problems}");
    }
    assert_eq!(told.sums.problems, 5, "{problems}");
    assert!(target.has("app", "one").await && target.has("app", "own").await);
    assert!(target.manifest("app", "two").await.is_none() && target.manifest("app", "all").await.is_none());
    assert!(target.registry.blob(&"app".parse().unwrap(), &digest(3)).await.is_err());
}

#[tokio::test]
async fn an_image_without_a_layer_is_left_out() {
    let (target, store) = (Target::new(), Store::new(None));
    three_images(&store).await;
    store.remove_blob(&digest(3)).await;
    check(&store, &target, &usual(), None).await;
}

#[tokio::test]
async fn a_layer_that_was_cut_off_is_left_out_wherever_it_lies() {
    for member in [None, Some("one")] {
        let target = Target::new();
        let store = match member {
            None => Store::new(None),
            Some(_) => Store::over(target.buckets[0].clone(), None),
        };
        three_images(&store).await;
        store.spoil(&digest(3), layer(3).slice(..500)).await;
        check(&store, &target, &usual(), member).await;
    }
}

#[tokio::test]
async fn a_layer_with_a_wrong_byte_is_left_out_when_it_is_copied_or_verified() {
    let mut wrong = layer(3).to_vec();
    wrong[7] ^= 1;
    for (member, verify) in [(None, false), (None, true), (Some("one"), true)] {
        let target = Target::new();
        let store = match member {
            None => Store::new(None),
            Some(_) => Store::over(target.buckets[0].clone(), None),
        };
        three_images(&store).await;
        store.spoil(&digest(3), wrong.clone()).await;
        check(&store, &target, &ImportOptions { verify, ..usual() }, member).await;
        if member.is_none() {
            for bucket in 0..BUCKETS.len() {
                let left = target.buckets[bucket].stat(&ObjectPath::blob(&digest(3))).await;
                assert!(left.is_err(), "a copy that is not proven does not stay");
            }
        }
    }
}

#[tokio::test]
async fn a_manifest_says_a_wrong_size_and_the_layer_is_right() {
    let target = Target::new();
    let store = Store::over(target.buckets[0].clone(), None);
    let mut manifest = store.image_of("app", &[1]).await;
    manifest["layers"][0]["size"] = json!(1);
    let image = store.manifest("app", &manifest).await;
    let told = target.import(&[store.source(Some("one"))], &usual()).await;
    assert_eq!((told.sums.blobs_adopted, told.sums.problems), (2, 0), "{told:?}");
    assert!(target.has("app", image.as_str()).await);
}

#[tokio::test]
async fn a_manifest_that_is_not_what_its_digest_says_is_left_out() {
    let (target, store) = (Target::new(), Store::new(None));
    let [_, two, ..] = three_images(&store).await;
    store.spoil(&two, "{}").await;
    let told = target.import(&[store.source(None)], &usual()).await;
    assert_eq!((told.sums.manifests_published, told.sums.tags_set), (2, 2), "{told:?}");
    assert_eq!(told.sums.problems, 4, "{:?}", told.problems());
    assert!(told.problems().iter().any(|problem| problem.contains("the content's digest is")));
    assert!(target.manifest("app", "all").await.is_none());
}

#[tokio::test]
async fn what_is_no_manifest_and_what_is_no_link_are_told() {
    let (target, store) = (Target::new(), Store::new(None));
    let old = store.manifest("app", &json!({ "schemaVersion": 1, "name": "app", "fsLayers": [] })).await;
    let image = store.image("app", &[1]).await;
    let absent = Digest::of(crate::oci::Algorithm::Sha256, b"absent");
    for (tag, named) in [("old", &old), ("gone", &absent), ("good", &image), ("empty", &image)] {
        store.tag("app", tag, named).await;
    }
    store.put(&"docker/registry/v2/repositories/app/_manifests/tags/empty/current/link".parse().unwrap(), "").await;
    let told = target.import(&[store.source(None)], &usual()).await;
    let problems = told.problems();
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(problems.iter().any(|problem| problem.contains("Tag(\"empty\")") && problem.contains("no digest")));
    assert!(problems.iter().any(|problem| problem.contains("Tag(\"gone\")") && problem.contains(absent.as_str())));
    assert!(target.has("app", "good").await);
}

#[tokio::test]
async fn what_is_broken_at_home_is_mended_from_elsewhere() {
    let (target, store) = (Target::new(), Store::new(None));
    let image = store.image("app", &[1]).await;
    let home = target.home(&digest(1));
    let bucket = BUCKETS.iter().position(|id| *id == home.as_str()).unwrap();
    let ring = Store::over(target.buckets[bucket].clone(), None);
    ring.spoil(&digest(1), layer(2)).await;
    let told = target.import(&[store.source(None), ring.source(Some(home.as_str()))], &usual()).await;
    assert_eq!((told.sums.problems, told.sums.blobs_copied), (0, 2), "{told:?}");
    assert!(target.has("app", image.as_str()).await);
}

#[tokio::test]
async fn a_bucket_of_the_ring_that_was_not_known_as_one_loses_nothing() {
    let target = Target::new();
    let store = Store::over(target.buckets[0].clone(), None);
    let seeds: Vec<u64> = (0..12).collect();
    let image = store.image("app", &seeds).await;
    let spoiled = seeds.iter().map(|seed| digest(*seed)).find(|digest| target.home(digest).as_str() == "one").unwrap();
    store.spoil(&spoiled, "x").await;
    let told = target.import(&[store.source(None)], &usual()).await;
    assert!(told.problems().iter().any(|problem| problem.contains(spoiled.as_str())), "{told:?}");
    assert!(target.manifest("app", image.as_str()).await.is_none());
    assert_eq!(target.buckets[0].get_content(&store.path(&spoiled), 9).await.unwrap(), "x", "it is theirs to delete");
}
