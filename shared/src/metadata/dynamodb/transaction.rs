//! Writes of several rows that happen together or not at all.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure as OnFailure,
    TransactWriteItem, Update,
};

use super::DynamoDbStore;
use super::error::{is_conflict, is_throttling, sorted};
use super::item::Item;
use super::retry::Rounds;
use super::write::{Kind, Write};
use crate::metadata::error::{Error, Result};
use uuid::Uuid;

/// The most rows that the service takes in one transaction.
pub(super) const MOST: usize = 100;

/// A row's part in a transaction.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// It is written.
    Write(Write),
    /// It stays as it is, and must keep the write's condition.
    Check(Write),
}

impl From<Write> for Step {
    fn from(write: Write) -> Self {
        Self::Write(write)
    }
}

/// What became of a transaction.
#[derive(Debug)]
pub(super) enum Transacted {
    /// All of it happened.
    Done,
    /// None of it happened: a verdict on each step, in order. When none is refused, another transaction was in the way.
    Cancelled(Vec<Verdict>),
}

/// What a cancelled transaction says of one of its steps.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing against it.
    Fine,
    /// Its condition did not hold: the row as it is, if there is one.
    Refused(Option<Item>),
}

impl Verdict {
    /// Whether the step's condition did not hold.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

impl DynamoDbStore {
    /// Takes up to [`MOST`] steps, each on a row of its own, at once. One round trip; the request has a name, so
    /// that sending it again does not apply it twice.
    pub(super) async fn transact(&self, steps: Vec<Step>) -> Result<Transacted> {
        let items: Result<Vec<_>, _> = steps.into_iter().map(|step| item(step, &self.table)).collect();
        let items = items.map_err(|error| Error::Failed(error.into()))?;
        let (token, mut rounds) = (Uuid::new_v4().to_string(), Rounds::of_a_wait());
        let error = loop {
            let call = self.client.transact_write_items().set_transact_items(Some(items.clone()));
            match call.client_request_token(&token).send().await {
                Ok(_) => return Ok(Transacted::Done),
                // Sent before, and still under way: what becomes of it is told under the same name.
                Err(error) if error.as_service_error().is_some_and(is_under_way) => rounds.again().await?,
                Err(error) => break error,
            }
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let verdicts: Option<Vec<_>> = cancelled.cancellation_reasons().iter().map(verdict).collect();
                match verdicts {
                    Some(verdicts) => Ok(Transacted::Cancelled(verdicts)),
                    None if cancelled.cancellation_reasons().iter().any(throttled) => {
                        Err(Error::Throttled(error.into()))
                    }
                    None => Err(Error::Failed(error.into())),
                }
            }
            _ => Err(sorted(error)),
        }
    }
}

fn is_under_way(error: &TransactWriteItemsError) -> bool {
    error.is_transaction_in_progress_exception()
}

fn throttled(reason: &CancellationReason) -> bool {
    is_throttling(reason.code().unwrap_or_default())
}

/// None for a reason that is not about the data.
fn verdict(reason: &CancellationReason) -> Option<Verdict> {
    match reason.code().unwrap_or("None") {
        "ConditionalCheckFailed" => Some(Verdict::Refused(reason.item().cloned().map(Item))),
        "None" => Some(Verdict::Fine),
        code => is_conflict(code).then_some(Verdict::Fine),
    }
}

fn item(step: Step, table: &str) -> Result<TransactWriteItem, BuildError> {
    let item = TransactWriteItem::builder();
    let (write, checked) = match step {
        Step::Write(write) => (write, false),
        Step::Check(write) => (write, true),
    };
    let (names, values) = (write.names(), write.values());
    let condition = write.condition.map(str::to_owned);
    let item = match write.kind {
        _ if checked => item.condition_check(
            ConditionCheck::builder()
                .table_name(table)
                .set_key(Some(write.key))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()?,
        ),
        Kind::Put(row) => item.put(
            Put::builder()
                .table_name(table)
                .set_item(Some(row.0))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()?,
        ),
        Kind::Update(update) => item.update(
            Update::builder()
                .table_name(table)
                .set_key(Some(write.key))
                .update_expression(update)
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()?,
        ),
        Kind::Delete => item.delete(
            Delete::builder()
                .table_name(table)
                .set_key(Some(write.key))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()?,
        ),
    };
    Ok(item.build())
}
