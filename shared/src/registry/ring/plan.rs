//! What a change would move.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::registry::{Registry, Result};
use crate::storage::{BucketId, BucketState, Changes, HashRing, Topology};

use super::change::ApplyError;

/// A change, and what it would move.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// The topology as it is.
    pub from: Topology,
    /// The topology as it would be.
    pub to: Topology,
    /// What part of the circle each bucket would be home to.
    pub shares: BTreeMap<BucketId, f64>,
    /// What part of all copies would have to be made.
    pub share_moved: f64,
    /// What goes where, the most first.
    pub flows: Vec<Flow>,
    /// How many copies would have to be made of blobs that there are.
    pub objects: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

/// What goes from one bucket to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// Where it lies; none when it is a further copy.
    pub from: Option<BucketId>,
    /// Where it goes.
    pub to: BucketId,
    /// What part of all copies.
    pub share: f64,
    /// How many blobs.
    pub objects: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

type Flows = BTreeMap<(Option<BucketId>, BucketId), (u64, u64, u64)>;

impl Registry {
    /// What these changes would move. Changes nothing.
    pub async fn plan(&self, changes: &Changes) -> Result<Planned, ApplyError> {
        self.catch_up().await?;
        let from = self.storage().topology().clone();
        let to = from.changed(changes, Timestamp::now())?;
        Ok(self.compare(from, to).await?)
    }

    async fn compare(&self, from: Topology, to: Topology) -> Result<Planned> {
        let (old, new) = (Homes::of(&from)?, Homes::of(&to)?);
        let mut flows = Flows::new();
        let mut copies = 0;
        for (arc, point) in arcs(&old.ring, &new.ring) {
            for flow in old.flows(&new, point, &[]) {
                flows.entry(flow).or_default().0 += arc;
                copies += arc;
            }
        }
        self.for_each_blob(|blob| {
            let held: Vec<_> = blob.places().map(|place| &place.bucket).collect();
            for flow in old.flows(&new, blob.digest.point(), &held) {
                let (_, objects, bytes) = flows.entry(flow).or_default();
                (*objects, *bytes) = (*objects + 1, *bytes + blob.size);
            }
        })
        .await?;
        let all = f64::from(to.replicas) * CIRCLE;
        let mut flows: Vec<_> = flows
            .into_iter()
            .map(|((from, to), (arc, objects, bytes))| Flow { from, to, share: part(arc, all), objects, bytes })
            .collect();
        flows.sort_by(|one, other| other.share.total_cmp(&one.share));
        let (objects, bytes) = (flows.iter().map(|flow| flow.objects).sum(), flows.iter().map(|flow| flow.bytes).sum());
        Ok(Planned { from, to, shares: new.ring.shares(), share_moved: part(copies, all), flows, objects, bytes })
    }
}

/// The places of the circle.
const CIRCLE: f64 = 4_294_967_296.0;

#[expect(clippy::cast_precision_loss, reason = "an arc is at most a few times 2^32, which a double holds exactly")]
fn part(arc: u64, all: f64) -> f64 {
    arc as f64 / all
}

struct Homes {
    ring: HashRing,
    replicas: usize,
    /// The buckets that keep what they have.
    keeping: BTreeSet<BucketId>,
}

impl Homes {
    fn of(topology: &Topology) -> Result<Self> {
        let ring = HashRing::new(topology).map_err(crate::storage::ShardedError::from)?;
        let keeping = topology.buckets.iter().filter(|bucket| bucket.state == BucketState::ReadOnly);
        let keeping = keeping.map(|bucket| bucket.id.clone()).collect();
        Ok(Self { ring, replicas: topology.replicas.into(), keeping })
    }

    /// Where a blob lies in the end that lay in these before.
    fn at<'a>(&'a self, point: u32, held: &[&'a BucketId]) -> Vec<&'a BucketId> {
        let staying: Vec<_> = held.iter().copied().filter(|id| self.keeping.contains(*id)).collect();
        let homes = self.ring.walk(point).take(self.replicas.saturating_sub(staying.len()));
        homes.chain(staying).collect()
    }

    /// What leaves these homes of a point, each for one of the others; what comes to more homes leaves none.
    fn flows(&self, new: &Self, point: u32, held: &[&BucketId]) -> Vec<(Option<BucketId>, BucketId)> {
        let before = self.at(point, held);
        let after = new.at(point, &before);
        let mut leaving = before.iter().filter(|id| !after.contains(id));
        let coming = after.iter().filter(|id| !before.contains(id));
        coming.map(|to| (leaving.next().map(|id| (*id).clone()), (*to).clone())).collect()
    }
}

/// The arcs in which neither ring changes its mind: how many places each has, and the last of them.
fn arcs(one: &HashRing, other: &HashRing) -> Vec<(u64, u32)> {
    let mut ends: Vec<u32> = one.places().chain(other.places()).collect();
    ends.sort_unstable();
    ends.dedup();
    let before = ends.last().map_or(0, |last| i64::from(*last) - (1 << u32::BITS));
    let starts = std::iter::once(before).chain(ends.iter().copied().map(i64::from));
    ends.iter().zip(starts).map(|(end, start)| (i64::from(*end).abs_diff(start), *end)).collect()
}
