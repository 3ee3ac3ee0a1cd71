//! The S3 server and the registry, each a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region};
use harness::client::Client;
use harness::deployment::root;
use harness::s3_server::{KEY, S3Server, SECRET, options};
use harness::server::Server;
use tempfile::TempDir;

/// The argument that makes this program the S3 server.
pub(crate) const SERVE: &str = "serve-s3";

/// Both processes, and clients of them.
pub(crate) struct Stage {
    server: Child,
    _registry: Server,
    _data: TempDir,
    pub(crate) client: Client,
    pub(crate) bucket: Client,
    pub(crate) s3: aws_sdk_s3::Client,
}

impl Stage {
    pub(crate) fn set() -> Self {
        let program = std::env::current_exe().expect("a program has a path");
        let mut server = Command::new(program).arg(SERVE).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut endpoint = String::new();
        let output = server.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut endpoint).expect("it says where it listens");
        let endpoint = endpoint.trim();
        let data = TempDir::new().expect("a directory can be made");
        let release = root().join("target/release/ringhold");
        let registry = options(endpoint, data.path()).program(&release).with(["--no-redirect"]).start();
        let credentials = Credentials::new(KEY, SECRET, None, None, "bench");
        let config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("nowhere"))
            .endpoint_url(endpoint)
            .force_path_style(true)
            .credentials_provider(credentials);
        let address = endpoint.trim_start_matches("http://").parse().expect("an address");
        Self {
            client: Client::new(registry.address()),
            bucket: Client::new(address),
            s3: aws_sdk_s3::Client::from_conf(config.build()),
            server,
            _registry: registry,
            _data: data,
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// Serves S3 until it is killed.
pub(crate) async fn serve_s3() {
    let server = S3Server::start().await;
    println!("{}", server.endpoint());
    std::future::pending::<()>().await;
}
