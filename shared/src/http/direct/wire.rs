//! What is said in JSON about a direct upload: docs/direct-upload.md describes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The module of the extension, below a repository's path.
pub const DIRECT_UPLOADS: &str = "_ringhold/uploads/direct";

/// How the bytes of an upload that was just begun are to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// How many bytes the blob has.
    pub size: u64,
    /// How many bytes each part has, the last one perhaps fewer.
    pub part_size: u64,
    /// How many parts there are.
    pub parts: u32,
    /// The request for the one part of a blob that is put whole; none of a blob in parts.
    pub requests: Vec<PartRequest>,
    /// For how many seconds the requests can be sent.
    pub expires_in: u64,
}

/// Parts whose requests are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartsWanted {
    /// At most [`PartsWanted::MOST`]; none for a blob that is put whole.
    #[serde(default)]
    pub parts: Vec<PartWanted>,
}

impl PartsWanted {
    /// The most parts that can be asked for at once.
    pub const MOST: usize = 1000;
}

/// A part whose request is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartWanted {
    /// Its number, from 1.
    pub number: u32,
    /// CRC-64/NVME of its bytes, big endian, in base64.
    pub checksum: String,
}

/// Requests for the parts that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRequests {
    /// In the order that they were asked for.
    pub requests: Vec<PartRequest>,
    /// For how many seconds they can be sent.
    pub expires_in: u64,
}

/// A `PUT` that the client sends to the bucket itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRequest {
    /// The part's number.
    pub number: u32,
    /// Where its bytes begin in the blob.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
    /// Where they go: whoever has it may send them, so it is never logged.
    pub url: String,
    /// Headers that must be sent as they are.
    pub headers: BTreeMap<String, String>,
}

impl std::fmt::Debug for PartRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PartRequest").field("number", &self.number).finish_non_exhaustive()
    }
}

/// Parts that were sent, to be put together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartsSent {
    /// All of them, in order; none for a blob that was put whole.
    #[serde(default)]
    pub parts: Vec<PartSent>,
}

/// A part that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSent {
    /// Its number, from 1.
    pub number: u32,
    /// The checksum that it was asked for with.
    pub checksum: String,
    /// What the bucket answered as its `ETag`.
    pub etag: String,
}

/// How far an upload has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its state.
    pub state: State,
}

/// The states of a direct upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Bytes are awaited.
    Open,
    /// All bytes are there, and are being hashed.
    Verifying,
    /// The blob is in the repository.
    Stored,
    /// The bytes are not what the digest says.
    Refused,
}
