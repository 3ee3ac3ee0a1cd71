//! `ringhold serve` as a process of its own, on a port and a directory of its own.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::daemon::signal;
use crate::output::{Output, assert_no_secret};

/// A serving process; killed when it is dropped, as `kill -9` would. The test fails when it has written a secret.
#[derive(Debug)]
pub struct Server {
    child: Child,
    output: Output,
    log: File,
    origin: String,
    address: SocketAddr,
}

/// How to start a server.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    data: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    listen: SocketAddr,
    program: Option<PathBuf>,
}

impl ServeOptions {
    /// The embedded default, with its data in this directory.
    pub fn embedded(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            program: None,
        }
    }

    /// With more arguments.
    pub fn with(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// With a variable in its environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// This program instead of the one beside the tests.
    pub fn program(mut self, program: &Path) -> Self {
        self.program = Some(program.to_owned());
        self
    }

    /// On this address instead of a free port.
    pub fn on(mut self, listen: SocketAddr) -> Self {
        self.listen = listen;
        self
    }

    /// Starts it, and waits until it listens. Its log goes to `serve.log` in its data directory.
    pub fn start(&self) -> Server {
        std::fs::create_dir_all(&self.data).expect("the data directory can be made");
        let mut command = Command::new(self.program.clone().unwrap_or_else(program));
        command.args(["serve", "--listen", &self.listen.to_string(), "--data"]).arg(&self.data).args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Server::start(&mut command, &self.data.join("serve.log"))
    }
}

impl Server {
    /// Starts a process that says first where it listens, and waits for that. It writes its log to this file.
    pub(crate) fn start(command: &mut Command, log_file: &Path) -> Self {
        let log = File::options().create(true).read(true).append(true).open(log_file).expect("the log can be opened");
        let errors = log.try_clone().expect("the log can be shared");
        let mut child = command.stdout(Stdio::piped()).stderr(errors).spawn().expect("the program starts");
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("its output is piped"));
        stdout.read_line(&mut first).expect("its output can be read");
        let mut output = Output::default();
        output.gather(stdout);
        let origin = first.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        let address = origin.split_once("://").and_then(|(_, address)| address.parse().ok());
        let Some(address) = address else {
            let log = std::fs::read_to_string(log_file).unwrap_or_default();
            panic!("the server did not come up: {first}{log}");
        };
        Self { child, output, log, origin, address }
    }

    /// An embedded server in a new directory, which lives as long as what is returned.
    pub fn embedded() -> (Self, TempDir) {
        let data = TempDir::new().expect("a temporary directory can be made");
        (ServeOptions::embedded(data.path()).start(), data)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it says that it listens: `http://127.0.0.1:5000`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Sends it a signal, as `-HUP`.
    pub fn signal(&self, name: &str) {
        signal(name, &self.child.id().to_string());
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Waits until it is gone by itself.
    pub fn wait(&mut self) {
        self.child.wait().expect("it can be waited for");
    }

    /// The most memory that it has held, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it is running");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel says so");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        assert_no_secret(&self.output.end());
        // Also when the directory that the log was in has gone already.
        let mut log = Vec::new();
        self.log.rewind().and_then(|()| self.log.read_to_end(&mut log)).expect("the log can be read");
        assert_no_secret(&String::from_utf8_lossy(&log));
    }
}

/// The built program: beside the tests' own, or where `RINGHOLD_BIN` says.
pub fn program() -> PathBuf {
    std::env::var_os("RINGHOLD_BIN").map_or_else(|| built("ringhold"), PathBuf::from)
}

/// What this program's `work list` shows of a server with its data there.
pub fn listed_work(program: &Path, data: &Path) -> Vec<Value> {
    let mut command = Command::new(program);
    let output = command.args(["work", "list", "--json", "--data"]).arg(data).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// A binary of the workspace, beside the tests' own.
pub fn built(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("a test has a path");
    let path = tests.ancestors().nth(2).expect("it lies in target/<profile>/deps").join(name);
    assert!(path.exists(), "{} is missing: `cargo build --workspace` makes it", path.display());
    path
}
