//! The ways in which a layer comes into the registry. What a client knows before it begins is prepared: digests, checksums.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use crc_fast::CrcAlgorithm::Crc64Nvme;
use futures::{StreamExt, stream};
use harness::client::{Answer, Client};
use harness::content::digest;
use http::Method;
use serde_json::{Value, json};
use shared::oci::Digest;

use crate::MIB;
use crate::stage::Stage;

/// How many bytes a part of a direct upload has.
const PART: usize = 32 * MIB;
/// How many parts are sent at once.
const TOGETHER: usize = 4;

/// A way.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Push {
    /// One PATCH of unknown length, as docker does it.
    Stream,
    /// Chunks of this size.
    Chunks(usize),
    /// Straight into the bucket, in one request.
    Whole,
    /// Straight into the bucket, in parts.
    Parts,
}

/// A layer, ready to be sent.
pub(crate) struct Prepared {
    push: Push,
    content: Bytes,
    digest: Digest,
    sums: Vec<String>,
}

pub(crate) fn prepared(push: Push, content: &Bytes) -> Prepared {
    let sum = |part: &[u8]| BASE64_STANDARD.encode(crc_fast::checksum(Crc64Nvme, part).to_be_bytes());
    let sums = if matches!(push, Push::Parts) { content.chunks(PART).map(sum).collect() } else { Vec::new() };
    Prepared { push, content: content.clone(), digest: digest(content), sums }
}

impl Prepared {
    /// Sends the layer, until the registry says that it has it.
    pub(crate) async fn send(&self, stage: &Stage) {
        match self.push {
            Push::Stream => self.chunks(&stage.client, self.content.len()).await,
            Push::Chunks(size) => self.chunks(&stage.client, size).await,
            Push::Whole => self.whole(stage).await,
            Push::Parts => self.parts(stage).await,
        }
    }

    async fn chunks(&self, client: &Client, size: usize) {
        let begun = client.post("/v2/bench/blobs/uploads/").await;
        let location = begun.header("location");
        for chunk in (0..self.content.len()).step_by(size) {
            let chunk = self.content.slice(chunk..(chunk + size).min(self.content.len()));
            let pieces: Vec<_> =
                (0..chunk.len()).step_by(MIB).map(|at| chunk.slice(at..(at + MIB).min(chunk.len()))).collect();
            expect(&client.call(Method::PATCH, location).stream(pieces).send().await, 202);
        }
        let put = client.call(Method::PUT, format!("{location}?digest={}", self.digest));
        expect(&put.send().await, 201);
    }

    async fn begin(&self, stage: &Stage, more: &str) -> Answer {
        let (digest, size) = (&self.digest, self.content.len());
        let target = format!("/v2/bench/_ringhold/uploads/direct?digest={digest}&size={size}{more}");
        let begun = stage.client.post(target).await;
        expect(&begun, 202);
        begun
    }

    async fn whole(&self, stage: &Stage) {
        let begun = self.begin(stage, "").await;
        put(stage, &begun.json()["requests"][0], self.content.clone()).await;
        expect(&stage.client.call(Method::PUT, begun.header("location")).send().await, 201);
    }

    async fn parts(&self, stage: &Stage) {
        let begun = self.begin(stage, "&parts=true").await;
        let upload = begun.header("location");
        let wanted: Vec<_> =
            (1..).zip(&self.sums).map(|(number, sum)| json!({ "number": number, "checksum": sum })).collect();
        let asked = stage.client.call(Method::POST, upload).body(json!({ "parts": wanted }).to_string()).send().await;
        expect(&asked, 200);
        let requests = asked.json()["requests"].as_array().cloned().unwrap_or_default();
        let sent = requests.iter().zip((0..).step_by(PART)).zip(&self.sums).map(|((request, start), sum)| async move {
            let part = self.content.slice(start..(start + PART).min(self.content.len()));
            let answer = put(stage, request, part).await;
            json!({ "number": request["number"], "checksum": sum, "etag": answer.header("etag") })
        });
        let sent: Vec<Value> = stream::iter(sent).buffered(TOGETHER).collect().await;
        let end = stage.client.call(Method::PUT, upload).body(json!({ "parts": sent }).to_string()).send().await;
        expect(&end, 202);
        while stage.client.get(upload).await.json()["state"] != "stored" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn put(stage: &Stage, request: &Value, bytes: Bytes) -> Answer {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let mut call = stage.bucket.call(Method::PUT, text(&request["url"])).body(bytes);
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
