//! Whether a repository has a blob, and giving it one that another repository has.

use http::{Method, StatusCode};
use shared::oci::{Digest, RepositoryName};

use super::auth::Scope;
use super::call::Call;
use super::{Download, Refusal, Remote, RemoteError, answer};

/// Where uploads begin, below a repository's path.
pub(super) const UPLOADS: &str = "blobs/uploads/";

impl Remote {
    /// Whether the repository has this blob.
    pub(crate) async fn has_blob(&self, name: &RepositoryName, digest: &Digest) -> Result<bool, RemoteError> {
        let call = Call::new(Method::HEAD, self.url(name, &format!("blobs/{digest}")));
        let response = self.read(call, &Scope::pull(name)).await?;
        match response.status() {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(Refusal::read("to say whether it has a blob", response).await.into()),
        }
    }

    /// Links the blob from another repository of the same registry, if that has it and the caller may read it there.
    pub(crate) async fn mount(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        from: &RepositoryName,
    ) -> Result<bool, RemoteError> {
        let mut url = self.url(name, UPLOADS);
        url.query_pairs_mut().append_pair("mount", digest.as_str()).append_pair("from", from.as_str());
        let scope = Scope::mount(name, from);
        let response = self.send(&Call::new(Method::POST, url), &scope).await?;
        if response.status() == StatusCode::ACCEPTED {
            // An upload was begun instead, which is not wanted.
            if let Ok(location) = answer::location(&self.registry.base, &response) {
                self.give_up(location, &Scope::push(name)).await;
            }
        }
        Ok(response.status() == StatusCode::CREATED)
    }

    /// Reads a blob from byte `offset` on.
    pub(crate) fn download(&self, name: &RepositoryName, digest: &Digest, size: u64, offset: u64) -> Download {
        Download::new(self.clone(), name.clone(), digest.clone(), size, offset)
    }

    /// Lets an upload be forgotten. Nobody minds when that fails: it is forgotten later.
    pub(super) async fn give_up(&self, location: url::Url, scope: &Scope) {
        if let Err(error) = self.send_once(&Call::new(Method::DELETE, location), scope).await {
            tracing::debug!(%error, "an upload could not be given up");
        }
    }
}
