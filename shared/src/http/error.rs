//! What a client is told when its request was not done: the one place that chooses codes and statuses, renders and logs.

use std::time::Duration;

use http::header::{ALLOW, CONTENT_RANGE, LOCATION, RANGE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, Response, StatusCode};
use serde_json::json;

use super::admin;
use super::body::{BoxError, WireBody};
use super::challenge::Challenge;
use super::headers::UPLOAD_UUID;
use super::reply::Reply;
use super::route::{Route, RouteError};
use crate::auth::{AdminError, KeyError};
use crate::causes::Causes;
use crate::metadata;
use crate::oci::{
    ErrorCode, ManifestError, ParseContentRangeError, ParseDigestError, ParseMediaTypeError, ParseRepositoryNameError,
    ParseTagError, RepositoryName,
};
use crate::registry::{self, BodyError};
use crate::storage;

/// How long a client should wait before it asks again while a store cannot answer.
const RETRY_SECONDS: u32 = 2;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path names nothing.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// The path has no such method.
    #[error("the method is not allowed here")]
    MethodNotAllowed {
        /// Those that are.
        allowed: &'static [Method],
    },
    /// The caller has to sign in, or to do it anew.
    #[error("{}", refusal.explained())]
    Unauthorized {
        /// How.
        challenge: Challenge,
        /// What was wrong.
        refusal: Refusal,
    },
    /// The caller is known, and may not.
    #[error("{who} may not {action}{}", object.as_deref().map(|object| format!(" {object}")).unwrap_or_default())]
    Denied {
        /// Who.
        who: String,
        /// What.
        action: String,
        /// To which repository.
        object: Option<String>,
    },
    /// The password is right, and good for one thing only.
    #[error("this first password has to be changed before anything else: `ringhold user password`")]
    MustChangePassword,
    /// The caller has tried too often.
    #[error("there were too many attempts to sign in; wait {} seconds before the next", .0.as_secs().max(1))]
    TooManyAttempts(Duration),
    /// Nothing may be changed now.
    #[error("the registry is read-only for now: it can be pulled from, and not pushed to")]
    ReadOnly,
    /// The body is no form.
    #[error("the body is a form: application/x-www-form-urlencoded")]
    Form,
    /// The form asks for a token by what gives none.
    #[error("the form's grant_type is password or refresh_token")]
    GrantType,
    /// An open registry is administered by nobody from outside.
    #[error(
        "everybody may do everything here, so nobody administers it from outside: make the first admin on the registry's \
         machine, by `ringhold user add NAME --admin`"
    )]
    Unclaimed,
    /// The body is not what the route takes.
    #[error("the body is not the JSON that it should be: {0}")]
    Json(#[source] serde_json::Error),
    /// A value of the query is not what it should be.
    #[error("the query's {name} cannot be used: {source}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// Why.
        source: BoxError,
    },
    /// The query lacks a value.
    #[error("the query lacks {0}")]
    ParameterMissing(&'static str),
    /// A change of accounts was not made.
    #[error(transparent)]
    Administration(#[from] AdminError),
    /// The metadata does not answer, or not as it should.
    #[error(transparent)]
    Metadata(#[from] metadata::Error),
    /// Access tokens can be neither signed nor read.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Something went wrong that is nobody's fault outside.
    #[error(transparent)]
    Internal(BoxError),
    /// The front sent the request to a process that does not answer it.
    #[error("the request was sent to a process that does not answer it")]
    Misdirected,
    /// The code that answered has a mistake.
    #[error("the request could not be answered because of a mistake in the program")]
    Panicked,
    /// The request did not come through its front as it was sent.
    #[error(transparent)]
    Unreadable(BoxError),
    /// What the answer needs cannot be reached, or not in time.
    #[error("the request could not be answered in time")]
    Unavailable(#[source] BoxError),
    /// More bytes than pass the front in one request.
    #[error(
        "at most {limit} bytes of a layer pass this registry's gateway in one request: push through `ringhold proxy` on \
         this machine, in chunks of that size, as regctl does, or through `ringhold serve` over the same buckets and table"
    )]
    UploadTooLarge {
        /// The most bytes.
        limit: u64,
    },
    /// The query's digest is none.
    #[error(transparent)]
    Digest(#[from] ParseDigestError),
    /// The query's hash algorithm is none.
    #[error(transparent)]
    Algorithm(#[from] crate::oci::ParseAlgorithmError),
    /// The upload can only be completed with a digest.
    #[error("an upload is completed with the digest of its content, as the query's `digest`")]
    DigestMissing,
    /// The query does not say how many bytes there are.
    #[error("a direct upload is begun with the size of its content in bytes, as the query's `size`")]
    SizeMissing,
    /// The body does not say what it should of parts.
    #[error("the parts of an upload are named in JSON: {0}")]
    Parts(#[source] serde_json::Error),
    /// More parts at once than are answered.
    #[error("at most {most} parts can be asked for at once", most = super::direct::PartsWanted::MOST)]
    TooManyParts,
    /// What a client has put is not what its digest says.
    #[error("what was put is not what the digest says; the upload is over")]
    DirectRefused,
    /// The query names no repository.
    #[error(transparent)]
    Name(#[from] ParseRepositoryNameError),
    /// The query's tag is none.
    #[error(transparent)]
    Tag(#[from] ParseTagError),
    /// The media type is none.
    #[error(transparent)]
    MediaType(#[from] ParseMediaTypeError),
    /// The header is not text.
    #[error("the header {0} is not printable ASCII")]
    Header(http::HeaderName),
    /// The body's range is none.
    #[error(transparent)]
    ContentRange(#[from] ParseContentRangeError),
    /// The body's length is not that of its range.
    #[error("Content-Length says {length} bytes, Content-Range {range}")]
    LengthDisagrees {
        /// What Content-Length says.
        length: u64,
        /// What Content-Range says.
        range: u64,
    },
    /// The blob has no bytes where the client wants some.
    #[error("the blob has {size} bytes, none of them in this range")]
    RangeUnsatisfiable {
        /// How many it has.
        size: u64,
    },
    /// The page's size is no number.
    #[error("the number of entries on a page, `n`, is a whole number of at least 0")]
    PageSize,
    /// The registry did not do it.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// An upload is not where the client thinks.
    #[error("{error}")]
    OutOfTurn {
        /// Its repository.
        name: RepositoryName,
        /// What is wrong.
        error: registry::Error,
    },
}

/// Why somebody has to sign in, or to do it anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// They have not.
    NoCredentials,
    /// Their name or password is wrong.
    WrongCredentials,
    /// Their access token is no good, or no longer.
    InvalidToken,
    /// Their access token says nothing of what they want.
    BeyondToken,
}

impl Refusal {
    /// The reason, as an audit says it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::NoCredentials => "needs-sign-in",
            Self::WrongCredentials => "wrong-credentials",
            Self::InvalidToken => "invalid-token",
            Self::BeyondToken => "beyond-token",
        }
    }

    const fn explained(self) -> &'static str {
        match self {
            Self::NoCredentials => "sign in first",
            Self::WrongCredentials => "the name or the password is wrong",
            Self::InvalidToken => "the access token is not valid here, or no longer",
            Self::BeyondToken => "the access token does not allow this; with another it may be allowed",
        }
    }

    /// What RFC 6750 calls it in a challenge.
    pub(super) const fn error(self) -> Option<&'static str> {
        match self {
            Self::NoCredentials | Self::WrongCredentials => None,
            Self::InvalidToken => Some("invalid_token"),
            Self::BeyondToken => Some("insufficient_scope"),
        }
    }
}

impl Error {
    /// The code that clients tell errors apart by.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Route(error) => route_code(error),
            Self::MethodNotAllowed { .. } | Self::UploadTooLarge { .. } | Self::Misdirected => ErrorCode::Unsupported,
            Self::Unauthorized { .. } => ErrorCode::Unauthorized,
            Self::Denied { .. } | Self::MustChangePassword | Self::ReadOnly | Self::Unclaimed => ErrorCode::Denied,
            Self::Json(_) | Self::Parameter { .. } | Self::ParameterMissing(_) => ErrorCode::Invalid,
            Self::Administration(error) => admin::code(error),
            Self::TooManyAttempts(_) => ErrorCode::TooManyRequests,
            Self::Form | Self::GrantType => ErrorCode::Unsupported,
            Self::Metadata(_) | Self::Keys(_) => match self.status() {
                StatusCode::SERVICE_UNAVAILABLE => ErrorCode::Unavailable,
                _ => ErrorCode::Unknown,
            },
            Self::Panicked | Self::Internal(_) => ErrorCode::Unknown,
            Self::Unreadable(_) => ErrorCode::SizeInvalid,
            Self::Unavailable(_) => ErrorCode::Unavailable,
            Self::Digest(_) | Self::Algorithm(_) | Self::DigestMissing | Self::DirectRefused => {
                ErrorCode::DigestInvalid
            }
            Self::SizeMissing => ErrorCode::SizeInvalid,
            Self::Parts(_) | Self::TooManyParts => ErrorCode::BlobUploadInvalid,
            Self::Name(_) => ErrorCode::NameInvalid,
            Self::Tag(_) => ErrorCode::TagInvalid,
            Self::MediaType(_) => ErrorCode::ManifestInvalid,
            Self::Header(_) => ErrorCode::Unsupported,
            Self::ContentRange(_) | Self::RangeUnsatisfiable { .. } => ErrorCode::RangeInvalid,
            Self::LengthDisagrees { .. } => ErrorCode::SizeInvalid,
            Self::PageSize => ErrorCode::PaginationNumberInvalid,
            Self::Registry(error) | Self::OutOfTurn { error, .. } => registry_code(error),
        }
    }

    /// The status that goes with it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Route(RouteError::Unknown | RouteError::NoSuchManifest | RouteError::NoSuchUpload) => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::UploadTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::Denied { .. } | Self::MustChangePassword | Self::Unclaimed => StatusCode::FORBIDDEN,
            Self::Json(_) | Self::Parameter { .. } | Self::ParameterMissing(_) => StatusCode::BAD_REQUEST,
            Self::Administration(error) => admin::status(error),
            Self::ReadOnly => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooManyAttempts(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::Metadata(error) | Self::Keys(KeyError::Metadata(error)) => metadata_status(error),
            Self::Panicked | Self::Internal(_) | Self::Keys(KeyError::Unusable(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Form | Self::GrantType => StatusCode::BAD_REQUEST,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unreadable(_)
            | Self::Route(
                RouteError::NotText
                | RouteError::Name(_)
                | RouteError::Account(_)
                | RouteError::TokenId(_)
                | RouteError::Digest(_)
                | RouteError::Reference(_),
            )
            | Self::Digest(_)
            | Self::Algorithm(_)
            | Self::DigestMissing
            | Self::DirectRefused
            | Self::SizeMissing
            | Self::Parts(_)
            | Self::TooManyParts
            | Self::Name(_)
            | Self::Tag(_)
            | Self::MediaType(_)
            | Self::Header(_)
            | Self::ContentRange(_)
            | Self::LengthDisagrees { .. }
            | Self::PageSize => StatusCode::BAD_REQUEST,
            Self::RangeUnsatisfiable { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Registry(error) | Self::OutOfTurn { error, .. } => registry_status(error),
        }
    }

    /// The answer of a process that did not get as far as [`handle`](super::Api::handle).
    #[must_use]
    pub fn into_response(self) -> Response<WireBody> {
        self.into_reply().into_response()
    }

    /// The answer; what the client is not told goes to the log.
    #[must_use]
    pub fn into_reply(self) -> Reply {
        let status = self.status();
        let message = if status.is_server_error() { self.log(status) } else { self.explain() };
        let reply = Reply::error(status, self.code(), &message, &self.detail());
        match &self {
            Self::MethodNotAllowed { allowed } => {
                let names: Vec<_> = allowed.iter().map(Method::as_str).collect();
                reply.with(&ALLOW, names.join(", "))
            }
            Self::Unauthorized { challenge, .. } => reply.with(&WWW_AUTHENTICATE, challenge),
            Self::ReadOnly => reply.with(&ALLOW, "GET, HEAD"),
            Self::TooManyAttempts(wait) => reply.with(&RETRY_AFTER, wait.as_secs() + 1),
            Self::RangeUnsatisfiable { size } => reply.with(&CONTENT_RANGE, format!("bytes */{size}")),
            Self::OutOfTurn { name, error: registry::Error::OutOfTurn { id, offset } } => reply
                .with(&LOCATION, Route::Upload { name: name.clone(), id: id.clone() })
                .with(&UPLOAD_UUID, id)
                .with(&RANGE, received(*offset)),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => reply.with(&RETRY_AFTER, RETRY_SECONDS),
            _ => reply,
        }
    }

    /// What is wrong with a request, down to the cause: a manifest's errors each speak of their own layer only.
    fn explain(&self) -> String {
        match self {
            Self::Registry(registry::Error::ManifestInvalid(error)) => Causes(error).to_string(),
            Self::Registry(registry::Error::Storage(storage::Error::CheckpointGone(_))) => {
                registry::Error::UploadUnknown.to_string()
            }
            error => error.to_string(),
        }
    }

    /// Logs the whole chain of causes, once, and gives what may be said of it outside.
    fn log(&self, status: StatusCode) -> String {
        tracing::error!(status = status.as_u16(), error = %Causes(self), "a request failed");
        if status == StatusCode::SERVICE_UNAVAILABLE {
            "the registry's storage cannot answer now; try again".to_owned()
        } else {
            "the registry failed; its log says why".to_owned()
        }
    }

    fn detail(&self) -> serde_json::Value {
        match self {
            Self::Registry(registry::Error::ManifestBlobUnknown { missing }) => json!({ "missing": missing }),
            Self::Registry(registry::Error::DigestMismatch { expected, actual }) => {
                json!({ "expected": expected, "actual": actual })
            }
            _ => json!({}),
        }
    }
}

/// What an upload has, as its `Range` header says it: also of nothing, where HTTP has no way to say so.
pub(super) fn received(offset: u64) -> String {
    format!("0-{}", offset.saturating_sub(1))
}

fn route_code(error: &RouteError) -> ErrorCode {
    match error {
        RouteError::Unknown => ErrorCode::Unsupported,
        RouteError::NotText | RouteError::Name(_) => ErrorCode::NameInvalid,
        RouteError::Account(_) | RouteError::TokenId(_) => ErrorCode::Invalid,
        RouteError::Digest(_) => ErrorCode::DigestInvalid,
        RouteError::Reference(crate::oci::ParseReferenceError::Tag(_)) => ErrorCode::TagInvalid,
        RouteError::Reference(crate::oci::ParseReferenceError::Digest(_)) => ErrorCode::DigestInvalid,
        RouteError::NoSuchManifest => ErrorCode::ManifestUnknown,
        RouteError::NoSuchUpload => ErrorCode::BlobUploadUnknown,
    }
}

fn registry_code(error: &registry::Error) -> ErrorCode {
    use registry::Error as E;
    match error {
        E::BlobUnknown => ErrorCode::BlobUnknown,
        E::BlobInUse | E::TagTaken(_) => ErrorCode::Denied,
        E::DirectUnsupported => ErrorCode::Unsupported,
        E::TooLargeForObject { .. } => ErrorCode::SizeInvalid,
        E::NoSuchPart(_) | E::PartMalformed(_) | E::NothingPut => ErrorCode::BlobUploadInvalid,
        E::UploadUnknown => ErrorCode::BlobUploadUnknown,
        E::OutOfTurn { .. } => ErrorCode::RangeInvalid,
        E::WrongLength { .. } => ErrorCode::SizeInvalid,
        E::DigestMismatch { .. } => ErrorCode::DigestInvalid,
        E::ManifestUnknown => ErrorCode::ManifestUnknown,
        E::ManifestInvalid(_) | E::AnnotationsTooLarge { .. } | E::TooManyBlobs { .. } => ErrorCode::ManifestInvalid,
        E::ManifestBlobUnknown { .. } => ErrorCode::ManifestBlobUnknown,
        E::TooManyTags { .. } => ErrorCode::TagInvalid,
        E::NameUnknown => ErrorCode::NameUnknown,
        E::Body(BodyError::BrokenOff(_) | BodyError::TooSlow) => ErrorCode::BlobUploadInvalid,
        E::Body(BodyError::TooLarge { .. }) => ErrorCode::SizeInvalid,
        E::Storage(storage::Error::CheckpointGone(_)) => ErrorCode::BlobUploadUnknown,
        E::TooFewCopies { .. } => ErrorCode::Unavailable,
        E::BucketUnknown(_) | E::Ring(_) | E::Hash(_) | E::Storage(_) | E::Metadata(_) => {
            match registry_status(error) {
                StatusCode::SERVICE_UNAVAILABLE => ErrorCode::Unavailable,
                _ => ErrorCode::Unknown,
            }
        }
    }
}

fn registry_status(error: &registry::Error) -> StatusCode {
    use registry::Error as E;
    match error {
        E::BlobUnknown | E::UploadUnknown | E::ManifestUnknown | E::NameUnknown => StatusCode::NOT_FOUND,
        E::BlobInUse => StatusCode::CONFLICT,
        E::TagTaken(_) => StatusCode::FORBIDDEN,
        E::DirectUnsupported => StatusCode::METHOD_NOT_ALLOWED,
        E::OutOfTurn { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
        E::ManifestInvalid(ManifestError::TooLarge(_)) | E::AnnotationsTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        E::WrongLength { .. }
        | E::TooLargeForObject { .. }
        | E::NoSuchPart(_)
        | E::PartMalformed(_)
        | E::NothingPut
        | E::DigestMismatch { .. }
        | E::ManifestInvalid(_)
        | E::TooManyBlobs { .. }
        | E::ManifestBlobUnknown { .. }
        | E::TooManyTags { .. }
        | E::Body(BodyError::BrokenOff(_)) => StatusCode::BAD_REQUEST,
        E::Body(BodyError::TooSlow) => StatusCode::REQUEST_TIMEOUT,
        E::Body(BodyError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
        E::Ring(_) | E::Hash(_) => StatusCode::INTERNAL_SERVER_ERROR,
        // A bucket that has left the ring, or has joined it a moment ago: the next attempt goes by the ring as it is.
        E::TooFewCopies { .. } | E::BucketUnknown(_) => StatusCode::SERVICE_UNAVAILABLE,
        E::Storage(error) => storage_status(error),
        E::Metadata(error) => metadata_status(error),
    }
}

fn storage_status(error: &storage::Error) -> StatusCode {
    use storage::Error as E;
    match error {
        E::CheckpointGone(_) => StatusCode::NOT_FOUND,
        // One bucket's refusal is not the client's: the next attempt goes to another, or to one that has its permissions back.
        E::Throttled(_) | E::Unavailable(_) | E::Denied(_) => StatusCode::SERVICE_UNAVAILABLE,
        E::NotFound(_)
        | E::AlreadyExists(_)
        | E::OutOfRange { .. }
        | E::TooLarge { .. }
        | E::InvalidPath(_)
        | E::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(super) fn metadata_status(error: &metadata::Error) -> StatusCode {
    use metadata::Error as E;
    match error {
        E::Throttled(_) | E::Unavailable(_) | E::Contended => StatusCode::SERVICE_UNAVAILABLE,
        E::Corrupt(_) | E::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
