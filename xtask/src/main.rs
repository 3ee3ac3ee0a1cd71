//! The project's chores, run as `cargo xtask <chore>`: checks, what the tests need, and the tests.

mod bench;
mod check;
mod clients;
mod costs;
mod deny;
mod failure;
mod local;
mod places;
mod python;
mod smoke;
mod step;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;
use places::Places;
use python::Environment;

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Measures, and renews the page that says what was measured.
    Bench(bench::Arguments),
    /// Checks format, lints, documentation, licences and advisories, and runs the tests that need nothing.
    Check,
    /// Computes docs/costs.md from the files in docs/costs.
    Costs(costs::Arguments),
    /// Runs the AWS stack on this machine.
    Local(local::Arguments),
    /// Installs what the tests need: registry clients, and in the cache directory the AWS emulator, SAM and a fuzzer.
    Setup,
    /// Asks a deployed registry what nobody could know before it ran on AWS; fails when it is not what Ringhold relies on.
    Smoke(smoke::Arguments),
    /// Sets up, builds the program, checks, and runs all tests; a missing tool fails.
    Test,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: &Chore) -> Result<(), Failure> {
    let places = Places::find()?;
    match chore {
        Chore::Bench(arguments) => bench::run(&places, arguments),
        Chore::Check => check::all(&places),
        Chore::Costs(arguments) => costs::run(places.root(), arguments),
        Chore::Local(arguments) => local::run(&places, arguments),
        Chore::Setup => setup(&places),
        Chore::Smoke(arguments) => smoke::run(arguments),
        Chore::Test => {
            setup(&places)?;
            test::all(&places)
        }
    }
}

/// Installs what the tests need; what is there already is left alone.
fn setup(places: &Places) -> Result<(), Failure> {
    clients::install()?;
    for environment in [Environment::Emulator, Environment::OpenApi, Environment::Sam] {
        environment.install(places)?;
    }
    deny::install(places)
}
