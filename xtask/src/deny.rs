//! Licences, duplicates, sources and advisories of the dependencies, by cargo-deny.

use std::fs;
use std::process::Command;

use crate::failure::Failure;
use crate::places::Places;
use crate::step;

const VERSION: &str = "0.20.2";

/// Builds cargo-deny into the cache, once for each version. Without optimisation: it builds sooner, and checks this
/// workspace in seconds all the same.
pub(crate) fn install(places: &Places) -> Result<(), Failure> {
    let version = step::output_of(program(places).arg("--version"));
    if version.is_some_and(|version| version.trim() == format!("cargo-deny {VERSION}")) {
        return Ok(());
    }
    let mut cargo = step::cargo(places.root());
    cargo.args(["install", "--quiet", "--locked", "--debug", "--force", "--version", VERSION, "cargo-deny", "--root"]);
    cargo.arg(places.tools()).env("CARGO_PROFILE_DEV_DEBUG", "0");
    // An interrupted build goes on from what it left there.
    let build = places.tools().join("build");
    cargo.arg("--target-dir").arg(&build);
    step::run("install cargo-deny", &mut cargo)?;
    fs::remove_dir_all(&build).map_err(|source| Failure::Cache { path: build, source })
}

/// Checks the dependencies. Advisories need a database from the network: where it cannot be had, says so.
pub(crate) fn check(places: &Places) -> Result<(), Failure> {
    step::run(
        "cargo deny: licences, bans, sources",
        program(places).args(["check", "--hide-inclusion-graph", "licenses", "bans", "sources"]),
    )?;
    if step::attempt("cargo deny: fetch the advisories", program(places).args(["fetch", "db"]))? {
        step::run("cargo deny: advisories", program(places).args(["check", "advisories"]))
    } else {
        eprintln!("advisories are NOT checked: their database cannot be fetched from here");
        Ok(())
    }
}

fn program(places: &Places) -> Command {
    let mut command = Command::new(places.tools().join("bin").join("cargo-deny"));
    command.current_dir(places.root());
    command
}
