//! A registry over buckets that fail, and what `ringhold ring` says of it.

use std::process::Command;
use std::time::{Duration, Instant};

use harness::client::Client;
use harness::faults::FaultyBuckets;
use harness::server::{Server, program};
use harness::tools::output_of;
use serde_json::Value;
use shared::oci::Digest;
use shared::storage::{HashRing, Topology};
use tempfile::TempDir;

/// How often it is looked whether something has come about.
const INTERVAL: Duration = Duration::from_millis(500);

/// A serving process and its ring.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) server: Server,
    pub(crate) client: Client,
    data: TempDir,
}

impl Registry {
    pub(crate) fn over(buckets: &FaultyBuckets) -> Self {
        let data = TempDir::new().expect("a directory can be made");
        let server = buckets.options(data.path()).with(["--url-life", "60"]).start();
        let client = Client::new(server.address());
        Self { server, client, data }
    }

    /// What `ringhold ring` answers.
    pub(crate) async fn ask(&self, arguments: &[&str]) -> Value {
        let mut command = Command::new(program());
        command.arg("ring").args(arguments).args(["--json", "--data"]).arg(self.data.path());
        let told = tokio::task::spawn_blocking(move || output_of(&mut command)).await.expect("it is run");
        serde_json::from_str(&told).expect("JSON")
    }

    /// The ring and the number of replicas, as they are now.
    pub(crate) async fn ring(&self) -> (HashRing, usize) {
        let newest = self.ask(&["history", "--limit", "1"]).await[0].take();
        let topology: Topology = serde_json::from_value(newest).expect("a topology");
        (HashRing::new(&topology).expect("a ring"), topology.replicas.into())
    }

    /// Whether the processes have been told that this bucket does not serve.
    pub(crate) async fn knows_ailing(&self, bucket: &str) -> bool {
        let survey = self.ask(&["show"]).await;
        let buckets = survey["buckets"].as_array().expect("buckets");
        let bucket = buckets.iter().find(|known| known["id"] == bucket).expect("it is in the ring");
        !bucket["ailment"].is_null()
    }

    /// In how many buckets that serve the blob lies.
    pub(crate) async fn copies(&self, digest: &Digest) -> usize {
        let located = self.ask(&["locate", digest.as_str()]).await;
        located["places"].as_array().expect("places").iter().filter(|place| place["serves"] == true).count()
    }

    /// How many blobs are not where they belong.
    pub(crate) async fn astray(&self) -> u64 {
        let survey = self.ask(&["show"]).await;
        ["unsettled", "misplaced"].map(|name| survey[name].as_u64().expect("a number")).iter().sum()
    }

    /// Waits until all blobs are where they belong. How long that took.
    pub(crate) async fn all_home(&self, limit: Duration) -> Duration {
        until(limit, "all blobs are home", async || self.astray().await == 0).await
    }
}

/// Waits until something is so. How long that took.
pub(crate) async fn until(limit: Duration, what: &str, is_so: impl AsyncFn() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(INTERVAL).await;
    }
    began.elapsed()
}
