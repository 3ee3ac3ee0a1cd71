//! An environment of AWS Lambda for one function: its process, and the runtime API that it asks for events.

use std::collections::HashMap;
use std::convert::Infallible;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::daemon::signal;
use crate::output::{Output, assert_no_secret};

/// How long a function may take to ask for its first event, or to answer one.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a function ended an invocation.
pub type Outcome = Result<Value, Value>;

/// A running function.
#[derive(Debug)]
pub struct Environment {
    child: Child,
    output: Output,
    started: Instant,
    runtime: Arc<Runtime>,
    invocations: mpsc::UnboundedSender<Invocation>,
}

#[derive(Debug)]
struct Invocation {
    event: Value,
    life: Duration,
    answer: oneshot::Sender<Outcome>,
}

#[derive(Debug)]
struct Runtime {
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    running: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    /// The function has asked for its first event.
    initialised: Notify,
}

impl Environment {
    /// Starts a function's binary with these variables, and no others but those that Lambda sets.
    pub async fn start(binary: &std::path::Path, variables: &[(String, String)]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let (invocations, waiting) = mpsc::unbounded_channel();
        let waiting = tokio::sync::Mutex::new(waiting);
        let runtime = Arc::new(Runtime { waiting, running: Mutex::default(), initialised: Notify::new() });
        tokio::spawn(serve(listener, Arc::clone(&runtime)));
        let name = binary.file_name().expect("it has a name").to_string_lossy().into_owned();
        let started = Instant::now();
        let mut child = Command::new(binary)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/test")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "test")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the function starts");
        let mut output = Output::default();
        output.gather(child.stdout.take().expect("it is piped"));
        output.gather(child.stderr.take().expect("it is piped"));
        Self { child, output, started, runtime, invocations }
    }

    /// Waits until the function asks for its first event; how long that took since its start.
    pub async fn initialised(&self) -> Duration {
        let asked = tokio::time::timeout(PATIENCE, self.runtime.initialised.notified()).await;
        asked.expect("the function asks for an event");
        self.started.elapsed()
    }

    /// How long ago it was started.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Has the function answer an event, for which it has as long as behind an API.
    pub async fn invoke(&self, event: Value) -> Outcome {
        self.invoke_within(event, Duration::from_secs(29)).await
    }

    /// Has the function answer an event within so long.
    pub async fn invoke_within(&self, event: Value, life: Duration) -> Outcome {
        let (answer, answered) = oneshot::channel();
        self.invocations.send(Invocation { event, life, answer }).expect("the runtime listens");
        self.signal("-CONT");
        let answered = tokio::time::timeout(PATIENCE, answered).await.expect("the function answers");
        // As Lambda does: between two events a function stands still, whatever it still wanted to do.
        self.signal("-STOP");
        answered.expect("the runtime passes the answer on")
    }

    fn signal(&self, name: &str) {
        signal(name, &self.child.id().to_string());
    }

    /// Ends the function, and returns what it wrote.
    pub fn stop(mut self) -> String {
        self.kill();
        self.output.end()
    }

    /// Waits until the function ends by itself: whether it says that all was well, and what it wrote.
    pub fn ended(mut self) -> (bool, String) {
        let status = self.child.wait().expect("it can be waited for");
        (status.success(), self.output.end())
    }

    fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.kill();
        assert_no_secret(&self.output.end());
    }
}

async fn serve(listener: TcpListener, runtime: Arc<Runtime>) {
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).ok();
        let runtime = Arc::clone(&runtime);
        let service = service_fn(move |request| answer(Arc::clone(&runtime), request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move { drop(connection.await) });
    }
}

/// The runtime API: the next event, an event's answer, an event's error.
async fn answer(runtime: Arc<Runtime>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().trim_start_matches("/2018-06-01/runtime/").to_owned();
    let segments: Vec<&str> = path.split('/').collect();
    let answer = match (request.method(), segments.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => runtime.next().await,
        (&Method::POST, ["invocation", id, "response"]) => runtime.end(id, Ok(body(request).await)),
        (&Method::POST, ["invocation", id, "error"]) => runtime.end(id, Err(body(request).await)),
        _ => Response::builder().status(StatusCode::ACCEPTED),
    };
    let body = answer.extensions_ref().and_then(|extensions| extensions.get::<Bytes>().cloned()).unwrap_or_default();
    Ok(answer.body(Full::new(body)).expect("an answer"))
}

async fn body(request: Request<Incoming>) -> Value {
    let bytes = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

impl Runtime {
    async fn next(&self) -> http::response::Builder {
        self.initialised.notify_one();
        let Some(invocation) = self.waiting.lock().await.recv().await else {
            return Response::builder().status(StatusCode::GONE);
        };
        let id = next_id();
        self.running.lock().expect("nobody panics here").insert(id.clone(), invocation.answer);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        Response::builder()
            .header("lambda-runtime-aws-request-id", id)
            .header("lambda-runtime-deadline-ms", (now + invocation.life).as_millis().to_string())
            .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:test")
            .extension(Bytes::from(invocation.event.to_string()))
    }

    fn end(&self, id: &str, outcome: Outcome) -> http::response::Builder {
        let waiting = self.running.lock().expect("nobody panics here").remove(id);
        if let Some(waiting) = waiting {
            waiting.send(outcome).ok();
        }
        Response::builder().status(StatusCode::ACCEPTED)
    }
}

/// A name that no other invocation has.
fn next_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("8476a536-e9f4-11e8-9739-{:012x}", COUNT.fetch_add(1, Ordering::Relaxed))
}
