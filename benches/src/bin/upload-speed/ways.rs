//! The ways in which a layer comes into a bucket, with and without the registry. A client knows nothing of a layer before it
//! begins: what a way needs beforehand, a digest or checksums, is computed on the way.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt, stream};
use harness::client::Answer;
use http::Method;
use serde_json::{Value, json};
use shared::oci::{Algorithm, Digest, Digester};

use crate::MIB;
use crate::layer::Layer;
use crate::raw;
use crate::stage::Stage;

/// How many bytes a part of a direct upload has.
const PART: usize = 32 * MIB;
/// How many parts are sent at once.
const TOGETHER: usize = 4;

/// A way.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// Without the registry, in one request.
    RawWhole,
    /// Without the registry, in parts.
    RawParts,
    /// One PATCH of unknown length, as docker does it.
    Stream,
    /// Chunks of this size.
    Chunks(usize),
    /// Straight into the bucket, in one request.
    Whole,
    /// Straight into the bucket, in parts.
    Parts,
}

impl Way {
    /// Sends the layer, until whoever takes it in says that it has it.
    pub(crate) async fn send(self, stage: &Stage, layer: &Layer) {
        match self {
            Self::RawWhole => raw::whole(stage, layer).await,
            Self::RawParts => raw::in_parts(stage, layer).await,
            Self::Stream => chunks(stage, layer, layer.size()).await,
            Self::Chunks(size) => chunks(stage, layer, size).await,
            Self::Whole => whole(stage, layer).await,
            Self::Parts => parts(stage, layer).await,
        }
    }
}

/// The bytes are hashed when they are sent, as docker does it.
async fn chunks(stage: &Stage, layer: &Layer, size: usize) {
    let begun = stage.client.post("/v2/bench/blobs/uploads/").await;
    let location = begun.header("location");
    let digester = Arc::new(Mutex::new(Digester::new(Algorithm::Sha256)));
    for range in layer.ranges(size) {
        let hash = Arc::clone(&digester);
        let bytes = layer.bytes(range).inspect(move |piece| hash.lock().expect("no thread panicked").update(piece));
        expect(&stage.client.call(Method::PATCH, location).stream(bytes).send().await, 202);
    }
    let digest = digester.lock().expect("no thread panicked").clone().finish();
    let put = stage.client.call(Method::PUT, format!("{location}?digest={digest}"));
    expect(&put.send().await, 201);
}

async fn begin(stage: &Stage, digest: &Digest, size: usize, more: &str) -> Answer {
    let target = format!("/v2/bench/_ringhold/uploads/direct?digest={digest}&size={size}{more}");
    let begun = stage.client.post(target).await;
    expect(&begun, 202);
    begun
}

async fn whole(stage: &Stage, layer: &Layer) {
    let begun = begin(stage, &layer.digest().await, layer.size(), "").await;
    put(stage, &begun.json()["requests"][0], layer, 0..layer.size()).await;
    expect(&stage.client.call(Method::PUT, begun.header("location")).send().await, 201);
}

async fn parts(stage: &Stage, layer: &Layer) {
    let (ranges, mut wanted) = (layer.ranges(PART).collect::<Vec<_>>(), Vec::new());
    for (number, range) in (1..).zip(&ranges) {
        wanted.push(json!({ "number": number, "checksum": layer.checksum(range.clone()).await }));
    }
    let begun = begin(stage, &layer.digest().await, layer.size(), "&parts=true").await;
    let upload = begun.header("location");
    let asked = stage.client.call(Method::POST, upload).body(json!({ "parts": wanted }).to_string()).send().await;
    expect(&asked, 200);
    let requests = asked.json()["requests"].as_array().cloned().unwrap_or_default();
    let sent = requests.iter().zip(ranges).zip(wanted).map(|((request, range), mut part)| async move {
        part["etag"] = put(stage, request, layer, range).await.header("etag").into();
        part
    });
    let sent: Vec<Value> = stream::iter(sent).buffered(TOGETHER).collect().await;
    let end = stage.client.call(Method::PUT, upload).body(json!({ "parts": sent }).to_string()).send().await;
    expect(&end, 202);
    while stage.client.get(upload).await.json()["state"] != "stored" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn put(stage: &Stage, request: &Value, layer: &Layer, range: Range<usize>) -> Answer {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let mut call = stage.bucket.call(Method::PUT, text(&request["url"])).stream(layer.bytes(range));
    for (name, value) in request["headers"].as_object().expect("headers") {
        call = call.header(name, text(value));
    }
    let answer = call.send().await;
    expect(&answer, 200);
    answer
}

#[track_caller]
fn expect(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
}
