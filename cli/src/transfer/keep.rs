//! Fetching one blob into a file that has its name only once its bytes are what its digest says.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use shared::oci::{Descriptor, Digest, Digester, RepositoryName};
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::TransferError;
use super::report::Line;
use super::target::{PART, with_suffix};
use crate::remote::Remote;

/// Bytes hashed at a time.
const PIECE: usize = 256 * 1024;

/// What a file holds.
struct Held {
    length: u64,
    digester: Digester,
}

/// Fetches a blob into `path`, beginning with what an earlier attempt left; returns how many bytes came. Nothing comes when
/// the blob is there.
pub(super) async fn fetch(
    remote: &Remote,
    name: &RepositoryName,
    blob: &Descriptor,
    path: &Path,
    line: &Line<'_>,
) -> Result<Option<u64>, TransferError> {
    if let Some(held) = held(path, &blob.digest).await?
        && held.digester.finish() == blob.digest
    {
        return Ok(None);
    }
    let part = with_suffix(path, PART);
    let left = held(&part, &blob.digest).await?.filter(|held| held.length <= blob.size);
    let resumed = left.as_ref().is_some_and(|held| held.length > 0);
    let start = left.unwrap_or_else(|| Held { length: 0, digester: Digester::new(blob.digest.algorithm()) });
    let came = match append(remote, name, blob, &part, start, line).await {
        // What an earlier attempt left may be what is wrong.
        Err(TransferError::Corrupt(_)) if resumed => {
            let nothing = Held { length: 0, digester: Digester::new(blob.digest.algorithm()) };
            append(remote, name, blob, &part, nothing, line).await?
        }
        came => came?,
    };
    tokio::fs::rename(&part, path).await.map_err(TransferError::write(path))?;
    Ok(Some(came))
}

/// Appends what is missing; a file whose bytes are wrong in the end is removed.
async fn append(
    remote: &Remote,
    name: &RepositoryName,
    blob: &Descriptor,
    part: &Path,
    held: Held,
    line: &Line<'_>,
) -> Result<u64, TransferError> {
    let (start, mut digester) = (held.length, held.digester);
    let mut offset = start;
    let mut file = open(part, start).await.map_err(TransferError::write(part))?;
    let mut bytes = remote.download(name, &blob.digest, blob.size, start);
    line.is_at(offset);
    while let Some(piece) = bytes.next().await? {
        digester.update(&piece);
        file.write_all(&piece).await.map_err(TransferError::write(part))?;
        offset += piece.len() as u64;
        line.is_at(offset);
    }
    file.flush().await.map_err(TransferError::write(part))?;
    if digester.finish() == blob.digest {
        return Ok(offset - start);
    }
    tokio::fs::remove_file(part).await.map_err(TransferError::write(part))?;
    Err(TransferError::Corrupt(blob.digest.clone()))
}

/// The file, to be written on from `length`.
async fn open(path: &Path, length: u64) -> std::io::Result<File> {
    if let Some(directory) = path.parent() {
        tokio::fs::create_dir_all(directory).await?;
    }
    let file = OpenOptions::new().create(true).append(true).open(path).await?;
    file.set_len(length).await?;
    Ok(file)
}

/// What a file holds; none when there is no such file.
async fn held(path: &Path, digest: &Digest) -> Result<Option<Held>, TransferError> {
    let (file, algorithm) = (PathBuf::from(path), digest.algorithm());
    let hashed = tokio::task::spawn_blocking(move || {
        let mut held = Held { length: 0, digester: Digester::new(algorithm) };
        let (mut file, mut piece) = (std::fs::File::open(file)?, vec![0; PIECE]);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(held),
                count => {
                    held.digester.update(&piece[..count]);
                    held.length += count as u64;
                }
            }
        }
    });
    match hashed.await.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
        Ok(held) => Ok(Some(held)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TransferError::Write { path: path.to_owned(), source }),
    }
}
