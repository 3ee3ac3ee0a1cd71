//! Steps: programs run one after the other, each named and timed.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::failure::Failure;

/// Runs `command` as the step `name`, its output passed through; what is not a success ends the chore.
pub(crate) fn run(name: &str, command: &mut Command) -> Result<(), Failure> {
    if attempt(name, command)? { Ok(()) } else { Err(Failure::Step { name: name.to_owned() }) }
}

/// Runs `command` as the step `name`; whether it succeeded.
pub(crate) fn attempt(name: &str, command: &mut Command) -> Result<bool, Failure> {
    eprintln!("==> {name}");
    let start = Instant::now();
    let status = command.status().map_err(|source| not_started(command, source))?;
    let outcome = if status.success() { "ok" } else { "FAILED" };
    eprintln!("<== {name}: {outcome} in {:.1} s", start.elapsed().as_secs_f64());
    Ok(status.success())
}

/// Whether `command` runs and succeeds, unseen.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// The standard output of `command`, if it runs and succeeds.
pub(crate) fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The cargo that runs this chore, to be run in `directory`.
pub(crate) fn cargo(directory: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(directory);
    command
}

fn not_started(command: &Command, source: std::io::Error) -> Failure {
    Failure::NotStarted { program: command.get_program().to_string_lossy().into_owned(), source }
}
