//! The ring's topology: which buckets there are. Numbered epochs, each immutable once written.

mod change;
mod validate;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

pub use change::{ChangeError, Changes, Joining};
pub use validate::{TopologyError, TopologyProblem};

use super::ring::best_salt;
use crate::clock::Timestamp;

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
    /// When it was written.
    #[serde(default)]
    pub since: Timestamp,
    /// Points on the circle per unit of weight.
    pub vnodes: u32,
    /// How many buckets hold each blob.
    pub replicas: u8,
    /// The members.
    pub buckets: Vec<Bucket>,
}

impl Topology {
    /// How many points a bucket of weight 1 has, unless a topology says otherwise.
    pub const VNODES: u32 = 512;

    /// The first epoch of a ring: buckets of equal weight, one replica. Each bucket's salt is chosen as if they had joined
    /// one after the other, so the same list always gives the same topology, and a longer list begins with the same salts.
    pub fn first(buckets: impl IntoIterator<Item = (BucketId, Url)>) -> Result<Self, TopologyError> {
        let joining =
            buckets.into_iter().map(|(id, url)| Bucket { id, url, weight: 1, salt: 0, state: BucketState::Active });
        let (epoch, since) = (Epoch(1), Timestamp::default());
        let mut topology = Self { epoch, since, vnodes: Self::VNODES, replicas: 1, buckets: joining.collect() };
        topology.validate()?;
        for place in 0..topology.buckets.len() {
            let (before, rest) = topology.buckets.split_at_mut(place);
            if let [joining, ..] = rest {
                joining.salt = best_salt(before, joining, topology.vnodes);
            }
        }
        Ok(topology)
    }

    /// Whether nothing was ever placed by another.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.epoch == Epoch(1)
    }

    /// The salt with which a bucket that is to join this topology lies most evenly among its homes; its present salt does
    /// not matter. Fails if the topology with the bucket in it would not be valid.
    pub fn salt_for(&self, joining: &Bucket) -> Result<u32, TopologyError> {
        let mut joined = self.clone();
        joined.buckets.push(joining.clone());
        joined.validate()?;
        Ok(best_salt(&self.buckets, joining, self.vnodes))
    }
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
///
/// Only an active bucket stands on the circle and so is the home of bytes. In any other state the ring is exactly what it
/// would be without the bucket: each of its arcs falls to the next bucket clockwise, and comes back with the state. Where
/// bytes lie now is what the rows say, so what such a bucket holds stays readable, unless it is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BucketState {
    /// Everything.
    Active,
    /// Reading; what it holds is moving away, to the homes that the ring now gives it.
    Draining,
    /// Reading; what it holds stays.
    ReadOnly,
    /// Nothing.
    Down,
}
