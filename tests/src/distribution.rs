//! The registry that most others are made of, CNCF distribution, as a process of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::emulator::Emulator;
use crate::tools;

/// A running registry.
#[derive(Debug)]
pub struct Distribution {
    address: SocketAddr,
    _daemon: Daemon,
    _directory: TempDir,
}

impl Distribution {
    /// Starts one on a free port, with a directory of its own; none, said aloud, where it is not installed and may be
    /// missing.
    pub fn start() -> Option<Self> {
        let directory = TempDir::new().expect("a temporary directory can be made");
        let root = directory.path().join("root");
        Self::serve(&filesystem(&root), directory)
    }

    /// The same, with its store in this directory.
    pub fn over_directory(root: &Path) -> Option<Self> {
        Self::serve(&filesystem(root), TempDir::new().expect("a temporary directory can be made"))
    }

    /// The same, with its store in a bucket of the emulator, below this root. It sends nobody to the bucket.
    pub fn over_bucket(emulator: &Emulator, bucket: &str, root: Option<&str>) -> Option<Self> {
        let settings = [
            "redirect: { disable: true }".to_owned(),
            "s3:".to_owned(),
            "  accesskey: test".to_owned(),
            "  secretkey: test".to_owned(),
            "  region: us-east-1".to_owned(),
            format!("  regionendpoint: {}", emulator.endpoint()),
            "  secure: false".to_owned(),
            format!("  bucket: {bucket}"),
            format!("  rootdirectory: {}\n", root.unwrap_or("/")),
        ];
        let storage = format!("  {}", settings.join("\n  "));
        Self::serve(&storage, TempDir::new().expect("a temporary directory can be made"))
    }

    fn serve(storage: &str, directory: TempDir) -> Option<Self> {
        let [registry, curl] = tools::find(&["docker-registry", "curl"])?.try_into().ok()?;
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let address = free.expect("a port is free");
        let config = directory.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog:\n  accesslog:\n    disabled: true\nstorage:\n{storage}http:\n  addr: {address}\n"
        );
        std::fs::write(&config, text).expect("its settings can be written");
        let mut ready = Command::new(curl);
        ready.args(["--silent", "--fail", &format!("http://{address}/v2/")]);
        let log = directory.path().join("log");
        let mut command = Command::new(registry);
        // Debian's build does not start where somebody has set this for the AWS tools.
        command.arg("serve").arg(&config).env_remove("AWS_CA_BUNDLE");
        let daemon = Daemon::start(&mut command, &log, ready);
        Some(Self { address, _daemon: daemon, _directory: directory })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn filesystem(root: &Path) -> String {
    format!("  filesystem:\n    rootdirectory: {}\n", root.display())
}
