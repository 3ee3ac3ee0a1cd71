//! Uploads whose bytes go straight into a bucket: `/v2/<name>/_ringhold/uploads/direct` and what lies below. The answers
//! are described in docs/direct-upload.md.

mod discover;
mod wire;

use http::header::{LOCATION, RETRY_AFTER};
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
pub use wire::{
    DIRECT_UPLOADS, Offer, PartRequest, PartRequests, PartSent, PartWanted, PartsSent, PartsWanted, Standing, State,
};

use super::body::WireBody;
use super::error::Error;
use super::reply::Reply;
use super::route::Route;
use super::uploads::stored;
use super::{Api, Call};
use crate::oci::{Digest, RepositoryName, UploadId};
use crate::registry::{DirectBegun, DirectStanding, PutPart, RequestedPart, WantedPart};

/// The media type of what is said about direct uploads.
pub(super) const JSON: &str = "application/json";
/// The most bytes that a list of parts has: ten thousand of some 150 each.
const LARGEST_LIST: usize = 3 * 1024 * 1024;
/// How soon a client asks again for a verification that is under way.
const ASK_AGAIN_SECONDS: u32 = 1;

impl Api {
    /// Begins an upload of a blob whose digest and size are known.
    pub(super) async fn begin_direct(&self, name: &RepositoryName, call: &Call) -> Result<Reply, Error> {
        let digest = call.query.parsed::<Digest>("digest")?.ok_or(Error::DigestMissing)?;
        let size = call.query.first("size").and_then(|size| size.parse().ok()).ok_or(Error::SizeMissing)?;
        let in_parts = call.query.first("parts").is_some_and(|parts| parts == "true");
        match self.registry.begin_direct(name, &digest, size, in_parts).await? {
            DirectBegun::Present(_) => Ok(stored(name, &digest)),
            DirectBegun::Begun(id, plan) => {
                let requests = if plan.is_whole { self.requests(name, &id, &[]).await? } else { Vec::new() };
                let offer = Offer {
                    size: plan.size,
                    part_size: plan.part_size,
                    parts: plan.parts(),
                    requests,
                    expires_in: self.settings.url_life.as_secs(),
                };
                Ok(Reply::json(StatusCode::ACCEPTED, JSON, &offer).with(&LOCATION, place(name, &id)))
            }
        }
    }

    pub(super) async fn direct_upload(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        call: &Call,
        body: WireBody,
    ) -> Result<Reply, Error> {
        match call.method {
            Method::POST => {
                let PartsWanted { parts } = self.parts(body).await?;
                if parts.len() > PartsWanted::MOST {
                    return Err(Error::TooManyParts);
                }
                let requests = self.requests(name, id, &parts).await?;
                let answer = PartRequests { requests, expires_in: self.settings.url_life.as_secs() };
                Ok(Reply::json(StatusCode::OK, JSON, &answer))
            }
            Method::PUT => {
                let PartsSent { parts } = self.parts(body).await?;
                self.end_direct(name, id, parts).await
            }
            Method::DELETE => {
                self.registry.cancel_direct(name, id).await?;
                Ok(Reply::new(StatusCode::NO_CONTENT))
            }
            _ => {
                let state = match self.registry.direct_standing(name, id).await? {
                    DirectStanding::Open => State::Open,
                    DirectStanding::Verifying => State::Verifying,
                    DirectStanding::Stored(_) => State::Stored,
                    DirectStanding::Refused => State::Refused,
                };
                Ok(Reply::json(StatusCode::OK, JSON, &Standing { state }))
            }
        }
    }

    async fn end_direct(&self, name: &RepositoryName, id: &UploadId, parts: Vec<PartSent>) -> Result<Reply, Error> {
        let put = |part: PartSent| PutPart { number: part.number, checksum: part.checksum, etag: part.etag };
        let put: Vec<_> = parts.into_iter().map(put).collect();
        match self.registry.end_direct(name, id, &put).await? {
            DirectStanding::Stored(digest) => Ok(stored(name, &digest)),
            DirectStanding::Refused => Err(Error::DirectRefused),
            DirectStanding::Open | DirectStanding::Verifying => {
                let reply = Reply::json(StatusCode::ACCEPTED, JSON, &Standing { state: State::Verifying });
                Ok(reply.with(&LOCATION, place(name, id)).with(&RETRY_AFTER, ASK_AGAIN_SECONDS))
            }
        }
    }

    async fn requests(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        wanted: &[PartWanted],
    ) -> Result<Vec<PartRequest>, Error> {
        let wanted = wanted.iter().map(|part| WantedPart { number: part.number, checksum: part.checksum.clone() });
        let wanted: Vec<_> = wanted.collect();
        let requested = self.registry.direct_requests(name, id, &wanted, self.settings.url_life).await?;
        Ok(requested.into_iter().map(request).collect())
    }

    /// What the body says of parts; one that says nothing names none.
    async fn parts<T: DeserializeOwned + Default>(&self, body: WireBody) -> Result<T, Error> {
        let bytes = self.whole(body, LARGEST_LIST).await?;
        if bytes.is_empty() {
            return Ok(T::default());
        }
        serde_json::from_slice(&bytes).map_err(Error::Parts)
    }
}

fn request(part: RequestedPart) -> PartRequest {
    PartRequest {
        number: part.number,
        offset: part.offset,
        length: part.length,
        url: part.request.url,
        headers: part.request.headers,
    }
}

fn place(name: &RepositoryName, id: &UploadId) -> Route {
    Route::DirectUpload { name: name.clone(), id: id.clone() }
}
