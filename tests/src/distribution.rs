//! The registry that most others are made of, CNCF distribution, as a process of its own with a directory of its own.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::tools;

/// A running registry.
#[derive(Debug)]
pub struct Distribution {
    address: SocketAddr,
    _daemon: Daemon,
    _directory: TempDir,
}

impl Distribution {
    /// Starts one on a free port; none, said aloud, where it is not installed and may be missing.
    pub fn start() -> Option<Self> {
        let [registry, curl] = tools::find(&["docker-registry", "curl"])?.try_into().ok()?;
        let directory = TempDir::new().expect("a temporary directory can be made");
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let address = free.expect("a port is free");
        let root = directory.path().join("root");
        let config = directory.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog:\n  accesslog:\n    disabled: true\nstorage:\n  filesystem:\n    rootdirectory: {}\n\
             http:\n  addr: {address}\n",
            root.display()
        );
        std::fs::write(&config, text).expect("its settings can be written");
        let mut ready = Command::new(curl);
        ready.args(["--silent", "--fail", &format!("http://{address}/v2/")]);
        let log = directory.path().join("log");
        let daemon = Daemon::start(Command::new(registry).arg("serve").arg(&config), &log, ready);
        Some(Self { address, _daemon: daemon, _directory: directory })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
