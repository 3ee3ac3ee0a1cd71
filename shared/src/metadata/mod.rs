//! Where facts live: what is linked, used, tagged and in progress. Uses `oci`, `clock` and `storage`'s words.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod deeds;
mod dynamodb;
mod embedded;
mod entries;
mod error;
mod keys;
mod memory;
#[cfg(test)]
mod model;
mod records;
mod sector;
mod store;
mod transactional;
mod work;

pub use deeds::{Deed, DeedsWanted};
pub use dynamodb::{DynamoDbConfig, DynamoDbStore, ParseDynamoDbError};

pub use embedded::{EmbeddedStore, OpenStoreError};
pub use entries::{Book, Entry, EntryWrite};
pub use error::{Error, Result, Source};
pub use memory::MemoryStore;
pub use records::{
    BlobRecord, Claim, Direct, DirectState, DirectUpload, Generation, LinkedBlob, ManifestRecord, Place, Referrer,
    TagRecord, UploadSession,
};
pub use sector::{Pass, Sector, Tally};
pub use store::{
    Advance, BlobCommit, ClaimOutcome, Committed, DirectAdvance, ManifestPut, MetadataStore, PutOutcome, Rehousing,
    SessionClaim, Unlinked,
};
pub use work::{Task, Verification, Work};
