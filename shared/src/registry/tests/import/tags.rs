//! Tags: set, kept where they name something else, moved when that is wanted.

use super::store::Store;
use super::{Target, usual};
use crate::metadata::MetadataStore;
use crate::registry::ImportOptions;

#[tokio::test]
async fn any_number_of_tags_comes_along() {
    let (target, store) = (Target::new(), Store::new(None));
    let image = store.image("app", &[1]).await;
    for number in 0..60 {
        store.tag("app", &format!("v{number}"), &image).await;
    }
    let told = target.import(&[store.source(None)], &usual()).await;
    assert_eq!((told.sums.tags_set, told.sums.manifests_published, told.sums.problems), (60, 1, 0), "{told:?}");
    let tags = target.facts.tags_of(&"app".parse().unwrap(), &image).await.unwrap();
    assert_eq!(tags.len(), 60);
}

#[tokio::test]
async fn a_tag_that_names_something_else_is_kept_unless_it_is_to_be_moved() {
    let (target, store) = (Target::new(), Store::new(None));
    let [old, new] = [store.image("app", &[1]).await, store.image("app", &[2]).await];
    store.tag("app", "latest", &old).await;
    target.import(&[store.source(None)], &usual()).await;
    store.tag("app", "latest", &new).await;
    store.tag("app", "2", &new).await;

    let kept = target.import(&[store.source(None)], &usual()).await;
    assert_eq!((kept.sums.tags_kept, kept.sums.tags_set, kept.sums.problems), (1, 1, 0), "{kept:?}");
    assert_eq!(target.manifest("app", "latest").await.unwrap().digest, old);
    assert_eq!(target.manifest("app", "2").await.unwrap().digest, new);

    let options = ImportOptions { overwrite_tags: true, ..usual() };
    let look = target.import(&[store.source(None)], &ImportOptions { dry_run: true, ..options.clone() }).await;
    assert_eq!(target.manifest("app", "latest").await.unwrap().digest, old);
    let moved = target.import(&[store.source(None)], &options).await;
    assert_eq!((moved.sums.tags_kept, moved.sums.tags_set, moved.sums.manifests_present), (0, 1, 2), "{moved:?}");
    assert_eq!(look.sums, moved.sums);
    assert_eq!(target.manifest("app", "latest").await.unwrap().digest, new);
}
