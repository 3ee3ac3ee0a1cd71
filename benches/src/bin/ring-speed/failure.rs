//! What is lost for as long as one bucket is: computed from where blobs lie.

use shared::storage::{HashRing, Topology};

use crate::page::Part;
use crate::placement::{buckets, points};
use crate::plot::{Line, Plot};
use crate::table::{Table, percent};

const BLOBS: u32 = 1_000_000;
const BUCKETS: &[u32] = &[3, 4, 6, 8, 12, 16, 24, 32];

/// The shares of blobs that lie in one bucket, over all buckets, and the part of a bucket's that one other would take over.
struct Loss {
    least: f64,
    most: f64,
    heaviest_heir: f64,
}

pub(crate) fn measure() -> Part {
    let (all, points) = (buckets(32), points(BLOBS.into()));
    let heads = ["buckets", "1/N", "least", "most", "most, against 1/N", "fullest heir, against an even split"];
    let mut table = Table::headed(&heads);
    let mut lines = ["1/N", "least", "most"].map(Line::new);
    for count in BUCKETS {
        let (loss, ideal) = (loss(&all, *count as usize, &points), 1.0 / f64::from(*count));
        let against = |value: f64, ideal: f64| format!("{:.3}", value / ideal);
        let even = 1.0 / f64::from(count - 1);
        let shares = [ideal, loss.least, loss.most];
        let ratios = [against(loss.most, ideal), format!("{:.2}", loss.heaviest_heir / even)];
        let cells = [count.to_string()].into_iter().chain(shares.map(percent)).chain(ratios);
        table.row(&cells.collect::<Vec<_>>());
        for (line, share) in lines.iter_mut().zip(shares) {
            line.points.push((f64::from(*count), share * 100.0));
        }
    }
    Part::new("failure").table(table).plot(Plot {
        file: "failure",
        title: "Blobs in a bucket that fails, %",
        across: "buckets",
        marks: BUCKETS,
        between: (0.0, 40.0),
        lines: lines.into(),
    })
}

fn loss(all: &Topology, count: usize, points: &[u32]) -> Loss {
    let ring = HashRing::new(&Topology { buckets: all.buckets[..count].to_vec(), ..all.clone() });
    let ring = ring.expect("a valid topology");
    let mut heirs = vec![vec![0_u32; count]; count];
    for point in points {
        let mut walk = ring.walk(*point).map(|id| all.buckets.iter().position(|bucket| bucket.id == *id));
        let mut next = || walk.next().flatten().expect("a bucket of the ring");
        let (home, heir) = (next(), next());
        heirs[home][heir] += 1;
    }
    let had = |bucket: &Vec<u32>| f64::from(bucket.iter().sum::<u32>());
    let shares = || heirs.iter().map(|bucket| had(bucket) / f64::from(BLOBS));
    let parts = heirs.iter().flat_map(|bucket| bucket.iter().map(|heir| f64::from(*heir) / had(bucket)));
    Loss {
        least: shares().fold(1.0, f64::min),
        most: shares().fold(0.0, f64::max),
        heaviest_heir: parts.fold(0.0, f64::max),
    }
}
