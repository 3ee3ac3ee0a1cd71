//! Whole objects.

use super::bench::{Bench, assert_not_found};
use super::noise::{MIB, noise};
use crate::storage::Error;
use crate::storage::driver::Span;

/// An object may have no bytes.
pub async fn an_empty_object_comes_back(bench: &Bench) {
    let path = bench.path("empty");
    bench.put(&path, "").await;
    assert!(bench.get(&path).await.is_empty());
    assert_eq!(bench.driver().get_content(&path, 0).await.unwrap(), "");
    assert_eq!(bench.driver().stat(&path).await.unwrap().size, 0);
}

/// What was put is what is got.
pub async fn a_small_object_comes_back(bench: &Bench) {
    let path = bench.path("deep/er/small");
    bench.put(&path, "few bytes").await;
    assert_eq!(bench.get(&path).await, "few bytes");
    assert_eq!(bench.reopened().stat(&path).await.unwrap().size, 9);
}

/// Bytes are bytes: no encoding, no line ends, no terminator.
pub async fn every_byte_value_comes_back(bench: &Bench) {
    let path = bench.path("binary");
    let content: Vec<u8> = (0..=255).chain([0, 0, b'\r', b'\n', 0x1a, 0xff]).collect();
    bench.put(&path, content.clone()).await;
    assert_eq!(bench.get(&path).await, content);
}

/// One call may carry more than a part.
pub async fn an_object_larger_than_a_part_comes_back(bench: &Bench) {
    let path = bench.path("large");
    let content = noise(1, 9 * MIB + 1);
    bench.put(&path, content.clone()).await;
    assert!(bench.get(&path).await == content);
}

/// A caller says how much it can hold, and never gets more.
pub async fn content_over_the_limit_is_too_large(bench: &Bench) {
    let path = bench.path("ten");
    bench.put(&path, "0123456789").await;
    assert_eq!(bench.driver().get_content(&path, 10).await.unwrap(), "0123456789");
    for limit in [0, 1, 9] {
        let outcome = bench.driver().get_content(&path, limit).await;
        assert!(
            matches!(outcome, Err(Error::TooLarge { path: ref named, limit: said }) if *named == path && said == limit),
            "{outcome:?}"
        );
    }
}

/// A put leaves nothing of the object before, be it longer or shorter.
pub async fn a_put_replaces_what_lies_there(bench: &Bench) {
    let path = bench.path("object");
    for content in ["short", "rather longer than before", "", "x"] {
        bench.put(&path, content).await;
        assert_eq!(bench.get(&path).await, content);
        assert_eq!(bench.driver().stat(&path).await.unwrap().size, content.len() as u64);
    }
}

/// Every question about nothing is answered alike, also below an object.
pub async fn nothing_is_found_where_nothing_lies(bench: &Bench) {
    bench.assert_absent(&bench.path("absent")).await;
    bench.assert_absent(&bench.path("absent/too")).await;
    let object = bench.path("object");
    bench.put(&object, "content").await;
    bench.assert_absent(&bench.path("object/below")).await;
    bench.assert_absent(&bench.path("objec")).await;
    assert_eq!(bench.get(&object).await, "content");
}

/// The directory of an object is nothing itself.
pub async fn a_directory_is_not_an_object(bench: &Bench) {
    bench.put(&bench.path("directory/object"), "content").await;
    let directory = bench.path("directory");
    bench.assert_absent(&directory).await;
    let span = Span { offset: 0, length: Some(0) };
    assert_not_found(&directory, bench.driver().reader(&directory, span).await);
}
