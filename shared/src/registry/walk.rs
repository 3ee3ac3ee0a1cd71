//! Going through all blobs, by their rows.

use std::collections::VecDeque;

use super::{Registry, Result};
use crate::metadata::{BlobRecord, MetadataStore, Sector};
use crate::oci::Digest;

/// Rows read at a time.
const PAGE: usize = 1000;

/// The blobs of a sector, in the byte order of their digests.
pub(super) struct Blobs<'a> {
    metadata: &'a dyn MetadataStore,
    sector: Sector,
    page: VecDeque<BlobRecord>,
    last: Option<Digest>,
    is_over: bool,
}

impl Blobs<'_> {
    pub(super) async fn next(&mut self) -> Result<Option<BlobRecord>> {
        if self.page.is_empty() && !self.is_over {
            let page = self.metadata.blobs(self.sector, self.last.as_ref(), PAGE).await?;
            self.is_over = page.len() < PAGE;
            self.last = page.last().map(|blob| blob.digest.clone());
            self.page = page.into();
        }
        Ok(self.page.pop_front())
    }
}

impl Registry {
    /// The blobs of a sector.
    pub(super) fn blobs_of(&self, sector: Sector) -> Blobs<'_> {
        Blobs { metadata: &*self.metadata, sector, page: VecDeque::new(), last: None, is_over: false }
    }

    /// Looks at every blob.
    pub(super) async fn for_each_blob(&self, mut look: impl FnMut(&BlobRecord) + Send) -> Result<()> {
        for sector in Sector::all() {
            let mut blobs = self.blobs_of(sector);
            while let Some(blob) = blobs.next().await? {
                look(&blob);
            }
        }
        Ok(())
    }
}
