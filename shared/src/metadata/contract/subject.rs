//! The store under test, and the words that the clauses are written in.

use std::any::Any;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::metadata::{
    BlobCommit, BlobRecord, Claim, ClaimOutcome, Committed, Generation, LinkedBlob, ManifestPut, ManifestRecord,
    MetadataStore, Place, PutOutcome, SessionClaim, UploadSession,
};
use crate::oci::{Algorithm, Digest, MediaType, RepositoryName, Tag, UploadId};
use crate::storage::{Epoch, ObjectPath, Part, Version};

/// An empty store to try the clauses on.
#[derive(Debug)]
pub struct Subject {
    /// The store.
    pub store: Arc<dyn MetadataStore>,
    /// A second handle on the same facts, like another process's where that is possible.
    pub other: Arc<dyn MetadataStore>,
    /// How often each race is run.
    pub rounds: usize,
    /// What must live as long as the store.
    pub keep: Box<dyn Any + Send>,
}

/// The present, `seconds` after the clauses began.
pub(in crate::metadata) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(4_102_444_800_000 + seconds * 1000)
}

/// When the leases end that the clauses take by default.
pub(in crate::metadata) fn lease() -> Timestamp {
    at(3600)
}

/// When those leases are long over.
pub(in crate::metadata) fn much_later() -> Timestamp {
    at(1_000_000)
}

pub(in crate::metadata) fn repository(name: &str) -> RepositoryName {
    name.parse().unwrap()
}

pub(in crate::metadata) fn tag(name: &str) -> Tag {
    name.parse().unwrap()
}

pub(in crate::metadata) fn tags(names: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<Tag> {
    names.into_iter().map(|name| tag(name.as_ref())).collect()
}

pub(in crate::metadata) fn digest(content: &str) -> Digest {
    Digest::of(Algorithm::Sha256, content.as_bytes())
}

pub(in crate::metadata) fn digests(prefix: &str, count: usize) -> Vec<Digest> {
    (0..count).map(|number| digest(&format!("{prefix} {number}"))).collect()
}

pub(in crate::metadata) fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

/// Bytes staged by an upload of their own.
pub(in crate::metadata) fn staged() -> Place {
    place(ObjectPath::staged(&UploadId::random()), "1")
}

/// That version of the bytes at a blob's home.
pub(in crate::metadata) fn home(digest: &Digest, version: &str) -> Place {
    place(ObjectPath::blob(digest), version)
}

fn place(path: ObjectPath, version: &str) -> Place {
    Place { bucket: "one".parse().unwrap(), path, version: Version::new(version), epoch: Epoch(1) }
}

pub(in crate::metadata) fn commit(repository: &RepositoryName, digest: &Digest) -> BlobCommit {
    BlobCommit {
        repository: repository.clone(),
        digest: digest.clone(),
        size: 42,
        place: staged(),
        lease: lease(),
        session: None,
        session_expires: at(7200),
        work: None,
        overwritten_goes: None,
        now: at(0),
    }
}

/// A manifest of those blobs; its digest is made of its name.
pub(in crate::metadata) fn manifest(name: &str, blobs: &[Digest]) -> ManifestRecord {
    ManifestRecord {
        digest: digest(name),
        media_type: MediaType::OCI_MANIFEST,
        size: name.len() as u64,
        content: Some(name.as_bytes().to_vec()),
        subject: None,
        blobs: blobs.to_vec(),
        generation: Generation(0),
        pushed: at(0),
    }
}

pub(in crate::metadata) fn put(repository: &RepositoryName, manifest: &ManifestRecord, names: &[&str]) -> ManifestPut {
    ManifestPut {
        repository: repository.clone(),
        manifest: manifest.clone(),
        children: Vec::new(),
        referrer: None,
        tags: tags(names),
        may_move_tags: true,
        now: at(0),
    }
}

pub(in crate::metadata) fn session(repository: &RepositoryName) -> UploadSession {
    UploadSession {
        id: UploadId::random(),
        repository: repository.clone(),
        bucket: "one".parse().unwrap(),
        algorithm: Algorithm::Sha256,
        offset: 0,
        hash: None,
        checkpoint: None,
        parts: 0,
        direct: None,
        completed: None,
        started: at(0),
        expires: at(86400),
    }
}

/// A claim made at 0 that lapses after 60 seconds, at whatever offset.
pub(in crate::metadata) fn claim(session: &UploadSession) -> SessionClaim {
    SessionClaim {
        repository: session.repository.clone(),
        id: session.id.clone(),
        claim: Claim::random(),
        offset: None,
        now: at(0),
        until: at(60),
    }
}

/// A claim made when [`claim`]'s is over.
pub(in crate::metadata) fn later_claim(session: &UploadSession) -> SessionClaim {
    SessionClaim { now: at(61), until: at(120), ..claim(session) }
}

impl Subject {
    /// Commits a blob that is not there yet.
    pub(in crate::metadata) async fn push(&self, repository: &RepositoryName, digest: &Digest) -> BlobRecord {
        match self.store.commit_blob(&commit(repository, digest)).await.unwrap() {
            Committed::Published(blob) => blob,
            outcome => panic!("{outcome:?}"),
        }
    }

    /// Commits blobs that are not there yet, and puts a manifest of them.
    pub(in crate::metadata) async fn push_manifest(
        &self,
        repository: &RepositoryName,
        name: &str,
        blobs: &[Digest],
        tags: &[&str],
    ) -> ManifestRecord {
        for blob in blobs {
            self.push(repository, blob).await;
        }
        self.published(&put(repository, &manifest(name, blobs), tags)).await
    }

    /// Puts a manifest of which nothing is missing, and reads it.
    pub(in crate::metadata) async fn published(&self, put: &ManifestPut) -> ManifestRecord {
        assert_eq!(self.store.put_manifest(put).await.unwrap(), PutOutcome::Published);
        self.store.manifest(&put.repository, &put.manifest.digest).await.unwrap().unwrap()
    }

    pub(in crate::metadata) async fn linked(&self, repository: &RepositoryName, digest: &Digest) -> Option<LinkedBlob> {
        self.other.linked_blob(repository, digest).await.unwrap()
    }

    /// The blobs and manifests that a put is refused for, each list sorted.
    pub(in crate::metadata) async fn missing(&self, put: &ManifestPut) -> (Vec<Digest>, Vec<Digest>) {
        match self.store.put_manifest(put).await.unwrap() {
            PutOutcome::Missing { blobs, manifests } => (sorted(blobs), sorted(manifests)),
            outcome => panic!("nothing was missing: {outcome:?}"),
        }
    }

    pub(in crate::metadata) async fn begin(&self, repository: &RepositoryName) -> UploadSession {
        let session = session(repository);
        self.store.create_session(&session).await.unwrap();
        session
    }

    /// Claims a session that is free.
    pub(in crate::metadata) async fn claimed(&self, claim: &SessionClaim) -> (UploadSession, Vec<Part>) {
        match self.store.claim_session(claim).await.unwrap() {
            ClaimOutcome::Claimed(session) => {
                let parts = self.store.parts(&session).await.unwrap();
                (*session, parts)
            }
            outcome => panic!("{outcome:?}"),
        }
    }
}
