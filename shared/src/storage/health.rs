//! What is known of the buckets' health, beside the topology.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::topology::BucketId;
use crate::clock::Timestamp;

/// What was last found out about the buckets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    /// When they were last asked.
    pub checked: Timestamp,
    /// Those that did not serve.
    pub ailing: BTreeMap<BucketId, Ailment>,
}

/// Why a bucket is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ailment {
    /// Since when.
    pub since: Timestamp,
    /// What it answered, in a word.
    pub why: String,
}

impl Health {
    /// How long a finding holds. When nobody has asked since, nobody knows.
    pub const HOLDS: Duration = Duration::from_mins(5);

    /// Those that do not serve, as far as that is known now.
    pub fn ailing_at(&self, now: Timestamp) -> impl Iterator<Item = &BucketId> {
        self.ailing.keys().filter(move |_| now.since(self.checked) <= Self::HOLDS)
    }
}
