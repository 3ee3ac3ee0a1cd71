//! The names of headers that HTTP itself does not define, spelled once.

use http::HeaderName;

/// The digest of what is answered, or was stored.
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// Which protocol this is.
pub(super) const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
/// The name of an upload.
pub(super) const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");
/// The subject that a pushed manifest was entered under.
pub(super) const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
/// A tag that a pushed manifest was given by its query.
pub(super) const TAG: HeaderName = HeaderName::from_static("oci-tag");
/// What a list of referrers was filtered by.
pub(super) const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
/// The fewest bytes of a chunk that a client should send, unless it is the last one.
pub(super) const CHUNK_MIN: HeaderName = HeaderName::from_static("oci-chunk-min-length");
/// The most bytes of a chunk that a client may send. Not of the specification; some clients keep to it.
pub(super) const CHUNK_MAX: HeaderName = HeaderName::from_static("oci-chunk-max-length");
/// A copy of `WWW-Authenticate` for a gateway that renames that, from which it restores it.
pub const CHALLENGE_COPY: HeaderName = HeaderName::from_static("x-registry-challenge");
/// By which scheme the client reached the front before this process.
pub(super) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The name of a request in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
