//! One environment of a function: what lasts from its cold start to its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::{Request, Response};
use aws_config::BehaviorVersion;
use lambda_http::lambda_runtime::Error;
use lambda_http::{Context, LambdaEvent};
use tokio::sync::OnceCell;
use tracing::Instrument;

use super::answer::GatewayAnswer;
use super::event::GatewayEvent;
use super::measure::{Measured, Start};
use super::settings::FunctionSettings;
use super::{exchange, log};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::config::{Aws, OpenErrors, Traffic};
use crate::http::{self, Api, WireBody};
use crate::registry::{Registry, Terms};

/// What is left of an invocation when its answer must be on its way.
const MARGIN: Duration = Duration::from_millis(750);

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
    warm: Warm,
    api: OnceCell<Api>,
    start: Start,
}

impl Process {
    /// Reads the settings, makes the clients and tries to open the stores.
    pub(super) async fn start(warm: Warm) -> Result<Self, Error> {
        let settings = FunctionSettings::from_environment()?;
        log::start(&settings.log)?;
        let sdk = aws_config::load_defaults(BehaviorVersion::latest()).await;
        let aws = Aws { settings: Some(sdk), traffic: Traffic::default() };
        let start = Start::of(&settings.stores.metadata);
        let process = Self { settings, aws, warm, api: OnceCell::new(), start };
        if let Err(error) = process.api().await {
            tracing::error!(error = %Causes(&error), "the stores cannot be opened yet");
        }
        Ok(process)
    }

    async fn api(&self) -> Result<&Api, OpenErrors> {
        self.api.get_or_try_init(|| self.open()).await
    }

    async fn open(&self) -> Result<Api, OpenErrors> {
        let (storage, metadata) = self.settings.stores.open_on_aws(&self.aws).await?;
        if self.warm == Warm::Storage {
            storage.warm().await;
        }
        Ok(Api::new(Registry::new(storage, Arc::clone(&metadata), Terms::default()), self.settings.http.clone()))
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
        let left = time_left(&context);
        let answered = exchange(event, |request| async {
            let answered = tokio::time::timeout(left.saturating_sub(MARGIN), self.respond(request, handle)).await;
            answered.unwrap_or_else(|over| http::Error::Unavailable(over.into()).into_response())
        });
        let answer = answered.instrument(span).await;
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
fn time_left(context: &Context) -> Duration {
    match Timestamp::from_millis(context.deadline).since(Timestamp::now()) {
        Duration::ZERO => USUAL_LIFE,
        left => left,
    }
}
