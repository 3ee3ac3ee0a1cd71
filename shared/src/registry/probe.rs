//! Asking every bucket, now and then, whether it serves: a client that is sent to a bucket tells nobody what it met there.
//! What is found is kept beside the topology, for all processes to go by.

use super::{Registry, Result};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::storage::{self, Ailment, Health};

impl Registry {
    /// Asks all buckets, records what they answered, and goes by it. Returns what all may know then: a bucket that only this
    /// process does not reach serves the others.
    pub async fn probe(&self) -> Result<Health> {
        self.catch_up().await?;
        let answers = self.storage().probe().await;
        // Others have asked meanwhile.
        let known = self.metadata.health().await?.unwrap_or_default();
        let (last, now) = (self.members.own(), Timestamp::now());
        let mut own = Health { checked: now, ..Health::default() };
        for (id, answer) in answers {
            let error = match answer {
                // Whoever asks for fewer requests serves.
                Ok(()) | Err(storage::Error::Throttled(_)) => {
                    own.reached.insert(id, now);
                    continue;
                }
                Err(error) => error,
            };
            let since = last.ailing.get(&id).map_or(now, |ailment| ailment.since);
            if since == now {
                tracing::warn!(bucket = %id, error = %Causes(&error), "a bucket does not serve");
            }
            own.ailing.insert(id, Ailment { since, why: in_a_word(&error).to_owned() });
        }
        let health = known.with(&own, &last);
        self.members.note_own(own);
        // Said again and again: what nobody has confirmed lately is not believed.
        self.metadata.put_health(&health).await?;
        self.go_by(self.storage().topology().clone(), &health).await?;
        Ok(health)
    }
}

fn in_a_word(error: &storage::Error) -> &'static str {
    match error {
        storage::Error::Denied(_) => "refuses",
        storage::Error::Unavailable(_) => "unavailable",
        storage::Error::Throttled(_)
        | storage::Error::NotFound(_)
        | storage::Error::AlreadyExists(_)
        | storage::Error::OutOfRange { .. }
        | storage::Error::TooLarge { .. }
        | storage::Error::CheckpointGone(_)
        | storage::Error::InvalidPath(_)
        | storage::Error::Failed(_) => "fails",
    }
}
