//! Proving that an object is what a digest says.

use futures::StreamExt;

use super::{Error, Result};
use crate::oci::{Digest, Digester};
use crate::storage::{Copied, ObjectPath, Span, StorageDriver};

/// Fails unless the copy is what the digest says: by what the store found when it made the copy, or by reading it.
pub(super) async fn prove(
    target: &dyn StorageDriver,
    path: &ObjectPath,
    copied: &Copied,
    digest: &Digest,
) -> Result<()> {
    let actual = match &copied.sha256 {
        Some(sha256) if sha256.algorithm() == digest.algorithm() => sha256.clone(),
        _ if copied.is_compared => return Ok(()),
        _ => hash(target, path, digest).await?,
    };
    if actual == *digest { Ok(()) } else { Err(Error::DigestMismatch { expected: digest.clone(), actual }) }
}

/// What the object's bytes hash to, by the digest's own algorithm.
pub(super) async fn hash(driver: &dyn StorageDriver, path: &ObjectPath, digest: &Digest) -> Result<Digest> {
    let mut content = driver.reader(path, Span::ALL).await?;
    let mut digester = Digester::new(digest.algorithm());
    while let Some(chunk) = content.stream.next().await {
        digester.update(&chunk?);
    }
    Ok(digester.finish())
}
