//! A client of any OCI registry: credentials, tokens, retries, redirects, blobs and manifests.
//!
//! Nothing of a blob is held in memory. No credential and no presigned URL is in an error or in the log. Requests that
//! failed for a while are sent again; what is final is told as [`RemoteError`].

mod address;
mod answer;
mod auth;
mod blobs;
mod call;
mod credentials;
mod download;
mod error;
mod local;
mod manifests;
mod redirect;
mod retry;
mod sign_in;
#[cfg(test)]
mod tests;
mod transport;
mod upload;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use reqwest::Response;
use shared::oci::RepositoryName;
use url::Url;

pub(crate) use address::{
    DEFAULT_REGISTRY, DEFAULT_REGISTRY_KEY, base_url, credentials_key, is_loopback, registry_url,
};
use auth::{Authorizer, Scope};
use call::Call;
pub(crate) use credentials::{Credentials, CredentialsError, DockerConfig, Kept, Login, NOT_FOUND, host};
pub(crate) use download::Download;
pub(crate) use error::{Refusal, RemoteError};
pub(crate) use local::{LocalBlob, Progress};
pub(crate) use sign_in::Welcome;
use transport::Http;
pub(crate) use upload::Uploaded;

/// A registry, as one caller sees it. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    registry: Arc<Registry>,
    authorizer: Arc<Authorizer>,
}

/// What all callers of a registry share.
#[derive(Debug)]
struct Registry {
    base: Url,
    http: Http,
    /// Set once it turned out that bytes cannot go straight into the buckets.
    lacks_direct: AtomicBool,
}

impl Remote {
    /// The registry at `base`, of which only scheme, host and port count, for a caller with these credentials. Sends nothing
    /// yet.
    pub(crate) fn new(base: Url, credentials: Credentials) -> Result<Self, RemoteError> {
        let http = Http::new()?;
        let authorizer = Arc::new(Authorizer::new(&base, credentials));
        Ok(Self { registry: Arc::new(Registry { base, http, lacks_direct: AtomicBool::new(false) }), authorizer })
    }

    /// The same registry and its connections, for a caller with other credentials.
    pub(crate) fn with_credentials(&self, credentials: Credentials) -> Self {
        let authorizer = Arc::new(Authorizer::new(&self.registry.base, credentials));
        Self { registry: Arc::clone(&self.registry), authorizer }
    }

    /// The URL of a path below a repository's.
    fn url(&self, name: &RepositoryName, below: &str) -> Url {
        let mut url = self.registry.base.clone();
        url.set_path(&format!("/v2/{name}/{below}"));
        url.set_query(None);
        url
    }

    /// Sends a request until it has an answer that is not for a while only; whatever its status.
    async fn send(&self, call: &Call, scope: &Scope) -> Result<Response, RemoteError> {
        retry::patiently(|| self.send_once(call, scope)).await
    }

    /// Sends a request once; again only when the registry wants to know first who asks.
    async fn send_once(&self, call: &Call, scope: &Scope) -> Result<Response, RemoteError> {
        let registry = &*self.registry;
        if call.url.origin() != registry.base.origin() {
            return registry.http.send(call, None).await;
        }
        let shown = self.authorizer.header(&registry.http, scope).await?;
        let response = registry.http.send(call, shown.as_ref()).await?;
        if response.status() != http::StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        match self.authorizer.renewed(&registry.http, scope, shown.as_ref(), response.headers()).await? {
            Some(renewed) => registry.http.send(call, Some(&renewed)).await,
            None => Ok(response),
        }
    }
}
