//! The functions that answer for accounts and tokens, and those that do not.

use harness::memory::api_with;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use shared::auth::{Access, GateSettings};
use shared::http::{Api, Settings, WireBody, empty};
use shared::registry::Terms;

fn request(method: &Method, target: &str) -> Request<WireBody> {
    Request::builder().method(method.clone()).uri(target).body(empty()).expect("a request")
}

async fn api() -> Api {
    let gate = GateSettings { access: Access::Closed, ..GateSettings::default() };
    api_with(Terms::default(), Settings { gate, ..Settings::default() }).await
}

#[tokio::test]
async fn each_answers_its_own_routes_and_sends_all_others_away() {
    let api = api().await;
    let (users, token, version) = ("/api/v1/users", "/token?scope=repository:a:pull", "/v2/");
    let misdirected = StatusCode::MISDIRECTED_REQUEST;
    let answers = async |target: &str| {
        let get = || request(&Method::GET, target);
        [
            admin::handle(api.clone(), get()).await.status(),
            token::handle(api.clone(), get()).await.status(),
            fallback::handle(api.clone(), get()).await.status(),
            tags::handle(api.clone(), get()).await.status(),
        ]
    };
    assert_eq!(answers(users).await, [StatusCode::UNAUTHORIZED, misdirected, misdirected, misdirected]);
    assert_eq!(answers(token).await, [misdirected, StatusCode::OK, misdirected, misdirected]);
    let signed_out = StatusCode::UNAUTHORIZED;
    assert_eq!(answers(version).await, [misdirected, misdirected, signed_out, signed_out]);
}

#[tokio::test]
async fn the_document_is_answered_to_anybody() {
    let answer = admin::handle(api().await, request(&Method::GET, "/api/v1/openapi.json")).await;
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    let document: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
}
