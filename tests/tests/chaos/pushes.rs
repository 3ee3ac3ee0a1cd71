//! Pushing blobs as clients do: in one request, or as docker does, who begins anew when that fails.

use std::time::Duration;

use bytes::Bytes;
use harness::client::{Answer, Client};
use harness::content::{Dice, digest, noise};
use http::Method;
use shared::storage::HashRing;

use super::load::Blob;

/// How often docker tries to push a layer.
const ATTEMPTS: u32 = 5;
/// How long it waits the first time; as much longer each time after that.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(150);

/// The ring as the pusher knows it, so that the test can tell whose blob is whose.
#[derive(Debug, Clone)]
pub(crate) struct Pusher {
    pub(crate) client: Client,
    pub(crate) ring: HashRing,
    pub(crate) replicas: usize,
}

/// A blob that was pushed, and how many attempts that took.
#[derive(Debug)]
pub(crate) struct Pushed {
    pub(crate) blob: Blob,
    pub(crate) attempts: u32,
}

/// How a blob is pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// In the request that would begin an upload.
    Whole,
    /// An upload is begun, its bytes are streamed, and it is ended.
    Streamed,
}

impl Pusher {
    /// Bytes whose home is this bucket.
    pub(crate) fn content_of(&self, bucket: &str, seed: u64, size: usize) -> Bytes {
        let mut dice = Dice::new(seed);
        let mut contents = std::iter::repeat_with(|| noise(dice.roll(), size));
        contents.find(|content| self.ring.home(digest(content).point()).as_str() == bucket).expect("some hash there")
    }

    pub(crate) fn blob(&self, repository: &str, content: &Bytes) -> Blob {
        let digest = digest(content);
        let homes = self.ring.walk(digest.point()).take(self.replicas).map(ToString::to_string).collect();
        Blob { digest, size: content.len(), repository: repository.to_owned(), homes }
    }

    /// Pushes it, in as many attempts as docker has.
    pub(crate) async fn push(&self, repository: &str, content: &Bytes, way: Way) -> Pushed {
        for attempt in 1..=ATTEMPTS {
            let answer = match way {
                Way::Whole => self.whole(repository, content).await,
                Way::Streamed => self.streamed(repository, content).await,
            };
            match answer {
                Some(answer) if answer.status == 201 => {
                    return Pushed { blob: self.blob(repository, content), attempts: attempt };
                }
                Some(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
                None => {}
            }
            tokio::time::sleep(PAUSE * attempt).await;
        }
        panic!("a blob of {} bytes could not be pushed {way:?}", content.len());
    }

    async fn whole(&self, repository: &str, content: &Bytes) -> Option<Answer> {
        let target = format!("/v2/{repository}/blobs/uploads/?digest={}", digest(content));
        answered(self.client.call(Method::POST, target).body(content.clone()).try_send()).await
    }

    async fn streamed(&self, repository: &str, content: &Bytes) -> Option<Answer> {
        let begun = self.client.post(format!("/v2/{repository}/blobs/uploads/")).await;
        let pieces: Vec<_> = content.chunks(32 * 1024).map(Bytes::copy_from_slice).collect();
        let patched = answered(self.client.call(Method::PATCH, begun.header("location")).stream(pieces).try_send());
        let patched = patched.await?;
        if patched.status != 202 {
            return Some(patched);
        }
        let target = format!("{}?digest={}", patched.header("location"), digest(content));
        answered(self.client.call(Method::PUT, target).try_send()).await
    }
}

async fn answered<E>(answer: impl Future<Output = Result<Answer, E>>) -> Option<Answer> {
    tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()
}
