//! What is read, and what is said about it, passes byte for byte.

use bytes::Bytes;
use harness::client::{Answer, Client};
use harness::content::{IMAGE, digest, noise, push_blob, push_image};
use http::Method;

use crate::{MIB, Stage};

/// The status, the headers but those of one answer only, and the body.
fn comparable(answer: &Answer) -> (u16, Vec<(String, String)>, Bytes) {
    let own = ["date", "x-request-id", "connection"];
    let named = answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let mut headers: Vec<_> =
        named.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (answer.status.as_u16(), headers, answer.body.clone())
}

async fn ask(client: &Client, method: &Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let call = client.call(method.clone(), path);
    headers.iter().fold(call, |call, (name, value)| call.header(name, *value)).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_is_answered_as_the_registry_answers_it() {
    let stage = Stage::new();
    let (near, far) = (stage.client(), stage.upstream());
    let layer = noise(1, 3 * MIB);
    let manifest = push_image(&near, "team/app", "1", std::slice::from_ref(&layer)).await;
    push_image(&near, "team/app", "2", &[]).await;
    let blob = format!("/v2/team/app/blobs/{}", digest(&layer));
    let by_digest = format!("/v2/team/app/manifests/{manifest}");
    let etag = format!("\"{manifest}\"");
    let reads: [(&str, &[(&str, &str)]); 14] = [
        ("/v2/", &[]),
        ("/v2/_catalog", &[]),
        ("/v2/team/app/tags/list", &[]),
        ("/v2/team/app/tags/list?n=1", &[]),
        ("/v2/team%2Fapp/tags/list?n=1&last=1", &[]),
        ("/v2/team/app/manifests/1", &[("accept", IMAGE)]),
        ("/v2/team/app/manifests/1", &[("accept", "text/plain")]),
        (&by_digest, &[("if-none-match", &etag)]),
        ("/v2/team/app/manifests/absent", &[]),
        ("/v2/TEAM/tags/list", &[]),
        (&blob, &[]),
        (&blob, &[("range", "bytes=1000000-1000009")]),
        (&blob, &[("range", "bytes=99999999-")]),
        ("/v2/team/app/nothing", &[]),
    ];
    for method in [Method::GET, Method::HEAD] {
        for (path, headers) in reads {
            let [passed, direct] = [ask(&near, &method, path, headers).await, ask(&far, &method, path, headers).await];
            assert_eq!(comparable(&passed), comparable(&direct), "{method} {path} {headers:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_are_put_and_deleted_through_the_proxy() {
    let stage = Stage::new();
    let (near, far) = (stage.client(), stage.upstream());
    push_blob(&near, "a", &Bytes::from_static(b"{}")).await;
    let manifest = harness::content::image(b"{}", &[]);
    let target = "/v2/a/manifests/1?ns=registry.example";
    // Without a length, as it would not pass every gateway.
    let put = near.call(Method::PUT, target).header("content-type", IMAGE).stream([manifest.clone()]).send().await;
    let location = format!("/v2/a/manifests/{}", digest(&manifest));
    assert_eq!((put.status.as_u16(), put.header("location")), (201, &*location), "{put:?}");
    assert_eq!(far.get("/v2/a/manifests/1").await.body, manifest);
    let too_large =
        near.call(Method::PUT, target).header("content-type", IMAGE).stream([noise(1, 5 * MIB)]).send().await;
    assert_eq!(too_large.status, 413);
    assert_eq!(near.delete("/v2/a/manifests/1").await.status, 202);
    assert_eq!(far.get("/v2/a/manifests/1").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_cannot_be_reached_is_told_as_one_and_named_in_no_answer() {
    let mut stage = Stage::new();
    stage.registry.kill();
    let client = stage.client();
    for (method, path) in [(Method::GET, "/v2/"), (Method::POST, "/v2/a/blobs/uploads/")] {
        let answer = client.call(method, path).send().await;
        answer.expect_error(503, "UNAVAILABLE", &[("retry-after", "2")]);
        assert!(!String::from_utf8_lossy(&answer.body).contains(&stage.registry.address().to_string()));
    }
    assert_eq!(client.get("/healthz").await.status, 200, "the proxy itself is well");
    assert_eq!(client.get("/anything").await.status, 404);
}
