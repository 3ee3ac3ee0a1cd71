//! Many rows at once: read by key, or written and removed without conditions.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, PutRequest, WriteRequest};
use futures::{StreamExt, TryStreamExt, stream};

use super::DynamoDbStore;
use super::error::sorted;
use super::item::{Attributes, Item, key_of};
use super::retry::Rounds;
use super::write::names;
use crate::metadata::error::{Error, Result};
use crate::metadata::keys::Key;

/// The most rows that one batch of reads names.
const MOST_READ: usize = 100;
/// The most rows that one batch of writes has.
const MOST_WRITTEN: usize = 25;
/// How many batches are on their way at once.
const AT_ONCE: usize = 4;

/// The service left part of a batch undone, again and again.
#[derive(Debug, thiserror::Error)]
#[error("the service keeps leaving part of a batch undone")]
struct Undone;

impl DynamoDbStore {
    /// The rows with these keys, whole, as they are now. One round trip per hundred; each row is read at its own moment.
    pub(super) async fn read(&self, keys: Vec<Key>) -> Result<HashMap<Key, Item>> {
        self.read_some(keys, None).await
    }

    /// Which of the keys have a row now.
    pub(super) async fn existing(&self, keys: Vec<Key>) -> Result<HashSet<Key>> {
        Ok(self.read_only(keys, "#pk, #sk").await?.into_keys().collect())
    }

    /// Of the rows with these keys some attributes, `#name` being the attribute `name`; the key must be among them.
    pub(super) async fn read_only(&self, keys: Vec<Key>, projection: &str) -> Result<HashMap<Key, Item>> {
        self.read_some(keys, Some(projection)).await
    }

    async fn read_some(&self, keys: Vec<Key>, projection: Option<&str>) -> Result<HashMap<Key, Item>> {
        let keys: HashSet<Key> = keys.into_iter().collect();
        let keys: Vec<Attributes> = keys.iter().map(key_of).collect();
        let batches: Vec<_> = keys.chunks(MOST_READ).map(|batch| self.read_batch(batch.to_vec(), projection)).collect();
        let rows: Vec<Vec<Item>> = stream::iter(batches).buffered(AT_ONCE).try_collect().await?;
        rows.into_iter().flatten().map(|row| Ok((row.key()?, row))).collect()
    }

    async fn read_batch(&self, keys: Vec<Attributes>, projection: Option<&str>) -> Result<Vec<Item>> {
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
        let wanted = wanted.set_projection_expression(projection.map(str::to_owned));
        let wanted = wanted.set_expression_attribute_names(projection.and_then(|projection| names(&[projection])));
        let mut wanted = wanted.build().map_err(|error| Error::Failed(error.into()))?;
        let (mut rows, mut rounds) = (Vec::new(), Rounds::of_a_race());
        loop {
            let answer =
                self.client.batch_get_item().request_items(&self.table, wanted).send().await.map_err(sorted)?;
            rows.extend(answer.responses.into_iter().flatten().flat_map(|(_, rows)| rows).map(Item));
            match answer.unprocessed_keys.into_iter().flatten().next() {
                None => return Ok(rows),
                Some((_, rest)) => wanted = rest,
            }
            if !rounds.next().await {
                return Err(Error::Throttled(Box::new(Undone)));
            }
        }
    }

    /// Writes whole rows over whatever is there; no two may have one key.
    pub(super) async fn put_all(&self, rows: Vec<Item>) -> Result<()> {
        let put = |row: Item| PutRequest::builder().set_item(Some(row.0)).build();
        self.write_all(rows.into_iter().map(put).map(|put| Ok(WriteRequest::builder().put_request(put?).build()))).await
    }

    /// Removes rows, those that are not there too.
    pub(super) async fn delete_all(&self, keys: impl IntoIterator<Item = Key>) -> Result<()> {
        let keys: HashSet<Key> = keys.into_iter().collect();
        let delete = |key: &Key| DeleteRequest::builder().set_key(Some(key_of(key))).build();
        self.write_all(
            keys.iter().map(delete).map(|delete| Ok(WriteRequest::builder().delete_request(delete?).build())),
        )
        .await
    }

    async fn write_all(
        &self,
        writes: impl Iterator<Item = Result<WriteRequest, aws_sdk_dynamodb::error::BuildError>>,
    ) -> Result<()> {
        let writes: Vec<_> = writes.collect::<Result<_, _>>().map_err(|error| Error::Failed(error.into()))?;
        let batches: Vec<_> = writes.chunks(MOST_WRITTEN).map(|batch| self.write_batch(batch.to_vec())).collect();
        stream::iter(batches).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn write_batch(&self, mut writes: Vec<WriteRequest>) -> Result<()> {
        let mut rounds = Rounds::of_a_race();
        loop {
            let call = self.client.batch_write_item().request_items(&self.table, writes);
            let answer = call.send().await.map_err(sorted)?;
            match answer.unprocessed_items.into_iter().flatten().next() {
                None => return Ok(()),
                Some((_, rest)) => writes = rest,
            }
            if !rounds.next().await {
                return Err(Error::Throttled(Box::new(Undone)));
            }
        }
    }
}
