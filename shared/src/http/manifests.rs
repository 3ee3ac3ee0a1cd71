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
use crate::oci::{Digest, Manifest, MediaType, Reference, RepositoryName, Tag};
use crate::registry::PutManifest;

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
        self.check_overwriting(name, &reference, &tags, &bytes, call).await?;
        let put = PutManifest { reference: reference.clone(), tags: tags.clone(), media_type, bytes };
        let manifest = self.registry.put_manifest(name, put).await?;
        let location = Route::Manifest { name: name.clone(), reference: Reference::Digest(manifest.digest.clone()) };
        let mut reply =
            Reply::new(StatusCode::CREATED).with(&LOCATION, location).with(&CONTENT_DIGEST, &manifest.digest);
        if let Some(subject) = &manifest.subject {
            reply = reply.with(&SUBJECT, subject);
        }
        Ok(tags.iter().fold(reply, |reply, tag| reply.and(&TAG, tag)))
    }

    /// Refuses to move a tag from another manifest for a caller who may only give new ones.
    async fn check_overwriting(
        &self,
        name: &RepositoryName,
        reference: &Reference,
        tags: &[Tag],
        bytes: &[u8],
        call: &Call,
    ) -> Result<(), Error> {
        let need = [Need::Action(Action::TagOverwrite, name.clone())];
        let decision = self.gate.decide(&call.caller, &need).await?;
        if decision.is_yes() {
            return Ok(());
        }
        let named = match reference {
            Reference::Tag(tag) => Some(tag),
            Reference::Digest(_) => None,
        };
        for tag in named.into_iter().chain(tags) {
            if let Some(digest) = self.registry.tagged(name, tag).await?
                && digest != Digest::of(digest.algorithm(), bytes)
            {
                return Err(refused(call, &need, decision));
            }
        }
        Ok(())
    }
}
