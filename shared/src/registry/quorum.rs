//! Acknowledging a write only when several copies are durable.

use std::time::Duration;

use tokio::time::Instant;

use super::{Error, Registry, Result};
use crate::metadata::{BlobRecord, Work};
use crate::oci::UploadId;

/// How long a client waits for the copies.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often it is looked whether somebody else has made them.
const PAUSE: Duration = Duration::from_millis(50);

impl Registry {
    /// Makes the copies that must be durable before a write is acknowledged, or waits for whoever is making them: as many as
    /// the terms say, or as the ring wants, if those are fewer. When they cannot be made the blob is there all the same, and
    /// the client is told to try again.
    pub(super) async fn await_quorum(&self, mut blob: BlobRecord) -> Result<BlobRecord> {
        let until = Instant::now() + PATIENCE;
        loop {
            let quorum = usize::from(self.terms.write_quorum).min(self.storage().homes(blob.digest.point()).len());
            if blob.places().count() >= quorum {
                return Ok(blob);
            }
            if Instant::now() >= until {
                return Err(Error::TooFewCopies { quorum });
            }
            if let Some(work) = self.work_about(&blob).await? {
                Box::pin(self.do_now(&work)).await?;
            }
            tokio::time::sleep(PAUSE).await;
            blob = self.metadata.blob(&blob.digest).await?.ok_or(Error::BlobUnknown)?;
        }
    }

    /// The work that brings the blob to its homes.
    async fn work_about(&self, blob: &BlobRecord) -> Result<Option<Work>> {
        let name = blob.place.path.upload().unwrap_or_else(|| UploadId::leading(&blob.digest));
        Ok(self.metadata.work_of(&name).await?)
    }
}
