//! How fast layers are taken in, against the same bytes put into the same S3 server without a registry.
//!
//! ```sh
//! cargo build --release --bin ringhold --bin upload-speed
//! target/release/upload-speed --write
//! ```
//!
//! The registry is a process, and the server is another: this program, started with `serve-s3`. Each figure is the median of
//! several runs, ours and the raw one in turn. `--largest MIB` bounds the largest layer; `--write` renews docs/uploads.md and
//! its plots.

mod page;
mod plot;
mod pushes;
mod raw;
mod stage;

use std::time::{Duration, Instant};

use bytes::Bytes;
use harness::content::noise;

use self::page::{Line, Table};
use self::pushes::Push;
use self::stage::Stage;

const MIB: usize = 1024 * 1024;

/// How often each is measured.
const RUNS: usize = 5;
/// The layer whose chunks are varied.
const CHUNKED: usize = 128 * MIB;
/// The layers that are pushed at once.
const TOGETHER: usize = 32 * MIB;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == stage::SERVE) {
        return stage::serve_s3().await;
    }
    let value =
        |name: &str| arguments.iter().position(|argument| argument == name).map(|place| arguments.get(place + 1));
    let largest = value("--largest").flatten().map_or(256, |text| text.parse().expect("a number of MiB")) * MIB;
    let stage = Stage::set();
    let tables = [
        Box::pin(by_size(&stage, largest)).await,
        Box::pin(by_chunk(&stage)).await,
        Box::pin(by_parallelism(&stage)).await,
    ];
    for table in &tables {
        print!("{}", table.text());
    }
    if value("--write").is_some() {
        page::write(&tables).expect("the page can be written");
    }
}

/// Bytes that the bucket has not seen.
fn fresh(size: usize) -> Bytes {
    use std::sync::atomic::{AtomicU64, Ordering};
    static SEED: AtomicU64 = AtomicU64::new(1);
    noise(SEED.fetch_add(1, Ordering::Relaxed), size)
}

async fn by_size(stage: &Stage, largest: usize) -> Table {
    let sizes = [(0.0625, MIB / 16), (1.0, MIB), (16.0, 16 * MIB), (64.0, 64 * MIB), (256.0, 256 * MIB)];
    let sizes = sizes.into_iter().chain([(1024.0, 1024 * MIB), (4096.0, 4096 * MIB)]);
    let mut lines = Line::named(["one stream", "chunks of 4 MiB", "direct, whole", "direct, in parts"]);
    for (label, size) in sizes.filter(|(_, size)| *size <= largest) {
        let pushes = [Push::Stream, Push::Chunks(4 * MIB), Push::Whole, Push::Parts];
        for (line, push) in lines.iter_mut().zip(pushes) {
            line.add(label, ratio(stage, size, push).await);
        }
    }
    Table::new("size", "Layers by size", "MiB", lines)
}

async fn by_chunk(stage: &Stage) -> Table {
    let mut lines = Line::named(["a layer of 128 MiB in chunks"]);
    for (label, chunk) in [(1.0, MIB), (4.0, 4 * MIB), (8.0, 8 * MIB), (16.0, 16 * MIB), (64.0, 64 * MIB)] {
        lines[0].add(label, ratio(stage, CHUNKED, Push::Chunks(chunk)).await);
    }
    Table::new("chunk", "Chunks by size", "MiB", lines)
}

async fn by_parallelism(stage: &Stage) -> Table {
    let mut lines = Line::named(["one stream each", "direct, whole"]);
    for (label, many) in [(1.0, 1), (2.0, 2), (4.0, 4), (8.0, 8)] {
        for (line, push) in lines.iter_mut().zip([Push::Stream, Push::Whole]) {
            let mut ratios = Vec::new();
            for _ in 0..RUNS {
                let layers = || (0..many).map(|_| fresh(TOGETHER)).collect::<Vec<_>>();
                let (ours, raw) = (layers(), layers());
                let pushes = ours.iter().map(|layer| pushes::prepared(push, layer)).collect::<Vec<_>>();
                let ours = timed(async { drop(futures(pushes.iter().map(|one| one.send(stage))).await) }).await;
                let raw = timed(async { drop(futures(raw.iter().map(|layer| raw::put(stage, layer))).await) }).await;
                ratios.push(raw.as_secs_f64() / ours.as_secs_f64());
            }
            line.add(label, median(ratios));
        }
    }
    Table::new("parallel", "Layers of 32 MiB at once", "layers", lines)
}

async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    futures::future::join_all(all).await
}

/// Our throughput, of the raw one.
async fn ratio(stage: &Stage, size: usize, push: Push) -> f64 {
    let mut ratios = Vec::new();
    for _ in 0..RUNS {
        let (ours, other) = (fresh(size), fresh(size));
        let prepared = pushes::prepared(push, &ours);
        let ours = timed(prepared.send(stage)).await;
        let raw = timed(raw::put(stage, &other)).await;
        ratios.push(raw.as_secs_f64() / ours.as_secs_f64());
    }
    median(ratios)
}

async fn timed(work: impl Future<Output = ()>) -> Duration {
    let (began, work) = (Instant::now(), Box::pin(work));
    work.await;
    began.elapsed()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
