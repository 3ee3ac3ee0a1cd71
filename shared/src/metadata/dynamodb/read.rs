//! Single rows, as they are now.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::types::{Get, TransactGetItem};

use super::DynamoDbStore;
use super::error::{is_conflict, sorted};
use super::item::{Item, key_of};
use super::retry::Rounds;
use crate::metadata::error::{Error, Result};
use crate::metadata::keys::Key;

impl DynamoDbStore {
    /// The row with this key. One round trip.
    pub(super) async fn get(&self, key: &Key) -> Result<Option<Item>> {
        let call = self.client.get_item().table_name(&self.table).set_key(Some(key_of(key))).consistent_read(true);
        Ok(call.send().await.map_err(sorted)?.item.map(Item))
    }

    /// The rows with these keys, all as they are at one moment. One round trip.
    pub(super) async fn snapshot(&self, keys: &[Key]) -> Result<HashMap<Key, Item>> {
        let get = |key| Get::builder().table_name(&self.table).set_key(Some(key_of(key))).build();
        let gets = keys.iter().map(get).map(|get| Ok(TransactGetItem::builder().get(get?).build()));
        let gets: Vec<_> = gets
            .collect::<Result<_, _>>()
            .map_err(|error: aws_sdk_dynamodb::error::BuildError| Error::Failed(error.into()))?;
        let mut rounds = Rounds::of_a_race();
        loop {
            match self.client.transact_get_items().set_transact_items(Some(gets.clone())).send().await {
                Ok(answer) => {
                    let rows = answer.responses.into_iter().flatten().filter_map(|response| response.item).map(Item);
                    return rows.map(|row| Ok((row.key()?, row))).collect();
                }
                Err(error) if error.as_service_error().is_some_and(is_race) => rounds.again().await?,
                Err(error) => return Err(sorted(error)),
            }
        }
    }
}

fn is_race(error: &TransactGetItemsError) -> bool {
    match error {
        TransactGetItemsError::TransactionCanceledException(cancelled) => {
            cancelled.cancellation_reasons().iter().any(|reason| is_conflict(reason.code().unwrap_or_default()))
        }
        _ => false,
    }
}
