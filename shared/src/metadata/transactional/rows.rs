//! Rows as JSON.

use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::engine::{Rows, RowsMut};
use crate::metadata::error::{Error, Result};
use crate::metadata::keys::Key;

/// The value of a row whose key says everything.
pub(super) const PRESENT: () = ();

pub(super) fn read<T: DeserializeOwned>(rows: &dyn Rows, key: &Key) -> Result<Option<T>> {
    rows.get(key)?.map(|row| parse(&row)).transpose()
}

pub(super) fn is_present(rows: &dyn Rows, key: &Key) -> Result<bool> {
    Ok(rows.get(key)?.is_some())
}

pub(super) fn write<T: Serialize>(rows: &mut dyn RowsMut, key: &Key, row: &T) -> Result<()> {
    let row = serde_json::to_vec(row).map_err(|error| Error::Failed(Box::new(error)))?;
    rows.put(key, &row)
}

/// Up to `limit` rows of a partition whose sort keys begin with `prefix`, without their keys.
pub(super) fn read_all<T: DeserializeOwned>(
    rows: &dyn Rows,
    partition: &str,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<T>> {
    rows.range(partition, prefix, after, limit)?.iter().map(|(_, row)| parse(row)).collect()
}

/// What follows `prefix` in the sort keys of up to `limit` rows of a partition.
pub(super) fn names<T>(
    rows: &dyn Rows,
    partition: &str,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<T>>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let found = rows.range(partition, prefix, after, limit)?;
    let name = |sort: &str| sort[prefix.len()..].parse().map_err(|error| Error::Corrupt(Box::new(error)));
    found.iter().map(|(sort, _)| name(sort)).collect()
}

/// Removes the rows of a partition whose sort keys begin with `prefix`.
pub(super) fn delete_all(rows: &mut dyn RowsMut, partition: &str, prefix: &str) -> Result<()> {
    for (sort, _) in rows.range(partition, prefix, None, usize::MAX)? {
        rows.delete(&Key { partition: partition.to_owned(), sort })?;
    }
    Ok(())
}

pub(super) fn parse<T: DeserializeOwned>(row: &[u8]) -> Result<T> {
    serde_json::from_slice(row).map_err(|error| Error::Corrupt(Box::new(error)))
}
