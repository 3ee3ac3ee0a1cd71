//! Where blobs come to lie, and that manifests come after what they name.

use std::sync::Arc;

use serde_json::json;

use super::store::{Store, descriptor, digest, layer};
use super::{BUCKETS, Target, usual};
use crate::metadata::MetadataStore;
use crate::oci::{Algorithm, Digest, RepositoryName};
use crate::registry::ImportOptions;
use crate::storage::{ObjectPath, StorageDriver};

#[tokio::test]
async fn what_lies_in_a_bucket_of_the_ring_stays_there() {
    let target = Target::new();
    let store = Store::over(target.buckets[0].clone(), None);
    let seeds: Vec<u64> = (0..12).collect();
    let image = store.image("team/app", &seeds).await;
    store.tag("team/app", "1", &image).await;
    let before = target.objects(0).await;

    let told = target.import(&[store.source(Some("one"))], &usual()).await;
    assert_eq!((told.sums.blobs_adopted, told.sums.blobs_copied, told.sums.problems), (13, 0, 0), "{told:?}");
    assert_eq!(told.sums.bytes_copied, 0);
    assert!(target.has("team/app", "1").await);
    assert_eq!(target.objects(0).await, before, "nothing was written");
    assert_eq!((target.objects(1).await, target.objects(2).await), (vec![], vec![]));
    let (mut at_home, mut away) = (0, 0);
    for seed in seeds {
        let digest = digest(seed);
        assert_eq!(target.place(&digest).await, Some(("one".parse().unwrap(), ObjectPath::blob(&digest))));
        *if target.home(&digest).as_str() == "one" { &mut at_home } else { &mut away } += 1;
    }
    assert!(at_home > 0 && away > 0, "both are tried: {at_home} {away}");
    assert_eq!(target.registry.pending_work(100).await.unwrap(), [], "it stays there");
}

#[tokio::test]
async fn what_was_lost_of_a_manifest_that_is_there_is_brought_again() {
    let (target, store) = (Target::new(), Store::new(None));
    let image = store.image("app", &[1, 2]).await;
    target.import(&[store.source(None)], &usual()).await;
    let blob = target.facts.blob(&digest(1)).await.unwrap().unwrap();
    assert!(target.facts.lose_blob(&blob).await.unwrap());
    let bucket = BUCKETS.iter().position(|id| *id == blob.place.bucket.as_str()).unwrap();
    target.buckets[bucket].delete(&blob.place.path, None).await.unwrap();
    let told = target.import(&[store.source(None)], &usual()).await;
    let counts = (told.sums.blobs_copied, told.sums.blobs_present, told.sums.manifests_present, told.sums.problems);
    assert_eq!(counts, (1, 2, 1, 0), "{told:?}");
    assert!(target.has("app", image.as_str()).await);
}

#[tokio::test]
async fn what_lies_elsewhere_is_copied_home_from_below_any_root() {
    for root in [None, Some("team/registry")] {
        let (target, store) = (Target::new(), Store::new(root));
        let image = store.image("app", &[1, 2, 3, 4]).await;
        store.tag("app", "1", &image).await;
        let told = target.import(&[store.source(None)], &usual()).await;
        assert_eq!((told.sums.blobs_adopted, told.sums.blobs_copied, told.sums.problems), (0, 5, 0), "{told:?}");
        assert!(target.has("app", "1").await);
        for seed in 1..5 {
            let (digest, home) = (digest(seed), target.home(&digest(seed)));
            assert_eq!(target.place(&digest).await, Some((home, ObjectPath::blob(&digest))));
        }
    }
}

#[tokio::test]
async fn a_blob_in_a_bucket_of_the_ring_below_a_root_is_copied() {
    let target = Target::new();
    let store = Store::over(target.buckets[0].clone(), Some("old"));
    let image = store.image("app", &[1]).await;
    let told = target.import(&[store.source(None)], &usual()).await;
    assert_eq!((told.sums.blobs_copied, told.sums.problems), (2, 0), "{told:?}");
    assert!(target.has("app", image.as_str()).await);
}

#[tokio::test]
async fn children_come_before_indexes_however_their_digests_sort() {
    let (target, store) = (Target::new(), Store::new(None));
    let mut outer = Vec::new();
    for group in 0..5 {
        let mut images = Vec::new();
        for seed in 0..4 {
            images.push(store.image("app", &[group * 10 + seed]).await);
        }
        let index = store.images_index("app", &images.iter().collect::<Vec<_>>()).await;
        outer.push(store.indexes_index("app", &[&index]).await);
    }
    let top = store.indexes_index("app", &outer.iter().collect::<Vec<_>>()).await;
    store.tag("app", "all", &top).await;
    let told = target.import(&[store.source(None)], &usual()).await;
    assert_eq!((told.sums.manifests_published, told.sums.problems), (31, 0), "{told:?}");
    assert_eq!(target.manifest("app", "all").await.unwrap().digest, top);
}

#[tokio::test]
async fn referrers_are_listed_though_their_subject_comes_later_or_never() {
    let (target, store) = (Target::new(), Store::new(None));
    let subject = store.image("app", &[1]).await;
    let absent = Digest::of(Algorithm::Sha256, b"absent");
    for (seed, about) in [(2, &subject), (3, &subject), (4, &absent)] {
        let mut manifest = store.image_of("app", &[seed]).await;
        manifest["subject"] =
            json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": about, "size": 1 });
        manifest["artifactType"] = json!("application/vnd.test");
        store.manifest("app", &manifest).await;
    }
    let told = target.import(&[store.source(None)], &usual()).await;
    assert_eq!(told.sums.problems, 0, "{told:?}");
    for (about, count) in [(&subject, 2), (&absent, 1)] {
        let referrers = target.facts.referrers(&"app".parse().unwrap(), about, None, 10).await.unwrap();
        assert_eq!(referrers.len(), count);
    }
}

#[tokio::test]
async fn a_cache_of_blobs_in_an_index_is_an_index_of_blobs() {
    let (target, store) = (Target::new(), Store::new(None));
    let blobs = [store.layer("app", &layer(1)).await, store.layer("app", &layer(2)).await];
    let cache = store.index("app", "application/vnd.oci.image.layer.v1.tar", &blobs.iter().collect::<Vec<_>>()).await;
    let told = target.import(&[store.source(None)], &usual()).await;
    assert_eq!((told.sums.manifests_published, told.sums.blobs_copied, told.sums.problems), (1, 2, 0), "{told:?}");
    assert!(target.manifest("app", cache.as_str()).await.is_some());
}

#[tokio::test]
async fn a_manifest_of_megabytes_is_taken_over_too() {
    let (target, store) = (Target::new(), Store::new(None));
    let mut manifest = store.image_of("app", &[1]).await;
    manifest["annotations"] = json!({ "long": "x".repeat(1 << 20) });
    let digest = store.manifest("app", &manifest).await;
    let told = target.import(&[store.source(None)], &usual()).await;
    assert_eq!(told.sums.problems, 0, "{told:?}");
    assert!(target.has("app", digest.as_str()).await);
}

#[tokio::test]
async fn a_layer_of_two_repositories_is_taken_over_once() {
    let (target, store) = (Target::new(), Store::new(None));
    for (repository, seeds) in [("a", [1, 2]), ("a/b", [1, 3]), ("a-b", [2, 3])] {
        store.image(repository, &seeds).await;
    }
    let told = target.import(&[store.source(None)], &usual()).await;
    assert_eq!(told.sums.repositories, 3);
    assert_eq!((told.sums.blobs_copied, told.sums.blobs_linked), (6, 3), "{told:?}");
    for (repository, seed) in [("a", 1), ("a", 2), ("a/b", 1), ("a/b", 3), ("a-b", 2), ("a-b", 3)] {
        assert!(target.registry.blob(&repository.parse().unwrap(), &digest(seed)).await.is_ok(), "{repository} {seed}");
    }
    assert!(target.registry.blob(&"a".parse().unwrap(), &digest(3)).await.is_err());
}

#[tokio::test]
async fn one_repository_in_two_stores_is_one() {
    let (target, one, two) = (Target::new(), Store::new(None), Store::new(Some("other")));
    let [first, second] = [one.image("a/b", &[1]).await, two.image("a/b", &[2]).await];
    // The index is in one store, of its children each has one.
    let children = [first, second]
        .map(|child| json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": child, "size": 1 }));
    let media_type = "application/vnd.oci.image.index.v1+json";
    let manifest = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": children });
    let index = one.manifest("a/b", &manifest).await;
    one.tag("a/b", "all", &index).await;
    one.image("a", &[3]).await;
    two.image("a/0", &[4]).await;
    let told = target.import(&[one.source(None), two.source(None)], &usual()).await;
    assert_eq!((told.sums.repositories, told.sums.manifests_published, told.sums.problems), (3, 5, 0), "{told:?}");
    assert!(target.manifest("a/b", "all").await.is_some());
}

#[tokio::test]
async fn twice_does_nothing_more() {
    let (target, store) = (Target::new(), Store::new(None));
    let images = [store.image("app", &[1, 2]).await, store.image("app", &[2, 3]).await];
    let index = store.images_index("app", &images.iter().collect::<Vec<_>>()).await;
    store.tag("app", "1", &images[0]).await;
    store.tag("app", "all", &index).await;
    let sources = [store.source(None)];
    let first = target.import(&sources, &usual()).await;
    let record = target.facts.manifest(&"app".parse().unwrap(), &index).await.unwrap();
    let mut objects = Vec::new();
    for bucket in 0..BUCKETS.len() {
        objects.push(target.objects(bucket).await);
    }

    let second = target.import(&sources, &usual()).await;
    assert_eq!((second.sums.blobs_present, second.sums.manifests_present, second.sums.tags_present), (5, 3, 2));
    assert_eq!(second.sums.blobs_present, first.sums.blobs_copied);
    let nothing =
        [second.sums.blobs_copied, second.sums.manifests_published, second.sums.tags_set, second.sums.problems];
    assert_eq!(nothing, [0; 4]);
    assert_eq!(target.facts.manifest(&"app".parse().unwrap(), &index).await.unwrap(), record);
    for (bucket, before) in objects.into_iter().enumerate() {
        assert_eq!(target.objects(bucket).await, before);
    }
}

#[tokio::test]
async fn a_look_writes_nothing_and_foretells_everything() {
    let (target, store) = (Target::new(), Store::new(None));
    for repository in ["a", "b"] {
        let image = store.image(repository, &[1, 2]).await;
        store.tag(repository, "1", &image).await;
    }
    let broken = store.image("c", &[3]).await;
    store.remove_blob(&digest(3)).await;
    store.tag("c", "1", &broken).await;
    let sources = [store.source(None)];
    let look = target.import(&sources, &ImportOptions { dry_run: true, ..usual() }).await;
    for bucket in 0..BUCKETS.len() {
        assert_eq!(target.objects(bucket).await, []);
    }
    assert_eq!(target.facts.repositories(None, 10).await.unwrap(), []);
    assert_eq!(target.facts.blob(&digest(1)).await.unwrap(), None);
    let done = target.import(&sources, &usual()).await;
    assert_eq!(look.sums, done.sums);
    assert!(done.sums.blobs_linked > 0 && done.sums.problems > 0);
}

#[tokio::test]
async fn layers_that_no_manifest_names_are_left_out_and_counted() {
    let (target, store) = (Target::new(), Store::new(None));
    store.image("app", &[1]).await;
    store.layer("app", &layer(2)).await;
    store.layer("left/over", &layer(3)).await;
    let mut foreign = store.image_of("app", &[4]).await;
    let kinds = [store.layer("app", &layer(5)).await, Digest::of(Algorithm::Sha256, &layer(6))];
    for layer in [layer(5), layer(6)] {
        let named = descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", &layer);
        foreign["layers"].as_array_mut().unwrap().push(named);
    }
    store.manifest("app", &foreign).await;
    let told = target.import(&[store.source(None)], &usual()).await;
    assert_eq!((told.sums.repositories, told.sums.layers_skipped, told.sums.problems), (1, 1, 0), "{told:?}");
    let app = "app".parse().unwrap();
    assert!(target.registry.blob(&app, &digest(2)).await.is_err());
    // Of layers that lie with others, those come along that were pushed all the same.
    assert!(target.registry.blob(&app, &kinds[0]).await.is_ok());
    assert!(target.registry.blob(&app, &kinds[1]).await.is_err());
}

#[tokio::test]
async fn only_what_is_wanted_is_imported() {
    let (target, store) = (Target::new(), Store::new(None));
    for repository in ["team", "team/app", "team/app/x", "team-b", "b"] {
        store.image(repository, &[1]).await;
    }
    let wanted = ["team/app", "b"].map(|name| name.parse().unwrap()).to_vec();
    target.import(&[store.source(None)], &ImportOptions { repositories: wanted, ..usual() }).await;
    let names = target.facts.repositories(None, 10).await.unwrap();
    assert_eq!(names.iter().map(RepositoryName::as_str).collect::<Vec<_>>(), ["b", "team/app", "team/app/x"]);
}

#[tokio::test]
async fn blobs_of_no_repository_go_where_they_are_wanted() {
    let target = Target::new();
    let store = Store::over(Arc::clone(&target.buckets[1]) as Arc<dyn StorageDriver>, None);
    store.image("app", &[1]).await;
    let lost = [store.blob(&layer(2)).await, store.blob(&layer(3)).await];
    let spoiled = store.blob(&layer(4)).await;
    store.spoil(&spoiled, layer(5)).await;
    let options = ImportOptions { blobs_into: Some("lost/found".parse().unwrap()), ..usual() };
    let told = target.import(&[store.source(Some("two"))], &options).await;
    assert_eq!(told.problems().len(), 1, "{told:?}");
    assert!(told.problems()[0].contains(spoiled.as_str()));
    for digest in lost {
        let blob = target.registry.blob(&"lost/found".parse().unwrap(), &digest).await.unwrap();
        assert_eq!(blob.place.bucket.as_str(), "two");
    }
    assert!(target.registry.blob(&"lost/found".parse().unwrap(), &digest(1)).await.is_err(), "it is not lost");
    assert!(target.registry.blob(&"lost/found".parse().unwrap(), &spoiled).await.is_err());
    let again = target.import(&[store.source(Some("two"))], &options).await;
    assert_eq!((again.sums.blobs_adopted, again.sums.blobs_copied), (0, 0));
}
