//! Reading, and what came of it.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use harness::client::{Answer, Client};
use harness::content::{Dice, digest};
use http::StatusCode;
use shared::oci::Digest;

/// Blobs of more bytes are read from the bucket itself.
pub(crate) const REDIRECT_ABOVE: usize = 64 * 1024;
/// How many clients read at once.
const READERS: usize = 8;
/// How long a client waits for the registry.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long a client waits for a bucket.
const BUCKET_PATIENCE: Duration = Duration::from_secs(5);

/// A blob that was acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) size: usize,
    pub(crate) repository: String,
    /// The buckets that shall hold it.
    pub(crate) homes: Vec<String>,
}

impl Blob {
    pub(crate) fn is_redirected(&self) -> bool {
        self.size > REDIRECT_ABOVE
    }
}

/// How a read ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With the blob's own bytes.
    Came,
    /// The registry asked to try again later.
    Later,
    /// The registry named a bucket that did not have them.
    Lost,
    /// Otherwise, which must not be.
    Wrong(String),
}

/// A read.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) blob: Blob,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
}

/// Reads every blob so many times, each time in another order.
pub(crate) async fn read_all(client: &Client, blobs: &[Blob], times: u64) -> Vec<Read> {
    let order = (0..times).flat_map(|time| shuffled(blobs, time));
    stream::iter(order).map(|blob| read(client, blob)).buffer_unordered(READERS).collect().await
}

fn shuffled(blobs: &[Blob], seed: u64) -> Vec<&Blob> {
    let (mut dice, mut order) = (Dice::new(seed + 1), blobs.iter().collect::<Vec<_>>());
    order.sort_by_cached_key(|_| dice.roll());
    order
}

async fn read(client: &Client, blob: &Blob) -> Read {
    let began = Instant::now();
    let outcome = outcome(client, blob).await;
    Read { blob: blob.clone(), outcome, took: began.elapsed() }
}

async fn outcome(client: &Client, blob: &Blob) -> Outcome {
    let target = format!("/v2/{}/blobs/{}", blob.repository, blob.digest);
    let Some(answer) = got(client, &target, PATIENCE).await else { return Outcome::Wrong("no answer".to_owned()) };
    match answer.status {
        StatusCode::OK if digest(&answer.body) == blob.digest => Outcome::Came,
        StatusCode::SERVICE_UNAVAILABLE if !answer.header("retry-after").is_empty() => Outcome::Later,
        StatusCode::TEMPORARY_REDIRECT => match got(client, answer.header("location"), BUCKET_PATIENCE).await {
            Some(given) if given.status == StatusCode::OK && digest(&given.body) == blob.digest => Outcome::Came,
            _ => Outcome::Lost,
        },
        status => Outcome::Wrong(format!("{status} {:?}", answer.code())),
    }
}

async fn got(client: &Client, target: &str, patience: Duration) -> Option<Answer> {
    tokio::time::timeout(patience, client.call(http::Method::GET, target).try_send()).await.ok()?.ok()
}

/// How long it took at most, for this part of the reads.
pub(crate) fn quantile<'a>(reads: impl Iterator<Item = &'a Read>, part: f64) -> Duration {
    let mut times: Vec<_> = reads.map(|read| read.took).collect();
    times.sort_unstable();
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few")]
    let last = ((times.len() as f64 * part).ceil() as usize).clamp(1, times.len().max(1));
    times.get(last - 1).copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "few")]
pub(crate) fn part(count: usize, all: usize) -> f64 {
    count as f64 / all.max(1) as f64
}
