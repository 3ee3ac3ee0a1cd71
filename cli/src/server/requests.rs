//! One request: named, answered and logged.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::header::{EXPECT, USER_AGENT};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use shared::http::{REQUEST_ID, WireBody};
use tracing::Instrument;
use uuid::Uuid;

use super::Answering;
use super::drain::Drainable;

/// Answers a request under a name of its own, which goes out as a header and into the log.
pub(super) async fn answer(
    answering: Arc<impl Answering>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<WireBody>, Infallible> {
    let (id, started) = (Uuid::new_v4().simple().to_string(), Instant::now());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let client = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned();
    let span = tracing::info_span!("request", id);
    let (parts, body) = request.into_parts();
    // HTTP/2 ends one stream alone, and a client that expects a word before it sends has sent nothing.
    let must_drain = parts.version <= Version::HTTP_11 && !parts.headers.contains_key(EXPECT);
    let body = Drainable::new(body);
    let wired = Request::from_parts(parts, body.clone().map_err(Into::into).boxed_unsync());
    let mut response = answering.answer(wired).instrument(span).await;
    // Nor does one still send that was too slow.
    if must_drain && !body.is_end_stream() && response.status() != StatusCode::REQUEST_TIMEOUT {
        body.drain().await;
    }
    if let Ok(value) = HeaderValue::try_from(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(id, %method, path, status = response.status().as_u16(), millis, %peer, client, "answered");
    Ok(response)
}
