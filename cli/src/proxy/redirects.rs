//! Reads that the registry sends to a bucket. A client is sent on for a blob's bytes; what it asks about a blob is answered
//! here: older engines believe no answer but one with a length.

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, IF_RANGE, RANGE, USER_AGENT};
use http::{HeaderMap, Method, StatusCode};
use reqwest::Response;
use shared::http::{OCTETS, WireBody, described};
use shared::oci::Digest;

use super::Proxy;
use super::call::Call;
use super::pass::body_of;

/// What of a request is said to a bucket.
const FOR_BUCKETS: [http::HeaderName; 5] = [ACCEPT, ACCEPT_ENCODING, IF_RANGE, RANGE, USER_AGENT];

impl Proxy {
    /// What to answer in place of a redirect, where the client is not to be sent on, or cannot be helped by that.
    pub(super) async fn in_place_of(
        &self,
        redirect: &Response,
        digest: &Digest,
        call: &Call,
    ) -> Option<http::Response<WireBody>> {
        let head = call.method == Method::HEAD;
        let wanted = head || (call.method == Method::GET && !self.redirects);
        if !redirect.status().is_redirection() || !wanted {
            return None;
        }
        let mut headers = HeaderMap::new();
        for name in FOR_BUCKETS.into_iter().filter(|name| !(head && is_of_a_range(name))) {
            headers.extend(call.headers.get_all(&name).iter().map(|value| (name.clone(), value.clone())));
        }
        let found = self.upstream.follow(redirect, call.method.clone(), headers).await?;
        let length = found.headers().get(CONTENT_LENGTH)?.to_str().ok()?;
        let status = if head { StatusCode::OK } else { found.status() };
        let mut reply = described(status, digest).with(&CONTENT_TYPE, OCTETS).with(&CONTENT_LENGTH, length);
        if let Some(range) = found.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok()) {
            reply = reply.with(&CONTENT_RANGE, range);
        }
        Some(if head { reply } else { reply.body(body_of(found)) }.into_response())
    }
}

fn is_of_a_range(name: &http::HeaderName) -> bool {
    [RANGE, IF_RANGE].contains(name)
}
