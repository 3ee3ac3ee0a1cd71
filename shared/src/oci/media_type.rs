//! What content is, in the words of RFC 6838.

use std::borrow::Cow;
use std::str::FromStr;

use super::MediaKind;
use super::text::{as_text, excerpt};

/// A media type, `type/subtype`, without parameters; unknown ones are kept as they are.
///
/// Compared byte by byte: the types that matter are written in lower case by every client.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaType(Cow<'static, str>);

const fn known(text: &'static str) -> MediaType {
    MediaType(Cow::Borrowed(text))
}

impl MediaType {
    /// An OCI image manifest.
    pub const OCI_MANIFEST: Self = known("application/vnd.oci.image.manifest.v1+json");
    /// An OCI image index.
    pub const OCI_INDEX: Self = known("application/vnd.oci.image.index.v1+json");
    /// An OCI image configuration.
    pub const OCI_CONFIG: Self = known("application/vnd.oci.image.config.v1+json");
    /// An OCI layer, not compressed.
    pub const OCI_LAYER: Self = known("application/vnd.oci.image.layer.v1.tar");
    /// An OCI layer, gzip.
    pub const OCI_LAYER_GZIP: Self = known("application/vnd.oci.image.layer.v1.tar+gzip");
    /// An OCI layer, zstd.
    pub const OCI_LAYER_ZSTD: Self = known("application/vnd.oci.image.layer.v1.tar+zstd");
    /// An OCI layer that may not be distributed, not compressed.
    pub const OCI_FOREIGN_LAYER: Self = known("application/vnd.oci.image.layer.nondistributable.v1.tar");
    /// An OCI layer that may not be distributed, gzip.
    pub const OCI_FOREIGN_LAYER_GZIP: Self = known("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
    /// An OCI layer that may not be distributed, zstd.
    pub const OCI_FOREIGN_LAYER_ZSTD: Self = known("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd");
    /// The empty JSON object that stands for "no configuration" in artifacts.
    pub const OCI_EMPTY: Self = known("application/vnd.oci.empty.v1+json");
    /// A Docker image manifest, version 2, schema 2.
    pub const DOCKER_MANIFEST: Self = known("application/vnd.docker.distribution.manifest.v2+json");
    /// A Docker manifest list.
    pub const DOCKER_LIST: Self = known("application/vnd.docker.distribution.manifest.list.v2+json");
    /// A Docker image configuration.
    pub const DOCKER_CONFIG: Self = known("application/vnd.docker.container.image.v1+json");
    /// A Docker layer.
    pub const DOCKER_LAYER: Self = known("application/vnd.docker.image.rootfs.diff.tar.gzip");
    /// A Docker layer that may not be distributed.
    pub const DOCKER_FOREIGN_LAYER: Self = known("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    /// A Docker schema 1 manifest, which no current client writes.
    pub const DOCKER_SCHEMA1: Self = known("application/vnd.docker.distribution.manifest.v1+json");
    /// A signed Docker schema 1 manifest.
    pub const DOCKER_SCHEMA1_SIGNED: Self = known("application/vnd.docker.distribution.manifest.v1+prettyjws");
    /// Any JSON.
    pub const JSON: Self = known("application/json");
    /// Any bytes.
    pub const OCTET_STREAM: Self = known("application/octet-stream");

    /// The longest media type, in characters.
    pub const MAX_LENGTH: usize = 255;

    /// `type/subtype`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which kind of manifest this is, if any.
    #[must_use]
    pub fn kind(&self) -> MediaKind {
        let kinds = [
            (Self::OCI_MANIFEST, MediaKind::OciManifest),
            (Self::OCI_INDEX, MediaKind::OciIndex),
            (Self::DOCKER_MANIFEST, MediaKind::DockerManifest),
            (Self::DOCKER_LIST, MediaKind::DockerList),
        ];
        kinds.into_iter().find(|(media_type, _)| media_type == self).map_or(MediaKind::Other, |(_, kind)| kind)
    }

    /// Whether this is a layer that clients fetch from elsewhere: it need not be pushed.
    #[must_use]
    pub fn is_foreign_layer(&self) -> bool {
        [
            Self::DOCKER_FOREIGN_LAYER,
            Self::OCI_FOREIGN_LAYER,
            Self::OCI_FOREIGN_LAYER_GZIP,
            Self::OCI_FOREIGN_LAYER_ZSTD,
        ]
        .contains(self)
    }

    /// Whether this is Docker's schema 1, which is understood only to be refused by name.
    #[must_use]
    pub fn is_docker_schema1(&self) -> bool {
        [Self::DOCKER_SCHEMA1, Self::DOCKER_SCHEMA1_SIGNED].contains(self)
    }
}

/// Why a text is not a media type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseMediaTypeError {
    /// More than 255 characters, parameters aside.
    #[error("the media type has {0} bytes; at most 255 are allowed")]
    TooLong(usize),
    /// No slash.
    #[error("media type {0:?} is not of the form type/subtype")]
    MissingSubtype(String),
    /// A type or subtype outside the grammar of RFC 6838, 4.2.
    #[error("media type {0:?} has a type or subtype that RFC 6838 does not allow")]
    InvalidName(String),
}

impl FromStr for MediaType {
    type Err = ParseMediaTypeError;

    /// Reads a header's or a descriptor's value; parameters, such as `; charset=utf-8`, are dropped.
    fn from_str(value: &str) -> Result<Self, Self::Err> {
        let essence = value.split(';').next().unwrap_or_default().trim_matches([' ', '\t']);
        if essence.len() > Self::MAX_LENGTH {
            return Err(ParseMediaTypeError::TooLong(essence.len()));
        }
        let Some((top, sub)) = essence.split_once('/') else {
            return Err(ParseMediaTypeError::MissingSubtype(excerpt(essence)));
        };
        if !is_restricted_name(top) || !is_restricted_name(sub) {
            return Err(ParseMediaTypeError::InvalidName(excerpt(essence)));
        }
        Ok(Self(Cow::Owned(essence.to_owned())))
    }
}

/// `restricted-name` of RFC 6838, 4.2.
fn is_restricted_name(name: &str) -> bool {
    name.len() <= 127
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
}

as_text!(MediaType);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(value: &str) -> Result<MediaType, ParseMediaTypeError> {
        value.parse()
    }

    #[test]
    fn the_four_manifest_types_have_kinds_and_nothing_else_has() {
        let kind = |text| parse(text).map(|media_type| media_type.kind());
        assert_eq!(kind("application/vnd.oci.image.manifest.v1+json"), Ok(MediaKind::OciManifest));
        assert_eq!(kind("application/vnd.oci.image.index.v1+json"), Ok(MediaKind::OciIndex));
        assert_eq!(kind("application/vnd.docker.distribution.manifest.v2+json"), Ok(MediaKind::DockerManifest));
        assert_eq!(kind("application/vnd.docker.distribution.manifest.list.v2+json"), Ok(MediaKind::DockerList));
        assert_eq!(kind("application/vnd.docker.distribution.manifest.v1+prettyjws"), Ok(MediaKind::Other));
        assert_eq!(kind("application/vnd.oci.artifact.manifest.v1+json"), Ok(MediaKind::Other));
        assert_eq!(kind("text/plain"), Ok(MediaKind::Other));
    }

    #[test]
    fn unknown_types_are_kept() {
        let text = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
        assert_eq!(parse(text).as_ref().map(MediaType::as_str), Ok(text));
    }

    #[test]
    fn parameters_are_dropped() {
        for value in [
            "application/json; charset=utf-8",
            "application/json;a=b;c=\"d\"",
            " application/json ",
            "application/json;",
        ] {
            assert_eq!(parse(value), Ok(MediaType::JSON), "{value}");
        }
    }

    #[test]
    fn foreign_layers_are_known() -> Result<(), ParseMediaTypeError> {
        for text in [
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        ] {
            assert!(parse(text)?.is_foreign_layer(), "{text}");
        }
        assert!(!MediaType::OCI_LAYER_GZIP.is_foreign_layer());
        Ok(())
    }

    #[test]
    fn each_fault_has_its_own_error() {
        use ParseMediaTypeError as E;
        assert_eq!(parse(""), Err(E::MissingSubtype(String::new())));
        assert_eq!(parse("json"), Err(E::MissingSubtype("json".into())));
        for text in ["/", "a/", "/a", "a/b/c", "a/b c", "*/*", "a/*", ".a/b", "a/é", "a/b\r\nx: y"] {
            assert_eq!(parse(text), Err(E::InvalidName(text.into())));
        }
        assert_eq!(parse(&format!("a/{}", "b".repeat(254))), Err(E::TooLong(256)));
        assert!(matches!(parse(&format!("a/{}", "b".repeat(128))), Err(E::InvalidName(_))));
        assert!(parse(&format!("{0}/{0}", "b".repeat(127))).is_ok());
    }

    proptest! {
        #[test]
        fn whatever_parses_is_its_own_parse(value in "[a/;+. *=]{0,8}") {
            if let Ok(media_type) = parse(&value) {
                prop_assert!(value.contains(media_type.as_str()));
                prop_assert_eq!(parse(media_type.as_str()), Ok(media_type));
            }
        }
    }
}
