//! What a client is told when its request was not done.

use std::sync::Arc;

use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use serde_json::json;
use shared::causes::Causes;
use shared::http::{Reply, WireBody};
use shared::oci::ErrorCode;
use shared::registry::{self, BodyError};

use super::refusal::Refusal;
use super::spool::{Full, SpoolError, TakeError};
use crate::remote::RemoteError;

/// How long a client should wait before it asks again while the registry cannot be reached.
const RETRY_SECONDS: u32 = 2;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// For a reason that any registry may have.
    #[error(transparent)]
    Wire(#[from] shared::http::Error),
    /// No more may be stored.
    #[error(transparent)]
    Full(#[from] Full),
    /// Nothing can be stored, or read again.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The registry cannot be reached.
    #[error("the registry behind this proxy cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The registry refused.
    #[error("the registry behind this proxy refused")]
    Refused(Box<Refusal>),
    /// The registry did not take a blob.
    #[error("the blob could not be brought to the registry behind this proxy")]
    Undelivered(#[source] Arc<RemoteError>),
    /// The delivery was broken off by a mistake in the program.
    #[error("the blob could not be brought to the registry behind this proxy because of a mistake in the program")]
    DeliveryPanicked,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<registry::Error> for Error {
    fn from(error: registry::Error) -> Self {
        Self::Wire(error.into())
    }
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        registry::Error::from(error).into()
    }
}

impl From<TakeError> for Error {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Body(error) => error.into(),
            TakeError::Full(error) => error.into(),
            TakeError::Spool(error) => error.into(),
        }
    }
}

impl Error {
    /// A connection failed. Its URL, which may be presigned, is forgotten.
    pub(super) fn unreachable(error: reqwest::Error) -> Self {
        Self::Unreachable(error.without_url())
    }

    /// The answer; what the client is not told goes to the log.
    pub(super) fn into_response(self) -> Response<WireBody> {
        match self {
            Self::Wire(error) => error.into_response(),
            Self::Refused(refusal) => refusal.into_response(),
            Self::Full(error) => {
                tracing::warn!(%error, "an upload found no room");
                Reply::error(StatusCode::INSUFFICIENT_STORAGE, ErrorCode::Unavailable, &error.to_string(), &json!({}))
                    .into_response()
            }
            Self::Undelivered(error) => undelivered(&error),
            error @ (Self::Spool(_) | Self::Unreachable(_) | Self::DeliveryPanicked) => failed(&error),
        }
    }
}

/// What failed here, or between here and the registry, is for the log; that it did, for the client.
fn failed(error: &Error) -> Response<WireBody> {
    let (status, code) = match error {
        Error::Unreachable(_) => (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Unknown),
    };
    tracing::error!(status = status.as_u16(), error = %Causes(error), "a request failed");
    let reply = Reply::error(status, code, &format!("{error}; the proxy's log says why"), &json!({}));
    let reply = if status == StatusCode::SERVICE_UNAVAILABLE { reply.with(&RETRY_AFTER, RETRY_SECONDS) } else { reply };
    reply.into_response()
}

/// A refusal of the blob is the client's to know; everything else may pass.
fn undelivered(error: &RemoteError) -> Response<WireBody> {
    if let Some(status) = error.status().filter(StatusCode::is_client_error) {
        return Reply::error(status, code_of(status), &error.to_string(), &json!({})).into_response();
    }
    let status = StatusCode::SERVICE_UNAVAILABLE;
    tracing::error!(status = status.as_u16(), error = %Causes(error), "a blob could not be delivered");
    let message = "the blob could not be brought to the registry behind this proxy; the proxy's log says why";
    Reply::error(status, ErrorCode::Unavailable, message, &json!({})).with(&RETRY_AFTER, RETRY_SECONDS).into_response()
}

/// The code that most often goes with a status.
pub(super) fn code_of(status: StatusCode) -> ErrorCode {
    match status {
        StatusCode::UNAUTHORIZED => ErrorCode::Unauthorized,
        StatusCode::FORBIDDEN => ErrorCode::Denied,
        StatusCode::NOT_FOUND => ErrorCode::NameUnknown,
        StatusCode::TOO_MANY_REQUESTS => ErrorCode::TooManyRequests,
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::Unsupported,
        status if status.is_client_error() => ErrorCode::BlobUploadInvalid,
        _ => ErrorCode::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_full_spool_says_what_can_be_done() {
        let response = Error::Full(Full::Quota { limit: 10, wanted: 11 }).into_response();
        assert_eq!(response.status(), 507);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("--spool-quota"), "{body}");
    }
}
