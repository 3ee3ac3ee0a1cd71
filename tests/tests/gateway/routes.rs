//! Every path reaches a function that answers for it, whatever its depth, its slashes and its escapes.

use std::collections::BTreeSet;

use harness::content::digest;
use http::Method;

use super::{WIRE, stack};

#[tokio::test(flavor = "multi_thread")]
async fn every_shape_of_path_is_answered_at_every_depth() {
    let Some(stack) = stack().await else { return };
    let _calm = WIRE.read().await;
    let client = stack.client();
    let absent = digest(b"absent");
    // Names whose parts are the API's own words lead a router astray.
    let names =
        ["a", "a/b", "a/b/c", "a/b/c/d", "a/b/c/d/e", "blobs", "blobs/uploads", "manifests/tags/list", "tags/list"];
    for name in names {
        let cases = [
            (Method::GET, format!("/v2/{name}/tags/list"), 404),
            (Method::GET, format!("/v2/{name}/manifests/latest"), 404),
            (Method::HEAD, format!("/v2/{name}/manifests/{absent}"), 404),
            (Method::GET, format!("/v2/{name}/referrers/{absent}"), 200),
            (Method::GET, format!("/v2/{name}/blobs/{absent}"), 404),
            (Method::HEAD, format!("/v2/{name}/blobs/{}", absent.as_str().replace(':', "%3A")), 404),
            (Method::GET, format!("/v2/{name}/blobs/uploads/{}", "0".repeat(32)), 404),
            (Method::POST, format!("/v2/{name}/blobs/uploads/"), 202),
            (Method::POST, format!("/v2/{name}/blobs/uploads"), 202),
            (Method::POST, format!("/v2/{name}/tags/list"), 405),
        ];
        for (method, path, status) in cases {
            let answer = client.call(method.clone(), &path).send().await;
            assert_eq!(answer.status.as_u16(), status, "{method} {path}: {answer:?}");
            assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0", "{method} {path}");
            assert!(!answer.header("x-request-id").is_empty(), "{method} {path}");
        }
    }
    for (path, status) in
        [("/v2/", 200), ("/v2", 200), ("/v2/_catalog", 200), ("/readyz", 200), ("/", 404), ("/v1/", 404)]
    {
        assert_eq!(client.get(path).await.status.as_u16(), status, "{path}");
    }
    for path in ["/v2/a%20b/tags/list", "/v2/A/tags/list", "/v2/a/..%2Fb/tags/list"] {
        let refused = client.get(path).await;
        assert_eq!((refused.status.as_u16(), &*refused.code()), (400, "NAME_INVALID"), "{path}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_below_one_name_appear_in_its_lists_whatever_function_took_them() {
    let Some(stack) = stack().await else { return };
    let _calm = WIRE.read().await;
    let client = stack.client();
    for name in ["deep/1/2/3/4/5", "flat"] {
        harness::content::push_image(&client, name, "latest", &["layer".into()]).await;
        assert_eq!(client.get(format!("/v2/{name}/tags/list")).await.json()["tags"][0], "latest");
    }
    let listed = client.get("/v2/_catalog?n=1000").await.json();
    let listed: BTreeSet<_> =
        listed["repositories"].as_array().into_iter().flatten().map(ToString::to_string).collect();
    assert!(listed.contains("\"flat\"") && listed.contains("\"deep/1/2/3/4/5\""), "{listed:?}");
}
