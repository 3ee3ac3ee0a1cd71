//! Repositories and their tags.

use super::{Error, Registry, Result};
use crate::oci::{Digest, RepositoryName, Tag};

impl Registry {
    /// Up to `limit` tags of the repository, in byte order, after `after`.
    pub async fn tags(&self, repository: &RepositoryName, after: Option<&Tag>, limit: usize) -> Result<Vec<Tag>> {
        self.metadata.tags(repository, after, limit).await?.ok_or(Error::NameUnknown)
    }

    /// Every tag of the repository that names the manifest.
    pub async fn tags_of(&self, repository: &RepositoryName, digest: &Digest) -> Result<Vec<Tag>> {
        Ok(self.metadata.tags_of(repository, digest).await?)
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
