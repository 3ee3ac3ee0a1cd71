//! What is known of the buckets' health, beside the topology.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::topology::BucketId;
use crate::clock::Timestamp;

/// What was last found out about the buckets, by one process or by all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    /// When they were last asked.
    pub checked: Timestamp,
    /// Those that did not serve.
    pub ailing: BTreeMap<BucketId, Ailment>,
    /// When each was last reached.
    #[serde(default)]
    pub reached: BTreeMap<BucketId, Timestamp>,
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
    /// For how long one process that has reached a bucket outweighs others that have not: longer than it takes a process to
    /// ask again.
    pub const OUTWEIGHS: Duration = Duration::from_secs(20);

    /// Those that do not serve a process that has found this itself, as far as that is known now.
    #[must_use]
    pub fn ailing_for(&self, own: &Self, now: Timestamp) -> BTreeSet<BucketId> {
        let own = Some(own).filter(|own| own.holds(now));
        let all = self.ailing.keys().filter(|_| self.holds(now));
        let all = all.filter(|id| own.is_none_or(|own| !own.reached.contains_key(*id)));
        all.chain(own.into_iter().flat_map(|own| own.ailing.keys())).cloned().collect()
    }

    /// What all may know after a process has found out this: a bucket that another has just reached is not ailing, whatever
    /// keeps this one from it. `last` is what this process found before, and wrote down.
    #[must_use]
    pub fn with(&self, own: &Self, last: &Self) -> Self {
        let is_reached = |id: &BucketId| {
            let by_another = self.reached.get(id).filter(|reached| last.reached.get(id) != Some(reached));
            by_another.is_some_and(|reached| own.checked.since(*reached) <= Self::OUTWEIGHS)
        };
        let ailing = own.ailing.iter().filter(|(id, _)| !is_reached(id)).map(|(id, ailment)| {
            let since = self.ailing.get(id).map_or(ailment.since, |known| known.since);
            (id.clone(), Ailment { since, ..ailment.clone() })
        });
        let asked = self.reached.iter().filter(|(id, _)| own.ailing.contains_key(*id));
        let reached = asked.chain(&own.reached).map(|(id, reached)| (id.clone(), *reached)).collect();
        Self { checked: own.checked, ailing: ailing.collect(), reached }
    }

    fn holds(&self, now: Timestamp) -> bool {
        now.since(self.checked) <= Self::HOLDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> BucketId {
        text.parse().unwrap()
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    /// What a process finds that reaches one of the buckets and not the other.
    fn found(seconds: u64, reached: &str, ailing: &str) -> Health {
        let ailment = Ailment { since: at(seconds), why: "unavailable".to_owned() };
        Health {
            checked: at(seconds),
            ailing: BTreeMap::from([(id(ailing), ailment)]),
            reached: BTreeMap::from([(id(reached), at(seconds))]),
        }
    }

    #[test]
    fn what_another_has_just_reached_is_not_ailing_for_all() {
        let (nobody, mine) = (Health::default(), found(100, "a", "b"));
        let theirs = nobody.with(&found(90, "b", "a"), &nobody);
        let all = theirs.with(&mine, &nobody);
        assert_eq!(all.ailing, BTreeMap::new());
        assert_eq!(all.reached, BTreeMap::from([(id("a"), at(100)), (id("b"), at(90))]));
        let later = all.with(&found(121, "a", "b"), &mine);
        assert_eq!(later.ailing.keys().collect::<Vec<_>>(), [&id("b")], "that was long ago");
        assert_eq!(later.with(&found(122, "a", "b"), &mine).ailing[&id("b")].since, at(121));
    }

    #[test]
    fn what_a_process_has_reached_itself_before_keeps_nothing() {
        let (nobody, before) = (Health::default(), found(90, "b", "a"));
        let all = nobody.with(&before, &nobody).with(&found(100, "a", "b"), &before);
        assert_eq!(all.ailing.keys().collect::<Vec<_>>(), [&id("b")]);
    }

    #[test]
    fn a_process_goes_by_what_it_has_found_itself() {
        let (theirs, own) = (found(90, "b", "a"), found(100, "a", "b"));
        assert_eq!(theirs.ailing_for(&own, at(110)), BTreeSet::from([id("b")]));
        assert_eq!(theirs.ailing_for(&Health::default(), at(110)), BTreeSet::from([id("a")]));
        assert_eq!(theirs.ailing_for(&own, at(1000)), BTreeSet::new(), "long ago");
    }

    #[test]
    fn a_row_of_an_earlier_version_reads() {
        let row = r#"{"checked":7,"ailing":{"a":{"since":5,"why":"fails"}}}"#;
        let health: Health = serde_json::from_str(row).unwrap();
        assert_eq!((health.ailing.len(), health.reached.len()), (1, 0));
    }
}
