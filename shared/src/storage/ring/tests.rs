use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::clock::Timestamp;
use crate::oci::{Algorithm, Digest};
use crate::storage::topology::{Bucket, Epoch};

fn bucket(id: &str, salt: u32, weight: u32) -> Bucket {
    let url = format!("memory:{id}").parse().unwrap();
    Bucket { id: id.parse().unwrap(), url, weight, salt, state: BucketState::Active }
}

fn topology(vnodes: u32, buckets: Vec<Bucket>) -> Topology {
    Topology { epoch: Epoch(1), since: Timestamp::default(), vnodes, replicas: 1, buckets }
}

fn ring(topology: &Topology) -> HashRing {
    HashRing::new(topology).unwrap()
}

fn walked(ring: &HashRing, point: u32) -> Vec<&str> {
    ring.walk(point).map(BucketId::as_str).collect()
}

/// The fullest bucket's share against the mean.
fn peak(ring: &HashRing) -> f64 {
    let shares = ring.shares();
    shares.values().copied().fold(0.0, f64::max) * f64::from(u32::try_from(shares.len()).unwrap())
}

mod golden {
    //! Pinned for ever, computed by an independent program from the description of the points. If one of these fails, the
    //! code is wrong: blobs lie where these say.
    use super::*;

    fn pinned() -> Topology {
        let buckets = [("ams-1", 17, 1), ("dub-1", 3, 1), ("fra-1", 0, 2), ("lhr-1", 63, 1), ("osl-1", 41, 1)];
        topology(512, buckets.map(|(id, salt, weight)| bucket(id, salt, weight)).to_vec())
    }

    #[test]
    fn points_never_move() {
        let points = |place: usize| {
            let bucket = &pinned().buckets[place];
            points_of(bucket, bucket.salt, 512, 0).map(|point| point.place).collect::<Vec<_>>()
        };
        let (amsterdam, frankfurt) = (points(0), points(2));
        assert_eq!(amsterdam[..4], [0x8afb_1895, 0x536f_1d1f, 0x3b33_9f3b, 0x4973_1cf3]);
        assert_eq!(amsterdam.len(), 512);
        assert_eq!(frankfurt[..2], [0x84e7_74dc, 0xe854_acc4]);
        assert_eq!(frankfurt[1023..], [0x539c_b3ee]);
    }

    #[test]
    fn homes_never_move() {
        let pinned = [
            (Algorithm::Sha256, "layer 0", 0x3ef3_bd6c, "lhr-1 dub-1 fra-1 osl-1 ams-1"),
            (Algorithm::Sha256, "layer 1", 0x54db_133a, "lhr-1 dub-1 ams-1 fra-1 osl-1"),
            (Algorithm::Sha256, "layer 2", 0x0c6e_ea24, "lhr-1 fra-1 osl-1 ams-1 dub-1"),
            (Algorithm::Sha256, "layer 3", 0xffcc_470f, "ams-1 dub-1 osl-1 fra-1 lhr-1"),
            (Algorithm::Sha256, "layer 4", 0x9a3f_33bc, "dub-1 fra-1 ams-1 osl-1 lhr-1"),
            (Algorithm::Sha256, "layer 5", 0xe938_00f1, "ams-1 dub-1 lhr-1 fra-1 osl-1"),
            (Algorithm::Sha256, "layer 6", 0xa443_ee10, "fra-1 lhr-1 osl-1 ams-1 dub-1"),
            (Algorithm::Sha256, "layer 7", 0x392d_fd28, "fra-1 dub-1 osl-1 ams-1 lhr-1"),
            (Algorithm::Sha256, "layer 8", 0x54c3_60ac, "dub-1 lhr-1 ams-1 fra-1 osl-1"),
            (Algorithm::Sha256, "layer 9", 0xbf99_380b, "osl-1 lhr-1 ams-1 fra-1 dub-1"),
            (Algorithm::Sha512, "layer 10", 0xd13f_290e, "osl-1 ams-1 fra-1 lhr-1 dub-1"),
            (Algorithm::Sha512, "layer 11", 0xeaf7_9427, "osl-1 fra-1 ams-1 dub-1 lhr-1"),
        ];
        let ring = ring(&self::pinned());
        for (algorithm, content, point, clockwise) in pinned {
            let digest = Digest::of(algorithm, content.as_bytes());
            assert_eq!(digest.point(), point, "{content}");
            assert_eq!(walked(&ring, point).join(" "), clockwise, "{content}");
        }
    }

    #[test]
    fn a_point_past_the_last_wraps_to_the_first() {
        let ring = ring(&pinned());
        let (first, last) = (0x001d_dbf9, 0xfff0_abb5);
        assert_eq!(ring.home(last).as_str(), "dub-1");
        for point in [last + 1, u32::MAX, 0, first] {
            assert_eq!(ring.home(point).as_str(), "osl-1", "{point:#x}");
        }
    }

    #[test]
    fn shares_are_exact() {
        let arcs: [(&str, u32); 5] = [
            ("ams-1", 775_866_892),
            ("dub-1", 666_976_538),
            ("fra-1", 1_420_348_276),
            ("lhr-1", 702_313_395),
            ("osl-1", 729_462_195),
        ];
        let expected: BTreeMap<BucketId, f64> =
            arcs.iter().map(|(id, arc)| (id.parse().unwrap(), f64::from(*arc) / 4_294_967_296.0)).collect();
        assert_eq!(ring(&pinned()).shares(), expected);
    }

    #[test]
    fn the_salts_of_a_first_topology_never_change() {
        let salts: Vec<_> = first(&names(5)).buckets.iter().map(|bucket| bucket.salt).collect();
        assert_eq!(salts, [0, 19, 4, 41, 14]);
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("bucket-{number}")).collect()
}

fn first(names: &[String]) -> Topology {
    let buckets = names.iter().map(|name| (name.parse().unwrap(), format!("memory:{name}").parse().unwrap()));
    Topology::first(buckets).unwrap()
}

mod balance {
    use std::sync::LazyLock;

    use super::*;

    /// More buckets than any goal speaks of. Their salts take seconds to choose without optimisation.
    static MANY: LazyLock<Topology> = LazyLock::new(|| first(&names(33)));

    /// The first topology of fewer buckets, whose salts are the same.
    fn shortened(topology: &Topology, count: usize) -> Topology {
        Topology { buckets: topology.buckets[..count].to_vec(), ..topology.clone() }
    }

    #[test]
    fn a_longer_list_begins_with_the_same_salts() {
        let (short, long) = (first(&names(3)), first(&names(5)));
        assert_eq!(short, shortened(&long, 3));
    }

    #[test]
    fn three_to_sixteen_equal_buckets_are_within_five_percent_and_thirty_two_within_ten() {
        for count in 3..=16 {
            let peak = peak(&ring(&shortened(&MANY, count)));
            assert!(peak <= 1.05, "{count} buckets: {peak}");
        }
        let peak = peak(&ring(&shortened(&MANY, 32)));
        assert!(peak <= 1.10, "32 buckets: {peak}");
    }

    /// The part of the circle that has another home on the other ring, exactly.
    fn moved(ring: &HashRing, other: &HashRing) -> f64 {
        let places: BTreeSet<_> = ring.points.iter().chain(&other.points).map(|point| i64::from(point.place)).collect();
        let mut before = places.last().unwrap() - (1 << u32::BITS);
        let mut moved = 0;
        for place in places {
            let point = u32::try_from(place).unwrap();
            if ring.home(point) != other.home(point) {
                moved += place - before;
            }
            before = place;
        }
        f64::from(u32::try_from(moved).unwrap()) / 4_294_967_296.0
    }

    #[test]
    fn a_joining_bucket_moves_what_is_its_due_within_ten_percent() {
        let rings: Vec<_> = (3..=33).map(|count| ring(&shortened(&MANY, count))).collect();
        for (pair, joined) in rings.windows(2).zip(4..) {
            let due = moved(&pair[0], &pair[1]) * f64::from(joined);
            assert!((due - 1.0).abs() <= 0.1, "{joined} buckets with the new one: {due} times its due");
        }
    }

    #[test]
    fn any_leaving_bucket_moves_what_was_its_due_within_ten_percent() {
        for count in 3..=32 {
            let full = ring(&shortened(&MANY, count));
            // A leaving bucket moves what it has, no more: a property below, and here of one.
            let less = ring(&Topology { buckets: MANY.buckets[1..count].to_vec(), ..MANY.clone() });
            assert!((full.shares()[&MANY.buckets[0].id] - moved(&full, &less)).abs() < 1e-9);
            for (id, share) in full.shares() {
                let due = share * f64::from(u32::try_from(count).unwrap());
                assert!((due - 1.0).abs() <= 0.1, "{id} of {count} buckets: {due} times its due");
            }
        }
    }

    #[test]
    fn the_balance_does_not_hang_on_the_names() {
        for style in ["registry-blobs-eu-west-", "b", "company-prod-layers-0"] {
            let names: Vec<_> = (0..16).map(|number| format!("{style}{number}")).collect();
            let all = first(&names);
            for count in 3..=16 {
                let peak = peak(&ring(&shortened(&all, count)));
                assert!(peak <= 1.05, "{count} buckets {style}N: {peak}");
            }
        }
    }

    #[test]
    fn a_chosen_salt_is_the_best_of_all_tried() {
        let mut standing = topology(16, vec![bucket("a", 0, 1), bucket("b", 5, 3), bucket("d", 9, 1)]);
        standing.buckets.push(Bucket { state: BucketState::Down, ..bucket("e", 0, 9) });
        let joining = bucket("c", 0, 2);
        let fullest = |salt| {
            let mut joined = standing.clone();
            joined.buckets.push(Bucket { salt, ..joining.clone() });
            let shares = ring(&joined).shares();
            let weight = |id| joined.buckets.iter().find(|bucket| bucket.id == id).unwrap().weight;
            shares.into_iter().map(|(id, share)| share / f64::from(weight(id))).fold(0.0, f64::max)
        };
        let chosen = standing.salt_for(&joining).unwrap();
        let best = (0..64).map(fullest).fold(f64::MAX, f64::min);
        assert!((fullest(chosen) - best).abs() < 1e-9);
        assert!((0..chosen).all(|salt| fullest(salt) > best));
        assert!((0..64).any(|salt| fullest(salt) > best * 1.1), "the tries differ");
    }

    #[test]
    fn a_bucket_that_would_break_the_topology_gets_no_salt() {
        let standing = topology(16, vec![bucket("a", 0, 1)]);
        assert!(standing.salt_for(&bucket("a", 0, 1)).is_err());
        assert!(standing.salt_for(&bucket("b", 0, u32::MAX)).is_err());
        assert!(standing.salt_for(&bucket("b", 0, 1)).is_ok());
    }

    #[test]
    fn a_first_topology_that_is_not_valid_is_refused() {
        assert!(Topology::first([]).is_err());
        let twice = ["memory:1", "memory:2"].map(|url| ("a".parse().unwrap(), url.parse().unwrap()));
        assert!(Topology::first(twice).is_err());
    }
}

mod circle {
    use super::*;

    fn by_hand(points: &[(u32, u32)]) -> HashRing {
        let points = points.iter().map(|&(place, home)| Point { place, home }).collect();
        HashRing { homes: ["a", "b", "c"].map(|id| id.parse().unwrap()).to_vec(), points }
    }

    #[test]
    fn a_home_stands_at_its_point_or_clockwise_of_it() {
        let ring = by_hand(&[(10, 1), (20, 0), (30, 2)]);
        let homes = [(0, "b"), (10, "b"), (11, "a"), (20, "a"), (21, "c"), (30, "c"), (31, "b"), (u32::MAX, "b")];
        for (point, home) in homes {
            assert_eq!(ring.home(point).as_str(), home, "{point}");
        }
        assert_eq!(walked(&ring, 25), ["c", "b", "a"]);
    }

    #[test]
    fn of_several_at_one_point_the_smallest_id_is_home() {
        let ring = by_hand(&[(5, 2), (10, 0), (10, 1), (10, 2)]);
        assert_eq!(walked(&ring, 7), ["a", "b", "c"]);
        assert_eq!(walked(&ring, 10), ["a", "b", "c"]);
        assert_eq!(walked(&ring, 11), ["c", "a", "b"]);
        let shares = ring.shares().into_values().collect::<Vec<_>>();
        assert_eq!(shares, [5.0 / 4_294_967_296.0, 0.0, 4_294_967_291.0 / 4_294_967_296.0]);
    }

    #[test]
    fn points_that_coincide_in_fact_go_to_the_smaller_id() {
        // Of 2^17 points each, about four coincide.
        let mut topology = topology(1 << 17, vec![bucket("b", 0, 1), bucket("a", 0, 1)]);
        let places =
            |bucket: &Bucket| points_of(bucket, 0, 1 << 17, 0).map(|point| point.place).collect::<BTreeSet<_>>();
        let (of_b, of_a) = (places(&topology.buckets[0]), places(&topology.buckets[1]));
        let ties: Vec<_> = of_a.intersection(&of_b).copied().collect();
        assert!(!ties.is_empty());
        let ring = ring(&topology);
        assert!(ties.iter().all(|tie| ring.home(*tie).as_str() == "a"));
        topology.buckets.pop();
        let alone = self::ring(&topology);
        assert!(ties.iter().all(|tie| alone.home(*tie).as_str() == "b"));
    }

    #[test]
    fn a_bucket_alone_has_the_whole_circle() {
        let alone = ring(&topology(1, vec![bucket("a", 0, 1)]));
        assert_eq!(alone.shares().into_values().collect::<Vec<_>>(), [1.0]);
        assert_eq!(walked(&alone, 0), ["a"]);
        assert_eq!(walked(&alone, u32::MAX), ["a"]);
    }

    #[test]
    fn a_topology_that_is_not_valid_has_no_ring() {
        assert!(HashRing::new(&topology(8, Vec::new())).is_err());
    }
}

const IDS: [&str; 8] = ["-", "0", "a", "aa", "a-", "a-0", "b", "z"];

fn state() -> impl Strategy<Value = BucketState> {
    let states = [BucketState::Active, BucketState::Draining, BucketState::ReadOnly, BucketState::Down];
    prop_oneof![2 => Just(BucketState::Active), 1 => proptest::sample::select(states.to_vec())]
}

/// Valid topologies of 2 to 8 buckets whose names begin alike, in any order, at least two of them active.
fn topologies() -> impl Strategy<Value = Topology> {
    let ids = proptest::sample::subsequence(IDS.as_slice(), 2..=8).prop_shuffle();
    let members = proptest::collection::vec((0..3_u32, 1..4_u32, state()), 8);
    (1..40_u32, ids, members).prop_map(|(vnodes, ids, members)| {
        let buckets = ids.into_iter().zip(members).enumerate().map(|(place, (id, (salt, weight, state)))| Bucket {
            state: if place < 2 { BucketState::Active } else { state },
            ..bucket(id, salt, weight)
        });
        topology(vnodes, buckets.collect())
    })
}

/// Points that matter: the very places of buckets, their neighbours, and any others.
fn probes(topology: &Topology, any: &[u32]) -> Vec<u32> {
    let places: Vec<_> = ring(topology).points.iter().map(|point| point.place).collect();
    let beside = places.iter().flat_map(|place| [place.wrapping_sub(1), *place, place.wrapping_add(1)]);
    beside.chain(any.iter().copied()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_leaving_or_joining_bucket_moves_only_what_it_has(full in topologies(), any: [u32; 32], leaving: Index) {
        let mut less = full.clone();
        let gone = less.buckets.remove(leaving.index(full.buckets.len()));
        prop_assume!(less.validate().is_ok());
        let (with, without) = (ring(&full), ring(&less));
        for point in probes(&full, &any) {
            let stayed: Vec<_> = with.walk(point).filter(|id| **id != gone.id).collect();
            prop_assert_eq!(stayed, without.walk(point).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_bucket_that_is_not_active_is_no_home_as_if_it_were_not_there(full in topologies(), any: [u32; 8]) {
        let mut less = full.clone();
        less.buckets.retain(|bucket| bucket.state == BucketState::Active);
        prop_assert_eq!(ring(&full), ring(&less));
        let active: BTreeSet<_> = less.buckets.iter().map(|bucket| &bucket.id).collect();
        for point in any {
            let homes: BTreeSet<_> = ring(&full).walk(point).cloned().collect();
            prop_assert_eq!(homes.iter().collect::<BTreeSet<_>>(), active.clone());
        }
    }

    #[test]
    fn replicas_are_distinct_and_begin_with_the_home(topology in topologies(), any: [u32; 32]) {
        let ring = ring(&topology);
        for point in probes(&topology, &any) {
            let walked: Vec<_> = ring.walk(point).collect();
            prop_assert_eq!(walked[0], ring.home(point));
            prop_assert_eq!(walked.iter().collect::<BTreeSet<_>>().len(), walked.len());
            prop_assert_eq!(walked.len(), ring.homes.len());
        }
    }

    #[test]
    fn the_order_of_buckets_does_not_matter(topology in topologies(), seed: Index) {
        let mut turned = topology.clone();
        turned.buckets.rotate_left(seed.index(topology.buckets.len()));
        prop_assert_eq!(ring(&topology), ring(&turned));
        turned.buckets.reverse();
        prop_assert_eq!(ring(&topology), ring(&turned));
    }

    #[test]
    fn a_home_is_what_a_search_of_all_points_finds(topology in topologies(), any: [u32; 16]) {
        let ring = ring(&topology);
        let standing = topology.buckets.iter().filter(|bucket| bucket.state == BucketState::Active);
        let stands: Vec<_> = standing
            .flat_map(|bucket| points_of(bucket, bucket.salt, topology.vnodes, 0).map(move |at| (at.place, &bucket.id)))
            .collect();
        for point in probes(&topology, &any) {
            let nearest = stands.iter().min_by_key(|(place, id)| (place.wrapping_sub(point), *id));
            prop_assert_eq!(nearest.map(|(_, id)| *id), Some(ring.home(point)));
        }
    }

    #[test]
    fn shares_add_up_to_the_circle(topology in topologies()) {
        let sum = ring(&topology).shares().values().sum::<f64>();
        prop_assert_eq!(sum.to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn shares_follow_weights(weights in proptest::collection::vec(1..5_u32, 2..8), salt in 0..64_u32) {
        let buckets = weights.iter().zip(IDS).map(|(weight, id)| bucket(id, salt, *weight)).collect();
        let (total, shares) = (f64::from(weights.iter().sum::<u32>()), ring(&topology(512, buckets)).shares());
        for (weight, id) in weights.iter().zip(IDS) {
            let due = f64::from(*weight) / total;
            // A share's deviation is about 1/√512 = 4.4 % of the due share of a weight of 1; five of them.
            prop_assert!((shares[&id.parse::<BucketId>().unwrap()] / due - 1.0).abs() < 0.22);
        }
    }
}
