//! A store that names a version of each object that is put, as those do that keep versions, and keeps none.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use futures::TryStreamExt;
use tokio::time::Instant;

use super::world::{body, noise, repository};
use crate::metadata::{MemoryStore, Task};
use crate::oci::{Algorithm, Digest, UploadId};
use crate::registry::{Registry, Terms};
use crate::storage::s3::tests::InProcess;
use crate::storage::{ShardedDriver, StorageDriver, Topology};

#[derive(Debug)]
struct Naming<C>(C);

impl<C: HttpClient> HttpClient for Naming<C> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Naming(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for Naming<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_put = request.method() == "PUT";
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let mut answer = answer.await?;
            if is_put {
                answer.headers_mut().insert("x-amz-version-id", UploadId::random().to_string());
            }
            Ok(answer)
        })
    }
}

/// A registry over one bucket of such a store, and the store.
async fn registry() -> (Registry, InProcess) {
    let server = InProcess::start().await;
    server.make("one").await;
    let driver: Arc<dyn StorageDriver> = server.through(Naming(server.gate().clone()), "one");
    let id = || "one".parse().unwrap();
    let topology = Topology::first([(id(), "s3://one".parse().unwrap())]).unwrap();
    let storage = ShardedDriver::new(topology, [(id(), driver)].into()).unwrap();
    let terms = Terms { url_life: Duration::ZERO, held_whole: 1024, ..Terms::default() };
    (Registry::new(Arc::new(storage), Arc::<MemoryStore>::default(), terms), server)
}

async fn read(registry: &Registry, digest: &Digest) -> Vec<u8> {
    let blob = registry.blob(&repository(), digest).await.unwrap();
    let read: Vec<_> = registry.read_blob(&blob, None).await.unwrap().stream.try_collect().await.unwrap();
    read.concat()
}

#[tokio::test]
async fn what_is_pushed_twice_into_a_store_that_keeps_none_of_the_versions_it_names_stays() {
    let (registry, _server) = registry().await;
    let content = noise(1, 500);
    let digest = Digest::of(Algorithm::Sha256, &content);
    for name in [repository(), "team/other".parse().unwrap()] {
        registry.push_blob(&name, &digest, body(&content)).await.unwrap();
    }
    assert_eq!(registry.pending_work(10).await.unwrap().len(), 1, "the store seems to keep what was written over");
    registry.work(Instant::now() + Duration::from_mins(1)).await.unwrap();
    assert_eq!(registry.pending_work(10).await.unwrap(), []);
    assert_eq!(read(&registry, &digest).await, content.to_vec());
}

#[tokio::test]
async fn of_two_copies_at_one_home_the_one_that_no_row_names_is_left_to_be_removed() {
    let (registry, _server) = registry().await;
    let content = noise(1, 5_000);
    let digest = Digest::of(Algorithm::Sha256, &content);
    let found = registry.push_blob(&repository(), &digest, body(&content)).await.unwrap();
    let homes = registry.homes(&digest);
    let (first, second) =
        (registry.house(&found, &homes).await.unwrap(), registry.house(&found, &homes).await.unwrap());
    assert!(registry.record(&found, &second, None, Vec::new()).await.unwrap());
    assert!(!registry.record(&found, &first, None, Vec::new()).await.unwrap(), "the other was there before");
    let left = registry.pending_work(10).await.unwrap().into_iter().filter_map(|work| match work.task {
        Task::Discard { place } => Some(place),
        _ => None,
    });
    assert_eq!(left.collect::<Vec<_>>(), first.made);
    registry.work(Instant::now() + Duration::from_mins(1)).await.unwrap();
    assert_eq!(read(&registry, &digest).await, content.to_vec());
}
