//! Blobs: reading them through a repository, and taking them out of it.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::{Error, Registry, Result};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::metadata::{BlobRecord, Unlinked};
use crate::oci::{ByteRange, Digest, RepositoryName};
use crate::storage::{self, BucketId, Content, ObjectPath, Span, StorageDriver, UrlRequest};

/// How long a place may take to begin its answer when there is another to ask.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long the last one may: whoever asks through a gateway is gone soon after.
const LAST_PATIENCE: Duration = Duration::from_secs(20);

/// The source of a storage error that no bucket has told.
#[derive(Debug, thiserror::Error)]
#[error("bucket {0} does not serve now, and nothing else holds the blob")]
struct NotServing(BucketId);

pub(super) fn not_serving(bucket: &BucketId) -> Error {
    unavailable(NotServing(bucket.clone())).into()
}

/// A row says that the bytes are there: a bucket that refuses them does not serve.
fn refused_for_now(error: storage::Error) -> storage::Error {
    match error {
        storage::Error::Denied(source) => storage::Error::Unavailable(source),
        error => error,
    }
}

fn unavailable(source: impl std::error::Error + Send + Sync + 'static) -> storage::Error {
    storage::Error::Unavailable(Box::new(source))
}

impl Registry {
    /// The blob, when the repository links it.
    pub async fn blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<BlobRecord> {
        let linked = self.metadata.linked_blob(repository, digest).await?;
        Ok(linked.ok_or(Error::BlobUnknown)?.blob)
    }

    /// The blob, for a client that will not upload it when told that it is here: it cannot be collected for a while.
    pub async fn blob_to_skip(&self, repository: &RepositoryName, digest: &Digest) -> Result<BlobRecord> {
        let linked = self.metadata.linked_blob(repository, digest).await?.ok_or(Error::BlobUnknown)?;
        let now = Timestamp::now();
        if linked.lease.since(now) >= self.terms.renew_within {
            return Ok(linked.blob);
        }
        let renewed = self.metadata.renew_link(repository, digest, now.plus(self.terms.lease)).await?;
        renewed.ok_or(Error::BlobUnknown)
    }

    /// The blob's bytes, or a range of them.
    pub async fn read_blob(&self, blob: &BlobRecord, range: Option<ByteRange>) -> Result<Content> {
        let span = range.map_or(Span::ALL, |range| Span { offset: range.first, length: Some(range.len()) });
        self.ask_any_place(blob, |driver, path| async move { driver.reader(&path, span).await }).await
    }

    /// Where a client can fetch the blob itself, when its bucket has such a place.
    pub async fn blob_url(&self, blob: &BlobRecord, request: &UrlRequest) -> Result<Option<Url>> {
        let storage = self.storage();
        let Some(place) = blob.places().find(|place| storage.serves(&place.bucket)) else {
            return Err(not_serving(&blob.place.bucket));
        };
        Ok(self.bucket(&place.bucket).await?.url_for(&place.path, request).await?)
    }

    /// Asks one place of the blob after the other, those in buckets that serve first, until one answers.
    pub(super) async fn ask_any_place<T, F>(
        &self,
        blob: &BlobRecord,
        ask: impl Fn(Arc<dyn StorageDriver>, ObjectPath) -> F,
    ) -> Result<T>
    where
        F: Future<Output = storage::Result<T>>,
    {
        let places = self.by_service(blob);
        let mut failure = None;
        for (index, place) in places.iter().enumerate() {
            let driver = self.bucket(&place.bucket).await?;
            let is_last_hope = index + 1 == places.len() && self.storage().serves(&place.bucket);
            let patience = if is_last_hope { LAST_PATIENCE } else { PATIENCE };
            let answer = tokio::time::timeout(patience, ask(driver, place.path.clone())).await;
            match answer.unwrap_or_else(|over| Err(unavailable(over))) {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    tracing::warn!(digest = %blob.digest, bucket = %place.bucket, error = %Causes(&error), "a place did not answer");
                    // What is unavailable may come back; what is not there is the news only where nothing else is.
                    let is_better = failure.is_none() || matches!(failure, Some(storage::Error::NotFound(_)));
                    failure = if is_better { Some(refused_for_now(error)) } else { failure };
                }
            }
        }
        Err(failure.map_or_else(|| not_serving(&blob.place.bucket), Error::from))
    }

    /// Takes the blob out of the repository.
    pub async fn delete_blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<()> {
        match self.metadata.unlink_blob(repository, digest).await? {
            Unlinked::Removed => Ok(()),
            Unlinked::Unknown => Err(Error::BlobUnknown),
            Unlinked::InUse => Err(Error::BlobInUse),
        }
    }
}
