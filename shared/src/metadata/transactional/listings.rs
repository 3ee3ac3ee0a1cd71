//! Lists, page by page.

use super::engine::Rows;
use super::rows;
use crate::metadata::Referrer;
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::oci::{Digest, RepositoryName, Tag};

pub(super) fn tags(
    rows: &dyn Rows,
    repository: &RepositoryName,
    after: Option<&Tag>,
    limit: usize,
) -> Result<Option<Vec<Tag>>> {
    if !rows::is_present(rows, &keys::repository(repository))? {
        return Ok(None);
    }
    let after = after.map(|tag| keys::tag(repository, tag).sort);
    rows::names(rows, &keys::repository_partition(repository), keys::TAG, after.as_deref(), limit).map(Some)
}

pub(super) fn referrers(
    rows: &dyn Rows,
    repository: &RepositoryName,
    subject: &Digest,
    after: Option<&Digest>,
    limit: usize,
) -> Result<Vec<Referrer>> {
    let after = after.map(|digest| keys::referrer(repository, subject, digest).sort);
    let partition = keys::repository_partition(repository);
    rows::read_all(rows, &partition, &keys::referrer_prefix(subject), after.as_deref(), limit)
}

pub(super) fn repositories(
    rows: &dyn Rows,
    after: Option<&RepositoryName>,
    limit: usize,
) -> Result<Vec<RepositoryName>> {
    let mut found = Vec::new();
    for shard in 0..keys::CATALOG_SHARDS {
        let after = after.map(RepositoryName::as_str);
        found.extend(rows::names::<RepositoryName>(rows, &keys::catalog_partition(shard), "", after, limit)?);
    }
    found.sort();
    found.truncate(limit);
    Ok(found)
}
