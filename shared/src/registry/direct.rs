//! Uploads whose bytes their client puts straight into the blob's home bucket: at a place of the upload's own, never at the
//! blob's, since knowing a digest is not having the bytes.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::receive::Landed;
use super::session::{Held, Hold};
use super::verify::verification;
use super::{Error, Registry, Result};
use crate::clock::Timestamp;
use crate::metadata::{BlobRecord, Direct, DirectState, DirectUpload, Place, UploadSession, Work};
use crate::oci::{Algorithm, Digest, RepositoryName, UploadId};
use crate::storage::{
    self, BucketId, ClientRequest, DirectUploads, ObjectPath, Part, PutObject, SignedPart, SignedPut, StorageDriver,
};

const MIB: u64 = 1024 * 1024;
/// The longest tag that a bucket gives a part.
const LONGEST_TAG: usize = 128;
/// The most bytes that one request can put.
const LARGEST_PUT: u64 = 5 * 1024 * MIB;
/// The most bytes that a blob may have: as many as can be copied home while one function runs.
const LARGEST: u64 = 256 * 1024 * MIB;
/// The most parts that an object can have.
const MOST_PARTS: u64 = 10_000;
/// How many bytes a part has, unless there would be too many of them.
const USUAL_PART: u64 = 32 * MIB;

/// What became of a wish to upload directly.
#[derive(Debug)]
pub enum DirectBegun {
    /// The repository has the blob.
    Present(BlobRecord),
    /// It has not: these are its upload and how it is put.
    Begun(UploadId, Plan),
}

/// How the bytes of a direct upload are put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How many they are.
    pub size: u64,
    /// How many each part has, the last one perhaps fewer.
    pub part_size: u64,
    /// Whether they are put in one request, whose checksum is their digest.
    pub is_whole: bool,
}

/// A part whose request is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedPart {
    /// Its number, from 1.
    pub number: u32,
    /// Its checksum, as the store writes it.
    pub checksum: String,
}

/// A request for a part.
#[derive(Debug)]
pub struct RequestedPart {
    /// The part's number.
    pub number: u32,
    /// Where its bytes begin.
    pub offset: u64,
    /// How many it has.
    pub length: u64,
    /// The request.
    pub request: ClientRequest,
}

/// A part that was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutPart {
    /// Its number, from 1.
    pub number: u32,
    /// The checksum that it was put with.
    pub checksum: String,
    /// The store's tag of it.
    pub etag: String,
}

/// How far a direct upload has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectStanding {
    /// Bytes are awaited.
    Open,
    /// All bytes are there, and are being hashed.
    Verifying,
    /// The repository has the blob.
    Stored(Digest),
    /// The bytes are not what the digest says.
    Refused,
}

impl Plan {
    fn of(digest: &Digest, size: u64, in_parts: bool) -> Result<Self> {
        if !in_parts && digest.algorithm() == Algorithm::Sha256 && size <= LARGEST_PUT {
            return Ok(Self { size, part_size: size, is_whole: true });
        }
        let part_size = size.div_ceil(MOST_PARTS).next_multiple_of(MIB).max(USUAL_PART);
        if size > LARGEST {
            return Err(Error::TooLargeForObject { limit: LARGEST });
        }
        Ok(Self { size, part_size, is_whole: false })
    }

    fn of_session(direct: &Direct) -> Self {
        let is_whole = matches!(direct.upload, DirectUpload::Whole(_));
        Self { size: direct.size, part_size: direct.part_size, is_whole }
    }

    /// How many parts there are: never none, also of nothing.
    #[must_use]
    pub fn parts(&self) -> u32 {
        let parts = if self.is_whole { 1 } else { self.size.div_ceil(self.part_size).max(1) };
        u32::try_from(parts).unwrap_or(u32::MAX)
    }

    /// Where a part begins and how long it is; none when there is no such part.
    fn span(&self, number: u32) -> Option<(u64, u64)> {
        let index = u64::from(number.checked_sub(1).filter(|index| *index < self.parts())?);
        let offset = index * self.part_size;
        Some((offset, self.part_size.min(self.size - offset)))
    }
}

impl Registry {
    /// Whether any bucket lets clients put objects themselves.
    #[must_use]
    pub fn has_direct_uploads(&self) -> bool {
        let storage = self.storage();
        let buckets = &storage.topology().buckets;
        buckets.iter().filter_map(|bucket| storage.bucket(&bucket.id)).any(|driver| driver.direct().is_some())
    }

    /// Begins an upload of a blob that the repository does not have.
    pub async fn begin_direct(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        size: u64,
        in_parts: bool,
    ) -> Result<DirectBegun> {
        let bucket = self.storage().taking(digest.point())[0].clone();
        let driver = self.bucket(&bucket).await?;
        let store = direct_of(&*driver)?;
        let plan = Plan::of(digest, size, in_parts)?;
        match self.blob_to_skip(repository, digest).await {
            Ok(blob) => return Ok(DirectBegun::Present(blob)),
            Err(Error::BlobUnknown) => {}
            Err(error) => return Err(error),
        }
        let (id, now) = (UploadId::random(), Timestamp::now());
        let upload = if plan.is_whole {
            DirectUpload::Whole(UploadId::random().to_string())
        } else {
            DirectUpload::Parts(store.begin_parts(&ObjectPath::staged(&id)).await?)
        };
        let direct =
            Direct { digest: digest.clone(), size, part_size: plan.part_size, upload, state: DirectState::Open };
        let session = UploadSession {
            id: id.clone(),
            repository: repository.clone(),
            bucket,
            algorithm: digest.algorithm(),
            offset: 0,
            hash: None,
            checkpoint: None,
            parts: 0,
            direct: Some(direct),
            completed: None,
            started: now,
            expires: now.plus(self.terms.session),
        };
        self.metadata.create_session(&session).await?;
        Ok(DirectBegun::Begun(id, plan))
    }

    /// Requests for these parts, which can be sent for as long as `expires`; of an upload that is put whole, the one
    /// request, whatever parts are named.
    pub async fn direct_requests(
        &self,
        repository: &RepositoryName,
        id: &UploadId,
        wanted: &[WantedPart],
        expires: Duration,
    ) -> Result<Vec<RequestedPart>> {
        let session = self.direct_session(repository, id).await?;
        let direct = session.direct.as_ref().filter(|direct| direct.state == DirectState::Open);
        let direct = direct.filter(|_| session.completed.is_none()).ok_or(Error::UploadUnknown)?;
        let (plan, path) = (Plan::of_session(direct), ObjectPath::staged(id));
        let driver = self.bucket(&session.bucket).await?;
        let store = direct_of(&*driver)?;
        match &direct.upload {
            DirectUpload::Whole(mark) => {
                let put = SignedPut { size: plan.size, sha256: &direct.digest, expires };
                let request = store.put_request(&path, mark, &put).await?;
                Ok(vec![RequestedPart { number: 1, offset: 0, length: plan.size, request }])
            }
            DirectUpload::Parts(upload) => {
                let mut requests = Vec::with_capacity(wanted.len());
                for WantedPart { number, checksum } in wanted {
                    let (offset, length) = plan.span(*number).ok_or(Error::NoSuchPart(*number))?;
                    check_part(*number, checksum, "")?;
                    let part = SignedPart { number: *number, size: length, checksum, expires };
                    let request = store.part_request(&path, upload, &part).await?;
                    requests.push(RequestedPart { number: *number, offset, length, request });
                }
                Ok(requests)
            }
        }
    }

    /// Ends an upload whose bytes were put. What the store itself has compared with the digest is published at once, the
    /// rest once it is hashed. Asked again, it answers the same.
    pub async fn end_direct(
        &self,
        repository: &RepositoryName,
        id: &UploadId,
        put: &[PutPart],
    ) -> Result<DirectStanding> {
        let held = match self.hold_direct(repository, id).await? {
            Hold::Completed(digest) => return Ok(DirectStanding::Stored(digest)),
            Hold::Held(held) => held,
        };
        let Some(direct) = held.session.direct.clone() else { return Err(Error::UploadUnknown) };
        match direct.state {
            DirectState::Open => {}
            DirectState::Verifying => {
                held.release().await;
                return Ok(DirectStanding::Verifying);
            }
            DirectState::Refused => {
                held.release().await;
                return Ok(DirectStanding::Refused);
            }
        }
        match &direct.upload {
            DirectUpload::Whole(mark) => match self.put_object(&held, mark).await {
                Ok(object) => self.end_whole(*held, direct.clone(), object).await,
                Err(error) => Err(released(*held, error).await),
            },
            DirectUpload::Parts(upload) => match self.end_parts(&held, &direct, upload, put).await {
                Ok(place) => {
                    let work = verification(&held.session, place);
                    self.verify_later(*held, direct, work).await
                }
                Err(error) => Err(released(*held, error).await),
            },
        }
    }

    async fn put_object(&self, held: &Held, mark: &str) -> Result<PutObject> {
        let path = ObjectPath::staged(&held.session.id);
        direct_of(&*self.bucket(&held.session.bucket).await?)?.put_object(&path, mark).await?.ok_or(Error::NothingPut)
    }

    async fn end_whole(&self, held: Held, direct: Direct, object: PutObject) -> Result<DirectStanding> {
        let path = ObjectPath::staged(&held.session.id);
        let place = self.place(held.session.bucket.clone(), path, object.version);
        if object.sha256.is_none() && object.size == direct.size {
            // A store that tells no checksum may not look at the one that was signed: what is there can be put over until
            // the request expires.
            let work = verification(&held.session, place);
            let closed = work.due.plus(self.terms.url_life);
            return self.verify_later(held, direct, work.at(closed)).await;
        }
        if object.sha256.as_ref() != Some(&direct.digest) || object.size != direct.size {
            return Err(released(held, Error::NothingPut).await);
        }
        let landed = Landed { place, size: direct.size };
        let claim = Some((held.session.id.clone(), held.claim.clone()));
        match self.publish(&held.session.repository, &direct.digest, landed, claim).await? {
            Some(_) => {
                held.completed();
                Ok(DirectStanding::Stored(direct.digest))
            }
            None => Err(held.lost().await),
        }
    }

    async fn end_parts(&self, held: &Held, direct: &Direct, upload: &str, put: &[PutPart]) -> Result<Place> {
        let plan = Plan::of_session(direct);
        let numbers = 1..=plan.parts();
        if put.len() != numbers.clone().count() || !put.iter().map(|part| part.number).eq(numbers) {
            return Err(Error::NothingPut);
        }
        put.iter().try_for_each(|part| check_part(part.number, &part.checksum, &part.etag))?;
        let parts = put.iter().filter_map(|part| {
            let (_, size) = plan.span(part.number)?;
            Some(Part { number: part.number, size, etag: part.etag.clone(), checksum: Some(part.checksum.clone()) })
        });
        let (path, parts) = (ObjectPath::staged(&held.session.id), parts.collect::<Vec<_>>());
        let ended = direct_of(&*self.bucket(&held.session.bucket).await?)?.end_parts(&path, upload, &parts).await;
        let version = ended.map_err(|error| match error {
            storage::Error::CheckpointGone(_) => Error::NothingPut,
            error => error.into(),
        })?;
        Ok(self.place(held.session.bucket.clone(), path, version))
    }

    async fn verify_later(&self, held: Held, direct: Direct, work: Work) -> Result<DirectStanding> {
        let expires = Timestamp::now().plus(self.terms.session);
        let direct = Direct { state: DirectState::Verifying, ..direct };
        held.advance_direct(direct, Some(work), expires).await?;
        self.work_made.notify_one();
        Ok(DirectStanding::Verifying)
    }

    /// How far an upload has come.
    pub async fn direct_standing(&self, repository: &RepositoryName, id: &UploadId) -> Result<DirectStanding> {
        let session = self.direct_session(repository, id).await?;
        Ok(match (session.completed, session.direct.map(|direct| direct.state)) {
            (Some(digest), _) => DirectStanding::Stored(digest),
            (None, Some(DirectState::Verifying)) => DirectStanding::Verifying,
            (None, Some(DirectState::Refused)) => DirectStanding::Refused,
            (None, Some(DirectState::Open) | None) => DirectStanding::Open,
        })
    }

    /// Forgets an upload and whatever was put.
    pub async fn cancel_direct(&self, repository: &RepositoryName, id: &UploadId) -> Result<()> {
        let Hold::Held(held) = self.hold_direct(repository, id).await? else { return Err(Error::UploadUnknown) };
        let direct = held.session.direct.clone().ok_or(Error::UploadUnknown)?;
        let bucket = held.session.bucket.clone();
        // The row first: once it is gone nobody publishes what was put.
        held.delete().await?;
        self.forget_direct(&bucket, id, &direct).await
    }

    pub(super) async fn forget_direct(&self, bucket: &BucketId, id: &UploadId, direct: &Direct) -> Result<()> {
        let path = ObjectPath::staged(id);
        if let DirectUpload::Parts(upload) = &direct.upload {
            direct_of(&*self.bucket(bucket).await?)?.forget_parts(&path, upload).await?;
        }
        Ok(self.bucket(bucket).await?.delete(&path, None).await?)
    }

    async fn direct_session(&self, repository: &RepositoryName, id: &UploadId) -> Result<UploadSession> {
        let session = self.metadata.session(repository, id).await?;
        session.filter(|session| session.direct.is_some()).ok_or(Error::UploadUnknown)
    }
}

/// What a client says of a part goes into a request to the bucket: it must be what a bucket can make something of.
fn check_part(number: u32, checksum: &str, etag: &str) -> Result<()> {
    let is_checksum = BASE64_STANDARD.decode(checksum).is_ok_and(|bytes| bytes.len() == size_of::<u64>());
    let is_tag = etag.len() <= LONGEST_TAG && etag.bytes().all(|byte| byte.is_ascii_graphic());
    if is_checksum && is_tag { Ok(()) } else { Err(Error::PartMalformed(number)) }
}

fn direct_of(driver: &dyn StorageDriver) -> Result<&dyn DirectUploads> {
    driver.direct().ok_or(Error::DirectUnsupported)
}

async fn released(held: Held, error: Error) -> Error {
    held.release().await;
    error
}
