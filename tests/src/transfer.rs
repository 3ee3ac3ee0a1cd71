//! `ringhold push` and `ringhold pull`, run to their end or interrupted on the way.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::daemon::signal;
use crate::server::program;

/// The program, without credentials.
#[derive(Debug)]
pub struct Transfer {
    home: TempDir,
}

/// What a run told in JSON.
#[derive(Debug)]
pub struct Told {
    /// How it ended.
    pub status: ExitStatus,
    /// Its events.
    pub events: Vec<Value>,
    /// What it wrote for people.
    pub errors: String,
}

impl Told {
    /// The last event, which has digest and sums.
    pub fn sums(&self) -> &Value {
        let last = self.events.last().filter(|event| event["event"] == "done");
        last.unwrap_or_else(|| panic!("it did not get done: {self:?}"))
    }

    /// How many blobs ended so.
    pub fn blobs(&self, state: &str) -> u64 {
        let blobs = self.events.iter().filter(|event| event["event"] == "blob" && event["state"] == state);
        blobs.count().try_into().expect("a number")
    }
}

impl Transfer {
    /// The program, with nothing that docker keeps.
    #[expect(clippy::new_without_default, reason = "it makes a directory")]
    pub fn new() -> Self {
        Self { home: TempDir::new().expect("a temporary directory can be made") }
    }

    /// A command, not yet run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).env("DOCKER_CONFIG", self.home.path()).env_remove("RINGHOLD_TOKEN");
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program runs")
    }

    /// Runs a command that tells JSON to its end.
    pub fn told(&self, arguments: &[&str]) -> Told {
        self.interrupted(arguments, usize::MAX)
    }

    /// Runs a command that tells JSON, and interrupts it after so many events, as Ctrl-C does.
    pub fn interrupted(&self, arguments: &[&str], after: usize) -> Told {
        let mut command = self.command(arguments);
        command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut events = Vec::new();
        for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
            let line = line.expect("a line");
            events.push(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}")));
            if events.len() == after {
                signal("-INT", &child.id().to_string());
            }
        }
        let output = child.wait_with_output().expect("it can be waited for");
        Told { status: output.status, events, errors: String::from_utf8_lossy(&output.stderr).into_owned() }
    }

    /// Pushes a source, which must succeed.
    #[track_caller]
    pub fn push(&self, source: &Path, name: &str) -> Told {
        self.done(&["push", source.to_str().expect("a path"), name])
    }

    /// Pulls into a target, which must succeed.
    #[track_caller]
    pub fn pull(&self, name: &str, target: &Path) -> Told {
        self.done(&["pull", name, target.to_str().expect("a path")])
    }

    /// Runs a command that tells JSON, which must succeed.
    #[track_caller]
    pub fn done(&self, arguments: &[&str]) -> Told {
        let told = self.told(arguments);
        assert!(told.status.success(), "{arguments:?}: {told:?}");
        told
    }
}
