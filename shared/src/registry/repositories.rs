//! Repositories and their tags.

use super::{Error, Registry, Result};
use crate::oci::{RepositoryName, Tag};

impl Registry {
    /// Up to `limit` tags of the repository, in byte order, after `after`.
    pub async fn tags(&self, repository: &RepositoryName, after: Option<&Tag>, limit: usize) -> Result<Vec<Tag>> {
        self.metadata.tags(repository, after, limit).await?.ok_or(Error::NameUnknown)
    }

    /// Up to `limit` repositories, in byte order, after `after`.
    pub async fn repositories(&self, after: Option<&RepositoryName>, limit: usize) -> Result<Vec<RepositoryName>> {
        Ok(self.metadata.repositories(after, limit).await?)
    }

    /// Succeeds when the registry can answer requests.
    pub async fn ready(&self) -> Result<()> {
        Ok(self.metadata.ping().await?)
    }
}
