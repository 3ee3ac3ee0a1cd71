//! Copies that the store makes by itself.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ChecksumAlgorithm, MetadataDirective};
use futures::{StreamExt, TryStreamExt, stream};

use super::S3Driver;
use super::client::patient;
use super::copy_plan::{CopyRange, copy_ranges};
use super::crc::Crc;
use super::direct::digest_of;
use super::error::outcome;
use super::multipart::{Multipart, part_number};
use super::objects::{CONTENT_TYPE, bytes};
use super::plan::LARGEST_PART;
use super::version::{Mark, versioned};
use crate::storage::driver::{Copied, Part};
use crate::storage::{Error, ObjectPath, Result};

/// A copy whose checksum is not that of its source.
#[derive(Debug, thiserror::Error)]
#[error("the copy's checksum is not that of its source")]
struct CopyDiffers;

/// Ranges copied at once.
const TOGETHER: usize = 8;

impl S3Driver {
    /// Copies an object of a bucket in the same realm. Its size is asked for only when one copy was refused.
    pub(super) async fn copy(&self, source: &Self, from: &ObjectPath, to: &ObjectPath) -> Result<Copied> {
        let mark = Mark::random();
        let request = self.client.copy_object().bucket(&self.bucket).key(to.as_str());
        let copied = request
            .copy_source(format!("{}/{from}", source.bucket))
            .content_type(CONTENT_TYPE)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .metadata_directive(MetadataDirective::Replace)
            .set_metadata(Some(mark.metadata()))
            .customize()
            .config_override(patient())
            .send()
            .await;
        match copied {
            Ok(copied) => Ok(Copied {
                version: mark.version(copied.version_id()),
                source: versioned(copied.copy_source_version_id()),
                sha256: copied.copy_object_result().and_then(|made| made.checksum_sha256()).and_then(digest_of),
                is_compared: false,
            }),
            // Too large a source is an invalid request like many others: its size tells.
            Err(error) if matches!(error.code(), Some("InvalidRequest" | "EntityTooLarge")) => {
                let head = source.head_with_checksum(from).await?;
                if bytes(head.content_length()) <= LARGEST_PART {
                    return Err(outcome(from, error));
                }
                self.copy_ranges(source, from, to, head).await
            }
            Err(error) => Err(outcome(from, error)),
        }
    }

    /// Copies exactly the object that `head` describes, range by range.
    pub(super) async fn copy_ranges(
        &self,
        source: &Self,
        from: &ObjectPath,
        to: &ObjectPath,
        head: HeadObjectOutput,
    ) -> Result<Copied> {
        let ranges = copy_ranges(bytes(head.content_length()))
            .ok_or_else(|| Error::Failed("larger than an object can be".into()))?;
        let upload = self.begin(to).await?;
        let copied = async {
            let copies = ranges.map(|range| self.copy_range(source, from, to, &head, &upload, range));
            let parts: Vec<Part> = stream::iter(copies).buffered(TOGETHER).try_collect().await?;
            let (whole, copy) = (head.checksum_crc64_nvme(), Crc::of_parts(&parts).map(Crc::to_base64));
            let is_compared = match (whole, copy) {
                (Some(whole), Some(copy)) if *whole != copy => return Err(Error::Failed(CopyDiffers.into())),
                (whole, copy) => whole.is_some() && copy.is_some(),
            };
            Ok((self.complete(to, &upload, &parts).await?, is_compared))
        };
        match copied.await {
            Ok((version, is_compared)) => {
                Ok(Copied { version, source: versioned(head.version_id()), sha256: None, is_compared })
            }
            Err(error) => {
                self.abort_after_failure(to, &upload).await;
                Err(error)
            }
        }
    }

    async fn copy_range(
        &self,
        source: &Self,
        from: &ObjectPath,
        to: &ObjectPath,
        head: &HeadObjectOutput,
        upload: &Multipart,
        range: CopyRange,
    ) -> Result<Part> {
        let version =
            head.version_id().filter(|id| *id != "null").map(|id| format!("?versionId={id}")).unwrap_or_default();
        let request = self.client.upload_part_copy().bucket(&self.bucket).key(to.as_str()).upload_id(upload.id());
        let copied = request
            .part_number(part_number(range.number))
            .copy_source(format!("{}/{from}{version}", source.bucket))
            .set_copy_source_if_match(head.e_tag().map(ToOwned::to_owned))
            .copy_source_range(format!("bytes={}-{}", range.first, range.last))
            .customize()
            .config_override(patient())
            .send()
            .await
            .map_err(|error| match outcome(from, error) {
                // Something else lies there now: the object that was to be copied does not.
                Error::AlreadyExists(from) => Error::NotFound(from),
                error => error,
            })?;
        let result = copied.copy_part_result.ok_or_else(|| Error::Failed("a copied part without a result".into()))?;
        let etag = result.e_tag.ok_or_else(|| Error::Failed("a part without a tag".into()))?;
        Ok(Part { number: range.number, size: range.size(), etag, checksum: result.checksum_crc64_nvme })
    }
}
