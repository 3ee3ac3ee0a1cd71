//! Requests that pass to the registry, and answers that pass back, byte for byte.

use http::header::CONTENT_LENGTH;
use http::{Method, Response};
use http_body::Body;
use http_body_util::BodyExt;
use shared::http::{WireBody, collect, incoming, streaming};
use shared::oci::Manifest;

use super::call::{Call, Target};
use super::error::Error;
use super::{Proxy, headers, locations};

impl Proxy {
    /// Passes a request on.
    pub(super) async fn pass(&self, call: &Call, body: WireBody) -> Result<Response<WireBody>, Error> {
        let answer = self.ask(call, body).await?;
        if let Ok(Target::Blob(digest)) = &call.target
            && let Some(response) = self.in_place_of(&answer, digest, call).await
        {
            return Ok(response);
        }
        Ok(self.passed_back(answer))
    }

    /// What the registry answers.
    pub(super) async fn ask(&self, call: &Call, body: WireBody) -> Result<reqwest::Response, Error> {
        let mut sent = headers::for_upstream(&call.headers);
        let body = if body.is_end_stream() {
            if !matches!(call.method, Method::GET | Method::HEAD | Method::DELETE) {
                sent.insert(CONTENT_LENGTH, 0.into());
            }
            None
        } else {
            let (body, length) = self.measured(body).await?;
            sent.insert(CONTENT_LENGTH, length.into());
            Some(body)
        };
        self.upstream.send(call.method.clone(), &call.path, call.raw_query.as_deref(), sent, body).await
    }

    /// The registry's answer, as one of the proxy.
    pub(super) fn passed_back(&self, answer: reqwest::Response) -> Response<WireBody> {
        let (status, mut headers) = (answer.status(), headers::for_client(answer.headers()));
        locations::rewrite(&mut headers, self.upstream.base());
        let mut response = Response::new(body_of(answer));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    /// A body with its length, which gateways want to know: streamed when the client says it, otherwise held whole, if it is
    /// no larger than a manifest may be.
    async fn measured(&self, body: WireBody) -> Result<(reqwest::Body, u64), Error> {
        let length = body.size_hint().exact();
        let body = incoming(body, self.body_idle);
        if let Some(length) = length {
            return Ok((reqwest::Body::wrap_stream(body), length));
        }
        let bytes = collect(body, Manifest::MAX_BYTES).await?;
        let length = bytes.len() as u64;
        Ok((bytes.into(), length))
    }
}

/// The body of an answer, while it arrives.
pub(super) fn body_of(answer: reqwest::Response) -> WireBody {
    let body = http::Response::from(answer).into_body();
    streaming(futures::TryStreamExt::map_err(body.into_data_stream(), reqwest::Error::without_url))
}
