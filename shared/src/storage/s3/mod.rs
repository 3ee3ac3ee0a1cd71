//! Objects in a bucket of S3, or of any store that speaks its API. One driver per bucket.
//!
//! Nothing is listed but by `list`, nothing is asked twice: each call of the trait costs the requests that its comment
//! names, and no other. Every write names its checksum, SHA-256 for whole objects and CRC-64/NVME for parts, so that
//! what is stored is what was sent.
//!
//! The bucket should keep versions: then a version is S3's own, and an aimed delete is one atomic request. Deleting the newest
//! version brings back the one before it: whoever writes over an object that it knows has to see to that one too. A
//! lifecycle rule expires what nobody knew of, once something newer lies above it. In a bucket without versions every write
//! leaves a random mark in the object's metadata (`x-amz-meta-ringhold-version`), and an aimed delete looks before it
//! deletes, which is two requests: a write between them is lost.

mod buckets;
mod client;
mod config;
mod copy;
mod copy_plan;
mod crc;
mod direct;
mod error;
mod multipart;
mod objects;
mod plan;
mod rope;
#[cfg(test)]
pub(crate) mod tests;
mod url_for;
mod version;
mod writer;

use std::any::Any;
use std::fmt;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use bytes::Bytes;
use url::Url;

pub use buckets::S3Buckets;
pub use config::{ParseS3ConfigError, S3Config, S3ConfigProblem};

use self::client::{LateClient, Realm, late};
use self::writer::S3Writer;
use super::direct::DirectUploads;
use super::driver::{
    Content, Copied, Entry, Progress, PutMode, Span, Stat, StorageDriver, Unfinished, UrlRequest, Version, Writer,
    copy_through,
};
use super::error::Result;
use super::path::ObjectPath;
use crate::calls::Calls;
use crate::clock::Timestamp;

/// A bucket. Clones share its client.
#[derive(Clone)]
pub struct S3Driver {
    client: LateClient,
    bucket: String,
    realm: Realm,
}

impl S3Driver {
    /// The bucket that `config` names, reached with the credentials and the connections of `shared`, which all buckets of a
    /// process have in common. Asks nothing of the store.
    #[must_use]
    pub fn connect(config: &S3Config, shared: &SdkConfig, calls: Option<Calls>) -> Self {
        let (bucket, realm) = (config.bucket.clone(), Realm::of(config, shared));
        let (config, shared) = (config.clone(), shared.clone());
        Self { client: late(move || client::connect(&config, &shared, calls)), bucket, realm }
    }

    /// A bucket behind a client made elsewhere. Of other drivers, it copies server-side only from its [`sibling`](Self::sibling)s.
    #[must_use]
    pub fn with_client(client: Client, bucket: impl Into<String>) -> Self {
        Self { client: late(|| client), bucket: bucket.into(), realm: Realm::unique() }
    }

    /// Another bucket behind the same client.
    #[must_use]
    pub fn sibling(&self, bucket: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), ..self.clone() }
    }
}

impl fmt::Debug for S3Driver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("S3Driver")
            .field("bucket", &self.bucket)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl StorageDriver for S3Driver {
    fn name(&self) -> &'static str {
        "s3"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    /// One GET.
    async fn get_content(&self, path: &ObjectPath, limit: u64) -> Result<Bytes> {
        self.get(path, limit).await
    }

    /// One PUT; a HEAD after a conditional one that was refused, to see whether a lost answer had said yes.
    async fn put_content(&self, path: &ObjectPath, content: Bytes, mode: PutMode) -> Result<Version> {
        self.put(path, content.into(), mode).await
    }

    /// One GET, or one HEAD when there is nothing to get.
    async fn reader(&self, path: &ObjectPath, span: Span) -> Result<Content> {
        self.read(path, span).await
    }

    /// No request. The first bytes after a checkpoint cost a GET of its tail.
    async fn writer(&self, path: &ObjectPath, progress: Option<Progress>) -> Result<Box<dyn Writer>> {
        Ok(Box::new(S3Writer::open(self.clone(), path.clone(), progress)?))
    }

    /// One HEAD.
    async fn stat(&self, path: &ObjectPath) -> Result<Stat> {
        self.head(path).await.map(|head| objects::stat(&head))
    }

    /// One LIST per thousand entries. Objects whose keys are no paths are somebody else's, and left out.
    async fn list(&self, directory: &ObjectPath, after: Option<&ObjectPath>, limit: usize) -> Result<Vec<Entry>> {
        self.entries(directory, after, limit).await
    }

    /// One COPY, one DELETE; more only for an object of more than 5 GB. Onto itself one HEAD.
    async fn move_content(&self, from: &ObjectPath, to: &ObjectPath) -> Result<Version> {
        if from == to {
            return self.stat(from).await.map(|stat| stat.version);
        }
        let copied = self.copy(self, from, to).await?;
        self.delete(from, copied.source.as_ref()).await?;
        Ok(copied.version)
    }

    /// One COPY within a realm; more only for an object of more than 5 GB. Else a GET and a writer's requests.
    async fn copy_from(&self, source: &dyn StorageDriver, from: &ObjectPath, to: &ObjectPath) -> Result<Copied> {
        match source.as_any().downcast_ref::<Self>().filter(|source| source.realm == self.realm) {
            Some(source) if source.bucket == self.bucket && from == to => {
                let Stat { version, .. } = self.stat(from).await?;
                Ok(Copied { version: version.clone(), source: Some(version), sha256: None, is_compared: true })
            }
            Some(source) => self.copy(source, from, to).await,
            None => copy_through(self, source, from, to).await,
        }
    }

    fn keeps_overwritten(&self, by: &Version) -> bool {
        version::version_id(by).is_some()
    }

    /// One HEAD; another where the newest is another version.
    async fn has(&self, path: &ObjectPath, version: &Version) -> Result<bool> {
        self.head_of_version(path, version).await.map(|head| head.is_some())
    }

    /// One DELETE. Aimed at a version that the bucket did not keep, it is a HEAD before, and another should it keep versions
    /// since.
    async fn delete(&self, path: &ObjectPath, version: Option<&Version>) -> Result<()> {
        let Some(version) = version else { return self.remove(path, None).await };
        if let Some(id) = version::version_id(version) {
            return self.remove(path, Some(id)).await;
        }
        match self.head_of_version(path, version).await? {
            Some(head) => self.remove(path, head.version_id()).await,
            None => Ok(()),
        }
    }

    /// One LIST of multipart uploads per thousand of them.
    async fn unfinished(&self, before: Timestamp, limit: usize) -> Result<Vec<Unfinished>> {
        self.multiparts(before, limit).await
    }

    /// One request.
    async fn forget(&self, unfinished: &Unfinished) -> Result<()> {
        match &unfinished.path {
            Some(path) => self.forget_parts(path, &unfinished.upload).await,
            None => Ok(()),
        }
    }

    fn direct(&self) -> Option<&dyn DirectUploads> {
        Some(self)
    }

    /// No request.
    async fn url_for(&self, path: &ObjectPath, request: &UrlRequest) -> Result<Option<Url>> {
        self.presigned(path, request).await.map(Some)
    }
}
