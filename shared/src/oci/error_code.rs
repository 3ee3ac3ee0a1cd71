//! The error codes of the specification.

use std::str::FromStr;

use super::text::{as_text, excerpt};

/// What went wrong, in the word that clients match on. The only place where these words are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorCode {
    /// The blob is not known to the registry, or not to this repository.
    BlobUnknown,
    /// The upload was asked for what it cannot do.
    BlobUploadInvalid,
    /// The upload is over, or never was.
    BlobUploadUnknown,
    /// The digest is malformed, or not that of the content.
    DigestInvalid,
    /// The manifest names a blob or manifest that the repository does not have.
    ManifestBlobUnknown,
    /// The manifest is malformed.
    ManifestInvalid,
    /// The manifest is not known to the repository.
    ManifestUnknown,
    /// The repository name is malformed.
    NameInvalid,
    /// The repository is not known.
    NameUnknown,
    /// The length of the content is not the one announced.
    SizeInvalid,
    /// Credentials are needed.
    Unauthorized,
    /// The caller may not do this.
    Denied,
    /// The operation is not supported.
    Unsupported,
    /// The caller asks too often.
    TooManyRequests,
    /// `n` is no number of results. Of CNCF distribution, as are those that follow.
    PaginationNumberInvalid,
    /// The range is malformed or out of order.
    RangeInvalid,
    /// The tag is malformed.
    TagInvalid,
    /// There is no such account, token or grant. Of Ringhold's administration, as are the two that follow.
    NotFound,
    /// It is there already, or has to stay.
    Conflict,
    /// The request is malformed.
    Invalid,
    /// A part of the registry is not available.
    Unavailable,
    /// An internal error.
    Unknown,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 22] = [
        Self::BlobUnknown,
        Self::BlobUploadInvalid,
        Self::BlobUploadUnknown,
        Self::DigestInvalid,
        Self::ManifestBlobUnknown,
        Self::ManifestInvalid,
        Self::ManifestUnknown,
        Self::NameInvalid,
        Self::NameUnknown,
        Self::SizeInvalid,
        Self::Unauthorized,
        Self::Denied,
        Self::Unsupported,
        Self::TooManyRequests,
        Self::PaginationNumberInvalid,
        Self::RangeInvalid,
        Self::TagInvalid,
        Self::NotFound,
        Self::Conflict,
        Self::Invalid,
        Self::Unavailable,
        Self::Unknown,
    ];

    /// The code on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Denied => "DENIED",
            Self::Unsupported => "UNSUPPORTED",
            Self::TooManyRequests => "TOOMANYREQUESTS",
            Self::PaginationNumberInvalid => "PAGINATION_NUMBER_INVALID",
            Self::RangeInvalid => "RANGE_INVALID",
            Self::TagInvalid => "TAG_INVALID",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::Invalid => "INVALID",
            Self::Unavailable => "UNAVAILABLE",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// A code that is none of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no error code of a registry")]
pub struct ParseErrorCodeError(String);

impl FromStr for ErrorCode {
    type Err = ParseErrorCodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|code| code.as_str() == text);
        known.ok_or_else(|| ParseErrorCodeError(excerpt(text)))
    }
}

as_text!(ErrorCode);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ErrorCode;

    #[test]
    fn every_code_parses_from_its_own_spelling_and_none_is_spelled_twice() {
        for code in ErrorCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(code));
        }
        assert_eq!(
            ErrorCode::ALL.map(ErrorCode::as_str).into_iter().collect::<BTreeSet<_>>().len(),
            ErrorCode::ALL.len()
        );
    }

    #[test]
    fn too_many_requests_has_no_underscores() {
        assert_eq!(ErrorCode::TooManyRequests.to_string(), "TOOMANYREQUESTS");
    }
}
