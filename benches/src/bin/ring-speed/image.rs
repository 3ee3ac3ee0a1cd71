//! An image, pushed and pulled as docker does it: blobs in one stream each, several at a time, and where the registry says
//! that a bucket has one, from there.

use bytes::Bytes;
use futures::{StreamExt, stream};
use harness::client::Client;
use harness::content::{IMAGE, digest, image, noise};
use http::Method;
use shared::oci::Digest;

const KIB: usize = 1024;
/// The layers, 31.8 MiB together.
const LAYERS: [usize; 8] =
    [64 * KIB, 256 * KIB, 512 * KIB, 1024 * KIB, 2048 * KIB, 4096 * KIB, 8192 * KIB, 16384 * KIB];
/// How many blobs are on their way at once.
const TOGETHER: usize = 4;
/// What a body is sent in.
const PIECE: usize = 1024 * KIB;

/// An image whose digests its client knows.
pub(crate) struct Image {
    blobs: Vec<(Digest, Bytes)>,
    manifest: Bytes,
}

impl Image {
    /// An image of which no registry has anything but the config.
    pub(crate) fn fresh(seed: u64) -> Self {
        let config = Bytes::from_static(b"{}");
        let layers: Vec<_> = (seed * 100..).zip(LAYERS).map(|(seed, size)| noise(seed, size)).collect();
        let manifest = image(&config, &layers);
        let blobs = layers.into_iter().chain([config]).map(|blob| (digest(&blob), blob));
        Self { blobs: blobs.collect(), manifest }
    }

    /// Pushes it, until the registry says that it has it.
    pub(crate) async fn push(&self, client: &Client) {
        let blobs = stream::iter(&self.blobs).map(|(digest, blob)| push(client, digest, blob));
        blobs.buffer_unordered(TOGETHER).collect::<()>().await;
        let put = client.call(Method::PUT, "/v2/bench/manifests/latest").header("content-type", IMAGE);
        let answer = put.body(self.manifest.clone()).send().await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    /// Pulls it, whole.
    pub(crate) async fn pull(&self, client: &Client) {
        let got = client.call(Method::GET, "/v2/bench/manifests/latest").header("accept", IMAGE).send().await;
        assert_eq!(got.body, self.manifest);
        let blobs = stream::iter(&self.blobs).map(|(digest, blob)| pull(client, digest, blob.len()));
        blobs.buffer_unordered(TOGETHER).collect::<()>().await;
    }
}

async fn push(client: &Client, digest: &Digest, blob: &Bytes) {
    let begun = client.post("/v2/bench/blobs/uploads/").await;
    let location = begun.header("location");
    let pieces = (0..blob.len()).step_by(PIECE).map(|at| blob.slice(at..(at + PIECE).min(blob.len())));
    let pieces: Vec<_> = pieces.collect();
    let sent = client.call(Method::PATCH, location).stream(pieces).send().await;
    assert_eq!(sent.status, 202, "{sent:?}");
    let put = client.call(Method::PUT, format!("{location}?digest={digest}")).send().await;
    assert_eq!(put.status, 201, "{put:?}");
}

async fn pull(client: &Client, digest: &Digest, length: usize) {
    let mut answer = client.get(format!("/v2/bench/blobs/{digest}")).await;
    if answer.status == 307 {
        answer = client.get(answer.header("location")).await;
    }
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, length), "{digest}");
}
