//! Where bytes live: a driver per kind of store, the ring that spreads them over buckets, and the factory that
//! makes them from a URL. Uses `oci` only.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod direct;
mod distribution;
mod driver;
mod error;
mod factory;
mod filesystem;
mod guard;
mod health;
mod memory;
#[cfg(test)]
pub(crate) mod moody;
mod objects;
mod path;
mod probe;
mod ring;
pub mod s3;
mod sharded;
mod topology;

pub use direct::{ClientRequest, DirectUploads, PutObject, SignedPart, SignedPut};
pub use distribution::{DistributionLayout, Link};
pub use driver::{
    Checkpoint, Content, Copied, Entry, Part, Progress, PutMode, Span, Stat, StorageDriver, Tail, Unfinished,
    UrlMethod, UrlRequest, Version, Writer,
};
pub use error::{Error, Result, Source};
pub use factory::{Factory, FactoryError, FileUrlError, MemoryUrlError, shown_url};
pub use filesystem::FilesystemDriver;
pub use health::{Ailment, Health};
pub use memory::MemoryDriver;
pub use objects::Objects;
pub use path::{ObjectPath, ParsePathError};
pub use ring::HashRing;
pub use s3::S3Driver;
pub use sharded::{ShardedDriver, ShardedError, UnknownBucket};
pub use topology::{
    Bucket, BucketId, BucketState, ChangeError, Changes, Epoch, Joining, ParseBucketIdError, Topology, TopologyError,
    TopologyProblem,
};
