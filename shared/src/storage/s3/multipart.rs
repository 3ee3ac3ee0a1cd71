//! Multipart uploads: begun, fed, and either completed from recorded parts or aborted.

use std::fmt;
use std::str::FromStr;

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};

use super::S3Driver;
use super::client::patient;
use super::crc::Crc;
use super::error::outcome;
use super::objects::{CONTENT_TYPE, length, moment};
use super::rope::Rope;
use super::version::{self, Mark};
use crate::clock::Timestamp;
use crate::storage::driver::{Part, Unfinished, Version};
use crate::storage::path::{HOMES, OWN};
use crate::storage::{Error, ObjectPath, Result};

/// A multipart upload, and the mark of the object that it will be. As text, `<mark>:<S3's upload id>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Multipart {
    mark: Mark,
    id: String,
}

/// A text that names no multipart upload.
#[derive(Debug, thiserror::Error)]
#[error("a multipart upload is named by a mark and an id")]
pub(super) struct ParseMultipartError;

impl FromStr for Multipart {
    type Err = ParseMultipartError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mark, id) = text.split_once(':').ok_or(ParseMultipartError)?;
        Ok(Self { mark: Mark::new(mark), id: id.to_owned() })
    }
}

impl fmt::Display for Multipart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.mark.as_str(), self.id)
    }
}

impl Multipart {
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl S3Driver {
    pub(super) async fn begin(&self, path: &ObjectPath) -> Result<Multipart> {
        let mark = Mark::random();
        let request = self.client.create_multipart_upload().bucket(&self.bucket).key(path.as_str());
        let begun = request
            .content_type(CONTENT_TYPE)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_type(ChecksumType::FullObject)
            .set_metadata(Some(mark.metadata()))
            .send()
            .await
            .map_err(|error| outcome(path, error))?;
        match begun.upload_id {
            Some(id) => Ok(Multipart { mark, id }),
            None => Err(Error::Failed("a multipart upload without an id".into())),
        }
    }

    /// Stores one part, and everything that is needed to complete with it.
    pub(super) async fn upload(
        &self,
        path: &ObjectPath,
        upload: &Multipart,
        number: u32,
        content: Rope,
    ) -> Result<Part> {
        let content = content.tied();
        let checksum = content.crc().to_base64();
        let request = self.client.upload_part().bucket(&self.bucket).key(path.as_str()).upload_id(&upload.id);
        let stored = request
            .part_number(part_number(number))
            .content_length(length(content.size()))
            .checksum_crc64_nvme(&checksum)
            .body(content.body())
            .send()
            .await
            .map_err(|error| outcome(path, error))?;
        let etag = stored.e_tag.ok_or_else(|| Error::Failed("a part without a tag".into()))?;
        Ok(Part { number, size: content.size(), etag, checksum: Some(checksum) })
    }

    /// Makes the recorded parts one object. The store compares their tags, the sum of their sizes, their checksums, and the
    /// checksum of all the bytes with that of the object.
    pub(super) async fn complete(&self, path: &ObjectPath, upload: &Multipart, parts: &[Part]) -> Result<Version> {
        let (size, crc) = (parts.iter().map(|part| part.size).sum(), Crc::of_parts(parts));
        let parts = parts.iter().map(|part| {
            let completed = CompletedPart::builder().part_number(part_number(part.number)).e_tag(&part.etag);
            completed.set_checksum_crc64_nvme(part.checksum.clone()).build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let request = self.client.complete_multipart_upload().bucket(&self.bucket).key(path.as_str());
        let completed = request
            .upload_id(&upload.id)
            .checksum_type(ChecksumType::FullObject)
            .mpu_object_size(length(size))
            .set_checksum_crc64_nvme(crc.map(Crc::to_base64))
            .multipart_upload(parts)
            .customize()
            .config_override(patient())
            .send()
            .await
            .map_err(|error| outcome(path, error));
        match completed {
            Ok(completed) => Ok(upload.mark.version(completed.version_id())),
            Err(gone @ Error::CheckpointGone(_)) => self.completed_before(path, upload, size, crc).await?.ok_or(gone),
            Err(error) => Err(error),
        }
    }

    /// The object that the upload became, when the answer that said so was lost and the request was sent again. Its mark
    /// says that it came of this upload; its size, and its checksum where the store keeps one, that it came of these parts.
    async fn completed_before(
        &self,
        path: &ObjectPath,
        upload: &Multipart,
        size: u64,
        crc: Option<Crc>,
    ) -> Result<Option<Version>> {
        match self.head_with_checksum(path).await {
            Ok(head) => {
                let is_other = |wanted: String| head.checksum_crc64_nvme().is_some_and(|found| *found != wanted);
                let is_same = version::is_marked(&head, &upload.mark)
                    && head.content_length() == Some(length(size))
                    && !crc.map(Crc::to_base64).is_some_and(is_other);
                Ok(is_same.then(|| version::found(&head)))
            }
            Err(error) if error.may_mean_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Multipart uploads begun before `before`, with a mark of no object: they can only be forgotten.
    pub(super) async fn multiparts(&self, before: Timestamp, limit: usize) -> Result<Vec<Unfinished>> {
        let mut found = Vec::new();
        for prefix in [OWN, HOMES] {
            found.extend(self.multiparts_below(prefix, before, limit - found.len()).await?);
        }
        Ok(found)
    }

    async fn multiparts_below(&self, prefix: &str, before: Timestamp, limit: usize) -> Result<Vec<Unfinished>> {
        let (mut found, mut key, mut id) = (Vec::new(), None, None);
        loop {
            let request = self.client.list_multipart_uploads().bucket(&self.bucket).prefix(prefix);
            let listed = request.set_key_marker(key.take()).set_upload_id_marker(id.take()).send().await;
            let listed = listed.map_err(|error| outcome(&ObjectPath::nothing(), error))?;
            found.extend(listed.uploads().iter().filter_map(|upload| {
                let path: ObjectPath = upload.key()?.parse().ok()?;
                let id = upload.upload_id()?.to_owned();
                let is_old = moment(upload.initiated()) < before;
                is_old
                    .then(|| Unfinished { path: Some(path), upload: Multipart { mark: Mark::new(""), id }.to_string() })
            }));
            (key, id) = (listed.next_key_marker, listed.next_upload_id_marker);
            if found.len() >= limit || listed.is_truncated != Some(true) || key.is_none() {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }

    /// Forgets the upload and its parts, when they are still there.
    pub(super) async fn abort(&self, path: &ObjectPath, upload: &Multipart) -> Result<()> {
        let request = self.client.abort_multipart_upload().bucket(&self.bucket).key(path.as_str());
        match request.upload_id(&upload.id).send().await.map_err(|error| outcome(path, error)) {
            Ok(_) | Err(Error::CheckpointGone(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Forgets the upload on the way out of a failure, which is what the caller will hear of.
    pub(super) async fn abort_after_failure(&self, path: &ObjectPath, upload: &Multipart) {
        if let Err(error) = self.abort(path, upload).await {
            tracing::warn!(%path, upload = upload.id, %error, "a multipart upload is left to the bucket's lifecycle");
        }
    }
}

pub(super) fn part_number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
