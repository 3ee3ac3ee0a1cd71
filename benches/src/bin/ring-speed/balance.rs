//! How evenly blobs are spread, and how many of them move when a bucket joins or leaves.

use ringhold_benches::Spread;
use shared::storage::Topology;

use crate::page::Part;
use crate::placement::{Placement, Way, buckets, points};
use crate::plot::{Line, Plot};
use crate::table::{Table, percent};

/// How many blobs are placed where nothing exact is to be had. A share of 1/32 of them is right to about 0.6 %.
const BLOBS: u64 = 1_000_000;
const FEWEST: usize = 3;
const MOST: usize = 32;
/// The numbers of buckets that tables show; the last is `MOST`.
const SHOWN: &[u32] = &[3, 4, 6, 8, 12, 16, 24, 32];
/// Of how many rings of one point each the median is taken: one alone is a lottery.
const DRAWS: u32 = 101;

/// What one way does, by the number of buckets.
struct Figures {
    way: Way,
    /// The fullest bucket's share, against the mean.
    peaks: Vec<(usize, f64)>,
    /// The share of blobs that move when a bucket joins.
    joins: Vec<(usize, f64)>,
    /// The share that move when the bucket leaves whose leaving moves most.
    leaves: Vec<(usize, f64)>,
}

pub(crate) fn measure() -> Part {
    let (all, points) = (buckets(MOST + 1), points(BLOBS));
    let figures = Way::ALL.map(|way| Figures::of(way, &all, &points));
    Part::new("balance")
        .table(targets(&figures[0], &all))
        .words("The fullest bucket's share against the mean:")
        .table(peaks(&figures))
        .plot(plot("balance", "The fullest bucket against the mean", (1.0, 5.0), &figures, |of| &of.peaks, 1.0))
        .plot(plot("balance-near", "The same, from near", (1.0, 1.2), &figures, |of| &of.peaks, 1.0))
        .words("The share of blobs that move when one bucket joins N others:")
        .table(moves(&figures, |of| &of.joins, 1))
        .plot(plot("joining", "Blobs that move when a bucket joins, %", (0.0, 100.0), &figures, |of| &of.joins, 100.0))
        .words("The share of blobs that move when one of N buckets leaves, the one whose leaving moves most:")
        .table(moves(&figures, |of| &of.leaves, 0))
        .plot(plot(
            "leaving",
            "Blobs that move when a bucket leaves, %",
            (0.0, 100.0),
            &figures,
            |of| &of.leaves,
            100.0,
        ))
}

impl Figures {
    fn of(way: Way, all: &Topology, points: &[u32]) -> Self {
        let mut figures = Self { way, peaks: Vec::new(), joins: Vec::new(), leaves: Vec::new() };
        let first = |count| Placement::of(way, all, &(0..count).collect::<Vec<_>>());
        let mut homes = first(FEWEST).homes(points);
        for count in FEWEST..=MOST {
            figures.peaks.push((count, peak(way, all, count, &homes)));
            if SHOWN.iter().any(|shown| *shown as usize == count) {
                figures.leaves.push((count, worst_leave(way, all, count, points, &homes)));
            }
            let joined = first(count + 1).homes(points);
            figures.joins.push((count, moved(&homes, &joined)));
            homes = joined;
        }
        eprintln!("measured: {}", way.name());
        figures
    }
}

/// The fullest bucket's share against the mean: exact for rings, counted for others.
fn peak(way: Way, all: &Topology, count: usize, homes: &[usize]) -> f64 {
    let members: Vec<_> = (0..count).collect();
    if way == Way::OnePoint {
        return Spread::of(
            (0..DRAWS).map(|draw| fullest(&Placement::ring(all, &members, 1, |_| draw), homes)).collect(),
        )
        .median;
    }
    fullest(&Placement::of(way, all, &members), homes)
}

fn fullest(placement: &Placement, homes: &[usize]) -> f64 {
    let shares = placement.shares().unwrap_or_else(|| counted(homes));
    shares.iter().copied().fold(0.0, f64::max) * float(shares.len())
}

fn counted(homes: &[usize]) -> Vec<f64> {
    let mut counts = vec![0; homes.iter().max().map_or(0, |most| most + 1)];
    for home in homes {
        counts[*home] += 1;
    }
    counts.into_iter().map(|count| float(count) / float(homes.len())).collect()
}

fn worst_leave(way: Way, all: &Topology, count: usize, points: &[u32], homes: &[usize]) -> f64 {
    let left = |gone: usize| {
        let members: Vec<_> = (0..count).filter(|number| *number != gone).collect();
        moved(homes, &Placement::of(way, all, &members).homes(points))
    };
    (0..count).map(left).fold(0.0, f64::max)
}

fn moved(before: &[usize], after: &[usize]) -> f64 {
    float(before.iter().zip(after).filter(|(before, after)| before != after).count()) / float(before.len())
}

/// What our ring has to reach, and what it does.
fn targets(ours: &Figures, all: &Topology) -> Table {
    let worst = |least: usize, most: usize| {
        let among = ours.peaks.iter().filter(|(count, _)| (least..=most).contains(count));
        among.fold(0.0, |worst: f64, (_, peak)| worst.max(*peak))
    };
    let joins = ours.joins.iter().map(|(count, share)| share * float(count + 1)).collect::<Vec<_>>();
    let leaves = (FEWEST..=MOST).flat_map(|count| {
        let ring = Placement::of(Way::Ours, all, &(0..count).collect::<Vec<_>>());
        ring.shares().unwrap_or_default().into_iter().map(move |share| share * float(count))
    });
    let mut table = Table::headed(&["our ring", "wanted", "found"]);
    let mut row = |what: &str, wanted: &str, found: String| table.row(&[what.to_owned(), wanted.to_owned(), found]);
    row("fullest bucket against the mean, 3 to 16 buckets", "≤ 1.05", format!("{:.3}", worst(3, 16)));
    row("the same, 32 buckets", "≤ 1.10", format!("{:.3}", worst(32, 32)));
    row("moved by a joining bucket, ideal = 1, 3 to 32 buckets", "0.90 to 1.10", spread(&joins));
    row("moved by a leaving bucket, whichever, 3 to 32 buckets", "0.90 to 1.10", spread(&leaves.collect::<Vec<_>>()));
    table
}

fn spread(values: &[f64]) -> String {
    let (least, most) =
        values.iter().fold((f64::MAX, 0.0_f64), |(least, most), value| (least.min(*value), most.max(*value)));
    format!("{least:.3} to {most:.3}")
}

fn peaks(figures: &[Figures]) -> Table {
    let mut table = Table::headed(&[&["buckets"], names(figures).as_slice()].concat());
    for count in SHOWN {
        let cells = figures.iter().map(|of| format!("{:.3}", at(&of.peaks, *count)));
        table.row(&[count.to_string()].into_iter().chain(cells).collect::<Vec<_>>());
    }
    table
}

/// The shares that move. The ideal is one of the buckets and these `more`.
fn moves(figures: &[Figures], of: impl Fn(&Figures) -> &Vec<(usize, f64)>, more: u32) -> Table {
    let mut table = Table::headed(&[&["buckets", "ideal"], names(figures).as_slice()].concat());
    for count in SHOWN {
        let ideal = percent(1.0 / f64::from(count + more));
        let cells = figures.iter().map(|figures| percent(at(of(figures), *count)));
        table.row(&[count.to_string(), ideal].into_iter().chain(cells).collect::<Vec<_>>());
    }
    table
}

fn names(figures: &[Figures]) -> Vec<&'static str> {
    figures.iter().map(|of| of.way.name()).collect()
}

fn at(values: &[(usize, f64)], count: u32) -> f64 {
    values.iter().find(|(of, _)| *of == count as usize).map_or(f64::NAN, |(_, value)| *value)
}

fn plot(
    file: &'static str,
    title: &'static str,
    between: (f64, f64),
    figures: &[Figures],
    of: impl Fn(&Figures) -> &Vec<(usize, f64)>,
    scale: f64,
) -> Plot {
    let points = |figures| of(figures).iter().map(|(count, value)| (float(*count), value * scale)).collect();
    let lines = figures.iter().map(|figures| Line { name: figures.way.name(), points: points(figures) });
    Plot { file, title, across: "buckets", marks: SHOWN, between, lines: lines.collect() }
}

#[expect(clippy::cast_precision_loss, reason = "nothing here is counted beyond a million")]
fn float(count: usize) -> f64 {
    count as f64
}
