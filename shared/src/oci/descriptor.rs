//! How a manifest names content.

use serde::{Deserialize, Serialize};

use super::object::Object;
use super::{Annotations, Digest, MediaType, ParseDigestError, ParseMediaTypeError};

/// Content by type, digest and size. Other fields of the specification (`urls`, `data`, `platform`) are not kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Object<RawDescriptor>")]
pub struct Descriptor {
    /// What the content is.
    pub media_type: MediaType,
    /// The digest of its bytes.
    pub digest: Digest,
    /// How many bytes it has; never more than `i64::MAX` in what was parsed.
    pub size: u64,
    /// What kind of artifact it is, for a manifest that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// Free-form metadata.
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

impl Descriptor {
    /// The largest size: what clients read into a signed 64-bit number.
    pub const MAX_SIZE: u64 = i64::MAX as u64;

    /// A descriptor with nothing but what is required.
    #[must_use]
    pub fn new(media_type: MediaType, digest: Digest, size: u64) -> Self {
        Self { media_type, digest, size, artifact_type: None, annotations: Annotations::new() }
    }
}

/// Why a JSON object is not a descriptor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptorError {
    /// A required field is absent or null.
    #[error("a descriptor needs {0:?}")]
    Missing(&'static str),
    /// The media type or artifact type is none.
    #[error(transparent)]
    MediaType(#[from] ParseMediaTypeError),
    /// The digest is malformed, or of an unknown algorithm.
    #[error(transparent)]
    Digest(#[from] ParseDigestError),
    /// The size is negative, a fraction, or beyond 2^63 - 1.
    #[error("the size of a descriptor is a whole number of bytes from 0 to 9223372036854775807")]
    Size,
}

/// A descriptor as it came, before it is judged.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawDescriptor {
    media_type: Option<String>,
    digest: Option<String>,
    size: Option<serde_json::Number>,
    artifact_type: Option<String>,
    annotations: Option<Annotations>,
}

impl TryFrom<Object<RawDescriptor>> for Descriptor {
    type Error = DescriptorError;

    fn try_from(Object(raw): Object<RawDescriptor>) -> Result<Self, Self::Error> {
        let media_type = raw.media_type.ok_or(DescriptorError::Missing("mediaType"))?.parse()?;
        let digest = raw.digest.ok_or(DescriptorError::Missing("digest"))?.parse()?;
        let size = raw.size.ok_or(DescriptorError::Missing("size"))?.as_u64();
        let size = size.filter(|&size| size <= Self::MAX_SIZE).ok_or(DescriptorError::Size)?;
        let artifact_type = raw.artifact_type.filter(|text| !text.is_empty()).map(|text| text.parse()).transpose()?;
        Ok(Self { media_type, digest, size, artifact_type, annotations: raw.annotations.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn with(media_type: &str, digest: &str, size: &str) -> Result<Descriptor, String> {
        let json = format!(r#"{{"mediaType":{media_type},"digest":{digest},"size":{size},"urls":[],"data":"e30="}}"#);
        serde_json::from_str(&json).map_err(|error| error.to_string())
    }

    #[test]
    fn unknown_fields_are_ignored_and_empty_ones_not_written() -> Result<(), String> {
        let descriptor = with(r#""application/json""#, &format!("{DIGEST:?}"), "9223372036854775807")?;
        let json = serde_json::to_string(&descriptor).map_err(|error| error.to_string())?;
        assert_eq!(
            json,
            format!(r#"{{"mediaType":"application/json","digest":"{DIGEST}","size":9223372036854775807}}"#)
        );
        Ok(())
    }

    #[test]
    fn a_descriptor_survives_json() -> Result<(), serde_json::Error> {
        let digest = Digest::of(crate::oci::Algorithm::Sha512, b"x");
        let mut descriptor = Descriptor::new(MediaType::OCI_MANIFEST, digest, 1);
        descriptor.artifact_type = Some(MediaType::JSON);
        descriptor.annotations.insert("a".into(), "b".into());
        let json = serde_json::to_string(&descriptor)?;
        assert!(json.ends_with(r#""artifactType":"application/json","annotations":{"a":"b"}}"#));
        assert_eq!(serde_json::from_str::<Descriptor>(&json)?, descriptor);
        Ok(())
    }

    #[test]
    fn null_and_empty_are_absent() {
        let json =
            format!(r#"{{"mediaType":"a/b","digest":"{DIGEST}","size":0,"artifactType":"","annotations":null}}"#);
        let descriptor = serde_json::from_str::<Descriptor>(&json).ok();
        assert_eq!(descriptor.map(|descriptor| descriptor.artifact_type), Some(None));
    }

    #[test]
    fn a_bad_size_is_refused() {
        let size = |size| with(r#""a/b""#, &format!("{DIGEST:?}"), size);
        for bad in
            ["-1", "-0.0", "1.0", "1e3", "9223372036854775808", "99999999999999999999999", "-9223372036854775809"]
        {
            let message = size(bad).err().unwrap_or_default();
            assert!(message.starts_with("the size of a descriptor is a whole number"), "{bad}: {message}");
        }
        assert!(size(r#""1""#).is_err());
        assert!(size("1e999").is_err());
        assert!(size("null").is_err_and(|message| message.contains(r#"needs "size""#)));
    }

    #[test]
    fn a_bad_digest_or_media_type_is_refused_by_name() {
        let digest = |digest| with(r#""a/b""#, digest, "1").err().unwrap_or_default();
        assert!(digest(r#""md5:00""#).contains(r#""md5" is not supported"#));
        assert!(digest(r#""sha256:00""#).contains("has 64 hex digits, not 2"));
        assert!(with(r#""json""#, &format!("{DIGEST:?}"), "1").is_err());
    }

    #[test]
    fn an_array_is_no_descriptor() {
        let json = format!(r#"["a/b","{DIGEST}",1,null,null]"#);
        assert!(serde_json::from_str::<Descriptor>(&json).is_err());
    }
}
