//! What every store of facts can do, in intents. `contract` says, clause by clause, what holds for all of them.
//!
//! The order of writes is the safety argument. A writer puts its link, lease or use **first**, **then** reads the blob's
//! row consistently; a manifest and its tags come last, in one transaction. The collector turns the blob's row from live
//! to deleting **first**, **then** looks for uses and unexpired links, and turns back when it finds one. So at least
//! one of the two sees the other.

use std::fmt;

use async_trait::async_trait;

use super::deeds::{Deed, DeedsWanted};
use super::entries::{Book, Entry, EntryWrite};
use super::error::Result;
use super::records::{
    BlobRecord, Claim, Direct, LinkedBlob, ManifestRecord, Place, Referrer, TagRecord, UploadSession,
};
use super::sector::{Pass, Sector};
use super::work::Work;
use crate::clock::Timestamp;
use crate::oci::{Digest, DigestState, RepositoryName, Tag, UploadId};
use crate::storage::{Health, Part, Progress, Topology};

/// A store of facts.
///
/// Every intent is atomic towards every other: it happens wholly or not at all, and what is acknowledged survives a
/// crash. Reads are consistent: they see every write that was acknowledged before they began.
#[async_trait]
pub trait MetadataStore: fmt::Debug + Send + Sync + 'static {
    // Blobs.

    /// The blob, when it is live and the repository links it. One round trip.
    async fn linked_blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<LinkedBlob>>;

    /// The blob, when it is live, whoever links it: for work that nobody asked for.
    async fn blob(&self, digest: &Digest) -> Result<Option<BlobRecord>>;

    /// The blob as its row has it, live or being deleted: what is being deleted may become live again. What is lost is not
    /// there: only a push brings it back, with bytes of its own.
    async fn blob_in_any_state(&self, digest: &Digest) -> Result<Option<BlobRecord>>;

    /// Prolongs the repository's existing link until `lease` (never shortens it), then reads the blob again: none when
    /// it is gone or no longer linked. After it answers a blob, that blob cannot be collected before `lease`.
    async fn renew_link(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        lease: Timestamp,
    ) -> Result<Option<BlobRecord>>;

    /// Publishes verified bytes: links the repository and makes the blob live, with the next generation when it takes
    /// over a row that was being deleted; completes the session, and records the work that the bytes still make where they
    /// are published, in the same transaction.
    async fn commit_blob(&self, commit: &BlobCommit) -> Result<Committed>;

    /// Links a live blob of `from` into `to`; none when `from` does not link it or it is not live.
    async fn mount_blob(
        &self,
        from: &RepositoryName,
        to: &RepositoryName,
        digest: &Digest,
        lease: Timestamp,
    ) -> Result<Option<BlobRecord>>;

    /// Up to `limit` repositories that link the blob, in the byte order of their names.
    async fn repositories_of(&self, digest: &Digest, limit: usize) -> Result<Vec<RepositoryName>>;

    /// Takes the blob out of the repository, unless one of the repository's manifests uses it: marks the link, looks
    /// for a use, and turns back when there is one. Of a race with a put of a manifest that names the blob, exactly one
    /// side wins. The bytes stay for the collector.
    async fn unlink_blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Unlinked>;

    // Manifests and tags.

    /// The manifest with that digest. One round trip.
    async fn manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<ManifestRecord>>;

    /// What the tag names. One round trip.
    async fn tag(&self, repository: &RepositoryName, tag: &Tag) -> Result<Option<TagRecord>>;

    /// Publishes a manifest and moves its tags, in one transaction, when everything that it names is linked: uses first,
    /// then a consistent look at what is named, then the manifest. Putting the same manifest again is a new generation.
    async fn put_manifest(&self, put: &ManifestPut) -> Result<PutOutcome>;

    /// Removes a manifest, every tag that still names it, its entry among the referrers of its subject and its uses.
    /// None when there was no such manifest; else the tags that went.
    async fn delete_manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<Vec<Tag>>>;

    /// Removes a tag; the manifest stays. False when there was none.
    async fn delete_tag(&self, repository: &RepositoryName, tag: &Tag) -> Result<bool>;

    /// Up to `limit` tags in byte order, after `after`; none when the repository does not exist.
    async fn tags(&self, repository: &RepositoryName, after: Option<&Tag>, limit: usize) -> Result<Option<Vec<Tag>>>;

    /// Every tag that names the manifest, in byte order.
    async fn tags_of(&self, repository: &RepositoryName, digest: &Digest) -> Result<Vec<Tag>>;

    /// Up to `limit` manifests whose subject is `subject`, in the byte order of their digests, after `after`.
    async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Referrer>>;

    /// Up to `limit` repositories in byte order, after `after`. A repository exists from its first manifest on.
    async fn repositories(&self, after: Option<&RepositoryName>, limit: usize) -> Result<Vec<RepositoryName>>;

    // Uploads.

    /// Begins a session. One round trip.
    async fn create_session(&self, session: &UploadSession) -> Result<()>;

    /// The session, with whoever claims it or not. One round trip.
    async fn session(&self, repository: &RepositoryName, id: &UploadId) -> Result<Option<UploadSession>>;

    /// Claims the session for one request: nobody else can until it advances, is released, or `until` passes.
    /// One round trip.
    async fn claim_session(&self, claim: &SessionClaim) -> Result<ClaimOutcome>;

    /// Every part recorded for the session, in order. Fewer than it counts would make another object than was hashed: that
    /// is an error.
    async fn parts(&self, session: &UploadSession) -> Result<Vec<Part>>;

    /// Prolongs a claim; false when it was lost.
    async fn extend_claim(&self, id: &UploadId, claim: &Claim, until: Timestamp) -> Result<bool>;

    /// Records progress and ends the claim; false, and nothing recorded, when the claim was lost.
    async fn advance_session(&self, advance: &Advance) -> Result<bool>;

    /// Records how far a direct upload has come, and the work that this makes, and ends the claim; false, and nothing
    /// recorded, when the claim was lost.
    async fn advance_direct(&self, advance: &DirectAdvance) -> Result<bool>;

    /// Ends a claim without progress. Releasing a lost claim changes nothing.
    async fn release_claim(&self, id: &UploadId, claim: &Claim) -> Result<()>;

    /// Removes a session that this claim holds, with its parts; false when the claim was lost.
    async fn delete_session(&self, id: &UploadId, claim: &Claim) -> Result<bool>;

    /// Up to `limit` sessions that expired before `now`, and that no request holds; none where rows expire by themselves.
    async fn expired_sessions(&self, now: Timestamp, limit: usize) -> Result<Vec<UploadSession>>;

    /// Removes a session that expired before `now`, with its parts; false when there is none, or a request holds it.
    async fn forget_session(&self, id: &UploadId, now: Timestamp) -> Result<bool>;

    /// The session, whatever repository it was begun in, unless it was completed or has expired: for work that nobody
    /// asked for.
    async fn open_session(&self, id: &UploadId, now: Timestamp) -> Result<Option<UploadSession>>;

    // Work.

    /// What is to be done about the object that the upload staged.
    async fn work_of(&self, upload: &UploadId) -> Result<Option<Work>>;

    /// Up to `limit` works that are due, of every shard as many as of any other that has them. Their number is a number of round
    /// trips of its own, however few are due.
    async fn due_work(&self, now: Timestamp, limit: usize) -> Result<Vec<Work>>;

    /// Records work, over whatever there is for its upload.
    async fn put_work(&self, work: &Work) -> Result<()>;

    /// Puts `next` in the place of the work as it is held, or nothing; false, and nothing changed, when it is no longer so.
    async fn change_work(&self, held: &Work, next: Option<&Work>) -> Result<bool>;

    /// Changes where a live blob is read from, and what is to be done next, in one transaction; false, and nothing
    /// changed, when the blob is no longer as it was found or the work no longer as it is held.
    async fn rehouse_blob(&self, rehousing: &Rehousing) -> Result<bool>;

    // Collection.

    /// Turns the blob from live to deleting when neither a use nor an unexpired link keeps it; none when one does, or it
    /// is not live. From then on only a commit that brings its own bytes revives it.
    async fn condemn_blob(&self, digest: &Digest, now: Timestamp) -> Result<Option<BlobRecord>>;

    /// Removes the row of a condemned blob, and its expired links; false when another generation took it over.
    async fn forget_blob(&self, condemned: &BlobRecord) -> Result<bool>;

    /// Takes a live blob out of sight that nothing is left of, whatever uses it; false when it is no longer as it was found.
    /// A commit that brings its bytes revives it.
    async fn lose_blob(&self, found: &BlobRecord) -> Result<bool>;

    // The ring.

    /// Up to `limit` live blobs of a sector, in the byte order of their digests, after `after`. A blob may be missing that
    /// was written a moment ago.
    async fn blobs(&self, sector: Sector, after: Option<&Digest>, limit: usize) -> Result<Vec<BlobRecord>>;

    /// The newest topology.
    async fn topology(&self) -> Result<Option<Topology>>;

    /// Up to `limit` topologies, the newest first.
    async fn topologies(&self, limit: usize) -> Result<Vec<Topology>>;

    /// Writes a topology under its number; false when that number is taken or does not follow the newest.
    async fn put_topology(&self, topology: &Topology) -> Result<bool>;

    /// What was last found out about the buckets.
    async fn health(&self) -> Result<Option<Health>>;

    /// Records what was found out about the buckets.
    async fn put_health(&self, health: &Health) -> Result<()>;

    /// How far each sector has been brought to where the ring wants it; nothing of a sector that nobody has begun.
    async fn passes(&self) -> Result<Vec<Pass>>;

    /// Puts a pass in the place of the one that is known; false, and nothing changed, when that is no longer so.
    async fn change_pass(&self, known: Option<&Pass>, next: &Pass) -> Result<bool>;

    // Accounts.

    /// The record of that name, unless it has expired. One round trip.
    async fn entry(&self, book: Book, name: &str, now: Timestamp) -> Result<Option<Entry>>;

    /// Up to `limit` records of a book that have not expired, in the byte order of their names, after `after`, be that a name
    /// or not. None of [`Book::Throttles`], which is not listed.
    async fn entries(&self, book: Book, after: Option<&str>, limit: usize, now: Timestamp) -> Result<Vec<Entry>>;

    /// Writes a record in the place of the version that is known, or of none; false, and nothing changed, when that is not
    /// what is there. The same write again has happened already. An error when the name is empty or longer than
    /// [`Entry::MAX_NAME`]; no other intent finds such a record.
    async fn put_entry(&self, write: &EntryWrite) -> Result<bool>;

    /// Removes a record; false, and nothing changed, when it is no longer as it is known.
    async fn remove_entry(&self, book: Book, name: &str, known: u64) -> Result<bool>;

    /// Removes up to `limit` records and deeds that have expired, readable or not; how many there were: fewer than `limit`
    /// when no more are left. None where they expire by themselves. It costs what has expired, not what is kept.
    async fn sweep_entries(&self, now: Timestamp, limit: usize) -> Result<usize>;

    // Audit.

    /// Records what somebody did or was refused.
    async fn record_deed(&self, deed: &Deed) -> Result<()>;

    /// What somebody did or was refused, the newest first, unless it has expired.
    async fn deeds(&self, wanted: &DeedsWanted) -> Result<Vec<Deed>>;

    // Health.

    /// Succeeds when the store can be read now.
    async fn ping(&self) -> Result<()>;
}

/// Verified bytes to publish.
#[derive(Debug, Clone)]
pub struct BlobCommit {
    /// The repository that may read them.
    pub repository: RepositoryName,
    /// Their digest.
    pub digest: Digest,
    /// How many they are.
    pub size: u64,
    /// Where they are.
    pub place: Place,
    /// Until when the link keeps them though nothing uses them.
    pub lease: Timestamp,
    /// The session that they came by, and the claim that holds it.
    pub session: Option<(UploadId, Claim)>,
    /// When a completed session may be swept away.
    pub session_expires: Timestamp,
    /// What is to be done about the place later, when the blob is published there.
    pub work: Option<Work>,
    /// When the version may go that the place's was written over, should the blob's row have named it; none when the store
    /// does not keep it.
    pub overwritten_goes: Option<Timestamp>,
    /// The present.
    pub now: Timestamp,
}

impl BlobCommit {
    /// The work that is left of the version that lay at the place before: were it kept, it would come back when the
    /// committed one is removed.
    pub(super) fn discard(&self, before: Place) -> Option<Work> {
        let due = self.overwritten_goes.filter(|_| before.version != self.place.version)?;
        Some(Work::discard(UploadId::random(), before, due))
    }
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// The blob is read from the committed place.
    Published(BlobRecord),
    /// The blob was live at another path already and is read from there; the committed bytes are nobody's.
    /// (At the same path, the committed bytes have replaced the others: they are `Published`.)
    Kept(BlobRecord),
    /// Another request holds the session; nothing was changed.
    ClaimLost,
}

/// What became of taking a blob out of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlinked {
    /// It is no longer readable there.
    Removed,
    /// It was not readable there before.
    Unknown,
    /// A manifest of the repository uses it.
    InUse,
}

/// A manifest to publish.
#[derive(Debug, Clone)]
pub struct ManifestPut {
    /// Where.
    pub repository: RepositoryName,
    /// The manifest; its `generation` is the store's to choose.
    pub manifest: ManifestRecord,
    /// The manifests that an index names, which must exist in the repository.
    pub children: Vec<Digest>,
    /// What the list of its subject's referrers shows, when it has a subject.
    pub referrer: Option<Referrer>,
    /// The tags that shall name it: at most [`ManifestPut::MAX_TAGS`].
    pub tags: Vec<Tag>,
    /// Whether those of them that name another manifest may be moved.
    pub may_move_tags: bool,
    /// The present.
    pub now: Timestamp,
}

impl ManifestPut {
    /// The most tags that one put can move in one transaction.
    pub const MAX_TAGS: usize = 25;
}

/// What became of putting a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutOutcome {
    /// It is visible.
    Published,
    /// It is not: these are not linked in the repository.
    Missing {
        /// Blobs that the repository does not link, or that are being deleted.
        blobs: Vec<Digest>,
        /// Manifests that the repository does not have.
        manifests: Vec<Digest>,
    },
    /// It is not: this tag names another manifest, and may not be moved.
    TagTaken(Tag),
}

/// A request's wish to hold a session.
#[derive(Debug, Clone)]
pub struct SessionClaim {
    /// The repository that the request names.
    pub repository: RepositoryName,
    /// The session.
    pub id: UploadId,
    /// The request.
    pub claim: Claim,
    /// The offset at which the request wants to write; none takes whatever it is.
    pub offset: Option<u64>,
    /// The present.
    pub now: Timestamp,
    /// When the claim lapses unless extended.
    pub until: Timestamp,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// The request holds the session, as it stands here.
    Claimed(Box<UploadSession>),
    /// The offset is another, or another request holds the session.
    Conflict {
        /// How many bytes are durable.
        offset: u64,
    },
    /// The session was completed with this digest.
    Completed(Digest),
    /// There is no such session in the repository.
    Unknown,
}

/// Progress to record.
#[derive(Debug, Clone)]
pub struct Advance {
    /// The session.
    pub id: UploadId,
    /// The claim that holds it.
    pub claim: Claim,
    /// The hash of all bytes up to the new offset.
    pub hash: DigestState,
    /// The new checkpoint, whose offset is the session's new one, and the parts finished since the last.
    pub progress: Progress,
    /// When the session may be swept away.
    pub expires: Timestamp,
}

/// How far a direct upload has come, to record.
#[derive(Debug, Clone)]
pub struct DirectAdvance {
    /// The session.
    pub id: UploadId,
    /// The claim that holds it.
    pub claim: Claim,
    /// What is known of it now.
    pub direct: Direct,
    /// The work that this makes.
    pub work: Option<Work>,
    /// When the session may be swept away.
    pub expires: Timestamp,
}

/// Other places for a blob.
#[derive(Debug, Clone)]
pub struct Rehousing {
    /// The blob as it was found.
    pub found: BlobRecord,
    /// Where it is read from now: at least one place.
    pub places: Vec<Place>,
    /// The work that brought it there, and what it becomes.
    pub held: Option<(Work, Option<Work>)>,
    /// What else is to be done.
    pub works: Vec<Work>,
}

impl Rehousing {
    /// The blob's record afterwards; none without a place.
    #[must_use]
    pub fn record(&self) -> Option<BlobRecord> {
        let (place, copies) = self.places.split_first()?;
        Some(BlobRecord { place: place.clone(), copies: copies.to_vec(), ..self.found.clone() })
    }
}
