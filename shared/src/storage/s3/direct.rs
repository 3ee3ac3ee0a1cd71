//! Objects that clients put themselves.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::S3Driver;
use super::error::outcome;
use super::multipart::{Multipart, part_number};
use super::objects::{CONTENT_TYPE, bytes, length};
use super::version::{self, Mark};
use crate::oci::{Algorithm, Digest};
use crate::storage::driver::{Part, Version};
use crate::storage::{ClientRequest, DirectUploads, Error, ObjectPath, PutObject, Result, SignedPart, SignedPut};

#[async_trait]
impl DirectUploads for S3Driver {
    async fn put_request(&self, path: &ObjectPath, mark: &str, put: &SignedPut<'_>) -> Result<ClientRequest> {
        let request = self.client.put_object().bucket(&self.bucket).key(path.as_str());
        let signed = request
            .content_type(CONTENT_TYPE)
            .content_length(length(put.size))
            .checksum_sha256(sum_of(put.sha256)?)
            .set_metadata(Some(Mark::new(mark).metadata()))
            .presigned(lasting(put.expires)?)
            .await;
        request_of(path, signed)
    }

    /// One HEAD.
    async fn put_object(&self, path: &ObjectPath, mark: &str) -> Result<Option<PutObject>> {
        let head = match self.head_with_checksum(path).await {
            Ok(head) => head,
            Err(error) if error.may_mean_absent() => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(version::is_marked(&head, &Mark::new(mark)).then(|| PutObject {
            size: bytes(head.content_length()),
            version: version::found(&head),
            sha256: head.checksum_sha256().and_then(digest_of),
        }))
    }

    async fn begin_parts(&self, path: &ObjectPath) -> Result<String> {
        self.begin(path).await.map(|upload| upload.to_string())
    }

    async fn part_request(&self, path: &ObjectPath, upload: &str, part: &SignedPart<'_>) -> Result<ClientRequest> {
        let upload = multipart(path, upload)?;
        let request = self.client.upload_part().bucket(&self.bucket).key(path.as_str()).upload_id(upload.id());
        let signed = request
            .part_number(part_number(part.number))
            .content_length(length(part.size))
            .checksum_crc64_nvme(part.checksum)
            .presigned(lasting(part.expires)?)
            .await;
        request_of(path, signed)
    }

    async fn end_parts(&self, path: &ObjectPath, upload: &str, parts: &[Part]) -> Result<Version> {
        self.complete(path, &multipart(path, upload)?, parts).await
    }

    async fn forget_parts(&self, path: &ObjectPath, upload: &str) -> Result<()> {
        self.abort(path, &multipart(path, upload)?).await
    }
}

fn multipart(path: &ObjectPath, text: &str) -> Result<Multipart> {
    text.parse().map_err(|_| Error::CheckpointGone(path.clone()))
}

fn lasting(expires: std::time::Duration) -> Result<PresigningConfig> {
    PresigningConfig::expires_in(expires).map_err(|error| Error::Failed(error.into()))
}

/// A SHA-256 as S3 writes it.
fn sum_of(digest: &Digest) -> Result<String> {
    let bytes = hex::decode(digest.hex()).map_err(|error| Error::Failed(error.into()))?;
    Ok(BASE64_STANDARD.encode(bytes))
}

/// A SHA-256 that S3 wrote. That of an object in parts is of their sums, and no digest.
pub(super) fn digest_of(sum: &str) -> Option<Digest> {
    let bytes = BASE64_STANDARD.decode(sum).ok().filter(|bytes| bytes.len() == 32)?;
    format!("{}:{}", Algorithm::Sha256.as_str(), hex::encode(bytes)).parse().ok()
}

fn request_of<E>(
    path: &ObjectPath,
    signed: Result<PresignedRequest, SdkError<E, HttpResponse>>,
) -> Result<ClientRequest>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let signed = signed.map_err(|error| outcome(path, error))?;
    let headers: BTreeMap<_, _> = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(ClientRequest { url: signed.uri().to_owned(), headers })
}
