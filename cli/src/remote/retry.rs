//! Asking again what failed for a while.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use reqwest::Response;

use super::RemoteError;

/// How often one thing is tried, the first time included.
const ATTEMPTS: u32 = 6;

/// How long is waited after the first failure; then twice as long each time. Tests do not wait.
const FIRST_DELAY: Duration = if cfg!(test) { Duration::from_millis(2) } else { Duration::from_millis(500) };

/// The longest that a registry may ask to wait.
const LONGEST_DELAY: Duration = Duration::from_mins(2);

/// What is left of the patience with one thing.
#[derive(Debug, Default)]
pub(super) struct Patience {
    failures: u32,
}

impl Patience {
    /// How long to wait after a failure that may pass; none when there were too many.
    pub(super) fn delay(&mut self, asked: Option<Duration>) -> Option<Duration> {
        self.failures += 1;
        let grown = FIRST_DELAY * 2_u32.pow(self.failures - 1);
        (self.failures < ATTEMPTS).then(|| asked.unwrap_or(grown).min(LONGEST_DELAY))
    }

    /// Waits after an error that may pass; gives one back that does not, or when there were too many.
    pub(super) async fn wait_out(&mut self, error: RemoteError) -> Result<(), RemoteError> {
        if !may_pass(&error) {
            return Err(error);
        }
        let Some(delay) = self.delay(None) else {
            return Err(error);
        };
        tracing::debug!(%error, ?delay, "trying again");
        tokio::time::sleep(delay).await;
        Ok(())
    }
}

/// Sends until there is an answer that is not for a while only, or patience ends; then returns what came last.
pub(super) async fn patiently<Sent>(mut send: impl FnMut() -> Sent) -> Result<Response, RemoteError>
where
    Sent: Future<Output = Result<Response, RemoteError>>,
{
    let mut patience = Patience::default();
    loop {
        let outcome = send().await;
        let asked = match &outcome {
            Ok(response) if is_for_a_while(response.status()) => asked_delay(response.headers()),
            Err(error) if may_pass(error) => None,
            Ok(_) | Err(_) => return outcome,
        };
        let Some(delay) = patience.delay(asked) else {
            return outcome;
        };
        match outcome {
            Ok(response) => tracing::debug!(status = response.status().as_u16(), ?delay, "trying again"),
            Err(error) => tracing::debug!(%error, ?delay, "trying again"),
        }
        tokio::time::sleep(delay).await;
    }
}

/// Whether the same request may well succeed later.
pub(super) fn is_for_a_while(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// Whether what failed may well succeed later.
pub(super) fn may_pass(error: &RemoteError) -> bool {
    match error {
        RemoteError::Connection { .. } | RemoteError::Silent { .. } => true,
        RemoteError::Refused(refusal) => is_for_a_while(refusal.status),
        RemoteError::Client(_)
        | RemoteError::Answer { .. }
        | RemoteError::Digest { .. }
        | RemoteError::File { .. }
        | RemoteError::Credentials(_)
        | RemoteError::Realm { .. } => false,
    }
}

/// How long the answer asks to wait, in seconds; a date is not read.
pub(super) fn asked_delay(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn delays_grow_until_patience_ends() {
        let mut patience = Patience::default();
        let delays: Vec<_> = std::iter::from_fn(|| patience.delay(None)).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16].map(|times| FIRST_DELAY * times));
    }

    #[test]
    fn what_the_registry_asks_for_is_waited_within_bounds() {
        let asked = |value| asked_delay(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]));
        assert_eq!(Patience::default().delay(asked("7")), Some(Duration::from_secs(7)));
        assert_eq!(Patience::default().delay(asked("86400")), Some(LONGEST_DELAY));
        assert_eq!(asked("Tue, 24 Nov 2026 08:00:00 GMT"), None);
    }

    #[test]
    fn a_refusal_that_is_final_is_not_tried_again() {
        for status in [400, 401, 403, 404, 405, 413, 416, 501] {
            assert!(!is_for_a_while(StatusCode::from_u16(status).unwrap()), "{status}");
        }
    }
}
