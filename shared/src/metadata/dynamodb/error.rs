//! The service's errors, sorted once into what a caller can act on.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::metadata::error::Error;

/// A name that the store was told of leads nowhere.
#[derive(Debug, thiserror::Error)]
#[error("the table does not exist, or not in this region")]
struct NoTable(#[source] Box<dyn std::error::Error + Send + Sync>);

/// What a failed call means.
pub(super) fn sorted<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match &error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            Error::Unavailable(error.into())
        }
        SdkError::ServiceError(answer) => {
            let code = answer.err().code().unwrap_or_default();
            if is_throttling(code) {
                Error::Throttled(error.into())
            } else if is_conflict(code) {
                Error::Contended
            } else if code == "ResourceNotFoundException" {
                Error::Unavailable(Box::new(NoTable(error.into())))
            } else if answer.raw().status().is_server_error() {
                Error::Unavailable(error.into())
            } else {
                Error::Failed(error.into())
            }
        }
        _ => Error::Failed(error.into()),
    }
}

/// Whether the code of an error, or of a reason why a transaction was cancelled, asks for fewer requests.
pub(super) fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "ProvisionedThroughputExceeded"
            | "RequestLimitExceeded"
            | "ThrottlingException"
            | "ThrottlingError"
    )
}

/// Whether such a code says that another transaction holds the same rows.
pub(super) fn is_conflict(code: &str) -> bool {
    matches!(code, "TransactionConflictException" | "TransactionConflict" | "TransactionInProgressException")
}
