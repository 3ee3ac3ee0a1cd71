//! Bringing a staged blob home.

use super::work::Next;
use super::{Registry, Result};
use crate::clock::Timestamp;
use crate::metadata::{BlobRecord, Place, Work};
use crate::oci::Digest;

impl Registry {
    /// A home that does not serve hands the blob to the next bucket clockwise, and work is left to bring it home later.
    pub(super) async fn settle(&self, held: &Work, digest: &Digest, from: &Place) -> Result<Next> {
        let is_there = |blob: &BlobRecord| blob.places().any(|place| place == from);
        let Some(found) = self.metadata.blob(digest).await?.filter(is_there) else {
            if self.metadata.blob_in_any_state(digest).await?.is_some_and(|blob| is_there(&blob)) {
                // It is being deleted, which may be taken back.
                return Ok(Next::Work(Box::new(self.put_off(held))));
            }
            return Ok(Next::Work(Box::new(self.discard_later(held.upload.clone(), from))));
        };
        let housing = self.house(&found, &self.taking_homes(&found)).await?;
        let next = self.discard_later(held.upload.clone(), from);
        let mut works = self.discards(housing.left.iter().filter(|place| *place != from));
        if !housing.is_complete {
            works.push(self.put_off(&Work::house(digest, Timestamp::now())));
        }
        if self.record(&found, &housing, Some((held.clone(), Some(next))), works).await? {
            return Ok(Next::Recorded);
        }
        Ok(Next::Work(Box::new(held.clone().at(Timestamp::now()))))
    }
}
