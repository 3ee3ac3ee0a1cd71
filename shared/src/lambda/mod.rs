//! The process of a function on AWS Lambda: settings read and clients made once, then one event after the other, each
//! answered, measured and logged. The same functions stand behind an HTTP API, a REST API and a function's URL.

mod answer;
mod background;
mod event;
mod first_password;
mod log;
mod measure;
mod process;
mod report;
mod settings;

pub use answer::GatewayAnswer;
pub use background::{BackgroundEvent, BatchAnswer, StreamRecord, run_background};
pub use event::{GatewayEvent, UnreadableEvent};
use http::{HeaderValue, Request, Response};
use lambda_http::lambda_runtime::{self, Error};
use lambda_http::{LambdaEvent, service_fn};
pub use process::Warm;
pub use report::Report;
pub use settings::FunctionSettings;

use self::process::Process;
use crate::http::{Api, WireBody};

/// Runs a function that answers requests with `handle`, until its environment is taken down. Settings that cannot be used
/// end the process at once, all their mistakes told; stores that cannot be opened do not: each request tries again.
pub async fn run<H, F>(warm: Warm, handle: H) -> Result<(), Error>
where
    H: Fn(Api, Request<WireBody>) -> F,
    F: Future<Output = Response<WireBody>>,
{
    let process = Box::pin(Process::start(warm)).await?;
    let (process, handle) = (&process, &handle);
    let answer =
        |event: LambdaEvent<GatewayEvent>| async move { Ok::<_, Error>(Box::pin(process.answer(event, handle)).await) };
    lambda_runtime::run(service_fn(answer)).await
}

/// Answers one event with `handle`.
pub async fn exchange<F>(event: GatewayEvent, handle: impl FnOnce(Request<WireBody>) -> F) -> GatewayAnswer
where
    F: Future<Output = Response<WireBody>>,
{
    let (form, id) = (event.form(), event.request_id().and_then(|id| HeaderValue::from_str(id).ok()));
    let response = match event.into_request() {
        Ok(request) => handle(request).await,
        Err(error) => crate::http::Error::from(error).into_response(),
    };
    GatewayAnswer::of(form, id, response).await
}
