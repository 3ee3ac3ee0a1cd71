//! s3s over a temporary directory, as the HTTP client of the SDK.
//!
//! s3s-fs deviates from S3 in what the gate before it mends, so that every clause of the contract runs: it looks and then
//! writes, so requests take turns; it takes a directory for an object, so nothing lies there; it says `AccessDenied` of an
//! upload that is gone, and keeps the checksum of what a multipart object replaced. Versions, and requests that race, are tested on the emulator.

use std::path::PathBuf;
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, HttpClient, RuntimeComponents, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::sync::Mutex;

use crate::calls::Calls;
use crate::storage::s3::{S3Config, S3Driver};

const BUCKET: &str = "layers";

/// A server that lives as long as its directory.
pub(super) struct InProcess {
    shared: SdkConfig,
    _directory: tempfile::TempDir,
}

impl InProcess {
    /// A server with one empty bucket.
    pub(super) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(directory.path()).unwrap());
        service.set_auth(SimpleAuth::from_single("key", "secret"));
        let server = Arc::new(s3s_aws::Client::from(service.build()));
        let gate = Gate { server, root: directory.path().to_owned(), turn: Arc::default() };
        let credentials = Credentials::new("key", "secret", None, None, "test");
        let shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("nowhere"))
            .endpoint_url("http://localhost")
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(gate)
            .build();
        let server = Self { shared, _directory: directory };
        server.driver(None).client.create_bucket().bucket(BUCKET).send().await.unwrap();
        server
    }

    /// A driver of the bucket, as a process of its own would make it.
    pub(super) fn driver(&self, calls: Option<Calls>) -> Arc<S3Driver> {
        let config: S3Config = format!("s3://{BUCKET}").parse().unwrap();
        Arc::new(S3Driver::connect(&config, &self.shared, calls))
    }
}

#[derive(Debug, Clone)]
struct Gate {
    server: Arc<s3s_aws::Client>,
    root: PathBuf,
    turn: Arc<Mutex<()>>,
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
            let _turn = gate.turn.lock().await;
            if let Some(answer) = gate.answer(&request) {
                return Ok(answer);
            }
            let is_of_upload = request.uri().contains("uploadId=");
            let mut response = inner.call(request).await?;
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

impl Gate {
    /// What S3 says where a directory is asked for or copied: there are no directories.
    fn answer(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let target = request.uri().strip_prefix("http://localhost/")?.split('?').next()?;
        let source = request.headers().get("x-amz-copy-source").unwrap_or(target);
        let has_key = |name: &str| name.split_once('/').is_some_and(|(_, key)| !key.is_empty());
        let is_directory = [target, source].iter().any(|name| has_key(name) && self.root.join(name).is_dir());
        is_directory.then(|| if request.method() == "DELETE" { answer(204, "") } else { answer(404, "NoSuchKey") })
    }
}

fn answer(status: u16, code: &str) -> HttpResponse {
    let body = if code.is_empty() { String::new() } else { format!("<Error><Code>{code}</Code></Error>") };
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))
}
