//! A writer's caller: it records checkpoints, gathers parts, and forgets what a newer checkpoint supersedes.

use bytes::Bytes;

use super::bench::Bench;
use super::noise::chunks;
use crate::storage::driver::{Checkpoint, Progress, StorageDriver, Version, Writer};
use crate::storage::{Error, ObjectPath, Result};

/// An object on its way.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) path: ObjectPath,
    progress: Option<Progress>,
}

impl Upload {
    /// An upload to a staging path.
    pub(super) fn staged(bench: &Bench) -> Self {
        Self { path: bench.staged(), progress: None }
    }

    /// An upload to a path of the clause's directory.
    pub(super) fn at(bench: &Bench, name: &str) -> Self {
        let path = bench.path(name);
        bench.watch_tails(&path);
        Self { path, progress: None }
    }

    /// A writer that goes on from the last checkpoint recorded.
    pub(super) async fn open(&self, driver: &dyn StorageDriver) -> Result<Box<dyn Writer>> {
        self.progress_matches_parts();
        driver.writer(&self.path, self.progress.clone()).await
    }

    /// Checkpoints the writer and records the outcome; the tail of the one before is not needed after that.
    pub(super) async fn checkpoint(&mut self, bench: &Bench, writer: &mut Box<dyn Writer>) -> Checkpoint {
        let Progress { checkpoint, parts } = writer.checkpoint().await.unwrap();
        assert_eq!(checkpoint.offset, writer.size(), "a checkpoint says how far it goes");
        let before = self.progress.take();
        let mut all = before.as_ref().map(|before| before.parts.clone()).unwrap_or_default();
        all.extend(parts);
        self.progress = Some(Progress { checkpoint: checkpoint.clone(), parts: all });
        self.progress_matches_parts();
        let superseded = before.and_then(|before| before.checkpoint.tail);
        if let Some(tail) = superseded.filter(|old| checkpoint.tail.as_ref().is_none_or(|new| new.path != old.path)) {
            bench.driver().delete(&tail.path, tail.version.as_ref()).await.unwrap();
        }
        checkpoint
    }

    /// Parts are numbered from one without gaps, and together with the tail they are no more than the checkpoint.
    fn progress_matches_parts(&self) {
        let Some(Progress { checkpoint, parts }) = &self.progress else { return };
        for (part, expected) in parts.iter().zip(1..) {
            assert_eq!(part.number, expected, "parts are in order: {parts:?}");
        }
        let recorded =
            parts.iter().map(|part| part.size).sum::<u64>() + checkpoint.tail.as_ref().map_or(0, |tail| tail.size);
        let elsewhere = parts.is_empty() && checkpoint.tail.is_none();
        assert!(elsewhere || recorded == checkpoint.offset, "{checkpoint:?} of {parts:?}");
    }

    /// Requires that the recorded checkpoint cannot become an object any more.
    pub(super) async fn assert_gone(&self, driver: &dyn StorageDriver) {
        let outcome = match self.open(driver).await {
            Ok(writer) => write_and_commit(writer, Bytes::from_static(b"from the grave")).await,
            Err(error) => Err(error),
        };
        assert!(matches!(outcome, Err(Error::CheckpointGone(ref path)) if *path == self.path), "{outcome:?}");
    }
}

/// Writes in odd chunks.
pub(super) async fn write_all(writer: &mut Box<dyn Writer>, content: Bytes) -> Result<()> {
    for chunk in chunks(content) {
        let size = writer.size() + chunk.len() as u64;
        writer.write(chunk).await?;
        assert_eq!(writer.size(), size, "a writer counts what it takes");
    }
    Ok(())
}

pub(super) async fn write_and_commit(mut writer: Box<dyn Writer>, content: Bytes) -> Result<Version> {
    write_all(&mut writer, content).await?;
    writer.commit().await
}
