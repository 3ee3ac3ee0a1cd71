//! What lies where, by all rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::registry::house::is_home;
use crate::registry::{Registry, Result};
use crate::storage::{Ailment, BucketId, BucketState, Epoch, shown_url};

/// The ring and what it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// The topology's number.
    pub epoch: Epoch,
    /// When it was written.
    pub since: Timestamp,
    /// How many buckets hold each blob.
    pub replicas: u8,
    /// The buckets, in the order of their names.
    pub buckets: Vec<BucketSurvey>,
    /// How many blobs there are.
    pub blobs: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many are still where their upload put them.
    pub unsettled: u64,
    /// How many lie elsewhere than the ring wants, or in fewer buckets.
    pub misplaced: u64,
}

/// A bucket and what it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BucketSurvey {
    /// Its name on the ring.
    pub id: BucketId,
    /// Where it is, without options.
    pub url: String,
    /// What it may be used for.
    pub state: BucketState,
    /// Why it is left alone, when it is.
    pub ailment: Option<Ailment>,
    /// Its share against the others'.
    pub weight: u32,
    /// What part of all blobs it is home to.
    pub share: f64,
    /// How many blobs lie in it.
    pub objects: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

impl BucketSurvey {
    /// The most bytes that a bucket should hold.
    pub const SOFT_BYTES: u64 = 2 << 40;
    /// The most objects that a bucket should hold.
    pub const SOFT_OBJECTS: u64 = 1_000_000;

    /// Whether it holds more than it should.
    #[must_use]
    pub const fn is_overfull(&self) -> bool {
        self.bytes > Self::SOFT_BYTES || self.objects > Self::SOFT_OBJECTS
    }
}

impl Registry {
    /// What the ring holds. As many reads as there are pages of blobs.
    pub async fn survey(&self) -> Result<Survey> {
        let health = self.catch_up().await?;
        let storage = self.storage();
        let topology = storage.topology();
        let shares = storage.ring().shares();
        let mut survey = Survey {
            epoch: topology.epoch,
            since: topology.since,
            replicas: topology.replicas,
            buckets: Vec::new(),
            blobs: 0,
            bytes: 0,
            unsettled: 0,
            misplaced: 0,
        };
        let mut held = BTreeMap::<BucketId, (u64, u64)>::new();
        self.for_each_blob(|blob| {
            survey.blobs += 1;
            survey.bytes += blob.size;
            survey.unsettled += u64::from(blob.place.path.digest().is_none());
            survey.misplaced += u64::from(!is_home(&storage, blob));
            for place in blob.places() {
                let (objects, bytes) = held.entry(place.bucket.clone()).or_default();
                (*objects, *bytes) = (*objects + 1, *bytes + blob.size);
            }
        })
        .await?;
        for bucket in &topology.buckets {
            let (objects, bytes) = held.get(&bucket.id).copied().unwrap_or_default();
            survey.buckets.push(BucketSurvey {
                id: bucket.id.clone(),
                url: shown_url(&bucket.url),
                state: bucket.state,
                ailment: health.ailing.get(&bucket.id).filter(|_| storage.ailing().contains(&bucket.id)).cloned(),
                weight: bucket.weight,
                share: shares.get(&bucket.id).copied().unwrap_or_default(),
                objects,
                bytes,
            });
        }
        survey.buckets.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(survey)
    }
}
