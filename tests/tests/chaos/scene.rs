//! A registry over eight buckets, with blobs in it and clients at work; and what happens while a bucket fails.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use harness::content::{Dice, digest, noise};
use harness::faults::{Fault, FaultyBuckets};
use shared::oci::Digest;

use super::docker::{Busy, Failure, Tally};
use super::load::{Blob, Outcome, REDIRECT_ABOVE, Read, part, quantile, read_all};
use super::pushes::{Pushed, Pusher, Way};
use super::registry::{Registry, until};

const BUCKETS: usize = 8;
/// How many blobs there are that are read all the time; of three, two pass the registry.
const BLOBS: u64 = 240;
const REPOSITORY: &str = "team/chaos";
/// Where docker pushes.
const IMAGES: &str = "team/images";
/// The longest that a bucket may fail before that is known.
const A_MINUTE: Duration = Duration::from_mins(1);
/// Within this time the buckets are asked twice whether they serve.
const TWO_LOOKS: Duration = Duration::from_secs(25);
/// The longest that it may take until what was handed on is home.
const HOMECOMING: Duration = Duration::from_mins(3);

/// The registry, its buckets and its clients.
pub(crate) struct Scene {
    buckets: FaultyBuckets,
    registry: Registry,
    pusher: Pusher,
    blobs: Vec<Blob>,
    /// What was pushed while a bucket failed.
    later: Vec<Blob>,
    calm: Vec<Read>,
    docker: Option<Busy>,
    /// When a bucket began to fail, each time.
    failures: Vec<Instant>,
}

/// What clients met while a bucket failed.
pub(crate) struct Turn {
    pub(crate) bucket: String,
    pub(crate) fault: Fault,
    /// Their reads from the first moment on.
    pub(crate) at_once: Vec<Read>,
    /// Their reads once it was known that the bucket fails.
    pub(crate) known: Vec<Read>,
}

impl Scene {
    /// So many buckets hold each blob, and all is well.
    pub(crate) async fn with_replicas(replicas: u8) -> Self {
        let buckets = FaultyBuckets::start(BUCKETS).await;
        let registry = Registry::over(&buckets);
        if replicas > 1 {
            registry.ask(&["apply", "--replicas", &replicas.to_string(), "--max-move", "100"]).await;
        }
        let (ring, replicas) = registry.ring().await;
        let pusher = Pusher { client: registry.client.clone(), ring, replicas };
        let blobs = stream::iter(0..BLOBS).map(|number| push_first(&pusher, number)).buffer_unordered(8).collect();
        let blobs: Vec<_> = blobs.await;
        registry.all_home(HOMECOMING).await;
        let repository = format!("{}/{IMAGES}", registry.server.address());
        let docker = tokio::task::spawn_blocking(|| Busy::with(repository)).await.expect("docker is looked for");
        read_all(&registry.client, &blobs, 1).await;
        let calm = read_all(&registry.client, &blobs, 3).await;
        assert!(calm.iter().all(|read| read.outcome == Outcome::Came), "{calm:?}");
        println!("{replicas} of each blob, undisturbed: p50 {:?}, p99 {:?}", at(&calm, 0.5), at(&calm, 0.99));
        Self { buckets, registry, pusher, blobs, later: Vec::new(), calm, docker, failures: Vec::new() }
    }

    fn fail(&mut self, bucket: &str, fault: Fault) {
        self.buckets.fail(bucket, fault);
        self.failures.push(Instant::now());
    }

    /// A bucket fails, clients read and push on, and it is well again.
    pub(crate) async fn turn(&mut self, bucket: &str, fault: Fault) -> Turn {
        self.fail(bucket, fault);
        let pushing = tokio::spawn(push_some(self.pusher.clone(), bucket.to_owned(), format!("{fault:?} at once")));
        let (known_after, at_once) = tokio::join!(
            until(A_MINUTE, "it is known that the bucket fails", async || self.registry.knows_ailing(bucket).await),
            read_all(&self.registry.client, &self.blobs, 1),
        );
        let known = read_all(&self.registry.client, &self.blobs, 2).await;
        let pushed = push_some(self.pusher.clone(), bucket.to_owned(), format!("{fault:?} known")).await;
        let copied_after = self.judge_handed_on(pushed).await;

        self.buckets.heal(bucket);
        let early = pushing.await.expect("all pushes end");
        let again = early.iter().filter(|pushed| pushed.attempts > 1).count();
        self.later.extend(early.into_iter().map(|pushed| pushed.blob));
        let (its, replicas) = (self.one_of(bucket), self.pusher.replicas);
        let serves = async || self.registry.copies(&its).await == replicas;
        let back = until(HOMECOMING, "the bucket serves again", serves).await;
        println!(
            "{fault:?} of {bucket}, {replicas} of each blob: known after {known_after:.1?}, {again} pushes were begun \
             again, what was pushed had all its copies after {copied_after:.1?}, it served again after {back:.1?}\n{}\n{}",
            self.compared("at once", bucket, &at_once),
            self.compared("known", bucket, &known)
        );
        Turn { bucket: bucket.to_owned(), fault, at_once, known }
    }

    /// A bucket asks for fewer requests for a while. That is no failure: it is not left alone, and what is pushed gets in.
    pub(crate) async fn busy(&mut self, bucket: &str) -> Turn {
        let fault = Fault::SlowDown;
        self.fail(bucket, fault);
        let pushing = tokio::spawn(push_some(self.pusher.clone(), bucket.to_owned(), format!("{fault:?}")));
        let at_once = read_all(&self.registry.client, &self.blobs, 1).await;
        let pushed = pushing.await.expect("all pushes end");
        tokio::time::sleep(TWO_LOOKS).await;
        assert!(!self.registry.knows_ailing(bucket).await, "it serves, if less than it is asked to");
        self.buckets.heal(bucket);
        println!("{fault:?} of {bucket}: {}", self.compared("at once", bucket, &at_once));
        self.later.extend(pushed.into_iter().map(|pushed| pushed.blob));
        Turn { bucket: bucket.to_owned(), fault, at_once, known: Vec::new() }
    }

    /// What is pushed while it is known that a bucket fails is pushed at the first attempt, can be read, and comes to lie in
    /// as many buckets as it should. How long that took.
    async fn judge_handed_on(&mut self, pushed: Vec<Pushed>) -> Duration {
        assert!(pushed.iter().all(|pushed| pushed.attempts == 1), "nobody is sent to the bucket: {pushed:?}");
        let pushed: Vec<_> = pushed.into_iter().map(|pushed| pushed.blob).collect();
        let read = read_all(&self.registry.client, &pushed, 1).await;
        assert!(read.iter().all(|read| read.outcome == Outcome::Came), "what was handed on is read: {read:?}");
        assert!(self.registry.astray().await > 0, "its blobs were handed on");
        let began = Instant::now();
        for blob in &pushed {
            let is_copied = async || self.registry.copies(&blob.digest).await >= self.pusher.replicas;
            until(HOMECOMING, "as many copies as there should be", is_copied).await;
        }
        self.later.extend(pushed);
        began.elapsed()
    }

    fn one_of(&self, bucket: &str) -> Digest {
        self.blobs.iter().find(|blob| blob.homes[0] == bucket).expect("it has some").digest.clone()
    }

    /// How long reads of blobs took that the bucket has nothing to do with, against those of an undisturbed registry; and
    /// how long its own took.
    fn compared(&self, when: &str, bucket: &str, reads: &[Read]) -> String {
        let (its, others): (Vec<&Read>, Vec<&Read>) =
            reads.iter().partition(|read| read.blob.homes.iter().any(|home| home == bucket));
        let ratio = |part: f64| {
            quantile(others.iter().copied(), part).as_secs_f64() / quantile(self.calm.iter(), part).as_secs_f64()
        };
        let longest = its.iter().map(|read| read.took).max().unwrap_or_default();
        let lost = its.iter().filter(|read| read.outcome == Outcome::Lost).count();
        format!(
            "  {when}: reads of other blobs took p50 × {:.2}, p99 × {:.2} of the undisturbed; of its own at most \
             {longest:.1?}, {:.1} % of all met the bucket",
            ratio(0.5),
            ratio(0.99),
            part(lost, reads.len()) * 100.0,
        )
    }

    /// All goes home, and nothing is missing.
    pub(crate) async fn end(mut self) {
        let home = self.registry.all_home(HOMECOMING).await;
        println!("{} of each blob: all was home {home:.1?} after the last bucket was back", self.pusher.replicas);
        if let Some(docker) = self.docker.take() {
            let tally = tokio::task::spawn_blocking(|| docker.end()).await.expect("it ends");
            self.judge(&tally);
            self.registry.all_home(HOMECOMING).await;
            self.later.extend(self.images(&tally).await);
        }
        let all = [self.blobs, self.later].concat();
        let read = read_all(&self.registry.client, &all, 1).await;
        let missing: Vec<_> = read.iter().filter(|read| read.outcome != Outcome::Came).collect();
        assert!(missing.is_empty(), "{missing:?}");
        println!("{} of each blob: all {} are there", self.pusher.replicas, all.len());
    }

    /// No push fails. A pull may when a bucket began to fail since its image was begun to be pushed, which may lie in it alone.
    fn judge(&self, tally: &Tally) {
        let Tally { pushed, pulled, repeated, failed } = tally;
        println!(
            "{} of each blob: docker pushed {} images and pulled {pulled}; repeated {repeated:#?}; failed {failed:#?}",
            self.pusher.replicas,
            pushed.len()
        );
        let may_fail = |Failure { what, during }: &Failure| {
            what.starts_with("pull") && self.failures.iter().any(|failure| during.contains(failure))
        };
        let failed: Vec<_> = failed.iter().filter(|failure| !may_fail(failure)).collect();
        assert!(failed.is_empty(), "{failed:?}");
        assert!(!pushed.is_empty());
    }

    /// The blobs of the images that docker has pushed.
    async fn images(&self, tally: &Tally) -> Vec<Blob> {
        let mut blobs = Vec::new();
        for tag in &tally.pushed {
            let got = self.registry.client.get(format!("/v2/{IMAGES}/manifests/{tag}")).await;
            assert_eq!(got.status, 200, "{got:?}");
            assert_eq!(got.header("docker-content-digest"), digest(&got.body).as_str());
            let manifest = got.json();
            let named = manifest["layers"].as_array().expect("layers").iter().chain([&manifest["config"]]);
            blobs.extend(named.map(|named| Blob {
                digest: named["digest"].as_str().expect("a digest").parse().expect("a digest"),
                size: usize::try_from(named["size"].as_u64().expect("a size")).expect("a size"),
                repository: IMAGES.to_owned(),
                homes: Vec::new(),
            }));
        }
        blobs
    }
}

fn at(reads: &[Read], part: f64) -> Duration {
    quantile(reads.iter(), part)
}

/// Of three, two pass the registry.
async fn push_first(pusher: &Pusher, number: u64) -> Blob {
    let size = usize::try_from(Dice::new(number).below(40_000)).expect("it is small") + 4_000;
    let size = if number.is_multiple_of(3) { REDIRECT_ABOVE + size } else { size };
    pusher.push(REPOSITORY, &noise(number + 1, size), Way::Whole).await.blob
}

/// Pushes blobs of this bucket and of others, in every way.
async fn push_some(pusher: Pusher, bucket: String, seed: String) -> Vec<Pushed> {
    let seed = u64::from(digest(seed.as_bytes()).point()) << 8;
    let plans = [(3_000, Way::Whole), (90_000, Way::Whole), (5_000, Way::Streamed), (80_000, Way::Streamed)];
    let plans = plans.into_iter().chain([(5 << 20, Way::Streamed)]).zip(seed..);
    let mut all = Vec::new();
    for ((size, way), seed) in plans {
        for content in [pusher.content_of(&bucket, seed, size), noise(seed, size)] {
            all.push(pusher.push(REPOSITORY, &content, way).await);
        }
    }
    all
}
