//! Making one file of a layout, when all of it is there.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use shared::oci::{Digest, Manifest};

use super::TransferError;
use super::args::Format;
use super::target::{Layout, PART, Target, with_suffix};
use crate::image::{DOCKER_MANIFEST_FILE, INDEX_FILE, ImageName, LAYOUT_FILE, blob_path};

/// What everybody may do with a packed file: read it.
const MODE: u32 = 0o644;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

/// Writes the archive beside the layout, gives it its name when it is whole, and removes the layout. The same image makes the
/// same archive.
pub(super) async fn pack(
    target: &Target,
    path: &Path,
    name: &ImageName,
    root: &Manifest,
    digests: impl Iterator<Item = Digest>,
) -> Result<(), TransferError> {
    let part = with_suffix(path, PART);
    let files = match target.format {
        Format::DockerArchive => docker_files(&target.layout, name, root).map_err(TransferError::write(&part))?,
        Format::OciArchive | Format::OciDir => layout_files(&target.layout, digests),
    };
    let writing = part.clone();
    let packed = tokio::task::spawn_blocking(move || write(&writing, files)).await;
    let packed = packed.unwrap_or_else(|error| Err(io::Error::other(error)));
    packed.map_err(TransferError::write(&part))?;
    tokio::fs::rename(&part, path).await.map_err(TransferError::write(path))?;
    let gathered = target.layout.directory();
    tokio::fs::remove_dir_all(gathered).await.map_err(TransferError::write(gathered))
}

/// What a packed file is made of.
enum Content {
    File(PathBuf),
    Text(Vec<u8>),
}

type Files = Vec<(String, Content)>;

/// The layout, of which only these blobs.
fn layout_files(layout: &Layout, digests: impl Iterator<Item = Digest>) -> Files {
    let described = [LAYOUT_FILE, INDEX_FILE];
    let described = described.map(|name| (name.to_owned(), Content::File(layout.directory().join(name))));
    let blobs = digests.map(|digest| (blob_path(&digest), Content::File(layout.blob(&digest))));
    described.into_iter().chain(blobs).collect()
}

/// What `docker load` reads. It unpacks compressed layers itself.
fn docker_files(layout: &Layout, name: &ImageName, image: &Manifest) -> io::Result<Files> {
    let mut files: Files = Vec::new();
    let mut add = |digest: &Digest, extension: &str| {
        let packed = format!("{}.{extension}", digest.hex());
        if files.iter().all(|(name, _)| *name != packed) {
            files.push((packed.clone(), Content::File(layout.blob(digest))));
        }
        packed
    };
    let config = image.config().map(|config| add(&config.digest, "json")).unwrap_or_default();
    let layers = image.layers().iter().map(|layer| add(&layer.digest, "tar")).collect();
    let tagged = ImageName { digest: None, ..name.clone() };
    let repo_tags = tagged.tag.iter().map(|_| tagged.to_string()).collect();
    let text = serde_json::to_vec(&[Saved { config, repo_tags, layers }])?;
    files.push((DOCKER_MANIFEST_FILE.to_owned(), Content::Text(text)));
    Ok(files)
}

fn write(path: &Path, files: Files) -> io::Result<()> {
    let mut archive = tar::Builder::new(BufWriter::new(File::create(path)?));
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(MODE);
        match content {
            Content::File(path) => {
                let file = File::open(path)?;
                header.set_size(file.metadata()?.len());
                archive.append_data(&mut header, name, file)?;
            }
            Content::Text(text) => {
                header.set_size(text.len() as u64);
                archive.append_data(&mut header, name, text.as_slice())?;
            }
        }
    }
    archive.into_inner()?.flush()
}
