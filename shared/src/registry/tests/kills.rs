//! A process killed at each call of a push, and of the work after it: the client goes on with another, and in the end
//! everything that was acknowledged is there and nothing else.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::time::Instant;

use super::life::{Fate, Life, Moment, moments};
use super::world::{World, body, noise, range, repository};
use crate::causes::Causes;
use crate::oci::{Algorithm, Digest, UploadId};
use crate::registry::{Error, Registry};

const MIB: usize = 1024 * 1024;

/// A part, a tail beside it, and a last body that goes on from that tail.
const CHUNKS: [usize; 3] = [6 * MIB, MIB, 5 * MIB];

/// How many processes are killed at once.
const TOGETHER: usize = 8;

/// How long a client goes on asking.
const PATIENCE: Duration = Duration::from_mins(1);

/// A layer as a client sends it, with what the client knows of the upload.
struct Layer {
    content: Bytes,
    digest: Digest,
    upload: Option<UploadId>,
    is_acknowledged: bool,
}

impl Layer {
    fn new() -> Self {
        let content = noise(7, CHUNKS.iter().sum());
        let digest = Digest::of(Algorithm::Sha256, &content);
        Self { content, digest, upload: None, is_acknowledged: false }
    }

    /// Goes on from wherever the upload stands, as a client does that lost an answer: by asking.
    async fn push(&mut self, registry: &Registry) -> Result<(), Error> {
        let name = repository();
        let id = match &self.upload {
            Some(id) => id.clone(),
            None => registry.begin_upload(&name, None).await?.id,
        };
        self.upload = Some(id.clone());
        let mut offset = match registry.upload(&name, &id).await {
            Ok(standing) => standing.offset,
            // Perhaps it was completed, and only the answer was lost.
            Err(Error::UploadUnknown) => 0,
            Err(error) => return Err(error),
        };
        let last: u64 = CHUNKS[..2].iter().map(|size| *size as u64).sum();
        while offset < last {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let end = if start < CHUNKS[0] { CHUNKS[0] } else { CHUNKS[0] + CHUNKS[1] };
            let chunk = self.content.slice(start..end);
            match registry.append(&name, &id, Some(range(offset, &chunk)), body(&chunk)).await {
                Ok(appended) => offset = appended.offset,
                Err(Error::UploadUnknown) => break,
                Err(error) => return Err(error),
            }
        }
        let rest = self.content.slice(CHUNKS[0] + CHUNKS[1]..);
        registry.complete_upload(&name, &id, &self.digest, None, body(&rest)).await?;
        self.is_acknowledged = true;
        Ok(())
    }

    /// Pushes with processes that live, until it is acknowledged.
    async fn push_on(&mut self, world: &World, moment: Moment) {
        let end = Instant::now() + PATIENCE;
        let registry = world.registry(&Life::long());
        while !self.is_acknowledged {
            match self.push(&registry).await {
                Ok(()) => {}
                // A process that died may hold the upload yet.
                Err(Error::OutOfTurn { .. }) if Instant::now() < end => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("{moment:?}: {}", Causes(&error)),
            }
        }
    }
}

/// What a client does and what happens behind it, in one process.
async fn whole(world: &World, layer: &mut Layer, life: &Life) {
    let registry = world.registry(life);
    layer.push(&registry).await.expect("nothing is in the way");
    for _ in 0..2 {
        registry.work(Instant::now() + Duration::from_mins(1)).await.expect("nothing is in the way");
    }
    registry.rest().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_at_any_call_loses_nothing_and_leaves_nothing() {
    let (world, life) = (World::new().await, Life::long());
    let mut layer = Layer::new();
    whole(&world, &mut layer, &life).await;
    let calls = life.calls();
    assert!(calls > 20, "{calls} calls");
    world.check(std::slice::from_ref(&layer.digest)).await;
    stream::iter(moments(calls)).for_each_concurrent(TOGETHER, killed_at).await;
}

async fn killed_at(moment: Moment) {
    let (world, life) = (World::new().await, Life::with(moment, Fate::End));
    let mut layer = Layer::new();
    tokio::select! {
        () = whole(&world, &mut layer, &life) => {}
        () = life.reached() => {}
    }
    if layer.is_acknowledged {
        let blob = world.registry(&Life::long()).blob(&repository(), &layer.digest).await;
        assert!(blob.is_ok(), "{moment:?}: {blob:?}");
    } else {
        layer.push_on(&world, moment).await;
    }
    world.settle_and_sweep().await;
    eprintln!("killed at {moment:?}");
    world.check(std::slice::from_ref(&layer.digest)).await;
}
