//! What the S3 driver costs and leaves behind, counted and looked up on the emulator.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType};
use bytes::Bytes;
use harness::client::Client;
use harness::emulator::{Emulator, emulator};
use http::Method;
use shared::calls::Calls;
use shared::oci::UploadId;
use shared::storage::s3::{S3Config, S3Driver};
use shared::storage::{Error, ObjectPath, Progress, PutMode, StorageDriver, UrlMethod, UrlRequest};

const MIB: usize = 1024 * 1024;

/// Drivers of new buckets that share credentials and a count of their requests.
struct Buckets {
    emulator: &'static Emulator,
    drivers: [Arc<S3Driver>; 2],
    names: [String; 2],
    calls: Calls,
}

async fn buckets() -> Option<Buckets> {
    let emulator = emulator()?;
    let (shared, calls) = (emulator.sdk_config(), Calls::default());
    let names = [emulator.bucket().await, emulator.bucket().await];
    let drivers = names.clone().map(|name| {
        let config: S3Config = format!("s3://{name}?endpoint={}", emulator.endpoint()).parse().expect("a bucket");
        Arc::new(S3Driver::connect(&config, &shared, Some(calls.clone())))
    });
    Some(Buckets { emulator, drivers, names, calls })
}

impl Buckets {
    /// The requests since the last call of this.
    fn sent(&self) -> Vec<(String, u64)> {
        self.calls.take().into_iter().collect()
    }

    /// A driver of the first bucket that cannot send the part of this number.
    fn without_part(&self, number: u32) -> S3Driver {
        let config =
            self.emulator.s3_client().config().to_builder().interceptor(NoPart(format!("partNumber={number}&")));
        S3Driver::with_client(aws_sdk_s3::Client::from_conf(config.build()), &self.names[0])
    }

    /// The multipart uploads that the first bucket keeps.
    async fn uploads(&self) -> usize {
        let listed = self.emulator.s3_client().list_multipart_uploads().bucket(&self.names[0]).send().await;
        listed.expect("a listing").uploads().len()
    }
}

/// Fails one part before it is sent.
#[derive(Debug)]
struct NoPart(String);

impl Intercept for NoPart {
    fn name(&self) -> &'static str {
        "NoPart"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.request().uri().contains(&self.0) { Err("no such part today".into()) } else { Ok(()) }
    }
}

fn sent(requests: &[(&str, u64)]) -> Vec<(String, u64)> {
    let sorted: BTreeMap<_, _> = requests.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    sorted.into_iter().collect()
}

fn staged() -> ObjectPath {
    ObjectPath::staged(&UploadId::random())
}

fn path(text: &str) -> ObjectPath {
    text.parse().expect("a path")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_upload_costs_a_put_a_copy_and_a_delete() {
    let Some(buckets) = buckets().await else { return };
    let [driver, _] = &buckets.drivers;
    let mut writer = driver.writer(&staged(), None).await.unwrap();
    writer.write(vec![1; 3 * MIB].into()).await.unwrap();
    let progress = writer.checkpoint().await.unwrap();
    drop(writer);
    assert_eq!(buckets.sent(), sent(&[("PutObject", 1)]));

    let tail = progress.checkpoint.whole().expect("all bytes lie in the tail");
    driver.move_content(tail, &path("home")).await.unwrap();
    assert_eq!(buckets.sent(), sent(&[("CopyObject", 1), ("DeleteObject", 1)]));
    assert_eq!(driver.get_content(&path("home"), u64::MAX).await.unwrap(), vec![1; 3 * MIB]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_one_request_costs_one_put() {
    let Some(buckets) = buckets().await else { return };
    let mut writer = buckets.drivers[0].writer(&path("home"), None).await.unwrap();
    writer.write(vec![1; 3 * MIB].into()).await.unwrap();
    writer.commit().await.unwrap();
    assert_eq!(buckets.sent(), sent(&[("PutObject", 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_upload_costs_its_parts_and_two_requests_more() {
    let Some(buckets) = buckets().await else { return };
    let [driver, _] = &buckets.drivers;
    let mut writer = driver.writer(&path("home"), None).await.unwrap();
    writer.write(vec![1; 7 * MIB].into()).await.unwrap();
    assert_eq!(buckets.sent(), [], "nothing is begun before there is a part");
    writer.write(vec![2; 18 * MIB].into()).await.unwrap();
    writer.commit().await.unwrap();
    let parts = [("CreateMultipartUpload", 1), ("UploadPart", 4), ("CompleteMultipartUpload", 1)];
    assert_eq!(buckets.sent(), sent(&parts));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_upload_costs_its_tail_too() {
    let Some(buckets) = buckets().await else { return };
    let ([driver, _], staged) = (&buckets.drivers, staged());
    let mut writer = driver.writer(&staged, None).await.unwrap();
    writer.write(vec![1; 9 * MIB].into()).await.unwrap();
    let progress = writer.checkpoint().await.unwrap();
    drop(writer);
    assert_eq!(buckets.sent(), sent(&[("CreateMultipartUpload", 1), ("UploadPart", 1), ("PutObject", 1)]));

    driver.writer(&staged, Some(progress)).await.unwrap().commit().await.unwrap();
    let ending = [("GetObject", 1), ("UploadPart", 1), ("CompleteMultipartUpload", 1), ("DeleteObject", 1)];
    assert_eq!(buckets.sent(), sent(&ending));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_between_buckets_is_one_request() {
    let Some(buckets) = buckets().await else { return };
    let ([source, target], path) = (&buckets.drivers, path("object"));
    let before = source.put_content(&path, "content".into(), PutMode::Overwrite).await.unwrap();
    buckets.sent();
    let copied = target.copy_from(&**source, &path, &path).await.unwrap();
    assert_eq!(buckets.sent(), sent(&[("CopyObject", 1)]));
    assert_eq!(copied.source, Some(before), "the answer to the copy tells what was copied");
    assert_eq!(target.stat(&path).await.unwrap().version, copied.version);
    assert_eq!(target.get_content(&path, 100).await.unwrap(), "content");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aimed_delete_is_one_request_where_versions_are_kept() {
    let Some(buckets) = buckets().await else { return };
    let ([driver, _], path) = (&buckets.drivers, path("object"));
    let version = driver.put_content(&path, "content".into(), PutMode::Overwrite).await.unwrap();
    buckets.sent();
    driver.delete(&path, Some(&version)).await.unwrap();
    assert_eq!(buckets.sent(), sent(&[("DeleteObject", 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_write_leaves_no_upload() {
    let Some(buckets) = buckets().await else { return };
    let mut writer = buckets.without_part(2).writer(&staged(), None).await.unwrap();
    let mut outcome = Ok(());
    while outcome.is_ok() {
        outcome = writer.write(vec![0; MIB].into()).await;
    }
    assert_eq!(buckets.uploads().await, 0, "{outcome:?}");
    outcome.unwrap_err();
    assert!(matches!(writer.write("more".into()).await, Err(Error::Failed(_))), "a writer that failed stays failed");
    assert!(matches!(writer.checkpoint().await, Err(Error::Failed(_))));
    writer.cancel().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_commit_leaves_no_upload() {
    let Some(buckets) = buckets().await else { return };
    let mut writer = buckets.without_part(2).writer(&staged(), None).await.unwrap();
    writer.write(vec![0; 9 * MIB].into()).await.unwrap();
    assert_eq!(buckets.uploads().await, 1);
    writer.commit().await.unwrap_err();
    assert_eq!(buckets.uploads().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_write_keeps_the_upload_that_a_checkpoint_names() {
    let Some(buckets) = buckets().await else { return };
    let ([driver, _], staged) = (&buckets.drivers, staged());
    let mut writer = driver.writer(&staged, None).await.unwrap();
    writer.write(vec![1; 9 * MIB].into()).await.unwrap();
    let progress: Progress = writer.checkpoint().await.unwrap();
    drop(writer);

    let mut failing = buckets.without_part(2).writer(&staged, Some(progress.clone())).await.unwrap();
    failing.write(vec![3; 9 * MIB].into()).await.unwrap();
    failing.checkpoint().await.unwrap_err();
    drop(failing);

    let mut writer = driver.writer(&staged, Some(progress)).await.unwrap();
    writer.write(vec![2; MIB].into()).await.unwrap();
    writer.commit().await.unwrap();
    let whole: Bytes = [vec![1; 9 * MIB], vec![2; MIB]].concat().into();
    assert!(driver.get_content(&staged, u64::MAX).await.unwrap() == whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_writer_leaves_no_upload() {
    let Some(buckets) = buckets().await else { return };
    let mut writer = buckets.drivers[0].writer(&staged(), None).await.unwrap();
    writer.write(vec![0; 9 * MIB].into()).await.unwrap();
    assert_eq!(buckets.uploads().await, 1);
    drop(writer);
    for _ in 0..500 {
        if buckets.uploads().await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the upload is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_writer_leaves_no_upload_though_a_checkpoint_names_it() {
    let Some(buckets) = buckets().await else { return };
    let mut writer = buckets.drivers[0].writer(&staged(), None).await.unwrap();
    writer.write(vec![0; 9 * MIB].into()).await.unwrap();
    writer.checkpoint().await.unwrap();
    writer.cancel().await.unwrap();
    assert_eq!(buckets.uploads().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_not_what_was_recorded_is_not_committed() {
    let Some(buckets) = buckets().await else { return };
    let ([driver, _], staged) = (&buckets.drivers, staged());
    let mut writer = driver.writer(&staged, None).await.unwrap();
    writer.write(vec![1; 6 * MIB].into()).await.unwrap();
    let mut progress = writer.checkpoint().await.unwrap();
    drop(writer);
    progress.parts[0].etag = "\"00000000000000000000000000000000\"".to_owned();
    let outcome = driver.writer(&staged, Some(progress)).await.unwrap().commit().await;
    assert!(matches!(outcome, Err(Error::CheckpointGone(_))), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_parts_has_a_checksum_of_the_whole() {
    let Some(buckets) = buckets().await else { return };
    let ([driver, _], path) = (&buckets.drivers, path("object"));
    let mut writer = driver.writer(&path, None).await.unwrap();
    for byte in 0..9 {
        writer.write(vec![byte; 2 * MIB].into()).await.unwrap();
    }
    writer.commit().await.unwrap();
    let head = buckets.emulator.s3_client().head_object().bucket(&buckets.names[0]).key(path.as_str());
    let head = head.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!(head.checksum_type(), Some(&ChecksumType::FullObject));
    assert!(head.checksum_crc64_nvme().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_gives_the_object_under_the_type_asked_for() {
    let Some(buckets) = buckets().await else { return };
    let ([driver, _], path) = (&buckets.drivers, path("object"));
    driver.put_content(&path, "content".into(), PutMode::Overwrite).await.unwrap();
    let content_type = Some("application/vnd.example+json".to_owned());
    buckets.sent();
    let expires = Duration::from_mins(1);
    let get = UrlRequest { method: UrlMethod::Get, expires, content_type: content_type.clone() };
    let get = driver.url_for(&path, &get).await.unwrap().expect("a URL");
    let head = driver.url_for(&path, &UrlRequest { method: UrlMethod::Head, expires, content_type: None }).await;
    let head = head.unwrap().expect("a URL");
    assert_eq!(buckets.sent(), [], "the store is not asked");

    let address = buckets.emulator.endpoint().trim_start_matches("http://").parse().expect("an address");
    let client = Client::new(address);
    let answer = client.get(get.as_str()).await;
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"content"[..]));
    assert_eq!(answer.headers["content-type"], "application/vnd.example+json");
    let answer = client.head(head.as_str()).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["content-length"]), (200, &"7".parse().unwrap()));
    for wrong in [Method::HEAD, Method::DELETE] {
        let answer = client.call(wrong, get.as_str()).send().await;
        assert_eq!(answer.status.as_u16(), 403, "a URL allows one method");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_not_there_is_unavailable() {
    let Some(buckets) = buckets().await else { return };
    let path = path("object");
    let bucket = buckets.drivers[0].sibling("no-such-bucket");
    let outcome = bucket.get_content(&path, 100).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config: S3Config = format!("s3://bucket?endpoint=http://127.0.0.1:{port}").parse().unwrap();
    let nobody = S3Driver::connect(&config, &buckets.emulator.sdk_config(), None);
    let outcome = nobody.stat(&path).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
}
