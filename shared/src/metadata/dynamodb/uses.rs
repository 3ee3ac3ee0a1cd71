//! Uses: which put of which manifest needs a blob.
//!
//! A use is written before its manifest. So a use whose manifest exists keeps the blob; one without keeps it as long as
//! its put may be under way; after that it is dead. How long that is, is measured by the clocks of the machines, not by
//! the times that requests carry: it is about how long a process can live.

use std::time::Duration;

use super::DynamoDbStore;
use super::item::{Item, SK, moment};
use super::query::Query;
use crate::clock::Timestamp;
use crate::metadata::error::Result;
use crate::metadata::keys::{self, Key};
use crate::metadata::records::Generation;
use crate::oci::{Digest, RepositoryName};

/// Longer than any request lives.
const UNDER_WAY: Duration = Duration::from_mins(15);

/// How many rows are judged at once: as many as one look at their manifests can name.
const AT_ONCE: usize = 100;

/// The rows by which one put of a manifest uses its blobs.
pub(super) fn keys_of<'a>(
    blobs: impl IntoIterator<Item = &'a Digest>,
    repository: &RepositoryName,
    manifest: &Digest,
    generation: Generation,
) -> Vec<Key> {
    blobs.into_iter().map(|blob| keys::usage_of_put(blob, repository, manifest, generation)).collect()
}

/// A use's row.
pub(super) fn row(key: &Key) -> Item {
    Item::new(key).with("written", moment(Timestamp::now()))
}

/// Whether anything keeps a blob.
#[derive(Debug)]
pub(super) enum Kept {
    /// A manifest, a put under way, or a lease.
    Yes,
    /// Nothing does; these uses are dead.
    No(Vec<Key>),
}

/// Judges the rows of a blob's partition that `query` finds: uses, and links by their lease at `now`.
pub(super) async fn judge(store: &DynamoDbStore, query: Query, now: Timestamp) -> Result<Kept> {
    let mut dead = Vec::new();
    let mut pages = store.pages(query);
    while let Some(rows) = pages.next(AT_ONCE).await? {
        let mut manifests = Vec::new();
        for row in &rows {
            let sort = row.text(SK)?;
            if sort.starts_with(keys::USE) {
                if Timestamp::now().since(row.moment("written")?) < UNDER_WAY {
                    return Ok(Kept::Yes);
                }
                manifests.push(manifest_of(row)?);
                dead.push(row.key()?);
            } else if sort.starts_with(keys::LINK) && row.moment("lease")? > now {
                return Ok(Kept::Yes);
            }
        }
        if !store.existing(manifests).await?.is_empty() {
            return Ok(Kept::Yes);
        }
    }
    Ok(Kept::No(dead))
}

/// Whether a manifest that exists uses the blob.
pub(super) async fn has_a_manifest(store: &DynamoDbStore, blob: &Digest) -> Result<bool> {
    let mut pages = store.pages(Query::of(keys::blob_partition(blob)).beginning_with(keys::USE));
    while let Some(rows) = pages.next(AT_ONCE).await? {
        let manifests: Result<Vec<_>> = rows.iter().map(manifest_of).collect();
        if !store.existing(manifests?).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The key of the manifest that a use is for.
fn manifest_of(row: &Item) -> Result<Key> {
    let mut parts = row.text(SK)?.split('#').skip(1);
    let (repository, manifest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match (repository.parse(), manifest.parse()) {
        (Ok(repository), Ok(manifest)) => Ok(keys::manifest(&repository, &manifest)),
        (Err(error), _) => Err(row.malformed(SK, Some(Box::new(error)))),
        (_, Err(error)) => Err(row.malformed(SK, Some(Box::new(error)))),
    }
}
