//! What it costs to find the home of a blob.

use std::hint::black_box;
use std::time::Instant;

use ringhold_benches::Spread;
use shared::storage::{HashRing, Topology};

use crate::page::Part;
use crate::placement::{Placement, Way, buckets, points};
use crate::plot::{Line, Plot};
use crate::table::Table;

/// How many look-ups make a run: too many for a processor to remember their outcomes.
const LOOK_UPS: u64 = 1 << 16;
const RUNS: usize = 101;
const BUCKETS: &[u32] = &[1, 2, 4, 8, 16, 32];
/// What a look-up among 32 buckets may cost.
const GOAL: f64 = 100.0;

pub(crate) fn measure() -> Part {
    let (all, points) = (buckets(32), points(LOOK_UPS));
    let mut table = Table::headed(&["buckets", "our ring, ns", "rendezvous, ns"]);
    let mut lines = [Line::new("our ring"), Line::new("rendezvous")];
    let mut last = 0.0;
    for count in BUCKETS {
        let (ours, rendezvous) = compared(&all, *count as usize, &points);
        table.row(&[count.to_string(), format!("{ours:.0}"), format!("{rendezvous:.0}")]);
        for (line, time) in lines.iter_mut().zip([ours, rendezvous]) {
            line.points.push((f64::from(*count), time));
        }
        last = ours;
    }
    let top = lines.iter().flat_map(|line| &line.points).fold(GOAL, |top: f64, (_, time)| top.max(*time));
    Part::new("look-up")
        .table(table)
        .words(&format!("Among 32 buckets: {last:.0} ns; the goal is at most {GOAL:.0} ns."))
        .plot(Plot {
            file: "look-up",
            title: "Nanoseconds per look-up",
            across: "buckets",
            marks: BUCKETS,
            between: (0.0, (top / 20.0).ceil() * 20.0),
            lines: lines.into(),
        })
}

/// Nanoseconds per look-up on our ring and by rendezvous hashing, medians of runs of one and the other in turn.
fn compared(all: &Topology, count: usize, points: &[u32]) -> (f64, f64) {
    let ring = HashRing::new(&Topology { buckets: all.buckets[..count].to_vec(), ..all.clone() });
    let ring = ring.expect("a valid topology");
    let rendezvous = Placement::of(Way::Rendezvous, all, &(0..count).collect::<Vec<_>>());
    let runs = (0..RUNS).map(|_| {
        let ours = nanoseconds(points, |point| {
            black_box(ring.home(point));
        });
        let others = nanoseconds(points, |point| {
            black_box(rendezvous.home(point));
        });
        (ours, others)
    });
    let (ours, rendezvous) = runs.unzip();
    (Spread::of(ours).median, Spread::of(rendezvous).median)
}

fn nanoseconds(points: &[u32], look_up: impl Fn(u32)) -> f64 {
    let began = Instant::now();
    for point in points {
        look_up(*point);
    }
    began.elapsed().as_secs_f64() * 1e9 / f64::from(u32::try_from(points.len()).expect("not so many"))
}
