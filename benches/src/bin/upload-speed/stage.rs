//! The S3 server and the registry, each a process of its own, over directories of this one.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region};
use harness::client::Client;
use harness::s3_server::{self, KEY, SECRET, options};
use harness::server::{Server, listed_work};
use serde_json::Value;
use tempfile::TempDir;

/// The argument that makes this program the S3 server over the directory that follows.
pub(crate) const SERVE: &str = "serve-s3";
/// How long the registry may take for what it does behind a push.
const PATIENCE: Duration = Duration::from_mins(10);

/// Both processes, and clients of them. What they have written goes with this.
pub(crate) struct Stage {
    server: Child,
    _registry: Server,
    objects: TempDir,
    data: TempDir,
    pub(crate) client: Client,
    pub(crate) bucket: Client,
    pub(crate) s3: aws_sdk_s3::Client,
}

impl Stage {
    pub(crate) fn set() -> Self {
        let directory = || TempDir::new().expect("a directory can be made");
        let (objects, data) = (directory(), directory());
        let (server, endpoint) = server(objects.path());
        let registry = options(&endpoint, data.path()).program(&registry()).with(["--no-redirect"]).start();
        let address = endpoint.trim_start_matches("http://").parse().expect("an address");
        Self {
            client: Client::new(registry.address()),
            bucket: Client::new(address),
            s3: sdk(&endpoint),
            server,
            _registry: registry,
            objects,
            data,
        }
    }

    /// Waits until the registry has done what it does behind a push, and removes all objects. What it would remove in hours
    /// is gone then.
    pub(crate) async fn clear(&self) {
        let began = Instant::now();
        while let Some(work) = listed_work(&registry(), self.data.path()).into_iter().find(is_due) {
            assert!(began.elapsed() < PATIENCE, "{work}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        s3_server::empty(self.objects.path());
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// Serves S3 over this directory until it is killed.
pub(crate) async fn serve_s3(directory: &Path) {
    println!("http://{}", s3_server::start_over(directory).await);
    std::future::pending::<()>().await;
}

fn server(directory: &Path) -> (Child, String) {
    s3_server::empty(directory);
    let mut server =
        Command::new(program()).arg(SERVE).arg(directory).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut endpoint = String::new();
    let output = server.stdout.take().expect("it is piped");
    BufReader::new(output).read_line(&mut endpoint).expect("it says where it listens");
    (server, endpoint.trim().to_owned())
}

/// The registry's program, built as this one is.
fn registry() -> PathBuf {
    program().with_file_name("ringhold")
}

fn program() -> PathBuf {
    std::env::current_exe().expect("a program has a path")
}

fn sdk(endpoint: &str) -> aws_sdk_s3::Client {
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("nowhere"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(Credentials::new(KEY, SECRET, None, None, "bench"));
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Whether it is work of now: the removal of what somebody may still be reading is not, and work that is being done counts as
/// due later.
fn is_due(work: &Value) -> bool {
    work["task"] != "discard" || work["due_in_seconds"] == 0
}
