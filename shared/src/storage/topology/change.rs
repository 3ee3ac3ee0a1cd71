//! Changes of a topology: each makes the next one of it, and never another twice.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Bucket, BucketId, BucketState, Epoch, Topology, TopologyError};
use crate::clock::Timestamp;

/// What is to be changed, all at once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Changes {
    /// Buckets that join.
    pub add: Vec<Joining>,
    /// Buckets that are to be emptied.
    pub drain: Vec<BucketId>,
    /// Buckets that leave.
    pub remove: Vec<BucketId>,
    /// Shares against the others'.
    pub weight: Vec<(BucketId, u32)>,
    /// What buckets may be used for.
    pub state: Vec<(BucketId, BucketState)>,
    /// How many buckets shall hold each blob.
    pub replicas: Option<u8>,
}

/// A bucket that joins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joining {
    /// Its name on the ring.
    pub id: BucketId,
    /// How the factory makes its driver.
    pub url: Url,
}

/// Why a topology cannot be changed so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Nothing would be another.
    #[error("nothing is to be changed")]
    Nothing,
    /// There is no such bucket.
    #[error("the ring has no bucket {0}")]
    Unknown(BucketId),
    /// A bucket that is home to blobs cannot leave.
    #[error("bucket {0} is in use: drain it, and wait until `ringhold ring status` says that it is empty")]
    InUse(BucketId),
    /// What comes of it is no topology.
    #[error(transparent)]
    Invalid(#[from] TopologyError),
}

impl Topology {
    /// The topology after this one.
    pub fn changed(&self, changes: &Changes, now: Timestamp) -> Result<Self, ChangeError> {
        let mut next = Self { epoch: Epoch(self.epoch.0 + 1), since: now, ..self.clone() };
        for id in &changes.remove {
            if next.member(id)?.state == BucketState::Active {
                return Err(ChangeError::InUse(id.clone()));
            }
            next.buckets.retain(|bucket| bucket.id != *id);
        }
        for (id, weight) in &changes.weight {
            next.member(id)?.weight = *weight;
        }
        for id in &changes.drain {
            next.member(id)?.state = BucketState::Draining;
        }
        for (id, state) in &changes.state {
            next.member(id)?.state = *state;
        }
        next.replicas = changes.replicas.unwrap_or(next.replicas);
        for Joining { id, url } in &changes.add {
            let bucket = Bucket { id: id.clone(), url: url.clone(), weight: 1, salt: 0, state: BucketState::Active };
            let salt = next.salt_for(&bucket)?;
            next.buckets.push(Bucket { salt, ..bucket });
        }
        next.validate()?;
        if next.buckets == self.buckets && next.replicas == self.replicas {
            return Err(ChangeError::Nothing);
        }
        Ok(next)
    }

    fn member(&mut self, id: &BucketId) -> Result<&mut Bucket, ChangeError> {
        self.buckets.iter_mut().find(|bucket| bucket.id == *id).ok_or_else(|| ChangeError::Unknown(id.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> BucketId {
        text.parse().unwrap()
    }

    fn three() -> Topology {
        let bucket = |text: &str| (id(text), format!("memory:{text}").parse().unwrap());
        Topology::first(["a", "b", "c"].map(bucket)).unwrap()
    }

    fn changed(changes: &Changes) -> Result<Topology, ChangeError> {
        three().changed(changes, Timestamp::from_millis(7))
    }

    #[test]
    fn a_joining_bucket_gets_a_salt_and_no_other_is_touched() {
        let joining = Joining { id: id("d"), url: "memory:d".parse().unwrap() };
        let next = changed(&Changes { add: vec![joining], ..Changes::default() }).unwrap();
        assert_eq!((next.epoch, next.since.as_millis(), next.buckets.len()), (Epoch(2), 7, 4));
        assert_eq!(next.buckets[..3], three().buckets[..]);
        assert_eq!(next.buckets[3].salt, three().salt_for(&next.buckets[3]).unwrap());
    }

    #[test]
    fn a_bucket_leaves_only_after_it_was_drained() {
        let remove = Changes { remove: vec![id("b")], ..Changes::default() };
        assert_eq!(changed(&remove), Err(ChangeError::InUse(id("b"))));
        let drained = changed(&Changes { drain: vec![id("b")], ..Changes::default() }).unwrap();
        let next = drained.changed(&remove, Timestamp::default()).unwrap();
        assert_eq!((next.epoch, next.buckets.len()), (Epoch(3), 2));
    }

    #[test]
    fn what_changes_nothing_or_makes_no_ring_is_refused() {
        assert_eq!(changed(&Changes::default()), Err(ChangeError::Nothing));
        let weight = vec![(id("a"), 1)];
        assert_eq!(changed(&Changes { weight, ..Changes::default() }), Err(ChangeError::Nothing));
        let drain = vec![id("a"), id("b"), id("c")];
        assert!(matches!(changed(&Changes { drain, ..Changes::default() }), Err(ChangeError::Invalid(_))));
        let drain = vec![id("x")];
        assert_eq!(changed(&Changes { drain, ..Changes::default() }), Err(ChangeError::Unknown(id("x"))));
        assert!(matches!(changed(&Changes { replicas: Some(4), ..Changes::default() }), Err(ChangeError::Invalid(_))));
    }
}
