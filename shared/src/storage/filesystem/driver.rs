//! The driver over a root.

use std::any::Any;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use url::Url;

use super::blocking::{blocking, sort};
use super::root::Root;
use super::unfinished::Unfinished;
use super::version::stat_of;
use super::walk;
use super::writer::FilesystemWriter;
use crate::clock::Timestamp;
use crate::oci::UploadId;
use crate::storage::driver::{Unfinished as Left, copy_through};
use crate::storage::{
    Content, Copied, DirectUploads, Entry, Error, ObjectPath, Progress, PutMode, Result, Span, Stat, StorageDriver,
    UrlRequest, Version, Writer,
};

/// How much of an object a reader holds at once.
const CHUNK: u64 = 256 * 1024;

/// Objects in a directory. Several processes may have it open.
#[derive(Debug, Clone)]
pub struct FilesystemDriver {
    root: Arc<Root>,
}

impl FilesystemDriver {
    /// Opens the store in this directory, which is made when there is none, and removes the temporary files of
    /// processes that are gone. Blocks.
    pub fn open(root: PathBuf) -> Result<Self> {
        Ok(Self { root: Arc::new(Root::open(root).map_err(sort)?) })
    }

    /// Opens the store in this directory to be read: it has to be there, and every write is denied. Blocks.
    pub fn look_into(root: PathBuf) -> Result<Self> {
        Ok(Self { root: Arc::new(Root::look_into(root).map_err(sort)?) })
    }

    /// Works with the root on a thread that may block.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Root) -> Result<T> + Send + 'static) -> Result<T> {
        let root = Arc::clone(&self.root);
        blocking(move || work(&root)).await
    }
}

#[async_trait]
impl StorageDriver for FilesystemDriver {
    fn name(&self) -> &'static str {
        "filesystem"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    async fn get_content(&self, path: &ObjectPath, limit: u64) -> Result<Bytes> {
        let path = path.clone();
        self.run(move |root| {
            let file = root.file(&path)?;
            let size = file.metadata().map_err(sort)?.len();
            if size > limit {
                return Err(Error::TooLarge { path, limit });
            }
            read(&file, 0, size).map_err(sort)
        })
        .await
    }

    async fn put_content(&self, path: &ObjectPath, content: Bytes, mode: PutMode) -> Result<Version> {
        let path = path.clone();
        self.run(move |root| {
            let mut unfinished = Unfinished::create(root).map_err(sort)?;
            unfinished.write(&[content]).map_err(sort)?;
            root.publish(unfinished, &path, mode)
        })
        .await
    }

    async fn reader(&self, path: &ObjectPath, span: Span) -> Result<Content> {
        let path = path.clone();
        let (file, Stat { size, version, .. }) = self
            .run(move |root| {
                let file = root.file(&path)?;
                let stat = stat(&file).map_err(sort)?;
                if span.offset > stat.size {
                    return Err(Error::OutOfRange { path, size: stat.size });
                }
                Ok((Arc::new(file), stat))
            })
            .await?;
        let end = span.length.map_or(size, |length| span.offset.saturating_add(length).min(size));
        let chunks = stream::try_unfold(span.offset, move |offset| {
            let (file, length) = (Arc::clone(&file), CHUNK.min(end - offset));
            async move {
                if length == 0 {
                    return Ok(None);
                }
                let chunk = blocking(move || read(&file, offset, length).map_err(sort)).await?;
                Ok(Some((chunk, offset + length)))
            }
        });
        Ok(Content { size, version: Some(version), stream: chunks.boxed() })
    }

    async fn writer(&self, path: &ObjectPath, progress: Option<Progress>) -> Result<Box<dyn Writer>> {
        Ok(Box::new(FilesystemWriter::open(Arc::clone(&self.root), path, progress).await?))
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Stat> {
        let path = path.clone();
        self.run(move |root| root.stat(&path)).await
    }

    async fn list(&self, directory: &ObjectPath, after: Option<&ObjectPath>, limit: usize) -> Result<Vec<Entry>> {
        let (directory, after) = (directory.clone(), after.cloned());
        self.run(move |root| walk::list(root.directory(), &directory, after.as_ref(), limit)).await
    }

    async fn move_content(&self, from: &ObjectPath, to: &ObjectPath) -> Result<Version> {
        let (from, to) = (from.clone(), to.clone());
        self.run(move |root| root.rename(&from, &to)).await
    }

    /// From a sibling the kernel copies, by sharing the blocks where the file system can. Never by a hard link: the two
    /// objects would be one file with one version.
    async fn copy_from(&self, source: &dyn StorageDriver, from: &ObjectPath, to: &ObjectPath) -> Result<Copied> {
        let Some(source) = source.as_any().downcast_ref::<Self>() else {
            return copy_through(self, source, from, to).await;
        };
        let (source, from, to) = (Arc::clone(&source.root), from.clone(), to.clone());
        self.run(move |root| {
            let mut file = source.file(&from)?;
            let copied = stat(&file).map_err(sort)?;
            let mut unfinished = Unfinished::create(root).map_err(sort)?;
            io::copy(&mut file, &mut unfinished.file).map_err(sort)?;
            let version = root.publish(unfinished, &to, PutMode::Overwrite)?;
            Ok(Copied { version, source: Some(copied.version), sha256: None, is_compared: false })
        })
        .await
    }

    fn keeps_overwritten(&self, _: &Version) -> bool {
        false
    }

    async fn delete(&self, path: &ObjectPath, version: Option<&Version>) -> Result<()> {
        let (path, version) = (path.clone(), version.cloned());
        self.run(move |root| root.remove(&path, version.as_ref())).await
    }

    /// Files that a checkpoint named once, untouched since then.
    async fn unfinished(&self, before: Timestamp, limit: usize) -> Result<Vec<Left>> {
        self.run(move |root| root.partials(before, limit).map_err(sort)).await
    }

    async fn forget(&self, unfinished: &Left) -> Result<()> {
        let upload = unfinished.upload.parse::<UploadId>().ok();
        self.run(move |root| upload.map_or(Ok(()), |upload| root.remove_partial(&upload)).map_err(sort)).await
    }

    fn direct(&self) -> Option<&dyn DirectUploads> {
        None
    }

    async fn url_for(&self, _: &ObjectPath, _: &UrlRequest) -> Result<Option<Url>> {
        Ok(None)
    }
}

fn stat(file: &File) -> io::Result<Stat> {
    Ok(stat_of(&file.metadata()?))
}

/// Exactly these bytes of a file.
fn read(file: &File, offset: u64, length: u64) -> io::Result<Bytes> {
    let length = usize::try_from(length).map_err(|_| ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes.into())
}
