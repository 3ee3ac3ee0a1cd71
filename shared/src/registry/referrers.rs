//! Referrers: the manifests that have another as their subject.

use super::{Registry, Result};
use crate::metadata::Referrer;
use crate::oci::{Digest, MediaType, RepositoryName};

/// Rows read at a time while looking for those of one artifact type.
const READ_AHEAD: usize = 100;

/// About how many bytes of annotations one page may carry, so that it fits in any answer.
const PAGE_BYTES: usize = 1024 * 1024;

/// The most rows that are read for one page, however few of them are wanted.
const MOST_READ: usize = 2000;

/// Some of a subject's referrers, in the byte order of their digests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReferrersPage {
    /// What they are.
    pub referrers: Vec<Referrer>,
    /// After which digest the next page begins, when there may be one.
    pub next: Option<Digest>,
}

impl Registry {
    /// Up to `limit` manifests whose subject is `subject`, of one artifact type when one is named, after `after`. A
    /// subject that is not here, or a repository that is not, has none.
    pub async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&MediaType>,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<ReferrersPage> {
        let mut page = ReferrersPage::default();
        let (mut after, mut bytes) = (after.cloned(), 0);
        for _ in 0..MOST_READ / READ_AHEAD {
            let rows = self.metadata.referrers(repository, subject, after.as_ref(), READ_AHEAD).await?;
            let last = rows.len() < READ_AHEAD;
            after = rows.last().map(|row| row.digest.clone());
            let wanted = |row: &Referrer| artifact_type.is_none_or(|wanted| row.artifact_type.as_ref() == Some(wanted));
            for row in rows.into_iter().filter(wanted) {
                bytes += row.annotations.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
                if page.referrers.len() == limit || (bytes > PAGE_BYTES && !page.referrers.is_empty()) {
                    page.next = page.referrers.last().map(|last| last.digest.clone());
                    return Ok(page);
                }
                page.referrers.push(row);
            }
            if last {
                return Ok(page);
            }
        }
        page.next = after;
        Ok(page)
    }
}
