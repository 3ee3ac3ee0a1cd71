//! Paths and methods: what there is, what there is not, and what may be done where.

use bytes::Bytes;
use harness::content::{digest, push_blob, push_image};
use harness::memory::{api, registry};
use http::Method;
use http_body_util::BodyExt;
use serde_json::json;
use shared::http::empty;
use shared::registry::Terms;

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn the_api_is_there_with_and_without_a_slash() {
    let client = registry().await;
    for path in ["/v2/", "/v2", "/v2/?ns=docker.io"] {
        let answer = client.get(path).await;
        answer.expect(200, &[JSON]);
        assert_eq!(answer.body, "{}");
        client.head(path).await.expect(200, &[JSON, ("content-length", "2")]);
    }
}

#[tokio::test]
async fn a_panic_is_an_answer_too() {
    let api = api(Terms::default()).await;
    let request = http::Request::get("/v2/").body(empty()).unwrap();
    let answer = api.handle_some(request, |_| panic!("a mistake in the program")).await;
    assert_eq!(answer.status(), 500);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["errors"][0]["code"], "UNKNOWN");
    assert!(!body.to_string().contains("a mistake in the program"), "{body}");
}

#[tokio::test]
async fn the_process_says_how_it_is() {
    let client = registry().await;
    let buckets = json!({ "serving": 3, "not_serving": [] });
    let ready = json!({ "status": "ready", "epoch": 1, "buckets": buckets });
    for (path, told) in [("/healthz", json!({ "status": "alive" })), ("/readyz", ready)] {
        let answer = client.get(path).await;
        answer.expect(200, &[JSON]);
        assert_eq!(answer.json(), told);
    }
}

#[tokio::test]
async fn a_path_that_means_nothing_is_404() {
    let client = registry().await;
    for path in
        ["/", "/v1/", "/v3/", "/v2/a", "/v2/a/tags", "/v2/a/blobs", "/v2/a/manifests", "/v2/a/tags/list/", "/v22/"]
    {
        client.get(path).await.expect_error(404, "UNSUPPORTED", &[]);
        assert_eq!(client.head(path).await.status, 404, "{path}");
        assert_eq!(client.call(Method::PUT, path).body("x").send().await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_method_that_means_nothing_is_405_with_those_that_do() {
    let client = registry().await;
    let (digest, id) = (digest(b"x"), "0".repeat(32));
    let read: &[&str] = &["GET", "HEAD"];
    let places: [(String, &[&str]); 9] = [
        ("/v2/".to_owned(), read),
        ("/v2/_catalog".to_owned(), read),
        ("/v2/a/tags/list".to_owned(), read),
        (format!("/v2/a/referrers/{digest}"), read),
        (format!("/v2/a/blobs/{digest}"), &["GET", "HEAD", "DELETE"]),
        ("/v2/a/manifests/latest".to_owned(), &["GET", "HEAD", "PUT", "DELETE"]),
        ("/v2/a/blobs/uploads/".to_owned(), &["POST"]),
        (format!("/v2/a/blobs/uploads/{id}"), &["GET", "PATCH", "PUT", "DELETE"]),
        ("/healthz".to_owned(), read),
    ];
    for (path, allowed) in places {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"] {
            let answer = client.call(method.parse().unwrap_or_default(), path.clone()).send().await;
            if allowed.contains(&method) {
                assert_ne!(answer.status, 405, "{method} {path}");
            } else if method == "HEAD" {
                assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, &*allowed.join(", ")), "{path}");
            } else {
                answer.expect_error(405, "UNSUPPORTED", &[("allow", &allowed.join(", "))]);
            }
        }
    }
}

#[tokio::test]
async fn a_name_that_is_none_is_a_bad_request() {
    let client = registry().await;
    let long = "a".repeat(256);
    for name in ["UPPER", "a//b", "..", "a/../b", "-a", "a-", "a..b", "a___b", "%00", "%C3%A4", "a%20b", &long] {
        let targets = [
            (Method::GET, format!("/v2/{name}/tags/list")),
            (Method::GET, format!("/v2/{name}/blobs/{}", digest(b"x"))),
            (Method::PUT, format!("/v2/{name}/manifests/latest")),
            (Method::POST, format!("/v2/{name}/blobs/uploads/")),
        ];
        for (method, target) in targets {
            client.call(method, target).send().await.expect_error(400, "NAME_INVALID", &[]);
        }
    }
    client.get("/v2/%FF/tags/list").await.expect_error(400, "NAME_INVALID", &[]);
}

#[tokio::test]
async fn a_repository_may_be_called_like_a_path() {
    let client = registry().await;
    let layer = Bytes::from_static(b"layer");
    let names = [
        "blobs",
        "uploads/blobs",
        "tags/list/tags",
        "manifests/latest/manifests/latest",
        "blobs/uploads/blobs/uploads/blobs",
        "list/tags/manifests/uploads/blobs/referrers",
    ];
    // No component begins with a separator.
    client.get("/v2/v2/_catalog/tags/list").await.expect_error(400, "NAME_INVALID", &[]);
    for name in names {
        let pushed = push_image(&client, name, "list", std::slice::from_ref(&layer)).await;
        for path in [format!("manifests/{pushed}"), "manifests/list".to_owned(), format!("blobs/{}", digest(&layer))] {
            assert_eq!(client.get(format!("/v2/{name}/{path}")).await.status, 200, "{name}/{path}");
        }
        let tags = client.get(format!("/v2/{name}/tags/list")).await;
        assert_eq!(tags.json(), json!({ "name": name, "tags": ["list"] }));
        let begun = client.post(format!("/v2/{name}/blobs/uploads/")).await;
        assert!(begun.header("location").starts_with(&format!("/v2/{name}/blobs/uploads/")), "{begun:?}");
        assert_eq!(client.get(begun.header("location")).await.status, 204, "{name}");
        assert_eq!(client.get(format!("/v2/{name}/referrers/{pushed}")).await.status, 200, "{name}");
    }
    let all = client.get("/v2/_catalog").await.json();
    assert_eq!(all["repositories"].as_array().map(Vec::len), Some(6), "each is a repository of its own: {all}");
}

#[tokio::test]
async fn a_name_may_come_with_its_slashes_escaped() {
    let client = registry().await;
    let digest = push_blob(&client, "a/b/c", &Bytes::from_static(b"x")).await;
    assert_eq!(client.get(format!("/v2/a%2Fb%2fc/blobs/{}", digest.as_str().replace(':', "%3A"))).await.body, "x");
}
