//! Proving that bytes are what a digest says.

use futures::StreamExt;

use super::{Error, Result};
use crate::metadata::Place;
use crate::oci::{Digest, Digester};
use crate::storage::{Copied, ObjectPath, Span, StorageDriver, Version};

/// Fails unless the bytes, whose digest is `actual`, are what was expected.
pub(super) fn expect(actual: Digest, expected: &Digest) -> Result<()> {
    if actual == *expected { Ok(()) } else { Err(Error::DigestMismatch { expected: expected.clone(), actual }) }
}

/// Reads an object, and fails unless it is what the digest says.
pub(super) async fn check(driver: &dyn StorageDriver, path: &ObjectPath, digest: &Digest) -> Result<()> {
    expect(hash(driver, path, digest).await?, digest)
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

/// What is copied.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) driver: &'a dyn StorageDriver,
    pub(super) path: &'a ObjectPath,
    /// The version that was verified when it was published; none of an object that nobody vouches for.
    pub(super) verified: Option<&'a Version>,
}

impl<'a> Source<'a> {
    /// What lies at a place of a blob, in the place's bucket.
    pub(super) fn of(driver: &'a dyn StorageDriver, place: &'a Place) -> Self {
        Self { driver, path: &place.path, verified: Some(&place.version) }
    }
}

/// A copy that is what the digest says. One that turns out not to be is removed.
pub(super) async fn proven_copy(
    source: Source<'_>,
    target: &dyn StorageDriver,
    path: &ObjectPath,
    digest: &Digest,
) -> Result<Version> {
    let copied = target.copy_from(source.driver, source.path, path).await?;
    if let Err(error) = prove(source, target, path, &copied, digest).await {
        target.delete(path, Some(&copied.version)).await?;
        return Err(error);
    }
    Ok(copied.version)
}

/// By what the store found when it made the copy; by its being the same as what was verified; or by reading it.
async fn prove(
    source: Source<'_>,
    target: &dyn StorageDriver,
    path: &ObjectPath,
    copied: &Copied,
    digest: &Digest,
) -> Result<()> {
    let of_the_verified =
        source.verified.is_some_and(|verified| copied.source.as_ref().is_none_or(|version| version == verified));
    match &copied.sha256 {
        Some(sha256) if sha256.algorithm() == digest.algorithm() => expect(sha256.clone(), digest),
        _ if copied.is_compared && of_the_verified => Ok(()),
        _ => check(target, path, digest).await,
    }
}
