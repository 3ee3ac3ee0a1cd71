//! The ring as this process knows it. It reads it again now and then, and is right even when what it knows is old: a blob's
//! row says where its bytes are, and what was placed by an old topology is moved later.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use super::{Error, Registry, Result};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::storage::{BucketId, Health, ShardedDriver, ShardedError, StorageDriver, Topology};

/// How long what was read holds.
pub(super) const HOLDS: Duration = Duration::from_mins(1);
/// How long a request waits for a newer ring: it can do without.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an unknown bucket is not asked for again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the ring is left alone when it could not be read.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// The longest that a request lives which a process began before it read the ring anew.
pub(super) const LONGEST_REQUEST: Duration = Duration::from_mins(15);

/// The members of the ring, and when they were read. Times are by the clock on the wall: a process may have stood still.
#[derive(Debug)]
pub(super) struct Members {
    present: RwLock<Arc<ShardedDriver>>,
    read: Mutex<Timestamp>,
    /// When they were last asked for, whatever came of that.
    asked: Mutex<Timestamp>,
    reading: tokio::sync::Mutex<()>,
    /// What this process has found out about the buckets when it last asked them.
    own: Mutex<Health>,
}

impl Members {
    pub(super) fn new(storage: Arc<ShardedDriver>) -> Self {
        Self {
            present: RwLock::new(storage),
            read: Mutex::new(Timestamp::now()),
            asked: Mutex::new(Timestamp::now()),
            reading: tokio::sync::Mutex::default(),
            own: Mutex::default(),
        }
    }

    fn present(&self) -> Arc<ShardedDriver> {
        Arc::clone(&self.present.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn age(&self) -> Duration {
        since(&self.read)
    }

    pub(super) fn own(&self) -> Health {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn note_own(&self, own: Health) {
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = own;
    }

    /// As if they had been read that long ago.
    #[cfg(test)]
    pub(super) fn grow_old(&self, age: Duration) {
        for moment in [&self.read, &self.asked] {
            *moment.lock().unwrap_or_else(PoisonError::into_inner) = Timestamp::now().minus(age);
        }
    }
}

fn since(moment: &Mutex<Timestamp>) -> Duration {
    Timestamp::now().since(*moment.lock().unwrap_or_else(PoisonError::into_inner))
}

fn note(moment: &Mutex<Timestamp>) {
    *moment.lock().unwrap_or_else(PoisonError::into_inner) = Timestamp::now();
}

impl Registry {
    /// The buckets, as they are known now.
    pub(super) fn storage(&self) -> Arc<ShardedDriver> {
        self.members.present()
    }

    /// Reads the ring again when what is known of it is old. Whatever comes of that, the request goes on.
    pub async fn keep_up(&self) {
        if self.members.age() < HOLDS || since(&self.members.asked) < RETRY_AFTER {
            return;
        }
        let Ok(_alone) = self.members.reading.try_lock() else { return };
        match tokio::time::timeout(PATIENCE, self.read_ring()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(error = %Causes(&error), "the ring could not be read again"),
            Err(_) => tracing::warn!("the ring could not be read again in time"),
        }
    }

    /// Reads the ring again, and what is known of its buckets.
    pub async fn catch_up(&self) -> Result<Health> {
        let _alone = self.members.reading.lock().await;
        self.read_ring().await
    }

    async fn read_ring(&self) -> Result<Health> {
        note(&self.members.asked);
        let (topology, health) = tokio::try_join!(self.metadata.topology(), self.metadata.health())?;
        let topology = topology.unwrap_or_else(|| self.storage().topology().clone());
        let health = health.unwrap_or_default();
        self.go_by(topology, &health).await?;
        note(&self.members.read);
        Ok(health)
    }

    /// Goes on with this topology, and with what is known of its buckets.
    pub(super) async fn go_by(&self, topology: Topology, health: &Health) -> Result<()> {
        let ailing = health.ailing_for(&self.members.own(), Timestamp::now());
        self.adopt(self.storage().follow(topology, ailing).await?);
        Ok(())
    }

    /// Goes on with these buckets.
    pub(super) fn adopt(&self, storage: ShardedDriver) {
        let mut present = self.members.present.write().unwrap_or_else(PoisonError::into_inner);
        let (old, new) = (present.topology().epoch, storage.topology().epoch);
        if new >= old {
            *present = Arc::new(storage);
        }
        if new > old {
            tracing::info!(epoch = new.0, "the ring has changed");
        }
    }

    /// A bucket's driver. One that is not known may have joined meanwhile.
    pub(super) async fn bucket(&self, id: &BucketId) -> Result<Arc<dyn StorageDriver>> {
        if self.storage().bucket(id).is_none() && since(&self.members.asked) >= PAUSE {
            self.catch_up().await?;
        }
        self.storage().bucket(id).cloned().ok_or_else(|| Error::BucketUnknown(id.clone()))
    }
}

impl Registry {
    /// Fails when the bucket has left the ring: nothing may be recorded that lies there. A bucket leaves only when it is long
    /// since no home any more, so the ring is read again only where it says that, or is as old.
    pub(super) async fn check_member(&self, id: &BucketId) -> Result<()> {
        let is_old = self.members.age() > HOLDS + LONGEST_REQUEST;
        if is_old || !self.storage().is_active(id) {
            self.catch_up().await?;
        }
        self.storage().bucket(id).map(drop).ok_or_else(|| Error::BucketUnknown(id.clone()))
    }
}

impl From<ShardedError> for Error {
    fn from(error: ShardedError) -> Self {
        Self::Ring(error)
    }
}
