//! Reading what a registry answers.

use std::str::FromStr;
use std::time::Duration;

use http::header::{HeaderName, LOCATION, RANGE};
use http::{HeaderMap, StatusCode};
use reqwest::Response;
use shared::oci::ContentRange;
use url::Url;

use super::address::host_of;
use super::{Refusal, RemoteError};

/// How long a body that is held whole may take.
const BODY: Duration = Duration::from_mins(1);

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

/// A body that is held whole: at most so many bytes, and all of them in time.
pub(super) async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, RemoteError> {
    let url = response.url().clone();
    let read = async {
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| RemoteError::connection(&url, error))? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > most {
                return Err(RemoteError::answer(&url, "a body that is too large"));
            }
        }
        Ok(bytes)
    };
    let silent = |_| RemoteError::Silent { host: host_of(&url), after: BODY };
    tokio::time::timeout(BODY, read).await.map_err(silent)?
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
        if !same_host || url.set_scheme(base.scheme()).is_err() || url.set_port(base.port()).is_err() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(base: &str, location: &str) -> Option<String> {
        let response = http::Response::builder().header(LOCATION, location).body("").unwrap();
        // What was built here has a URL of its own, which only relative locations are of.
        super::location(&base.parse().unwrap(), &response.into()).ok().map(String::from)
    }

    #[test]
    fn a_registry_that_does_not_know_of_its_tls_is_corrected() {
        let session = "r.example/v2/a/blobs/uploads/u?state=a%2Fb";
        let (secure, plain) = (format!("https://{session}"), format!("http://{session}"));
        assert_eq!(at("https://r.example/", &plain).as_deref(), Some(&*secure));
        assert_eq!(at("https://r.example/", &secure).as_deref(), Some(&*secure));
        assert_eq!(at("http://r.example/", &plain).as_deref(), Some(&*plain));
        let port = at("https://r.example:8443/", "http://r.example/u");
        assert_eq!(port.as_deref(), Some("https://r.example:8443/u"));
        assert_eq!(at("https://r.example/", "http://elsewhere.example/u"), None);
        assert_eq!(
            at("https://r.example/", "https://elsewhere.example/u").as_deref(),
            Some("https://elsewhere.example/u")
        );
    }
}
