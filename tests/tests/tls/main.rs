//! `ringhold serve` and `ringhold proxy` over TLS.

mod clients;
mod renewal;
mod start;

use std::net::SocketAddr;
use std::path::PathBuf;

use harness::server::{ServeOptions, Server};
use harness::tls::{Authority, PairFiles};
use tempfile::TempDir;

/// A server with a certificate, and who issued that.
struct Stage {
    authority: Authority,
    files: PairFiles,
    server: Server,
    data: TempDir,
}

impl Stage {
    fn new() -> Self {
        Self::with([])
    }

    fn with<const N: usize>(arguments: [&str; N]) -> Self {
        let (authority, data) = (Authority::new(), TempDir::new().unwrap());
        let files = authority.issue().write(&data.path().join("tls"));
        let server = ServeOptions::embedded(data.path()).with(files.arguments()).with(arguments).start();
        Self { authority, files, server, data }
    }

    fn address(&self) -> SocketAddr {
        self.server.address()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.data.path().join("serve.log")).unwrap()
    }

    /// A directory beside the certificate's.
    fn beside(&self, name: &str) -> PathBuf {
        self.data.path().join(name)
    }
}
