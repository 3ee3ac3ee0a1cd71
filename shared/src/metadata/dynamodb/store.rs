//! The intents, each where it is told in full.

use async_trait::async_trait;

use super::{
    DynamoDbStore, blobs, collection, commit, entries, listing, put, removal, ring, sectors, sessions, unlink, work,
};
use crate::clock::Timestamp;
use crate::metadata::deeds::{Deed, DeedsWanted};
use crate::metadata::entries::{Book, Entry, EntryWrite};
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::metadata::records::{BlobRecord, Claim, LinkedBlob, ManifestRecord, Referrer, TagRecord, UploadSession};
use crate::metadata::sector::{Pass, Sector};
use crate::metadata::store::{
    Advance, BlobCommit, ClaimOutcome, Committed, DirectAdvance, ManifestPut, MetadataStore, PutOutcome, Rehousing,
    SessionClaim, Unlinked,
};
use crate::metadata::work::Work;
use crate::oci::{Digest, RepositoryName, Tag, UploadId};
use crate::storage::{Epoch, Health, Part, Topology};

#[async_trait]
impl MetadataStore for DynamoDbStore {
    async fn linked_blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<LinkedBlob>> {
        blobs::linked_blob(self, repository, digest).await
    }

    async fn blob(&self, digest: &Digest) -> Result<Option<BlobRecord>> {
        blobs::live(self.get(&keys::blob(digest)).await?.as_ref())
    }

    async fn blob_in_any_state(&self, digest: &Digest) -> Result<Option<BlobRecord>> {
        blobs::in_any_state(self, digest).await
    }

    async fn renew_link(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        lease: Timestamp,
    ) -> Result<Option<BlobRecord>> {
        blobs::renew_link(self, repository, digest, lease).await
    }

    async fn commit_blob(&self, commit: &BlobCommit) -> Result<Committed> {
        commit::commit_blob(self, commit).await
    }

    async fn mount_blob(
        &self,
        from: &RepositoryName,
        to: &RepositoryName,
        digest: &Digest,
        lease: Timestamp,
    ) -> Result<Option<BlobRecord>> {
        blobs::mount_blob(self, from, to, digest, lease).await
    }

    async fn repositories_of(&self, digest: &Digest, limit: usize) -> Result<Vec<RepositoryName>> {
        blobs::repositories_of(self, digest, limit).await
    }

    async fn unlink_blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Unlinked> {
        unlink::unlink_blob(self, repository, digest).await
    }

    async fn manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<ManifestRecord>> {
        listing::manifest(self, repository, digest).await
    }

    async fn tag(&self, repository: &RepositoryName, tag: &Tag) -> Result<Option<TagRecord>> {
        listing::tag(self, repository, tag).await
    }

    async fn put_manifest(&self, put: &ManifestPut) -> Result<PutOutcome> {
        put::put_manifest(self, put).await
    }

    async fn delete_manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<Vec<Tag>>> {
        removal::delete_manifest(self, repository, digest).await
    }

    async fn delete_tag(&self, repository: &RepositoryName, tag: &Tag) -> Result<bool> {
        removal::delete_tag(self, repository, tag).await
    }

    async fn tags(&self, repository: &RepositoryName, after: Option<&Tag>, limit: usize) -> Result<Option<Vec<Tag>>> {
        listing::tags(self, repository, after, limit).await
    }

    async fn tags_of(&self, repository: &RepositoryName, digest: &Digest) -> Result<Vec<Tag>> {
        listing::tags_of(self, repository, digest).await
    }

    async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Referrer>> {
        listing::referrers(self, repository, subject, after, limit).await
    }

    async fn repositories(&self, after: Option<&RepositoryName>, limit: usize) -> Result<Vec<RepositoryName>> {
        listing::repositories(self, after, limit).await
    }

    async fn create_session(&self, session: &UploadSession) -> Result<()> {
        sessions::create_session(self, session).await
    }

    async fn session(&self, repository: &RepositoryName, id: &UploadId) -> Result<Option<UploadSession>> {
        sessions::session(self, repository, id).await
    }

    async fn claim_session(&self, claim: &SessionClaim) -> Result<ClaimOutcome> {
        sessions::claim_session(self, claim).await
    }

    async fn parts(&self, session: &UploadSession) -> Result<Vec<Part>> {
        sessions::parts(self, session).await
    }

    async fn extend_claim(&self, id: &UploadId, claim: &Claim, until: Timestamp) -> Result<bool> {
        sessions::extend_claim(self, id, claim, until).await
    }

    async fn advance_session(&self, advance: &Advance) -> Result<bool> {
        sessions::advance_session(self, advance).await
    }

    async fn advance_direct(&self, advance: &DirectAdvance) -> Result<bool> {
        sessions::advance_direct(self, advance).await
    }

    async fn release_claim(&self, id: &UploadId, claim: &Claim) -> Result<()> {
        sessions::release_claim(self, id, claim).await
    }

    async fn delete_session(&self, id: &UploadId, claim: &Claim) -> Result<bool> {
        sessions::delete_session(self, id, claim).await
    }

    /// The table lets its rows expire.
    async fn expired_sessions(&self, _: Timestamp, _: usize) -> Result<Vec<UploadSession>> {
        Ok(Vec::new())
    }

    async fn forget_session(&self, id: &UploadId, now: Timestamp) -> Result<bool> {
        sessions::forget_session(self, id, now).await
    }

    async fn open_session(&self, id: &UploadId, now: Timestamp) -> Result<Option<UploadSession>> {
        sessions::open_session(self, id, now).await
    }

    async fn work_of(&self, upload: &UploadId) -> Result<Option<Work>> {
        work::work_of(self, upload).await
    }

    async fn due_work(&self, now: Timestamp, limit: usize) -> Result<Vec<Work>> {
        work::due_work(self, now, limit).await
    }

    async fn put_work(&self, work: &Work) -> Result<()> {
        work::put_work(self, work).await
    }

    async fn change_work(&self, held: &Work, next: Option<&Work>) -> Result<bool> {
        work::change_work(self, held, next).await
    }

    async fn rehouse_blob(&self, rehousing: &Rehousing) -> Result<bool> {
        work::rehouse_blob(self, rehousing).await
    }

    async fn condemn_blob(&self, digest: &Digest, now: Timestamp) -> Result<Option<BlobRecord>> {
        collection::condemn_blob(self, digest, now).await
    }

    async fn forget_blob(&self, condemned: &BlobRecord) -> Result<bool> {
        collection::forget_blob(self, condemned).await
    }

    async fn lose_blob(&self, found: &BlobRecord) -> Result<bool> {
        blobs::lose_blob(self, found).await
    }

    async fn blobs(&self, sector: Sector, after: Option<&Digest>, limit: usize) -> Result<Vec<BlobRecord>> {
        sectors::blobs(self, sector, after, limit).await
    }

    async fn topology(&self) -> Result<Option<Topology>> {
        ring::topology(self).await
    }

    async fn topologies(&self, limit: usize) -> Result<Vec<Topology>> {
        ring::topologies(self, limit).await
    }

    async fn put_topology(&self, topology: &Topology) -> Result<bool> {
        ring::put_topology(self, topology).await
    }

    async fn health(&self) -> Result<Option<Health>> {
        ring::health(self).await
    }

    async fn put_health(&self, health: &Health) -> Result<()> {
        ring::put_health(self, health).await
    }

    async fn passes(&self) -> Result<Vec<Pass>> {
        ring::passes(self).await
    }

    async fn change_pass(&self, known: Option<&Pass>, next: &Pass) -> Result<bool> {
        ring::change_pass(self, known, next).await
    }

    async fn entry(&self, book: Book, name: &str, now: Timestamp) -> Result<Option<Entry>> {
        entries::entry(self, book, name, now).await
    }

    async fn entries(&self, book: Book, after: Option<&str>, limit: usize, now: Timestamp) -> Result<Vec<Entry>> {
        entries::entries(self, book, after, limit, now).await
    }

    async fn put_entry(&self, write: &EntryWrite) -> Result<bool> {
        entries::put_entry(self, write).await
    }

    async fn remove_entry(&self, book: Book, name: &str, known: u64) -> Result<bool> {
        entries::remove_entry(self, book, name, known).await
    }

    async fn sweep_entries(&self, _now: Timestamp, _limit: usize) -> Result<usize> {
        Ok(0)
    }

    async fn record_deed(&self, deed: &Deed) -> Result<()> {
        entries::record_deed(self, deed).await
    }

    async fn deeds(&self, wanted: &DeedsWanted) -> Result<Vec<Deed>> {
        entries::deeds(self, wanted).await
    }

    async fn ping(&self) -> Result<()> {
        self.get(&keys::epoch(Epoch(1))).await.map(drop)
    }
}
