//! What the specification's conformance suite asks of a registry, case by case under the suite's own names, for a registry
//! behind a gateway. The suite itself is run by hand; these are run by every test of a front.

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use shared::oci::{Algorithm, Digest};

use crate::client::{Answer, Client};
use crate::content::{IMAGE, INDEX, digest, image, noise};
use crate::image::descriptor;
use crate::journeys::push_blob_in_chunks;

/// Cases of the suite that a gateway makes impossible, and why.
pub const EXCLUDED: [(&str, &str); 5] = [
    ("blobs/bad digest post only", "one body of three minimal chunks, which are 12 MiB: no gateway passes it"),
    ("blobs/bad digest post+put", "one body of three minimal chunks, which are 12 MiB: no gateway passes it"),
    ("blobs/bad digest stream", "one body of three minimal chunks, which are 12 MiB: no gateway passes it"),
    ("blobs/bad digest chunked", "a chunk of one byte more than the minimum, which is the most that passes"),
    ("*/blob-get of a redirected blob, dev only", "S3 cannot send Docker-Content-Digest on the last answer"),
];

/// A case, in a repository of its own.
pub type Case = fn(Place) -> BoxFuture<'static, ()>;

/// Where a case is tried.
#[derive(Debug, Clone)]
pub struct Place {
    client: Client,
    repository: String,
}

/// Every case, under the suite's name for it.
pub const CASES: [(&str, Case); 26] = [
    ("blobs/post only", |place| post_only(place).boxed()),
    ("blobs/post+put", |place| post_put(place).boxed()),
    ("blobs/stream", |place| stream(place).boxed()),
    ("blobs/chunked single", |place| chunked(place, 4 << 20).boxed()),
    ("blobs/chunked multi", |place| chunked(place, 9 << 20).boxed()),
    ("blobs/chunked multi and put chunk", |place| put_chunk(place).boxed()),
    ("blobs/chunked out-of-order", |place| out_of_order(place).boxed()),
    ("blobs/post cancel", |place| cancel(place).boxed()),
    ("blobs/mount", |place| mount(place).boxed()),
    ("blobs/mount anonymous", |place| mount_anonymous(place).boxed()),
    ("blobs/mount missing", |place| mount_missing(place).boxed()),
    ("blobs/range requests", |place| ranges(place).boxed()),
    ("blobs/empty", |place| blob_of(place, Bytes::new()).boxed()),
    ("blobs/emptyJSON", |place| blob_of(place, Bytes::from_static(b"{}")).boxed()),
    ("blobs/get-missing", |place| missing(place).boxed()),
    ("blobs/bad digest small", |place| bad_digest(place).boxed()),
    ("blobs/sha512", |place| sha512(place).boxed()),
    ("image", |place| image_by_tag(place).boxed()),
    ("image-uncompressed/push by digest and tags", |place| tag_param(place).boxed()),
    ("index", |place| index(place).boxed()),
    ("artifacts-with-subject", |place| referrers(place).boxed()),
    ("missing-subject", |place| missing_subject(place).boxed()),
    ("bad-digest-image", |place| bad_digest_image(place).boxed()),
    ("large-manifest", |place| large_manifest(place).boxed()),
    ("tag-list", |place| tag_list(place).boxed()),
    ("image/delete", |place| deletion(place).boxed()),
];

/// Tries every case against a registry, but those that its front makes impossible, with the reason.
pub async fn all(client: &Client, excluded: &[(&str, &str)]) {
    for (number, (name, case)) in CASES.iter().enumerate() {
        if excluded.iter().any(|(excluded, _)| excluded == name) {
            continue;
        }
        println!("conformance: {name}");
        case(Place { client: client.clone(), repository: format!("conformance/case-{number}") }).await;
    }
    for (name, why) in EXCLUDED.iter().chain(excluded) {
        println!("conformance: {name} is left out: {why}");
    }
}

impl Place {
    fn to(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.repository)
    }

    async fn begin(&self) -> String {
        let begun = self.client.post(self.to("blobs/uploads/")).await;
        assert_eq!(begun.status, StatusCode::ACCEPTED, "{begun:?}");
        begun.header("location").to_owned()
    }

    async fn send(&self, method: Method, target: &str, body: &Bytes) -> Answer {
        self.client
            .call(method, target)
            .header("content-type", "application/octet-stream")
            .body(body.clone())
            .send()
            .await
    }

    async fn complete(&self, location: &str, digest: &Digest, body: &Bytes) -> Answer {
        let joint = if location.contains('?') { '&' } else { '?' };
        self.send(Method::PUT, &format!("{location}{joint}digest={digest}"), body).await
    }

    async fn push(&self, blob: &Bytes) -> Digest {
        let digest = digest(blob);
        let put = self.complete(&self.begin().await, &digest, blob).await;
        self.stored(&put, &digest, blob).await;
        digest
    }

    /// What was stored can be read, whole, as often as its front sends the client elsewhere.
    async fn stored(&self, answer: &Answer, digest: &Digest, blob: &Bytes) {
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        assert!(answer.header("location").ends_with(digest.as_str()), "{answer:?}");
        let target = self.to(&format!("blobs/{digest}"));
        let head = self.follow(Method::HEAD, &target, &[]).await;
        assert_eq!(
            (head.status, head.header("content-length")),
            (StatusCode::OK, &*blob.len().to_string()),
            "{head:?}"
        );
        let got = self.follow(Method::GET, &target, &[]).await;
        assert_eq!((got.status, &got.body), (StatusCode::OK, blob));
    }

    async fn follow(&self, method: Method, target: &str, headers: &[(&str, &str)]) -> Answer {
        let ask = async |target: &str| {
            let call = self.client.call(method.clone(), target);
            headers.iter().fold(call, |call, (name, value)| call.header(name, *value)).send().await
        };
        let answer = ask(target).await;
        if answer.status == StatusCode::TEMPORARY_REDIRECT { ask(answer.header("location")).await } else { answer }
    }

    async fn put_manifest(&self, reference: &str, media_type: &str, manifest: &Bytes) -> Answer {
        let put = self.client.call(Method::PUT, self.to(&format!("manifests/{reference}")));
        put.header("content-type", media_type).body(manifest.clone()).send().await
    }

    /// An image of a small layer, whose blobs are there.
    async fn image(&self, seed: u64) -> Bytes {
        let (config, layer) = (Bytes::from(json!({ "seed": seed }).to_string()), noise(seed, 700));
        self.push(&config).await;
        self.push(&layer).await;
        image(&config, &[layer])
    }

    /// The manifest is what was put, by HEAD and GET.
    async fn has_manifest(&self, reference: &str, media_type: &str, manifest: &Bytes) {
        let target = self.to(&format!("manifests/{reference}"));
        let named = digest(manifest);
        for method in [Method::HEAD, Method::GET] {
            let got = self.client.call(method.clone(), &target).header("accept", media_type).send().await;
            assert_eq!(got.status, StatusCode::OK, "{got:?}");
            assert_eq!(got.header("docker-content-digest"), named.as_str());
            assert_eq!(got.header("content-type"), media_type);
            assert_eq!(got.header("content-length"), manifest.len().to_string(), "{method} {target}");
            assert!(method == Method::HEAD || got.body == manifest, "byte for byte");
        }
    }

    async fn gone(&self, target: &str) {
        assert_eq!(self.client.get(self.to(target)).await.status, StatusCode::NOT_FOUND, "{target}");
    }
}

async fn post_only(place: Place) {
    let blob = noise(1, 900);
    let named = digest(&blob);
    let post = place.send(Method::POST, &place.to(&format!("blobs/uploads/?digest={named}")), &blob).await;
    place.stored(&post, &named, &blob).await;
}

async fn post_put(place: Place) {
    place.push(&noise(2, 3000)).await;
}

async fn stream(place: Place) {
    let blob = noise(3, 5000);
    let named = digest(&blob);
    let pieces = [blob.slice(..2000), blob.slice(2000..)];
    let patch = {
        let patch = place.client.call(Method::PATCH, place.begin().await);
        patch.header("content-type", "application/octet-stream").stream(pieces).send().await
    };
    assert_eq!((patch.status, patch.header("range")), (StatusCode::ACCEPTED, "0-4999"), "{patch:?}");
    let put = place.complete(patch.header("location"), &named, &Bytes::new()).await;
    place.stored(&put, &named, &blob).await;
}

async fn chunked(place: Place, size: usize) {
    let blob = noise(4, size);
    push_blob_in_chunks(&place.client, &place.repository, &blob).await;
    let got = place.follow(Method::GET, &place.to(&format!("blobs/{}", digest(&blob))), &[]).await;
    assert_eq!((got.status, got.body), (StatusCode::OK, blob));
}

async fn put_chunk(place: Place) {
    let blob = noise(5, (4 << 20) + 1000);
    let first = place.client.call(Method::PATCH, place.begin().await).header("content-range", "0-4194303");
    let first = first.header("content-type", "application/octet-stream").body(blob.slice(..4 << 20)).send().await;
    assert_eq!((first.status, first.header("range")), (StatusCode::ACCEPTED, "0-4194303"), "{first:?}");
    let named = digest(&blob);
    let last = place.client.call(Method::PUT, format!("{}?digest={named}", first.header("location")));
    let last = last
        .header("content-range", "4194304-4195303")
        .header("content-type", "application/octet-stream")
        .body(blob.slice(4 << 20..))
        .send()
        .await;
    place.stored(&last, &named, &blob).await;
}

async fn out_of_order(place: Place) {
    let (blob, location) = (noise(6, 3000), place.begin().await);
    let patch = async |range: std::ops::Range<usize>| {
        let header = format!("{}-{}", range.start, range.end - 1);
        let patch = place.client.call(Method::PATCH, &location).header("content-range", header);
        patch.header("content-type", "application/octet-stream").body(blob.slice(range)).send().await
    };
    assert_eq!(patch(1000..2000).await.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(patch(0..1000).await.status, StatusCode::ACCEPTED);
    let early = patch(2000..3000).await;
    assert_eq!((early.status, early.header("range")), (StatusCode::RANGE_NOT_SATISFIABLE, "0-999"), "{early:?}");
    let status = place.client.get(&location).await;
    assert_eq!((status.status, status.header("range")), (StatusCode::NO_CONTENT, "0-999"), "{status:?}");
    assert_eq!(patch(1000..3000).await.status, StatusCode::ACCEPTED);
    let put = place.complete(&location, &digest(&blob), &Bytes::new()).await;
    place.stored(&put, &digest(&blob), &blob).await;
}

async fn cancel(place: Place) {
    let location = place.begin().await;
    assert_eq!(place.client.delete(&location).await.status, StatusCode::NO_CONTENT);
    assert_eq!(place.client.get(&location).await.status, StatusCode::NOT_FOUND);
}

async fn mount(place: Place) {
    let blob = noise(7, 800);
    let named = place.push(&blob).await;
    let other = Place { repository: format!("{}/mounted", place.repository), ..place.clone() };
    let target = other.to(&format!("blobs/uploads/?mount={named}&from={}", place.repository));
    let mounted = place.client.post(target).await;
    other.stored(&mounted, &named, &blob).await;
}

async fn mount_anonymous(place: Place) {
    let blob = noise(8, 800);
    let named = place.push(&blob).await;
    let other = Place { repository: format!("{}/mounted", place.repository), ..place.clone() };
    let mounted = place.client.post(other.to(&format!("blobs/uploads/?mount={named}"))).await;
    other.stored(&mounted, &named, &blob).await;
}

async fn mount_missing(place: Place) {
    let blob = noise(9, 800);
    let named = digest(&blob);
    let target = place.to(&format!("blobs/uploads/?mount={named}&from={}/none", place.repository));
    let begun = place.client.post(target).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{begun:?}");
    let put = place.complete(begun.header("location"), &named, &blob).await;
    place.stored(&put, &named, &blob).await;
}

async fn ranges(place: Place) {
    let blob = noise(10, 3000);
    let target = place.to(&format!("blobs/{}", place.push(&blob).await));
    let got = async |range: &str| place.follow(Method::GET, &target, &[("range", range)]).await;
    for (range, first, last) in [("bytes=500-1499", 500, 1499), ("bytes=500-", 500, 2999), ("bytes=-500", 2500, 2999)] {
        let part = got(range).await;
        assert_eq!(part.status, StatusCode::PARTIAL_CONTENT, "{range}: {part:?}");
        assert_eq!(part.header("content-range"), format!("bytes {first}-{last}/3000"));
        assert_eq!(part.body, blob.slice(first..=last));
    }
    assert_eq!(got("bytes=5000-10000").await.status, StatusCode::RANGE_NOT_SATISFIABLE);
}

async fn blob_of(place: Place, blob: Bytes) {
    place.push(&blob).await;
}

async fn missing(place: Place) {
    let target = place.to(&format!("blobs/{}", digest(b"missing")));
    assert_eq!(place.client.get(&target).await.code(), "BLOB_UNKNOWN");
    assert_eq!(place.client.head(&target).await.status, StatusCode::NOT_FOUND);
}

async fn bad_digest(place: Place) {
    let refused = place.complete(&place.begin().await, &digest(b"other"), &noise(11, 900)).await;
    assert_eq!((refused.status, &*refused.code()), (StatusCode::BAD_REQUEST, "DIGEST_INVALID"), "{refused:?}");
    place.gone(&format!("blobs/{}", digest(b"other"))).await;
}

async fn sha512(place: Place) {
    let blob = noise(12, 900);
    let named = Digest::of(Algorithm::Sha512, &blob);
    let begun = place.client.post(place.to("blobs/uploads/?digest-algorithm=sha512")).await;
    let put = place.complete(begun.header("location"), &named, &blob).await;
    place.stored(&put, &named, &blob).await;
}

async fn image_by_tag(place: Place) {
    let manifest = place.image(13).await;
    let put = place.put_manifest("latest", IMAGE, &manifest).await;
    assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
    assert_eq!(put.header("docker-content-digest"), digest(&manifest).as_str());
    for reference in ["latest", digest(&manifest).as_str()] {
        place.has_manifest(reference, IMAGE, &manifest).await;
    }
}

async fn tag_param(place: Place) {
    let manifest = place.image(14).await;
    let put = place.put_manifest(&format!("{}?tag=a&tag=b", digest(&manifest)), IMAGE, &manifest).await;
    assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
    let tags: Vec<_> = put.headers.get_all("oci-tag").iter().filter_map(|value| value.to_str().ok()).collect();
    let tags: Vec<_> = tags.iter().flat_map(|tags| tags.split(',')).map(str::trim).collect();
    assert_eq!(tags, ["a", "b"]);
    place.has_manifest("b", IMAGE, &manifest).await;
}

async fn index(place: Place) {
    let children = [place.image(15).await, place.image(16).await];
    let manifests: Vec<Value> = children.iter().map(|child| descriptor(IMAGE, child)).collect();
    let index = Bytes::from(json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }).to_string());
    let early = place.put_manifest("latest", INDEX, &index).await;
    assert_eq!(early.code(), "MANIFEST_BLOB_UNKNOWN", "{early:?}");
    for child in &children {
        assert_eq!(place.put_manifest(digest(child).as_str(), IMAGE, child).await.status, StatusCode::CREATED);
    }
    assert_eq!(place.put_manifest("latest", INDEX, &index).await.status, StatusCode::CREATED);
    place.has_manifest("latest", INDEX, &index).await;
}

async fn artifact(place: &Place, subject: &Bytes, kind: &str) -> Bytes {
    let empty = Bytes::from_static(b"{}");
    place.push(&empty).await;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": IMAGE, "artifactType": kind,
        "config": descriptor("application/vnd.oci.empty.v1+json", &empty),
        "layers": [descriptor("application/vnd.oci.empty.v1+json", &empty)],
        "subject": descriptor(IMAGE, subject),
    });
    Bytes::from(manifest.to_string())
}

async fn referrers(place: Place) {
    let subject = place.image(17).await;
    assert_eq!(place.put_manifest("subject", IMAGE, &subject).await.status, StatusCode::CREATED);
    for kind in ["application/vnd.example.one", "application/vnd.example.two"] {
        let artifact = artifact(&place, &subject, kind).await;
        let put = place.put_manifest(digest(&artifact).as_str(), IMAGE, &artifact).await;
        assert_eq!(put.header("oci-subject"), digest(&subject).as_str(), "{put:?}");
    }
    let listed = async |query: &str| {
        let answer = place.client.get(place.to(&format!("referrers/{}{query}", digest(&subject)))).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, INDEX), "{answer:?}");
        (answer.json()["manifests"].as_array().map(Vec::len), answer.header("oci-filters-applied").to_owned())
    };
    assert_eq!(listed("").await, (Some(2), String::new()));
    let filter = "?artifactType=application%2Fvnd.example.one";
    assert_eq!(listed(filter).await, (Some(1), "artifactType".to_owned()));
}

async fn missing_subject(place: Place) {
    let absent = Bytes::from_static(b"{\"absent\":true}");
    let artifact = artifact(&place, &absent, "application/vnd.example.early").await;
    let put = place.put_manifest("early", IMAGE, &artifact).await;
    assert_eq!((put.status, put.header("oci-subject")), (StatusCode::CREATED, digest(&absent).as_str()), "{put:?}");
}

async fn bad_digest_image(place: Place) {
    let manifest = place.image(18).await;
    let refused = place.put_manifest(digest(b"another").as_str(), IMAGE, &manifest).await;
    assert_eq!((refused.status, &*refused.code()), (StatusCode::BAD_REQUEST, "DIGEST_INVALID"), "{refused:?}");
}

async fn large_manifest(place: Place) {
    let config = Bytes::from_static(b"{}");
    place.push(&config).await;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": IMAGE, "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": [], "annotations": { "large": "x".repeat(3_900_000) },
    });
    let manifest = Bytes::from(manifest.to_string());
    assert_eq!(place.put_manifest("large", IMAGE, &manifest).await.status, StatusCode::CREATED);
    place.has_manifest("large", IMAGE, &manifest).await;
}

async fn tag_list(place: Place) {
    let manifest = place.image(19).await;
    for tag in ["c", "a", "b"] {
        assert_eq!(place.put_manifest(tag, IMAGE, &manifest).await.status, StatusCode::CREATED);
    }
    let tags = async |query: &str| {
        let answer = place.client.get(place.to(&format!("tags/list{query}"))).await;
        assert_eq!(answer.json()["name"], json!(place.repository));
        (answer.json()["tags"].clone(), answer.header("link").to_owned())
    };
    assert_eq!(tags("").await, (json!(["a", "b", "c"]), String::new()));
    let (page, link) = tags("?n=2").await;
    assert_eq!((page, link.contains("rel=\"next\"")), (json!(["a", "b"]), true), "{link}");
    assert_eq!(tags("?n=2&last=b").await, (json!(["c"]), String::new()));
}

async fn deletion(place: Place) {
    let manifest = place.image(20).await;
    for tag in ["one", "two"] {
        assert_eq!(place.put_manifest(tag, IMAGE, &manifest).await.status, StatusCode::CREATED);
    }
    let delete = async |target: &str| place.client.delete(place.to(target)).await.status;
    assert_eq!(delete("manifests/one").await, StatusCode::ACCEPTED);
    place.gone("manifests/one").await;
    place.has_manifest("two", IMAGE, &manifest).await;
    assert_eq!(delete(&format!("manifests/{}", digest(&manifest))).await, StatusCode::ACCEPTED);
    place.gone("manifests/two").await;
    let layer = digest(&noise(20, 700));
    assert_eq!(delete(&format!("blobs/{layer}")).await, StatusCode::ACCEPTED);
    place.gone(&format!("blobs/{layer}")).await;
}
