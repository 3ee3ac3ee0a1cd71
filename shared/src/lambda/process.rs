//! One environment of a function: what lasts from its cold start to its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::{Request, Response};
use lambda_http::lambda_runtime::Error;
use lambda_http::{Context, LambdaEvent};
use tokio::sync::OnceCell;
use tracing::Instrument;

use super::answer::{GatewayAnswer, whole};
use super::event::GatewayEvent;
use super::first_password::SecretsManager;
use super::measure::{Measured, Start};
use super::settings::FunctionSettings;
use super::{exchange, log};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::config::{Aws, OpenErrors, Traffic, sdk_settings};
use crate::http::{self, Api, WireBody};
use crate::registry::{Registry, Terms};

/// What is left of an invocation when its answer must be on its way: also for what is tidied up after it.
const MARGIN: Duration = Duration::from_millis(1500);

/// The longest that a request is worked on: the API waits for 30 seconds, a cold start among them.
const LONGEST: Duration = Duration::from_secs(22);

/// The longest that a cold start waits for AWS. Lambda itself would begin it anew after 10 seconds.
const LONGEST_START: Duration = Duration::from_secs(4);

/// The longest that tidying up may hold back an answer. Once that is out, the process stands still.
const LONGEST_REST: Duration = Duration::from_millis(500);

/// How long a request behind an API may take, where nothing says how long its invocation lasts.
const USUAL_LIFE: Duration = Duration::from_secs(29);

/// Which connections are opened during the cold start, while the processor is fast and nobody pays for the time.
/// Opening the stores opens the metadata's; no other request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warm {
    /// The metadata's.
    Metadata,
    /// A bucket's too, for a function that reads or writes blobs itself.
    Storage,
}

pub(super) struct Process {
    settings: FunctionSettings,
    aws: Aws,
    api: OnceCell<Api>,
    start: Start,
}

impl Process {
    /// Reads the settings, makes the clients and tries to open the stores.
    pub(super) async fn start(warm: Warm) -> Result<Self, Error> {
        let settings = FunctionSettings::from_environment()?;
        log::start(settings.log);
        let aws = Aws { settings: Some(sdk_settings().await), traffic: Traffic::default() };
        let start = Start::of(&settings.stores.metadata);
        let process = Self { settings, aws, api: OnceCell::new(), start };
        if tokio::time::timeout(LONGEST_START, process.warm_up(warm)).await.is_err() {
            tracing::warn!("the stores take too long to be opened at the start");
        }
        Ok(process)
    }

    async fn warm_up(&self, warm: Warm) {
        match self.api().await {
            Ok(api) if warm == Warm::Storage => api.warm_up().await,
            Ok(_) => {}
            Err(error) => tracing::error!(error = %Causes(&error), "the stores cannot be opened yet"),
        }
    }

    async fn api(&self) -> Result<&Api, OpenErrors> {
        self.api.get_or_try_init(|| self.open()).await
    }

    async fn open(&self) -> Result<Api, OpenErrors> {
        let (storage, metadata) = self.settings.stores.open_on_aws(&self.aws).await?;
        let terms = Terms::with_urls_of(self.settings.http.url_life);
        let api = Api::new(Registry::new(storage, metadata, terms), self.settings.http.clone());
        if let (Some(secret), Some(settings)) = (&self.settings.first_password, &self.aws.settings) {
            api.gate().offer(Arc::new(SecretsManager { settings: settings.clone(), secret: secret.clone() }));
        }
        Ok(api)
    }

    /// Answers an event before its invocation ends, whatever happens.
    pub(super) async fn answer<H, F>(&self, event: LambdaEvent<GatewayEvent>, handle: &H) -> GatewayAnswer
    where
        H: Fn(Api, Request<WireBody>) -> F,
        F: Future<Output = Response<WireBody>>,
    {
        let (began, context, event) = (Instant::now(), event.context, event.payload);
        let measured = Measured::of(&self.start, &event, &context);
        let span = tracing::info_span!("request", id = context.request_id, gateway = event.request_id());
        let left = time_left(&context).saturating_sub(MARGIN).min(LONGEST);
        let answered = exchange(event, |request| async {
            // With its body: that may break off, or stand still, as well.
            let answered = tokio::time::timeout(left, async { whole(self.respond(request, handle).await).await }).await;
            answered.unwrap_or_else(|over| http::Error::Unavailable(over.into()).into_response())
        });
        let answer = answered.instrument(span).await;
        if let Some(api) = self.api.get() {
            drop(tokio::time::timeout(LONGEST_REST, api.rest()).await);
        }
        measured.print(&answer, began.elapsed(), &self.aws.traffic);
        answer
    }

    async fn respond<H, F>(&self, request: Request<WireBody>, handle: &H) -> Response<WireBody>
    where
        H: Fn(Api, Request<WireBody>) -> F,
        F: Future<Output = Response<WireBody>>,
    {
        match self.api().await {
            Ok(api) => handle(api.clone(), request).await,
            Err(error) => http::Error::Unavailable(error.into()).into_response(),
        }
    }
}

/// How long the invocation lasts yet. What runs functions on a developer's machine may say that it is over already.
pub(super) fn time_left(context: &Context) -> Duration {
    match Timestamp::from_millis(context.deadline).since(Timestamp::now()) {
        Duration::ZERO => USUAL_LIFE,
        left => left,
    }
}
