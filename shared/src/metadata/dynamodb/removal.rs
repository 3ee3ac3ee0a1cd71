//! Removing manifests and tags.

use super::DynamoDbStore;
use super::item::{Item, SK, number, text};
use super::put::generation;
use super::query::Query;
use super::retry::Rounds;
use super::transaction::{MOST, Step, Transacted};
use super::uses;
use super::write::Write;
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::metadata::records::ManifestRecord;
use crate::oci::{Digest, RepositoryName, Tag};

/// How many tags go in one transaction: two rows each, and room for the manifest and the referrer.
const TAGS_AT_ONCE: usize = (MOST - 2) / 2;

/// As few transactions as the tags take; the last one takes the manifest too, and the uses go after it. Only the uses of
/// exactly this put: another put may be under way.
pub(super) async fn delete_manifest(
    store: &DynamoDbStore,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<Vec<Tag>>> {
    let prefix = keys::tagged_prefix(digest);
    let mut gone = Vec::new();
    let mut rounds = Rounds::of_a_race();
    'again: loop {
        let rows =
            Query::of(keys::repository_partition(repository)).beginning_with(keys::manifest(repository, digest).sort);
        let rows = store.query(rows.only("#pk, #sk, #generation, #body"), usize::MAX).await?;
        let mut tags: Vec<Tag> = Vec::new();
        let mut manifest = None;
        for row in rows {
            if row.text(SK)?.starts_with(&prefix) { tags.push(row.after(&prefix)?) } else { manifest = Some(row) }
        }
        let Some(manifest) = manifest else { return Ok((!gone.is_empty()).then_some(gone)) };
        let mut batches = tags.chunks(TAGS_AT_ONCE).peekable();
        loop {
            let batch = batches.next().unwrap_or_default();
            let last = batches.peek().is_none();
            let mut steps: Vec<Step> = batch.iter().flat_map(|tag| untag(repository, digest, tag)).collect();
            if last {
                steps.extend(unpublish(repository, digest, &manifest)?);
            }
            let Transacted::Done = store.transact(steps).await? else {
                rounds.again().await?;
                continue 'again;
            };
            gone.extend_from_slice(batch);
            if last {
                break;
            }
        }
        let record: ManifestRecord = manifest.body()?;
        store.delete_all(uses::keys_of(&record.blobs, repository, digest, record.generation)).await?;
        return Ok(Some(gone));
    }
}

/// The end of a tag, while it names the manifest, and of the way back to it.
fn untag(repository: &RepositoryName, digest: &Digest, tag: &Tag) -> [Step; 2] {
    let untag = Write::delete(&keys::tag(repository, tag)).when("#digest = :digest").with(":digest", text(digest));
    [untag.into(), Write::delete(&keys::tagged(repository, digest, tag)).into()]
}

/// The end of the manifest, as it was read, and of its entry among its subject's referrers.
fn unpublish(repository: &RepositoryName, digest: &Digest, manifest: &Item) -> Result<Vec<Step>> {
    let unpublish = Write::delete(&keys::manifest(repository, digest)).when("#generation = :generation");
    let mut steps = vec![unpublish.with(":generation", number(generation(manifest)?.0)).into()];
    if let Some(subject) = manifest.body::<ManifestRecord>()?.subject {
        steps.push(Write::delete(&keys::referrer(repository, &subject, digest)).into());
    }
    Ok(steps)
}

pub(super) async fn delete_tag(store: &DynamoDbStore, repository: &RepositoryName, tag: &Tag) -> Result<bool> {
    let mut rounds = Rounds::of_a_race();
    loop {
        let Some(row) = store.get(&keys::tag(repository, tag)).await? else { return Ok(false) };
        let steps = untag(repository, &row.parsed("digest")?, tag).into();
        if let Transacted::Done = store.transact(steps).await? {
            return Ok(true);
        }
        rounds.again().await?;
    }
}
