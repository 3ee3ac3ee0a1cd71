//! skopeo: copies between directories and the registry, digests preserved.

use bytes::Bytes;
use harness::client::Client;
use harness::content::{IMAGE, digest, noise, verify};
use harness::image::{Image, Layout, descriptor};
use harness::server::Server;
use harness::skopeo::Skopeo;
use serde_json::json;

const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn an_image_with_a_layer_of_300_mb_comes_back_blob_by_blob() {
    let Some(skopeo) = Skopeo::find() else { return };
    let (server, _data) = Server::embedded();
    let repository = format!("docker://{}/team/app", server.address());
    let image = Image::of_noise(1, &[300_000_000, 20 * MIB, 20_000, 300]);
    let layout = Layout::default().image("1", &image);
    skopeo.copy(&[&skopeo.source(&layout, "1"), &format!("{repository}:1")]);

    let (pushed, _) = verify(&Client::new(server.address()), "team/app", "1").await;
    assert_eq!(pushed, image.digest());
    for reference in [format!("{repository}:1"), format!("{repository}@{pushed}")] {
        assert_eq!(skopeo.pull(&[], &reference), layout.digests(), "{reference}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_several_platforms_comes_back_whole_or_in_part() {
    let Some(skopeo) = Skopeo::find() else { return };
    let (server, _data) = Server::embedded();
    let images = [("amd64", 2), ("arm64", 3), ("s390x", 4)]
        .map(|(architecture, seed)| Image::for_architecture(architecture, seed, &[2 * MIB, 20_000]));
    let layout = Layout::default().index("1", &images);
    let target = format!("docker://{}/team/multi:1", server.address());
    skopeo.copy(&["--all", &skopeo.source(&layout, "1"), &target]);

    let (_, index) = verify(&Client::new(server.address()), "team/multi", "1").await;
    assert_eq!(index["manifests"].as_array().map(Vec::len), Some(3));
    assert_eq!(skopeo.pull(&["--all"], &target), layout.digests());
    let one = format!("docker://{}/team/multi@{}", server.address(), images[2].digest());
    assert_eq!(skopeo.pull(&[], &one), Layout::default().image("1", &images[2]).digests());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_is_listed_with_the_image_that_it_speaks_of() {
    let Some(skopeo) = Skopeo::find() else { return };
    let (server, _data) = Server::embedded();
    let client = Client::new(server.address());
    let image = Image::of_noise(5, &[20_000]);
    let (empty, signature) = (Bytes::from_static(b"{}"), noise(6, 2000));
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "artifactType": "application/vnd.example.signature",
        "config": descriptor("application/vnd.oci.empty.v1+json", &empty),
        "layers": [descriptor("application/vnd.example.signature", &signature)],
        "subject": descriptor(IMAGE, image.manifest()),
        "annotations": { "org.example.signed-by": "a test" },
    });
    let manifest = Bytes::from(manifest.to_string());
    let layout = Layout::default().image("image", &image).manifest("signature", &manifest, &[empty, signature]);
    let source = skopeo.source(&layout, "signature");
    let target = |tag| format!("docker://{}/team/signed:{tag}", server.address());
    // The artifact goes first: its subject may come later.
    skopeo.copy(&[&source, &target("signature")]);
    skopeo.copy(&[&source.replace(":signature", ":image"), &target("image")]);

    let (pushed, _) = verify(&client, "team/signed", "signature").await;
    assert_eq!(pushed, digest(&manifest));
    let listed = client.get(format!("/v2/team/signed/referrers/{}", image.digest())).await.json();
    let mut expected = descriptor(IMAGE, &manifest);
    expected["artifactType"] = json!("application/vnd.example.signature");
    expected["annotations"] = json!({ "org.example.signed-by": "a test" });
    assert_eq!(listed["manifests"], json!([expected]));
    let pulled = skopeo.pull(&[], &target("signature"));
    assert!(pulled.contains(pushed.as_str()) && pulled.is_subset(&layout.digests()), "{pulled:?}");
}
