//! What may be done: the registry's rules over storage and metadata. Returns values and outcomes, never an HTTP status
//! or header. Uses `oci`, `storage` and `metadata`.

mod blobs;
mod body;
mod direct;
mod error;
mod house;
mod import;
mod manifests;
mod members;
mod pace;
mod probe;
mod prove;
mod quorum;
mod rebalance;
mod receive;
mod referrers;
mod repositories;
pub mod ring;
mod scrub;
mod session;
mod settle;
mod sweep;
#[cfg(test)]
mod tests;
mod uploads;
mod verify;
mod walk;
mod work;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

pub use body::{Body, BodyError};
pub use direct::{DirectBegun, DirectStanding, Plan, PutPart, RequestedPart, WantedPart};
pub use error::{Error, Result};
pub use import::{
    BlobFate, ImportEvent, ImportFault, ImportItem, ImportOptions, ImportProblem, ImportSource, ImportSums,
    ImportWatcher, ManifestFate, TagFate,
};
pub use manifests::{NewManifest, PutManifest, StoredManifest};
pub use referrers::ReferrersPage;
pub use repositories::Condition;
pub use scrub::{Damage, Finding, Remedy, Scrub, Scrubbed};
pub use sweep::Swept;
pub use uploads::{Appended, Mounted};
pub use work::Worked;

use members::Members;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::metadata::MetadataStore;
use crate::storage::ShardedDriver;

/// The registry over its two stores. Holds no state that matters: any number of them may serve the same stores.
#[derive(Debug, Clone)]
pub struct Registry {
    members: Arc<Members>,
    metadata: Arc<dyn MetadataStore>,
    terms: Terms,
    /// What is tidied up by itself after requests that were given up.
    tidying: TaskTracker,
    /// Told when a request makes work.
    work_made: Arc<Notify>,
    /// Told when this process has changed the ring.
    ring_changed: Arc<Notify>,
}

/// How long things are kept and how much is held at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// How long a link keeps a blob that no manifest uses.
    pub lease: Duration,
    /// A link with less than this left is renewed when a client is told that it need not upload the blob.
    pub renew_within: Duration,
    /// How long an upload may rest before it may be swept away.
    pub session: Duration,
    /// How long a completed session still answers a repeated request.
    pub completed_session: Duration,
    /// How long a request holds a session unless it says that it is still alive, which it does three times as often.
    pub claim: Duration,
    /// How long somebody may still be reading what no row leads to any more.
    pub url_life: Duration,
    /// How long work is held by whoever takes it: longer than any process may be at it.
    pub work: Duration,
    /// How many copies of a blob must be durable before its push is acknowledged.
    pub write_quorum: u8,
    /// How often it is tried to bring home what was handed to another bucket.
    pub home_again: Duration,
    /// How many bytes a second a rebalance moves at most.
    pub move_rate: Option<NonZeroU64>,
    /// A blob of at most this many bytes, when it comes in one body, is held whole and goes straight home.
    pub held_whole: usize,
}

impl Default for Terms {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_hours(1);
        Self {
            lease: 24 * HOUR,
            renew_within: HOUR,
            session: 7 * 24 * HOUR,
            completed_session: HOUR,
            claim: Duration::from_secs(30),
            url_life: 6 * HOUR,
            work: Duration::from_mins(20),
            write_quorum: 1,
            home_again: Duration::from_mins(1),
            move_rate: None,
            held_whole: 4 * 1024 * 1024,
        }
    }
}

impl Terms {
    /// How much longer what a URL leads to is kept than the URL can be used: somebody may be reading.
    const READING: Duration = Duration::from_hours(1);

    /// The usual terms of a process that gives out URLs of this life.
    #[must_use]
    pub fn with_urls_of(life: Duration) -> Self {
        Self { url_life: life + Self::READING, ..Self::default() }
    }
}

impl Registry {
    /// The registry over these stores.
    #[must_use]
    pub fn new(storage: Arc<ShardedDriver>, metadata: Arc<dyn MetadataStore>, terms: Terms) -> Self {
        let tidying = TaskTracker::new();
        // It can be waited for, and goes on taking tasks.
        tidying.close();
        let members = Arc::new(Members::new(storage));
        Self { members, metadata, terms, tidying, work_made: Arc::default(), ring_changed: Arc::default() }
    }

    /// Where its facts are.
    #[must_use]
    pub const fn metadata(&self) -> &Arc<dyn MetadataStore> {
        &self.metadata
    }

    /// Opens the connection to a bucket, which others of its store share.
    pub async fn warm_up(&self) {
        self.storage().warm_up().await;
    }

    /// Waits until nothing is left to be tidied up after the requests so far.
    pub async fn rest(&self) {
        self.tidying.wait().await;
    }
}
