//! A blob in one request, after the one that begins its upload.

use http::Method;
use url::Url;

use http::StatusCode;

use super::super::RemoteError;
use super::super::answer::{CHUNK_MAX, CHUNK_MIN, expect, header, location};
use super::super::blobs::UPLOADS;
use super::super::call::Call;
use super::Upload;

/// The size of chunks where a registry only says what they must have at least.
const CHUNK: u64 = 4 * 1024 * 1024;

impl Upload<'_> {
    /// Begins an upload: where it goes on, and the size of its chunks if the registry wants any.
    pub(super) async fn begin(&self) -> Result<(Url, Option<u64>), RemoteError> {
        let call = Call::new(Method::POST, self.remote.url(self.name, UPLOADS));
        let response = self.remote.send(&call, &self.scope).await?;
        let response = expect("the begin of an upload", &[StatusCode::ACCEPTED], response).await?;
        let size = |name| header::<u64>(response.headers(), name).filter(|size| *size > 0);
        let chunk = match (size(&CHUNK_MIN), size(&CHUNK_MAX)) {
            (_, Some(most)) => Some(most),
            (Some(least), None) => Some(least.max(CHUNK)),
            (None, None) => None,
        };
        Ok((location(&self.remote.registry.base, &response)?, chunk))
    }

    /// Sends all bytes with the digest.
    pub(super) async fn whole(&self, session: Url) -> Result<(), RemoteError> {
        let region = self.blob.region(0, self.blob.size, &self.meter);
        let call = Call::new(Method::PUT, self.completing(session)).region(region);
        let response = self.remote.send_once(&call, &self.scope).await?;
        self.stored(response).await
    }

    /// The URL that ends an upload. What the registry wrote into it stays as it is.
    pub(super) fn completing(&self, mut session: Url) -> Url {
        session.query_pairs_mut().append_pair("digest", self.blob.digest.as_str());
        session
    }
}
