//! Asking a bucket whether it serves, by an object that lies in every one.

use std::time::Duration;

use bytes::Bytes;

use super::driver::{PutMode, StorageDriver};
use super::error::{Error, Result};
use super::path::ObjectPath;

/// How long a bucket may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it is left alone before it is asked again.
const PAUSE: Duration = Duration::from_millis(200);
/// What lies in every bucket, to be asked for.
const CONTENT: &[u8] = b"ringhold\n";

/// Reads the object, and puts it there when it is not; a second time when the bucket was unavailable.
pub(super) async fn read(driver: &dyn StorageDriver) -> Result<()> {
    let first = within_patience(read_once(driver)).await;
    if !matches!(first, Err(Error::Unavailable(_))) {
        return first;
    }
    tokio::time::sleep(PAUSE).await;
    within_patience(read_once(driver)).await
}

/// Puts the object there.
pub(super) async fn write(driver: &dyn StorageDriver) -> Result<()> {
    within_patience(put(driver)).await
}

async fn read_once(driver: &dyn StorageDriver) -> Result<()> {
    match driver.get_content(&ObjectPath::probe(), CONTENT.len() as u64).await {
        Err(error) if error.may_mean_absent() => match (put(driver).await, error) {
            // It may not be written, and is read all the same.
            (Err(Error::Denied(_)), Error::NotFound(_)) => Ok(()),
            (written, _) => written,
        },
        answer => answer.map(drop),
    }
}

async fn put(driver: &dyn StorageDriver) -> Result<()> {
    driver.put_content(&ObjectPath::probe(), Bytes::from_static(CONTENT), PutMode::Overwrite).await.map(drop)
}

async fn within_patience(asked: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|over| Err(Error::Unavailable(Box::new(over))))
}
