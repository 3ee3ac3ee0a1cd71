//! The project's chores, run as `cargo xtask <chore>`: checks, what the tests need, and the tests.

mod check;
mod clients;
mod costs;
mod deny;
mod emulator;
mod failure;
mod places;
mod step;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;
use places::Places;

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Checks format, lints, documentation, licences and advisories, and runs the tests that need nothing.
    Check,
    /// Computes docs/costs.md from the files in docs/costs.
    Costs(costs::Arguments),
    /// Installs what the tests need: registry clients, and the AWS emulator in the cache directory.
    Setup,
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
        Chore::Check => check::all(&places),
        Chore::Costs(arguments) => costs::run(places.root(), arguments),
        Chore::Setup => setup(&places),
        Chore::Test => {
            setup(&places)?;
            test::all(&places)
        }
    }
}

/// Installs what the tests need; what is there already is left alone.
fn setup(places: &Places) -> Result<(), Failure> {
    clients::install()?;
    emulator::install(places)?;
    deny::install(places)
}
