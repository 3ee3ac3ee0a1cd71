//! Where a pulled image goes: always into a layout first, which is kept until it is whole, and for an archive packed then.

use std::path::{Path, PathBuf};

use crate::image::{
    CONTAINERD_NAME, INDEX_FILE, ImageName, LAYOUT_FILE, LAYOUT_VERSION, LayoutIndex, NamedManifest, REF_NAME,
    blob_path,
};
use shared::oci::{Descriptor, Digest};

use super::args::Format;
use super::{PullArgs, TransferError};

/// What the directory is called in which an archive is gathered, after the archive.
const GATHERED: &str = ".partial";

/// What a file is called while it is not whole.
pub(super) const PART: &str = ".part";

/// A layout in a directory.
#[derive(Debug, Clone)]
pub(super) struct Layout(PathBuf);

/// What is written in the end.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Where blobs go.
    pub(super) layout: Layout,
    /// What is made of them.
    pub(super) format: Format,
}

impl Target {
    /// What the arguments say, or the target's name.
    pub(super) fn choose(args: &PullArgs) -> Result<Self, TransferError> {
        let target = &args.target;
        let is_directory = target.is_dir() || target.to_string_lossy().ends_with(std::path::MAIN_SEPARATOR);
        let inferred = match target.extension() {
            _ if is_directory => Some(Format::OciDir),
            Some(extension) if extension.eq_ignore_ascii_case("tar") => Some(Format::OciArchive),
            Some(_) | None => None,
        };
        let format = args.format.or(inferred).ok_or_else(|| TransferError::Format(target.clone()))?;
        let layout = match format {
            Format::OciDir => target.clone(),
            Format::OciArchive | Format::DockerArchive => with_suffix(target, GATHERED),
        };
        Ok(Self { layout: Layout(layout), format })
    }
}

impl Layout {
    /// Its directory.
    pub(super) fn directory(&self) -> &Path {
        &self.0
    }

    /// Where a blob lies once it is whole.
    pub(super) fn blob(&self, digest: &Digest) -> PathBuf {
        self.0.join(blob_path(digest))
    }

    /// Makes an empty directory a layout. One that is none and has files in it is left alone.
    pub(super) fn prepare(&self) -> Result<(), TransferError> {
        let marker = self.0.join(LAYOUT_FILE);
        if marker.is_file() {
            return Ok(());
        }
        std::fs::create_dir_all(&self.0).map_err(TransferError::write(&self.0))?;
        let mut files = std::fs::read_dir(&self.0).map_err(TransferError::write(&self.0))?;
        if files.next().is_some() {
            return Err(TransferError::NoLayout(self.0.clone()));
        }
        write(&marker, LAYOUT_VERSION.as_bytes())
    }

    /// Forgets which images are there; their blobs stay.
    pub(super) fn forget_names(&self) -> Result<(), TransferError> {
        let path = self.0.join(INDEX_FILE);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(TransferError::Write { path, source }),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Keeps a manifest.
    pub(super) fn keep(&self, digest: &Digest, bytes: &[u8]) -> Result<(), TransferError> {
        write(&self.blob(digest), bytes)
    }

    /// Names the image in the layout's index, once all that it needs is there. Another image of this name loses it.
    pub(super) fn name(&self, name: &ImageName, root: &Descriptor) -> Result<(), TransferError> {
        let path = self.0.join(INDEX_FILE);
        let mut index = match std::fs::read(&path) {
            Ok(text) => {
                serde_json::from_slice(&text).map_err(|source| TransferError::Index { path: path.clone(), source })?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => LayoutIndex::empty(),
            Err(source) => return Err(TransferError::Write { path, source }),
        };
        let mut named = NamedManifest::new(root);
        if let Some(tag) = &name.tag {
            let whole = ImageName { digest: None, ..name.clone() }.to_string();
            named.annotations.insert(REF_NAME.to_owned(), tag.to_string());
            named.annotations.insert(CONTAINERD_NAME.to_owned(), whole);
        }
        index.manifests.retain(|other| !named.replaces(other));
        index.manifests.push(named);
        let text = serde_json::to_vec(&index).map_err(|source| TransferError::Index { path: path.clone(), source })?;
        write(&path, &text)
    }
}

/// Writes a file at once: it has its old content, or all of the new.
fn write(path: &Path, bytes: &[u8]) -> Result<(), TransferError> {
    let part = with_suffix(path, PART);
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(TransferError::write(directory))?;
    }
    std::fs::write(&part, bytes).map_err(TransferError::write(&part))?;
    std::fs::rename(&part, path).map_err(TransferError::write(path))
}

/// The path with more at the end of its name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
