//! Blobs: reading them through a repository, and taking them out of it.

use url::Url;

use super::{Error, Registry, Result};
use crate::clock::Timestamp;
use crate::metadata::{BlobRecord, Unlinked};
use crate::oci::{ByteRange, Digest, RepositoryName};
use crate::storage::{Content, Span, UrlRequest};

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
        Ok(self.bucket(&blob.place.bucket)?.reader(&blob.place.path, span).await?)
    }

    /// Where a client can fetch the blob itself, when its bucket has such a place.
    pub async fn blob_url(&self, blob: &BlobRecord, request: &UrlRequest) -> Result<Option<Url>> {
        Ok(self.bucket(&blob.place.bucket)?.url_for(&blob.place.path, request).await?)
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
