//! What the ring does and costs: how evenly it spreads blobs and how few of them a change moves, against other ways to place
//! them; what a look-up costs; how fast images come and go over more and more buckets; what is lost with a bucket.
//!
//! ```sh
//! cargo xtask bench ring
//! ```
//!
//! builds this and the registry in release, and runs this with `--write`, which renews docs/ring.md and its plots. Names of
//! parts (`balance`, `look-up`, `transfer`, `failure`) measure only those.

mod balance;
mod failure;
mod image;
mod look_up;
mod page;
mod placement;
mod plot;
mod stores;
mod table;
mod transfer;

use self::page::Part;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == stores::SERVE) {
        return stores::serve_s3().await;
    }
    let writes = arguments.iter().any(|argument| argument == "--write");
    let wanted: Vec<_> = arguments.into_iter().filter(|argument| argument != "--write").collect();
    for name in ["balance", "look-up", "failure", "transfer"] {
        if wanted.is_empty() || wanted.iter().any(|part| part == name) {
            let part = Box::pin(measured(name)).await;
            println!("{}", part.text());
            if writes {
                part.write().expect("the page can be written");
            }
        }
    }
}

async fn measured(name: &str) -> Part {
    match name {
        "balance" => balance::measure(),
        "look-up" => look_up::measure(),
        "failure" => failure::measure(),
        _ => transfer::measure().await,
    }
}
