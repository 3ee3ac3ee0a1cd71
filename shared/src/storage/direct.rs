//! Objects that clients put themselves: what a store signs for them, and what it then finds.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::driver::{Part, Version};
use super::error::Result;
use super::path::ObjectPath;
use crate::oci::Digest;

/// A store that clients can put objects into, each by URLs signed for exactly these bytes.
///
/// Signing asks nothing of the store. What a URL lets somebody write is bound to its length and its checksum, which the
/// store itself compares.
#[async_trait]
pub trait DirectUploads: Send + Sync {
    /// The request that puts the whole object; `mark` tells it from others at that path.
    async fn put_request(&self, path: &ObjectPath, mark: &str, put: &SignedPut<'_>) -> Result<ClientRequest>;

    /// What lies at the path, when the request with this mark put it there: none when that never came.
    async fn put_object(&self, path: &ObjectPath, mark: &str) -> Result<Option<PutObject>>;

    /// Begins an object in parts. One round trip.
    async fn begin_parts(&self, path: &ObjectPath) -> Result<String>;

    /// The request that puts a part.
    async fn part_request(&self, path: &ObjectPath, upload: &str, part: &SignedPart<'_>) -> Result<ClientRequest>;

    /// Makes the parts an object. Asked again after it succeeded, it succeeds again.
    async fn end_parts(&self, path: &ObjectPath, upload: &str, parts: &[Part]) -> Result<Version>;

    /// Forgets an object in parts. Forgetting nothing succeeds.
    async fn forget_parts(&self, path: &ObjectPath, upload: &str) -> Result<()>;
}

/// A whole object that a client shall put.
#[derive(Debug, Clone, Copy)]
pub struct SignedPut<'a> {
    /// How many bytes it has.
    pub size: u64,
    /// Their digest, a SHA-256.
    pub sha256: &'a Digest,
    /// How long the request can be sent.
    pub expires: Duration,
}

/// A part that a client shall put.
#[derive(Debug, Clone, Copy)]
pub struct SignedPart<'a> {
    /// Its number, from 1.
    pub number: u32,
    /// How many bytes it has.
    pub size: u64,
    /// CRC-64/NVME of its bytes, big endian, in base64.
    pub checksum: &'a str,
    /// How long the request can be sent.
    pub expires: Duration,
}

/// A request that a client sends by itself: a `PUT`, with these headers. Whoever has it may send it, so it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientRequest {
    /// Where to.
    pub url: String,
    /// Headers that must be sent as they are.
    pub headers: BTreeMap<String, String>,
}

impl std::fmt::Debug for ClientRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ClientRequest").finish_non_exhaustive()
    }
}

/// An object that a client has put whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutObject {
    /// How many bytes it has.
    pub size: u64,
    /// Its version.
    pub version: Version,
    /// The SHA-256 that the store compared it with; none where the store tells none.
    pub sha256: Option<Digest>,
}
