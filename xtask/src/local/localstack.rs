//! LocalStack in its container, for those who have a token for it.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::aws::Aws;
use crate::failure::Failure;
use crate::places::Places;
use crate::step;

/// The port that `localstack/compose.yaml` publishes.
const PORT: u16 = 4566;

/// Whether it can be started: its images end at once without a token.
pub(super) fn is_wanted(aws: Aws) -> bool {
    let token = env::var_os("LOCALSTACK_AUTH_TOKEN").is_some_and(|token| !token.is_empty());
    token && aws.port == PORT && step::succeeds(Command::new("docker").args(["compose", "version"]))
}

/// Starts it, and waits until it is healthy.
pub(super) fn start(places: &Places) -> Result<(), Failure> {
    step::run("start LocalStack", compose(places).args(["up", "--detach", "--wait", "localstack"]))?;
    let mark = mark(places);
    let home = places.cache("local");
    let marked = fs::create_dir_all(&home).and_then(|()| fs::write(&mark, ""));
    marked.map_err(|source| Failure::Cache { path: mark, source })
}

/// Stops it, if it was started from here.
pub(super) fn stop(places: &Places) -> Result<(), Failure> {
    let mark = mark(places);
    if !mark.exists() {
        return Ok(());
    }
    step::run("stop LocalStack", compose(places).args(["--profile", "localstack", "down"]))?;
    fs::remove_file(&mark).map_err(|source| Failure::Cache { path: mark, source })
}

fn compose(places: &Places) -> Command {
    let mut command = Command::new("docker");
    command.args(["compose", "--file"]).arg(places.localstack().join("compose.yaml"));
    command
}

fn mark(places: &Places) -> PathBuf {
    places.cache("local").join("localstack.started")
}
