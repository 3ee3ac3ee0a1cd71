//! Manifests, byte for byte.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, StatusCode};
use shared::oci::{Algorithm, Digest, Manifest, MediaType, Reference, RepositoryName};

use super::address::host_of;
use super::answer::{CONTENT_DIGEST, body, expect, header};
use super::auth::Scope;
use super::call::Call;
use super::{Remote, RemoteError};

/// What is understood.
const ACCEPTED: [MediaType; 4] =
    [MediaType::OCI_MANIFEST, MediaType::OCI_INDEX, MediaType::DOCKER_MANIFEST, MediaType::DOCKER_LIST];

/// A manifest as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteManifest {
    /// The digest of its bytes.
    pub(crate) digest: Digest,
    /// What it was served as, if that was said.
    pub(crate) media_type: Option<MediaType>,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Remote {
    /// Fetches a manifest. Its bytes are those that its digest, or the registry's header, names.
    pub(crate) async fn manifest(
        &self,
        name: &RepositoryName,
        reference: &Reference,
    ) -> Result<RemoteManifest, RemoteError> {
        let mut call = Call::new(Method::GET, self.url(name, &format!("manifests/{reference}")));
        for media_type in &ACCEPTED {
            call = call.header(ACCEPT, media_type.as_str());
        }
        let response = self.read(call, &Scope::pull(name)).await?;
        let response = expect("a manifest", &[StatusCode::OK], response).await?;
        let media_type = header(response.headers(), &CONTENT_TYPE);
        let promised: Option<Digest> = header(response.headers(), &CONTENT_DIGEST);
        let url = response.url().clone();
        let bytes = body(response, Manifest::MAX_BYTES).await?;
        let wanted = match reference {
            Reference::Digest(digest) => Some(digest.clone()),
            Reference::Tag(_) => promised,
        };
        let algorithm = wanted.as_ref().map_or(Algorithm::Sha256, Digest::algorithm);
        let digest = Digest::of(algorithm, &bytes);
        match wanted.filter(|wanted| *wanted != digest) {
            Some(wanted) => Err(RemoteError::Digest { host: host_of(&url), wanted: wanted.to_string() }),
            None => Ok(RemoteManifest { digest, media_type, bytes }),
        }
    }

    /// Stores a manifest, whose blobs and children the repository has.
    pub(crate) async fn put_manifest(
        &self,
        name: &RepositoryName,
        reference: &Reference,
        media_type: &MediaType,
        bytes: Vec<u8>,
    ) -> Result<(), RemoteError> {
        let url = self.url(name, &format!("manifests/{reference}"));
        let response = self.send(&Call::new(Method::PUT, url).bytes(media_type, bytes), &Scope::push(name)).await?;
        expect("a manifest", &[StatusCode::CREATED, StatusCode::OK, StatusCode::ACCEPTED], response).await?;
        Ok(())
    }
}
