//! Holding an upload session for the length of one request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::{Error, Registry, Result};
use crate::clock::Timestamp;
use crate::metadata::{
    Advance, Claim, ClaimOutcome, Direct, DirectAdvance, MetadataStore, SessionClaim, UploadSession, Work,
};
use crate::oci::{Digest, DigestState, RepositoryName, UploadId};
use crate::storage::Progress;

/// A session that this request holds: nobody else writes to it. The hold is prolonged while the request lives, and
/// given up when it is dropped.
pub(super) struct Held {
    pub(super) session: UploadSession,
    pub(super) claim: Claim,
    metadata: Arc<dyn MetadataStore>,
    /// Until when the session is surely held, in milliseconds.
    until: Arc<AtomicU64>,
    heartbeat: JoinHandle<()>,
    tidying: TaskTracker,
    settled: bool,
}

/// What a request finds when it wants to hold a session.
pub(super) enum Hold {
    Held(Box<Held>),
    Completed(Digest),
}

impl Registry {
    /// Claims a session whose bytes come by requests, at `offset` or wherever it stands.
    pub(super) async fn hold(&self, repository: &RepositoryName, id: &UploadId, offset: Option<u64>) -> Result<Hold> {
        self.hold_if(repository, id, offset, |session| session.direct.is_none()).await
    }

    /// Claims a session whose bytes go straight into their bucket.
    pub(super) async fn hold_direct(&self, repository: &RepositoryName, id: &UploadId) -> Result<Hold> {
        self.hold_if(repository, id, None, |session| session.direct.is_some()).await
    }

    async fn hold_if(
        &self,
        repository: &RepositoryName,
        id: &UploadId,
        offset: Option<u64>,
        is_wanted: impl FnOnce(&UploadSession) -> bool,
    ) -> Result<Hold> {
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
            ClaimOutcome::Claimed(session) if !is_wanted(&session) => {
                give_up(&*self.metadata, id, &claim).await;
                Err(Error::UploadUnknown)
            }
            ClaimOutcome::Claimed(session) => {
                let until = Arc::new(AtomicU64::new(wish.until.as_millis()));
                Ok(Hold::Held(Box::new(Held {
                    heartbeat: self.keep_alive(id.clone(), claim.clone(), Arc::clone(&until)),
                    metadata: Arc::clone(&self.metadata),
                    session: *session,
                    claim,
                    until,
                    tidying: self.tidying.clone(),
                    settled: false,
                })))
            }
            ClaimOutcome::Conflict { offset } => Err(Error::OutOfTurn { id: id.clone(), offset }),
            ClaimOutcome::Completed(digest) => Ok(Hold::Completed(digest)),
            ClaimOutcome::Unknown => Err(Error::UploadUnknown),
        }
    }

    /// Says, three times in a claim's life, that its request is alive; asks again soon when that is not heard.
    fn keep_alive(&self, id: UploadId, claim: Claim, held: Arc<AtomicU64>) -> JoinHandle<()> {
        let (metadata, life) = (Arc::clone(&self.metadata), self.terms.claim);
        tokio::spawn(async move {
            let mut pause = life / 3;
            loop {
                tokio::time::sleep(pause).await;
                let until = Timestamp::now().plus(life);
                pause = match tokio::time::timeout(life / 6, metadata.extend_claim(&id, &claim, until)).await {
                    Ok(Ok(true)) => {
                        held.store(until.as_millis(), Ordering::Relaxed);
                        life / 3
                    }
                    Ok(Ok(false)) => return held.store(0, Ordering::Relaxed),
                    Ok(Err(error)) => {
                        tracing::warn!(upload = %id, %error, "a claim could not be prolonged");
                        life / 30
                    }
                    Err(_) => life / 30,
                };
            }
        })
    }
}

impl Held {
    /// How the session's writer goes on to its next checkpoint, or is cancelled.
    pub(super) fn progress(&self) -> Option<Progress> {
        let checkpoint = self.session.checkpoint.clone()?;
        Some(Progress { checkpoint, parts: Vec::new() })
    }

    /// How the session's writer goes on to its end: with all parts.
    pub(super) async fn whole_progress(&self) -> Result<Option<Progress>> {
        let Some(checkpoint) = self.session.checkpoint.clone() else { return Ok(None) };
        Ok(Some(Progress { checkpoint, parts: self.metadata.parts(&self.session).await? }))
    }

    /// Records progress and lets go of the session.
    pub(super) async fn advance(mut self, hash: DigestState, progress: Progress, expires: Timestamp) -> Result<()> {
        let advance = Advance { id: self.session.id.clone(), claim: self.claim.clone(), hash, progress, expires };
        if self.metadata.advance_session(&advance).await? {
            self.settled = true;
            Ok(())
        } else {
            Err(self.lost().await)
        }
    }

    /// Records how far a direct upload has come, and lets go of it.
    pub(super) async fn advance_direct(mut self, direct: Direct, work: Option<Work>, expires: Timestamp) -> Result<()> {
        let (id, claim) = (self.session.id.clone(), self.claim.clone());
        if self.metadata.advance_direct(&DirectAdvance { id, claim, direct, work, expires }).await? {
            self.settled = true;
            Ok(())
        } else {
            Err(self.lost().await)
        }
    }

    /// Removes the session.
    pub(super) async fn delete(mut self) -> Result<()> {
        if self.metadata.delete_session(&self.session.id, &self.claim).await? {
            self.settled = true;
            Ok(())
        } else {
            Err(self.lost().await)
        }
    }

    /// The session ended with the transaction that published its blob.
    pub(super) fn completed(mut self) {
        self.settled = true;
    }

    /// Fails unless the session is surely still held: asked before a write that the metadata cannot refuse.
    pub(super) async fn check(&self) -> Result<()> {
        if Timestamp::now().as_millis() < self.until.load(Ordering::Relaxed) { Ok(()) } else { Err(self.lost().await) }
    }

    /// What the request is told when another has taken the session over: how far that one has come.
    pub(super) async fn lost(&self) -> Error {
        let session = &self.session;
        match self.metadata.session(&session.repository, &session.id).await {
            Ok(Some(UploadSession { completed: None, offset, .. })) => {
                Error::OutOfTurn { id: session.id.clone(), offset }
            }
            Ok(_) => Error::UploadUnknown,
            Err(error) => error.into(),
        }
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
        self.tidying.spawn(async move { give_up(&*metadata, &id, &claim).await });
    }
}

/// A claim that cannot be released lapses by itself.
async fn give_up(metadata: &dyn MetadataStore, id: &UploadId, claim: &Claim) {
    if let Err(error) = metadata.release_claim(id, claim).await {
        tracing::warn!(upload = %id, %error, "a claim could not be released");
    }
}
