//! Asking every bucket, now and then, whether it serves: a client that is sent to a bucket tells nobody what it met there.
//! What is found is kept beside the topology, for all processes to go by.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;

use super::{Registry, Result};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::storage::{self, Ailment, BucketId, BucketState, Health, ObjectPath, PutMode, StorageDriver};

/// How long a bucket may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// What lies in every bucket, to be asked for.
const CONTENT: &[u8] = b"ringhold\n";

impl Registry {
    /// Asks all buckets, records what they answered when there is news, and goes by it. Returns those that do not serve.
    pub async fn probe(&self) -> Result<Health> {
        let known = self.catch_up().await?;
        let (storage, now) = (self.storage(), Timestamp::now());
        let asked = storage.topology().buckets.iter().filter(|bucket| bucket.state != BucketState::Down);
        let answers = join_all(asked.filter_map(|bucket| {
            let driver = storage.bucket(&bucket.id)?;
            Some(async { (bucket.id.clone(), ask(&**driver).await) })
        }));
        let mut ailing = BTreeMap::<BucketId, Ailment>::new();
        for (id, answer) in answers.await {
            let Err(error) = answer else { continue };
            let since = known.ailing.get(&id).map_or(now, |ailment| ailment.since);
            if since == now {
                tracing::warn!(bucket = %id, error = %Causes(&error), "a bucket does not serve");
            }
            ailing.insert(id, Ailment { since, why: in_a_word(&error).to_owned() });
        }
        let health = Health { checked: now, ailing };
        // Said again while it lasts: what nobody has confirmed lately is not believed.
        if !health.ailing.is_empty() || !known.ailing.is_empty() {
            self.metadata.put_health(&health).await?;
        }
        self.go_by(storage.topology().clone(), &health).await?;
        Ok(health)
    }
}

/// Reads the object that lies in every bucket, and puts it there when it is not.
async fn ask(driver: &dyn StorageDriver) -> storage::Result<()> {
    let path = ObjectPath::probe();
    let asked = async {
        match driver.get_content(&path, CONTENT.len() as u64).await {
            Err(error) if error.may_mean_absent() => {
                driver.put_content(&path, Bytes::from_static(CONTENT), PutMode::Overwrite).await.map(drop)
            }
            answer => answer.map(drop),
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|over| Err(storage::Error::Unavailable(Box::new(over))))
}

fn in_a_word(error: &storage::Error) -> &'static str {
    match error {
        storage::Error::Denied(_) => "refuses",
        storage::Error::Throttled(_) => "throttles",
        storage::Error::Unavailable(_) => "unavailable",
        storage::Error::NotFound(_)
        | storage::Error::AlreadyExists(_)
        | storage::Error::OutOfRange { .. }
        | storage::Error::TooLarge { .. }
        | storage::Error::CheckpointGone(_)
        | storage::Error::InvalidPath(_)
        | storage::Error::Failed(_) => "fails",
    }
}
