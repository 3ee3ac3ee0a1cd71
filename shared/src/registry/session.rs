//! Holding an upload session for the length of one request.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::{Error, Registry, Result};
use crate::clock::Timestamp;
use crate::metadata::{Advance, Claim, ClaimOutcome, MetadataStore, SessionClaim, UploadSession};
use crate::oci::{Digest, DigestState, RepositoryName, UploadId};
use crate::storage::{Part, Progress};

/// A session that this request holds: nobody else writes to it. The hold is prolonged while the request lives, and
/// given up when it is dropped.
pub(super) struct Held {
    pub(super) session: UploadSession,
    pub(super) claim: Claim,
    parts: Vec<Part>,
    metadata: Arc<dyn MetadataStore>,
    heartbeat: JoinHandle<()>,
    settled: bool,
}

/// What a request finds when it wants to hold a session.
pub(super) enum Hold {
    Held(Box<Held>),
    Completed(Digest),
}

impl Registry {
    /// Claims the session at `offset`, or wherever it stands.
    pub(super) async fn hold(&self, repository: &RepositoryName, id: &UploadId, offset: Option<u64>) -> Result<Hold> {
        let (now, claim) = (Timestamp::now(), Claim::random());
        let wish = SessionClaim {
            repository: repository.clone(),
            id: id.clone(),
            claim: claim.clone(),
            offset,
            now,
            until: now.plus(self.terms.claim),
        };
        match self.metadata.claim_session(&wish).await? {
            ClaimOutcome::Claimed(session, parts) => Ok(Hold::Held(Box::new(Held {
                heartbeat: self.keep_alive(id.clone(), claim.clone()),
                metadata: Arc::clone(&self.metadata),
                session: *session,
                claim,
                parts,
                settled: false,
            }))),
            ClaimOutcome::Conflict { offset } => Err(Error::OutOfTurn { id: id.clone(), offset }),
            ClaimOutcome::Completed(digest) => Ok(Hold::Completed(digest)),
            ClaimOutcome::Unknown => Err(Error::UploadUnknown),
        }
    }

    /// Says, three times in a claim's life, that its request is alive. A claim lost all the same shows when it is used.
    fn keep_alive(&self, id: UploadId, claim: Claim) -> JoinHandle<()> {
        let (metadata, life) = (Arc::clone(&self.metadata), self.terms.claim);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(life / 3).await;
                let until = Timestamp::now().plus(life);
                match metadata.extend_claim(&id, &claim, until).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => tracing::warn!(upload = %id, %error, "a claim could not be prolonged"),
                }
            }
        })
    }
}

impl Held {
    /// How the session's writer goes on.
    pub(super) fn progress(&self) -> Option<Progress> {
        let checkpoint = self.session.checkpoint.clone()?;
        Some(Progress { checkpoint, parts: self.parts.clone() })
    }

    /// Records progress and lets go of the session.
    pub(super) async fn advance(mut self, hash: DigestState, progress: Progress, expires: Timestamp) -> Result<()> {
        let advance = Advance { id: self.session.id.clone(), claim: self.claim.clone(), hash, progress, expires };
        self.settled = true;
        if self.metadata.advance_session(&advance).await? { Ok(()) } else { Err(self.lost()) }
    }

    /// Removes the session.
    pub(super) async fn delete(mut self) -> Result<()> {
        self.settled = true;
        if self.metadata.delete_session(&self.session.id, &self.claim).await? { Ok(()) } else { Err(self.lost()) }
    }

    /// The session ended with the transaction that published its blob.
    pub(super) fn completed(mut self) {
        self.settled = true;
    }

    /// What the request is told when another has taken the session over.
    pub(super) fn lost(&self) -> Error {
        Error::OutOfTurn { id: self.session.id.clone(), offset: self.session.offset }
    }

    /// Lets go of the session without progress.
    pub(super) async fn release(mut self) {
        self.settled = true;
        give_up(&*self.metadata, &self.session.id, &self.claim).await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.heartbeat.abort();
        if self.settled {
            return;
        }
        let (metadata, id, claim) = (Arc::clone(&self.metadata), self.session.id.clone(), self.claim.clone());
        tokio::spawn(async move { give_up(&*metadata, &id, &claim).await });
    }
}

/// A claim that cannot be released lapses by itself.
async fn give_up(metadata: &dyn MetadataStore, id: &UploadId, claim: &Claim) {
    if let Err(error) = metadata.release_claim(id, claim).await {
        tracing::warn!(upload = %id, %error, "a claim could not be released");
    }
}
