//! The store of facts over anything with real transactions: each intent is one transaction, so that the order of writes
//! which the table needs does not matter here.

mod blobs;
mod engine;
mod entries;
mod listings;
mod manifests;
mod ring;
mod rows;
mod sessions;
mod work;

use async_trait::async_trait;

pub(crate) use engine::{Engine, Rows, RowsMut};

use super::error::Result;
use super::{
    Advance, BlobCommit, BlobRecord, Book, Claim, ClaimOutcome, Committed, Deed, DeedsWanted, DirectAdvance, Entry,
    EntryWrite, LinkedBlob, ManifestPut, ManifestRecord, MetadataStore, Pass, PutOutcome, Referrer, Rehousing, Sector,
    SessionClaim, TagRecord, Unlinked, UploadSession, Work,
};
use crate::clock::Timestamp;
use crate::oci::{Digest, RepositoryName, Tag, UploadId};
use crate::storage::{Health, Part, Topology};

/// Facts in the rows of an engine.
#[derive(Debug)]
pub struct Transactional<E> {
    engine: E,
}

impl<E> Transactional<E> {
    pub(crate) const fn over(engine: E) -> Self {
        Self { engine }
    }

    #[cfg(test)]
    pub(crate) const fn engine(&self) -> &E {
        &self.engine
    }
}

#[async_trait]
impl<E: Engine> MetadataStore for Transactional<E> {
    async fn linked_blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<LinkedBlob>> {
        let (repository, digest) = (repository.clone(), digest.clone());
        self.engine.read(move |rows| blobs::linked(rows, &repository, &digest)).await
    }

    async fn blob(&self, digest: &Digest) -> Result<Option<BlobRecord>> {
        let digest = digest.clone();
        self.engine.read(move |rows| blobs::get(rows, &digest)).await
    }

    async fn blob_in_any_state(&self, digest: &Digest) -> Result<Option<BlobRecord>> {
        let digest = digest.clone();
        self.engine.read(move |rows| blobs::in_any_state(rows, &digest)).await
    }

    async fn renew_link(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        lease: Timestamp,
    ) -> Result<Option<BlobRecord>> {
        self.mount_blob(repository, repository, digest, lease).await
    }

    async fn commit_blob(&self, commit: &BlobCommit) -> Result<Committed> {
        let commit = commit.clone();
        self.engine.write(move |rows| blobs::commit(rows, &commit)).await
    }

    async fn mount_blob(
        &self,
        from: &RepositoryName,
        to: &RepositoryName,
        digest: &Digest,
        lease: Timestamp,
    ) -> Result<Option<BlobRecord>> {
        let (from, to, digest) = (from.clone(), to.clone(), digest.clone());
        self.engine.write(move |rows| blobs::mount(rows, &from, &to, &digest, lease)).await
    }

    async fn repositories_of(&self, digest: &Digest, limit: usize) -> Result<Vec<RepositoryName>> {
        let digest = digest.clone();
        self.engine.read(move |rows| blobs::repositories(rows, &digest, limit)).await
    }

    async fn unlink_blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Unlinked> {
        let (repository, digest) = (repository.clone(), digest.clone());
        self.engine.write(move |rows| blobs::unlink(rows, &repository, &digest)).await
    }

    async fn manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<ManifestRecord>> {
        let (repository, digest) = (repository.clone(), digest.clone());
        self.engine.read(move |rows| manifests::get(rows, &repository, &digest)).await
    }

    async fn tag(&self, repository: &RepositoryName, tag: &Tag) -> Result<Option<TagRecord>> {
        let (repository, tag) = (repository.clone(), tag.clone());
        self.engine.read(move |rows| manifests::tag(rows, &repository, &tag)).await
    }

    async fn put_manifest(&self, put: &ManifestPut) -> Result<PutOutcome> {
        let put = put.clone();
        self.engine.write(move |rows| manifests::put(rows, &put)).await
    }

    async fn delete_manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<Vec<Tag>>> {
        let (repository, digest) = (repository.clone(), digest.clone());
        self.engine.write(move |rows| manifests::delete(rows, &repository, &digest)).await
    }

    async fn delete_tag(&self, repository: &RepositoryName, tag: &Tag) -> Result<bool> {
        let (repository, tag) = (repository.clone(), tag.clone());
        self.engine.write(move |rows| manifests::delete_tag(rows, &repository, &tag)).await
    }

    async fn tags(&self, repository: &RepositoryName, after: Option<&Tag>, limit: usize) -> Result<Option<Vec<Tag>>> {
        let (repository, after) = (repository.clone(), after.cloned());
        self.engine.read(move |rows| listings::tags(rows, &repository, after.as_ref(), limit)).await
    }

    async fn tags_of(&self, repository: &RepositoryName, digest: &Digest) -> Result<Vec<Tag>> {
        let (repository, digest) = (repository.clone(), digest.clone());
        self.engine.read(move |rows| manifests::tags_of(rows, &repository, &digest)).await
    }

    async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Referrer>> {
        let (repository, subject, after) = (repository.clone(), subject.clone(), after.cloned());
        self.engine.read(move |rows| listings::referrers(rows, &repository, &subject, after.as_ref(), limit)).await
    }

    async fn repositories(&self, after: Option<&RepositoryName>, limit: usize) -> Result<Vec<RepositoryName>> {
        let after = after.cloned();
        self.engine.read(move |rows| listings::repositories(rows, after.as_ref(), limit)).await
    }

    async fn create_session(&self, session: &UploadSession) -> Result<()> {
        let session = session.clone();
        self.engine.write(move |rows| sessions::create(rows, session)).await
    }

    async fn session(&self, repository: &RepositoryName, id: &UploadId) -> Result<Option<UploadSession>> {
        let (repository, id) = (repository.clone(), id.clone());
        self.engine.read(move |rows| sessions::get(rows, &repository, &id)).await
    }

    async fn claim_session(&self, claim: &SessionClaim) -> Result<ClaimOutcome> {
        let claim = claim.clone();
        self.engine.write(move |rows| sessions::claim(rows, claim)).await
    }

    async fn parts(&self, session: &UploadSession) -> Result<Vec<Part>> {
        let session = session.clone();
        self.engine.read(move |rows| sessions::parts(rows, &session)).await
    }

    async fn extend_claim(&self, id: &UploadId, claim: &Claim, until: Timestamp) -> Result<bool> {
        let (id, claim) = (id.clone(), claim.clone());
        self.engine.write(move |rows| sessions::extend(rows, &id, claim, until)).await
    }

    async fn advance_session(&self, advance: &Advance) -> Result<bool> {
        let advance = advance.clone();
        self.engine.write(move |rows| sessions::advance(rows, advance)).await
    }

    async fn advance_direct(&self, advance: &DirectAdvance) -> Result<bool> {
        let advance = advance.clone();
        self.engine.write(move |rows| sessions::advance_direct(rows, advance)).await
    }

    async fn release_claim(&self, id: &UploadId, claim: &Claim) -> Result<()> {
        let (id, claim) = (id.clone(), claim.clone());
        self.engine.write(move |rows| sessions::release(rows, &id, &claim)).await
    }

    async fn delete_session(&self, id: &UploadId, claim: &Claim) -> Result<bool> {
        let (id, claim) = (id.clone(), claim.clone());
        self.engine.write(move |rows| sessions::delete(rows, &id, &claim)).await
    }

    async fn expired_sessions(&self, now: Timestamp, limit: usize) -> Result<Vec<UploadSession>> {
        self.engine.read(move |rows| sessions::expired(rows, now, limit)).await
    }

    async fn forget_session(&self, id: &UploadId, now: Timestamp) -> Result<bool> {
        let id = id.clone();
        self.engine.write(move |rows| sessions::forget(rows, &id, now)).await
    }

    async fn open_session(&self, id: &UploadId, now: Timestamp) -> Result<Option<UploadSession>> {
        let id = id.clone();
        self.engine.read(move |rows| sessions::open(rows, &id, now)).await
    }

    async fn work_of(&self, upload: &UploadId) -> Result<Option<Work>> {
        let upload = upload.clone();
        self.engine.read(move |rows| work::of(rows, &upload)).await
    }

    async fn due_work(&self, now: Timestamp, limit: usize) -> Result<Vec<Work>> {
        self.engine.read(move |rows| work::due(rows, now, limit)).await
    }

    async fn put_work(&self, work: &Work) -> Result<()> {
        let work = work.clone();
        self.engine.write(move |rows| work::put(rows, &work)).await
    }

    async fn change_work(&self, held: &Work, next: Option<&Work>) -> Result<bool> {
        let (held, next) = (held.clone(), next.cloned());
        self.engine.write(move |rows| work::change(rows, &held, next.as_ref())).await
    }

    async fn rehouse_blob(&self, rehousing: &Rehousing) -> Result<bool> {
        let rehousing = rehousing.clone();
        self.engine.write(move |rows| work::rehouse(rows, &rehousing)).await
    }

    async fn condemn_blob(&self, digest: &Digest, now: Timestamp) -> Result<Option<BlobRecord>> {
        let digest = digest.clone();
        self.engine.write(move |rows| blobs::condemn(rows, &digest, now)).await
    }

    async fn forget_blob(&self, condemned: &BlobRecord) -> Result<bool> {
        let condemned = condemned.clone();
        self.engine.write(move |rows| blobs::forget(rows, &condemned)).await
    }

    async fn lose_blob(&self, found: &BlobRecord) -> Result<bool> {
        let found = found.clone();
        self.engine.write(move |rows| blobs::lose(rows, &found)).await
    }

    async fn blobs(&self, sector: Sector, after: Option<&Digest>, limit: usize) -> Result<Vec<BlobRecord>> {
        let after = after.cloned();
        self.engine.read(move |rows| blobs::in_sector(rows, sector, after.as_ref(), limit)).await
    }

    async fn topology(&self) -> Result<Option<Topology>> {
        self.engine.read(ring::newest).await
    }

    async fn topologies(&self, limit: usize) -> Result<Vec<Topology>> {
        self.engine.read(move |rows| ring::topologies(rows, limit)).await
    }

    async fn put_topology(&self, topology: &Topology) -> Result<bool> {
        let topology = topology.clone();
        self.engine.write(move |rows| ring::put(rows, &topology)).await
    }

    async fn health(&self) -> Result<Option<Health>> {
        self.engine.read(ring::health).await
    }

    async fn put_health(&self, health: &Health) -> Result<()> {
        let health = health.clone();
        self.engine.write(move |rows| ring::put_health(rows, &health)).await
    }

    async fn passes(&self) -> Result<Vec<Pass>> {
        self.engine.read(ring::passes).await
    }

    async fn change_pass(&self, known: Option<&Pass>, next: &Pass) -> Result<bool> {
        let (known, next) = (known.cloned(), next.clone());
        self.engine.write(move |rows| ring::change_pass(rows, known.as_ref(), &next)).await
    }

    async fn entry(&self, book: Book, name: &str, now: Timestamp) -> Result<Option<Entry>> {
        let name = name.to_owned();
        self.engine.read(move |rows| entries::get(rows, book, &name, now)).await
    }

    async fn entries(&self, book: Book, after: Option<&str>, limit: usize, now: Timestamp) -> Result<Vec<Entry>> {
        let after = after.map(str::to_owned);
        self.engine.read(move |rows| entries::list(rows, book, after.as_deref(), limit, now)).await
    }

    async fn put_entry(&self, write: &EntryWrite) -> Result<bool> {
        let write = write.clone();
        self.engine.write(move |rows| entries::put(rows, &write)).await
    }

    async fn remove_entry(&self, book: Book, name: &str, known: u64) -> Result<bool> {
        let name = name.to_owned();
        self.engine.write(move |rows| entries::remove(rows, book, &name, known)).await
    }

    async fn sweep_entries(&self, now: Timestamp, limit: usize) -> Result<usize> {
        self.engine.write(move |rows| entries::sweep(rows, now, limit)).await
    }

    async fn record_deed(&self, deed: &Deed) -> Result<()> {
        let deed = deed.clone();
        self.engine.write(move |rows| entries::record_deed(rows, &deed)).await
    }

    async fn deeds(&self, wanted: &DeedsWanted) -> Result<Vec<Deed>> {
        let wanted = wanted.clone();
        self.engine.read(move |rows| entries::deeds(rows, &wanted)).await
    }

    async fn ping(&self) -> Result<()> {
        self.topology().await.map(drop)
    }
}
