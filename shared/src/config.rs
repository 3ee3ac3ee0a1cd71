//! Opening the stores that a process was told to use: clients are made once, and every mistake is told at once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use crate::metadata::{
    self, DynamoDbConfig, DynamoDbStore, EmbeddedStore, MemoryStore, MetadataStore, ParseDynamoDbConfigError,
};
use crate::storage::{
    Bucket, BucketId, Factory, FactoryError, ShardedDriver, ShardedError, StorageDriver, Topology, TopologyError,
};

/// Which stores a process uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stores {
    /// A bucket each.
    pub storage: Vec<Url>,
    /// The metadata.
    pub metadata: Url,
}

/// Why the stores could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The metadata URL has a scheme that names no store.
    #[error("{0} names no metadata store: use file:///FILE, dynamodb://TABLE or memory:")]
    MetadataScheme(Url),
    /// The metadata URL has no path of a file.
    #[error("{0} names no file")]
    MetadataPath(Url),
    /// The metadata URL says what DynamoDB does not know.
    #[error(transparent)]
    DynamoDb(#[from] ParseDynamoDbConfigError),
    /// The metadata could not be opened or read.
    #[error("the metadata cannot be opened")]
    Metadata(#[from] metadata::Error),
    /// A bucket could not be opened.
    #[error("the bucket {url} cannot be opened")]
    Bucket {
        /// Which.
        url: Url,
        /// Why.
        source: FactoryError,
    },
    /// The buckets make no ring.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The ring's drivers do not fit its topology.
    #[error(transparent)]
    Sharded(#[from] ShardedError),
    /// The buckets are not those that the metadata knows.
    #[error("the metadata belongs to the buckets {known}, not to {given}: the ring's members do not change by a flag")]
    OtherBuckets {
        /// What the topology says.
        known: String,
        /// What the process was told.
        given: String,
    },
}

impl Stores {
    /// Opens the metadata alone.
    pub async fn open_metadata(&self, factory: &Factory) -> Result<Arc<dyn MetadataStore>, OpenError> {
        let url = &self.metadata;
        match url.scheme() {
            "memory" => Ok(Arc::new(MemoryStore::new())),
            "file" => {
                let path: PathBuf = url.to_file_path().map_err(|()| OpenError::MetadataPath(url.clone()))?;
                Ok(Arc::new(EmbeddedStore::open(&path).await?))
            }
            "dynamodb" => {
                let config = DynamoDbConfig::from_url(url)?;
                Ok(Arc::new(DynamoDbStore::connect(&config, factory.aws().await, factory.calls())))
            }
            _ => Err(OpenError::MetadataScheme(url.clone())),
        }
    }

    /// Opens both. The first process to do so writes the first topology; all others read it.
    pub async fn open(&self, factory: &Factory) -> Result<(Arc<ShardedDriver>, Arc<dyn MetadataStore>), OpenError> {
        let metadata = self.open_metadata(factory).await?;
        let named = self.named();
        let topology = topology(&*metadata, &named).await?;
        let mut drivers = BTreeMap::<BucketId, Arc<dyn StorageDriver>>::new();
        for (id, url) in named {
            let opened = factory.create(&url).await;
            drivers.insert(id, opened.map_err(|source| OpenError::Bucket { url, source })?);
        }
        Ok((Arc::new(ShardedDriver::new(topology, drivers)?), metadata))
    }

    /// The buckets by their names on the ring: what their URLs call them, numbered where that is no name or taken.
    fn named(&self) -> Vec<(BucketId, Url)> {
        let mut named = Vec::<(BucketId, Url)>::new();
        for (index, url) in self.storage.iter().enumerate() {
            let own = own_name(url).filter(|id| named.iter().all(|(other, _)| other != id));
            let id = own.or_else(|| format!("bucket-{}", index + 1).parse().ok());
            named.extend(id.map(|id| (id, url.clone())));
        }
        named
    }
}

fn own_name(url: &Url) -> Option<BucketId> {
    let last = url.path_segments().and_then(|segments| segments.rev().find(|segment| !segment.is_empty()));
    let name = url.host_str().or(last).unwrap_or_else(|| url.path());
    name.to_ascii_lowercase().replace('.', "-").parse().ok()
}

/// The topology that the metadata keeps, or the first one.
async fn topology(metadata: &dyn MetadataStore, named: &[(BucketId, Url)]) -> Result<Topology, OpenError> {
    let topology = match metadata.topology().await? {
        Some(topology) => topology,
        None => {
            let first = Topology::first(named.iter().cloned())?;
            if metadata.put_topology(&first).await? { first } else { metadata.topology().await?.unwrap_or(first) }
        }
    };
    let known: Vec<&BucketId> = sorted(topology.buckets.iter().map(|Bucket { id, .. }| id));
    let given = sorted(named.iter().map(|(id, _)| id));
    if known == given {
        return Ok(topology);
    }
    Err(OpenError::OtherBuckets { known: join(&known), given: join(&given) })
}

fn sorted<'a>(ids: impl Iterator<Item = &'a BucketId>) -> Vec<&'a BucketId> {
    let mut ids: Vec<_> = ids.collect();
    ids.sort();
    ids
}

fn join(ids: &[&BucketId]) -> String {
    ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ")
}
