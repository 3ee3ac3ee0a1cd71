//! Repositories and their tags.

use super::{Error, Registry, Result};
use crate::oci::{RepositoryName, Tag};
use crate::storage::{BucketId, Epoch};

/// How a registry is that can answer requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The number of the topology that this process goes by.
    pub epoch: Epoch,
    /// How many buckets serve.
    pub serving: usize,
    /// Those that do not, as far as this process knows.
    pub not_serving: Vec<BucketId>,
}

impl Registry {
    /// Up to `limit` tags of the repository, in byte order, after `after`.
    pub async fn tags(&self, repository: &RepositoryName, after: Option<&Tag>, limit: usize) -> Result<Vec<Tag>> {
        self.metadata.tags(repository, after, limit).await?.ok_or(Error::NameUnknown)
    }

    /// Up to `limit` repositories, in byte order, after `after`.
    pub async fn repositories(&self, after: Option<&RepositoryName>, limit: usize) -> Result<Vec<RepositoryName>> {
        Ok(self.metadata.repositories(after, limit).await?)
    }

    /// How the registry is; fails when it cannot answer requests.
    pub async fn ready(&self) -> Result<Condition> {
        self.metadata.ping().await?;
        let storage = self.storage();
        let ids = storage.topology().buckets.iter().map(|bucket| &bucket.id);
        let (serving, not_serving): (Vec<_>, Vec<_>) = ids.cloned().partition(|id| storage.serves(id));
        Ok(Condition { epoch: storage.topology().epoch, serving: serving.len(), not_serving })
    }
}
