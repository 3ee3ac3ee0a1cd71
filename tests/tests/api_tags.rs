//! Lists of tags and of repositories, page by page.

use bytes::Bytes;
use harness::client::{Answer, Client};
use harness::content::{IMAGE, push_blob, push_image};
use harness::memory::registry;
use http::Method;
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A registry with these tags, pushed in this order.
async fn tagged(tags: &[&str]) -> Client {
    let client = registry().await;
    for tag in tags {
        push_image(&client, "team/app", tag, &[]).await;
    }
    client
}

async fn list(client: &Client, query: &str) -> Answer {
    client.get(format!("/v2/team/app/tags/list{query}")).await
}

/// The page has these tags, and leads on to the next when there is one.
#[track_caller]
fn is_page(answer: &Answer, tags: &[&str], next: Option<&str>) {
    let link = next.map(|next| format!("</v2/team/app/tags/list{next}>; rel=\"next\""));
    let link = link.as_deref().map(|link| ("link", link));
    answer.expect(200, &[JSON].into_iter().chain(link).collect::<Vec<_>>());
    assert_eq!(answer.json(), json!({ "name": "team/app", "tags": tags }));
}

/// Where the answer leads on to.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link").strip_prefix('<')?;
    Some(link.split_once(">; rel=\"next\"")?.0.to_owned())
}

/// What all pages from this one on have together, and how many they are.
async fn follow(client: &Client, first: &str, field: &str) -> (Vec<Value>, usize) {
    let (mut found, mut pages, mut target) = (Vec::new(), 0, Some(first.to_owned()));
    while let Some(page) = target {
        let answer = client.get(page).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        found.extend(answer.json()[field].as_array().cloned().unwrap_or_default());
        pages += 1;
        target = next(&answer);
    }
    (found, pages)
}

#[tokio::test]
async fn tags_are_listed_in_byte_order() {
    let client = tagged(&["latest", "v10", "v2", "LATEST", "_x", "1.0", "v2-rc.1"]).await;
    let all = ["1.0", "LATEST", "_x", "latest", "v10", "v2", "v2-rc.1"];
    is_page(&list(&client, "").await, &all, None);
    is_page(&list(&client, "?n=100").await, &all, None);
    let length = list(&client, "").await.body.len().to_string();
    client.head("/v2/team/app/tags/list").await.expect(200, &[JSON, ("content-length", &length)]);
}

#[tokio::test]
async fn a_page_has_as_many_tags_as_were_asked_for() {
    let client = tagged(&["a", "b", "c", "d", "e"]).await;
    is_page(&list(&client, "?n=2").await, &["a", "b"], Some("?n=2&last=b"));
    is_page(&list(&client, "?n=2&last=b").await, &["c", "d"], Some("?n=2&last=d"));
    is_page(&list(&client, "?n=2&last=d").await, &["e"], None);
    is_page(&list(&client, "?n=5").await, &["a", "b", "c", "d", "e"], None);
    is_page(&list(&client, "?n=0").await, &[], None);
    is_page(&list(&client, "?last=c").await, &["d", "e"], None);
    is_page(&list(&client, "?last=zzz").await, &[], None);
    is_page(&list(&client, "?last=bb&n=1").await, &["c"], Some("?n=1&last=c"));
}

#[tokio::test]
async fn links_lead_to_every_tag_once() {
    let client = tagged(&["t0"]).await;
    let manifest = client.get("/v2/team/app/manifests/t0").await;
    for first in (0..120).step_by(20) {
        let tags: Vec<_> = (first..first + 20).map(|number| format!("tag=t{number}")).collect();
        let target = format!("/v2/team/app/manifests/{}?{}", manifest.header("docker-content-digest"), tags.join("&"));
        let put =
            client.call(Method::PUT, target).header("content-type", IMAGE).body(manifest.body.clone()).send().await;
        assert_eq!(put.status, 201, "{put:?}");
    }
    let mut all: Vec<_> = (0..120).map(|number| format!("t{number}")).collect();
    all.sort();
    for (size, pages) in [(7, 18), (60, 2), (119, 2), (120, 1), (1000, 1)] {
        let found = follow(&client, &format!("/v2/team/app/tags/list?n={size}"), "tags").await;
        assert_eq!(found, (all.iter().map(|tag| json!(tag)).collect(), pages), "pages of {size}");
    }
}

#[tokio::test]
async fn a_page_of_no_number_is_a_bad_request() {
    let client = tagged(&["a"]).await;
    for query in ["?n=-1", "?n=x", "?n=1.5", "?n=%2B1"] {
        list(&client, query).await.expect_error(400, "PAGINATION_NUMBER_INVALID", &[]);
        client.get(format!("/v2/_catalog{query}")).await.expect_error(400, "PAGINATION_NUMBER_INVALID", &[]);
    }
    is_page(&list(&client, "?n=99999999999999999999999").await, &["a"], None);
    list(&client, "?last=.bad").await.expect_error(400, "TAG_INVALID", &[]);
}

#[tokio::test]
async fn a_repository_is_known_from_its_first_manifest_on() {
    let client = registry().await;
    list(&client, "").await.expect_error(404, "NAME_UNKNOWN", &[]);
    push_blob(&client, "team/app", &Bytes::from_static(b"blob")).await;
    list(&client, "").await.expect_error(404, "NAME_UNKNOWN", &[]);
    let digest = push_image(&client, "team/app", "only", &[]).await;
    is_page(&list(&client, "").await, &["only"], None);
    assert_eq!(client.delete(format!("/v2/team/app/manifests/{digest}")).await.status, 202);
    is_page(&list(&client, "").await, &[], None);
}

#[tokio::test]
async fn repositories_are_listed_page_by_page() {
    let client = registry().await;
    let empty = client.get("/v2/_catalog").await;
    empty.expect(200, &[JSON]);
    assert_eq!(empty.json(), json!({ "repositories": [] }));
    let names = ["b/c", "a", "b", "a/b/c/d/e", "b-c", "b/c/tags"];
    for name in names {
        push_image(&client, name, "latest", &[]).await;
    }
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    let all = client.get("/v2/_catalog").await;
    all.expect(200, &[JSON]);
    assert_eq!(all.json(), json!({ "repositories": sorted }));
    let page = client.get("/v2/_catalog?n=2").await;
    page.expect(200, &[JSON, ("link", "</v2/_catalog?n=2&last=a%2Fb%2Fc%2Fd%2Fe>; rel=\"next\"")]);
    assert_eq!(page.json(), json!({ "repositories": ["a", "a/b/c/d/e"] }));
    for (size, pages) in [(1, 6), (2, 3), (4, 2), (6, 1)] {
        let found = follow(&client, &format!("/v2/_catalog?n={size}"), "repositories").await;
        assert_eq!(found, (sorted.iter().map(|name| json!(name)).collect(), pages), "pages of {size}");
    }
    client.get("/v2/_catalog?last=NO").await.expect_error(400, "NAME_INVALID", &[]);
}
