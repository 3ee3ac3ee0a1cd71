//! Tables of their own for tests, in an emulator that listens at `RINGHOLD_EMULATOR`.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, Region, SharedCredentialsProvider};
use shared::calls::Calls;
use shared::metadata::{DynamoDbConfig, DynamoDbStore};

/// What any client of the emulator is made from.
fn sdk() -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "tests")))
        .build()
}

/// A new table; none, said aloud, when there is no emulator and need not be.
pub(crate) async fn fresh() -> Option<DynamoDbConfig> {
    static TABLES: AtomicU32 = AtomicU32::new(0);
    let Ok(endpoint) = std::env::var("RINGHOLD_EMULATOR") else {
        harness::tools::absent("RINGHOLD_EMULATOR does not say where the emulator listens");
        return None;
    };
    let table = format!("test-{}-{}", std::process::id(), TABLES.fetch_add(1, Ordering::Relaxed));
    let config: DynamoDbConfig = format!("dynamodb://{table}?endpoint={endpoint}").parse().unwrap();
    connect(&config, None).create_table().await.unwrap();
    Some(config)
}

/// A store over a table.
pub(crate) fn connect(config: &DynamoDbConfig, calls: Option<Calls>) -> DynamoDbStore {
    DynamoDbStore::connect(config, &sdk(), calls)
}

/// A store over a new table, and the count of its requests.
#[allow(dead_code, reason = "not every test that uses this module counts")]
pub(crate) async fn counted() -> Option<(DynamoDbStore, Calls)> {
    let (config, calls) = (fresh().await?, Calls::default());
    Some((connect(&config, Some(calls.clone())), calls))
}
