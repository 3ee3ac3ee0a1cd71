//! `cargo lambda watch`: the functions run from source, behind the router of the root's Cargo.toml, over buckets and a
//! table in the emulator.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::deployment::{MISLEADING, root, sam};
use crate::stack::Stack;
use crate::tools;
use crate::wire::Wire;

/// A running watch.
#[derive(Debug)]
pub struct Watch {
    program: std::path::PathBuf,
    address: SocketAddr,
    typing: Wire,
    _daemon: Daemon,
    _directory: TempDir,
}

impl Watch {
    /// Starts it over this stack; none, said aloud, where the tool is missing and may be.
    pub fn over(stack: &Stack) -> Option<Self> {
        let program = sam("cargo-lambda")?;
        // Freed again, for the watch to take.
        let address =
            TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a free port");
        let directory = TempDir::new().expect("a temporary directory can be made");
        let mut command = Command::new(&program);
        command.args(["lambda", "watch", "--ignore-changes", "--disable-cors", "--concurrency", "4"]);
        command.args(["--invoke-address", "127.0.0.1", "--invoke-port", &address.port().to_string()]);
        command.current_dir(root()).env_remove("RUST_LOG");
        command.envs(stack.variables(&format!("http://localhost:{}", stack.emulator().address().port())));
        for name in MISLEADING {
            command.env_remove(name);
        }
        // Its own answer, as soon as it listens.
        let mut ready = Command::new("curl");
        ready.args(["--silent", "--output", "/dev/null", &format!("http://{address}/")]);
        let daemon = Daemon::start(&mut command, &directory.path().join("log"), ready);
        Some(Self { program, address, typing: Wire::giving_types(address), _daemon: daemon, _directory: directory })
    }

    /// Where the registry is.
    pub fn registry(&self) -> SocketAddr {
        self.address
    }

    /// Where it is for a client that sends bodies without a media type, as docker's classic store does: the watch takes
    /// those for text, and fails when they are not.
    pub fn registry_of_untyped(&self) -> SocketAddr {
        self.typing.address()
    }

    /// Has a function answer a recorded event, by `cargo lambda invoke`.
    pub fn invoke(&self, function: &str, event: &Path) -> Value {
        let mut command = Command::new(&self.program);
        command.args(["lambda", "invoke", function, "--invoke-address", "127.0.0.1"]);
        command.args(["--invoke-port", &self.address.port().to_string(), "--data-file"]).arg(event);
        serde_json::from_str(&tools::output_of(command.current_dir(root()))).expect("JSON")
    }
}
