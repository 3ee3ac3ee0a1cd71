//! Referrers: what was said about a manifest.

use bytes::Bytes;
use harness::client::{Answer, Client};
use harness::content::{IMAGE, digest, push_blob, push_image};
use harness::memory::registry;
use http::Method;
use serde_json::{Value, json};
use shared::oci::{Algorithm, Digest};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const SIGNATURE: &str = "application/vnd.example.signature+json";
const SBOM: &str = "application/vnd.example.sbom+json";
const EMPTY: Bytes = Bytes::from_static(b"{}");

/// An artifact about `subject`, told apart by its number, and the descriptor under which it shall be listed.
fn artifact(subject: &Digest, artifact_type: &str, number: usize) -> (Bytes, Value) {
    let annotations = json!({ "number": number.to_string() });
    let config = json!({ "mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(&EMPTY), "size": 2 });
    let manifest = json!({
        "schemaVersion": 2, "mediaType": IMAGE, "artifactType": artifact_type, "config": config, "layers": [],
        "subject": { "mediaType": IMAGE, "digest": subject, "size": 1 }, "annotations": annotations,
    });
    let manifest = Bytes::from(manifest.to_string());
    let descriptor = json!({
        "mediaType": IMAGE, "digest": digest(&manifest), "size": manifest.len(), "artifactType": artifact_type,
        "annotations": annotations,
    });
    (manifest, descriptor)
}

async fn put(client: &Client, manifest: &Bytes, media_type: &str) -> Answer {
    let target = format!("/v2/team/app/manifests/{}", digest(manifest));
    let put = client.call(Method::PUT, target).header("content-type", media_type).body(manifest.clone()).send().await;
    assert_eq!(put.status, 201, "{put:?}");
    put
}

/// A registry with these artifacts about `subject`, and their descriptors in the order of the list.
async fn with(subject: &Digest, artifact_types: &[&str]) -> (Client, Vec<Value>) {
    let client = registry().await;
    push_blob(&client, "team/app", &EMPTY).await;
    let mut descriptors = Vec::new();
    for (number, artifact_type) in artifact_types.iter().enumerate() {
        let (manifest, descriptor) = artifact(subject, artifact_type, number);
        assert_eq!(put(&client, &manifest, IMAGE).await.header("oci-subject"), subject.as_str());
        descriptors.push(descriptor);
    }
    descriptors.sort_by_key(|descriptor| descriptor["digest"].to_string());
    (client, descriptors)
}

async fn list(client: &Client, subject: &Digest, query: &str) -> Answer {
    client.get(format!("/v2/team/app/referrers/{subject}{query}")).await
}

/// The answer is an index of these manifests, with these headers beside its type.
#[track_caller]
fn lists(answer: &Answer, manifests: &[Value], headers: &[(&str, &str)]) {
    answer.expect(200, &[headers, &[("content-type", INDEX)]].concat());
    assert_eq!(answer.json(), json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }));
}

#[tokio::test]
async fn nothing_is_said_about_a_stranger() {
    let client = registry().await;
    lists(&list(&client, &digest(b"unknown"), "").await, &[], &[]);
    client.get("/v2/team/app/referrers/sha256:abc").await.expect_error(400, "DIGEST_INVALID", &[]);
    client.get("/v2/team/app/referrers/latest").await.expect_error(400, "DIGEST_INVALID", &[]);
}

#[tokio::test]
async fn each_referrer_is_listed_with_what_it_says_of_itself() {
    let subject = digest(b"subject");
    let (client, all) = with(&subject, &[SIGNATURE, SBOM, SIGNATURE]).await;
    lists(&list(&client, &subject, "").await, &all, &[]);
    lists(&client.get(format!("/v2/team/other/referrers/{subject}")).await, &[], &[]);
}

#[tokio::test]
async fn a_subject_that_comes_later_finds_its_referrers() {
    let client = registry().await;
    let subject = push_image(&client, "team/app", "latest", &[]).await;
    let (manifest, descriptor) = artifact(&subject, SBOM, 0);
    assert_eq!(client.delete(format!("/v2/team/app/manifests/{subject}")).await.status, 202);
    put(&client, &manifest, IMAGE).await;
    lists(&list(&client, &subject, "").await, std::slice::from_ref(&descriptor), &[]);
    assert_eq!(push_image(&client, "team/app", "latest", &[]).await, subject);
    lists(&list(&client, &subject, "").await, &[descriptor], &[]);
}

#[tokio::test]
async fn an_image_is_of_the_type_of_its_configuration_and_an_index_of_its_own() {
    let client = registry().await;
    push_blob(&client, "team/app", &EMPTY).await;
    let subject = digest(b"subject");
    let about = json!({ "mediaType": IMAGE, "digest": subject, "size": 1 });
    let config = json!({ "mediaType": CONFIG, "digest": digest(&EMPTY), "size": 2 });
    let image = json!({ "schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [], "subject": about });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [], "subject": about });
    let typed =
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [], "subject": about, "artifactType": SBOM });
    let mut expected = Vec::new();
    for (manifest, artifact_type) in [(image, Some(CONFIG)), (index, None), (typed, Some(SBOM))] {
        let media_type = manifest["mediaType"].as_str().unwrap_or_default().to_owned();
        let manifest = Bytes::from(manifest.to_string());
        put(&client, &manifest, &media_type).await;
        let mut descriptor = json!({ "mediaType": media_type, "digest": digest(&manifest), "size": manifest.len() });
        if let Some(artifact_type) = artifact_type {
            descriptor["artifactType"] = json!(artifact_type);
        }
        expected.push(descriptor);
    }
    expected.sort_by_key(|descriptor| descriptor["digest"].to_string());
    lists(&list(&client, &subject, "").await, &expected, &[]);
}

#[tokio::test]
async fn a_filter_is_applied_and_said_to_be() {
    let subject = digest(b"subject");
    let (client, all) = with(&subject, &[SIGNATURE, SBOM, SIGNATURE, SBOM, SBOM]).await;
    for wanted in [SIGNATURE, SBOM, "application/vnd.example.none"] {
        let of_type: Vec<_> = all.iter().filter(|descriptor| descriptor["artifactType"] == wanted).cloned().collect();
        let query = format!("?artifactType={}", wanted.replace('+', "%2B"));
        lists(&list(&client, &subject, &query).await, &of_type, &[("oci-filters-applied", "artifactType")]);
    }
    lists(&list(&client, &subject, "?artifactType=").await, &all, &[]);
}

/// What all pages from this one on list, and how many they are.
async fn follow(client: &Client, first: String) -> (Vec<Value>, usize) {
    let (mut found, mut pages, mut target) = (Vec::new(), 0, Some(first));
    while let Some(page) = target {
        let answer = client.get(page).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        found.extend(answer.json()["manifests"].as_array().cloned().unwrap_or_default());
        pages += 1;
        let next = answer.header("link").strip_prefix('<').and_then(|link| link.split_once(">; rel=\"next\""));
        target = next.map(|(next, _)| next.to_owned());
    }
    (found, pages)
}

#[tokio::test]
async fn links_lead_to_every_referrer_once_and_keep_the_filter() {
    let subject = digest(b"subject");
    let types: Vec<_> = (0..130).map(|number| if number % 10 == 0 { SBOM } else { SIGNATURE }).collect();
    let (client, all) = with(&subject, &types).await;
    let page = list(&client, &subject, "?n=4").await;
    let last = all[3]["digest"].as_str().unwrap_or_default().replace(':', "%3A");
    let link = format!("</v2/team/app/referrers/{subject}?n=4&last={last}>; rel=\"next\"");
    lists(&page, &all[..4], &[("link", &link)]);
    let target = |query: &str| format!("/v2/team/app/referrers/{subject}{query}");
    for (size, pages) in [(7, 19), (65, 2), (130, 1), (1000, 1)] {
        let found = follow(&client, target(&format!("?n={size}"))).await;
        assert_eq!(found, (all.clone(), pages), "pages of {size}");
    }
    let of_type: Vec<_> = all.iter().filter(|descriptor| descriptor["artifactType"] == SBOM).cloned().collect();
    let filter = SBOM.replace('+', "%2B");
    let found = follow(&client, target(&format!("?artifactType={filter}&n=5"))).await;
    assert_eq!(found, (of_type, 3));
}

#[tokio::test]
async fn a_page_of_referrers_fits_in_an_answer() {
    let client = registry().await;
    push_blob(&client, "team/app", &EMPTY).await;
    let subject = digest(b"subject");
    for number in 0..6 {
        let config = json!({ "mediaType": CONFIG, "digest": digest(&EMPTY), "size": 2 });
        let manifest = json!({
            "schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [],
            "subject": { "mediaType": IMAGE, "digest": subject, "size": 1 },
            "annotations": { "long": number.to_string().repeat(250_000) },
        });
        put(&client, &Bytes::from(manifest.to_string()), IMAGE).await;
    }
    let first = list(&client, &subject, "").await;
    assert!(first.body.len() < 1024 * 1024 + 4096, "{} bytes", first.body.len());
    let (found, pages) = follow(&client, format!("/v2/team/app/referrers/{subject}")).await;
    assert_eq!((found.len(), pages), (6, 2));
}

#[tokio::test]
async fn annotations_too_large_to_list_are_refused() {
    let client = registry().await;
    push_blob(&client, "team/app", &EMPTY).await;
    let config = json!({ "mediaType": CONFIG, "digest": digest(&EMPTY), "size": 2 });
    let manifest = json!({
        "schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [],
        "subject": { "mediaType": IMAGE, "digest": digest(b"subject"), "size": 1 },
        "annotations": { "long": "x".repeat(256 * 1024) },
    });
    let put = client.call(Method::PUT, "/v2/team/app/manifests/latest").header("content-type", IMAGE);
    put.body(manifest.to_string()).send().await.expect_error(413, "MANIFEST_INVALID", &[]);
}

#[tokio::test]
async fn a_deleted_referrer_is_listed_no_more() {
    let subject = digest(b"subject");
    let (client, mut all) = with(&subject, &[SIGNATURE, SBOM]).await;
    let gone = all.remove(0);
    let gone = gone["digest"].as_str().unwrap_or_default();
    assert_eq!(client.delete(format!("/v2/team/app/manifests/{gone}")).await.status, 202);
    lists(&list(&client, &subject, "").await, &all, &[]);
}

#[tokio::test]
async fn a_subject_may_be_named_by_its_sha512() {
    let subject = Digest::of(Algorithm::Sha512, b"subject");
    let (client, all) = with(&subject, &[SIGNATURE]).await;
    lists(&list(&client, &subject, "").await, &all, &[]);
}
