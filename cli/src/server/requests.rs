//! One request: named, answered and logged.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::header::{EXPECT, STRICT_TRANSPORT_SECURITY, USER_AGENT};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use shared::http::{Peer, REQUEST_ID, WireBody};
use tracing::Instrument;
use uuid::Uuid;

use super::Answering;
use super::drain::Drainable;

/// Whoever has come by TLS once shall not be led to clear text for a year.
const ONLY_SECURE: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Answers a request under a name of its own, whatever its client calls it. It goes out as a header, and into the log and the
/// audit.
pub(super) async fn answer(
    answering: Arc<impl Answering>,
    peer: SocketAddr,
    is_secure: bool,
    request: Request<Incoming>,
) -> Result<Response<WireBody>, Infallible> {
    let (id, started) = (Uuid::new_v4().simple().to_string(), Instant::now());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let client = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned();
    let span = tracing::info_span!("request", id);
    let (mut parts, body) = request.into_parts();
    let name = HeaderValue::try_from(&id).ok();
    if let Some(name) = &name {
        parts.headers.insert(REQUEST_ID, name.clone());
    }
    // A socket of both families has IPv4 peers under IPv6 addresses.
    parts.extensions.insert(Peer { address: peer.ip().to_canonical(), is_secure });
    // HTTP/2 ends one stream alone, and a client that expects a word before it sends has sent nothing.
    let must_drain = parts.version <= Version::HTTP_11 && !parts.headers.contains_key(EXPECT);
    let body = Drainable::new(body);
    let wired = Request::from_parts(parts, body.clone().map_err(Into::into).boxed_unsync());
    let mut response = answering.answer(wired).instrument(span).await;
    // Nor does one still send that was too slow.
    if must_drain && !body.is_end_stream() && response.status() != StatusCode::REQUEST_TIMEOUT {
        body.drain().await;
    }
    if let Some(name) = name {
        response.headers_mut().insert(REQUEST_ID, name);
    }
    if is_secure {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, ONLY_SECURE);
    }
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(id, %method, path, status = response.status().as_u16(), millis, %peer, client, "answered");
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::http::full;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::watch;

    use super::*;
    use crate::server::{Conditions, Limits, listener};

    /// Answers with what is known of who asks.
    struct Telling;

    impl Answering for Telling {
        async fn answer(&self, request: Request<WireBody>) -> Response<WireBody> {
            Response::new(full(format!("{:?}", request.extensions().get::<Peer>())))
        }
    }

    #[tokio::test]
    async fn a_request_knows_its_peer_by_the_address_that_it_has_in_its_own_family() {
        for listening in ["127.0.0.1:0", "[::ffff:127.0.0.1]:0"] {
            let listener = TcpListener::bind(listening).await.unwrap();
            let address = listener.local_addr().unwrap();
            let (_stop, stopped) = watch::channel(false);
            let limits = Limits { headers: 8192, idle: Duration::from_mins(1) };
            let conditions = Conditions { limits, certificate: None };
            tokio::spawn(listener::serve(listener, Arc::new(Telling), conditions, Duration::ZERO, stopped));
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: who\r\nconnection: close\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            let known = Peer { address: [127, 0, 0, 1].into(), is_secure: false };
            assert!(answer.ends_with(&format!("{:?}", Some(known))), "{answer}");
        }
    }
}
