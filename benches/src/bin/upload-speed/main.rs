//! How fast layers are taken in, against the same bytes put into the same S3 server without a registry.
//!
//! ```sh
//! cargo build --release --bin ringhold --bin upload-speed
//! target/release/upload-speed --write
//! ```
//!
//! The registry is a process, and the server is another: this program, started with `serve-s3`. Each figure is the median of
//! several runs, ours and the raw ones in turn. `--largest MIB` bounds the largest layer; `--write` renews docs/uploads.md and
//! its plots.

mod layer;
mod page;
mod plot;
mod race;
mod raw;
mod stage;
mod ways;

use std::path::Path;

use self::page::{Row, Table};
use self::race::{Load, race};
use self::stage::Stage;
use self::ways::Way;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const GIB: usize = 1024 * MIB;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [serve, directory] = &arguments[..]
        && serve == stage::SERVE
    {
        return stage::serve_s3(Path::new(directory)).await;
    }
    let value =
        |name: &str| arguments.iter().position(|argument| argument == name).map(|place| arguments.get(place + 1));
    let largest = value("--largest").flatten().map_or(256, |text| text.parse().expect("a number of MiB")) * MIB;
    let stage = Stage::set();
    let tables = [by_size(&stage, largest).await, by_chunk(&stage).await, by_parallelism(&stage).await];
    for table in &tables {
        print!("{}", table.text());
    }
    if value("--write").is_some() {
        page::write(&tables).expect("the page can be written");
    }
}

async fn by_size(stage: &Stage, largest: usize) -> Table {
    let sizes = [64 * KIB, MIB, 16 * MIB, 64 * MIB, 256 * MIB, GIB, 4 * GIB];
    let mut rows = Vec::new();
    for size in sizes.into_iter().filter(|size| *size <= largest) {
        let ways = [Way::Stream, Way::Chunks(4 * MIB), Way::Whole, Way::Parts];
        let outcome = race(stage, Load { layers: 1, size }, &ways).await;
        rows.push(Row { value: size, label: in_words(size), raw: outcome.raw, ratios: outcome.ratios });
    }
    let ways = vec!["one stream", "chunks of 4 MiB", "direct, whole", "direct, in parts"];
    Table { file: "size", title: "Layers by size", varied: "layer", ways, rows }
}

async fn by_chunk(stage: &Stage) -> Table {
    let sizes = [MIB, 4 * MIB, 8 * MIB, 16 * MIB, 64 * MIB];
    let outcome = race(stage, Load { layers: 1, size: 128 * MIB }, &sizes.map(Way::Chunks)).await;
    let row = |(size, ratio)| Row { value: size, label: in_words(size), raw: outcome.raw, ratios: vec![ratio] };
    let rows = sizes.into_iter().zip(outcome.ratios).map(row).collect();
    Table { file: "chunk", title: "Chunks by size", varied: "chunk", ways: vec!["a layer of 128 MiB in chunks"], rows }
}

async fn by_parallelism(stage: &Stage) -> Table {
    let mut rows = Vec::new();
    for layers in [1, 2, 4, 8] {
        let outcome = race(stage, Load { layers, size: 32 * MIB }, &[Way::Stream, Way::Whole]).await;
        rows.push(Row { value: layers, label: layers.to_string(), raw: outcome.raw, ratios: outcome.ratios });
    }
    let ways = vec!["one stream each", "direct, whole"];
    Table { file: "parallel", title: "Layers of 32 MiB at once", varied: "layers", ways, rows }
}

fn in_words(size: usize) -> String {
    match size {
        GIB.. => format!("{} GiB", size / GIB),
        MIB.. => format!("{} MiB", size / MIB),
        _ => format!("{} KiB", size / KIB),
    }
}
