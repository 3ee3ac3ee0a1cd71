//! One blob: found, proven as far as nobody has, and published where it lies or where it was copied to.

use std::sync::PoisonError;

use super::{BlobFate, Import, ImportEvent, ImportFault, ImportItem, ImportSource};
use crate::clock::Timestamp;
use crate::oci::{Digest, RepositoryName};
use crate::registry::Result;
use crate::registry::prove::{Source, check, proven_copy};
use crate::registry::receive::Landed;
use crate::storage::{BucketId, ObjectPath, Objects, Version};

/// The most repositories that are asked for a blob that the registry may have.
const LINK_CANDIDATES: usize = 16;

/// Where a blob may lie.
enum Candidate<'a> {
    /// In a bucket of the ring, where the ring's blobs lie.
    Ring {
        bucket: BucketId,
        /// Otherwise it is there because an import was broken off, or for no reason that anybody knows.
        is_source: bool,
    },
    /// In a store that is none of the ring's buckets.
    Elsewhere(&'a ImportSource),
}

impl<'a> Import<'a> {
    /// Takes over a blob; false, and the problem is told, when it cannot be. `size` is what is said of it.
    pub(super) async fn blob(&self, repository: &RepositoryName, digest: &Digest, size: Option<u64>) -> Result<bool> {
        // It is never closed.
        let _turn = self.turns.acquire().await;
        // An import may take longer than a topology.
        self.registry.keep_up().await;
        match self.take_blob(repository, digest, size).await.map_err(ImportFault::into_outage) {
            Ok(fate) => {
                self.tell_blob(repository, digest, fate);
                Ok(true)
            }
            Err(Ok(outage)) => Err(outage),
            Err(Err(fault)) => {
                self.problem(repository, ImportItem::Blob(digest.clone()), fault);
                Ok(false)
            }
        }
    }

    pub(super) fn tell_blob(&self, repository: &RepositoryName, digest: &Digest, fate: BlobFate) {
        self.tell(&ImportEvent::Blob { repository: repository.clone(), digest: digest.clone(), fate });
    }

    /// Takes every blob of the sources that the registry does not have into one repository.
    pub(super) async fn lost_blobs(&self, repository: &RepositoryName) -> Result<()> {
        for source in self.sources {
            let directory = source.layout.blobs().map_err(crate::storage::Error::from)?;
            let mut objects = Objects::below(&*source.driver, directory);
            while let Some(entry) = objects.next().await? {
                let Some(digest) = source.layout.digest(&entry.path) else { continue };
                if self.has(&digest).await?.is_some() {
                    self.tell_blob(repository, &digest, BlobFate::Present);
                } else {
                    self.blob(repository, &digest, None).await?;
                }
            }
        }
        Ok(())
    }

    async fn take_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        mut size: Option<u64>,
    ) -> Result<BlobFate, ImportFault> {
        if self.registry.metadata.linked_blob(repository, digest).await?.is_some() {
            return Ok(BlobFate::Present);
        }
        if self.link(repository, digest).await? {
            return Ok(BlobFate::Linked);
        }
        let mut fault = ImportFault::Missing;
        for candidate in self.candidates(digest) {
            let taken = match candidate {
                Candidate::Ring { bucket, is_source } => {
                    self.adopt(repository, digest, size.filter(|_| is_source), bucket).await
                }
                Candidate::Elsewhere(source) => self.copy(repository, digest, size, source).await,
            };
            match taken.map_err(ImportFault::into_outage) {
                Ok(fate) => return Ok(fate),
                Err(Ok(outage)) => return Err(ImportFault::Refused(outage)),
                Err(Err(ImportFault::Missing)) => {}
                Err(Err(worse)) => {
                    fault = worse;
                    // Where one was broken, the next is not taken at its word.
                    size = None;
                }
            }
        }
        Err(fault)
    }

    /// Links a blob that the registry has; false when it has not.
    async fn link(&self, repository: &RepositoryName, digest: &Digest) -> Result<bool> {
        if self.options.dry_run {
            return Ok(self.has(digest).await?.is_some());
        }
        let (registry, lease) = (self.registry, Timestamp::now().plus(self.registry.terms.lease));
        for from in registry.metadata.repositories_of(digest, LINK_CANDIDATES).await? {
            if registry.metadata.mount_blob(&from, repository, digest, lease).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The size of a blob that the registry has, or would have.
    async fn has(&self, digest: &Digest) -> Result<Option<u64>> {
        let planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner).get(digest).copied();
        match planned {
            Some(size) => Ok(Some(size)),
            None => Ok(self.registry.metadata.blob(digest).await?.map(|blob| blob.size)),
        }
    }

    /// Where to look, the cheapest first: at its home, in other buckets of the ring, elsewhere.
    fn candidates(&self, digest: &Digest) -> Vec<Candidate<'a>> {
        let home = self.home(digest);
        let (members, others): (Vec<_>, Vec<_>) = self.sources.iter().partition(|source| source.member.is_some());
        let members: Vec<&BucketId> = members.into_iter().filter_map(|source| source.member.as_ref()).collect();
        let is_source = members.contains(&&home);
        let away = members.into_iter().filter(|member| **member != home).cloned().collect::<Vec<_>>();
        let ring = [(home, is_source)].into_iter().chain(away.into_iter().map(|bucket| (bucket, true)));
        let ring = ring.map(|(bucket, is_source)| Candidate::Ring { bucket, is_source });
        ring.chain(others.into_iter().map(Candidate::Elsewhere)).collect()
    }

    /// Publishes a blob where it lies in a bucket of the ring. It is hashed, unless its size is what is said of it and
    /// that is to be enough. Away from its home it stays: whoever wrote it may still read it there.
    async fn adopt(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        size: Option<u64>,
        bucket: BucketId,
    ) -> Result<BlobFate, ImportFault> {
        let (driver, path) = (self.registry.bucket(&bucket).await?, ObjectPath::blob(digest));
        let found = driver.stat(&path).await?;
        if self.options.verify || size != Some(found.size) {
            check(&*driver, &path, digest).await?;
        }
        let stays = !self.registry.homes(digest).contains(&bucket);
        self.publish(repository, digest, found.size, (bucket, found.version), stays).await?;
        Ok(BlobFate::Adopted { size: found.size })
    }

    /// Copies a blob home from elsewhere, and publishes it once the copy is proven.
    async fn copy(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        size: Option<u64>,
        source: &ImportSource,
    ) -> Result<BlobFate, ImportFault> {
        let (from, path) = (source.layout.blob(digest)?, ObjectPath::blob(digest));
        let found = source.driver.stat(&from).await?;
        // What is likely to be broken shall not even lie at a home for a moment.
        if size != Some(found.size) || (self.options.dry_run && self.options.verify) {
            check(&*source.driver, &from, digest).await?;
        }
        let (home, mut version) = (self.home(digest), None);
        if !self.options.dry_run {
            let target = self.registry.bucket(&home).await?;
            let source = Source { driver: &*source.driver, path: &from, verified: None };
            version = Some(proven_copy(source, &*target, &path, digest).await?);
        }
        self.publish(repository, digest, found.size, (home, version.unwrap_or(found.version)), false).await?;
        Ok(BlobFate::Copied { size: found.size })
    }

    async fn publish(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        size: u64,
        (bucket, version): (BucketId, Version),
        stays: bool,
    ) -> Result<()> {
        if self.options.dry_run {
            self.planned.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.clone(), size);
            return Ok(());
        }
        let place = self.registry.place(bucket, ObjectPath::blob(digest), version);
        let work = if stays { None } else { self.registry.work_after(digest, &place, Timestamp::now()) };
        self.registry.commit_with(repository, digest, Landed { place, size }, None, work).await.map(drop)
    }

    fn home(&self, digest: &Digest) -> BucketId {
        self.registry.storage().home(digest).clone()
    }
}
