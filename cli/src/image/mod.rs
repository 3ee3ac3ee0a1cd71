//! Images in files: OCI layouts, as directories or archives, and what `docker save` writes.
//!
//! An archive is indexed once and then read by offset: no layer is ever held in memory.

mod docker;
mod error;
mod files;
mod layout;
mod name;
mod platform;

use std::path::Path;

use shared::oci::{Descriptor, Digest, MediaType};

pub(crate) use docker::MANIFEST_FILE as DOCKER_MANIFEST_FILE;
pub(crate) use error::ImageError;
use files::Files;
pub(crate) use layout::{
    CONTAINERD_NAME, INDEX_FILE, LAYOUT_FILE, LAYOUT_VERSION, LayoutIndex, NamedManifest, REF_NAME, blob_path,
};
pub(crate) use name::{ImageName, ParseImageNameError};
pub(crate) use platform::Platform;

use crate::remote::LocalBlob;

/// The longest text that describes an image, manifests aside, which have their own bound.
const LARGEST_TEXT: u64 = 16 * 1024 * 1024;

/// An image, or several for different platforms, ready to be pushed.
#[derive(Debug)]
pub(crate) struct Image {
    /// What it is called where it lies.
    pub(crate) name: Option<String>,
    /// The blobs that its manifests name, each once, foreign layers aside.
    pub(crate) blobs: Vec<LocalBlob>,
    /// Its manifests, each after all that it names: the last one is the image itself.
    pub(crate) manifests: Vec<LocalManifest>,
}

/// A manifest whose bytes are what its digest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalManifest {
    /// Its digest.
    pub(crate) digest: Digest,
    /// What it is.
    pub(crate) media_type: MediaType,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

/// Which image of a source is meant.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Choice<'a> {
    /// The one of this name; needed only where there are several.
    pub(crate) name: Option<&'a str>,
    /// Of an index, the one for this platform.
    pub(crate) platform: Option<&'a Platform>,
}

impl Image {
    /// Finds an image in a directory or an archive. Reads what describes it, and of layers at most what tells how they are
    /// compressed; a compressed layer of `docker save` is hashed, for nothing there says its digest.
    pub(crate) fn open(source: &Path, choice: Choice<'_>) -> Result<Self, ImageError> {
        let files = Files::open(source)?;
        if files.has(INDEX_FILE) {
            layout::open(&files, choice)
        } else if files.has(DOCKER_MANIFEST_FILE) {
            docker::open(&files, choice)
        } else {
            Err(ImageError::NoImage(source.to_owned()))
        }
    }
}

/// One of several images in a source: the one of this name, or the only one.
fn chosen<'a, T>(
    images: &'a [T],
    names_of: impl Fn(&'a T) -> Vec<&'a str>,
    wanted: Option<&str>,
) -> Result<&'a T, ImageError> {
    let names = || images.iter().flat_map(&names_of).collect::<Vec<_>>().join(", ");
    match (wanted, images) {
        (Some(wanted), _) => {
            let found = images.iter().find(|image| names_of(image).contains(&wanted));
            found.ok_or_else(|| ImageError::NoSuchImage { wanted: wanted.to_owned(), names: names() })
        }
        (None, [only]) => Ok(only),
        (None, _) => Err(ImageError::WhichImage { names: names() }),
    }
}

/// A blob where it lies, if it is as long as its descriptor says.
fn local(files: &Files, path: &str, descriptor: &Descriptor) -> Result<LocalBlob, ImageError> {
    let region = files.find(path).ok_or_else(|| ImageError::Missing(descriptor.digest.clone()))?;
    if region.size != descriptor.size {
        return Err(ImageError::Changed(descriptor.digest.clone()));
    }
    let digest = descriptor.digest.clone();
    Ok(LocalBlob { digest, size: region.size, path: region.path, offset: region.offset })
}
