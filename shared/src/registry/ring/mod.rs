//! The ring in operation: what it holds, what a change of it would move, and how far the last change is carried out.

mod change;
mod locate;
mod plan;
mod status;
mod survey;

pub use change::{ApplyError, Safety};
pub use locate::{Located, PlaceKind, PlaceNow};
pub use plan::{Flow, Planned};
pub use status::{RingStatus, SectorStatus};
pub use survey::{BucketSurvey, Survey};

use super::{Registry, Result};
use crate::storage::Topology;

impl Registry {
    /// Up to `limit` topologies, the newest first.
    pub async fn history(&self, limit: usize) -> Result<Vec<Topology>> {
        Ok(self.metadata.topologies(limit).await?)
    }
}
