//! Removing what nobody will ever ask for: sessions that have expired, and what requests that died have left in the
//! buckets. Whether anybody needs an object, its rows say; how old it is only keeps the sweeper from those under way.

use super::{Registry, Result};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::metadata::UploadSession;
use crate::oci::UploadId;
use crate::storage::{BucketId, Entry, ObjectPath, Objects, Progress, StorageDriver};

/// How many things are looked at together.
const BATCH: usize = 500;

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Uploads that had expired.
    pub sessions: usize,
    /// Objects that were begun and never finished.
    pub unfinished: usize,
    /// Objects that no row names.
    pub objects: usize,
    /// Buckets that could not be swept wholly.
    pub failed: usize,
}

impl Registry {
    /// Sweeps all buckets once. Whatever cannot be removed now stays for the next time.
    pub async fn sweep(&self) -> Result<Swept> {
        let mut swept = Swept { sessions: self.sweep_sessions().await?, ..Swept::default() };
        if let Err(error) = self.sweep_entries().await {
            tracing::warn!(error = %Causes(&error), "records and deeds that have expired were not swept");
        }
        let before = Timestamp::now().minus(self.terms.session);
        for bucket in self.storage().topology().buckets.clone() {
            if let Err(error) = self.sweep_bucket(&bucket.id, before, &mut swept).await {
                tracing::warn!(bucket = %bucket.id, error = %Causes(&error), "a bucket was not swept");
                swept.failed += 1;
            }
        }
        Ok(swept)
    }

    async fn sweep_bucket(&self, id: &BucketId, before: Timestamp, swept: &mut Swept) -> Result<()> {
        let driver = self.bucket(id).await?;
        swept.unfinished += self.sweep_unfinished(&*driver, before).await?;
        for directory in [ObjectPath::all_staged(), ObjectPath::all_tails()] {
            swept.objects += self.sweep_objects(&*driver, directory, before).await?;
        }
        Ok(())
    }

    /// The row first: once it is gone nobody goes on with the upload.
    async fn sweep_sessions(&self) -> Result<usize> {
        let mut swept = 0;
        loop {
            let now = Timestamp::now();
            let expired = self.metadata.expired_sessions(now, BATCH).await?;
            let mut forgotten = 0;
            for session in &expired {
                if self.metadata.forget_session(&session.id, now).await? {
                    forgotten += 1;
                    self.forget_bytes(session).await;
                }
            }
            swept += forgotten;
            if expired.len() < BATCH || forgotten == 0 {
                return Ok(swept);
            }
        }
    }

    async fn sweep_entries(&self) -> Result<()> {
        let now = Timestamp::now();
        while self.metadata.sweep_entries(now, BATCH).await? == BATCH {}
        Ok(())
    }

    async fn forget_bytes(&self, session: &UploadSession) {
        let forgotten = async {
            if session.completed.is_some() {
                return Ok(());
            }
            if let Some(direct) = &session.direct {
                return self.forget_direct(&session.bucket, &session.id, direct).await;
            }
            let Some(checkpoint) = session.checkpoint.clone() else { return Ok(()) };
            let progress = Progress { checkpoint, parts: Vec::new() };
            let path = ObjectPath::staged(&session.id);
            Ok(self.bucket(&session.bucket).await?.writer(&path, Some(progress)).await?.cancel().await?)
        };
        if let Err(error) = forgotten.await {
            tracing::warn!(upload = %session.id, error = %Causes(&error), "an expired upload's bytes are left behind");
        }
    }

    async fn sweep_unfinished(&self, driver: &dyn StorageDriver, before: Timestamp) -> Result<usize> {
        let mut swept = 0;
        for unfinished in driver.unfinished(before, BATCH).await? {
            let upload = unfinished.path.as_ref().and_then(ObjectPath::upload);
            let is_open = match upload {
                Some(upload) => self.metadata.open_session(&upload, Timestamp::now()).await?.is_some(),
                None => false,
            };
            if !is_open {
                driver.forget(&unfinished).await?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    async fn sweep_objects(
        &self,
        driver: &dyn StorageDriver,
        directory: ObjectPath,
        before: Timestamp,
    ) -> Result<usize> {
        let (mut swept, mut objects) = (0, Objects::below(driver, directory));
        while let Some(Entry { path, modified, .. }) = objects.next().await? {
            let Some(upload) = path.upload().filter(|_| modified < before) else { continue };
            if !self.is_needed(&upload, &path).await? {
                driver.delete(&path, None).await?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// Whether the upload goes on with the object, or work is still to be done about it.
    async fn is_needed(&self, upload: &UploadId, path: &ObjectPath) -> Result<bool> {
        if let Some(session) = self.metadata.open_session(upload, Timestamp::now()).await? {
            let tail = session.checkpoint.and_then(|checkpoint| checkpoint.tail);
            return Ok(*path == ObjectPath::staged(upload) || tail.is_some_and(|tail| tail.path == *path));
        }
        Ok(*path == ObjectPath::staged(upload) && self.metadata.work_of(upload).await?.is_some())
    }
}
