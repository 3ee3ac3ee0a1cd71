//! Versioned buckets and a table in the emulator: what a registry on AWS stands on.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use shared::config::Stores;
use shared::metadata::{DynamoDbConfig, DynamoDbStore};
use url::Url;

use crate::emulator::{Emulator, emulator};
use crate::server::ServeOptions;

/// Buckets and a table that nobody else uses.
#[derive(Debug)]
pub struct Stack {
    emulator: &'static Emulator,
    buckets: Vec<String>,
    table: String,
}

impl Stack {
    /// A new stack of three buckets; none, said aloud, when there is no emulator and need not be.
    pub async fn fresh() -> Option<Self> {
        Self::of(3).await
    }

    /// A new stack of so many buckets; none, said aloud, when there is no emulator and need not be.
    pub async fn of(count: usize) -> Option<Self> {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let emulator = emulator()?;
        let mut buckets = Vec::new();
        for _ in 0..count {
            buckets.push(emulator.bucket().await);
        }
        let table = format!("stack-{}", TABLES.fetch_add(1, Ordering::Relaxed));
        let config = DynamoDbConfig { table: table.clone(), endpoint: None, region: None };
        let store = DynamoDbStore::connect(&config, &emulator.sdk_config(), None);
        store.create_table().await.expect("a table can be made");
        Some(Self { emulator, buckets, table })
    }

    /// The emulator that it lies in.
    pub fn emulator(&self) -> &'static Emulator {
        self.emulator
    }

    /// Its buckets' names.
    pub fn buckets(&self) -> &[String] {
        &self.buckets
    }

    /// Its table's name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Its URLs, as a process is told them.
    pub fn stores(&self) -> Stores {
        let url = |scheme: &str, name: &str| {
            let text = format!("{scheme}://{name}?endpoint={}&region=us-east-1", self.emulator.endpoint());
            text.parse::<Url>().expect("a URL")
        };
        let storage: Vec<_> = self.buckets.iter().map(|bucket| url("s3", bucket)).collect();
        Stores::new(storage, url("dynamodb", &self.table))
    }

    /// The environment of functions over it, as the template sets it, with AWS at this endpoint.
    pub fn variables(&self, endpoint: &str) -> Vec<(String, String)> {
        let storage: Vec<_> = self.buckets.iter().map(|bucket| format!("s3://{bucket}?path_style=true")).collect();
        let variables = [
            ("RINGHOLD_STORAGE", storage.join(",")),
            ("RINGHOLD_METADATA", format!("dynamodb://{}", self.table)),
            ("RINGHOLD_INSECURE_OPEN", "true".to_owned()),
            ("AWS_ENDPOINT_URL", endpoint.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// A server over it, with nothing but its admin socket and log in `data`.
    pub fn options(&self, data: &Path) -> ServeOptions {
        let stores = self.stores();
        let storage = stores.storage.iter().flat_map(|url| ["--storage".to_owned(), url.to_string()]);
        ServeOptions::embedded(data)
            .with(storage)
            .with(["--metadata", stores.metadata.as_str()])
            .variable("AWS_ACCESS_KEY_ID", "test")
            .variable("AWS_SECRET_ACCESS_KEY", "test")
            .variable("AWS_REGION", "us-east-1")
    }
}
