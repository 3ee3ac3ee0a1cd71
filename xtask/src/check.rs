//! The checks that need no emulator and no client.

use crate::costs;
use crate::deny;
use crate::failure::Failure;
use crate::places::Places;
use crate::step::{cargo, run};

/// Format, lints, documentation and dependencies.
pub(crate) fn lints(places: &Places) -> Result<(), Failure> {
    let root = places.root();
    run("format", cargo(root).args(["fmt", "--all", "--check"]))?;
    run("lints", cargo(root).args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    let mut doc = cargo(root);
    doc.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "--deny warnings");
    run("documentation", &mut doc)?;
    costs::verify(places.root())?;
    deny::install(places)?;
    deny::check(places)
}

/// The lints, and the tests of all packages but those that need emulators and clients.
pub(crate) fn all(places: &Places) -> Result<(), Failure> {
    lints(places)?;
    let mut tests = cargo(places.root());
    tests.args(["test", "--workspace", "--exclude", "ringhold-tests"]);
    run("tests that need nothing", &mut tests)
}
