//! What every store of bytes can do. `contract` says, clause by clause, what holds for all of them.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use url::Url;

use super::direct::DirectUploads;
use super::error::{Error, Result};
use super::path::ObjectPath;
use crate::clock::Timestamp;
use crate::oci::Digest;

/// A store of objects under paths.
///
/// Every write is atomic: a reader sees the whole object of before or the whole object of after, and once a write is
/// acknowledged it survives a crash. Directories do not exist: a path is an object or nothing.
#[async_trait]
pub trait StorageDriver: fmt::Debug + Send + Sync + 'static {
    /// The name under which the factory makes this driver.
    fn name(&self) -> &'static str;

    /// The driver itself, for a sibling that wants to copy without moving the bytes through this process.
    fn as_any(&self) -> &dyn Any;

    /// The whole object, when it has at most `limit` bytes; `TooLarge` otherwise.
    async fn get_content(&self, path: &ObjectPath, limit: u64) -> Result<Bytes>;

    /// Writes the whole object in one call.
    async fn put_content(&self, path: &ObjectPath, content: Bytes, mode: PutMode) -> Result<Version>;

    /// The bytes of `span`, as they arrive. A span that starts at the end is empty; past the end it is `OutOfRange`.
    async fn reader(&self, path: &ObjectPath, span: Span) -> Result<Content>;

    /// A writer of the object: a new one, or one that goes on from `progress`. Nothing lies at the path before `commit`.
    async fn writer(&self, path: &ObjectPath, progress: Option<Progress>) -> Result<Box<dyn Writer>>;

    /// Size, version and time of the object.
    async fn stat(&self, path: &ObjectPath) -> Result<Stat>;

    /// Up to `limit` objects below `directory`, in the byte order of their paths, after `after`. Never on a request's path.
    async fn list(&self, directory: &ObjectPath, after: Option<&ObjectPath>, limit: usize) -> Result<Vec<Entry>>;

    /// Moves an object over whatever lies at `to`, without moving its bytes through this process where the store can.
    /// A move onto itself changes nothing.
    async fn move_content(&self, from: &ObjectPath, to: &ObjectPath) -> Result<Version>;

    /// Copies an object of another driver, server-side where both stores can; the source stays.
    async fn copy_from(&self, source: &dyn StorageDriver, from: &ObjectPath, to: &ObjectPath) -> Result<Copied> {
        copy_through(self, source, from, to).await
    }

    /// Whether what was written over by that version stays, out of sight: deleting that version brings it back.
    fn keeps_overwritten(&self, by: &Version) -> bool;

    /// Whether exactly that version of the object is there, be it beneath a newer one.
    async fn has(&self, path: &ObjectPath, version: &Version) -> Result<bool> {
        match self.stat(path).await {
            Ok(found) => Ok(found.version == *version),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes exactly that version of the object, or with no version whatever lies there now. A newer version stays
    /// when an older one is named. Removing nothing succeeds.
    async fn delete(&self, path: &ObjectPath, version: Option<&Version>) -> Result<()>;

    /// Up to `limit` objects that were begun before `before` and never finished, of those that the store would keep for ever.
    /// Never on a request's path.
    async fn unfinished(&self, before: Timestamp, limit: usize) -> Result<Vec<Unfinished>>;

    /// Forgets an object that was begun and never finished. Forgetting nothing succeeds.
    async fn forget(&self, unfinished: &Unfinished) -> Result<()>;

    /// What lets clients put objects themselves; none when this store cannot.
    fn direct(&self) -> Option<&dyn DirectUploads>;

    /// A URL at which a client can fetch the object itself, made without asking the store; none when this store has none.
    async fn url_for(&self, path: &ObjectPath, request: &UrlRequest) -> Result<Option<Url>>;
}

/// Copies an object by reading it from the one store and writing it to the other.
pub(super) async fn copy_through<D: StorageDriver + ?Sized>(
    driver: &D,
    source: &dyn StorageDriver,
    from: &ObjectPath,
    to: &ObjectPath,
) -> Result<Copied> {
    let mut content = source.reader(from, Span::ALL).await?;
    let mut writer = driver.writer(to, None).await?;
    while let Some(chunk) = content.stream.next().await {
        let written = match chunk {
            Ok(chunk) => writer.write(chunk).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            writer.cancel().await?;
            return Err(error);
        }
    }
    Ok(Copied { version: writer.commit().await?, source: content.version, sha256: None, is_compared: false })
}

/// Bytes on their way to an object. Dropping a writer loses what was written since its last checkpoint, nothing else.
#[async_trait]
pub trait Writer: Send {
    /// Takes more bytes; may wait for earlier ones to be stored, so that memory stays bounded by a few parts.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// How many bytes the object has so far, those before the resumed checkpoint included.
    fn size(&self) -> u64;

    /// Makes what was written durable and says how to go on from here, in another process if need be.
    async fn checkpoint(&mut self) -> Result<Progress>;

    /// Publishes the object at its path, durably, over whatever lies there.
    async fn commit(self: Box<Self>) -> Result<Version>;

    /// Forgets the bytes and whatever the store keeps of them.
    async fn cancel(self: Box<Self>) -> Result<()>;
}

/// Whether a write may replace what lies at its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutMode {
    /// Replaces it.
    Overwrite,
    /// Fails with `AlreadyExists`; of several racing writes exactly one succeeds.
    IfAbsent,
}

/// Which state of an object lies at a path: differs after every write, even of the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(String);

impl Version {
    /// The version that a store calls by this name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The store's name for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a copy made, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The new object's version.
    pub version: Version,
    /// The version of the source that was copied; none where its store keeps none.
    pub source: Option<Version>,
    /// The SHA-256 that the store itself found when it made the object; none where it tells none.
    pub sha256: Option<Digest>,
    /// Whether the store's own checksums of source and copy, each of all bytes, are the same.
    pub is_compared: bool,
}

/// A stretch of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where it starts.
    pub offset: u64,
    /// How long it is at most; to the end when absent.
    pub length: Option<u64>,
}

impl Span {
    /// The whole object.
    pub const ALL: Self = Self { offset: 0, length: None };
}

/// An object being read.
pub struct Content {
    /// Size of the whole object, whatever the span.
    pub size: u64,
    /// The version that is read; none where its store keeps none.
    pub version: Option<Version>,
    /// The bytes of the span.
    pub stream: BoxStream<'static, Result<Bytes>>,
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Content").field("size", &self.size).finish_non_exhaustive()
    }
}

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// How many bytes it has.
    pub size: u64,
    /// Its present version.
    pub version: Version,
    /// When that came there.
    pub modified: Timestamp,
}

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it lies.
    pub path: ObjectPath,
    /// How many bytes it has.
    pub size: u64,
    /// When it came there, or was begun.
    pub modified: Timestamp,
}

/// An object that was begun and never finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Where it was to lie; none where the store does not know.
    pub path: Option<ObjectPath>,
    /// What its checkpoints call it.
    pub upload: String,
}

/// How to go on with a writer: a checkpoint and parts.
///
/// `Writer::checkpoint` gives the parts finished since the writer was opened or last checkpointed. A writer that is going to
/// be committed wants all of them, in order; one that goes on to another checkpoint, or is cancelled, needs none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The small state.
    pub checkpoint: Checkpoint,
    /// Parts that the store keeps; recorded here so that they never need listing.
    pub parts: Vec<Part>,
}

/// The small state of a writer between two requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// How many bytes are durable.
    pub offset: u64,
    /// How many parts they make, without the tail.
    pub parts: u32,
    /// The store's name for the unfinished object, once it has one.
    pub upload: Option<String>,
    /// The durable bytes after the last part, when there are any.
    pub tail: Option<Tail>,
}

impl Checkpoint {
    /// Where all the bytes lie when they are still few enough to lie in a tail alone.
    #[must_use]
    pub fn whole(&self) -> Option<&ObjectPath> {
        self.tail.as_ref().filter(|tail| self.upload.is_none() && tail.size == self.offset).map(|tail| &tail.path)
    }
}

/// Bytes too short for a part, in an object of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    /// Where they lie, in the same bucket.
    pub path: ObjectPath,
    /// How many they are.
    pub size: u64,
    /// The version to remove, once nothing needs them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
}

/// A part that the store keeps of an unfinished object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its number, from 1.
    pub number: u32,
    /// How many bytes it has.
    pub size: u64,
    /// The store's tag of its content, without which it cannot be committed.
    pub etag: String,
    /// The store's checksum of it, when it keeps one.
    pub checksum: Option<String>,
}

/// What a client will do with a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlMethod {
    /// Fetch the object.
    Get,
    /// Ask for its size.
    Head,
}

/// What a URL is wanted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlRequest {
    /// The one method that it allows.
    pub method: UrlMethod,
    /// How long it lives.
    pub expires: Duration,
    /// The content type that the store shall answer with.
    pub content_type: Option<String>,
}
