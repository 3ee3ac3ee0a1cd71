//! Who asks is the registry's to judge: the proxy passes on what the client says, and what the registry wants to hear.

use std::process::Command;

use harness::client::Client;
use harness::content::{digest, noise};
use harness::front::Front;
use harness::memory::{api, api_with};
use harness::proxy::ProxyOptions;
use http::Method;
use shared::auth::GateSettings;
use shared::http::Settings;
use shared::registry::Terms;
use tempfile::TempDir;

use crate::MIB;

const CHALLENGE: &str = "Bearer realm=\"https://auth.example/token\",service=\"registry.example\"";
const WHO: &str = "Bearer a-secret-of-the-client";

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_of_the_registry_reaches_the_client_before_it_sends_a_byte() {
    let front = Front::of(api(Terms::default()).await).await;
    front.want(WHO, CHALLENGE);
    let directory = TempDir::new().unwrap();
    let options = ProxyOptions::before(front.address(), directory.path());
    let server = options.start();
    let client = Client::new(server.address());
    for (method, path) in [
        (Method::GET, "/v2/"),
        (Method::GET, "/v2/a/manifests/1"),
        (Method::HEAD, "/v2/a/manifests/1"),
        (Method::POST, "/v2/a/blobs/uploads/"),
        (
            Method::POST,
            "/v2/a/blobs/uploads/?mount=sha256:0000000000000000000000000000000000000000000000000000000000000000&from=b",
        ),
    ] {
        let answer = client.call(method.clone(), path).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (401, CHALLENGE), "{method} {path}");
        assert!(method == Method::HEAD || answer.code() == "UNAUTHORIZED", "{answer:?}");
    }
    assert!(options.spooled().is_empty(), "nothing is begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_credentials_go_with_every_request_and_into_no_log() {
    let front = Front::of(api(Terms::default()).await).await;
    front.want(WHO, CHALLENGE);
    let directory = TempDir::new().unwrap();
    let options = ProxyOptions::before(front.address(), directory.path()).with(["--log", "trace"]);
    let server = options.start();
    let client = Client::new(server.address());
    let layer = noise(1, MIB);
    let call = |method, target: String| client.call(method, target).header("authorization", WHO);
    let begun = call(Method::POST, "/v2/a/blobs/uploads/".to_owned()).send().await;
    let upload = begun.header("location").to_owned();
    assert_eq!(call(Method::PATCH, upload.clone()).body(layer.clone()).send().await.status, 202);
    let target = format!("{upload}?digest={}", digest(&layer));
    let refused = client.call(Method::PUT, &target).send().await;
    assert_eq!((refused.status.as_u16(), refused.header("www-authenticate")), (401, CHALLENGE), "{refused:?}");
    assert_eq!(call(Method::PUT, target).send().await.status, 201, "the upload waited for who may");

    let passed = front.take();
    assert!(passed.iter().filter(|passed| passed.authorization.is_none()).count() == 1, "{passed:?}");
    assert!(passed.iter().any(|passed| passed.body > 0 && passed.authorization.as_deref() == Some(WHO)));
    assert!(!options.log().contains("a-secret"), "{}", options.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_registry_is_closed_through_the_proxy_too() {
    let settings = Settings { gate: GateSettings::default(), ..Settings::default() };
    let front = Front::of(api_with(Terms::default(), settings).await).await;
    let directory = TempDir::new().unwrap();
    let server = ProxyOptions::before(front.address(), directory.path()).start();
    let client = Client::new(server.address());
    let realm = format!("Bearer realm=\"http://{}/token\",service=\"ringhold\"", front.address());
    let wanted =
        [(Method::GET, "/v2/", ""), (Method::POST, "/v2/a/blobs/uploads/", ",scope=\"repository:a:pull,push\"")];
    for (method, path, scope) in wanted {
        let answer = client.call(method, path).send().await;
        let told = (answer.status.as_u16(), answer.header("www-authenticate").to_owned());
        assert_eq!(told, (401, format!("{realm}{scope}")));
    }
}

#[test]
fn a_password_on_the_command_line_is_refused_and_not_repeated() {
    let arguments = ["proxy", "--to", "https://who:hush@registry.example"];
    let output = Command::new(harness::server::program()).args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains("--to") && !told.contains("hush"), "{told}");
}
