//! Whole objects: put, get, look at, list, remove.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::ChecksumMode;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};

use super::S3Driver;
use super::error::outcome;
use super::rope::Rope;
use super::version::{self, Mark};
use crate::clock::Timestamp;
use crate::storage::driver::{Content, Entry, PutMode, Span, Stat, Version};
use crate::storage::{Error, ObjectPath, Result};

/// What the objects are to anybody else who looks into the bucket.
pub(super) const CONTENT_TYPE: &str = "application/octet-stream";
/// How often a conditional write is tried when S3 says that another one is under way.
const CONFLICTS: u32 = 3;
/// As many entries as one LIST answers.
const PAGE: usize = 1000;
/// The last byte that a range can name.
const MOST: u64 = i64::MAX as u64;

impl S3Driver {
    pub(super) async fn put(&self, path: &ObjectPath, content: Rope, mode: PutMode) -> Result<Version> {
        let (mark, content) = (Mark::random(), content.tied());
        let sha256 = content.sha256();
        for conflict in 1.. {
            let request = self.client.put_object().bucket(&self.bucket).key(path.as_str());
            let request = match mode {
                PutMode::Overwrite => request,
                PutMode::IfAbsent => request.if_none_match("*"),
            };
            let put = request
                .content_type(CONTENT_TYPE)
                .content_length(length(content.size()))
                .checksum_sha256(&sha256)
                .set_metadata(Some(mark.metadata()))
                .body(content.body())
                .send()
                .await;
            match put {
                Ok(put) => return Ok(mark.version(put.version_id())),
                Err(error) => {
                    let busy = error.raw_response().is_some_and(|answer| answer.status().as_u16() == 409);
                    match outcome(path, error) {
                        Error::AlreadyExists(_) if busy && conflict < CONFLICTS => {}
                        Error::AlreadyExists(_) => break,
                        error => return Err(error),
                    }
                }
            }
        }
        // The request may have been sent twice, because the answer to the first was lost: then what lies there is ours.
        match self.head(path).await {
            Ok(head) if version::is_marked(&head, &mark) => Ok(mark.version(head.version_id())),
            Ok(_) | Err(Error::NotFound(_)) => Err(Error::AlreadyExists(path.clone())),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn head(&self, path: &ObjectPath) -> Result<HeadObjectOutput> {
        let request = self.client.head_object().bucket(&self.bucket).key(path.as_str());
        request.send().await.map_err(|error| outcome(path, error))
    }

    /// Of exactly that version, when it is there: the newest, or one that the bucket keeps under it.
    pub(super) async fn head_of_version(
        &self,
        path: &ObjectPath,
        version: &Version,
    ) -> Result<Option<HeadObjectOutput>> {
        let is_it = |head: &HeadObjectOutput| version::found(head) == *version;
        let newest = match self.head(path).await {
            Ok(newest) => newest,
            Err(Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        // Some stores name the version of what is written, and keep none: they tell of none later.
        if is_it(&newest) || version::versioned(newest.version_id()).is_none() {
            return Ok(Some(newest).filter(is_it));
        }
        let id = version::version_id(version).unwrap_or(version::UNKEPT);
        let request = self.client.head_object().bucket(&self.bucket).key(path.as_str()).version_id(id);
        match request.send().await.map_err(|error| outcome(path, error)) {
            Ok(head) => Ok(Some(head).filter(|head| is_it(head) && head.version_id() == Some(id))),
            Err(error) if error.may_mean_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// With the checksums that the store keeps of the object.
    pub(super) async fn head_with_checksum(&self, path: &ObjectPath) -> Result<HeadObjectOutput> {
        let request = self.client.head_object().bucket(&self.bucket).key(path.as_str());
        request.checksum_mode(ChecksumMode::Enabled).send().await.map_err(|error| outcome(path, error))
    }

    pub(super) async fn get(&self, path: &ObjectPath, limit: u64) -> Result<Bytes> {
        let request = self.client.get_object().bucket(&self.bucket).key(path.as_str());
        let found = request.send().await.map_err(|error| outcome(path, error))?;
        let size = bytes(found.content_length());
        if size > limit {
            return Err(Error::TooLarge { path: path.clone(), limit });
        }
        let mut content = BytesMut::with_capacity(usize::try_from(size).unwrap_or_default());
        let mut chunks = chunks(found.body);
        while let Some(chunk) = chunks.try_next().await? {
            content.extend_from_slice(&chunk);
        }
        Ok(content.freeze())
    }

    pub(super) async fn read(&self, path: &ObjectPath, span: Span) -> Result<Content> {
        let Some(range) = range(span) else { return self.read_nothing(path, span).await };
        let request = self.client.get_object().bucket(&self.bucket).key(path.as_str()).set_range(range);
        match request.send().await {
            Ok(found) => Ok(Content {
                size: whole_size(&found),
                version: version::versioned(found.version_id()),
                stream: chunks(found.body).boxed(),
            }),
            Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 416) => {
                self.read_nothing(path, span).await
            }
            Err(error) => Err(outcome(path, error)),
        }
    }

    /// A span without a byte: no range says that, but the size tells whether it lies within the object.
    async fn read_nothing(&self, path: &ObjectPath, span: Span) -> Result<Content> {
        let head = self.head(path).await?;
        let size = bytes(head.content_length());
        if span.offset > size {
            return Err(Error::OutOfRange { path: path.clone(), size });
        }
        Ok(Content { size, version: version::versioned(head.version_id()), stream: stream::empty().boxed() })
    }

    pub(super) async fn remove(&self, path: &ObjectPath, version_id: Option<&str>) -> Result<()> {
        let request = self.client.delete_object().bucket(&self.bucket).key(path.as_str());
        let request = request.set_version_id(version_id.map(ToOwned::to_owned));
        match request.send().await.map_err(|error| outcome(path, error)) {
            Ok(_) | Err(Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn entries(
        &self,
        directory: &ObjectPath,
        after: Option<&ObjectPath>,
        limit: usize,
    ) -> Result<Vec<Entry>> {
        let prefix = format!("{directory}/");
        let mut start = after.map(|path| path.as_str().to_owned());
        let mut entries = Vec::new();
        while entries.len() < limit {
            let page = PAGE.min(limit - entries.len());
            let request =
                self.client.list_objects_v2().bucket(&self.bucket).prefix(&prefix).set_start_after(start.take());
            let listed = request.max_keys(i32::try_from(page).unwrap_or(i32::MAX)).send().await;
            let listed = listed.map_err(|error| outcome(directory, error))?;
            start = listed.contents().last().and_then(|object| object.key()).map(ToOwned::to_owned);
            entries.extend(listed.contents().iter().filter_map(|object| {
                let path = object.key()?.parse().ok()?;
                Some(Entry { path, size: bytes(object.size()), modified: moment(object.last_modified()) })
            }));
            if listed.is_truncated() != Some(true) || start.is_none() {
                break;
            }
        }
        Ok(entries)
    }
}

pub(super) fn stat(head: &HeadObjectOutput) -> Stat {
    Stat { size: bytes(head.content_length()), version: version::found(head), modified: moment(head.last_modified()) }
}

/// The header that asks for the span; none for the whole object, and no such header for a span that holds no byte.
#[expect(clippy::option_option, reason = "the outer says whether to ask, the inner what for")]
fn range(span: Span) -> Option<Option<String>> {
    match span {
        Span { length: Some(0), .. } => None,
        Span { offset: 0, length: None } => Some(None),
        // S3 counts in signed numbers.
        Span { offset, .. } if offset > MOST => None,
        Span { offset, length: None } => Some(Some(format!("bytes={offset}-"))),
        Span { offset, length: Some(length) } => {
            Some(Some(format!("bytes={offset}-{}", offset.saturating_add(length - 1).min(MOST))))
        }
    }
}

fn whole_size(found: &GetObjectOutput) -> u64 {
    let total =
        found.content_range().and_then(|range| range.rsplit_once('/')).and_then(|(_, total)| total.parse().ok());
    total.unwrap_or_else(|| bytes(found.content_length()))
}

fn chunks(body: ByteStream) -> stream::BoxStream<'static, Result<Bytes>> {
    let chunks = stream::try_unfold(body, |mut body| async move {
        let chunk = body.try_next().await.map_err(|error| Error::Unavailable(error.into()))?;
        Ok(chunk.map(|chunk| (chunk, body)))
    });
    chunks.try_filter(|chunk| futures::future::ready(!chunk.is_empty())).boxed()
}

/// A moment as S3 tells it; one that it does not tell is the latest that there can be.
pub(super) fn moment(time: Option<&DateTime>) -> Timestamp {
    let millis = time.and_then(|time| time.to_millis().ok()).and_then(|millis| u64::try_from(millis).ok());
    Timestamp::from_millis(millis.unwrap_or(u64::MAX))
}

pub(super) fn bytes(length: Option<i64>) -> u64 {
    length.and_then(|length| u64::try_from(length).ok()).unwrap_or_default()
}

pub(super) fn length(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
