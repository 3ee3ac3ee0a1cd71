//! S3's errors, sorted once into outcomes.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::storage::{Error, ObjectPath};

/// What a failed call about `path` means.
///
/// AWS answers 403 for an absent key when the caller may not list the bucket; that stays `Denied`, because it cannot be
/// told from a missing permission ([`Error::may_mean_absent`]). A HEAD of a missing bucket has no body that says so, and
/// is `NotFound`.
pub(super) fn outcome<E>(path: &ObjectPath, error: SdkError<E, HttpResponse>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match &error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let code = answer.err().code().unwrap_or_default().to_owned();
            service(path, &code, status, error.into())
        }
        SdkError::DispatchFailure(failure) if failure.is_user() => Error::Failed(error.into()),
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            Error::Unavailable(error.into())
        }
        // `SdkError` is open: what it may yet learn to say is no reason to try again.
        _ => Error::Failed(error.into()),
    }
}

type Source = Box<dyn std::error::Error + Send + Sync>;

fn service(path: &ObjectPath, code: &str, status: u16, source: Source) -> Error {
    match code {
        "NoSuchKey" | "NotFound" | "NoSuchVersion" => Error::NotFound(path.clone()),
        // A part that is not what was recorded is as lost as the whole upload.
        "NoSuchUpload" | "InvalidPart" => Error::CheckpointGone(path.clone()),
        "PreconditionFailed" | "ConditionalRequestConflict" => Error::AlreadyExists(path.clone()),
        "SlowDown" | "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequests" => {
            Error::Throttled(source)
        }
        "NoSuchBucket" | "RequestTimeout" | "OperationAborted" => Error::Unavailable(source),
        _ => match status {
            404 => Error::NotFound(path.clone()),
            412 => Error::AlreadyExists(path.clone()),
            429 => Error::Throttled(source),
            401 | 403 => Error::Denied(source),
            500 | 502..=599 => Error::Unavailable(source),
            _ => Error::Failed(source),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(code: &str, status: u16) -> String {
        let path = "some/path".parse().unwrap();
        let error = service(&path, code, status, "the store's own".into());
        format!("{error:?}").split('(').next().unwrap().to_owned()
    }

    #[test]
    fn codes_and_statuses_become_outcomes() {
        let cases = [
            ("NoSuchKey", 404, "NotFound"),
            ("", 404, "NotFound"),
            ("NoSuchVersion", 404, "NotFound"),
            ("NoSuchUpload", 404, "CheckpointGone"),
            ("InvalidPart", 400, "CheckpointGone"),
            ("NoSuchBucket", 404, "Unavailable"),
            ("PreconditionFailed", 412, "AlreadyExists"),
            ("ConditionalRequestConflict", 409, "AlreadyExists"),
            ("OperationAborted", 409, "Unavailable"),
            ("SlowDown", 503, "Throttled"),
            ("", 429, "Throttled"),
            ("ServiceUnavailable", 503, "Unavailable"),
            ("InternalError", 500, "Unavailable"),
            ("RequestTimeout", 400, "Unavailable"),
            ("NotImplemented", 501, "Failed"),
            ("AccessDenied", 403, "Denied"),
            ("", 403, "Denied"),
            ("InvalidRequest", 400, "Failed"),
            ("EntityTooSmall", 400, "Failed"),
        ];
        for (code, status, expected) in cases {
            assert_eq!(sorted(code, status), expected, "{code} {status}");
        }
    }
}
