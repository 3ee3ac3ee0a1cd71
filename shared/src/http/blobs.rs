//! `/v2/<name>/blobs/<digest>`

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH,
    IF_RANGE, LOCATION, RANGE,
};
use http::{HeaderName, Method, StatusCode};

use super::body::streaming;
use super::error::Error;
use super::headers::CONTENT_DIGEST;
use super::reply::Reply;
use super::{Api, Call};
use crate::metadata::BlobRecord;
use crate::oci::{Digest, RangeHeader, RepositoryName, Resolved};
use crate::storage::{UrlMethod, UrlRequest};

/// The media type of a blob: its bytes, whatever they are.
pub const OCTETS: &str = "application/octet-stream";

/// Content never changes under its digest; whether this client may read it is not for others to keep.
const FOREVER: &str = "private, max-age=31536000, immutable";

impl Api {
    pub(super) async fn blob(&self, name: &RepositoryName, digest: &Digest, call: &Call) -> Result<Reply, Error> {
        if call.method == Method::DELETE {
            self.registry.delete_blob(name, digest).await?;
            return Ok(Reply::new(StatusCode::ACCEPTED).with(&CONTENT_DIGEST, digest));
        }
        let head = call.method == Method::HEAD;
        let blob = if head {
            self.registry.blob_to_skip(name, digest).await?
        } else {
            self.registry.blob(name, digest).await?
        };
        if is_held_already(&call.headers, digest) {
            return Ok(described(StatusCode::NOT_MODIFIED, digest));
        }
        // A range is one of what GET would send: clients take the size of the whole from HEAD.
        let range = if head { Resolved::Whole } else { wanted(&call.headers, &blob) };
        if range == Resolved::Unsatisfiable {
            return Err(Error::RangeUnsatisfiable { size: blob.size });
        }
        if let Some(reply) = self.redirect(&blob, head).await? {
            return Ok(reply);
        }
        let (status, length, range) = match range {
            Resolved::Part(range) => (StatusCode::PARTIAL_CONTENT, range.len(), Some(range)),
            Resolved::Whole | Resolved::Unsatisfiable => (StatusCode::OK, blob.size, None),
        };
        let mut reply = described(status, digest).with(&CONTENT_TYPE, OCTETS).with(&CONTENT_LENGTH, length);
        if let Some(range) = range {
            reply = reply.with(&CONTENT_RANGE, range.content_range(blob.size));
        }
        if head {
            return Ok(reply);
        }
        Ok(reply.body(streaming(self.registry.read_blob(&blob, range).await?.stream)))
    }

    /// Sends the client to the bucket itself, when that is wanted and can be done.
    async fn redirect(&self, blob: &BlobRecord, head: bool) -> Result<Option<Reply>, Error> {
        let wanted = if head {
            self.settings.profile.redirects_heads()
        } else {
            self.settings.redirect_above.is_some_and(|above| blob.size > above)
        };
        if !wanted {
            return Ok(None);
        }
        let request = UrlRequest {
            method: if head { UrlMethod::Head } else { UrlMethod::Get },
            expires: self.settings.url_life,
            content_type: Some(OCTETS.to_owned()),
        };
        let url = self.registry.blob_url(blob, &request).await?;
        Ok(url.map(|url| {
            Reply::new(StatusCode::TEMPORARY_REDIRECT)
                .with(&LOCATION, url)
                .with(&CONTENT_DIGEST, &blob.digest)
                .with(&CACHE_CONTROL, "no-store")
        }))
    }
}

/// What is said of every blob.
#[must_use]
pub fn described(status: StatusCode, digest: &Digest) -> Reply {
    Reply::new(status)
        .with(&CONTENT_DIGEST, digest)
        .with(&ETAG, etag(digest))
        .with(&ACCEPT_RANGES, "bytes")
        .with(&CACHE_CONTROL, FOREVER)
}

pub(super) fn etag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

/// Whether the client says that it has this content.
pub(super) fn is_held_already(headers: &HeaderMap, digest: &Digest) -> bool {
    let etag = etag(digest);
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// What the client wants of the blob. A range that is meant for other content is not a range of this.
fn wanted(headers: &HeaderMap, blob: &BlobRecord) -> Resolved {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if text(IF_RANGE).is_some_and(|tag| tag.trim() != etag(&blob.digest)) {
        return Resolved::Whole;
    }
    text(RANGE).and_then(RangeHeader::parse).map_or(Resolved::Whole, |range| range.resolve(blob.size))
}
