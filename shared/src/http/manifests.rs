//! `/v2/<name>/manifests/<reference>`

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LOCATION};
use http::{Method, StatusCode};

use super::admission::refused;
use super::blobs::{etag, is_held_already};
use super::body::{WireBody, full};
use super::error::Error;
use super::headers::{CONTENT_DIGEST, SUBJECT, TAG};
use super::reply::Reply;
use super::route::Route;
use super::{Api, Call};
use crate::auth::{Action, Need};
use crate::oci::{Manifest, MediaType, Reference, RepositoryName, Tag};
use crate::registry::{self, PutManifest};

impl Api {
    pub(super) async fn manifest(
        &self,
        name: &RepositoryName,
        reference: Reference,
        call: &Call,
        body: WireBody,
    ) -> Result<Reply, Error> {
        match call.method {
            Method::PUT => self.put_manifest(name, reference, call, body).await,
            Method::DELETE => {
                self.registry.delete_manifest(name, &reference).await?;
                Ok(Reply::new(StatusCode::ACCEPTED))
            }
            _ => self.get_manifest(name, &reference, call).await,
        }
    }

    /// The bytes that were put, under the media type that they were put as.
    async fn get_manifest(&self, name: &RepositoryName, reference: &Reference, call: &Call) -> Result<Reply, Error> {
        let manifest = self.registry.manifest(name, reference).await?;
        let described = |status| {
            Reply::new(status)
                .with(&CONTENT_DIGEST, &manifest.digest)
                .with(&ETAG, etag(&manifest.digest))
                .with(&CONTENT_TYPE, &manifest.media_type)
        };
        if is_held_already(&call.headers, &manifest.digest) {
            return Ok(described(StatusCode::NOT_MODIFIED));
        }
        let reply = described(StatusCode::OK).with(&CONTENT_LENGTH, manifest.bytes.len());
        let has_body = self.settings.profile.sends_body(&call.method);
        Ok(if has_body { reply.body(full(manifest.bytes)) } else { reply })
    }

    async fn put_manifest(
        &self,
        name: &RepositoryName,
        reference: Reference,
        call: &Call,
        body: WireBody,
    ) -> Result<Reply, Error> {
        let media_type = match call.headers.get(CONTENT_TYPE) {
            Some(value) => Some(value.to_str().map_err(|_| Error::Header(CONTENT_TYPE))?.parse::<MediaType>()?),
            None => None,
        };
        let tags = call.query.all("tag").map(str::parse).collect::<Result<Vec<Tag>, _>>()?;
        let bytes = self.whole(body, Manifest::MAX_BYTES).await?;
        let overwriting = [Need::Action(Action::TagOverwrite, name.clone())];
        let decision = self.gate.decide(&call.caller, &overwriting).await?;
        let put = PutManifest {
            reference: reference.clone(),
            tags: tags.clone(),
            may_move_tags: decision.is_yes(),
            media_type,
            bytes,
        };
        let manifest = match self.registry.put_manifest(name, put).await {
            Err(registry::Error::TagTaken(_)) => return Err(refused(call, &overwriting, decision)),
            put => put?,
        };
        let location = Route::Manifest { name: name.clone(), reference: Reference::Digest(manifest.digest.clone()) };
        let mut reply =
            Reply::new(StatusCode::CREATED).with(&LOCATION, location).with(&CONTENT_DIGEST, &manifest.digest);
        if let Some(subject) = &manifest.subject {
            reply = reply.with(&SUBJECT, subject);
        }
        Ok(tags.iter().fold(reply, |reply, tag| reply.and(&TAG, tag)))
    }
}
