//! Stretches of objects.

use bytes::Bytes;
use futures::StreamExt;

use super::bench::{Bench, read};
use super::noise::{MIB, noise};
use crate::storage::driver::Span;
use crate::storage::{Error, ObjectPath, Result};

async fn span(bench: &Bench, path: &ObjectPath, offset: u64, length: Option<u64>) -> Result<(u64, Bytes)> {
    let content = bench.driver().reader(path, Span { offset, length }).await?;
    Ok((content.size, read(content).await?))
}

/// A length says how many bytes at most, and the size is the whole object's.
pub async fn a_span_is_cut_at_the_end_of_the_object(bench: &Bench) {
    let path = bench.path("ten");
    bench.put(&path, "0123456789").await;
    let cases = [
        (0, None, "0123456789"),
        (0, Some(10), "0123456789"),
        (0, Some(11), "0123456789"),
        (0, Some(4), "0123"),
        (0, Some(0), ""),
        (4, None, "456789"),
        (4, Some(3), "456"),
        (4, Some(6), "456789"),
        (4, Some(7), "456789"),
        (4, Some(0), ""),
        (4, Some(u64::MAX), "456789"),
        (9, Some(1), "9"),
        (9, None, "9"),
        (10, None, ""),
        (10, Some(0), ""),
        (10, Some(5), ""),
    ];
    for (offset, length, expected) in cases {
        let found = span(bench, &path, offset, length).await.unwrap();
        assert_eq!(found, (10, expected.into()), "{length:?} from {offset}");
    }
}

/// Past the end there is nothing to read, and the error says how long the object is.
pub async fn a_span_past_the_end_is_out_of_range(bench: &Bench) {
    let path = bench.path("ten");
    bench.put(&path, "0123456789").await;
    for (offset, length) in [(11, None), (11, Some(0)), (11, Some(1)), (u64::MAX, None), (u64::MAX, Some(u64::MAX))] {
        let outcome = span(bench, &path, offset, length).await;
        assert!(
            matches!(outcome, Err(Error::OutOfRange { path: ref named, size: 10 }) if *named == path),
            "{length:?} from {offset}: {outcome:?}"
        );
    }
}

/// A span may start and end anywhere, whatever chunks and parts the store keeps.
pub async fn a_span_of_a_large_object_is_exact(bench: &Bench) {
    let path = bench.path("large");
    let content = noise(2, 3 * MIB + 7);
    bench.put(&path, content.clone()).await;
    for (start, end) in [(0, content.len()), (1, content.len()), (MIB - 1, MIB + 1), (65_535, 2 * MIB + 65_537)] {
        let (size, bytes) = span(bench, &path, start as u64, Some((end - start) as u64)).await.unwrap();
        assert_eq!(size, content.len() as u64);
        assert!(bytes == content[start..end], "{start}..{end}");
    }
}

/// The end of an empty object is its start.
pub async fn an_empty_object_has_one_empty_span(bench: &Bench) {
    let path = bench.path("empty");
    bench.put(&path, "").await;
    assert_eq!(span(bench, &path, 0, None).await.unwrap(), (0, Bytes::new()));
    assert_eq!(span(bench, &path, 0, Some(5)).await.unwrap(), (0, Bytes::new()));
    assert!(matches!(span(bench, &path, 1, None).await, Err(Error::OutOfRange { size: 0, .. })));
}

/// A write while an object is being read is not mixed into it: what comes is all of the one, or an error.
pub async fn a_reader_sees_one_object_whole(bench: &Bench) {
    let path = bench.path("object");
    let (before, after) = (noise(3, 4 * MIB), noise(4, 4 * MIB));
    bench.put(&path, before.clone()).await;
    let mut content = bench.driver().reader(&path, Span::ALL).await.unwrap();
    let first = content.stream.next().await.unwrap().unwrap();
    bench.put(&path, after.clone()).await;
    if let Ok(rest) = read(content).await {
        assert!([first, rest].concat() == before);
    }
    assert!(bench.get(&path).await == after);
}
