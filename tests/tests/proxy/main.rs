//! `ringhold proxy` in front of a registry: real clients, uploads, a gateway's limits, credentials, and the process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod clients;
mod credentials;
mod gateway;
mod passing;
mod process;
mod uploads;

use harness::client::Client;
use harness::proxy::ProxyOptions;
use harness::server::Server;
use tempfile::TempDir;

const MIB: usize = 1024 * 1024;

/// A registry, and a proxy before it.
struct Stage {
    registry: Server,
    proxy: Server,
    options: ProxyOptions,
    _directories: [TempDir; 2],
}

impl Stage {
    fn new() -> Self {
        Self::with(&[])
    }

    /// With more arguments for the proxy.
    fn with(arguments: &[&str]) -> Self {
        let (registry, data) = Server::embedded();
        let directory = TempDir::new().unwrap();
        let options = ProxyOptions::before(registry.address(), directory.path()).with(arguments.iter().copied());
        Self { registry, proxy: options.start(), options, _directories: [data, directory] }
    }

    /// A client that pushes.
    fn client(&self) -> Client {
        Client::new(self.proxy.address())
    }

    /// A client that looks at what has arrived.
    fn upstream(&self) -> Client {
        Client::new(self.registry.address())
    }
}
