//! What goes back to a gateway.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{CONTENT_LENGTH, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Collected};
use lambda_http::Body;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayV2httpResponse};
use serde::Serialize;

use super::event::Form;
use crate::http::{CHALLENGE_COPY, Error, REQUEST_ID, WireBody, full};

/// An answer in the form that its gateway reads: the body in base64 whatever its media type, so that it leaves with the
/// bytes that it has.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum GatewayAnswer {
    /// In form 2.0.
    Http(ApiGatewayV2httpResponse),
    /// In form 1.0.
    Rest(ApiGatewayProxyResponse),
}

impl GatewayAnswer {
    /// The response under the gateway's name of the request, read to its end; that the registry is unavailable, when its
    /// body breaks off.
    pub(super) async fn of(form: Form, id: Option<HeaderValue>, response: Response<WireBody>) -> Self {
        let (mut parts, body) = whole(response).await.into_parts();
        let bytes = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        // The gateway measures for itself, and no two of them agree on what becomes of another's length.
        parts.headers.remove(CONTENT_LENGTH);
        challenge_twice(&mut parts.headers);
        if let Some(id) = id {
            parts.headers.insert(REQUEST_ID, id);
        }
        Self::assemble(form, parts.status, parts.headers, &bytes)
    }

    fn assemble(form: Form, status: StatusCode, headers: HeaderMap, bytes: &[u8]) -> Self {
        let (status, has_body) = (i64::from(status.as_u16()), !bytes.is_empty());
        let body = has_body.then(|| Body::Text(BASE64_STANDARD.encode(bytes)));
        match form {
            Form::Http => {
                let mut answer = ApiGatewayV2httpResponse::default();
                (answer.status_code, answer.headers) = (status, joined(&headers));
                (answer.body, answer.is_base64_encoded) = (body, has_body);
                Self::Http(answer)
            }
            Form::Rest => {
                let mut answer = ApiGatewayProxyResponse::default();
                (answer.status_code, answer.multi_value_headers) = (status, headers);
                (answer.body, answer.is_base64_encoded) = (body, has_body);
                Self::Rest(answer)
            }
        }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> i64 {
        match self {
            Self::Http(answer) => answer.status_code,
            Self::Rest(answer) => answer.status_code,
        }
    }

    /// How many bytes its body has.
    pub(super) fn body_size(&self) -> usize {
        let body = match self {
            Self::Http(answer) => &answer.body,
            Self::Rest(answer) => &answer.body,
        };
        body.as_ref().map_or(0, |body| decoded_len(body))
    }
}

/// How many bytes a text in base64 stands for.
pub(super) fn decoded_len(base64: &[u8]) -> usize {
    base64.len() / 4 * 3 - base64.iter().rev().take_while(|byte| **byte == b'=').count()
}

/// The response with its body held whole. Nothing of it has left before all of it is here: one that breaks off is replaced.
pub(super) async fn whole(response: Response<WireBody>) -> Response<WireBody> {
    let (parts, body) = response.into_parts();
    match body.collect().await {
        Ok(body) => Response::from_parts(parts, full(body.to_bytes())),
        Err(error) => Error::Unavailable(error).into_response(),
    }
}

/// Gateways rename the header that says how to log in. Where they do, the copy is mapped back to it.
fn challenge_twice(headers: &mut HeaderMap) {
    if let Some(challenge) = headers.get(WWW_AUTHENTICATE).cloned() {
        headers.insert(CHALLENGE_COPY, challenge);
    }
}

/// Form 2.0 has one value for each name.
fn joined(headers: &HeaderMap) -> HeaderMap {
    let join = |name| {
        let values: Vec<_> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        HeaderValue::from_bytes(&values.join(&b", "[..])).ok()
    };
    headers.keys().filter_map(|name| Some((name.clone(), join(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use serde_json::{Value, json};

    use super::*;
    use crate::http::empty;

    async fn answer(form: Form, response: Response<WireBody>) -> Value {
        serde_json::to_value(GatewayAnswer::of(form, None, response).await).unwrap()
    }

    fn response(headers: &[(&'static str, &'static str)], body: WireBody) -> Response<WireBody> {
        let mut response = Response::new(body);
        for (name, value) in headers {
            response.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        response
    }

    /// Runtimes that look at the media type decode these, and change them.
    #[tokio::test]
    async fn a_body_leaves_with_its_bytes_whatever_its_media_type() {
        let every: Vec<u8> = (0..=255).collect();
        let text = "\u{2028}\u{e9}".as_bytes();
        let bodies: [&[u8]; 5] = [b"\xef\xbb\xbf{}", b"{\"a\":\"\xff\xfe\"}", b"{}\r\n\0", text, &every];
        let types = ["application/vnd.oci.image.manifest.v1+json", "text/plain; charset=latin1", "application/json"];
        for (body, media_type) in bodies.into_iter().flat_map(|body| types.map(|media_type| (body, media_type))) {
            for form in [Form::Http, Form::Rest] {
                let answer = answer(form, response(&[("content-type", media_type)], full(body.to_vec()))).await;
                assert_eq!(answer["isBase64Encoded"], true);
                let sent = BASE64_STANDARD.decode(answer["body"].as_str().unwrap()).unwrap();
                assert_eq!(sent, body, "{media_type}");
                assert!(answer.to_string().contains(&format!("\"{media_type}\"")), "the type is kept in {answer}");
            }
        }
    }

    #[tokio::test]
    async fn repeated_headers_are_joined_in_form_2_and_listed_in_form_1() {
        let tags = [("oci-tag", "a"), ("oci-tag", "b")];
        assert_eq!(answer(Form::Http, response(&tags, empty())).await["headers"], json!({ "oci-tag": "a, b" }));
        let rest = answer(Form::Rest, response(&tags, empty())).await;
        assert_eq!(rest["multiValueHeaders"], json!({ "oci-tag": ["a", "b"] }));
        assert_eq!(rest["headers"], json!({}));
    }

    #[tokio::test]
    async fn the_gateway_measures_and_the_challenge_is_said_twice() {
        let challenge = "Basic realm=\"r\"";
        let headers = [("content-length", "5"), ("www-authenticate", challenge)];
        let answer = answer(Form::Http, response(&headers, full("12345"))).await;
        assert_eq!(answer["headers"], json!({ "www-authenticate": challenge, "x-registry-challenge": challenge }));
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_one_that_says_so() {
        let pieces = [Ok(Frame::data("half".into())), Err("the bucket is gone".into())];
        let broken = Response::new(StreamBody::new(stream::iter(pieces)).boxed_unsync());
        let answer = answer(Form::Http, broken).await;
        assert_eq!((&answer["statusCode"], &answer["headers"]["retry-after"]), (&json!(503), &json!("2")));
        let body = BASE64_STANDARD.decode(answer["body"].as_str().unwrap()).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["errors"][0]["code"], "UNAVAILABLE");
    }

    #[test]
    fn base64_has_the_length_of_its_bytes() {
        for length in 0..10 {
            assert_eq!(decoded_len(BASE64_STANDARD.encode(vec![7; length]).as_bytes()), length);
        }
    }
}
