//! Versions: S3's own where the bucket keeps versions, a mark of ours in the object's metadata where it does not.

use std::collections::HashMap;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;

use crate::oci::UploadId;
use crate::storage::Version;

/// The key of user metadata under which every write leaves its mark.
const KEY: &str = "ringhold-version";

/// What S3 calls the version of an object that was written while its bucket kept none.
pub(super) const UNKEPT: &str = "null";

/// What one write leaves in the object's metadata: drawn anew for each, so that it tells the write apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark(String);

impl Mark {
    pub(super) fn random() -> Self {
        Self(UploadId::random().to_string())
    }

    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The metadata of an object that this mark's write makes.
    pub(super) fn metadata(&self) -> HashMap<String, String> {
        HashMap::from([(KEY.to_owned(), self.0.clone())])
    }

    /// The version of the object that this mark's write made, under the `VersionId` that the store answered.
    pub(super) fn version(&self, version_id: Option<&str>) -> Version {
        versioned(version_id).unwrap_or_else(|| Version::new(format!("m:{}", self.0)))
    }
}

/// The version that S3 calls by this name. Suspended versioning names every object alike, which names none.
pub(super) fn versioned(version_id: Option<&str>) -> Option<Version> {
    let id = version_id.filter(|id| *id != UNKEPT)?;
    Some(Version::new(format!("v:{id}")))
}

/// The version of an object that was asked for.
///
/// An object that others wrote, into a bucket without versions, has no mark: it is told by its tag and its time.
pub(super) fn found(head: &HeadObjectOutput) -> Version {
    let mark = head.metadata().and_then(|metadata| metadata.get(KEY)).map(|text| Mark::new(text));
    match (versioned(head.version_id()), mark) {
        (Some(version), _) => version,
        (None, Some(mark)) => mark.version(None),
        (None, None) => {
            let time = head.last_modified().map_or(0, aws_sdk_s3::primitives::DateTime::secs);
            Version::new(format!("e:{}:{time}", head.e_tag().unwrap_or_default()))
        }
    }
}

/// Whether the write with this mark made the object.
pub(super) fn is_marked(head: &HeadObjectOutput, mark: &Mark) -> bool {
    head.metadata().and_then(|metadata| metadata.get(KEY)).is_some_and(|text| *text == mark.0)
}

/// S3's own name of a version, when it has one.
pub(super) fn version_id(version: &Version) -> Option<&str> {
    version.as_str().strip_prefix("v:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_versioned_bucket_names_its_versions_itself() {
        let mark = Mark::random();
        assert_eq!(mark.version(Some("3sL4kq")), Version::new("v:3sL4kq"));
        assert_eq!(version_id(&mark.version(Some("3sL4kq"))), Some("3sL4kq"));
        for unversioned in [None, Some("null")] {
            assert_eq!(mark.version(unversioned), Version::new(format!("m:{}", mark.as_str())));
            assert_eq!(version_id(&mark.version(unversioned)), None);
        }
    }

    #[test]
    fn an_object_is_known_by_the_mark_of_its_write() {
        let (mark, other) = (Mark::random(), Mark::random());
        let head = HeadObjectOutput::builder().set_metadata(Some(mark.metadata())).e_tag("\"tag\"").build();
        assert_eq!(found(&head), mark.version(None));
        assert!(is_marked(&head, &mark) && !is_marked(&head, &other));
        let foreign = HeadObjectOutput::builder().e_tag("\"tag\"").build();
        assert_eq!(found(&foreign), Version::new("e:\"tag\":0"));
    }
}
