//! The facts of a world, as one process reaches them: every intent is a call.

use std::sync::Arc;

use async_trait::async_trait;

use super::life::Life;
use crate::clock::Timestamp;
use crate::metadata::{
    Advance, BlobCommit, BlobRecord, Book, Claim, ClaimOutcome, Committed, Deed, DeedsWanted, DirectAdvance, Entry,
    EntryWrite, Error, LinkedBlob, ManifestPut, ManifestRecord, MemoryStore, MetadataStore, Pass, PutOutcome, Referrer,
    Rehousing, Result, Sector, SessionClaim, TagRecord, Unlinked, UploadSession, Work,
};
use crate::oci::{Digest, RepositoryName, Tag, UploadId};
use crate::storage::{Health, Part, Topology};

#[derive(Debug)]
pub(super) struct MortalFacts {
    pub(super) inner: Arc<MemoryStore>,
    pub(super) life: Life,
    /// The intent that is answered by an error, by its name.
    pub(super) refused: Option<&'static str>,
}

macro_rules! intents {
    ($(async fn $name:ident($($argument:ident: $type:ty),* $(,)?) -> $answer:ty;)*) => {
        #[async_trait]
        impl MetadataStore for MortalFacts {
            $(async fn $name(&self, $($argument: $type),*) -> $answer {
                if self.refused == Some(stringify!($name)) {
                    return Err(Error::Contended);
                }
                self.life.call(self.inner.$name($($argument),*)).await
            })*
        }
    };
}

intents! {
    async fn linked_blob(repository: &RepositoryName, digest: &Digest) -> Result<Option<LinkedBlob>>;
    async fn blob(digest: &Digest) -> Result<Option<BlobRecord>>;
    async fn blob_in_any_state(digest: &Digest) -> Result<Option<BlobRecord>>;
    async fn renew_link(repository: &RepositoryName, digest: &Digest, lease: Timestamp) -> Result<Option<BlobRecord>>;
    async fn commit_blob(commit: &BlobCommit) -> Result<Committed>;
    async fn mount_blob(from: &RepositoryName, to: &RepositoryName, digest: &Digest, lease: Timestamp) -> Result<Option<BlobRecord>>;
    async fn repositories_of(digest: &Digest, limit: usize) -> Result<Vec<RepositoryName>>;
    async fn unlink_blob(repository: &RepositoryName, digest: &Digest) -> Result<Unlinked>;
    async fn manifest(repository: &RepositoryName, digest: &Digest) -> Result<Option<ManifestRecord>>;
    async fn tag(repository: &RepositoryName, tag: &Tag) -> Result<Option<TagRecord>>;
    async fn put_manifest(put: &ManifestPut) -> Result<PutOutcome>;
    async fn delete_manifest(repository: &RepositoryName, digest: &Digest) -> Result<Option<Vec<Tag>>>;
    async fn delete_tag(repository: &RepositoryName, tag: &Tag) -> Result<bool>;
    async fn tags(repository: &RepositoryName, after: Option<&Tag>, limit: usize) -> Result<Option<Vec<Tag>>>;
    async fn tags_of(repository: &RepositoryName, digest: &Digest) -> Result<Vec<Tag>>;
    async fn referrers(repository: &RepositoryName, subject: &Digest, after: Option<&Digest>, limit: usize) -> Result<Vec<Referrer>>;
    async fn repositories(after: Option<&RepositoryName>, limit: usize) -> Result<Vec<RepositoryName>>;
    async fn create_session(session: &UploadSession) -> Result<()>;
    async fn session(repository: &RepositoryName, id: &UploadId) -> Result<Option<UploadSession>>;
    async fn claim_session(claim: &SessionClaim) -> Result<ClaimOutcome>;
    async fn parts(session: &UploadSession) -> Result<Vec<Part>>;
    async fn extend_claim(id: &UploadId, claim: &Claim, until: Timestamp) -> Result<bool>;
    async fn advance_session(advance: &Advance) -> Result<bool>;
    async fn advance_direct(advance: &DirectAdvance) -> Result<bool>;
    async fn release_claim(id: &UploadId, claim: &Claim) -> Result<()>;
    async fn delete_session(id: &UploadId, claim: &Claim) -> Result<bool>;
    async fn expired_sessions(now: Timestamp, limit: usize) -> Result<Vec<UploadSession>>;
    async fn forget_session(id: &UploadId, now: Timestamp) -> Result<bool>;
    async fn open_session(id: &UploadId, now: Timestamp) -> Result<Option<UploadSession>>;
    async fn work_of(upload: &UploadId) -> Result<Option<Work>>;
    async fn due_work(now: Timestamp, limit: usize) -> Result<Vec<Work>>;
    async fn put_work(work: &Work) -> Result<()>;
    async fn change_work(held: &Work, next: Option<&Work>) -> Result<bool>;
    async fn rehouse_blob(rehousing: &Rehousing) -> Result<bool>;
    async fn condemn_blob(digest: &Digest, now: Timestamp) -> Result<Option<BlobRecord>>;
    async fn forget_blob(condemned: &BlobRecord) -> Result<bool>;
    async fn lose_blob(found: &BlobRecord) -> Result<bool>;
    async fn blobs(sector: Sector, after: Option<&Digest>, limit: usize) -> Result<Vec<BlobRecord>>;
    async fn topology() -> Result<Option<Topology>>;
    async fn topologies(limit: usize) -> Result<Vec<Topology>>;
    async fn put_topology(topology: &Topology) -> Result<bool>;
    async fn health() -> Result<Option<Health>>;
    async fn put_health(health: &Health) -> Result<()>;
    async fn passes() -> Result<Vec<Pass>>;
    async fn change_pass(known: Option<&Pass>, next: &Pass) -> Result<bool>;
    async fn entry(book: Book, name: &str, now: Timestamp) -> Result<Option<Entry>>;
    async fn entries(book: Book, after: Option<&str>, limit: usize, now: Timestamp) -> Result<Vec<Entry>>;
    async fn put_entry(write: &EntryWrite) -> Result<bool>;
    async fn remove_entry(book: Book, name: &str, known: u64) -> Result<bool>;
    async fn sweep_entries(now: Timestamp, limit: usize) -> Result<usize>;
    async fn record_deed(deed: &Deed) -> Result<()>;
    async fn deeds(wanted: &DeedsWanted) -> Result<Vec<Deed>>;
    async fn ping() -> Result<()>;
}
