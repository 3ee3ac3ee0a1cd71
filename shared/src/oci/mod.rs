//! The words of the specification, as types that cannot hold anything else.
//!
//! Pure: no I/O, no async, no AWS; uses no other module of this crate. Each type parses and renders itself, and its parse
//! error is its own. What a peer sent is quoted in an error at most as a short excerpt.

mod algorithm;
mod annotations;
mod byte_range;
mod content_range;
mod descriptor;
mod digest;
mod digest_state;
mod digester;
mod error_code;
mod manifest;
mod media_kind;
mod media_type;
mod object;
mod range_header;
mod reference;
mod repository_name;
mod tag;
mod text;
mod upload_id;

pub use algorithm::{Algorithm, ParseAlgorithmError};
pub use annotations::Annotations;
pub use byte_range::ByteRange;
pub use content_range::{ContentRange, ParseContentRangeError};
pub use descriptor::{Descriptor, DescriptorError};
pub use digest::{Digest, ParseDigestError};
pub use digest_state::DigestState;
pub use digester::{Digester, ResumeDigestError};
pub use error_code::{ErrorCode, ParseErrorCodeError};
pub use manifest::{Manifest, ManifestError, Position};
pub use media_kind::MediaKind;
pub use media_type::{MediaType, ParseMediaTypeError};
pub use range_header::{RangeHeader, Resolved};
pub use reference::{ParseReferenceError, Reference};
pub use repository_name::{ParseRepositoryNameError, RepositoryName};
pub use tag::{ParseTagError, Tag};
pub(crate) use text::{as_text, excerpt};
pub use upload_id::{ParseUploadIdError, UploadId};
