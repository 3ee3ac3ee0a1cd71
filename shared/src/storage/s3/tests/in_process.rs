//! s3s over a temporary directory, as the HTTP client of the SDK.
//!
//! s3s-fs deviates from S3 in what this gate mends, by its order of requests and by answers, never by its own bytes:
//! it checks `If-None-Match` and then writes, so requests take turns; and it says `AccessDenied` of an upload that is not
//! there. Versions, and whatever needs several requests at once, are tested on the emulator.

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
        let gate = Gate { server: Arc::new(s3s_aws::Client::from(service.build())), turn: Arc::default() };
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
    turn: Arc<Mutex<()>>,
}

impl HttpClient for Gate {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.server.http_connector(settings, components);
        SharedHttpConnector::new(Turnstile { inner, turn: Arc::clone(&self.turn) })
    }
}

#[derive(Debug)]
struct Turnstile {
    inner: SharedHttpConnector,
    turn: Arc<Mutex<()>>,
}

impl HttpConnector for Turnstile {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_of_upload = request.uri().contains("uploadId=");
        let (turn, inner) = (Arc::clone(&self.turn), self.inner.clone());
        HttpConnectorFuture::new(async move {
            let _turn = turn.lock().await;
            let response = inner.call(request).await?;
            Ok(if is_of_upload && response.status().as_u16() == 403 { no_such_upload() } else { response })
        })
    }
}

fn no_such_upload() -> HttpResponse {
    let body = "<Error><Code>NoSuchUpload</Code><Message>The specified upload does not exist.</Message></Error>";
    HttpResponse::new(404.try_into().unwrap(), SdkBody::from(body))
}
