//! Where facts live: what is linked, used, tagged and in progress. Uses `oci`, `clock` and `storage`'s words.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod dynamodb;
mod error;
mod keys;
mod records;
mod store;

pub use dynamodb::{DynamoDbConfig, DynamoDbStore, ParseDynamoDbError};
pub use error::{Error, Result};
pub use records::{
    BlobRecord, Claim, Generation, LinkedBlob, ManifestRecord, Place, Referrer, TagRecord, UploadSession,
};
pub use store::{
    Advance, BlobCommit, ClaimOutcome, Committed, ManifestPut, MetadataStore, PutOutcome, SessionClaim, Unlinked,
};
