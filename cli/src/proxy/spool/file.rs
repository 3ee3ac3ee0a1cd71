//! One upload's bytes, hashed while they arrive.

use std::io::{self, ErrorKind, SeekFrom};
use std::path::{Path, PathBuf};

use futures::StreamExt;
use shared::causes::Causes;
use shared::oci::{Algorithm, Digest, Digester};
use shared::registry::{Body, BodyError};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufWriter};

use super::quota::{Full, Reservation};
use super::{FILE_MODE, SpoolError};

/// Bytes that are written, or read, at a time.
const PIECE: usize = 256 * 1024;

/// Why a body was not taken.
#[derive(Debug, thiserror::Error)]
pub(in crate::proxy) enum TakeError {
    /// It did not arrive.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// There is no room for it.
    #[error(transparent)]
    Full(#[from] Full),
    /// It could not be stored.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// An upload's file; removed when it is dropped.
#[derive(Debug)]
pub(in crate::proxy) struct SpoolFile {
    path: PathBuf,
    file: File,
    standing: Standing,
    reserved: Reservation,
}

/// How far an upload has come.
#[derive(Debug, Clone)]
pub(in crate::proxy) struct Standing {
    size: u64,
    digester: Digester,
}

impl SpoolFile {
    pub(super) async fn create(path: PathBuf, algorithm: Algorithm, reserved: Reservation) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(FILE_MODE).open(&path).await?;
        Ok(Self { path, file, standing: Standing { size: 0, digester: Digester::new(algorithm) }, reserved })
    }

    /// Where it lies.
    pub(in crate::proxy) fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes it has.
    pub(in crate::proxy) fn size(&self) -> u64 {
        self.standing.size
    }

    /// How far it has come, to [`rewind`](Self::rewind) to.
    pub(in crate::proxy) fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// Appends a body: all of it, or nothing. `announced` bytes of it are reserved before any is read.
    pub(in crate::proxy) async fn take(&mut self, body: Body, announced: Option<u64>) -> Result<(), TakeError> {
        let before = self.standing();
        let taken = self.append(body, announced).await;
        if taken.is_err() {
            self.rewind(before).await?;
        }
        taken
    }

    /// Forgets what came after.
    pub(in crate::proxy) async fn rewind(&mut self, to: Standing) -> Result<(), SpoolError> {
        self.standing = to;
        self.file.set_len(self.standing.size).await.map_err(SpoolError::File)?;
        self.reserved.shrink_to(self.standing.size);
        Ok(())
    }

    /// The digest of its bytes.
    pub(in crate::proxy) async fn digest(&mut self, algorithm: Algorithm) -> Result<Digest, SpoolError> {
        if self.standing.digester.algorithm() == algorithm {
            return Ok(self.standing.digester.clone().finish());
        }
        self.hash(algorithm).await.map_err(SpoolError::File)
    }

    async fn append(&mut self, mut body: Body, announced: Option<u64>) -> Result<(), TakeError> {
        let Self { file, standing, reserved, .. } = self;
        reserved.grow_to(standing.size.saturating_add(announced.unwrap_or_default()))?;
        file.seek(SeekFrom::Start(standing.size)).await.map_err(SpoolError::File)?;
        let mut writer = BufWriter::with_capacity(PIECE, file);
        while let Some(bytes) = body.next().await {
            let bytes = bytes?;
            standing.size += bytes.len() as u64;
            reserved.grow_to(standing.size)?;
            standing.digester.update(&bytes);
            writer.write_all(&bytes).await.map_err(unwritten)?;
        }
        // Of the buffer into the file, and of the file into the system.
        writer.flush().await.map_err(unwritten)?;
        reserved.shrink_to(standing.size);
        Ok(())
    }

    async fn hash(&mut self, algorithm: Algorithm) -> io::Result<Digest> {
        self.file.seek(SeekFrom::Start(0)).await?;
        let (mut digester, mut piece) = (Digester::new(algorithm), vec![0; PIECE]);
        loop {
            match self.file.read(&mut piece).await? {
                0 => return Ok(digester.finish()),
                length => digester.update(&piece[..length]),
            }
        }
    }
}

/// A full disk is not a broken one.
fn unwritten(error: io::Error) -> TakeError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Full::Disk(error).into(),
        _ => SpoolError::File(error).into(),
    }
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(error = %Causes(&error), "an upload's file is left behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::stream;
    use tempfile::TempDir;

    use super::*;
    use crate::proxy::spool::Spool;

    fn body(pieces: &[Result<&'static [u8], ()>]) -> Body {
        let pieces = pieces.iter().copied().map(|piece| piece.map(Bytes::from_static).map_err(|()| BodyError::TooSlow));
        stream::iter(pieces.collect::<Vec<_>>()).boxed()
    }

    fn spool(quota: u64) -> (Spool, TempDir) {
        let place = TempDir::new().unwrap();
        (Spool::open(&place.path().join("spool"), quota).unwrap(), place)
    }

    async fn content(file: &SpoolFile) -> Vec<u8> {
        tokio::fs::read(file.path()).await.unwrap()
    }

    #[tokio::test]
    async fn bytes_are_appended_and_hashed_by_whatever_algorithm_is_asked_for() {
        let (spool, _place) = spool(100);
        let mut file = spool.create(Algorithm::Sha256).await.unwrap();
        file.take(body(&[Ok(b"ab"), Ok(b"c")]), None).await.unwrap();
        file.take(body(&[Ok(b"de")]), Some(2)).await.unwrap();
        for algorithm in Algorithm::ALL {
            assert_eq!(file.digest(algorithm).await.unwrap(), Digest::of(algorithm, b"abcde"));
        }
        file.take(body(&[Ok(b"f")]), None).await.unwrap();
        assert_eq!(file.digest(Algorithm::Sha512).await.unwrap(), Digest::of(Algorithm::Sha512, b"abcdef"));
        assert_eq!((file.size(), content(&file).await), (6, b"abcdef".to_vec()));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_leaves_nothing_of_itself() {
        let (spool, _place) = spool(100);
        let mut file = spool.create(Algorithm::Sha256).await.unwrap();
        file.take(body(&[Ok(b"kept")]), None).await.unwrap();
        assert!(matches!(file.take(body(&[Ok(b"lost"), Err(())]), None).await, Err(TakeError::Body(_))));
        assert_eq!((file.size(), content(&file).await), (4, b"kept".to_vec()));
        file.take(body(&[Ok(b" on")]), None).await.unwrap();
        assert_eq!(file.digest(Algorithm::Sha256).await.unwrap(), Digest::of(Algorithm::Sha256, b"kept on"));
    }

    #[tokio::test]
    async fn an_upload_without_room_keeps_what_it_has_and_takes_nothing_from_others() {
        let (spool, _place) = spool(10);
        let mut file = spool.create(Algorithm::Sha256).await.unwrap();
        file.take(body(&[Ok(b"12345")]), None).await.unwrap();
        for (pieces, announced) in [(body(&[Ok(b"123"), Ok(b"456")]), None), (body(&[]), Some(6))] {
            assert!(matches!(file.take(pieces, announced).await, Err(TakeError::Full(_))));
            assert_eq!((file.size(), content(&file).await), (5, b"12345".to_vec()));
        }
        let mut other = spool.create(Algorithm::Sha256).await.unwrap();
        other.take(body(&[Ok(b"67890")]), Some(5)).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_is_its_owners_alone_and_goes_with_its_upload() {
        use std::os::unix::fs::PermissionsExt;
        let (spool, _place) = spool(10);
        let file = spool.create(Algorithm::Sha256).await.unwrap();
        let path = file.path().to_owned();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, FILE_MODE);
        drop(file);
        assert!(!path.exists());
    }
}
