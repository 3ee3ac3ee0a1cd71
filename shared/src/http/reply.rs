//! An answer being put together.

use std::fmt::Display;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::body::{WireBody, empty, full};
use super::headers::API_VERSION;
use crate::oci::ErrorCode;

/// An answer: a status, headers and a body.
#[derive(Debug)]
pub struct Reply(Response<WireBody>);

impl Reply {
    /// An answer without a body.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
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
    #[must_use]
    pub fn json(status: StatusCode, media_type: &str, value: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(value).unwrap_or_else(|_| b"{}".to_vec());
        Self::new(status).with(&CONTENT_TYPE, media_type).with(&CONTENT_LENGTH, bytes.len()).body(full(bytes))
    }

    /// An error, as the specification has it.
    #[must_use]
    pub fn error(status: StatusCode, code: ErrorCode, message: &str, detail: &serde_json::Value) -> Self {
        let entry = json!({ "code": code.as_str(), "message": message, "detail": detail });
        Self::json(status, "application/json", &json!({ "errors": [entry] }))
    }

    /// The answer with one more header, in place of one of that name.
    #[must_use]
    pub fn with(mut self, name: &HeaderName, value: impl Display) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.to_string()) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    /// The answer with one more header, beside others of that name.
    #[must_use]
    pub fn and(mut self, name: &HeaderName, value: impl Display) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.to_string()) {
            self.0.headers_mut().append(name, value);
        }
        self
    }

    /// The answer with this body.
    #[must_use]
    pub fn body(mut self, body: WireBody) -> Self {
        *self.0.body_mut() = body;
        self
    }

    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The answer as it goes out.
    #[must_use]
    pub fn into_response(self) -> Response<WireBody> {
        self.0
    }
}
