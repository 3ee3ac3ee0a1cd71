//! How long an image takes to be pushed and pulled over more and more buckets, against one bucket.

use std::time::Instant;

use ringhold_benches::Spread;

use crate::image::Image;
use crate::page::Part;
use crate::plot::{Line, Plot};
use crate::stores::{Registry, Store};
use crate::table::Table;

/// How many buckets the registries have. The others are compared with the first; the second shows what such a comparison
/// is worth.
const BUCKETS: [usize; 6] = [1, 1, 2, 4, 8, 16];
const MARKS: &[u32] = &[1, 2, 4, 8, 16];
/// How often an image is pushed and pulled on each, after a first time that is not counted.
const RUNS: usize = 15;

/// Seconds of a push and of a pull.
#[derive(Clone, Copy)]
struct Times {
    push: f64,
    pull: f64,
}

/// The times of each run, by registry.
type Runs = Vec<[Times; BUCKETS.len()]>;

pub(crate) async fn measure() -> Part {
    let mut part = Part::new("transfer");
    let (mut pushes, mut pulls) = (Vec::new(), Vec::new());
    for store in Store::ALL {
        let Some(runs) = runs(store).await else {
            part = part.words("The AWS emulator is not installed here: `cargo xtask setup` installs it.");
            continue;
        };
        let (push, pull) = (Ratios::of(&runs, |times| times.push), Ratios::of(&runs, |times| times.pull));
        part = part.words(&described(store, &runs)).table(table(&push, &pull));
        pushes.push(push.line(store.name()));
        pulls.push(pull.line(store.name()));
    }
    part.plot(plot("pushes", "Time of a push, one bucket = 1", pushes)).plot(plot(
        "pulls",
        "Time of a pull, one bucket = 1",
        pulls,
    ))
}

/// Pushes and pulls images, each registry in turn, another one first in each run.
async fn runs(store: Store) -> Option<Runs> {
    let registries = store.registries(&BUCKETS).await?;
    let mut runs = Vec::new();
    for run in 0..=RUNS {
        let mut times = [Times { push: 0.0, pull: 0.0 }; BUCKETS.len()];
        for step in 0..BUCKETS.len() {
            let place = (run + step) % BUCKETS.len();
            let image = Image::fresh((run * BUCKETS.len() + place) as u64);
            times[place] = transferred(&registries.all[place], &image).await;
        }
        eprintln!("{}: run {run}", store.name());
        runs.push(times);
    }
    runs.remove(0);
    Some(runs)
}

async fn transferred(registry: &Registry, image: &Image) -> Times {
    let push = seconds(image.push(&registry.client)).await;
    registry.settled().await;
    let pull = seconds(image.pull(&registry.client)).await;
    Times { push, pull }
}

async fn seconds(work: impl Future<Output = ()>) -> f64 {
    let began = Instant::now();
    work.await;
    began.elapsed().as_secs_f64()
}

/// What each registry takes against the first one in the same run: the quartiles of all runs.
struct Ratios([[f64; 3]; BUCKETS.len()]);

impl Ratios {
    fn of(runs: &Runs, time: impl Fn(&Times) -> f64) -> Self {
        Self(std::array::from_fn(|place| {
            quartiles(runs.iter().map(|times| time(&times[place]) / time(&times[0])).collect())
        }))
    }

    fn cell(&self, place: usize) -> String {
        let [low, median, high] = self.0[place];
        format!("{median:.2} ({low:.2} to {high:.2})")
    }

    /// The medians, by the number of buckets.
    fn line(&self, name: &'static str) -> Line {
        let medians = MARKS.iter().map(|count| {
            let place = BUCKETS.iter().position(|buckets| *buckets == *count as usize);
            (f64::from(*count), place.map_or(f64::NAN, |place| self.0[place][1]))
        });
        Line { name, points: medians.collect() }
    }
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}

fn described(store: Store, runs: &Runs) -> String {
    let of_one = |time: fn(&Times) -> f64| Spread::of(runs.iter().map(|times| time(&times[0])).collect()).median;
    let (push, pull) = (of_one(|times| times.push), of_one(|times| times.pull));
    let name = match store {
        Store::Directories => "Directories",
        Store::S3 => "An S3 server in another process",
        Store::Emulator => "The AWS emulator, buckets and table",
    };
    format!("**{name}.** Over one bucket a push takes {push:.2} s and a pull {pull:.2} s.")
}

fn table(push: &Ratios, pull: &Ratios) -> Table {
    let mut table = Table::headed(&["buckets", "push", "pull"]);
    for (place, count) in BUCKETS.iter().enumerate().skip(1) {
        let name = if *count == 1 { "1, another one".to_owned() } else { count.to_string() };
        table.row(&[name, push.cell(place), pull.cell(place)]);
    }
    table
}

fn plot(file: &'static str, title: &'static str, lines: Vec<Line>) -> Plot {
    Plot { file, title, across: "buckets", marks: MARKS, between: (0.0, 2.0), lines }
}
