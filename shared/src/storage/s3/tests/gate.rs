//! What stands between the SDK and s3s-fs.
//!
//! It mends where s3s-fs deviates from S3, so that every clause of the contract runs: s3s-fs looks and then writes, so
//! requests take turns; it takes a directory for an object, so nothing lies there; it says `AccessDenied` of an upload that is
//! gone, keeps the checksum of what a multipart object replaced, and does not list multipart uploads, which it keeps beside
//! the buckets. Versions, and requests that race, are tested on the
//! emulator. And it can be told to lose an answer, and says how much was under way at once.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// The gate; clones share its state.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    server: Arc<s3s_aws::Client>,
    root: PathBuf,
    turn: Arc<tokio::sync::Mutex<()>>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Which answer will be lost.
    to_lose: Option<fn(&HttpRequest) -> bool>,
    now: Load,
    peak: Load,
}

/// What is under way at once.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) requests: usize,
    pub(super) bytes: u64,
}

impl Gate {
    pub(super) fn new(server: s3s_aws::Client, root: &Path) -> Self {
        Self { server: Arc::new(server), root: root.to_owned(), turn: Arc::default(), state: Arc::default() }
    }

    /// The next of these requests is carried out, but answered as if the server had failed.
    pub(super) fn lose_an_answer(&self, of: fn(&HttpRequest) -> bool) {
        self.state(|state| state.to_lose = Some(of));
    }

    /// The most requests, and the most bytes in their bodies, that were under way at once.
    pub(super) fn peak(&self) -> Load {
        self.state(|state| state.peak)
    }

    fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What S3 says where a directory is asked for or copied: there are no directories.
    fn answer(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let target = request.uri().strip_prefix("http://localhost/")?.split('?').next()?;
        let source = request.headers().get("x-amz-copy-source").unwrap_or(target);
        let is_list = request.method() == "GET" && request.uri().contains("?uploads");
        if is_list {
            return Some(HttpResponse::new(
                200_u16.try_into().unwrap(),
                SdkBody::from(self.uploads(target.trim_matches('/'))),
            ));
        }
        let has_key = |name: &str| name.split_once('/').is_some_and(|(_, key)| !key.is_empty());
        let is_directory = [target, source].iter().any(|name| has_key(name) && self.root.join(name).is_dir());
        is_directory.then(|| if request.method() == "DELETE" { answer(204, "") } else { answer(404, "NoSuchKey") })
    }

    /// The multipart uploads of a bucket, as S3 lists them: s3s-fs has a file for each, and one that names its object.
    fn uploads(&self, bucket: &str) -> String {
        let files = std::fs::read_dir(&self.root).unwrap();
        let names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        let found = names.iter().filter_map(|name| {
            let object = name.strip_prefix(&format!(".bucket-{}.object-", encode(bucket)))?;
            let (key, id) = object.strip_suffix(".metadata.json")?.split_once(".upload-")?;
            names.contains(&format!(".upload-{id}.json")).then(|| {
                format!(
                    "<Upload><Key>{}</Key><UploadId>{id}</UploadId><Initiated>2020-01-01T00:00:00Z</Initiated></Upload>",
                    decode(key)
                )
            })
        });
        format!("<ListMultipartUploadsResult>{}</ListMultipartUploadsResult>", found.collect::<String>())
    }

    fn enter(&self, request: &HttpRequest) -> Passage {
        let length = request.headers().get("content-length").and_then(|length| length.parse().ok()).unwrap_or_default();
        self.state(|state| {
            state.now = Load { requests: state.now.requests + 1, bytes: state.now.bytes + length };
            state.peak.requests = state.peak.requests.max(state.now.requests);
            state.peak.bytes = state.peak.bytes.max(state.now.bytes);
        });
        let is_lost = self.state(|state| state.to_lose.take_if(|of| of(request))).is_some();
        Passage { gate: self.clone(), length, is_lost }
    }
}

/// A request under way.
struct Passage {
    gate: Gate,
    length: u64,
    is_lost: bool,
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.gate.state(|state| {
            state.now = Load { requests: state.now.requests - 1, bytes: state.now.bytes - self.length };
        });
    }
}

impl HttpClient for Gate {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.server.http_connector(settings, components);
        SharedHttpConnector::new(Turnstile { inner, gate: self.clone() })
    }
}

#[derive(Debug)]
struct Turnstile {
    inner: SharedHttpConnector,
    gate: Gate,
}

impl HttpConnector for Turnstile {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (gate, inner) = (self.gate.clone(), self.inner.clone());
        HttpConnectorFuture::new(async move {
            let passage = gate.enter(&request);
            let _turn = gate.turn.lock().await;
            if let Some(answer) = gate.answer(&request) {
                return Ok(answer);
            }
            let is_of_upload = request.uri().contains("uploadId=");
            let mut response = inner.call(request).await?;
            if passage.is_lost {
                return Ok(answer(500, "InternalError"));
            }
            if is_of_upload && response.status().as_u16() == 403 {
                return Ok(answer(404, "NoSuchUpload"));
            }
            if response.headers().get("etag").is_some_and(|etag| etag.contains('-')) {
                response.headers_mut().remove("x-amz-checksum-sha256");
            }
            Ok(response)
        })
    }
}

fn encode(name: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(name)
}

fn decode(name: &str) -> String {
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(name).unwrap()).unwrap()
}

fn answer(status: u16, code: &str) -> HttpResponse {
    let body = if code.is_empty() { String::new() } else { format!("<Error><Code>{code}</Code></Error>") };
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))
}
