//! Uploads that clients go on with. They live in this process only: a client whose upload is gone begins anew.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shared::oci::{Digest, RepositoryName, UploadId};
use shared::registry;
use tokio::sync::OwnedMutexGuard;

use super::error::Error;
use super::spool::SpoolFile;

/// All uploads.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<UploadId, Arc<Session>>>);

/// One upload. Its id, which cannot be guessed, is all that a client needs to go on with it.
#[derive(Debug)]
pub(super) struct Session {
    id: UploadId,
    name: RepositoryName,
    phase: Arc<tokio::sync::Mutex<Phase>>,
    /// How many bytes it has, as whoever does not hold it sees it.
    offset: AtomicU64,
    used: Mutex<Instant>,
}

/// Where an upload stands.
#[derive(Debug)]
pub(super) enum Phase {
    /// Bytes are taken.
    Open(Box<SpoolFile>),
    /// The blob is with the registry: remembered for a client that did not hear it.
    Completed(Digest),
}

/// A session that one request holds: no other writes to it.
#[derive(Debug)]
pub(super) struct Held {
    session: Arc<Session>,
    pub(super) phase: OwnedMutexGuard<Phase>,
}

impl Sessions {
    /// Begins an upload.
    pub(super) fn begin(&self, name: &RepositoryName, file: SpoolFile) -> Arc<Session> {
        let session = Arc::new(Session {
            id: UploadId::random(),
            name: name.clone(),
            phase: Arc::new(tokio::sync::Mutex::new(Phase::Open(Box::new(file)))),
            offset: AtomicU64::default(),
            used: Mutex::new(Instant::now()),
        });
        self.all().insert(session.id.clone(), Arc::clone(&session));
        session
    }

    /// The repository's upload of this id.
    pub(super) fn find(&self, name: &RepositoryName, id: &UploadId) -> Result<Arc<Session>, Error> {
        let session = self.all().get(id).filter(|session| session.name == *name).cloned();
        session.ok_or_else(|| registry::Error::UploadUnknown.into())
    }

    /// Ends an upload. What a request may be writing to it right now goes nowhere.
    pub(super) fn cancel(&self, name: &RepositoryName, id: &UploadId) -> Result<(), Error> {
        self.find(name, id).map(|session| drop(self.all().remove(&session.id)))
    }

    /// Ends uploads that nobody has touched for `longest`, and that no request holds.
    pub(super) fn forget_rested(&self, now: Instant, longest: Duration) {
        let mut rested = Vec::new();
        self.all().retain(|_, session| {
            let keep = session.phase.try_lock().is_err() || now.saturating_duration_since(session.used()) < longest;
            if !keep {
                rested.push(Arc::clone(session));
            }
            keep
        });
        if !rested.is_empty() {
            tracing::info!(count = rested.len(), "ended uploads that nobody went on with");
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<UploadId, Arc<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// What its client should see.
    pub(super) fn standing(&self) -> registry::Appended {
        registry::Appended { id: self.id.clone(), offset: self.offset.load(Ordering::Relaxed) }
    }

    /// Holds it; none while another request does.
    pub(super) fn hold(self: &Arc<Self>) -> Option<Held> {
        let phase = Arc::clone(&self.phase).try_lock_owned().ok()?;
        Some(Held { session: Arc::clone(self), phase })
    }

    /// What a client is told that goes on at another byte than it should, or while another request does.
    pub(super) fn out_of_turn(&self) -> Error {
        let registry::Appended { id, offset } = self.standing();
        let (name, error) = (self.name.clone(), registry::Error::OutOfTurn { id, offset });
        Error::Wire(shared::http::Error::OutOfTurn { name, error })
    }

    fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// The upload's file, if bytes are still taken.
    pub(super) fn file(&mut self) -> Result<&mut SpoolFile, Error> {
        match &mut *self.phase {
            Phase::Open(file) => Ok(file),
            Phase::Completed(_) => Err(registry::Error::UploadUnknown.into()),
        }
    }
}

impl Drop for Held {
    /// Others see how far it has come.
    fn drop(&mut self) {
        if let Phase::Open(file) = &*self.phase {
            self.session.offset.store(file.size(), Ordering::Relaxed);
        }
        *self.session.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use shared::oci::Algorithm;
    use tempfile::TempDir;

    use super::*;
    use crate::proxy::spool::Spool;

    async fn begun() -> (Sessions, Arc<Session>, TempDir) {
        let place = TempDir::new().unwrap();
        let spool = Spool::open(&place.path().join("spool"), 100).unwrap();
        let sessions = Sessions::default();
        let session = sessions.begin(&"a".parse().unwrap(), spool.create(Algorithm::Sha256).await.unwrap());
        (sessions, session, place)
    }

    fn files(place: &TempDir) -> usize {
        place
            .path()
            .join("spool")
            .read_dir()
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().path().extension() == Some("part".as_ref()))
            .count()
    }

    #[tokio::test]
    async fn only_one_request_holds_a_session() {
        let (_sessions, session, _place) = begun().await;
        let held = session.hold();
        assert!(held.is_some() && session.hold().is_none());
        drop(held);
        assert!(session.hold().is_some());
    }

    #[tokio::test]
    async fn an_upload_of_another_repository_is_unknown() {
        let (sessions, session, _place) = begun().await;
        assert!(sessions.find(&"b".parse().unwrap(), &session.id).is_err());
        assert!(sessions.find(&"a".parse().unwrap(), &session.id).is_ok());
    }

    #[tokio::test]
    async fn an_upload_that_rests_too_long_goes_with_its_file_but_not_while_it_is_held() {
        let (sessions, session, place) = begun().await;
        let (hour, id) = (Duration::from_hours(1), session.id.clone());
        let name = "a".parse().unwrap();
        sessions.forget_rested(Instant::now() + hour / 2, hour);
        let held = session.hold();
        sessions.forget_rested(Instant::now() + 2 * hour, hour);
        assert!(sessions.find(&name, &id).is_ok());
        drop((held, session));
        assert_eq!(files(&place), 1);
        sessions.forget_rested(Instant::now() + 2 * hour, hour);
        assert!(sessions.find(&name, &id).is_err());
        assert_eq!(files(&place), 0);
    }

    #[tokio::test]
    async fn a_cancelled_upload_goes_with_its_file() {
        let (sessions, session, place) = begun().await;
        let name = "a".parse().unwrap();
        sessions.cancel(&name, &session.id).unwrap();
        assert!(sessions.cancel(&name, &session.id).is_err());
        drop(session);
        assert_eq!(files(&place), 0);
    }
}
