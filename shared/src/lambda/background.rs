//! The process of a function that nobody waits for: called by a schedule, and by the table's stream.

use std::sync::Arc;
use std::time::Duration;

use lambda_http::lambda_runtime::{self, Error};
use lambda_http::{Context, LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::log;
use super::process::time_left;
use super::report::Report;
use super::settings::FunctionSettings;
use crate::causes::Causes;
use crate::config::{Aws, OpenErrors, Traffic, sdk_settings};
use crate::registry::{self, Registry, Terms};

/// What is left of an invocation when no more work is begun: copying the largest object takes no longer.
const MARGIN: Duration = Duration::from_mins(5);

/// What is left of the shortest invocation.
const SHORTEST: Duration = Duration::from_secs(5);

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

impl BackgroundEvent {
    /// Who says that it is time to sweep.
    const SWEEP: &str = "ringhold.sweep";

    /// Whether it comes of the time, not of a row.
    #[must_use]
    pub fn is_scheduled(&self) -> bool {
        matches!(self, Self::Schedule { .. })
    }

    /// Whether it is time to sweep.
    #[must_use]
    pub fn is_sweep(&self) -> bool {
        matches!(self, Self::Schedule { source } if source == Self::SWEEP)
    }
}

/// A row that has changed.
#[derive(Debug, Deserialize)]
pub struct StreamRecord {
    /// What happened to it: `INSERT`, `MODIFY` or `REMOVE`.
    #[serde(rename = "eventName")]
    pub event: String,
}

/// Which changes shall be passed on again: none. The work that they tell of is found by its row, whoever looks next.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    batch_item_failures: [(); 0],
}

/// Runs a function that deals with each event by `handle`, until its environment is taken down. Work that fails is logged and
/// measured, and stays to be done; when no work can be done at all the invocation fails, for an alarm to ring.
pub async fn run_background<H, F>(handle: H) -> Result<(), Error>
where
    H: Fn(Registry, BackgroundEvent, Instant) -> F,
    F: Future<Output = Result<Report, registry::Error>>,
{
    let settings = FunctionSettings::from_environment()?;
    log::start(settings.log);
    let aws = Aws { settings: Some(sdk_settings().await), traffic: Traffic::default() };
    let (settings, aws, registry, handle) = (&settings, &aws, &OnceCell::new(), &handle);
    let answer = |event: LambdaEvent<BackgroundEvent>| async move {
        let until = Instant::now() + working_time(&event.context);
        let registry = registry.get_or_try_init(|| open(settings, aws)).await.inspect_err(log_failure)?;
        let report = handle(registry.clone(), event.payload, until).await.inspect_err(log_failure)?;
        report.print(&settings.stores.metadata);
        Ok::<_, Error>(BatchAnswer::default())
    };
    lambda_runtime::run(service_fn(answer)).await
}

async fn open(settings: &FunctionSettings, aws: &Aws) -> Result<Registry, OpenErrors> {
    let (storage, metadata) = settings.stores.open_on_aws_and_record(aws).await?;
    Ok(Registry::new(storage, Arc::clone(&metadata), Terms::with_urls_of(settings.http.url_life)))
}

fn log_failure(error: &(impl std::error::Error + 'static)) {
    tracing::error!(error = %Causes(error), "no work could be done");
}

fn working_time(context: &Context) -> Duration {
    let left = time_left(context);
    left.saturating_sub(MARGIN).max(SHORTEST.min(left / 2))
}
