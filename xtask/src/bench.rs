//! Measurements: built in release, run, and their pages renewed.

use std::path::PathBuf;
use std::process::Command;

use clap::Subcommand;

use crate::failure::Failure;
use crate::places::Places;
use crate::step::{cargo, run as step};

/// What is to be measured.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// What the ring does and costs: docs/ring.md. Takes five minutes once it is built.
    Ring {
        /// Only these parts: balance, look-up, failure, transfer
        parts: Vec<String>,
    },
    /// How fast layers are taken in: docs/uploads.md.
    Uploads,
    /// What it costs to know who asks: docs/accounts.md.
    SignIn,
}

/// Measures it.
pub(crate) fn run(places: &Places, arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.what {
        What::Ring { parts } => measure(places, "ring-speed", parts),
        What::Uploads => measure(places, "upload-speed", &[]),
        What::SignIn => measure(places, "sign-in-cost", &[]),
    }
}

fn measure(places: &Places, bench: &str, parts: &[String]) -> Result<(), Failure> {
    // With the whole workspace's features, as everything else is built.
    let build = ["build", "--release", "--workspace", "--bin", "ringhold", "--bin", bench];
    step("build", cargo(places.root()).args(build))?;
    let mut command = Command::new(built(bench));
    step(bench, command.current_dir(places.root()).arg("--write").args(parts))
}

/// A program built in release: its directory lies beside the one that this chore was built into.
fn built(name: &str) -> PathBuf {
    let itself = std::env::current_exe().unwrap_or_default();
    let profile = itself.parent().unwrap_or(&itself);
    profile.with_file_name("release").join(name)
}
