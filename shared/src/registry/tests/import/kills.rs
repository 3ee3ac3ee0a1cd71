//! A process killed at each call of an import: the next one completes it.

use futures::{StreamExt, stream};

use super::super::life::{Fate, Life, Moment, moments};
use super::super::world::World;
use super::store::{Store, digest};
use super::usual;
use crate::oci::Digest;
use crate::registry::ImportOptions;

/// How many processes are killed at once.
const TOGETHER: usize = 8;

/// A process at a time, so that each moment is the same in each run.
fn options() -> ImportOptions {
    ImportOptions { jobs: std::num::NonZeroU8::MIN, ..usual() }
}

/// An index of two images that share a layer, in a bucket of the same store.
async fn store(world: &World) -> (Store, Digest) {
    let store = Store::over(world.bucket(&Life::long(), World::ELSEWHERE), Some("old"));
    let images = [store.image("team/app", &[1, 2]).await, store.image("team/app", &[2]).await];
    let index = store.images_index("team/app", &images.iter().collect::<Vec<_>>()).await;
    store.tag("team/app", "all", &index).await;
    (store, index)
}

async fn import(world: &World, life: &Life) {
    let source = Store::over(world.bucket(life, World::ELSEWHERE), Some("old")).source(None);
    let imported = world.registry(life).import(&[source], &options(), &|_| {}).await.expect("nothing is in the way");
    assert_eq!(imported.problems, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_at_any_call_leaves_what_the_next_one_completes() {
    let (world, life) = (World::new().await, Life::long());
    store(&world).await;
    import(&world, &life).await;
    let calls = life.calls();
    assert!(calls > 30, "{calls} calls");
    stream::iter(moments(calls)).for_each_concurrent(TOGETHER, killed_at).await;
}

async fn killed_at(moment: Moment) {
    let (world, life) = (World::new().await, Life::with(moment, Fate::End));
    let (_, index) = store(&world).await;
    tokio::select! {
        () = import(&world, &life) => {}
        () = life.reached() => {}
    }
    import(&world, &Life::long()).await;
    eprintln!("killed at {moment:?}");
    world.check(&[digest(1), digest(2)]).await;
    let registry = world.registry(&Life::long());
    let tagged = registry.manifest(&"team/app".parse().unwrap(), &"all".parse().unwrap()).await.unwrap();
    assert_eq!(tagged.digest, index);
}
