//! `ringhold proxy` as a process of its own, with a spool of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::{Server, program};

/// How to start a proxy.
#[derive(Debug, Clone)]
pub struct ProxyOptions {
    to: SocketAddr,
    directory: PathBuf,
    arguments: Vec<String>,
}

impl ProxyOptions {
    /// A proxy in front of a registry, with its spool and its log in this directory.
    pub fn before(to: SocketAddr, directory: &Path) -> Self {
        Self { to, directory: directory.to_owned(), arguments: Vec::new() }
    }

    /// With more arguments.
    pub fn with(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// The command that starts it, on a free port.
    pub fn command(&self) -> Command {
        let mut command = Command::new(program());
        command.args(["proxy", "--listen", "127.0.0.1:0", "--to", &format!("http://{}", self.to), "--spool"]);
        command.arg(self.spool()).args(&self.arguments);
        command
    }

    /// Starts it, and waits until it listens. Its log goes to `proxy.log` in its directory.
    pub fn start(&self) -> Server {
        Server::start(&mut self.command(), &self.directory.join("proxy.log"))
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("proxy.log")).unwrap_or_default()
    }

    /// Where uploads lie on their way.
    pub fn spool(&self) -> PathBuf {
        self.directory.join("spool")
    }

    /// The uploads that lie there now.
    pub fn spooled(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.spool()).expect("the spool is there");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "part")).collect()
    }
}
