//! All that must hold before a change is merged.

use crate::check;
use crate::failure::Failure;
use crate::local;
use crate::places::Places;
use crate::python::Environment;
use crate::step::{cargo, run};

/// Builds everything, the functions as they are deployed too, checks it and runs every test. Tests find the emulator's Python in
/// `RINGHOLD_EMULATOR_PYTHON`, and fail instead of skipping when a tool is missing.
pub(crate) fn all(places: &Places) -> Result<(), Failure> {
    // All of it at once: a package built alone would have its dependencies built again, with other features.
    run("build", cargo(places.root()).args(["build", "--workspace", "--all-targets"]))?;
    check::lints(places)?;
    local::build(places)?;
    let mut tests = cargo(places.root());
    tests.args(["test", "--workspace"]);
    tests
        .env("RINGHOLD_EMULATOR_PYTHON", Environment::Emulator.program(places, "python"))
        .env("RINGHOLD_REQUIRE_ALL", "1");
    run("all tests", &mut tests)
}
