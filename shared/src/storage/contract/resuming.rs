//! Writers that live in several processes, one after the other.

use bytes::Bytes;

use super::bench::Bench;
use super::noise::{MIB, noise};
use super::upload::{Upload, write_all, write_and_commit};

/// Around what the store keeps as a tail and as parts: tail alone, more than the least part, part and tail.
const SIZES: [usize; 3] = [MIB, 6 * MIB, 17 * MIB];

/// Writes `first`, records a checkpoint and drops the writer.
async fn begun(bench: &Bench, first: &Bytes) -> Upload {
    let mut upload = Upload::staged(bench);
    let mut writer = upload.open(&**bench.driver()).await.unwrap();
    write_all(&mut writer, first.clone()).await.unwrap();
    upload.checkpoint(bench, &mut writer).await;
    upload
}

async fn goes_on(bench: &Bench, first: Bytes, second: Bytes) {
    let upload = begun(bench, &first).await;
    let writer = upload.open(&**bench.reopened()).await.unwrap();
    assert_eq!(writer.size(), first.len() as u64);
    write_and_commit(writer, second.clone()).await.unwrap();
    assert!(bench.get(&upload.path).await == [first, second].concat());
}

/// A checkpoint below a part's least size carries over.
pub async fn another_process_goes_on_from_a_small_checkpoint(bench: &Bench) {
    goes_on(bench, noise(1, 10), noise(2, 20)).await;
    goes_on(bench, noise(3, MIB), noise(4, 12 * MIB)).await;
    goes_on(bench, noise(5, MIB), Bytes::new()).await;
}

/// A checkpoint of several parts carries over.
pub async fn another_process_goes_on_from_a_large_checkpoint(bench: &Bench) {
    goes_on(bench, noise(6, 6 * MIB), noise(7, 3 * MIB)).await;
    goes_on(bench, noise(8, 17 * MIB + 5), noise(9, 1)).await;
    goes_on(bench, noise(10, 16 * MIB), Bytes::new()).await;
}

/// Each request of an upload opens a writer, writes a chunk and checkpoints; the last one commits.
pub async fn many_checkpoints_make_one_object(bench: &Bench) {
    let mut upload = Upload::staged(bench);
    let mut whole = Vec::new();
    for (seed, size) in (0..).zip([1, 3 * MIB, 4 * MIB, MIB, 9 * MIB + 3, 100, 4 * MIB, 0, 5]) {
        let driver = if seed % 2 == 0 { bench.driver() } else { bench.reopened() };
        let mut writer = upload.open(&**driver).await.unwrap();
        assert_eq!(writer.size(), whole.len() as u64);
        let chunk = noise(seed, size);
        write_all(&mut writer, chunk.clone()).await.unwrap();
        upload.checkpoint(bench, &mut writer).await;
        whole.extend_from_slice(&chunk);
    }
    let writer = upload.open(&**bench.driver()).await.unwrap();
    writer.commit().await.unwrap();
    assert!(bench.get(&upload.path).await == whole);
    upload.assert_gone(&**bench.driver()).await;
}

/// A session may be recorded before its first byte.
pub async fn a_checkpoint_before_the_first_byte_resumes(bench: &Bench) {
    goes_on(bench, Bytes::new(), noise(11, 100)).await;
    goes_on(bench, Bytes::new(), noise(12, 9 * MIB)).await;
    goes_on(bench, Bytes::new(), Bytes::new()).await;
}

/// A checkpoint without new bytes changes nothing and has no new parts.
pub async fn two_checkpoints_in_a_row_say_the_same(bench: &Bench) {
    for size in SIZES {
        let content = noise(13, size);
        let mut upload = Upload::staged(bench);
        let mut writer = upload.open(&**bench.driver()).await.unwrap();
        write_all(&mut writer, content.clone()).await.unwrap();
        let first = upload.checkpoint(bench, &mut writer).await;
        let second = upload.checkpoint(bench, &mut writer).await;
        assert_eq!(first.offset, second.offset);
        drop(writer);
        let writer = upload.open(&**bench.reopened()).await.unwrap();
        writer.commit().await.unwrap();
        assert!(bench.get(&upload.path).await == content);
    }
}

/// A checkpoint does not end its writer.
pub async fn a_writer_goes_on_after_its_checkpoint(bench: &Bench) {
    for size in SIZES {
        let mut upload = Upload::staged(bench);
        let mut writer = upload.open(&**bench.driver()).await.unwrap();
        write_all(&mut writer, noise(14, size)).await.unwrap();
        upload.checkpoint(bench, &mut writer).await;
        write_all(&mut writer, noise(15, size)).await.unwrap();
        upload.checkpoint(bench, &mut writer).await;
        write_and_commit(writer, noise(16, 3)).await.unwrap();
        let whole = [noise(14, size), noise(15, size), noise(16, 3)].concat();
        assert!(bench.get(&upload.path).await == whole);
        upload.assert_gone(&**bench.reopened()).await;
        assert!(bench.get(&upload.path).await == whole);
    }
}

/// A writer that went past its checkpoint and was dropped; the one that goes on writes something else there.
async fn overwrites(bench: &Bench, size: usize, past: usize) {
    let mut upload = Upload::staged(bench);
    let mut writer = upload.open(&**bench.driver()).await.unwrap();
    write_all(&mut writer, noise(17, size)).await.unwrap();
    upload.checkpoint(bench, &mut writer).await;
    write_all(&mut writer, noise(18, past)).await.unwrap();
    drop(writer);
    let mut writer = upload.open(&**bench.reopened()).await.unwrap();
    assert_eq!(writer.size(), size as u64, "what was not checkpointed does not count");
    write_all(&mut writer, noise(19, past / 2)).await.unwrap();
    upload.checkpoint(bench, &mut writer).await;
    drop(writer);
    let writer = upload.open(&**bench.driver()).await.unwrap();
    write_and_commit(writer, noise(20, 5)).await.unwrap();
    assert!(bench.get(&upload.path).await == [noise(17, size), noise(19, past / 2), noise(20, 5)].concat());
}

/// What a dropped writer wrote after a small checkpoint is not in the object.
pub async fn bytes_after_a_small_checkpoint_are_overwritten(bench: &Bench) {
    overwrites(bench, 10, 100).await;
    overwrites(bench, MIB, 12 * MIB).await;
}

/// What a dropped writer wrote after a large checkpoint is not in the object.
pub async fn bytes_after_a_large_checkpoint_are_overwritten(bench: &Bench) {
    overwrites(bench, 6 * MIB, 12 * MIB).await;
    overwrites(bench, 9 * MIB, 18 * MIB).await;
}

/// A request that fails before its own checkpoint leaves the one it resumed from as good as it was.
pub async fn a_checkpoint_resumes_twice(bench: &Bench) {
    for size in SIZES {
        let upload = begun(bench, &noise(21, size)).await;
        for seed in [22, 23] {
            let mut writer = upload.open(&**bench.reopened()).await.unwrap();
            write_all(&mut writer, noise(seed, 9 * MIB)).await.unwrap();
            if seed == 23 {
                // A checkpoint that is never recorded supersedes nothing.
                let lost = writer.checkpoint().await.unwrap();
                drop(writer);
                if let Some(tail) = lost.checkpoint.tail {
                    bench.driver().delete(&tail.path, None).await.unwrap();
                }
            }
        }
        let writer = upload.open(&**bench.driver()).await.unwrap();
        write_and_commit(writer, noise(24, 10)).await.unwrap();
        assert!(bench.get(&upload.path).await == [noise(21, size), noise(24, 10)].concat());
    }
}

/// Cancelling in another process forgets everything.
pub async fn a_resumed_writer_can_be_cancelled(bench: &Bench) {
    for size in SIZES {
        let upload = begun(bench, &noise(25, size)).await;
        let mut writer = upload.open(&**bench.reopened()).await.unwrap();
        write_all(&mut writer, noise(26, 10)).await.unwrap();
        writer.cancel().await.unwrap();
        bench.assert_absent(&upload.path).await;
        upload.assert_gone(&**bench.driver()).await;
    }
}

/// What was committed stays as it is, whoever comes late.
pub async fn a_committed_checkpoint_is_gone(bench: &Bench) {
    for size in SIZES {
        let upload = begun(bench, &noise(27, size)).await;
        let writer = upload.open(&**bench.reopened()).await.unwrap();
        let version = write_and_commit(writer, noise(28, 10)).await.unwrap();
        for driver in [bench.driver(), bench.reopened()] {
            upload.assert_gone(&**driver).await;
        }
        assert!(bench.get(&upload.path).await == [noise(27, size), noise(28, 10)].concat());
        assert_eq!(bench.driver().stat(&upload.path).await.unwrap().version, version);
    }
}

/// A cancelled upload does not come back.
pub async fn a_cancelled_checkpoint_is_gone(bench: &Bench) {
    for size in SIZES {
        let mut upload = Upload::staged(bench);
        let mut writer = upload.open(&**bench.driver()).await.unwrap();
        write_all(&mut writer, noise(29, size)).await.unwrap();
        upload.checkpoint(bench, &mut writer).await;
        writer.cancel().await.unwrap();
        for driver in [bench.driver(), bench.reopened()] {
            upload.assert_gone(&**driver).await;
        }
        bench.assert_absent(&upload.path).await;
    }
}

/// A store that keeps a short upload as an object says so, and the object may be moved to where it belongs.
pub async fn bytes_in_a_tail_are_an_object_to_read_and_move(bench: &Bench) {
    let content = noise(30, 1000);
    let mut upload = Upload::staged(bench);
    let mut writer = upload.open(&**bench.driver()).await.unwrap();
    write_all(&mut writer, content.clone()).await.unwrap();
    let checkpoint = upload.checkpoint(bench, &mut writer).await;
    drop(writer);
    let Some(tail) = checkpoint.whole() else {
        upload.open(&**bench.reopened()).await.unwrap().cancel().await.unwrap();
        return;
    };
    let home = bench.path("home");
    assert!(bench.get(tail).await == content);
    let version = bench.reopened().move_content(tail, &home).await.unwrap();
    assert_eq!(bench.driver().stat(&home).await.unwrap().version, version);
    assert!(bench.get(&home).await == content);
    bench.assert_absent(tail).await;
    upload.assert_gone(&**bench.driver()).await;
    assert!(bench.get(&home).await == content);
}
