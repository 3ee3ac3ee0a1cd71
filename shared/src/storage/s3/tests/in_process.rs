//! s3s over a temporary directory, as the HTTP client of the SDK.

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, HttpClient, SharedCredentialsProvider};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;

use super::gate::Gate;
use crate::calls::Calls;
use crate::storage::s3::{S3Config, S3Driver};

pub(super) const BUCKET: &str = "layers";

/// A server that lives as long as its directory.
pub(crate) struct InProcess {
    shared: SdkConfig,
    gate: Gate,
    _directory: tempfile::TempDir,
}

impl InProcess {
    /// A server with one empty bucket.
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(directory.path()).unwrap());
        service.set_auth(SimpleAuth::from_single("key", "secret"));
        let gate = Gate::new(s3s_aws::Client::from(service.build()), directory.path());
        let credentials = Credentials::new("key", "secret", None, None, "test");
        let shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("nowhere"))
            .endpoint_url("http://localhost")
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(gate.clone())
            .build();
        let server = Self { shared, gate, _directory: directory };
        server.make(BUCKET).await;
        server
    }

    /// Makes another bucket.
    pub(crate) async fn make(&self, bucket: &str) {
        self.driver(None).client.create_bucket().bucket(bucket).send().await.unwrap();
    }

    /// A driver of a bucket, as a process with this HTTP client would make it.
    pub(crate) fn through(&self, client: impl HttpClient + 'static, bucket: &str) -> Arc<S3Driver> {
        let config: S3Config = format!("s3://{bucket}").parse().unwrap();
        let shared = self.shared.to_builder().http_client(client).build();
        Arc::new(S3Driver::connect(&config, &shared, None))
    }

    /// What stands before it.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// A driver of the bucket, as a process of its own would make it.
    pub(super) fn driver(&self, calls: Option<Calls>) -> Arc<S3Driver> {
        let config: S3Config = format!("s3://{BUCKET}").parse().unwrap();
        Arc::new(S3Driver::connect(&config, &self.shared, calls))
    }
}
