//! A server that has something to lose, and whether it has lost it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use harness::client::Client;
use harness::content::{digest, image, noise, push_image};
use harness::server::{ServeOptions, Server};
use http::{Method, StatusCode};
use shared::oci::Digest;
use tempfile::TempDir;

use crate::row::Row;
use crate::wire::exchange;

/// A server with one image, `good:1`.
pub(crate) struct Target {
    server: Server,
    data: TempDir,
    /// Its one layer.
    pub(crate) layer: Bytes,
    pub(crate) client: Client,
    files: BTreeSet<PathBuf>,
}

impl Target {
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let data = TempDir::new().unwrap();
        let options = ServeOptions::embedded(data.path()).with(["--log-format", "json"]);
        let server = options.with(arguments.iter().copied()).start();
        let client = Client::new(server.address());
        let layer = noise(1, 5000);
        push_image(&client, "good", "1", std::slice::from_ref(&layer)).await;
        let files = files(data.path());
        Self { server, data, layer, client, files }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Sends every row, each on a connection of its own.
    pub(crate) async fn refuses(&self, rows: &[Row]) {
        let mut complaints = Vec::new();
        for row in rows {
            complaints.extend(row.complaint(&exchange(self.address(), &row.bytes()).await));
        }
        eprintln!("{} requests", rows.len());
        assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), rows.len(), complaints.join("\n"));
    }

    /// A new upload, with this much in it.
    pub(crate) async fn begin(&self, repository: &str, content: &Bytes) -> String {
        let begun = self.client.post(format!("/v2/{repository}/blobs/uploads/")).await;
        let location = begun.header("location").to_owned();
        if !content.is_empty() {
            let patch = self.client.call(Method::PATCH, &location).body(content.clone()).send().await;
            assert_eq!(patch.status, StatusCode::ACCEPTED, "{patch:?}");
        }
        location
    }

    /// The upload stands at this offset.
    pub(crate) async fn stands(&self, upload: &str, offset: usize) {
        let standing = self.client.get(upload).await;
        let expected = format!("0-{}", offset.saturating_sub(1));
        assert_eq!((standing.status, standing.header("range")), (StatusCode::NO_CONTENT, &*expected));
    }

    /// The upload takes the rest of the layer, and is the layer then.
    pub(crate) async fn completes(&self, upload: &str, rest: Bytes) {
        let digest = self.layer_digest();
        for _ in 0..100 {
            let put =
                self.client.call(Method::PUT, format!("{upload}?digest={digest}")).body(rest.clone()).send().await;
            match put.status {
                StatusCode::CREATED => return,
                // A request that hung up may hold the upload for a moment.
                StatusCode::RANGE_NOT_SATISFIABLE => tokio::time::sleep(Duration::from_millis(100)).await,
                _ => panic!("{put:?}"),
            }
        }
        panic!("nobody lets go of {upload}");
    }

    pub(crate) fn layer_digest(&self) -> Digest {
        digest(&self.layer)
    }

    /// Nothing has come of it all: what was there is there, nothing else is, and nothing failed.
    pub(crate) async fn must_be_unharmed(mut self) {
        assert_eq!(self.client.get("/v2/_catalog").await.json()["repositories"], serde_json::json!(["good"]));
        let tags = self.client.get("/v2/good/tags/list").await.json();
        assert_eq!(tags["tags"], serde_json::json!(["1"]));
        let manifest = self.client.get("/v2/good/manifests/1").await;
        assert_eq!(manifest.body, image(b"{}", std::slice::from_ref(&self.layer)));
        let blob = self.client.get(format!("/v2/good/blobs/{}", self.layer_digest())).await;
        assert_eq!(blob.body, self.layer);
        assert_eq!(self.client.get("/readyz").await.status, StatusCode::OK);
        self.has_no_new_files().await;
        self.server.kill();
        has_nothing_failed(&std::fs::read_to_string(self.data.path().join("serve.log")).unwrap());
    }

    /// What requests left is removed in the background.
    async fn has_no_new_files(&self) {
        let mut found = BTreeSet::new();
        for _ in 0..100 {
            found = files(self.data.path());
            if found == self.files {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(found, self.files);
    }
}

/// Every line is a record, no record is an error, no answer is one of the server's own failures.
fn has_nothing_failed(log: &str) {
    let mut answers = 0;
    for line in log.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert_ne!(record["level"], "ERROR", "{line}");
        let status = record["status"].as_u64().unwrap_or_default();
        assert!(status < 500, "{line}");
        answers += usize::from(status > 0);
    }
    assert!(answers > 0, "nothing was logged: {log}");
}

/// The files of all buckets, less the locks, of which there is one for each of some first letters of what was written.
fn files(data: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut directories: Vec<_> = (1..=3).map(|bucket| data.join(format!("bucket-{bucket}"))).collect();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                found.insert(entry.path());
            } else if entry.file_name() != "locks" {
                directories.push(entry.path());
            }
        }
    }
    found
}
