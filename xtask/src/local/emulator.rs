//! The emulator as a process that outlives the one that starts it. It keeps nothing when it ends.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::aws::{Answers, Aws};
use crate::failure::Failure;
use crate::places::Places;
use crate::python::Environment;
use crate::step;

/// How long it may take to start, or to end.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(100);

/// Starts it, and waits until it answers. IAM is enforced.
pub(super) fn start(places: &Places, aws: Aws) -> Result<(), Failure> {
    let (home, log) = (places.cache("local"), log(places));
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| Failure::Cache { path, source }
    };
    fs::create_dir_all(&home).map_err(failed(&home))?;
    let state = home.join("state");
    if state.exists() {
        fs::remove_dir_all(&state).map_err(failed(&state))?;
    }
    let output = File::create(&log).map_err(failed(&log))?;
    let errors = output.try_clone().map_err(failed(&log))?;
    let program = Environment::Emulator.program(places, "python");
    let mut command = Command::new(&program);
    aws.lead(command.arg(places.localstack().join("emulator.py")));
    command.env("GATEWAY_PORT", aws.port.to_string()).env("EMULATOR_STATE_DIR", &state).env("AUTH", "true");
    command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
    let spawned = command.spawn();
    let mut child = spawned.map_err(|source| Failure::NotStarted { program: program.display().to_string(), source })?;
    fs::write(pid_file(places), child.id().to_string()).map_err(failed(&pid_file(places)))?;
    let deadline = Instant::now() + PATIENCE;
    while aws.answers() != Answers::Emulator {
        if Instant::now() > deadline || child.try_wait().is_ok_and(|status| status.is_some()) {
            return Err(Failure::NoEmulator { log });
        }
        sleep(PAUSE);
    }
    Ok(())
}

/// Ends it, if it was started from here and still runs.
pub(super) fn stop(places: &Places) -> Result<(), Failure> {
    let Some(pid) = running(places) else {
        println!("The emulator is not running.");
        return Ok(());
    };
    step::run("stop the emulator", Command::new("kill").arg(&pid))?;
    let deadline = Instant::now() + PATIENCE;
    while running(places).is_some() && Instant::now() < deadline {
        sleep(PAUSE);
    }
    let file = pid_file(places);
    fs::remove_file(&file).map_err(|source| Failure::Cache { path: file, source })
}

/// Its log, while it runs.
pub(super) fn log_of_running(places: &Places) -> Option<PathBuf> {
    running(places).map(|_| log(places))
}

/// The process that was started from here, unless it has ended: its number may be another's by now.
fn running(places: &Places) -> Option<String> {
    let pid = fs::read_to_string(pid_file(places)).ok()?;
    let command = step::output_of(Command::new("ps").args(["-o", "command=", "-p", &pid]))?;
    command.contains("emulator.py").then_some(pid)
}

fn log(places: &Places) -> PathBuf {
    places.cache("local").join("emulator.log")
}

fn pid_file(places: &Places) -> PathBuf {
    places.cache("local").join("emulator.pid")
}
