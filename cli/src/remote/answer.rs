//! Reading what a registry answers.

use std::str::FromStr;

use http::header::{HeaderName, LOCATION, RANGE};
use http::{HeaderMap, StatusCode};
use reqwest::Response;
use shared::oci::ContentRange;
use url::Url;

use super::{Refusal, RemoteError};

/// The digest of what is answered, or was stored.
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// The fewest bytes of a chunk, unless it is the last one.
pub(super) const CHUNK_MIN: HeaderName = HeaderName::from_static("oci-chunk-min-length");
/// The most bytes of a chunk.
pub(super) const CHUNK_MAX: HeaderName = HeaderName::from_static("oci-chunk-max-length");

/// The answer, if it has one of these statuses.
pub(super) async fn expect(
    doing: &'static str,
    statuses: &[StatusCode],
    response: Response,
) -> Result<Response, RemoteError> {
    if statuses.contains(&response.status()) {
        return Ok(response);
    }
    Err(Refusal::read(doing, response).await.into())
}

/// A header's value, when it is there and reads as what it should be.
pub(super) fn header<T: FromStr>(headers: &HeaderMap, name: &HeaderName) -> Option<T> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Where an upload goes on: relative or absolute. A registry behind TLS that takes itself for one in clear text is
/// corrected.
pub(super) fn location(base: &Url, response: &Response) -> Result<Url, RemoteError> {
    let text: Option<String> = header(response.headers(), &LOCATION);
    let url = text.and_then(|text| response.url().join(&text).ok());
    let mut url = url.ok_or_else(|| RemoteError::answer(base, "an upload without a location"))?;
    if base.scheme() == "https" && url.scheme() == "http" {
        let same_host = url.host() == base.host() && url.port().is_none_or(|port| Some(port) == base.port());
        if !same_host || url.set_scheme("https").is_err() {
            return Err(RemoteError::answer(base, "a location in clear text"));
        }
    }
    Ok(url)
}

/// How many bytes an upload has. `0-0` is no byte: nobody stops after one.
pub(super) fn received(response: &Response) -> Option<u64> {
    let range: ContentRange = header(response.headers(), &RANGE)?;
    Some(if range.last() == 0 { 0 } else { range.last() + 1 })
}
