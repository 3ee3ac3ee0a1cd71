//! Facts in a table of DynamoDB, keyed as `keys` says.
//!
//! Attributes: `pk`, `sk`, `expires` (seconds, the table's time to live), whatever a condition names, and `body`, the
//! record as JSON. The uses of one put have its generation as the end of their key, so that two puts of one manifest
//! never write, and a delete never removes, each other's.

mod batch;
mod blobs;
mod collection;
mod commit;
mod config;
mod entries;
mod error;
mod item;
mod listing;
mod put;
mod query;
mod read;
mod removal;
mod retry;
mod ring;
mod sectors;
mod sessions;
mod store;
mod table;
mod transaction;
mod unlink;
mod uses;
mod work;
mod write;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Builder, Region};
use std::time::Duration;

pub use config::{DynamoDbConfig, ParseDynamoDbError};

use crate::calls::Calls;

/// The longest that one attempt at a call may take: the service answers within milliseconds, or something is wrong.
const ATTEMPT: Duration = Duration::from_secs(5);

/// A store of facts in one table. Clones share a client.
#[derive(Debug, Clone)]
pub struct DynamoDbStore {
    client: Client,
    table: String,
}

impl DynamoDbStore {
    /// A store over the configured table, which is not asked for yet; `calls` counts its requests.
    #[must_use]
    pub fn connect(config: &DynamoDbConfig, sdk: &SdkConfig, calls: Option<Calls>) -> Self {
        let mut builder = Builder::from(sdk)
            .retry_config(retry::within_the_sdk())
            .retry_classifier(retry::TransactionConflicts)
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build());
        if let Some(endpoint) = &config.endpoint {
            builder = builder.endpoint_url(endpoint.as_str());
        }
        if let Some(region) = &config.region {
            builder = builder.region(Region::new(region.clone()));
        }
        if let Some(calls) = calls {
            builder = builder.interceptor(calls);
        }
        Self { client: Client::from_conf(builder.build()), table: config.table.clone() }
    }
}
