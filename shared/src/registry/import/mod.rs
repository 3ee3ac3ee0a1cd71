//! Taking over what stores of CNCF distribution hold.
//!
//! Repository by repository, each manifest is published after what it names; its blobs stay where they lie when that is in a
//! bucket of the ring, and are copied home from anywhere else. What is broken is told and left out, with all that needs it.
//! All of it may be done twice, or be given up anywhere: what is there already is not touched again.

mod blobs;
mod listing;
mod once;
mod outcome;
mod repository;

use std::collections::HashMap;
use std::num::NonZeroU8;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

pub use outcome::{BlobFate, ImportEvent, ImportFault, ImportItem, ImportProblem, ImportSums, ManifestFate, TagFate};

use self::listing::Repositories;
use super::{Registry, Result};
use crate::oci::{Digest, RepositoryName};
use crate::storage::{BucketId, DistributionLayout, StorageDriver};

/// A store of distribution.
#[derive(Debug, Clone)]
pub struct ImportSource {
    /// What reads it.
    pub driver: Arc<dyn StorageDriver>,
    /// Where things lie in it.
    pub layout: DistributionLayout,
    /// Which bucket of the ring it is; none when it is none of them.
    pub member: Option<BucketId>,
}

/// What is imported, and how.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The repositories that are wanted, each with all below it; every one when none is named.
    pub repositories: Vec<RepositoryName>,
    /// Reads and hashes also the blobs that stay where they lie, and whose size is right.
    pub verify: bool,
    /// Moves tags that name something else here.
    pub overwrite_tags: bool,
    /// Only looks, and tells what would be done.
    pub dry_run: bool,
    /// Into which repository the blobs go that no repository has in the end; none leaves them alone.
    pub blobs_into: Option<RepositoryName>,
    /// How much is done at a time.
    pub jobs: NonZeroU8,
}

/// Told what happens.
pub type ImportWatcher<'a> = &'a (dyn Fn(&ImportEvent) + Send + Sync);

struct Import<'a> {
    registry: &'a Registry,
    sources: &'a [ImportSource],
    options: &'a ImportOptions,
    watcher: ImportWatcher<'a>,
    sums: Mutex<ImportSums>,
    /// Held while a blob is taken over.
    turns: Semaphore,
    /// What would be there if it were not only looked: digests, and sizes.
    planned: Mutex<HashMap<Digest, u64>>,
}

impl Registry {
    /// Takes over what the sources hold. Fails when a store does not answer, or the sources cannot be listed; everything else
    /// that is wrong is told as a problem, and the rest goes on.
    pub async fn import(
        &self,
        sources: &[ImportSource],
        options: &ImportOptions,
        watcher: ImportWatcher<'_>,
    ) -> Result<ImportSums> {
        let import = Import {
            registry: self,
            sources,
            options,
            watcher,
            sums: Mutex::default(),
            turns: Semaphore::new(options.jobs.get().into()),
            planned: Mutex::default(),
        };
        let mut repositories = Repositories::of(sources)?;
        while let Some((name, links)) = repositories.next().await? {
            if options.wants(&name) {
                import.repository(&name, &links).await?;
            }
        }
        if let Some(repository) = &options.blobs_into {
            import.lost_blobs(repository).await?;
        }
        Ok(import.sums.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ImportOptions {
    fn wants(&self, name: &RepositoryName) -> bool {
        let is_in = |wanted: &RepositoryName| {
            name.as_str().strip_prefix(wanted.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.repositories.is_empty() || self.repositories.iter().any(is_in)
    }

    fn jobs(&self) -> usize {
        self.jobs.get().into()
    }
}

impl Import<'_> {
    fn tell(&self, event: &ImportEvent) {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner).add(event);
        (self.watcher)(event);
    }

    fn problem(&self, repository: &RepositoryName, item: ImportItem, fault: ImportFault) {
        self.tell(&ImportEvent::Problem(ImportProblem { repository: repository.clone(), item, fault }));
    }
}
