//! Tables of their own for tests, in the emulator.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicU32, Ordering};

use harness::emulator::{Emulator, emulator};
use shared::calls::Calls;
use shared::metadata::{DynamoDbConfig, DynamoDbStore};

/// A new table.
#[derive(Debug)]
pub(crate) struct Table {
    emulator: &'static Emulator,
    config: DynamoDbConfig,
}

impl Table {
    /// A new table; none, said aloud, when there is no emulator and need not be.
    pub(crate) async fn fresh() -> Option<Self> {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let emulator = emulator()?;
        let name = format!("test-{}", TABLES.fetch_add(1, Ordering::Relaxed));
        let config = DynamoDbConfig { table: name, endpoint: None, region: None };
        let table = Self { emulator, config };
        table.connect(None).create_table().await.unwrap();
        Some(table)
    }

    /// A store over the table, with a client of its own.
    pub(crate) fn connect(&self, calls: Option<Calls>) -> DynamoDbStore {
        DynamoDbStore::connect(&self.config, &self.emulator.sdk_config(), calls)
    }
}
