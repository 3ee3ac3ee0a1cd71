//! Registries over more and more buckets of one kind, each a process of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region};
use harness::client::Client;
use harness::s3_server::{KEY, S3Server, SECRET};
use harness::server::{ServeOptions, Server};
use harness::stack::Stack;
use serde_json::Value;
use tempfile::TempDir;

/// The argument that makes this program an S3 server.
pub(crate) const SERVE: &str = "serve-s3";
/// How often it is asked whether work is done.
const INTERVAL: Duration = Duration::from_millis(20);

/// Where buckets lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// In directories of this machine.
    Directories,
    /// In an S3 server, a process of its own.
    S3,
    /// In the AWS emulator, as the table does.
    Emulator,
}

impl Store {
    pub(crate) const ALL: [Self; 3] = [Self::Directories, Self::S3, Self::Emulator];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Directories => "directories",
            Self::S3 => "S3 server",
            Self::Emulator => "AWS emulator",
        }
    }

    /// A registry over each of these numbers of buckets; none where the emulator is not installed.
    pub(crate) async fn registries(self, counts: &[usize]) -> Option<Registries> {
        let server = if self == Self::S3 { Some(S3Process::start()) } else { None };
        let mut registries = Vec::new();
        for (number, count) in counts.iter().enumerate() {
            let data = TempDir::new().expect("a directory can be made");
            let options = match (self, &server) {
                (Self::Emulator, _) => Stack::of(*count).await?.options(data.path()),
                (_, Some(server)) => server.options(number, *count, data.path()).await,
                (_, None) => directories(*count, data.path()),
            };
            let server = options.program(&program()).start();
            registries.push(Registry { client: Client::new(server.address()), _server: server, data });
        }
        Some(Registries { all: registries, _server: server })
    }
}

/// The registries of one kind of store, and what they need.
pub(crate) struct Registries {
    pub(crate) all: Vec<Registry>,
    _server: Option<S3Process>,
}

/// A registry.
pub(crate) struct Registry {
    pub(crate) client: Client,
    _server: Server,
    data: TempDir,
}

impl Registry {
    /// Waits until every layer has been brought home, so that nothing disturbs what comes next.
    pub(crate) async fn settled(&self) {
        while self.work().iter().any(|work| work["task"] == "settle") {
            tokio::time::sleep(INTERVAL).await;
        }
    }

    fn work(&self) -> Vec<Value> {
        let mut command = Command::new(program());
        command.args(["work", "list", "--json", "--data"]).arg(self.data.path());
        let listed = command.output().expect("the program runs");
        serde_json::from_slice(&listed.stdout).unwrap_or_else(|error| panic!("{error}: {listed:?}"))
    }
}

/// The registry that was built beside this program.
fn program() -> PathBuf {
    std::env::current_exe().expect("a program has a path").with_file_name("ringhold")
}

fn directories(count: usize, data: &Path) -> ServeOptions {
    let url = |number: usize| format!("file://{}/bucket-{number}", data.display());
    ServeOptions::embedded(data).with((1..=count).flat_map(|number| ["--storage".to_owned(), url(number)]))
}

/// An S3 server in another process; killed when it is dropped.
struct S3Process {
    child: Child,
    endpoint: String,
}

impl S3Process {
    fn start() -> Self {
        let program = std::env::current_exe().expect("a program has a path");
        let mut child = Command::new(program).arg(SERVE).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut endpoint = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut endpoint).expect("it says where it listens");
        Self { child, endpoint: endpoint.trim().to_owned() }
    }

    /// A registry over so many new buckets.
    async fn options(&self, registry: usize, count: usize, data: &Path) -> ServeOptions {
        let mut options = ServeOptions::embedded(data);
        for number in 1..=count {
            let bucket = format!("registry-{registry}-bucket-{number}");
            self.client().create_bucket().bucket(&bucket).send().await.expect("a bucket can be made");
            let url = format!("s3://{bucket}?endpoint={}&region=nowhere&path_style=true", self.endpoint);
            options = options.with(["--storage".to_owned(), url]);
        }
        options.variable("AWS_ACCESS_KEY_ID", KEY).variable("AWS_SECRET_ACCESS_KEY", SECRET)
    }

    fn client(&self) -> aws_sdk_s3::Client {
        let config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("nowhere"))
            .endpoint_url(&self.endpoint)
            .force_path_style(true)
            .credentials_provider(Credentials::new(KEY, SECRET, None, None, "bench"));
        aws_sdk_s3::Client::from_conf(config.build())
    }
}

impl Drop for S3Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Serves S3 until it is killed.
pub(crate) async fn serve_s3() {
    let server = S3Server::start().await;
    println!("{}", server.endpoint());
    std::future::pending::<()>().await;
}
