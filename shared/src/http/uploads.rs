//! `/v2/<name>/blobs/uploads/` and what lies below.

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, LOCATION, RANGE};
use http::{HeaderMap, Method, StatusCode};
use http_body::Body;

use super::body::{WireBody, incoming};
use super::error::{Error, received};
use super::headers::{CHUNK_MAX, CHUNK_MIN, CONTENT_DIGEST, UPLOAD_UUID};
use super::reply::Reply;
use super::route::Route;
use super::upload_query::{Beginning, begins, completes};
use super::{Api, Call};
use crate::auth::Action;
use crate::oci::{ContentRange, Digest, RepositoryName, UploadId};
use crate::registry::{self, Appended, Mounted};

impl Api {
    /// Begins an upload, or does all of it at once: a mount, or a body with its digest.
    pub(super) async fn begin(&self, name: &RepositoryName, call: &Call, body: WireBody) -> Result<Reply, Error> {
        self.admit_body(&body)?;
        let (beginning, algorithm) = begins(&call.query)?;
        match beginning {
            Beginning::Mount { digest, from } => {
                let sources = self.sources(call, &digest, from).await?;
                let mounted = self.registry.mount_blob(name, &digest, &sources, algorithm).await?;
                Ok(match mounted {
                    Mounted::Linked(_) => stored(name, &digest),
                    Mounted::Begun(upload) => self.begun(name, &upload),
                })
            }
            Beginning::Whole(digest) => {
                self.registry.push_blob(name, &digest, incoming(body, self.settings.body_idle)).await?;
                Ok(stored(name, &digest))
            }
            Beginning::Session => Ok(self.begun(name, &self.registry.begin_upload(name, algorithm).await?)),
        }
    }

    /// Where a blob may be mounted from: repositories that the caller may pull. That one may not be is no error: the upload
    /// simply begins, and nobody learns what lies elsewhere.
    async fn sources(
        &self,
        call: &Call,
        digest: &Digest,
        from: Option<RepositoryName>,
    ) -> Result<Vec<RepositoryName>, Error> {
        if let Some(from) = from {
            return Ok(if self.may(call, Action::Pull, &from).await? { vec![from] } else { Vec::new() });
        }
        let mut sources = Vec::new();
        for candidate in self.registry.mount_candidates(digest).await? {
            if self.gate.may(&call.caller, Action::Pull, &candidate).await? {
                sources.push(candidate);
            }
        }
        Ok(sources)
    }

    /// An upload to which the client should send chunks that pass the front.
    fn begun(&self, name: &RepositoryName, upload: &Appended) -> Reply {
        let reply = standing(StatusCode::ACCEPTED, name, upload);
        match self.settings.profile.largest_upload() {
            Some(size) => reply.with(&CHUNK_MIN, size).with(&CHUNK_MAX, size),
            None => reply,
        }
    }

    /// Refuses a body that others of its size would not pass the front with: better said here than by the front, now and
    /// then.
    fn admit_body(&self, body: &WireBody) -> Result<(), Error> {
        match self.settings.profile.largest_upload() {
            Some(limit) if body.size_hint().lower() > limit => Err(Error::UploadTooLarge { limit }),
            _ => Ok(()),
        }
    }

    pub(super) async fn upload(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        call: &Call,
        body: WireBody,
    ) -> Result<Reply, Error> {
        self.admit_body(&body)?;
        let answered = match call.method {
            Method::PATCH => self.append(name, id, call, body).await,
            Method::PUT => self.complete(name, id, call, body).await,
            Method::DELETE => self
                .registry
                .cancel_upload(name, id)
                .await
                .map(|()| Reply::new(StatusCode::NO_CONTENT))
                .map_err(Into::into),
            _ => self
                .registry
                .upload(name, id)
                .await
                .map_err(Into::into)
                .map(|upload| standing(StatusCode::NO_CONTENT, name, &upload)),
        };
        answered.map_err(|error| match error {
            Error::Registry(error @ registry::Error::OutOfTurn { .. }) => {
                Error::OutOfTurn { name: name.clone(), error }
            }
            error => error,
        })
    }

    async fn append(&self, name: &RepositoryName, id: &UploadId, call: &Call, body: WireBody) -> Result<Reply, Error> {
        let range = chunk_range(&call.headers)?;
        let body = incoming(body, self.settings.body_idle);
        let upload = self.registry.append(name, id, range, body).await?;
        Ok(standing(StatusCode::ACCEPTED, name, &upload))
    }

    async fn complete(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        call: &Call,
        body: WireBody,
    ) -> Result<Reply, Error> {
        let digest = completes(&call.query)?;
        let range = chunk_range(&call.headers)?;
        let body = incoming(body, self.settings.body_idle);
        self.registry.complete_upload(name, id, &digest, range, body).await?;
        Ok(stored(name, &digest))
    }
}

/// Where the client thinks that the body goes, when it says so; its length must then agree with that.
pub fn chunk_range(headers: &HeaderMap) -> Result<Option<ContentRange>, Error> {
    let Some(value) = headers.get(CONTENT_RANGE) else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| Error::Header(CONTENT_RANGE))?;
    let range: ContentRange = text.parse()?;
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    match length {
        Some(length) if length != range.len() => Err(Error::LengthDisagrees { length, range: range.len() }),
        _ => Ok(Some(range)),
    }
}

/// The blob is here.
#[must_use]
pub fn stored(name: &RepositoryName, digest: &Digest) -> Reply {
    let location = Route::Blob { name: name.clone(), digest: digest.clone() };
    Reply::new(StatusCode::CREATED).with(&LOCATION, location).with(&CONTENT_DIGEST, digest)
}

/// How far an upload has come, and where it goes on.
#[must_use]
pub fn standing(status: StatusCode, name: &RepositoryName, upload: &Appended) -> Reply {
    let location = Route::Upload { name: name.clone(), id: upload.id.clone() };
    Reply::new(status).with(&LOCATION, location).with(&UPLOAD_UUID, &upload.id).with(&RANGE, received(upload.offset))
}
