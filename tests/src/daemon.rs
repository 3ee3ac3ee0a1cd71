//! Daemons of others, which must not outlive the test that started them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a daemon may take to come up, or to go.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often it is looked at meanwhile.
const INTERVAL: Duration = Duration::from_millis(50);

/// A running daemon; told to stop when it is dropped, and killed if it does not.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it and waits until `ready` succeeds. What it writes goes to this file.
    pub fn start(command: &mut Command, log: &Path, mut ready: Command) -> Self {
        let output = File::create(log).expect("the log can be made");
        let errors = output.try_clone().expect("the log can be shared");
        let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().expect("the daemon starts");
        let mut daemon = Self { child, log: log.to_owned() };
        ready.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let begun = Instant::now();
        while !ready.status().expect("the client runs").success() {
            assert!(!daemon.gone() && begun.elapsed() < PATIENCE, "it did not come up: {}", daemon.log());
            std::thread::sleep(INTERVAL);
        }
        daemon
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn gone(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Not killed at first: docker's daemon has a containerd of its own, which it stops when it is asked to.
        signal("-TERM", &self.child.id().to_string());
        let begun = Instant::now();
        while !self.gone() && begun.elapsed() < PATIENCE {
            std::thread::sleep(INTERVAL);
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Sends a signal to a process, if there still is one. By the shell: not every machine has a `kill` of its own.
pub(crate) fn signal(name: &str, process: &str) {
    Command::new("sh").args(["-c", "kill \"$0\" \"$1\"", name, process]).stderr(Stdio::null()).status().ok();
}
