//! Buckets that can be made to fail, each by itself: in front of an S3 server each of them has a port of its own.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use crate::s3_server::{KEY, S3Server, SECRET};
use crate::server::ServeOptions;

type Broken = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<BoxBody<Bytes, Broken>>;

/// How a bucket fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It says that it is asked too much.
    SlowDown,
    /// It says that it cannot serve.
    Unavailable,
    /// It takes connections and requests, and never answers.
    Hang,
    /// Nobody listens, and what was connected is no longer.
    Refused,
    /// It refuses everything to everybody.
    AccessDenied,
    /// It is gone.
    NoSuchBucket,
}

impl Fault {
    /// What S3 answers; none when nothing is answered.
    fn answer(self) -> Option<(StatusCode, &'static str)> {
        match self {
            Self::SlowDown => Some((StatusCode::SERVICE_UNAVAILABLE, "SlowDown")),
            Self::Unavailable => Some((StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable")),
            Self::AccessDenied => Some((StatusCode::FORBIDDEN, "AccessDenied")),
            Self::NoSuchBucket => Some((StatusCode::NOT_FOUND, "NoSuchBucket")),
            Self::Hang | Self::Refused => None,
        }
    }
}

/// An S3 server and the ports of its buckets; they end with the runtime.
#[derive(Debug)]
pub struct FaultyBuckets {
    gates: BTreeMap<String, Gate>,
    _server: S3Server,
}

/// What stands before a bucket.
#[derive(Debug)]
struct Gate {
    address: SocketAddr,
    fault: watch::Sender<Option<Fault>>,
    /// Bound and never listening, so that the port is nobody else's while it refuses.
    _reserved: TcpSocket,
}

impl FaultyBuckets {
    /// So many, all of them well.
    pub async fn start(count: usize) -> Self {
        let names: Vec<_> = (1..=count).map(|number| format!("bucket{number}")).collect();
        let server = S3Server::with_buckets(&names).await;
        let gates = names.into_iter().map(|name| (name, Gate::before(server.endpoint()))).collect();
        Self { gates, _server: server }
    }

    /// A registry over them, with its metadata below `data`.
    pub fn options(&self, data: &Path) -> ServeOptions {
        let urls = self.gates.iter().flat_map(|(name, gate)| {
            let address = gate.address;
            ["--storage".to_owned(), format!("s3://{name}?endpoint=http://{address}&region=nowhere&path_style=true")]
        });
        ServeOptions::embedded(data)
            .with(urls)
            .variable("AWS_ACCESS_KEY_ID", KEY)
            .variable("AWS_SECRET_ACCESS_KEY", SECRET)
    }

    /// This one fails so from now on.
    pub fn fail(&self, bucket: &str, fault: Fault) {
        self.gates[bucket].fault.send_replace(Some(fault));
    }

    /// It is well again. What hangs goes on hanging.
    pub fn heal(&self, bucket: &str) {
        self.gates[bucket].fault.send_replace(None);
    }
}

impl Gate {
    fn before(target: String) -> Self {
        let reserved = bound(SocketAddr::from(([127, 0, 0, 1], 0)));
        let address = reserved.local_addr().expect("it has an address");
        let (fault, told) = watch::channel(None);
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let passage = Passage { target, pool: Client::builder(TokioExecutor::new()).build(connector), told };
        // It listens before anybody is told where.
        tokio::spawn(keep(listen(address), address, passage));
        Self { address, fault, _reserved: reserved }
    }
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("there are sockets");
    socket.set_reuseport(true).expect("a port can be shared");
    socket.set_reuseaddr(true).expect("a port can be used again");
    socket.bind(address).expect("the port is free");
    socket
}

fn listen(address: SocketAddr) -> TcpListener {
    bound(address).listen(1024).expect("it can be listened at")
}

/// The way to a bucket.
#[derive(Clone)]
struct Passage {
    target: String,
    pool: Client<HttpConnector, Incoming>,
    told: watch::Receiver<Option<Fault>>,
}

impl Passage {
    fn fault(&self) -> Option<Fault> {
        *self.told.borrow()
    }

    /// Returns when nothing may come through: for ever when the test is over.
    async fn closed(&mut self) {
        drop(self.told.wait_for(|fault| *fault == Some(Fault::Refused)).await);
    }

    /// Returns when something may; false when the test is over.
    async fn opened(&mut self) -> bool {
        self.told.wait_for(|fault| *fault != Some(Fault::Refused)).await.is_ok()
    }
}

/// Keeps the gate open, but for the times when it refuses.
async fn keep(mut listener: TcpListener, address: SocketAddr, mut passage: Passage) {
    loop {
        let mut closing = passage.clone();
        tokio::select! {
            () = accept(&listener, &passage) => {}
            () = closing.closed() => {}
        }
        drop(listener);
        if !passage.opened().await {
            return;
        }
        listener = listen(address);
    }
}

async fn accept(listener: &TcpListener, passage: &Passage) {
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).ok();
        tokio::spawn(serve(stream, passage.clone()));
    }
}

async fn serve(stream: TcpStream, passage: Passage) {
    let mut closing = passage.clone();
    let service = service_fn(move |request| pass(passage.clone(), request));
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        ended = connection => drop(ended),
        () = closing.closed() => {}
    }
}

async fn pass(passage: Passage, request: Request<Incoming>) -> Result<Answer, Broken> {
    match passage.fault() {
        None | Some(Fault::Refused) => forward(&passage, request).await,
        Some(fault) => match fault.answer() {
            Some((status, code)) => refuse(request, status, code).await,
            None => std::future::pending().await,
        },
    }
}

/// Passes a request on under the name that it was sent to, which is signed.
async fn forward(passage: &Passage, mut request: Request<Incoming>) -> Result<Answer, Broken> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = format!("{}{path}", passage.target).parse::<Uri>()?;
    let answer = passage.pool.request(request).await?;
    Ok(answer.map(|body| body.map_err(Into::into).boxed()))
}

/// Takes all that is sent, and refuses it in S3's words.
async fn refuse(request: Request<Incoming>, status: StatusCode, code: &str) -> Result<Answer, Broken> {
    request.into_body().collect().await?;
    let xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code></Error>");
    let mut answer = Response::new(Full::from(xml).map_err(|never: Infallible| match never {}).boxed());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    Ok(answer)
}
