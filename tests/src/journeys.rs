//! What each client does with a registry behind a gateway: push an image of small layers and pull it back; pull a layer of
//! any size. Digests are compared end to end.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, StatusCode};

use crate::client::Client;
use crate::containerd::Containerd;
use crate::content::{IMAGE, digest};
use crate::dockerd::Dockerd;
use crate::image::{Image, Layout};
use crate::podman::Podman;
use crate::skopeo::Skopeo;

const MIB: usize = 1 << 20;

/// The most bytes of a request's body that pass a gateway.
const CHUNK: usize = 4 * MIB;

/// Layers that pass in one request, also with what packing adds.
const SMALL: [usize; 3] = [3 * MIB, MIB, 20_000];

/// docker: a PATCH of unknown length for each layer.
pub fn docker(registry: SocketAddr) {
    let Some(docker) = Dockerd::start() else { return };
    let name = format!("{registry}/team/docker:1");
    let image = Image::of_noise(11, &SMALL);
    docker.load(&image, &name);
    let (id, layers) = (docker.id(&name), docker.layers(&name));
    docker.run(["push", &name]);
    docker.forget();
    docker.run(["pull", &name]);
    assert_eq!((docker.id(&name), docker.layers(&name)), (id, layers));
}

/// docker pulls what another pushed.
pub fn docker_pulls(registry: SocketAddr, repository: &str, image: &Image) {
    let Some(docker) = Dockerd::start() else { return };
    let name = format!("{registry}/{repository}:1");
    docker.run(["pull", &name]);
    assert_eq!(docker.id(&name), image.id().as_str());
}

/// containerd: a PUT for each blob.
pub fn containerd(registry: SocketAddr) {
    let Some(containerd) = Containerd::start() else { return };
    let name = format!("{registry}/team/containerd:1");
    let layout = Layout::default().image(&name, &Image::of_noise(12, &SMALL));
    containerd.import(&layout.archive());
    containerd.run(["images", "push", "--plain-http", &name]);
    containerd.forget();
    containerd.run(["content", "fetch", "--plain-http", &name]);
    assert_eq!(containerd.content(), layout.digests());
}

/// containerd pulls what another pushed.
pub fn containerd_pulls(registry: SocketAddr, repository: &str, image: &Image) {
    let Some(containerd) = Containerd::start() else { return };
    let name = format!("{registry}/{repository}:1");
    containerd.run(["content", "fetch", "--plain-http", &name]);
    assert_eq!(containerd.content(), Layout::default().image(&name, image).digests());
}

/// skopeo: a PATCH of known length for each blob.
pub fn skopeo(registry: SocketAddr) {
    let Some(skopeo) = Skopeo::find() else { return };
    let layout = Layout::default().image("1", &Image::of_noise(13, &SMALL));
    let target = format!("docker://{registry}/team/skopeo:1");
    skopeo.copy(&[&skopeo.source(&layout, "1"), &target]);
    assert_eq!(skopeo.pull(&[], &target), layout.digests());
}

/// skopeo pulls what another pushed.
pub fn skopeo_pulls(registry: SocketAddr, repository: &str, image: &Image) {
    let Some(skopeo) = Skopeo::find() else { return };
    let source = format!("docker://{registry}/{repository}:1");
    assert_eq!(skopeo.pull(&[], &source), Layout::default().image("1", image).digests());
}

/// podman: as skopeo, of layers that it packs itself.
pub fn podman(registry: SocketAddr) {
    let Some(podman) = Podman::find() else { return };
    let name = format!("{registry}/team/podman:1");
    let image = Image::of_noise(14, &SMALL);
    podman.load(&image, &name);
    podman.run(&["push", "--tls-verify=false", &name]);
    podman.forget();
    assert_eq!(podman.pull(&name), image.id().hex());
}

/// podman pulls what another pushed.
pub fn podman_pulls(registry: SocketAddr, repository: &str, image: &Image) {
    let Some(podman) = Podman::find() else { return };
    assert_eq!(podman.pull(&format!("{registry}/{repository}:1")), image.id().hex());
}

/// Pushes an image as a client that keeps to the registry's chunks.
pub async fn push_in_chunks(registry: SocketAddr, repository: &str, image: &Image) {
    let client = Client::new(registry);
    for blob in image.blobs() {
        push_blob_in_chunks(&client, repository, blob).await;
    }
    let put = client.call(Method::PUT, format!("/v2/{repository}/manifests/1")).header("content-type", IMAGE);
    let put = put.body(image.manifest().clone()).send().await;
    assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
}

/// Pushes a blob so.
pub async fn push_blob_in_chunks(client: &Client, repository: &str, blob: &Bytes) {
    let begun = client.post(format!("/v2/{repository}/blobs/uploads/")).await;
    assert_eq!((begun.status, begun.header("oci-chunk-min-length")), (StatusCode::ACCEPTED, &*CHUNK.to_string()));
    let mut location = begun.header("location").to_owned();
    for offset in (0..blob.len()).step_by(CHUNK) {
        let chunk = blob.slice(offset..(offset + CHUNK).min(blob.len()));
        let range = format!("{offset}-{}", offset + chunk.len() - 1);
        let patch = client.call(Method::PATCH, &location).header("content-range", range);
        let patch = patch.header("content-type", "application/octet-stream").body(chunk).send().await;
        assert_eq!(patch.status, StatusCode::ACCEPTED, "{patch:?}");
        patch.header("location").clone_into(&mut location);
    }
    let put = client.call(Method::PUT, format!("{location}?digest={}", digest(blob))).send().await;
    assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
}
