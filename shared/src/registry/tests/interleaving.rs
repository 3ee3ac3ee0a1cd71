//! Two requests on one upload, the second run whole between any two calls of the first.

use bytes::Bytes;

use super::life::{Fate, Life, moments};
use super::world::{World, body, noise, range, repository};
use crate::oci::{Algorithm, Digest, UploadId};
use crate::registry::{Error, Registry, Result};

const MIB: usize = 1024 * 1024;

async fn append(registry: &Registry, id: &UploadId, offset: u64, chunk: &Bytes) -> Result<u64> {
    let range = range(offset, chunk);
    registry.append(&repository(), id, Some(range), body(chunk)).await.map(|appended| appended.offset)
}

/// Begins an upload that has a part and a tail.
async fn begun(world: &World) -> (UploadId, Bytes) {
    let registry = world.registry(&Life::long());
    let id = registry.begin_upload(&repository(), None).await.unwrap().id;
    let first = noise(1, 6 * MIB + 5);
    append(&registry, &id, 0, &first.slice(..6 * MIB)).await.unwrap();
    append(&registry, &id, 6 * MIB as u64, &first.slice(6 * MIB..)).await.unwrap();
    registry.rest().await;
    (id, first)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_writers_at_one_offset_exactly_one_advances_whatever_their_order() {
    let [one, two] = [noise(2, 6 * MIB), noise(3, 5 * MIB + 1)];
    let world = World::new().await;
    let (id, first) = begun(&world).await;
    let offset = first.len() as u64;
    let life = Life::long();
    append(&world.registry(&life), &id, offset, &one).await.unwrap();
    let calls = life.calls();
    assert!(calls >= 4, "{calls} calls");
    for moment in moments(calls) {
        eprintln!("{moment:?}");
        let world = World::new().await;
        let (id, first) = begun(&world).await;
        let life = Life::with(moment, Fate::Pause);
        let (slow, quick) = (world.registry(&life), world.registry(&Life::long()));
        let (outcome, between) =
            life.between(append(&slow, &id, offset, &one), append(&quick, &id, offset, &two)).await;
        let (winner, loser) = match (outcome, between) {
            (Ok(end), Err(error)) => (one.clone(), (end, error)),
            (Err(error), Ok(end)) => (two.clone(), (end, error)),
            outcomes => panic!("{moment:?}: {outcomes:?}"),
        };
        let (end, error) = loser;
        assert!(matches!(error, Error::OutOfTurn { .. }), "{moment:?}: {error}");
        assert_eq!(end, offset + winner.len() as u64, "{moment:?}");
        assert_eq!(world.offset(&id).await, Some(end), "{moment:?}");
        let content = [first, winner].concat();
        let digest = Digest::of(Algorithm::Sha256, &content);
        quick.complete_upload(&repository(), &id, &digest, None, body(&Bytes::new())).await.unwrap();
        world.settle_and_sweep().await;
        world.check(&[digest]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_completion_against_an_append_publishes_what_was_hashed() {
    let one = noise(2, 6 * MIB);
    let world = World::new().await;
    let (id, first) = begun(&world).await;
    let (offset, life) = (first.len() as u64, Life::long());
    let digest = Digest::of(Algorithm::Sha256, &first);
    world.registry(&life).complete_upload(&repository(), &id, &digest, None, body(&Bytes::new())).await.unwrap();
    for moment in moments(life.calls()) {
        eprintln!("{moment:?}");
        let world = World::new().await;
        let (id, _) = begun(&world).await;
        let life = Life::with(moment, Fate::Pause);
        let (slow, quick) = (world.registry(&life), world.registry(&Life::long()));
        let nothing = Bytes::new();
        let name = repository();
        let completion = slow.complete_upload(&name, &id, &digest, None, body(&nothing));
        let (completed, appended) = life.between(completion, append(&quick, &id, offset, &one)).await;
        match (&completed, &appended) {
            (Ok(_), Err(Error::OutOfTurn { .. } | Error::UploadUnknown)) => {
                world.settle_and_sweep().await;
                world.check(std::slice::from_ref(&digest)).await;
            }
            // The append came first: the completion names what the upload was before.
            (Err(_), Ok(_)) => {
                assert!(quick.blob(&repository(), &digest).await.is_err(), "{moment:?}");
            }
            outcomes => panic!("{moment:?}: {outcomes:?}"),
        }
    }
}
