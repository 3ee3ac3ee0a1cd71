//! Uploads: begun, appended to by one request at a time, and completed or cancelled.

use super::body::Body;
use super::receive::USUAL_ALGORITHM;
use super::session::{Held, Hold};
use super::{Error, Registry, Result};
use crate::clock::Timestamp;
use crate::metadata::{BlobRecord, UploadSession};
use crate::oci::{Algorithm, ContentRange, Digest, RepositoryName, UploadId};
use crate::storage::{BucketId, ObjectPath, Tail};

/// The most repositories that are asked for a blob that a client wants mounted from anywhere.
const MOUNT_CANDIDATES: usize = 16;

/// An upload as its client should see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Its name.
    pub id: UploadId,
    /// How many bytes are durable.
    pub offset: u64,
}

/// What became of a wish to mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mounted {
    /// The repository can read the blob now.
    Linked(BlobRecord),
    /// It cannot; upload it here.
    Begun(Appended),
}

impl Registry {
    /// Begins an upload.
    pub async fn begin_upload(&self, repository: &RepositoryName, algorithm: Option<Algorithm>) -> Result<Appended> {
        let (id, now) = (UploadId::random(), Timestamp::now());
        let session = UploadSession {
            bucket: self.storage().staging(&id).clone(),
            id: id.clone(),
            repository: repository.clone(),
            algorithm: algorithm.unwrap_or(USUAL_ALGORITHM),
            offset: 0,
            hash: None,
            checkpoint: None,
            parts: 0,
            direct: None,
            completed: None,
            started: now,
            expires: now.plus(self.terms.session),
        };
        self.metadata.create_session(&session).await?;
        Ok(Appended { id, offset: 0 })
    }

    /// Publishes a blob that comes in the body of the request that would begin its upload.
    pub async fn push_blob(&self, repository: &RepositoryName, digest: &Digest, body: Body) -> Result<BlobRecord> {
        self.receive_whole(repository, digest, body).await
    }

    /// Repositories that a blob might be linked from: a few of those that have it.
    pub async fn mount_candidates(&self, digest: &Digest) -> Result<Vec<RepositoryName>> {
        Ok(self.metadata.repositories_of(digest, MOUNT_CANDIDATES).await?)
    }

    /// Links a blob of one of these repositories; begins an upload when there is nothing to link.
    pub async fn mount_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        sources: &[RepositoryName],
        algorithm: Option<Algorithm>,
    ) -> Result<Mounted> {
        let lease = Timestamp::now().plus(self.terms.lease);
        for source in sources {
            if let Some(blob) = self.metadata.mount_blob(source, repository, digest, lease).await? {
                return Ok(Mounted::Linked(blob));
            }
        }
        let algorithm = algorithm.unwrap_or_else(|| digest.algorithm());
        Ok(Mounted::Begun(self.begin_upload(repository, Some(algorithm)).await?))
    }

    /// How far an upload has come.
    pub async fn upload(&self, repository: &RepositoryName, id: &UploadId) -> Result<Appended> {
        let session = self.metadata.session(repository, id).await?.ok_or(Error::UploadUnknown)?;
        if session.completed.is_some() || session.direct.is_some() {
            return Err(Error::UploadUnknown);
        }
        Ok(Appended { id: session.id, offset: session.offset })
    }

    /// Appends a body, wholly or not at all. `range` says where the client thinks that it goes.
    pub async fn append(
        &self,
        repository: &RepositoryName,
        id: &UploadId,
        range: Option<ContentRange>,
        body: Body,
    ) -> Result<Appended> {
        match self.hold(repository, id, range.map(|range| range.first())).await? {
            Hold::Completed(_) => Err(Error::UploadUnknown),
            Hold::Held(held) => self.append_held(*held, range, body).await,
        }
    }

    async fn append_held(&self, held: Held, range: Option<ContentRange>, body: Body) -> Result<Appended> {
        let outcome = async {
            let mut receiver = self.receiver(&held, &ObjectPath::staged(&held.session.id), held.progress()).await?;
            receiver.take(bytes::Bytes::new(), body).await?;
            check_length(range, receiver.writer.size() - held.session.offset)?;
            Ok((receiver.checkpoint().await?, receiver.digester.state()))
        };
        match outcome.await {
            Ok((progress, hash)) => {
                let appended = Appended { id: held.session.id.clone(), offset: progress.checkpoint.offset };
                let bucket = held.session.bucket.clone();
                let superseded = held.session.checkpoint.as_ref().and_then(|checkpoint| checkpoint.tail.clone());
                let superseded = superseded.filter(|tail| progress.checkpoint.tail.as_ref() != Some(tail));
                held.advance(hash, progress, Timestamp::now().plus(self.terms.session)).await?;
                if let Some(tail) = superseded {
                    self.remove_tail(&bucket, tail).await?;
                }
                Ok(appended)
            }
            Err(error) => {
                held.release().await;
                Err(error)
            }
        }
    }

    /// Removes a tail that no checkpoint names any more, while the client goes on.
    async fn remove_tail(&self, bucket: &BucketId, tail: Tail) -> Result<()> {
        let driver = self.bucket(bucket).await?;
        self.tidying.spawn(async move {
            if let Err(error) = driver.delete(&tail.path, tail.version.as_ref()).await {
                tracing::warn!(tail = %tail.path, %error, "a tail is left to the sweeper");
            }
        });
        Ok(())
    }

    /// Completes an upload with what the body still brings, once its bytes are what the digest says. Asked again after
    /// it succeeded, it succeeds again.
    pub async fn complete_upload(
        &self,
        repository: &RepositoryName,
        id: &UploadId,
        digest: &Digest,
        range: Option<ContentRange>,
        body: Body,
    ) -> Result<BlobRecord> {
        match self.hold(repository, id, range.map(|range| range.first())).await? {
            Hold::Completed(completed) if completed == *digest => self.blob(repository, digest).await,
            Hold::Completed(_) => Err(Error::UploadUnknown),
            Hold::Held(held) => self.receive_rest(*held, digest, range, body).await,
        }
    }

    /// Forgets an upload and its bytes.
    pub async fn cancel_upload(&self, repository: &RepositoryName, id: &UploadId) -> Result<()> {
        let Hold::Held(held) = self.hold(repository, id, None).await? else {
            return Err(Error::UploadUnknown);
        };
        if let Some(progress) = held.progress() {
            let path = ObjectPath::staged(id);
            self.bucket(&held.session.bucket).await?.writer(&path, Some(progress)).await?.cancel().await?;
        }
        held.delete().await
    }
}

/// A body must be as long as its range says.
pub(super) fn check_length(range: Option<ContentRange>, actual: u64) -> Result<()> {
    match range {
        Some(range) if range.len() != actual => Err(Error::WrongLength { expected: range.len(), actual }),
        _ => Ok(()),
    }
}
