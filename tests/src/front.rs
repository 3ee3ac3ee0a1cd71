//! A registry of this process, on a port, behind a front like API Gateway's: it takes a body only whole, and only when it
//! is small enough. It writes down what passes, may want credentials, and may be slow.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use shared::http::{Api, Profile, full};
use tokio::net::TcpListener;

/// A request that reached the front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Its method.
    pub method: Method,
    /// Its path, without the query.
    pub path: String,
    /// Its query.
    pub query: String,
    /// How many bytes its body had.
    pub body: u64,
    /// What it said about who asks.
    pub authorization: Option<String>,
}

/// A front that runs as long as the test's runtime.
#[derive(Debug, Clone)]
pub struct Front {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    api: Api,
    passed: Mutex<Vec<Passed>>,
    wants: Mutex<Option<Wanted>>,
    delay: Mutex<Duration>,
}

#[derive(Debug, Clone)]
struct Wanted {
    authorization: String,
    challenge: String,
}

impl Front {
    /// A front of this registry, which lets everybody in at once.
    pub async fn of(api: Api) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let state = State { api, passed: Mutex::default(), wants: Mutex::default(), delay: Mutex::default() };
        let state = Arc::new(state);
        tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { address, state }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on turns away who does not say this, with this challenge.
    pub fn want(&self, authorization: &str, challenge: &str) {
        let wanted = Wanted { authorization: authorization.to_owned(), challenge: challenge.to_owned() };
        *self.state.wants.lock().expect("nobody panics here") = Some(wanted);
    }

    /// From now on takes this long for a request that brings bytes.
    pub fn slow_down(&self, delay: Duration) {
        *self.state.delay.lock().expect("nobody panics here") = delay;
    }

    /// What has passed since the last call.
    pub fn take(&self) -> Vec<Passed> {
        std::mem::take(&mut *self.state.passed.lock().expect("nobody panics here"))
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).ok();
        let state = Arc::clone(&state);
        let service = service_fn(move |request| pass(Arc::clone(&state), request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move { drop(connection.await) });
    }
}

async fn pass(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    state.passed.lock().expect("nobody panics here").push(Passed {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body: body.len() as u64,
        authorization: authorization.clone(),
    });
    if body.len() as u64 > Profile::GATEWAY_BODY {
        return Ok(answer(StatusCode::PAYLOAD_TOO_LARGE, r#"{"message":"Request Too Long"}"#));
    }
    let wanted = state.wants.lock().expect("nobody panics here").clone();
    if let Some(wanted) = wanted.filter(|wanted| authorization.as_deref() != Some(&*wanted.authorization)) {
        let mut refused = answer(StatusCode::UNAUTHORIZED, r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#);
        let challenge = HeaderValue::try_from(wanted.challenge).expect("a header");
        refused.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        return Ok(refused);
    }
    if !body.is_empty() {
        let delay = *state.delay.lock().expect("nobody panics here");
        tokio::time::sleep(delay).await;
    }
    let (parts, body) = state.api.handle(Request::from_parts(parts, full(body))).await.into_parts();
    let body = body.collect().await.expect("the registry's body").to_bytes();
    Ok(Response::from_parts(parts, Full::new(body)))
}

fn answer(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response
}
