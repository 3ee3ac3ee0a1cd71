//! Listings.

use std::time::Duration;

use futures::{StreamExt, stream};

use super::bench::Bench;
use crate::clock::Timestamp;
use crate::storage::ObjectPath;
use crate::storage::driver::{Entry, PutMode};

/// Names whose order differs when directories are taken for names.
const NAMES: [&str; 11] = ["a-b/x", "a.b/x", "a/x", "a/x-y", "a/x.y/z", "a/xy", "a0", "aB/x", "a_b", "ab/x", "b"];

async fn put_names(bench: &Bench, names: &[&str]) -> Vec<ObjectPath> {
    for name in names.iter().rev() {
        bench.put(&bench.path(&format!("list/{name}")), (*name).to_owned()).await;
    }
    let mut paths: Vec<_> = names.iter().map(|name| bench.path(&format!("list/{name}"))).collect();
    paths.sort_by(|one, other| one.as_str().as_bytes().cmp(other.as_str().as_bytes()));
    paths
}

/// Not the order of components: `a-b/x` comes before `a/x`.
pub async fn a_list_is_in_the_byte_order_of_paths(bench: &Bench) {
    let paths = put_names(bench, &NAMES).await;
    // Siblings whose names begin alike are not below the directory.
    bench.put(&bench.path("list-of"), "sibling").await;
    bench.put(&bench.path("list.of/x"), "sibling").await;
    bench.put(&bench.path("listof/x"), "sibling").await;
    assert_eq!(bench.list_all(&bench.path("list")).await, paths);
    assert_eq!(bench.list_all(&bench.path("list/a")).await, paths[2..6]);
}

/// A page is as long as was asked for; pages join without gap or overlap.
pub async fn a_list_of_more_than_a_thousand_pages(bench: &Bench) {
    let directory = bench.path("many");
    let mut paths: Vec<_> = (0..1103).map(|number| bench.path(&format!("many/{}/{number}", number % 7))).collect();
    let mut puts = stream::iter(paths.clone())
        .map(|path| async move { bench.driver().put_content(&path, "x".into(), PutMode::Overwrite).await })
        .buffer_unordered(32);
    while let Some(outcome) = puts.next().await {
        outcome.unwrap();
    }
    drop(puts);
    paths.sort();
    for limit in [2000, 1001, 1000, 400] {
        let mut found: Vec<ObjectPath> = Vec::new();
        loop {
            let page = bench.driver().list(&directory, found.last(), limit).await.unwrap();
            assert_eq!(page.len(), limit.min(paths.len() - found.len()), "only the last page is short");
            if page.is_empty() {
                break;
            }
            found.extend(page.into_iter().map(|entry| entry.path));
        }
        assert!(found == paths, "pages of {limit}");
    }
}

/// `after` is where a page begins, itself left out, whether anything lies there or not.
pub async fn a_list_goes_on_after_a_path(bench: &Bench) {
    let paths = put_names(bench, &NAMES).await;
    let directory = bench.path("list");
    let absent = ["A", "a", "a-b", "a/w", "a/x/y", "a/x.y", "a.", "a1/x", "aa", "z"];
    let absent = absent.map(|name| bench.path(&format!("list/{name}")));
    let outside = ["lis", "list", "list-of", "listz"].map(|name| bench.path(name));
    for after in paths.iter().chain(&absent).chain(&outside) {
        let expected: Vec<_> = paths.iter().filter(|path| *path > after).cloned().collect();
        for limit in [0, 1, 3, 100] {
            let found = bench.driver().list(&directory, Some(after), limit).await.unwrap();
            let found: Vec<_> = found.into_iter().map(|entry| entry.path).collect();
            assert_eq!(found, expected[..limit.min(expected.len())], "{limit} after {after}");
        }
    }
}

/// Sizes and times come with the paths.
pub async fn a_list_tells_sizes_and_times(bench: &Bench) {
    let directory = bench.path("sizes");
    let mut expected = Vec::new();
    for (name, size) in [("a", 0), ("b/c", 1), ("d", 70_000)] {
        let path = bench.path(&format!("sizes/{name}"));
        bench.put(&path, vec![b'x'; size]).await;
        expected.push((path, size as u64));
    }
    let now = Timestamp::now();
    let listed = bench.reopened().list(&directory, None, 10).await.unwrap();
    for Entry { modified, .. } in &listed {
        let age = now.since(*modified).max(modified.since(now));
        assert!(age < Duration::from_mins(5), "{modified:?}, now {now:?}");
    }
    assert_eq!(listed.into_iter().map(|entry| (entry.path, entry.size)).collect::<Vec<_>>(), expected);
}

/// Nothing lies below an absent directory, nor below an object.
pub async fn a_list_of_nothing_is_empty(bench: &Bench) {
    assert_eq!(bench.list_all(&bench.path("absent")).await, []);
    assert_eq!(bench.list_all(&bench.path("absent/too")).await, []);
    let object = bench.path("object");
    bench.put(&object, "content").await;
    assert_eq!(bench.list_all(&object).await, []);
    assert_eq!(bench.list_all(&bench.path("object/below")).await, []);
    bench.driver().delete(&object, None).await.unwrap();
    assert_eq!(bench.list_all(&object).await, []);
}
