//! The kinds of stores that need nothing but this machine.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use url::{Position, Url};

use super::{Created, Factory, FactoryError};
use crate::storage::Result;
use crate::storage::driver::StorageDriver;
use crate::storage::{FilesystemDriver, MemoryDriver};

const FILE: &str = "file";
const MEMORY: &str = "memory";

/// Why a URL names no directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileUrlError {
    /// Another machine's, or a directory in the place of the host.
    #[error("{0:?} stands where a host would; a directory of this machine has three slashes in front: file:///{0}/…")]
    Host(String),
    /// Settings, of which there are none.
    #[error("a directory's URL ends with the path, without '?' or '#'")]
    AfterPath,
    /// Nothing that this machine could call a directory.
    #[error("the path names no directory of this machine")]
    Path,
}

/// Why a URL names no store in memory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a store in memory is memory: or memory:<name>, the name of letters, digits, '.', '_' and '-'")]
pub struct MemoryUrlError;

impl Factory {
    /// A factory that knows
    ///
    /// - `file:///directory`: the filesystem, from that directory, which is made if it is not there;
    /// - `memory:` and `memory:name`: this process's memory. Of one factory the same name is always the same store, and no
    ///   name is a name.
    #[must_use]
    pub fn standard() -> Self {
        let mut factory = Self::new();
        factory.register(FILE, |url| async move { open(&url, FilesystemDriver::open) });
        let memories = Memories::default();
        factory.register(MEMORY, move |url| {
            let memory = memories.open(&url);
            async move { memory }
        });
        factory
    }

    /// The same, of stores that are only read: a directory has to be there, and nothing is written into it.
    #[must_use]
    pub fn reading() -> Self {
        let mut factory = Self::standard();
        factory.register(FILE, |url| async move { open(&url, FilesystemDriver::look_into) });
        factory
    }
}

fn open(url: &Url, opening: impl FnOnce(PathBuf) -> Result<FilesystemDriver>) -> Created {
    let directory = directory(url).map_err(|source| invalid(FILE, source))?;
    let driver = opening(directory);
    let driver = driver.map_err(|source| FactoryError::Open { scheme: FILE, source })?;
    Ok(Arc::new(driver))
}

fn directory(url: &Url) -> Result<PathBuf, FileUrlError> {
    if let Some(host) = url.host_str() {
        return Err(FileUrlError::Host(host.to_owned()));
    }
    if !url[Position::AfterPath..].is_empty() {
        return Err(FileUrlError::AfterPath);
    }
    let names_nothing = |path: &PathBuf| path.as_os_str().as_encoded_bytes().contains(&0);
    url.to_file_path().ok().filter(|path| !names_nothing(path)).ok_or(FileUrlError::Path)
}

/// The stores in memory that there are so far, by name.
#[derive(Default)]
struct Memories(Mutex<HashMap<String, Arc<MemoryDriver>>>);

impl Memories {
    fn open(&self, url: &Url) -> Result<Arc<dyn StorageDriver>, FactoryError> {
        let name = &url[Position::AfterScheme..];
        let name = name.strip_prefix(':').unwrap_or(name);
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
            return Err(invalid(MEMORY, MemoryUrlError));
        }
        // A name is added whole or not at all, so that a panic elsewhere is no reason to refuse.
        let mut memories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::<MemoryDriver>::clone(memories.entry(name.to_owned()).or_default()))
    }
}

pub(super) fn invalid(scheme: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> FactoryError {
    FactoryError::InvalidUrl { scheme, source: Box::new(source) }
}
