//! Sending one request and waiting for its answer. Follows no redirect and asks nobody for credentials.

use std::time::Duration;

use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use reqwest::{Body, Client, ClientBuilder, RequestBuilder, Response};
use tokio::sync::OnceCell;
use url::Url;

use super::RemoteError;
use super::address::{host_of, is_loopback};
use super::call::{Call, Payload};
use super::local::Attempt;

/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(30);

/// How long the answer to a few bytes may take.
const ANSWER: Duration = Duration::from_mins(2);

/// For how long an upload may stand still, and how long the answer to all of its bytes may take.
const STILL: Duration = Duration::from_mins(5);

/// How often an upload is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// After how long of silence the system asks whether the other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Connections: in clear text to this machine, and to all others by way of the proxy that the environment names.
#[derive(Debug)]
pub(super) struct Http {
    here: Client,
    /// Made when it is needed: it reads the system's certificates, and there may be none.
    elsewhere: OnceCell<Client>,
}

impl Http {
    pub(super) fn new() -> Result<Self, RemoteError> {
        let here = builder().no_proxy().tls_certs_only([]).build().map_err(RemoteError::Client)?;
        Ok(Self { here, elsewhere: OnceCell::new() })
    }

    async fn client(&self, url: &Url) -> Result<&Client, RemoteError> {
        if url.scheme() == "http" && is_loopback(url) {
            return Ok(&self.here);
        }
        self.elsewhere.get_or_try_init(|| async { builder().build().map_err(RemoteError::Client) }).await
    }

    /// Sends a request once. Whatever the answer's status, it is an answer.
    pub(super) async fn send(&self, call: &Call, authorization: Option<&HeaderValue>) -> Result<Response, RemoteError> {
        let client = self.client(&call.url).await?;
        let mut request = client.request(call.method.clone(), call.url.clone()).headers(call.headers.clone());
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        match &call.payload {
            Payload::Empty if call.method.is_safe() => short(call, request).await,
            Payload::Empty => short(call, request.header(CONTENT_LENGTH, 0)).await,
            Payload::Bytes(bytes) => short(call, request.body(bytes.clone())).await,
            Payload::Region(region) => {
                let (attempt, bytes) = region.open();
                let request = request.header(CONTENT_LENGTH, region.length);
                let request = if region.length == 0 { request } else { request.body(Body::wrap_stream(bytes)) };
                let sent = long(call, request, &attempt).await;
                if !sent.as_ref().is_ok_and(|response| response.status().is_success()) {
                    attempt.failed();
                }
                sent
            }
        }
    }
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("ringhold/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .tcp_keepalive(KEEPALIVE)
}

async fn short(call: &Call, request: RequestBuilder) -> Result<Response, RemoteError> {
    match tokio::time::timeout(ANSWER, request.send()).await {
        Ok(sent) => sent.map_err(|error| RemoteError::connection(&call.url, error)),
        Err(_) => Err(RemoteError::Silent { host: host_of(&call.url), after: ANSWER }),
    }
}

async fn long(call: &Call, request: RequestBuilder, attempt: &Attempt) -> Result<Response, RemoteError> {
    let mut looks = tokio::time::interval(LOOK);
    let mut sending = std::pin::pin!(request.send());
    loop {
        tokio::select! {
            sent = &mut sending => return sent.map_err(|error| RemoteError::connection(&call.url, error)),
            _ = looks.tick() => if attempt.still() > STILL {
                return Err(RemoteError::Silent { host: host_of(&call.url), after: STILL });
            }
        }
    }
}
