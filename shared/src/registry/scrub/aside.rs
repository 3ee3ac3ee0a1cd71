//! Moving aside what is damaged, or nobody's: the very object that was looked at, never one that has come there since.

use crate::clock::Timestamp;
use crate::oci::{Digest, UploadId};
use crate::registry::{Registry, Result};
use crate::storage::{BucketId, Copied, ObjectPath, StorageDriver, Version};

impl Registry {
    /// Keeps a copy of whatever lies there.
    pub(super) async fn copy_aside(&self, bucket: &BucketId, path: &ObjectPath) -> Result<()> {
        copy(&*self.bucket(bucket).await?, path).await.map(drop)
    }

    /// Moves aside what was judged; false when another object lies there by now, or a row has come to name it.
    pub(in crate::registry) async fn move_aside(
        &self,
        digest: &Digest,
        (bucket, path): (&BucketId, &ObjectPath),
        judged: &Version,
    ) -> Result<bool> {
        let driver = self.bucket(bucket).await?;
        let (aside, copied) = copy(&*driver, path).await?;
        let is_it = copied.source.as_ref().is_none_or(|source| source == judged);
        if !is_it || self.is_named(digest, bucket, path).await? {
            driver.delete(&aside, Some(&copied.version)).await?;
            return Ok(false);
        }
        driver.delete(path, Some(judged)).await?;
        Ok(true)
    }

    /// Whether a blob is read from there, or would be if its deletion were taken back.
    pub(super) async fn is_named(&self, digest: &Digest, bucket: &BucketId, path: &ObjectPath) -> Result<bool> {
        let row = self.metadata.blob_in_any_state(digest).await?;
        Ok(row.is_some_and(|row| row.places().any(|place| place.lies_at(bucket, path))))
    }
}

async fn copy(driver: &dyn StorageDriver, path: &ObjectPath) -> Result<(ObjectPath, Copied)> {
    let aside = path.aside(Timestamp::now().as_millis(), &UploadId::random());
    let copied = driver.copy_from(driver, path, &aside).await?;
    Ok((aside, copied))
}
