//! The wire between the registry and AWS: a proxy in front of the emulator that writes down what passes, and breaks what
//! it is told to break.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

type Broken = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<BoxBody<Bytes, Broken>>;

/// A request that reached the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its operation, when it is for the table: `GetItem`.
    pub operation: Option<String>,
    /// Its method.
    pub method: String,
    /// Its path, which begins with the bucket when it is for one.
    pub path: String,
    /// How many bytes its body has, as far as that is told.
    pub body: u64,
}

impl Sent {
    /// Whether it is for the table.
    pub fn to_table(&self) -> bool {
        self.operation.is_some()
    }

    /// Whether it is for this bucket.
    pub fn to_bucket(&self, bucket: &str) -> bool {
        self.path.strip_prefix('/').and_then(|path| path.strip_prefix(bucket)).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// What becomes of a request that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends before the request is passed on.
    Refused,
    /// The request is passed on, and the connection ends before its answer.
    AnswerLost,
    /// Nothing comes back.
    Silent,
    /// The service says that it cannot serve.
    Unavailable,
}

type Chosen = Box<dyn Fn(&Sent) -> bool + Send + Sync>;

struct State {
    target: OnceLock<SocketAddr>,
    gives_types: bool,
    pool: Client<HttpConnector, Incoming>,
    sent: Mutex<Vec<Sent>>,
    connections: AtomicUsize,
    fault: Mutex<Option<(Fault, Chosen)>>,
}

/// A proxy, on a thread of its own; it ends with the process.
#[derive(Clone)]
pub struct Wire {
    address: SocketAddr,
    state: Arc<State>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Wire").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Wire {
    /// A wire to what listens at `target`.
    pub fn to(target: SocketAddr) -> Self {
        let wire = Self::loose();
        wire.lead_to(target);
        wire
    }

    /// A wire whose other end is not known yet.
    pub fn loose() -> Self {
        Self::new(false)
    }

    /// A wire that gives a body a media type when it has none.
    pub fn giving_types(target: SocketAddr) -> Self {
        let wire = Self::new(true);
        wire.lead_to(target);
        wire
    }

    fn new(gives_types: bool) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        listener.set_nonblocking(true).expect("it can be waited for");
        let pool = Client::builder(TokioExecutor::new()).build_http();
        let state = Arc::new(State {
            target: OnceLock::new(),
            gives_types,
            pool,
            connections: AtomicUsize::new(0),
            sent: Mutex::default(),
            fault: Mutex::default(),
        });
        let served = Arc::clone(&state);
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
            runtime.block_on(async { accept(TcpListener::from_std(listener).expect("it listens"), served).await });
        });
        Self { address, state }
    }

    /// Leads the wire to what listens at `target`, once.
    pub fn lead_to(&self, target: SocketAddr) {
        self.state.target.set(target).expect("the wire leads nowhere yet");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients of AWS shall send what is to pass: by a name, as the emulator's own address is one of the registry's.
    pub fn endpoint(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    /// How many connections were opened to it so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// What has passed since the last call.
    pub fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut *self.state.sent.lock().expect("nobody panics here"))
    }

    /// Breaks every request that is `chosen`, from now on.
    pub fn fail(&self, fault: Fault, chosen: impl Fn(&Sent) -> bool + Send + Sync + 'static) {
        *self.state.fault.lock().expect("nobody panics here") = Some((fault, Box::new(chosen)));
    }

    /// Breaks nothing more.
    pub fn heal(&self) {
        *self.state.fault.lock().expect("nobody panics here") = None;
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).ok();
        state.connections.fetch_add(1, Ordering::Relaxed);
        let state = Arc::clone(&state);
        let service = service_fn(move |request| pass(Arc::clone(&state), request));
        let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move { drop(connection.await) });
    }
}

async fn pass(state: Arc<State>, request: Request<Incoming>) -> Result<Answer, Broken> {
    let sent = Sent {
        operation: operation(request.headers()),
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        body: request.body().size_hint().lower(),
    };
    let fault = {
        let fault = state.fault.lock().expect("nobody panics here");
        fault.as_ref().filter(|(_, chosen)| chosen(&sent)).map(|(fault, _)| *fault)
    };
    state.sent.lock().expect("nobody panics here").push(sent);
    match fault {
        None => forward(&state, request).await,
        Some(Fault::Refused) => Err("refused".into()),
        Some(Fault::AnswerLost) => {
            forward(&state, request).await?.into_body().collect().await?;
            Err("the answer is lost".into())
        }
        Some(Fault::Silent) => std::future::pending().await,
        Some(Fault::Unavailable) => {
            let body = Empty::new().map_err(|never: Infallible| match never {}).boxed();
            let mut answer = Response::new(body);
            *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            Ok(answer)
        }
    }
}

/// `DynamoDB_20120810.GetItem` is `GetItem`.
fn operation(headers: &HeaderMap) -> Option<String> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    target.strip_prefix("DynamoDB_").and_then(|target| target.split('.').nth(1)).map(ToOwned::to_owned)
}

/// Passes a request on under the name that it was sent to, which is signed.
async fn forward(state: &State, mut request: Request<Incoming>) -> Result<Answer, Broken> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = format!("http://{}{path}", state.target.wait()).parse()?;
    if state.gives_types {
        let octets = HeaderValue::from_static("application/octet-stream");
        request.headers_mut().entry(CONTENT_TYPE).or_insert(octets);
    }
    let answer = state.pool.request(request).await?;
    Ok(answer.map(|body| body.map_err(Into::into).boxed()))
}
