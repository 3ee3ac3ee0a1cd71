//! Opening the stores that a process was told to use: clients are made once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use url::Url;

use crate::calls::Calls;
use crate::causes::Causes;
use crate::metadata::{
    self, DynamoDbConfig, DynamoDbStore, EmbeddedStore, MemoryStore, MetadataStore, OpenStoreError, ParseDynamoDbError,
};
use crate::storage::s3::{S3Buckets, S3Config};
use crate::storage::{
    Bucket, BucketId, Factory, FactoryError, ShardedDriver, ShardedError, StorageDriver, Topology, TopologyError,
};

pub(super) const S3: &str = "s3";
const DYNAMODB: &str = "dynamodb";

/// Which stores a process uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stores {
    /// A bucket each.
    pub storage: Vec<Url>,
    /// The metadata.
    pub metadata: Url,
    /// How many buckets shall hold each blob, where no topology is written yet that says it; one when absent.
    pub replicas: Option<u8>,
}

/// How AWS is reached, where a store lies there.
#[derive(Debug, Clone, Default)]
pub struct Aws {
    /// Credentials, region and connections; from where the AWS tools take them when absent.
    pub settings: Option<SdkConfig>,
    /// Counts what is sent.
    pub traffic: Traffic,
}

/// How many requests were sent to AWS, for what.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    /// To buckets.
    pub storage: Calls,
    /// To the table.
    pub metadata: Calls,
}

/// Both stores.
pub type Opened = (Arc<ShardedDriver>, Arc<dyn MetadataStore>);

/// Why the stores could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The metadata URL has a scheme that names no store.
    #[error("no metadata store is called {0:?}: use file:///FILE, dynamodb://TABLE or memory:")]
    MetadataScheme(String),
    /// The metadata URL has no path of a file.
    #[error("the metadata's URL names no file of this machine")]
    MetadataPath,
    /// The metadata URL says what DynamoDB does not know.
    #[error(transparent)]
    DynamoDb(#[from] ParseDynamoDbError),
    /// The embedded store cannot be opened.
    #[error(transparent)]
    Embedded(#[from] OpenStoreError),
    /// The metadata could not be read.
    #[error("the metadata cannot be read")]
    Metadata(#[from] metadata::Error),
    /// A bucket's URL has no name for the ring.
    #[error("bucket {0} has no name: a host or a directory of letters, digits and hyphens")]
    BucketUnnamed(usize),
    /// Two buckets would have the same name on the ring, and nothing would tell them apart later.
    #[error("two buckets are called {0}: their directories or hosts must have different names")]
    BucketsAlike(BucketId),
    /// A bucket could not be opened.
    #[error("the bucket {bucket} cannot be opened")]
    Bucket {
        /// Which.
        bucket: BucketId,
        /// Why.
        source: FactoryError,
    },
    /// The buckets make no ring.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The ring's drivers do not fit its topology.
    #[error(transparent)]
    Sharded(#[from] ShardedError),
    /// A store that is to be read cannot be opened.
    #[error("the store {number} that is to be read cannot be opened")]
    Source {
        /// Which, counted from 1: its URL may hold a secret.
        number: usize,
        /// Why.
        source: FactoryError,
    },
    /// None of the buckets is one that the metadata knows.
    #[error("the metadata belongs to the buckets {known}, not to {given}: the ring's members do not change by a flag")]
    OtherBuckets {
        /// What the topology says.
        known: String,
        /// What the process was told.
        given: String,
    },
}

/// Everything that keeps the stores from being opened.
#[derive(Debug, thiserror::Error)]
pub struct OpenErrors(pub(super) Vec<OpenError>);

impl fmt::Display for OpenErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the stores cannot be opened:")?;
        self.0.iter().try_for_each(|error| write!(formatter, "\n  - {}", Causes(error)))
    }
}

impl From<OpenError> for OpenErrors {
    fn from(error: OpenError) -> Self {
        Self(vec![error])
    }
}

impl Stores {
    /// Stores of which no more is said.
    #[must_use]
    pub fn new(storage: impl Into<Vec<Url>>, metadata: Url) -> Self {
        Self { storage: storage.into(), metadata, replicas: None }
    }

    /// Opens the metadata alone.
    pub async fn open_metadata(&self, aws: &Aws) -> Result<Arc<dyn MetadataStore>, OpenError> {
        let url = &self.metadata;
        match url.scheme() {
            "memory" => Ok(Arc::new(MemoryStore::new())),
            "file" => {
                let path: PathBuf = url.to_file_path().map_err(|()| OpenError::MetadataPath)?;
                Ok(Arc::new(EmbeddedStore::open(path)?))
            }
            DYNAMODB => Ok(self.open_table(aws).await?),
            scheme => Err(OpenError::MetadataScheme(scheme.to_owned())),
        }
    }

    /// Opens the metadata alone, which is a table.
    async fn open_table(&self, aws: &Aws) -> Result<Arc<dyn MetadataStore>, OpenError> {
        let config = DynamoDbConfig::from_url(&self.metadata)?;
        Ok(Arc::new(DynamoDbStore::connect(&config, &aws.settings().await, Some(aws.traffic.metadata.clone()))))
    }

    /// Opens both. The first process that can open all of it writes the first topology; all others read it.
    pub async fn open(&self, aws: &Aws) -> Result<Opened, OpenErrors> {
        let opened = self.assemble(self.factory(Factory::standard(), aws).await, self.open_metadata(aws).await).await?;
        record_first(opened).await
    }

    /// Opens buckets and a table on AWS, and writes nothing: as long as no topology is written it goes by the first one,
    /// which all who know the same buckets have in common. A process that opens no other stores need not carry the code for
    /// them.
    pub async fn open_on_aws(&self, aws: &Aws) -> Result<Opened, OpenErrors> {
        self.assemble(self.factory(Factory::default(), aws).await, self.open_table(aws).await).await
    }

    /// The same, writing the first topology as [`open`](Self::open) does: for the one process on AWS that may.
    pub async fn open_on_aws_and_record(&self, aws: &Aws) -> Result<Opened, OpenErrors> {
        record_first(self.open_on_aws(aws).await?).await
    }

    pub(super) async fn assemble(
        &self,
        factory: Factory,
        metadata: Result<Arc<dyn MetadataStore>, OpenError>,
    ) -> Result<Opened, OpenErrors> {
        let mut errors = Vec::new();
        let named = self.named(&mut errors);
        let mut drivers = open_buckets(&factory, &named, &mut errors).await;
        let metadata = metadata.map_err(|error| errors.push(error)).ok();
        let Some(metadata) = metadata.filter(|_| errors.is_empty()) else {
            return Err(OpenErrors(errors));
        };
        let topology = self.topology(&*metadata, &named).await?;
        for bucket in topology.buckets.iter().filter(|bucket| !drivers.contains_key(&bucket.id)).collect::<Vec<_>>() {
            match factory.create(&bucket.url).await {
                Ok(driver) => drop(drivers.insert(bucket.id.clone(), driver)),
                Err(source) => errors.push(OpenError::Bucket { bucket: bucket.id.clone(), source }),
            }
        }
        if !errors.is_empty() {
            return Err(OpenErrors(errors));
        }
        let storage = ShardedDriver::new(topology, drivers).map_err(OpenError::from)?.opening_by(factory);
        Ok((Arc::new(storage), metadata))
    }

    pub(super) async fn factory(&self, mut factory: Factory, aws: &Aws) -> Factory {
        if self.storage.iter().any(|url| url.scheme() == S3) {
            let buckets = S3Buckets::new(aws.settings().await, Some(aws.traffic.storage.clone()));
            factory.register(S3, move |url| std::future::ready(bucket(&url, &buckets)));
        }
        factory
    }

    /// The topology that the metadata keeps, or the first one. What it does not have has not joined yet: that is for an
    /// operator to do.
    async fn topology(&self, metadata: &dyn MetadataStore, named: &[(BucketId, Url)]) -> Result<Topology, OpenError> {
        let topology = if let Some(kept) = metadata.topology().await? {
            kept
        } else {
            let first = Topology::first(named.iter().cloned())?;
            Topology { replicas: self.replicas.unwrap_or(first.replicas), ..first }
        };
        if let Some(replicas) = self.replicas.filter(|replicas| *replicas != topology.replicas) {
            let is = topology.replicas;
            tracing::warn!(
                is,
                told = replicas,
                "the ring keeps its replicas: `ringhold ring apply --replicas` changes them"
            );
        }
        let known = sorted(topology.buckets.iter().map(|Bucket { id, .. }| id));
        let given = sorted(named.iter().map(|(id, _)| id));
        if !given.iter().any(|id| known.contains(id)) {
            return Err(OpenError::OtherBuckets { known: join(&known), given: join(&given) });
        }
        for id in given.iter().filter(|id| !known.contains(id)) {
            tracing::warn!(bucket = %id, "the bucket is not on the ring: `ringhold ring apply --add URL` makes it join");
        }
        Ok(topology)
    }

    /// The buckets by their names on the ring, which are what their URLs call them: never by their order, which may be
    /// another one tomorrow.
    fn named(&self, errors: &mut Vec<OpenError>) -> Vec<(BucketId, Url)> {
        let mut named = Vec::<(BucketId, Url)>::new();
        for (index, url) in self.storage.iter().enumerate() {
            match bucket_name(url) {
                None => errors.push(OpenError::BucketUnnamed(index + 1)),
                Some(id) if named.iter().any(|(other, _)| *other == id) => errors.push(OpenError::BucketsAlike(id)),
                Some(id) => named.push((id, url.clone())),
            }
        }
        named
    }
}

impl Aws {
    async fn settings(&self) -> SdkConfig {
        match &self.settings {
            Some(settings) => settings.clone(),
            None => sdk_settings().await,
        }
    }
}

/// Settings from where the AWS tools take them, with one pool of connections for all clients: buckets that are called by
/// their path share theirs.
pub async fn sdk_settings() -> SdkConfig {
    let client = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https();
    let mut settings = aws_config::defaults(BehaviorVersion::latest()).http_client(client);
    let environment = EnvironmentVariableCredentialsProvider::new();
    if environment.provide_credentials().await.is_ok() {
        // They would be found first. To prepare for all other places would take a good part of a function's start.
        settings = settings.credentials_provider(environment);
    }
    settings.load().await
}

fn bucket(url: &Url, buckets: &S3Buckets) -> Result<Arc<dyn StorageDriver>, FactoryError> {
    match S3Config::try_from(url) {
        Ok(config) => Ok(Arc::new(buckets.open(&config))),
        Err(source) => Err(FactoryError::InvalidUrl { scheme: S3, source: Box::new(source) }),
    }
}

async fn open_buckets(
    factory: &Factory,
    named: &[(BucketId, Url)],
    errors: &mut Vec<OpenError>,
) -> BTreeMap<BucketId, Arc<dyn StorageDriver>> {
    let mut drivers = BTreeMap::new();
    for (id, url) in named {
        match factory.create(url).await {
            Ok(driver) => drop(drivers.insert(id.clone(), driver)),
            Err(source) => errors.push(OpenError::Bucket { bucket: id.clone(), source }),
        }
    }
    drivers
}

/// What a bucket is called on the ring, unless it is told: as its host or its last directory is.
#[must_use]
pub fn bucket_name(url: &Url) -> Option<BucketId> {
    let last = url.path_segments().and_then(|segments| segments.rev().find(|segment| !segment.is_empty()));
    let name = url.host_str().or(last).unwrap_or_else(|| url.path());
    name.to_ascii_lowercase().replace('.', "-").parse().ok()
}

/// Writes the first topology, unless one is written.
async fn record_first((storage, metadata): Opened) -> Result<Opened, OpenErrors> {
    let recorded = async {
        if metadata.topology().await?.is_some() || metadata.put_topology(storage.topology()).await? {
            return Ok(None);
        }
        // Another process was first, and may know other buckets.
        metadata.topology().await
    };
    let storage = match recorded.await.map_err(OpenError::from)? {
        Some(theirs) => Arc::new(storage.follow(theirs, BTreeSet::new()).await.map_err(OpenError::from)?),
        None => storage,
    };
    Ok((storage, metadata))
}

fn sorted<'a>(ids: impl Iterator<Item = &'a BucketId>) -> Vec<&'a BucketId> {
    let mut ids: Vec<_> = ids.collect();
    ids.sort();
    ids
}

fn join(ids: &[&BucketId]) -> String {
    ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ")
}
