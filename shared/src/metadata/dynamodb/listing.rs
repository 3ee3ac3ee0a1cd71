//! Reading manifests, tags, referrers and the index of repositories.

use futures::future::try_join_all;

use super::DynamoDbStore;
use super::item::Item;
use super::query::Query;
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::metadata::records::{ManifestRecord, Referrer, TagRecord};
use crate::oci::{Digest, RepositoryName, Tag};

pub(super) async fn manifest(
    store: &DynamoDbStore,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<ManifestRecord>> {
    let Some(row) = store.get(&keys::manifest(repository, digest)).await? else { return Ok(None) };
    Ok(Some(ManifestRecord { content: row.bytes("content")?, ..row.body()? }))
}

pub(super) async fn tag(store: &DynamoDbStore, repository: &RepositoryName, tag: &Tag) -> Result<Option<TagRecord>> {
    store.get(&keys::tag(repository, tag)).await?.map(|row| row.body()).transpose()
}

/// One round trip per page; another for a repository without tags, which may not exist.
pub(super) async fn tags(
    store: &DynamoDbStore,
    repository: &RepositoryName,
    after: Option<&Tag>,
    limit: usize,
) -> Result<Option<Vec<Tag>>> {
    let after = after.map(|tag| keys::tag(repository, tag));
    let rows = Query::of(keys::repository_partition(repository)).beginning_with(keys::TAG).after(after.as_ref());
    let rows = store.query(rows.only("#pk, #sk"), limit).await?;
    if rows.is_empty() && store.get(&keys::repository(repository)).await?.is_none() {
        return Ok(None);
    }
    rows.iter().map(|row| row.after(keys::TAG)).collect::<Result<_>>().map(Some)
}

pub(super) async fn tags_of(store: &DynamoDbStore, repository: &RepositoryName, digest: &Digest) -> Result<Vec<Tag>> {
    let prefix = keys::tagged_prefix(digest);
    let rows = Query::of(keys::repository_partition(repository)).beginning_with(&prefix);
    store.query(rows, usize::MAX).await?.iter().map(|row| row.after(&prefix)).collect()
}

pub(super) async fn referrers(
    store: &DynamoDbStore,
    repository: &RepositoryName,
    subject: &Digest,
    after: Option<&Digest>,
    limit: usize,
) -> Result<Vec<Referrer>> {
    let after = after.map(|digest| keys::referrer(repository, subject, digest));
    let rows = Query::of(keys::repository_partition(repository)).beginning_with(keys::referrer_prefix(subject));
    store.query(rows.after(after.as_ref()), limit).await?.iter().map(Item::body).collect()
}

/// All shards of the index at once, each as if it held the whole page.
pub(super) async fn repositories(
    store: &DynamoDbStore,
    after: Option<&RepositoryName>,
    limit: usize,
) -> Result<Vec<RepositoryName>> {
    let shards = (0..keys::CATALOG_SHARDS).map(|shard| {
        let partition = keys::catalog_partition(shard);
        let after = after.map(|name| keys::Key { partition: partition.clone(), sort: name.to_string() });
        store.query(Query::of(partition).after(after.as_ref()), limit)
    });
    let rows = try_join_all(shards).await?;
    let mut names = rows.iter().flatten().map(|row| row.after("")).collect::<Result<Vec<RepositoryName>>>()?;
    names.sort_unstable();
    names.truncate(limit);
    Ok(names)
}
