//! An answer being put together.

use std::fmt::Display;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::body::{WireBody, empty, full};
use super::headers::API_VERSION;

/// An answer: a status, headers and a body.
#[derive(Debug)]
pub(super) struct Reply(Response<WireBody>);

impl Reply {
    /// An answer without a body.
    pub(super) fn new(status: StatusCode) -> Self {
        let mut response = Response::new(empty());
        *response.status_mut() = status;
        let reply = Self(response).with(&API_VERSION, "registry/2.0").with(&X_CONTENT_TYPE_OPTIONS, "nosniff");
        // RFC 9110, 8.6: a 204 has no length, and a 304 none but that of the 200 in its place.
        if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return reply;
        }
        reply.with(&CONTENT_LENGTH, 0)
    }

    /// An answer in JSON.
    pub(super) fn json(status: StatusCode, media_type: &str, value: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(value).unwrap_or_else(|_| b"{}".to_vec());
        Self::new(status).with(&CONTENT_TYPE, media_type).with(&CONTENT_LENGTH, bytes.len()).body(full(bytes))
    }

    /// The answer with one more header, in place of one of that name.
    pub(super) fn with(mut self, name: &HeaderName, value: impl Display) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.to_string()) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    /// The answer with one more header, beside others of that name.
    pub(super) fn and(mut self, name: &HeaderName, value: impl Display) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.to_string()) {
            self.0.headers_mut().append(name, value);
        }
        self
    }

    /// The answer with this body.
    pub(super) fn body(mut self, body: WireBody) -> Self {
        *self.0.body_mut() = body;
        self
    }

    /// The answer as it goes out.
    pub(super) fn into_response(self) -> Response<WireBody> {
        self.0
    }
}
