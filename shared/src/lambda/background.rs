//! Functions that nobody waits for: called by a schedule, and by the table's stream.

use lambda_http::lambda_runtime::{self, Error};
use lambda_http::{LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};

use super::log;
use super::settings::FunctionSettings;

/// Why a background function is called.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum BackgroundEvent {
    /// Rows of the table have changed.
    Stream {
        /// The changes, oldest first.
        #[serde(rename = "Records")]
        records: Vec<StreamRecord>,
    },
    /// It is time.
    Schedule {
        /// Who says so.
        source: String,
    },
}

/// A row that has changed.
#[derive(Debug, Deserialize)]
pub struct StreamRecord {
    /// What happened to it: `INSERT`, `MODIFY` or `REMOVE`.
    #[serde(rename = "eventName")]
    pub event: String,
}

/// Which changes shall be passed on again: none, when all that were passed on are dealt with.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    batch_item_failures: [(); 0],
}

/// Runs a function that deals with each event by `handle`, until its environment is taken down.
pub async fn run_background<F>(handle: impl Fn(BackgroundEvent) -> F) -> Result<(), Error>
where
    F: Future<Output = BatchAnswer>,
{
    let settings = FunctionSettings::from_environment()?;
    log::start(settings.log);
    let handle = &handle;
    let answer = |event: LambdaEvent<BackgroundEvent>| async move { Ok::<_, Error>(handle(event.payload).await) };
    lambda_runtime::run(service_fn(answer)).await
}
