//! Manifests, as their clients see them: put, read, tagged, deleted.

use bytes::Bytes;
use harness::client::{Answer, Client};
use harness::content::{IMAGE, digest, image, noise, push_blob, push_image};
use harness::memory::registry;
use http::Method;
use serde_json::{Value, json};
use shared::oci::{Algorithm, Digest};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const EMPTY: Bytes = Bytes::from_static(b"{}");

async fn put(client: &Client, target: &str, media_type: &str, manifest: impl Into<Bytes>) -> Answer {
    let target = format!("/v2/team/app/manifests/{target}");
    client.call(Method::PUT, target).header("content-type", media_type).body(manifest).send().await
}

async fn get(client: &Client, reference: impl AsRef<str>) -> Answer {
    client.get(format!("/v2/team/app/manifests/{}", reference.as_ref())).await
}

async fn delete(client: &Client, reference: impl AsRef<str>) -> Answer {
    client.delete(format!("/v2/team/app/manifests/{}", reference.as_ref())).await
}

fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(content), "size": content.len() })
}

/// An image of these layers over the empty configuration.
fn of(media_type: &str, layers: &[Value]) -> Bytes {
    let config = descriptor(CONFIG, &EMPTY);
    json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers }).to_string().into()
}

fn index(media_type: &str, manifests: &[Value]) -> Bytes {
    json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": manifests }).to_string().into()
}

/// A registry whose repository `team/app` has the empty configuration.
async fn with_config() -> Client {
    let client = registry().await;
    push_blob(&client, "team/app", &EMPTY).await;
    client
}

#[track_caller]
fn published(answer: &Answer, digest: &Digest, more: &[(&str, &str)]) {
    let location = format!("/v2/team/app/manifests/{digest}");
    let headers = [("location", &*location), ("docker-content-digest", digest.as_str())];
    answer.expect(201, &[&headers, more].concat());
}

/// Whether it is read by tag and by digest, by GET and by HEAD, as the bytes that were put.
async fn assert_reads(client: &Client, references: &[&str], digest: &Digest, media_type: &str, bytes: &Bytes) {
    let (etag, length) = (format!("\"{digest}\""), bytes.len().to_string());
    let headers = [
        ("content-type", media_type),
        ("content-length", &*length),
        ("docker-content-digest", digest.as_str()),
        ("etag", &*etag),
    ];
    for reference in references {
        let got = get(client, reference).await;
        got.expect(200, &headers);
        assert!(got.body == *bytes, "{reference} is not what was put");
        client.head(format!("/v2/team/app/manifests/{reference}")).await.expect(200, &headers);
    }
}

#[tokio::test]
async fn each_kind_of_manifest_reads_back_as_it_was_put() {
    let client = with_config().await;
    let child = of(IMAGE, &[]);
    published(&put(&client, "child", IMAGE, child.clone()).await, &digest(&child), &[]);
    let children = [descriptor(IMAGE, &child)];
    let kinds = [
        (IMAGE, of(IMAGE, &[descriptor(LAYER, &EMPTY)])),
        (DOCKER, of(DOCKER, &[])),
        (INDEX, index(INDEX, &children)),
        (DOCKER_LIST, index(DOCKER_LIST, &children)),
        (INDEX, index(INDEX, &[])),
    ];
    for (media_type, manifest) in kinds {
        let digest = digest(&manifest);
        published(&put(&client, "latest", media_type, manifest.clone()).await, &digest, &[]);
        assert_reads(&client, &["latest", digest.as_str()], &digest, media_type, &manifest).await;
    }
}

#[tokio::test]
async fn an_artifact_is_a_manifest_of_any_configuration() {
    let client = with_config().await;
    let empty = descriptor("application/vnd.oci.empty.v1+json", &EMPTY);
    let artifact: Bytes = json!({
        "schemaVersion": 2, "mediaType": IMAGE, "artifactType": "application/vnd.example+type",
        "config": empty, "layers": [empty],
    })
    .to_string()
    .into();
    let digest = digest(&artifact);
    published(&put(&client, digest.as_str(), IMAGE, artifact.clone()).await, &digest, &[]);
    assert_reads(&client, &[digest.as_str()], &digest, IMAGE, &artifact).await;
}

#[tokio::test]
async fn a_manifest_keeps_every_byte() {
    let client = with_config().await;
    let manifest = Bytes::from(format!(
        "\n{{ \"layers\" :[],\t\"unknown\": [1.50, \"\\u00e4ä\"],\r\n \"config\": {},\"schemaVersion\":2}}\n\n",
        descriptor(CONFIG, &EMPTY)
    ));
    let digest = digest(&manifest);
    published(&put(&client, "odd", IMAGE, manifest.clone()).await, &digest, &[]);
    assert_reads(&client, &["odd", digest.as_str()], &digest, IMAGE, &manifest).await;
}

#[tokio::test]
async fn a_media_type_is_kept_without_its_parameters() {
    let client = with_config().await;
    let manifest = of(IMAGE, &[]);
    let put = put(&client, "latest", &format!("{IMAGE}; charset=utf-8"), manifest.clone()).await;
    published(&put, &digest(&manifest), &[]);
    assert_reads(&client, &["latest"], &digest(&manifest), IMAGE, &manifest).await;
}

#[tokio::test]
async fn a_manifest_that_nobody_names_a_type_for_is_what_it_looks_like() {
    let client = with_config().await;
    let manifest = Bytes::from(json!({ "schemaVersion": 2, "manifests": [] }).to_string());
    let put = client.call(Method::PUT, "/v2/team/app/manifests/latest").body(manifest.clone()).send().await;
    published(&put, &digest(&manifest), &[]);
    assert_reads(&client, &["latest"], &digest(&manifest), INDEX, &manifest).await;
}

#[tokio::test]
async fn whatever_a_client_accepts_it_gets_what_was_put() {
    let client = with_config().await;
    let manifest = of(IMAGE, &[]);
    put(&client, "latest", IMAGE, manifest.clone()).await;
    for accepted in [&[DOCKER, DOCKER_LIST, INDEX][..], &["*/*"], &[&format!("{DOCKER}, {IMAGE};q=0.5"), "text/html"]] {
        let call = client.call(Method::GET, "/v2/team/app/manifests/latest");
        let got = accepted.iter().fold(call, |call, accepted| call.header("accept", *accepted)).send().await;
        assert_eq!((got.status.as_u16(), got.header("content-type"), &got.body), (200, IMAGE, &manifest));
    }
}

#[tokio::test]
async fn a_manifest_that_the_client_has_is_not_sent_again() {
    let client = with_config().await;
    let manifest = of(IMAGE, &[]);
    put(&client, "latest", IMAGE, manifest.clone()).await;
    let (digest, etag) = (digest(&manifest), format!("\"{}\"", digest(&manifest)));
    let again = client.call(Method::GET, "/v2/team/app/manifests/latest").header("if-none-match", &*etag).send().await;
    again.expect(304, &[("content-type", IMAGE), ("docker-content-digest", digest.as_str()), ("etag", &etag)]);
}

#[tokio::test]
async fn a_tag_moves_to_what_was_put_last() {
    let client = with_config().await;
    let (first, second) = (of(IMAGE, &[]), of(IMAGE, &[descriptor(LAYER, &EMPTY)]));
    for manifest in [&first, &second, &first, &first] {
        published(&put(&client, "latest", IMAGE, manifest.clone()).await, &digest(manifest), &[]);
        assert_reads(&client, &["latest"], &digest(manifest), IMAGE, manifest).await;
    }
    assert_reads(&client, &[digest(&second).as_str()], &digest(&second), IMAGE, &second).await;
}

#[tokio::test]
async fn a_manifest_is_put_under_several_tags_at_once() {
    let client = with_config().await;
    let manifest = of(IMAGE, &[]);
    let digest = digest(&manifest);
    let answer = put(&client, &format!("{digest}?tag=1&tag=1.2&tag=1.2.3"), IMAGE, manifest.clone()).await;
    published(&answer, &digest, &[("oci-tag", "1"), ("oci-tag", "1.2"), ("oci-tag", "1.2.3")]);
    assert_reads(&client, &["1", "1.2", "1.2.3", digest.as_str()], &digest, IMAGE, &manifest).await;
}

#[tokio::test]
async fn more_tags_than_one_transaction_moves_are_refused() {
    let client = with_config().await;
    let manifest = of(IMAGE, &[]);
    let tags = |count: usize| (0..count).map(|number| format!("tag=t{number}")).collect::<Vec<_>>().join("&");
    let target = |count| format!("{}?{}", digest(&manifest), tags(count));
    put(&client, &target(26), IMAGE, manifest.clone()).await.expect_error(400, "TAG_INVALID", &[]);
    get(&client, "t0").await.expect_error(404, "MANIFEST_UNKNOWN", &[]);
    assert_eq!(put(&client, &target(25), IMAGE, manifest.clone()).await.status, 201);
    put(&client, &format!("{}?tag=-bad", digest(&manifest)), IMAGE, manifest).await.expect_error(
        400,
        "TAG_INVALID",
        &[],
    );
}

#[tokio::test]
async fn a_manifest_with_a_subject_is_told_that_it_was_noticed() {
    let client = with_config().await;
    let subject = of(IMAGE, &[]);
    let about = json!({
        "schemaVersion": 2, "mediaType": IMAGE, "config": descriptor(CONFIG, &EMPTY), "layers": [],
        "subject": descriptor(IMAGE, &subject),
    });
    let about = Bytes::from(about.to_string());
    // The subject need not be there.
    let answer = put(&client, "about", IMAGE, about.clone()).await;
    published(&answer, &digest(&about), &[("oci-subject", digest(&subject).as_str())]);
}

#[tokio::test]
async fn a_manifest_of_what_is_not_there_is_refused_with_a_list() {
    let client = with_config().await;
    let there = push_blob(&client, "team/app", &Bytes::from_static(b"there")).await;
    push_blob(&client, "team/other", &Bytes::from_static(b"elsewhere")).await;
    let layers = [b"one".as_slice(), b"there", b"elsewhere", b"one"].map(|layer| descriptor(LAYER, layer));
    let manifest = of(IMAGE, &layers);
    let detail = put(&client, "latest", IMAGE, manifest.clone()).await.expect_error(400, "MANIFEST_BLOB_UNKNOWN", &[]);
    assert_eq!(detail, json!({ "missing": [digest(b"one"), digest(b"elsewhere")] }));
    for reference in ["latest", digest(&manifest).as_str()] {
        get(&client, reference).await.expect_error(404, "MANIFEST_UNKNOWN", &[]);
    }
    // What a refused manifest names is not in use.
    assert_eq!(client.delete(format!("/v2/team/app/blobs/{there}")).await.status, 202);
}

#[tokio::test]
async fn a_configuration_counts_as_well() {
    let client = registry().await;
    let detail = put(&client, "latest", IMAGE, of(IMAGE, &[])).await.expect_error(400, "MANIFEST_BLOB_UNKNOWN", &[]);
    assert_eq!(detail, json!({ "missing": [digest(&EMPTY)] }));
}

#[tokio::test]
async fn an_index_of_manifests_that_are_not_there_is_refused_with_a_list() {
    let client = with_config().await;
    let child = of(IMAGE, &[]);
    put(&client, "child", IMAGE, child.clone()).await;
    let (absent, list) = (descriptor(IMAGE, b"absent"), descriptor(DOCKER_LIST, b"list"));
    let manifest = index(INDEX, &[descriptor(IMAGE, &child), absent, list]);
    let detail = put(&client, "latest", INDEX, manifest).await.expect_error(400, "MANIFEST_BLOB_UNKNOWN", &[]);
    assert_eq!(detail, json!({ "missing": [digest(b"absent"), digest(b"list")] }));
}

#[tokio::test]
async fn layers_that_lie_elsewhere_need_not_be_pushed() {
    let client = with_config().await;
    let foreign = [
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    ];
    let layers = foreign.map(|media_type| {
        let mut layer = descriptor(media_type, media_type.as_bytes());
        layer["urls"] = json!(["https://example.com/layer"]);
        layer
    });
    let manifest = of(IMAGE, &layers);
    published(&put(&client, "latest", IMAGE, manifest.clone()).await, &digest(&manifest), &[]);
    assert_reads(&client, &["latest"], &digest(&manifest), IMAGE, &manifest).await;
}

#[tokio::test]
async fn a_build_cache_is_an_index_whose_children_are_blobs() {
    let client = registry().await;
    let (layer, config) = (Bytes::from_static(b"layer"), Bytes::from_static(b"{\"records\":[]}"));
    let children = [descriptor(LAYER, &layer), descriptor("application/vnd.buildkit.cacheconfig.v0", &config)];
    let cache = index(INDEX, &children);
    push_blob(&client, "team/app", &config).await;
    let detail = put(&client, "cache", INDEX, cache.clone()).await.expect_error(400, "MANIFEST_BLOB_UNKNOWN", &[]);
    assert_eq!(detail, json!({ "missing": [digest(&layer)] }));
    push_blob(&client, "team/app", &layer).await;
    published(&put(&client, "cache", INDEX, cache.clone()).await, &digest(&cache), &[]);
    assert_reads(&client, &["cache"], &digest(&cache), INDEX, &cache).await;
    client.delete(format!("/v2/team/app/blobs/{}", digest(&layer))).await.expect_error(409, "DENIED", &[]);
}

/// An image of about so many bytes.
fn large(bytes: usize) -> Bytes {
    let annotations = json!({ "filling": hex::encode(noise(1, bytes / 2)) });
    let config = descriptor(CONFIG, &EMPTY);
    let manifest =
        json!({ "schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [], "annotations": annotations });
    manifest.to_string().into()
}

#[tokio::test]
async fn a_manifest_too_large_for_its_row_lies_in_the_ring() {
    let client = with_config().await;
    for size in [300 * 1024, 4 * 1024 * 1024 - 1024] {
        let manifest = large(size);
        let digest = digest(&manifest);
        published(&put(&client, "large", IMAGE, manifest.clone()).await, &digest, &[]);
        assert_reads(&client, &["large", digest.as_str()], &digest, IMAGE, &manifest).await;
        delete(&client, digest.as_str()).await.expect(202, &[]);
        get(&client, "large").await.expect_error(404, "MANIFEST_UNKNOWN", &[]);
    }
}

#[tokio::test]
async fn a_manifest_of_more_than_four_mebibytes_is_too_large() {
    let client = with_config().await;
    let manifest = large(4 * 1024 * 1024 + 1);
    put(&client, "large", IMAGE, manifest).await.expect_error(413, "SIZE_INVALID", &[]);
    get(&client, "large").await.expect_error(404, "MANIFEST_UNKNOWN", &[]);
}

#[tokio::test]
async fn a_manifest_is_what_its_digest_says() {
    let client = with_config().await;
    let (manifest, other) = (of(IMAGE, &[]), digest(b"other"));
    let detail = put(&client, other.as_str(), IMAGE, manifest.clone()).await.expect_error(400, "DIGEST_INVALID", &[]);
    assert_eq!(detail, json!({ "expected": other, "actual": digest(&manifest) }));
    get(&client, other.as_str()).await.expect_error(404, "MANIFEST_UNKNOWN", &[]);
    get(&client, digest(&manifest).as_str()).await.expect_error(404, "MANIFEST_UNKNOWN", &[]);
}

#[tokio::test]
async fn a_manifest_is_put_and_read_under_its_sha512() {
    let client = with_config().await;
    let manifest = of(IMAGE, &[]);
    let digest = Digest::of(Algorithm::Sha512, &manifest);
    published(
        &put(&client, &format!("{digest}?tag=latest"), IMAGE, manifest.clone()).await,
        &digest,
        &[("oci-tag", "latest")],
    );
    assert_reads(&client, &["latest", digest.as_str()], &digest, IMAGE, &manifest).await;
}

#[tokio::test]
async fn what_is_no_manifest_is_refused() {
    let client = with_config().await;
    let bad = [
        (IMAGE, String::new()),
        (IMAGE, "{".to_owned()),
        (IMAGE, "[]".to_owned()),
        (IMAGE, json!({ "schemaVersion": 2 }).to_string()),
        (IMAGE, json!({ "schemaVersion": 1, "layers": [], "config": descriptor(CONFIG, &EMPTY) }).to_string()),
        (INDEX, String::from_utf8_lossy(&of(IMAGE, &[])).into_owned()),
        ("application/json", json!({ "schemaVersion": 2, "layers": [], "config": descriptor(CONFIG, &EMPTY) }).to_string()),
        (IMAGE, format!("\u{feff}{}", String::from_utf8_lossy(&of(IMAGE, &[])))),
        (IMAGE, json!({ "schemaVersion": 2, "mediaType": IMAGE, "config": descriptor(CONFIG, &EMPTY), "layers": [], "manifests": [] }).to_string()),
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", "{\"schemaVersion\":1}".to_owned()),
        ("nonsense", String::from_utf8_lossy(&of(IMAGE, &[])).into_owned()),
    ];
    for (media_type, manifest) in bad {
        put(&client, "latest", media_type, manifest).await.expect_error(400, "MANIFEST_INVALID", &[]);
    }
    get(&client, "latest").await.expect_error(404, "MANIFEST_UNKNOWN", &[]);
}

#[tokio::test]
async fn what_is_not_there_is_unknown_and_what_can_never_be_is_a_bad_request() {
    let client = with_config().await;
    for reference in ["latest", digest(b"absent").as_str(), ".not-a-tag", &"t".repeat(129)] {
        get(&client, reference).await.expect_error(404, "MANIFEST_UNKNOWN", &[]);
        delete(&client, reference).await.expect_error(404, "MANIFEST_UNKNOWN", &[]);
        assert_eq!(client.head(format!("/v2/team/app/manifests/{reference}")).await.status, 404);
    }
    put(&client, ".not-a-tag", IMAGE, of(IMAGE, &[])).await.expect_error(400, "TAG_INVALID", &[]);
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = client.call(method, "/v2/team/app/manifests/sha256:abc").body(of(IMAGE, &[])).send().await;
        answer.expect_error(400, "DIGEST_INVALID", &[]);
    }
}

#[tokio::test]
async fn a_deleted_tag_leaves_its_manifest() {
    let client = registry().await;
    let digest = push_image(&client, "team/app", "one", &[]).await;
    push_image(&client, "team/app", "two", &[]).await;
    delete(&client, "one").await.expect(202, &[]);
    get(&client, "one").await.expect_error(404, "MANIFEST_UNKNOWN", &[]);
    delete(&client, "one").await.expect_error(404, "MANIFEST_UNKNOWN", &[]);
    for reference in ["two", digest.as_str()] {
        assert_eq!(get(&client, reference).await.body, image(&EMPTY, &[]));
    }
}

#[tokio::test]
async fn a_deleted_manifest_takes_its_sixty_tags_along() {
    let client = registry().await;
    let layer = Bytes::from_static(b"layer");
    let other = push_image(&client, "team/app", "other", &[]).await;
    let digest = push_image(&client, "team/app", "t0", std::slice::from_ref(&layer)).await;
    let manifest = get(&client, "t0").await.body;
    for first in [0, 20, 40] {
        let tags: Vec<_> = (first..first + 20).map(|number| format!("tag=t{number}")).collect();
        let answer = put(&client, &format!("{digest}?{}", tags.join("&")), IMAGE, manifest.clone()).await;
        assert_eq!(answer.status, 201);
    }
    delete(&client, digest.as_str()).await.expect(202, &[]);
    for reference in (0..60).map(|number| format!("t{number}")).chain([digest.to_string()]) {
        get(&client, reference).await.expect_error(404, "MANIFEST_UNKNOWN", &[]);
    }
    delete(&client, digest.as_str()).await.expect_error(404, "MANIFEST_UNKNOWN", &[]);
    let tags = client.get("/v2/team/app/tags/list").await.json();
    assert_eq!(tags, json!({ "name": "team/app", "tags": ["other"] }));
    assert_eq!(get(&client, other.as_str()).await.status, 200);
    // Its layer is free, and it can come back.
    assert_eq!(client.delete(format!("/v2/team/app/blobs/{}", self::digest(&layer))).await.status, 202);
    assert_eq!(push_image(&client, "team/app", "t0", &[layer]).await, digest);
    assert_eq!(get(&client, "t0").await.body, manifest);
}

#[tokio::test]
async fn a_deleted_index_leaves_its_children() {
    let client = with_config().await;
    let child = of(IMAGE, &[]);
    put(&client, digest(&child).as_str(), IMAGE, child.clone()).await;
    let manifest = index(INDEX, &[descriptor(IMAGE, &child)]);
    put(&client, "multi", INDEX, manifest.clone()).await;
    delete(&client, digest(&manifest).as_str()).await.expect(202, &[]);
    assert_eq!(get(&client, digest(&child).as_str()).await.body, child);
}

#[tokio::test]
async fn a_manifest_is_known_only_where_it_was_put() {
    let client = with_config().await;
    let manifest = of(IMAGE, &[]);
    put(&client, "latest", IMAGE, manifest.clone()).await;
    for reference in ["latest", digest(&manifest).as_str()] {
        client.get(format!("/v2/team/other/manifests/{reference}")).await.expect_error(404, "MANIFEST_UNKNOWN", &[]);
    }
    // Nor is it a blob.
    client.get(format!("/v2/team/app/blobs/{}", digest(&manifest))).await.expect_error(404, "BLOB_UNKNOWN", &[]);
}
