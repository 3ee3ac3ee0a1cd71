//! The contract on a directory, and what holds for directories only.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use tempfile::TempDir;

use super::FilesystemDriver;
use crate::storage::contract::Subject;
use crate::storage::{Error, ObjectPath, Progress, PutMode, Span, StorageDriver};

fn open(directory: &Path) -> FilesystemDriver {
    FilesystemDriver::open(directory.to_owned()).unwrap()
}

fn path(text: &str) -> ObjectPath {
    text.parse().unwrap()
}

fn subject() -> Subject {
    let directory = TempDir::new().unwrap();
    let [driver, reopened] = [(); 2].map(|()| Arc::new(open(directory.path())));
    Subject { driver, reopened, has_urls: false, keep: Box::new(directory) }
}

crate::storage_contract!(std::future::ready(subject()));

/// Names in a directory of the store's own.
fn own(directory: &Path, name: &str) -> Vec<String> {
    let entries = fs::read_dir(directory.join(".ringhold").join(name)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Temporary files of every process.
fn temporary_files(directory: &Path) -> usize {
    let of = |name: &String| fs::read_dir(directory.join(".ringhold/temporary").join(name)).unwrap().count();
    own(directory, "temporary").iter().filter(|name| Path::new(name).extension().is_none()).map(of).sum()
}

#[tokio::test]
async fn writes_of_every_kind_leave_no_file_behind() {
    let directory = TempDir::new().unwrap();
    let driver = open(directory.path());
    let object = path("a/b/c");
    driver.put_content(&object, "x".into(), PutMode::IfAbsent).await.unwrap();
    driver.put_content(&object, "x".into(), PutMode::IfAbsent).await.unwrap_err();
    driver.put_content(&object, "x".into(), PutMode::Overwrite).await.unwrap();
    driver.copy_from(&driver, &object, &path("a/d")).await.unwrap();
    for checkpointed in [false, true] {
        for committed in [false, true] {
            let mut writer = driver.writer(&object, None).await.unwrap();
            writer.write("y".into()).await.unwrap();
            if checkpointed {
                writer.checkpoint().await.unwrap();
                assert_eq!(own(directory.path(), "partial").len(), 1);
            }
            if committed { writer.commit().await.map(drop) } else { writer.cancel().await }.unwrap();
        }
    }
    assert_eq!(temporary_files(directory.path()), 0);
    assert_eq!(own(directory.path(), "partial"), [""; 0]);
}

#[tokio::test]
async fn empty_directories_go_with_their_last_object() {
    let directory = TempDir::new().unwrap();
    let driver = open(directory.path());
    driver.put_content(&path("a/b/c/d"), "x".into(), PutMode::Overwrite).await.unwrap();
    driver.put_content(&path("a/e"), "x".into(), PutMode::Overwrite).await.unwrap();
    driver.delete(&path("a/b/c/d"), None).await.unwrap();
    assert!(!directory.path().join("a/b").exists());
    driver.move_content(&path("a/e"), &path("f/g")).await.unwrap();
    assert!(!directory.path().join("a").exists());
    driver.delete(&path("f/g"), None).await.unwrap();
    assert!(directory.path().exists());
}

#[tokio::test]
async fn an_object_where_a_directory_is_wanted_is_an_error() {
    let directory = TempDir::new().unwrap();
    let driver = open(directory.path());
    driver.put_content(&path("a/object"), "x".into(), PutMode::Overwrite).await.unwrap();
    for conflict in ["a", "a/object/below", "a/object/far/below"].map(path) {
        for mode in [PutMode::Overwrite, PutMode::IfAbsent] {
            let outcome = driver.put_content(&conflict, "y".into(), mode).await;
            assert!(matches!(outcome, Err(Error::Failed(_))), "{conflict}: {outcome:?}");
        }
        let mut writer = driver.writer(&conflict, None).await.unwrap();
        writer.write("y".into()).await.unwrap();
        assert!(matches!(writer.commit().await, Err(Error::Failed(_))), "{conflict}");
        driver.put_content(&path("from"), "y".into(), PutMode::Overwrite).await.unwrap();
        let outcome = driver.move_content(&path("from"), &conflict).await;
        assert!(matches!(outcome, Err(Error::Failed(_))), "{conflict}: {outcome:?}");
        assert_eq!(driver.get_content(&path("from"), 1).await.unwrap(), "y");
    }
    assert_eq!(driver.get_content(&path("a/object"), 1).await.unwrap(), "x");
    assert_eq!(temporary_files(directory.path()), 0);
}

#[tokio::test]
async fn a_symbolic_link_is_no_object() {
    let directory = TempDir::new().unwrap();
    let driver = open(&directory.path().join("root"));
    let secret = directory.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    symlink(&secret, directory.path().join("root/link")).unwrap();
    let link = path("link");
    assert!(matches!(driver.get_content(&link, 10).await, Err(Error::NotFound(_))));
    assert!(matches!(driver.reader(&link, Span::ALL).await, Err(Error::NotFound(_))));
    assert!(matches!(driver.stat(&link).await, Err(Error::NotFound(_))));
    assert!(matches!(driver.move_content(&link, &path("moved")).await, Err(Error::NotFound(_))));
    driver.delete(&link, None).await.unwrap();
    driver.put_content(&link, "own".into(), PutMode::Overwrite).await.unwrap();
    assert_eq!(driver.get_content(&link, 10).await.unwrap(), "own");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
}

#[tokio::test]
async fn a_checkpoint_of_another_store_or_with_a_path_in_it_is_gone() {
    let directory = TempDir::new().unwrap();
    let driver = open(directory.path());
    let object = path("object");
    driver.put_content(&object, "content".into(), PutMode::Overwrite).await.unwrap();
    for upload in [None, Some("../../object"), Some(""), Some("0"), Some("00000000000000000000000000000000")] {
        let checkpoint = crate::storage::Checkpoint { offset: 1, parts: 0, upload: upload.map(Into::into), tail: None };
        let outcome = driver.writer(&object, Some(Progress { checkpoint, parts: Vec::new() })).await;
        assert!(matches!(outcome, Err(Error::CheckpointGone(_))), "{upload:?}");
    }
    assert_eq!(driver.get_content(&object, 10).await.unwrap(), "content");
}

#[tokio::test]
async fn a_file_shorter_than_its_checkpoint_is_gone() {
    let directory = TempDir::new().unwrap();
    let driver = open(directory.path());
    let mut writer = driver.writer(&path("object"), None).await.unwrap();
    writer.write("content".into()).await.unwrap();
    let progress = writer.checkpoint().await.unwrap();
    drop(writer);
    let partial = &own(directory.path(), "partial")[0];
    fs::write(directory.path().join(".ringhold/partial").join(partial), "conten").unwrap();
    assert!(matches!(driver.writer(&path("object"), Some(progress)).await, Err(Error::CheckpointGone(_))));
}

#[tokio::test]
async fn a_second_writer_waits_for_the_first_to_let_go() {
    let directory = TempDir::new().unwrap();
    let driver = open(directory.path());
    let mut first = driver.writer(&path("object"), None).await.unwrap();
    first.write("checked".into()).await.unwrap();
    let progress = first.checkpoint().await.unwrap();
    first.write("lost".into()).await.unwrap();
    let object = path("object");
    let mut second = std::pin::pin!(driver.writer(&object, Some(progress)));
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut second).await.is_err());
    drop(first);
    let second = second.await.unwrap();
    assert_eq!(second.size(), 7);
    second.commit().await.unwrap();
    assert_eq!(driver.get_content(&object, 100).await.unwrap(), "checked");
}

#[tokio::test]
async fn a_store_opened_twice_leaves_the_other_its_temporary_files() {
    let directory = TempDir::new().unwrap();
    let driver = open(directory.path());
    let mut writer = driver.writer(&path("object"), None).await.unwrap();
    writer.write("content".into()).await.unwrap();
    for _ in 0..3 {
        drop(open(directory.path()));
    }
    writer.commit().await.unwrap();
    assert_eq!(driver.get_content(&path("object"), 10).await.unwrap(), "content");
    drop(driver);
    drop(open(directory.path()));
    assert_eq!(own(directory.path(), "temporary").len(), 2, "only the last one's directory and lock");
}

const STORE: &str = "RINGHOLD_TEST_STORE";
const SIZE: usize = 3 * 1024 * 1024;

/// Not a test of its own: what the killed process does.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs as the child of `a_killed_process_leaves_whole_objects_and_its_checkpoints`"]
async fn writes_until_killed() {
    let Some(directory) = env::var_os(STORE) else { return };
    let driver = open(directory.as_ref());
    let mut writer = driver.writer(&path("unfinished"), None).await.unwrap();
    writer.write(vec![b'c'; SIZE].into()).await.unwrap();
    let progress = writer.checkpoint().await.unwrap();
    driver
        .put_content(&path("progress"), serde_json::to_vec(&progress).unwrap().into(), PutMode::Overwrite)
        .await
        .unwrap();
    let never_checkpointed = driver.writer(&path("forgotten"), None).await.unwrap();
    for round in 0_u8.. {
        writer.write(vec![b'x'; SIZE].into()).await.unwrap();
        for name in ["put", "deep/er/put"] {
            let content = vec![round; SIZE];
            driver.put_content(&path(name), content.into(), PutMode::Overwrite).await.unwrap();
        }
        if round == u8::MAX {
            break;
        }
    }
    drop(never_checkpointed);
    panic!("nobody killed this process");
}

#[tokio::test]
async fn a_killed_process_leaves_whole_objects_and_its_checkpoints() {
    for round in 0..4 {
        let directory = TempDir::new().unwrap();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "storage::filesystem::tests::writes_until_killed", "--ignored"])
            .env(STORE, directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while !directory.path().join("put").exists() {
            assert!(begun.elapsed() < Duration::from_mins(1) && child.try_wait().unwrap().is_none());
            thread::sleep(Duration::from_millis(2));
        }
        thread::sleep(Duration::from_millis(7 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(temporary_files(directory.path()) >= 1, "it was killed while it had a temporary file");

        let driver = open(directory.path());
        assert_eq!(temporary_files(directory.path()), 0);
        for name in ["unfinished", "forgotten"] {
            assert!(matches!(driver.stat(&path(name)).await, Err(Error::NotFound(_))));
        }
        for name in ["put", "deep/er/put"] {
            match driver.get_content(&path(name), u64::MAX).await {
                Ok(content) => assert!(content.len() == SIZE && content.iter().all(|byte| *byte == content[0])),
                Err(error) => assert!(matches!(error, Error::NotFound(_)) && name != "put", "{error:?}"),
            }
        }
        let progress = driver.get_content(&path("progress"), 10_000).await.unwrap();
        let progress = serde_json::from_slice(&progress).unwrap();
        let writer = driver.writer(&path("unfinished"), Some(progress)).await.unwrap();
        assert_eq!(writer.size(), SIZE as u64);
        writer.commit().await.unwrap();
        let found = driver.reader(&path("unfinished"), Span::ALL).await.unwrap().stream;
        let found: Vec<_> = found.try_collect().await.unwrap();
        assert!(found.concat() == vec![b'c'; SIZE]);
    }
}

#[tokio::test]
async fn a_store_that_is_only_read_is_left_as_it_is() {
    let directory = TempDir::new().unwrap();
    fs::create_dir(directory.path().join("a")).unwrap();
    fs::write(directory.path().join("a/b"), "x").unwrap();
    let driver = FilesystemDriver::look_into(directory.path().to_owned()).unwrap();
    let object = path("a/b");
    assert_eq!(driver.get_content(&object, 9).await.unwrap(), "x");
    assert_eq!(driver.list(&path("a"), None, 9).await.unwrap().len(), 1);
    for mode in [PutMode::Overwrite, PutMode::IfAbsent] {
        assert!(matches!(driver.put_content(&object, "y".into(), mode).await, Err(Error::Denied(_))));
    }
    assert!(matches!(driver.delete(&object, None).await, Err(Error::Denied(_))));
    assert!(matches!(driver.move_content(&object, &path("c")).await, Err(Error::Denied(_))));
    assert!(matches!(driver.copy_from(&driver, &object, &path("c")).await, Err(Error::Denied(_))));
    assert!(matches!(driver.writer(&object, None).await.map(drop), Err(Error::Denied(_))));
    assert_eq!(fs::read_to_string(directory.path().join("a/b")).unwrap(), "x");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    assert!(FilesystemDriver::look_into(directory.path().join("absent")).is_err());
    assert!(FilesystemDriver::look_into(directory.path().join("a/b")).is_err());
}
