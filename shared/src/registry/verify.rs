//! Hashing what clients have put in parts, before anybody can read it. The hash is recorded on the way, so that an object
//! of any size is verified by processes that live for minutes.

use futures::StreamExt;
use tokio::time::Instant;

use super::receive::Landed;
use super::session::Hold;
use super::work::Next;
use super::{Error, Registry, Result};
use crate::clock::Timestamp;
use crate::metadata::{Committed, Direct, DirectState, Place, Task, UploadSession, Verification, Work};
use crate::oci::Digester;
use crate::storage::Span;

/// How many bytes are hashed before that is recorded.
const RECORDED_EVERY: u64 = 1 << 30;

impl Registry {
    pub(super) async fn verify(&self, held: &Work, verification: &Verification, until: Instant) -> Result<Next> {
        let now = Timestamp::now();
        let session = self.metadata.open_session(&held.upload, now).await?;
        let Some((session, direct)) = session.and_then(|session| Some((session.clone(), session.direct?))) else {
            return Ok(Next::Work(Box::new(self.discard_later(held.upload.clone(), &verification.place))));
        };
        let mut digester = match &verification.hash {
            Some(state) => Digester::resume(state)?,
            None => Digester::new(direct.digest.algorithm()),
        };
        let Place { bucket, path, .. } = &verification.place;
        let span = Span { offset: verification.offset, length: Some(RECORDED_EVERY) };
        let mut content = match self.bucket(bucket).await?.reader(path, span).await {
            Ok(content) => content,
            Err(error) if error.may_mean_absent() => {
                return self.refuse(held, &session, direct, &verification.place).await;
            }
            Err(error) => return Err(error.into()),
        };
        let mut offset = verification.offset;
        while let Some(chunk) = content.stream.next().await {
            let chunk = chunk?;
            digester.update(&chunk);
            offset += chunk.len() as u64;
            if Instant::now() >= until {
                break;
            }
        }
        if offset < direct.size && offset > verification.offset {
            let further = Verification { offset, hash: Some(digester.state()), ..verification.clone() };
            let work = Work::new(held.upload.clone(), Task::Verify(further), Timestamp::now());
            return Ok(Next::Work(Box::new(work)));
        }
        if digester.finish() == direct.digest && offset == direct.size {
            self.publish_verified(held, &session, &direct, &verification.place).await
        } else {
            self.refuse(held, &session, direct, &verification.place).await
        }
    }

    async fn publish_verified(
        &self,
        held: &Work,
        session: &UploadSession,
        direct: &Direct,
        place: &Place,
    ) -> Result<Next> {
        let Hold::Held(upload) = self.hold_direct(&session.repository, &session.id).await? else {
            return Ok(Next::Over);
        };
        let landed = Landed { place: place.clone(), size: direct.size };
        let claim = Some((session.id.clone(), upload.claim.clone()));
        match self.commit(&session.repository, &direct.digest, landed, claim).await? {
            Committed::Published(_) => {
                upload.completed();
                Ok(Next::Recorded)
            }
            Committed::Kept(kept) => {
                upload.completed();
                if self.take_in(kept, place).await?.is_some() {
                    return Ok(Next::Recorded);
                }
                Ok(Next::Work(Box::new(self.discard_later(held.upload.clone(), place).at(Timestamp::now()))))
            }
            Committed::ClaimLost => Err(Error::UploadUnknown),
        }
    }

    async fn refuse(&self, held: &Work, session: &UploadSession, direct: Direct, place: &Place) -> Result<Next> {
        let Hold::Held(upload) = self.hold_direct(&session.repository, &session.id).await? else {
            return Ok(Next::Over);
        };
        let now = Timestamp::now();
        let direct = Direct { state: DirectState::Refused, ..direct };
        let discard = Work::discard(held.upload.clone(), place.clone(), now);
        upload.advance_direct(direct, Some(discard), now.plus(self.terms.completed_session)).await?;
        Ok(Next::Recorded)
    }
}

/// The work of hashing what an upload has put.
pub(super) fn verification(session: &UploadSession, place: Place) -> Work {
    let verification = Verification { place, offset: 0, hash: None };
    Work::new(session.id.clone(), Task::Verify(verification), Timestamp::now())
}
