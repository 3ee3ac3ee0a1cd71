//! A conditional write of one row, alone or for a transaction. In conditions and updates `#name` is the attribute `name`.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::DynamoDbStore;
use super::error::sorted;
use super::item::{Attributes, Item, key_of};
use crate::metadata::error::Result;
use crate::metadata::keys::Key;

/// One row's part of a change.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) key: Attributes,
    pub(super) kind: Kind,
    pub(super) condition: Option<&'static str>,
    values: Attributes,
}

/// What is written.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// The whole row.
    Put(Item),
    /// Some attributes of it.
    Update(&'static str),
    /// Its end.
    Delete,
}

/// What became of a write.
#[derive(Debug)]
pub(super) enum Written {
    /// It happened: an updated row as it is now, a deleted one as it was.
    Done(Option<Item>),
    /// Its condition did not hold: the row as it is, if there is one.
    Refused(Option<Item>),
}

impl Write {
    /// Writes the whole row.
    pub(super) fn put(key: &Key, item: Item) -> Self {
        Self::new(key, Kind::Put(item))
    }

    /// Changes attributes of the row, which is made when there is none.
    pub(super) fn update(key: &Key, update: &'static str) -> Self {
        Self::new(key, Kind::Update(update))
    }

    /// Removes the row.
    pub(super) fn delete(key: &Key) -> Self {
        Self::new(key, Kind::Delete)
    }

    fn new(key: &Key, kind: Kind) -> Self {
        Self { key: key_of(key), kind, condition: None, values: HashMap::new() }
    }

    /// The write, on a condition.
    pub(super) fn when(mut self, condition: &'static str) -> Self {
        self.condition = Some(condition);
        self
    }

    /// The write, with the value that its expressions call `:name`.
    pub(super) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    /// What the expressions' `#name`s stand for.
    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        let update = match self.kind {
            Kind::Update(update) => update,
            Kind::Put(_) | Kind::Delete => "",
        };
        names(&[self.condition.unwrap_or_default(), update])
    }

    /// What the expressions' `:name`s stand for.
    pub(super) fn values(&self) -> Option<Attributes> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}

/// The attributes that expressions speak of, as the service wants them spelled: none when there are none.
pub(super) fn names(expressions: &[&str]) -> Option<HashMap<String, String>> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = expressions.iter().flat_map(|expression| expression.split('#').skip(1));
    let names: HashMap<_, _> = words
        .map(|rest| rest.split(|c| !is_word(c)).next().unwrap_or_default())
        .map(|name| (format!("#{name}"), name.to_owned()))
        .collect();
    (!names.is_empty()).then_some(names)
}

impl DynamoDbStore {
    /// Writes one row.
    pub(super) async fn write(&self, write: Write) -> Result<Written> {
        let (names, values) = (write.names(), write.values());
        match write.kind {
            Kind::Put(row) => {
                let call = self.client.put_item().table_name(&self.table).set_item(Some(row.0));
                let call = call.set_condition_expression(write.condition.map(str::to_owned));
                let call = call.set_expression_attribute_names(names).set_expression_attribute_values(values);
                match call.return_values_on_condition_check_failure(OnFailure::AllOld).send().await {
                    Ok(_) => Ok(Written::Done(None)),
                    Err(error) => refused_or_failed(error, |error| match error {
                        PutItemError::ConditionalCheckFailedException(refusal) => Some(refusal),
                        _ => None,
                    }),
                }
            }
            Kind::Update(update) => {
                let call = self.client.update_item().table_name(&self.table).set_key(Some(write.key));
                let call = call.update_expression(update).set_condition_expression(write.condition.map(str::to_owned));
                let call = call.set_expression_attribute_names(names).set_expression_attribute_values(values);
                let call = call.return_values(ReturnValue::AllNew);
                match call.return_values_on_condition_check_failure(OnFailure::AllOld).send().await {
                    Ok(answer) => Ok(Written::Done(answer.attributes.map(Item))),
                    Err(error) => refused_or_failed(error, |error| match error {
                        UpdateItemError::ConditionalCheckFailedException(refusal) => Some(refusal),
                        _ => None,
                    }),
                }
            }
            Kind::Delete => {
                let call = self.client.delete_item().table_name(&self.table).set_key(Some(write.key));
                let call = call.set_condition_expression(write.condition.map(str::to_owned));
                let call = call.set_expression_attribute_names(names).set_expression_attribute_values(values);
                let call = call.return_values(ReturnValue::AllOld);
                match call.return_values_on_condition_check_failure(OnFailure::AllOld).send().await {
                    Ok(answer) => Ok(Written::Done(answer.attributes.map(Item))),
                    Err(error) => refused_or_failed(error, |error| match error {
                        DeleteItemError::ConditionalCheckFailedException(refusal) => Some(refusal),
                        _ => None,
                    }),
                }
            }
        }
    }
}

fn refused_or_failed<E>(
    error: SdkError<E, HttpResponse>,
    refusal: impl FnOnce(&E) -> Option<&ConditionalCheckFailedException>,
) -> Result<Written>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error.as_service_error().and_then(refusal) {
        Some(refusal) => Ok(Written::Refused(refusal.item.clone().map(Item))),
        None => Err(sorted(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_is_found_and_nothing_else() {
        let found = names(&["#a = :a AND (attribute_not_exists(#b_c) OR #a<:x)", "SET #d=:d"]).unwrap_or_default();
        let mut found: Vec<_> = found.iter().map(|(alias, name)| (alias.as_str(), name.as_str())).collect();
        found.sort_unstable();
        assert_eq!(found, [("#a", "a"), ("#b_c", "b_c"), ("#d", "d")]);
        assert_eq!(names(&["attribute_exists(pk)", ""]), None);
    }
}
