//! A request that can be sent more than once.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use shared::oci::MediaType;
use url::Url;

use super::local::Region;

/// A request without credentials.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) payload: Payload,
}

/// What a request carries.
#[derive(Debug)]
pub(super) enum Payload {
    /// Nothing.
    Empty,
    /// A few bytes.
    Bytes(Bytes),
    /// Bytes of a file.
    Region(Region),
}

impl Call {
    pub(super) fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), payload: Payload::Empty }
    }

    /// With a header whose value is one; a value that cannot be is left out.
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    /// With a few bytes of this type.
    pub(super) fn bytes(mut self, media_type: &MediaType, bytes: impl Into<Bytes>) -> Self {
        self.payload = Payload::Bytes(bytes.into());
        self.header(CONTENT_TYPE, media_type.as_str())
    }

    /// With bytes of a file.
    pub(super) fn region(mut self, region: Region) -> Self {
        self.payload = Payload::Region(region);
        self.header(CONTENT_TYPE, MediaType::OCTET_STREAM.as_str())
    }
}
