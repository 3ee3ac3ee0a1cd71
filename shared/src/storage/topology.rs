//! The ring's topology: which buckets there are. Numbered epochs, each immutable once written.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

/// The number of a topology; the next change has the next number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// A bucket's stable name on the ring: 1 to 63 lower-case letters, digits and hyphens. The bucket behind it may move.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BucketId(String);

/// A text that names no bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a bucket id is of 1 to 63 lower-case letters, digits and hyphens: {0:?} is not")]
pub struct ParseBucketIdError(String);

impl BucketId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BucketId {
    type Err = ParseBucketIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=63).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseBucketIdError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for BucketId {
    type Error = ParseBucketIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BucketId> for String {
    fn from(id: BucketId) -> Self {
        id.0
    }
}

impl fmt::Display for BucketId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One version of the ring's members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// Its number.
    pub epoch: Epoch,
    /// Points on the circle per unit of weight.
    pub vnodes: u32,
    /// How many buckets hold each blob.
    pub replicas: u8,
    /// The members.
    pub buckets: Vec<Bucket>,
}

/// A member of the ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Its stable name, which the ring hashes.
    pub id: BucketId,
    /// How the factory makes its driver.
    pub url: Url,
    /// Its share against the others'.
    pub weight: u32,
    /// Chosen once, when it joined, so that its points lie evenly among the others'.
    pub salt: u32,
    /// What it may be used for.
    pub state: BucketState,
}

/// What a bucket may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BucketState {
    /// Everything.
    Active,
    /// Reading; what it holds is moving away.
    Draining,
    /// Reading.
    ReadOnly,
    /// Nothing.
    Down,
}
