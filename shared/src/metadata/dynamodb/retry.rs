//! Trying again: within the SDK when the service says so, and here when a race was lost.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use uuid::Uuid;

use crate::metadata::error::{Error, Result};

/// How the SDK tries again: throttling, timeouts and 5xx, five attempts in all, with its own backoff and jitter.
pub(super) fn within_the_sdk() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(5)
}

/// Lets the SDK try again a single write or read that met a transaction on the same row: it was not applied, and the
/// SDK does not do so by itself.
#[derive(Debug)]
pub(super) struct TransactionConflicts;

impl ClassifyRetry for TransactionConflicts {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let body = context.response().and_then(|response| response.body().bytes()).unwrap_or_default();
        if context.response().is_some_and(|response| response.status().as_u16() == 400)
            && contains(body, b"#TransactionConflictException")
        {
            RetryAction::transient_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "TransactionConflicts"
    }
}

fn contains(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|window| window == wanted)
}

/// The rounds of a race: bounded, with a random pause before each but the first, twice as long on average every time.
#[derive(Debug)]
pub(super) struct Rounds {
    done: u32,
    most: u32,
}

impl Rounds {
    const SHORTEST: Duration = Duration::from_millis(16);
    const LONGEST: Duration = Duration::from_millis(512);

    /// Rounds of a race for rows that others write too.
    pub(super) fn of_a_race() -> Self {
        Self { done: 0, most: 16 }
    }

    /// Rounds of a wait, of about a second, for another request to make up its mind.
    pub(super) fn of_a_wait() -> Self {
        Self { done: 0, most: 8 }
    }

    /// Pauses before the next round; false when there is none left.
    pub(super) async fn next(&mut self) -> bool {
        self.done += 1;
        if self.done >= self.most {
            return false;
        }
        let longest = Self::LONGEST.min(Self::SHORTEST.saturating_mul(1 << self.done.min(8)));
        tokio::time::sleep(longest.mul_f64(random_share())).await;
        true
    }

    /// Pauses before the next round of a race; an error when it has been lost too often.
    pub(super) async fn again(&mut self) -> Result<()> {
        if self.next().await { Ok(()) } else { Err(Error::Contended) }
    }
}

/// A random number from 0 to 1.
fn random_share() -> f64 {
    let [.., high, low] = Uuid::new_v4().into_bytes();
    f64::from(u16::from_be_bytes([high, low])) / f64::from(u16::MAX)
}
