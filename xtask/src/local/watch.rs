//! Functions run from source by `cargo lambda watch`, behind the router of the root's `Cargo.toml`, over the buckets and
//! the table of the template.

use std::process::Command;

use super::aws::Aws;
use crate::failure::Failure;
use crate::places::Places;
use crate::python::Environment;
use crate::step;

/// Where the registry listens.
const ADDRESS: &str = "127.0.0.1";
const PORT: &str = "9000";

/// Makes the stores and runs the functions, until it is interrupted.
pub(super) fn run(places: &Places, aws: Aws) -> Result<(), Failure> {
    let stores = stores(places, aws)?;
    println!("The registry is http://{ADDRESS}:{PORT}; a function is built when it is first called.");
    let mut watch = Command::new(Environment::Sam.program(places, "cargo-lambda"));
    watch.args(["lambda", "watch", "--invoke-address", ADDRESS, "--invoke-port", PORT, "--disable-cors"]);
    watch.current_dir(places.root()).env("PATH", Environment::Sam.path(places));
    watch.envs(stores).env("RINGHOLD_INSECURE_OPEN", "true");
    step::run("cargo lambda watch", aws.lead(&mut watch))
}

/// The variables that say where the stores are.
fn stores(places: &Places, aws: Aws) -> Result<Vec<(String, String)>, Failure> {
    let mut script = Command::new(Environment::Emulator.program(places, "python"));
    let printed = step::output_of(aws.lead(script.arg(places.localstack().join("stores.py"))));
    let printed = printed.ok_or(Failure::NoAnswer { what: "a stack of buckets and a table" })?;
    let pairs = printed.lines().filter_map(|line| line.split_once('='));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}
