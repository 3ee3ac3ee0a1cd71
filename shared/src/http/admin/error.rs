//! What a client is told of a change that was not made.

use http::StatusCode;

use crate::auth::AdminError as E;
use crate::http::error::metadata_status;
use crate::oci::ErrorCode;

/// The code that clients tell errors apart by.
pub(in crate::http) fn code(error: &E) -> ErrorCode {
    match status(error) {
        StatusCode::NOT_FOUND => ErrorCode::NotFound,
        StatusCode::CONFLICT => ErrorCode::Conflict,
        StatusCode::FORBIDDEN => ErrorCode::Denied,
        StatusCode::BAD_REQUEST => ErrorCode::Invalid,
        StatusCode::SERVICE_UNAVAILABLE => ErrorCode::Unavailable,
        _ => ErrorCode::Unknown,
    }
}

/// The status that goes with it.
pub(in crate::http) fn status(error: &E) -> StatusCode {
    match error {
        E::Unknown { .. } | E::NoSuchGrant(_) => StatusCode::NOT_FOUND,
        E::Exists { .. } | E::LastAdmin | E::FirstUser => StatusCode::CONFLICT,
        E::Needs(_) | E::ByAccessToken | E::BeyondOwnToken => StatusCode::FORBIDDEN,
        E::NoOwner | E::OwnedByGroup | E::Life | E::Label | E::EmptyLimit => StatusCode::BAD_REQUEST,
        E::TooManyGrants | E::TooManyGroups | E::NoSuchGroup(_) => StatusCode::BAD_REQUEST,
        E::Password(_) | E::SamePassword | E::TwoPasswords => StatusCode::BAD_REQUEST,
        E::TooManyRules | E::Issuer(_) => StatusCode::BAD_REQUEST,
        E::Metadata(error) => metadata_status(error),
        E::Hash(_) | E::Randomness(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether it was refused because of who asks or what would come of it, and not because it makes no sense. What somebody
/// would need is told by itself.
pub(super) fn is_refusal(error: &E) -> bool {
    matches!(status(error), StatusCode::CONFLICT | StatusCode::FORBIDDEN) && !matches!(error, E::Needs(_))
}
