//! A refusal of the registry that is passed on.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, Response, StatusCode};
use serde_json::json;
use shared::http::{Reply, WireBody, full};

use super::error::code_of;
use super::headers;

/// Most bytes of a refusal that are passed on.
const LARGEST_REFUSAL: usize = 64 * 1024;

/// What of a refusal's headers a client needs.
const OF_A_REFUSAL: [HeaderName; 3] = [CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE];

/// An answer of the registry that is passed on in place of the proxy's own.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Refusal {
    /// Reads it to its end, or as much as is passed on.
    pub(super) async fn of(mut response: reqwest::Response) -> Self {
        let passed = headers::for_client(response.headers());
        let kept = OF_A_REFUSAL.iter().filter_map(|name| Some((name.clone(), passed.get(name)?.clone()))).collect();
        let mut body = Vec::new();
        while let Ok(Some(piece)) = response.chunk().await {
            body.extend_from_slice(&piece);
            if body.len() > LARGEST_REFUSAL {
                body.clear();
                break;
            }
        }
        Self { status: response.status(), headers: kept, body: body.into() }
    }

    /// As an answer of the proxy: in words of its own, where the registry's had no body.
    pub(super) fn into_response(self) -> Response<WireBody> {
        let mut response = if self.body.is_empty() {
            let message = format!("the registry behind this proxy answered {}", self.status);
            Reply::error(self.status, code_of(self.status), &message, &json!({})).into_response()
        } else {
            Reply::new(self.status).with(&CONTENT_LENGTH, self.body.len()).body(full(self.body)).into_response()
        };
        let own_type = response.headers().get(CONTENT_TYPE).cloned();
        response.headers_mut().extend(self.headers);
        if let Some(own) = own_type {
            response.headers_mut().insert(CONTENT_TYPE, own);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn shown(response: Response<WireBody>) -> (u16, HeaderMap, String) {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), parts.headers, String::from_utf8_lossy(&body).into_owned())
    }

    fn stub(status: u16, body: &'static str) -> reqwest::Response {
        let response = http::Response::builder().status(status).header("www-authenticate", "Basic realm=\"x\"");
        let response = response.header("content-type", "application/problem").header("set-cookie", "secret");
        response.body(body).unwrap().into()
    }

    #[tokio::test]
    async fn a_challenge_is_passed_on_with_words_that_a_head_could_not_bring() {
        let (status, headers, body) = shown(Refusal::of(stub(401, "")).await.into_response()).await;
        assert_eq!((status, &headers["www-authenticate"]), (401, &"Basic realm=\"x\"".parse().unwrap()));
        assert_eq!(headers["content-type"], "application/json");
        assert!(body.contains("UNAUTHORIZED"), "{body}");
    }

    #[tokio::test]
    async fn the_registrys_own_words_are_passed_on_as_they_are() {
        let (status, headers, body) = shown(Refusal::of(stub(403, "no")).await.into_response()).await;
        assert_eq!(
            (status, body.as_str(), &headers["content-type"]),
            (403, "no", &"application/problem".parse().unwrap())
        );
        assert!(!headers.contains_key("set-cookie"));
    }
}
