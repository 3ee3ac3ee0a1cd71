//! Writers from their first byte to commit or cancel.

use bytes::Bytes;

use super::bench::Bench;
use super::noise::{MIB, noise};
use super::upload::{Upload, write_all, write_and_commit};

async fn round_trip(bench: &Bench, content: Bytes) {
    for upload in [Upload::staged(bench), Upload::at(bench, "blob/data")] {
        let writer = upload.open(&**bench.driver()).await.unwrap();
        assert_eq!(writer.size(), 0);
        let version = write_and_commit(writer, content.clone()).await.unwrap();
        assert!(bench.get(&upload.path).await == content);
        let stat = bench.driver().stat(&upload.path).await.unwrap();
        assert_eq!((stat.size, stat.version), (content.len() as u64, version));
    }
}

/// A commit without a write publishes an object without bytes.
pub async fn a_writer_without_bytes_makes_an_empty_object(bench: &Bench) {
    round_trip(bench, Bytes::new()).await;
}

/// Bytes too few for a part are an object.
pub async fn a_writer_makes_a_small_object(bench: &Bench) {
    round_trip(bench, noise(1, 70_000)).await;
}

/// How the bytes are cut on their way makes no difference.
pub async fn a_writer_joins_odd_chunks_over_several_parts(bench: &Bench) {
    round_trip(bench, noise(2, 20 * MIB + 11)).await;
}

/// A writer, even a checkpointed one, is invisible to every question.
pub async fn nothing_is_visible_before_commit(bench: &Bench) {
    let mut upload = Upload::at(bench, "below/object");
    let mut writer = upload.open(&**bench.driver()).await.unwrap();
    bench.assert_absent(&upload.path).await;
    write_all(&mut writer, noise(3, 9 * MIB)).await.unwrap();
    bench.assert_absent(&upload.path).await;
    upload.checkpoint(bench, &mut writer).await;
    bench.assert_absent(&upload.path).await;
    assert_eq!(bench.list_all(&bench.path("below")).await, []);
    writer.commit().await.unwrap();
    assert!(bench.get(&upload.path).await == noise(3, 9 * MIB));
}

/// An object is replaced at commit, not before.
pub async fn what_lay_there_stays_until_commit(bench: &Bench) {
    let mut upload = Upload::at(bench, "object");
    bench.put(&upload.path, "before").await;
    let mut writer = upload.open(&**bench.driver()).await.unwrap();
    write_all(&mut writer, noise(4, 9 * MIB)).await.unwrap();
    upload.checkpoint(bench, &mut writer).await;
    assert_eq!(bench.get(&upload.path).await, "before");
    writer.commit().await.unwrap();
    assert!(bench.get(&upload.path).await == noise(4, 9 * MIB));
}

/// A cancelled writer leaves no object and none of its bytes, checkpointed or not.
pub async fn nothing_is_visible_after_cancel(bench: &Bench) {
    for size in [0, 1, MIB, 9 * MIB] {
        for checkpointed in [false, true] {
            let mut upload = Upload::staged(bench);
            let mut writer = upload.open(&**bench.driver()).await.unwrap();
            write_all(&mut writer, noise(5, size)).await.unwrap();
            if checkpointed {
                upload.checkpoint(bench, &mut writer).await;
            }
            writer.cancel().await.unwrap();
            bench.assert_absent(&upload.path).await;
        }
    }
}

/// A cancelled writer takes nothing along.
pub async fn what_lay_there_stays_after_cancel(bench: &Bench) {
    let upload = Upload::at(bench, "object");
    bench.put(&upload.path, "before").await;
    let mut writer = upload.open(&**bench.driver()).await.unwrap();
    write_all(&mut writer, noise(6, 9 * MIB)).await.unwrap();
    writer.cancel().await.unwrap();
    assert_eq!(bench.get(&upload.path).await, "before");
}
