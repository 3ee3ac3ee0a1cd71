//! The AWS emulator, one per test process: MiniStack behind `localstack/emulator.py`, on a free port.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};

use crate::tools;

/// A running emulator. It ends with this process, because its standard input does.
#[derive(Debug)]
pub struct Emulator {
    endpoint: String,
    /// Holds the end of the emulator's standard input.
    _child: Child,
    buckets: AtomicU32,
}

/// The emulator of this process, started at the first call; none, said aloud, where it is not installed and may be missing.
pub fn emulator() -> Option<&'static Emulator> {
    static EMULATOR: OnceLock<Option<Emulator>> = OnceLock::new();
    EMULATOR.get_or_init(|| Emulator::start(&[])).as_ref()
}

/// The Python that has the emulator's packages: `RINGHOLD_EMULATOR_PYTHON`, or the one in the cache.
fn python() -> Option<PathBuf> {
    let set = std::env::var_os("RINGHOLD_EMULATOR_PYTHON").filter(|value| !value.is_empty()).map(PathBuf::from);
    let python = set.or_else(|| Some(tools::cache()?.join("emulator/bin/python")))?;
    python.is_file().then_some(python)
}

impl Emulator {
    /// Starts an emulator with these variables; none, said aloud, where it is not installed and may be missing.
    pub fn start(variables: &[(&str, &str)]) -> Option<Self> {
        let python = python();
        if python.is_none() {
            tools::absent("the emulator is not installed: `cargo xtask setup` installs it");
        }
        Some(Self::run(&python?, variables))
    }

    fn run(python: &Path, variables: &[(&str, &str)]) -> Self {
        let launcher = Path::new(env!("CARGO_MANIFEST_DIR")).join("../localstack/emulator.py");
        let mut child = Command::new(python)
            .arg(launcher)
            .env("GATEWAY_PORT", "0")
            .env("EMULATOR_TETHERED", "1")
            .env_remove("AWS_ENDPOINT_URL")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the emulator's Python starts");
        let output = child.stdout.take().expect("the emulator's output is piped");
        let mut lines = BufReader::new(output).lines();
        let endpoint = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on ").map(ToOwned::to_owned))
            .expect("the emulator says where it listens");
        // It must never wait for somebody to read what it writes.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { endpoint, _child: child, buckets: AtomicU32::new(0) }
    }

    /// Where it listens: `http://127.0.0.1:<port>`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        let address = self.endpoint.strip_prefix("http://").and_then(|address| address.parse().ok());
        address.expect("an endpoint is an address")
    }

    /// Settings of a process whose AWS is the emulator: made anew, as another process would.
    pub fn sdk_config(&self) -> SdkConfig {
        let credentials = Credentials::new("test", "test", None, None, "emulator");
        aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .endpoint_url(&self.endpoint)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    /// A plain client of its S3.
    pub fn s3_client(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.sdk_config()).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// A new bucket that keeps versions, as the deployed ones do.
    pub async fn bucket(&self) -> String {
        let bucket = self.unversioned_bucket().await;
        self.keep_versions(&bucket).await;
        bucket
    }

    /// From now on the bucket keeps versions.
    #[expect(clippy::unwrap_used, reason = "tests cannot go on without it")]
    pub async fn keep_versions(&self, bucket: &str) {
        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let request = self.s3_client().put_bucket_versioning().bucket(bucket).versioning_configuration(enabled);
        request.send().await.unwrap();
    }

    /// A new bucket that keeps no versions.
    #[expect(clippy::unwrap_used, reason = "tests cannot go on without a bucket")]
    pub async fn unversioned_bucket(&self) -> String {
        let bucket = format!("bucket-{}", self.buckets.fetch_add(1, Ordering::Relaxed));
        self.s3_client().create_bucket().bucket(&bucket).send().await.unwrap();
        bucket
    }
}
