use http_body_util::BodyExt;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn event(event: Value) -> GatewayEvent {
    serde_json::from_value(event).unwrap()
}

fn request(value: Value) -> Request<WireBody> {
    event(value).into_request().unwrap()
}

/// The target of a request in form 2.0.
fn http_target(path: &str, query: &str, stage: &str) -> String {
    let context = json!({ "stage": stage, "http": { "method": "GET" } });
    request(json!({ "rawPath": path, "rawQueryString": query, "requestContext": context })).uri().to_string()
}

/// The target of a request in form 1.0.
fn rest_target(path: &str, whole: &str, stage: &str) -> String {
    let context = json!({ "stage": stage, "path": whole });
    request(json!({ "path": path, "httpMethod": "GET", "requestContext": context })).uri().to_string()
}

#[test]
fn a_path_keeps_its_dots_its_slashes_and_its_escapes() {
    let dotted = ["/v2/a/../b/tags/list", "/v2//a/./tags/list", "/v2/a%2Fb/tags/list"];
    for path in ["/v2/", "/v2", "/v2/a/blobs/uploads/"].into_iter().chain(dotted) {
        assert_eq!(http_target(path, "", "$default"), path);
    }
}

#[test]
fn a_path_that_the_gateway_decoded_is_still_one() {
    assert_eq!(http_target("/v2/a b/tags/list", "", "$default"), "/v2/a%20b/tags/list");
    assert_eq!(http_target("/v2/a?b#c/tags/list", "n=1", "$default"), "/v2/a%3Fb%23c/tags/list?n=1");
    assert_eq!(http_target("/v2/\u{e9}\0/tags/list", "", "$default"), "/v2/%C3%A9%00/tags/list");
}

#[test]
fn a_query_keeps_its_repeated_keys_and_their_order() {
    let raw = "tag=b&tag=a&digest=sha256%3Aab";
    assert_eq!(http_target("/v2/", raw, "$default"), format!("/v2/?{raw}"));
    let lists = json!({ "tag": ["b", "a"], "digest": ["sha256:ab"], "last": ["x y&z"] });
    let rest = json!({ "path": "/v2/", "httpMethod": "GET", "multiValueQueryStringParameters": lists });
    assert_eq!(request(rest).uri(), "/v2/?digest=sha256%3Aab&last=x+y%26z&tag=b&tag=a");
    let single = json!({ "path": "/v2/", "httpMethod": "GET", "queryStringParameters": { "n": "5" } });
    assert_eq!(request(single).uri(), "/v2/?n=5");
}

#[test]
fn a_stage_is_no_part_of_the_path_unless_it_is_called_v2() {
    assert_eq!(http_target("/prod/v2/a/tags/list", "", "prod"), "/v2/a/tags/list");
    assert_eq!(http_target("/v2/prod/tags/list", "", "prod"), "/v2/prod/tags/list");
    assert_eq!(http_target("/production/tags/list", "", "prod"), "/production/tags/list");
    assert_eq!(http_target("/v2/a/tags/list", "", "v2"), "/v2/a/tags/list");
    assert_eq!(rest_target("/v2/a/tags/list", "/prod/v2/a/tags/list", "prod"), "/v2/a/tags/list");
    assert_eq!(rest_target("/a/tags/list", "/v2/a/tags/list", "v2"), "/v2/a/tags/list");
    assert_eq!(rest_target("/", "/v2/", "v2"), "/v2/");
}

#[test]
fn repeated_headers_arrive_joined_or_listed() {
    let http = json!({
        "rawPath": "/v2/", "headers": { "accept": "a/b,c/d" }, "requestContext": { "http": { "method": "GET" } },
    });
    assert_eq!(request(http).headers()["accept"], "a/b,c/d");
    let rest = json!({
        "path": "/v2/", "httpMethod": "GET", "headers": { "Accept": "c/d" },
        "multiValueHeaders": { "Accept": ["a/b", "c/d"] },
    });
    let headers = request(rest).headers().clone();
    assert_eq!(headers.get_all("accept").iter().collect::<Vec<_>>(), ["a/b", "c/d"]);
}

#[test]
fn a_header_that_could_not_be_sent_is_none() {
    let headers = json!({ "a b": "x", "bad": "a\r\nb", "host": "[", "none": null, "good": "g" });
    let http = json!({ "rawPath": "/v2/", "headers": headers, "requestContext": { "http": { "method": "GET" } } });
    let request = request(http);
    assert_eq!(request.headers()["good"], "g");
    assert!(!request.headers().contains_key("bad"));
}

fn peer(of: &Value, proto: Option<&str>) -> Option<Peer> {
    let mut event = json!({ "headers": {}, "requestContext": of });
    let form = if of.get("http").is_some() { "rawPath" } else { "path" };
    event[form] = "/v2/".into();
    event["httpMethod"] = "GET".into();
    if let Some(proto) = proto {
        event["headers"]["X-Forwarded-Proto"] = proto.into();
    }
    request(event).extensions().get::<Peer>().copied()
}

#[test]
fn a_request_knows_its_peer_in_either_form() {
    let http = json!({ "http": { "method": "GET", "sourceIp": "203.0.113.7" } });
    let rest = json!({ "identity": { "sourceIp": "203.0.113.7" } });
    for context in [http, rest] {
        for (proto, is_secure) in [(None, true), (Some("https"), true), (Some("http"), false), (Some(""), false)] {
            let known = Peer { address: [203, 0, 113, 7].into(), is_secure };
            assert_eq!(peer(&context, proto), Some(known), "{context} {proto:?}");
        }
    }
    let six = json!({ "http": { "method": "GET", "sourceIp": "2001:db8::1" } });
    assert_eq!(peer(&six, None).unwrap().address.to_string(), "2001:db8::1");
}

#[test]
fn a_request_whose_gateway_names_no_address_has_no_peer() {
    for context in [json!({}), json!({ "http": {} }), json!({ "identity": { "sourceIp": "test-invoke-source-ip" } })] {
        assert_eq!(peer(&context, None), None, "{context}");
    }
}

async fn body(event: Value) -> Result<(Vec<u8>, HeaderValue), UnreadableEvent> {
    let mut whole = json!({ "rawPath": "/v2/", "requestContext": { "http": { "method": "PUT" } } });
    whole.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
    let (parts, body) = self::event(whole).into_request()?.into_parts();
    assert!(!parts.headers.contains_key(TRANSFER_ENCODING));
    Ok((body.collect().await.unwrap().to_bytes().to_vec(), parts.headers[CONTENT_LENGTH].clone()))
}

#[tokio::test]
async fn a_body_has_the_bytes_that_were_sent_and_their_length() {
    let every: Vec<u8> = (0..=255).collect();
    let binary = json!({ "body": BASE64_STANDARD.encode(&every), "isBase64Encoded": true });
    assert_eq!(body(binary).await.unwrap(), (every, HeaderValue::from(256)));
    let text = json!({ "body": "\u{feff}{}\r\n\0\u{e9}", "headers": { "content-length": "10" } });
    assert_eq!(body(text).await.unwrap().0, "\u{feff}{}\r\n\0\u{e9}".as_bytes());
    let chunked = json!({ "body": "abc", "headers": { "transfer-encoding": "chunked" } });
    assert_eq!(body(chunked).await.unwrap(), (b"abc".to_vec(), HeaderValue::from(3)));
    let odd = json!({ "body": "YWJj", "isBase64Encoded": true, "headers": { "content-length": "3, 3" } });
    assert_eq!(body(odd).await.unwrap(), (b"abc".to_vec(), HeaderValue::from(3)));
    assert_eq!(body(json!({ "body": null })).await.unwrap(), (Vec::new(), HeaderValue::from(0)));
}

#[tokio::test]
async fn a_body_that_the_gateway_changed_is_refused() {
    let changed = json!({ "body": "{\u{fffd}}", "headers": { "content-length": "3" } });
    assert!(matches!(body(changed).await, Err(UnreadableEvent::Altered { sent: 3, arrived: 5 })));
    let broken = json!({ "body": "YWJ", "isBase64Encoded": true });
    assert!(matches!(body(broken).await, Err(UnreadableEvent::Base64(_))));
}

#[test]
fn an_event_of_another_kind_is_no_request() {
    for other in [json!({}), json!({ "Records": [] }), json!({ "rawPath": "/v2/" }), json!({ "httpMethod": "GET" })] {
        assert!(matches!(event(other).into_request(), Err(UnreadableEvent::NoTarget)));
    }
}

proptest! {
    #[test]
    fn whatever_a_client_writes_is_a_request(path: String, query: String, value: String) {
        let http = json!({
            "rawPath": format!("/{path}"), "rawQueryString": query, "headers": { "host": value },
            "requestContext": { "http": { "method": "GET" } },
        });
        prop_assert!(event(http).into_request().is_ok());
    }
}
