//! Clients: how patient they are, and which of them may copy from each other.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Builder, Region, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::identity::{IdentityCachePartition, ResolveIdentity};

use super::config::S3Config;
use crate::calls::Calls;

/// For one attempt, until the first byte of an answer. S3 answers within a second; only what it does with whole objects takes longer.
const FIRST_BYTE: Duration = Duration::from_secs(30);
/// A server-side copy of 5 GB answers when it is done, and so may the end of an upload of thousands of parts.
const WHOLE_OBJECT: Duration = Duration::from_mins(15);
/// How long a body may stand still.
const STALL: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 4;
/// All attempts together: whatever fails in the first minute of a bucket's trouble ends with it.
const ALL_ATTEMPTS: Duration = Duration::from_mins(1);

/// A client that is made when it is first used: that takes a while of a function's start, and many a function never asks
/// a bucket.
pub(super) type LateClient = Arc<LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>>;

pub(super) fn late(make: impl FnOnce() -> Client + Send + 'static) -> LateClient {
    Arc::new(LazyLock::new(Box::new(make)))
}

/// A client of the bucket's store, with the process's credentials and connections.
pub(super) fn connect(config: &S3Config, shared: &SdkConfig, calls: Option<Calls>) -> Client {
    let endpoint = endpoint(config, shared);
    let region = config.region.clone().map(Region::new).or_else(|| shared.region().cloned());
    let mut builder = Builder::from(shared)
        .behavior_version(BehaviorVersion::latest())
        .region(region.unwrap_or_else(|| Region::from_static("us-east-1")))
        .force_path_style(config.path_style.unwrap_or(endpoint.is_some()))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts(FIRST_BYTE, ALL_ATTEMPTS))
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(STALL).build());
    builder.set_endpoint_url(endpoint);
    if let Some(calls) = calls {
        builder = builder.interceptor(calls);
    }
    Client::from_conf(builder.build())
}

/// What a copy, or the end of an upload in parts, changes: the store works for as long as it takes.
pub(super) fn patient() -> Builder {
    Builder::default().timeout_config(timeouts(WHOLE_OBJECT, WHOLE_OBJECT))
}

/// Timeouts of connections are left as they are: each of their own would keep its own connections.
fn timeouts(answer: Duration, all_attempts: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(answer).operation_timeout(all_attempts).build()
}

/// A store and an account in it: between two buckets of one realm, the store copies by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Realm {
    endpoint: Option<String>,
    credentials: Option<IdentityCachePartition>,
}

impl Realm {
    pub(super) fn of(config: &S3Config, shared: &SdkConfig) -> Self {
        let credentials = shared.credentials_provider().and_then(|provider| provider.cache_partition());
        Self { endpoint: endpoint(config, shared), credentials }
    }

    /// A realm that equals no other but its clones.
    pub(super) fn unique() -> Self {
        Self { endpoint: None, credentials: Some(IdentityCachePartition::new()) }
    }
}

fn endpoint(config: &S3Config, shared: &SdkConfig) -> Option<String> {
    config.endpoint.as_ref().map(ToString::to_string).or_else(|| shared.endpoint_url().map(ToOwned::to_owned))
}
