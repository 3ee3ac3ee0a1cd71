//! What a writer keeps in memory, and what becomes of answers that are lost.

use std::time::Duration;

use bytes::Bytes;

use super::in_process::InProcess;
use crate::storage::driver::{PutMode, StorageDriver, UrlMethod, UrlRequest};
use crate::storage::s3::plan::LEAST_PART;
use crate::storage::s3::writer::{TOGETHER, WINDOW};
use crate::storage::{Error, ObjectPath};

const MIB: usize = 1024 * 1024;

fn path() -> ObjectPath {
    "some/object".parse().unwrap()
}

fn content(size: usize) -> Bytes {
    (0..size).map(|index| u8::try_from(index / 3 % 251).unwrap()).collect::<Vec<_>>().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fast_writer_has_no_more_on_its_way_than_the_window() {
    let server = InProcess::start().await;
    let driver = server.driver(None);
    let mut writer = driver.writer(&path(), None).await.unwrap();
    let block = content(MIB);
    for _ in 0..100 {
        writer.write(block.clone()).await.unwrap();
    }
    writer.commit().await.unwrap();
    let peak = server.gate().peak();
    assert!(peak.bytes <= WINDOW && peak.requests <= TOGETHER, "{peak:?}");
    assert!(peak.bytes > WINDOW / 2, "parts go together: {peak:?}");
    assert_eq!(driver.stat(&path()).await.unwrap().size, 100 * MIB as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_huge_write_is_cut_into_parts_on_its_way() {
    let server = InProcess::start().await;
    let driver = server.driver(None);
    let mut writer = driver.writer(&path(), None).await.unwrap();
    writer.write(content(70 * MIB)).await.unwrap();
    writer.commit().await.unwrap();
    assert!(server.gate().peak().bytes <= WINDOW);
    assert!(driver.get_content(&path(), u64::MAX).await.unwrap() == content(70 * MIB));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conditional_put_whose_answer_is_lost_has_succeeded() {
    let server = InProcess::start().await;
    let driver = server.driver(None);
    server.gate().lose_an_answer(|request| request.method() == "PUT");
    let version = driver.put_content(&path(), "mine".into(), PutMode::IfAbsent).await.unwrap();
    assert_eq!(driver.stat(&path()).await.unwrap().version, version);
    let second = driver.put_content(&path(), "other".into(), PutMode::IfAbsent).await;
    assert!(matches!(second, Err(Error::AlreadyExists(_))), "{second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_has_succeeded() {
    let server = InProcess::start().await;
    let driver = server.driver(None);
    let mut writer = driver.writer(&path(), None).await.unwrap();
    writer.write(content(9 * MIB)).await.unwrap();
    server.gate().lose_an_answer(|request| request.method() == "POST" && request.uri().contains("uploadId="));
    let version = writer.commit().await.unwrap();
    assert_eq!(driver.stat(&path()).await.unwrap().version, version);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_whose_answers_are_lost_are_sent_again() {
    let server = InProcess::start().await;
    let driver = server.driver(None);
    let mut writer = driver.writer(&path(), None).await.unwrap();
    server.gate().lose_an_answer(|request| request.uri().contains("partNumber=1"));
    writer.write(content(20 * MIB)).await.unwrap();
    writer.commit().await.unwrap();
    assert!(driver.get_content(&path(), u64::MAX).await.unwrap() == content(20 * MIB));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_copied_range_by_range() {
    let server = InProcess::start().await;
    let driver = server.driver(None);
    let (from, to) = (path(), "another/object".parse().unwrap());
    let source = content(64 * MIB + 1);
    driver.put_content(&from, source.clone(), PutMode::Overwrite).await.unwrap();
    let head = driver.head(&from).await.unwrap();
    let copied = driver.copy_ranges(&driver, &from, &to, head).await.unwrap();
    assert_eq!(driver.stat(&to).await.unwrap().version, copied.version);
    assert!(driver.get_content(&to, u64::MAX).await.unwrap() == source);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_part_is_one_that_s3_takes_before_the_last() {
    let server = InProcess::start().await;
    let driver = server.driver(None);
    let mut writer = driver.writer(&path(), None).await.unwrap();
    let size = usize::try_from(LEAST_PART).unwrap();
    for _ in 0..3 {
        writer.write(content(size)).await.unwrap();
        let progress = writer.checkpoint().await.unwrap();
        assert_eq!((progress.parts.len(), progress.checkpoint.tail), (1, None));
    }
    writer.commit().await.unwrap();
    assert_eq!(driver.stat(&path()).await.unwrap().size, 3 * LEAST_PART);
}

#[tokio::test]
async fn a_url_is_refused_that_would_outlive_what_s3_allows() {
    let server = InProcess::start().await;
    let driver = server.driver(None);
    let eight_days = Duration::from_hours(8 * 24);
    let request = UrlRequest { method: UrlMethod::Get, expires: eight_days, content_type: None };
    assert!(matches!(driver.url_for(&path(), &request).await, Err(Error::Failed(_))));
}
