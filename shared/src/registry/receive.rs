//! Taking in bytes: hashed while they stream, and published only when they are what their digest says.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;

use super::body::{Beginning, Body, begin};
use super::prove::{check, expect};
use super::session::Held;
use super::uploads::check_length;
use super::{Error, Registry, Result};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::metadata::{BlobCommit, BlobRecord, Claim, Committed, Place, Rehousing, Task, Work};
use crate::oci::{Algorithm, ContentRange, Digest, Digester, RepositoryName, UploadId};
use crate::storage::{self, BucketId, ObjectPath, Progress, PutMode, Version, Writer};

/// Bytes received so far, on their way to one bucket.
pub(super) struct Receiver {
    pub(super) digester: Digester,
    pub(super) writer: Box<dyn Writer>,
    /// Small chunks on their way to the writer: a client may send bytes one by one.
    gathered: BytesMut,
}

/// Chunks of fewer bytes are gathered.
const SMALL_CHUNK: usize = 64 * 1024;

/// How long a bucket may take for a few bytes when there is another to put them into.
const PATIENCE: Duration = Duration::from_secs(15);

/// Bytes that become a blob in one step.
enum Few<'a> {
    /// These.
    Held(Bytes),
    /// Those that lie there.
    Tail(&'a BucketId, &'a ObjectPath),
}

/// Where an upload's bytes came to lie.
pub(super) struct Landed {
    pub(super) place: Place,
    pub(super) size: u64,
}

impl Registry {
    /// A receiver that goes on where the session stands.
    pub(super) async fn receiver(
        &self,
        held: &Held,
        path: &ObjectPath,
        progress: Option<Progress>,
    ) -> Result<Receiver> {
        let session = &held.session;
        let digester = match &session.hash {
            Some(state) => Digester::resume(state)?,
            None => Digester::new(session.algorithm),
        };
        Ok(Receiver::new(digester, self.bucket(&session.bucket).await?.writer(path, progress).await?))
    }

    /// Publishes a blob that comes whole in one body, with no session.
    pub(super) async fn receive_whole(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        body: Body,
    ) -> Result<BlobRecord> {
        let landed = match begin(body, self.terms.held_whole).await? {
            Beginning::Whole(bytes) => self.land_whole(digest, bytes).await?,
            Beginning::More(first, rest) => {
                let id = UploadId::random();
                let bucket = self.storage().staging(&id).clone();
                let path = ObjectPath::staged(&id);
                let writer = self.bucket(&bucket).await?.writer(&path, None).await?;
                let mut receiver = Receiver::new(Digester::new(digest.algorithm()), writer);
                match receiver.take(first, rest).await.and_then(|()| verify(&receiver.digester, digest)) {
                    Ok(()) => self.land(&bucket, &path, receiver.writer).await?,
                    Err(error) => {
                        if let Err(error) = receiver.writer.cancel().await {
                            tracing::warn!(%path, error = %Causes(&error), "refused bytes are left behind");
                        }
                        return Err(error);
                    }
                }
            }
        };
        self.publish(repository, digest, landed, None).await?.ok_or(Error::UploadUnknown)
    }

    /// Completes a session with the rest of its bytes, and publishes the blob.
    pub(super) async fn receive_rest(
        &self,
        held: Held,
        digest: &Digest,
        range: Option<ContentRange>,
        body: Body,
    ) -> Result<BlobRecord> {
        let landed = match self.land_session(&held, digest, range, body).await {
            Err(Error::Storage(storage::Error::CheckpointGone(path))) => self.landed_before(&held, digest, path).await,
            landed => landed,
        };
        let landed = match landed {
            Ok(landed) => landed,
            Err(error) => {
                held.release().await;
                return Err(error);
            }
        };
        let (id, claim) = (held.session.id.clone(), held.claim.clone());
        let repository = held.session.repository.clone();
        match self.publish(&repository, digest, landed, Some((id, claim))).await? {
            Some(blob) => {
                held.completed();
                Ok(blob)
            }
            None => Err(held.lost().await),
        }
    }

    async fn land_session(
        &self,
        held: &Held,
        digest: &Digest,
        range: Option<ContentRange>,
        body: Body,
    ) -> Result<Landed> {
        let (first, rest) = match begin(body, self.terms.held_whole).await? {
            Beginning::Whole(bytes) => {
                check_length(range, bytes.len() as u64)?;
                if held.session.offset == 0 {
                    return self.land_whole(digest, bytes).await;
                }
                (bytes, futures::stream::empty().boxed())
            }
            Beginning::More(first, rest) => (first, rest),
        };
        let bucket = &held.session.bucket;
        let whole = held.session.checkpoint.as_ref().and_then(|checkpoint| checkpoint.whole());
        if let (Some(tail), true) = (whole, first.is_empty()) {
            return self.land_tail(held, tail, digest).await;
        }
        // An unfinished object that is resumed has its place; what is new belongs to this request, whoever else may hold on
        // to the session.
        let is_begun = held.session.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.upload.is_some());
        let own = if is_begun { held.session.id.clone() } else { UploadId::random() };
        let path = ObjectPath::staged(&own);
        let mut receiver = self.receiver(held, &path, held.whole_progress().await?).await?;
        receiver.take(first, rest).await?;
        check_length(range, receiver.writer.size() - held.session.offset)?;
        let is_hashed = held.session.algorithm == digest.algorithm();
        if is_hashed {
            verify(&receiver.digester, digest)?;
        }
        held.check().await?;
        let landed = self.land(bucket, &path, receiver.writer).await?;
        if !is_hashed {
            self.verify_stored(&landed.place, digest).await?;
        }
        Ok(landed)
    }

    /// The bytes of a session that a request before this one brought to where they should lie, but did not live to
    /// publish, or could not because the digest was wrong. They are hashed anew: nothing else says that they are what this
    /// client means.
    async fn landed_before(&self, held: &Held, digest: &Digest, gone: ObjectPath) -> Result<Landed> {
        let mut why = storage::Error::CheckpointGone(gone).into();
        let session = &held.session;
        let (bucket, path) = (session.bucket.clone(), ObjectPath::staged(&session.id));
        match self.bucket(&bucket).await?.stat(&path).await {
            Ok(found) => {
                let place = self.place(bucket, path, found.version);
                match self.verify_stored(&place, digest).await {
                    Ok(()) => return Ok(Landed { place, size: found.size }),
                    Err(mismatch @ Error::DigestMismatch { .. }) => why = mismatch,
                    Err(error) => return Err(error),
                }
            }
            Err(error) if error.may_mean_absent() => {}
            Err(error) => return Err(error.into()),
        }
        // To know a digest is not to have its content: what lies at a home counts only for an upload of just those bytes.
        let hashed = session.hash.as_ref().map(Digester::resume).transpose()?;
        if hashed.is_none_or(|hashed| hashed.finish() != *digest) {
            return Err(why);
        }
        match self.moved_home(session.offset, digest).await? {
            // Put there anew: whoever may be deleting what lies there now does not know of this upload.
            Some(bytes) => self.land_whole(digest, bytes).await,
            None => Err(why),
        }
    }

    /// The bytes of a tail that was moved to one of the places where it may land.
    async fn moved_home(&self, size: u64, digest: &Digest) -> Result<Option<Bytes>> {
        for bucket in self.landing(digest) {
            match self.bucket(&bucket).await?.get_content(&ObjectPath::blob(digest), size).await {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(error) if error.may_mean_absent() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Bytes held whole go straight home.
    async fn land_whole(&self, digest: &Digest, bytes: Bytes) -> Result<Landed> {
        expect(Digest::of(digest.algorithm(), &bytes), digest)?;
        let size = bytes.len() as u64;
        let place = self.land_in_one(digest, Few::Held(bytes)).await?;
        Ok(Landed { place, size })
    }

    /// Puts a blob into the first of the buckets where it may land that takes it.
    async fn land_in_one(&self, digest: &Digest, few: Few<'_>) -> Result<Place> {
        let path = ObjectPath::blob(digest);
        let mut failure = Error::BucketUnknown(self.storage().home(digest).clone());
        let mut landing = self.landing(digest).into_iter().peekable();
        while let Some(bucket) = landing.next() {
            let put = self.put_into(&bucket, &path, &few);
            let taken = if landing.peek().is_some() { patiently(put).await } else { put.await };
            match taken {
                Ok(version) => return Ok(self.place(bucket, path, version)),
                Err(Error::Storage(error)) if error.is_of_the_bucket() => failure = error.into(),
                Err(error) => return Err(error),
            }
        }
        Err(failure)
    }

    async fn put_into(&self, bucket: &BucketId, path: &ObjectPath, few: &Few<'_>) -> Result<Version> {
        Ok(match few {
            Few::Held(bytes) => self.bucket(bucket).await?.put_content(path, bytes.clone(), PutMode::Overwrite).await?,
            Few::Tail(from, tail) => self.storage().transfer((from, tail), (bucket, path)).await?,
        })
    }

    /// The buckets where a blob may land at once: its first home that takes it and, should that fail after all, the two
    /// after it.
    fn landing(&self, digest: &Digest) -> Vec<BucketId> {
        self.storage().taking(digest.point()).into_iter().take(3).cloned().collect()
    }

    /// A few bytes that lie in a tail alone are verified by their running hash, and moved home by the store itself.
    async fn land_tail(&self, held: &Held, tail: &ObjectPath, digest: &Digest) -> Result<Landed> {
        let session = &held.session;
        match &session.hash {
            Some(state) if session.algorithm == digest.algorithm() => verify(&Digester::resume(state)?, digest)?,
            _ => {
                let bytes = self.bucket(&session.bucket).await?.get_content(tail, session.offset).await?;
                return self.land_whole(digest, bytes).await;
            }
        }
        let place = match self.land_in_one(digest, Few::Tail(&session.bucket, tail)).await {
            Err(Error::Storage(error)) if error.may_mean_absent() => {
                Err(storage::Error::CheckpointGone(tail.clone()).into())
            }
            moved => moved,
        }?;
        Ok(Landed { place, size: session.offset })
    }

    /// Verified bytes become an object where they lie.
    async fn land(&self, bucket: &BucketId, path: &ObjectPath, writer: Box<dyn Writer>) -> Result<Landed> {
        let size = writer.size();
        let version = writer.commit().await?;
        Ok(Landed { place: self.place(bucket.clone(), path.clone(), version), size })
    }

    /// Hashes stored bytes that no running hash vouches for. When they are not what the digest says they stay,
    /// unpublished: whether anybody else needs them is for a sweeper to decide, by the rows.
    async fn verify_stored(&self, place: &Place, digest: &Digest) -> Result<()> {
        check(&*self.bucket(&place.bucket).await?, &place.path, digest).await
    }

    /// The last step: one transaction, after which the blob can be read; none when the session was lost. Bytes that turn
    /// out to be one copy too many are removed, except at a home, where another commit may have come to count on them;
    /// except those of a lost session, which another request may have published; and except where no other copy is served.
    pub(super) async fn publish(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        landed: Landed,
        session: Option<(UploadId, Claim)>,
    ) -> Result<Option<BlobRecord>> {
        let place = landed.place.clone();
        let outcome = self.commit(repository, digest, landed, session).await?;
        let blob = match outcome {
            Committed::Published(blob) => blob,
            Committed::ClaimLost => return Ok(None),
            Committed::Kept(kept) => {
                let taken_in = self.take_in(kept.clone(), &place).await?;
                if taken_in.is_none() {
                    self.drop_copy(&place).await?;
                }
                taken_in.unwrap_or(kept)
            }
        };
        self.await_quorum(blob).await.map(Some)
    }

    async fn drop_copy(&self, place: &Place) -> Result<()> {
        if place.path.digest().is_some() {
            return Ok(());
        }
        let removed = self.bucket(&place.bucket).await?.delete(&place.path, Some(&place.version)).await;
        if let Err(error) = removed {
            tracing::warn!(path = %place.path, error = %Causes(&error), "a copy too many is left behind");
        }
        Ok(())
    }

    /// Has a blob that was there already read from where its bytes have landed once more, before anything else, when none of
    /// its own places is in a bucket that serves; none when one of them is. The work that brings it home is recorded with it.
    pub(super) async fn take_in(&self, mut kept: BlobRecord, landed: &Place) -> Result<Option<BlobRecord>> {
        loop {
            if kept.places().any(|place| self.storage().serves(&place.bucket)) {
                return Ok(None);
            }
            let now = Timestamp::now();
            let work = match landed.path.upload() {
                Some(upload) => settlement(upload, &kept.digest, landed, now),
                None => Work::house(&kept.digest, now),
            };
            let is_elsewhere = |place: &&Place| (&place.bucket, &place.path) != (&landed.bucket, &landed.path);
            let places = std::iter::once(landed).chain(kept.places().filter(is_elsewhere)).cloned().collect();
            let rehousing = Rehousing { found: kept.clone(), places, held: None, works: vec![work] };
            if self.metadata.rehouse_blob(&rehousing).await? {
                self.work_made.notify_one();
                return Ok(rehousing.record());
            }
            kept = self.metadata.blob(&kept.digest).await?.ok_or(Error::BlobUnknown)?;
        }
    }

    /// The transaction of `publish`, which removes nothing.
    pub(super) async fn commit(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        landed: Landed,
        session: Option<(UploadId, Claim)>,
    ) -> Result<Committed> {
        let work = self.work_after(digest, &landed.place, Timestamp::now());
        self.commit_with(repository, digest, landed, session, work).await
    }

    /// The same, with no work but this.
    pub(super) async fn commit_with(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        landed: Landed,
        session: Option<(UploadId, Claim)>,
        work: Option<Work>,
    ) -> Result<Committed> {
        self.check_member(&landed.place.bucket).await?;
        let now = Timestamp::now();
        let keeps_overwritten = self.bucket(&landed.place.bucket).await?.keeps_overwritten(&landed.place.version);
        let commit = BlobCommit {
            repository: repository.clone(),
            digest: digest.clone(),
            size: landed.size,
            work,
            place: landed.place,
            lease: now.plus(self.terms.lease),
            session,
            session_expires: now.plus(self.terms.completed_session),
            overwritten_goes: keeps_overwritten.then(|| now.plus(self.terms.url_life)),
            now,
        };
        let outcome = self.metadata.commit_blob(&commit).await?;
        if commit.work.is_some() {
            self.work_made.notify_one();
        }
        Ok(outcome)
    }

    /// What is left to be done for bytes that are published there: to bring them from a stage or another bucket to all of
    /// the blob's homes.
    pub(super) fn work_after(&self, digest: &Digest, place: &Place, now: Timestamp) -> Option<Work> {
        if let Some(upload) = place.path.upload() {
            return Some(settlement(upload, digest, place, now));
        }
        let homes = self.homes(digest);
        (homes != [place.bucket.clone()]).then(|| Work::house(digest, now))
    }

    /// Puts bytes that are already verified, as a blob of the repository.
    pub(super) async fn store_verified(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        bytes: Bytes,
    ) -> Result<BlobRecord> {
        let landed = self.land_whole(digest, bytes).await?;
        self.publish(repository, digest, landed, None).await?.ok_or(Error::UploadUnknown)
    }

    pub(super) fn place(&self, bucket: BucketId, path: ObjectPath, version: Version) -> Place {
        Place { bucket, path, version, epoch: self.storage().topology().epoch }
    }
}

impl Receiver {
    fn new(digester: Digester, writer: Box<dyn Writer>) -> Self {
        Self { digester, writer, gathered: BytesMut::new() }
    }

    /// Takes everything that the body still has.
    pub(super) async fn take(&mut self, first: Bytes, mut rest: Body) -> Result<()> {
        self.write(first).await?;
        while let Some(chunk) = rest.next().await {
            self.write(chunk?).await?;
        }
        self.pass_on().await
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.digester.update(&bytes);
        if bytes.len() < SMALL_CHUNK {
            self.gathered.extend_from_slice(&bytes);
            return if self.gathered.len() < SMALL_CHUNK { Ok(()) } else { self.pass_on().await };
        }
        self.pass_on().await?;
        Ok(self.writer.write(bytes).await?)
    }

    async fn pass_on(&mut self) -> Result<()> {
        match self.gathered.split().freeze() {
            nothing if nothing.is_empty() => Ok(()),
            gathered => Ok(self.writer.write(gathered).await?),
        }
    }

    /// Makes what was taken durable.
    pub(super) async fn checkpoint(&mut self) -> Result<Progress> {
        Ok(self.writer.checkpoint().await?)
    }
}

async fn patiently<T>(put: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |over| Err(storage::Error::Unavailable(Box::new(over)).into());
    tokio::time::timeout(PATIENCE, put).await.unwrap_or_else(late)
}

/// The work of bringing staged bytes home.
fn settlement(upload: UploadId, digest: &Digest, place: &Place, now: Timestamp) -> Work {
    Work::new(upload, Task::Settle { digest: digest.clone(), place: place.clone() }, now)
}

fn verify(digester: &Digester, expected: &Digest) -> Result<()> {
    expect(digester.clone().finish(), expected)
}

/// The hash of an upload whose client announced none.
pub(super) const USUAL_ALGORITHM: Algorithm = Algorithm::Sha256;
