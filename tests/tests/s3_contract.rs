//! What holds for every store of bytes, held to buckets of the emulator: with versions, as deployed, and without.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::sync::Arc;

use harness::emulator::{Emulator, emulator};
use shared::storage::contract::Subject;
use shared::storage::s3::{S3Config, S3Driver};

fn subject(emulator: &Emulator, bucket: &str) -> Subject {
    let config: S3Config = format!("s3://{bucket}?endpoint={}", emulator.endpoint()).parse().expect("a bucket");
    // One set of credentials, as all buckets of a process have: the two copy from each other server-side.
    let shared = emulator.sdk_config();
    let driver = Arc::new(S3Driver::connect(&config, &shared, None));
    let reopened = Arc::new(S3Driver::connect(&config, &shared, None));
    Subject { driver, reopened, has_urls: true, keep: Box::new(()) }
}

mod with_versions {
    use super::{Subject, emulator};

    async fn fresh() -> Option<Subject> {
        let emulator = emulator()?;
        Some(super::subject(emulator, &emulator.bucket().await))
    }

    shared::storage_contract!(fresh());
}

mod without_versions {
    use super::{Subject, emulator};

    async fn fresh() -> Option<Subject> {
        let emulator = emulator()?;
        Some(super::subject(emulator, &emulator.unversioned_bucket().await))
    }

    shared::storage_contract!(fresh());
}
