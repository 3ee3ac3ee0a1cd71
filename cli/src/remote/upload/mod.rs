//! Putting a blob into a repository: straight into its bucket where that is offered, by the specification elsewhere.

mod chunks;
mod direct;
mod parts;
mod whole;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::StatusCode;
use reqwest::Response;
use shared::oci::RepositoryName;

use super::answer::expect;
use super::auth::Scope;
use super::local::Meter;
use super::retry::Patience;
use super::{LocalBlob, Progress, Remote, RemoteError, retry};

/// What became of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Uploaded {
    /// Its bytes were sent.
    Sent,
    /// The repository had it already, which was found out before a byte was sent.
    Present,
}

/// A blob on its way into a repository.
#[derive(Debug)]
struct Upload<'a> {
    remote: &'a Remote,
    name: &'a RepositoryName,
    blob: &'a LocalBlob,
    scope: Scope,
    meter: Arc<Meter>,
}

/// How an attempt at one way of uploading ended.
#[derive(Debug)]
enum Direct {
    /// The blob is there.
    Done(Uploaded),
    /// The registry has no such way, or the bucket cannot be reached from here.
    NotOffered,
}

impl Remote {
    /// Puts a blob into a repository, where it is afterwards, verified. Sends it even when the repository has it, unless
    /// that is said in time; what breaks off is taken up or begun again.
    pub(crate) async fn upload(
        &self,
        name: &RepositoryName,
        blob: &LocalBlob,
        progress: Progress,
    ) -> Result<Uploaded, RemoteError> {
        blob.check().await?;
        let upload = Upload { remote: self, name, blob, scope: Scope::push(name), meter: Meter::new(progress) };
        if !self.registry.lacks_direct.load(Ordering::Relaxed)
            && let Direct::Done(uploaded) = upload.direct().await?
        {
            return Ok(uploaded);
        }
        upload.plain().await
    }
}

impl Upload<'_> {
    /// By the specification's own means, begun again while that may help.
    async fn plain(&self) -> Result<Uploaded, RemoteError> {
        let mut patience = Patience::default();
        loop {
            let (session, chunk) = self.begin().await?;
            let sent = match chunk.filter(|chunk| *chunk < self.blob.size) {
                Some(chunk) => self.in_chunks(session, chunk).await,
                None => self.whole(session).await,
            };
            match sent {
                Ok(()) => return Ok(Uploaded::Sent),
                Err(error) if is_forgotten(&error) => {
                    if self.remote.has_blob(self.name, &self.blob.digest).await? {
                        return Ok(Uploaded::Sent);
                    }
                    match patience.delay(None) {
                        Some(delay) => tokio::time::sleep(delay).await,
                        None => return Err(error),
                    }
                }
                Err(error) => patience.wait_out(error).await?,
            }
        }
    }

    /// Fails unless the blob was stored.
    async fn stored(&self, response: Response) -> Result<(), RemoteError> {
        let stored = [StatusCode::CREATED, StatusCode::OK, StatusCode::NO_CONTENT];
        expect("a blob", &stored, response).await.map(drop)
    }
}

/// Whether an upload is over: because it took too long, or because it was completed, and only the answer was lost.
fn is_forgotten(error: &RemoteError) -> bool {
    error.status() == Some(StatusCode::NOT_FOUND) && !retry::may_pass(error)
}
