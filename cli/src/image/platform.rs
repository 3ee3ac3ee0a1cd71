//! Which machine an image is for.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use shared::oci::{Descriptor, Digest};

/// An operating system, an architecture, and perhaps a variant of that: `linux/arm64/v8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// A text that names no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a platform looks like linux/amd64 or linux/arm64/v8")]
pub(crate) struct ParsePlatformError;

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Child>,
}

#[derive(Deserialize)]
struct Child {
    digest: Digest,
    platform: Option<Told>,
}

#[derive(Deserialize)]
struct Told {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl Platform {
    /// The child of an index, given as its bytes, that is for this platform. A variant counts only if one is asked for.
    pub(crate) fn child(&self, index: &[u8], children: &[&Descriptor]) -> Option<Descriptor> {
        let index: Index = serde_json::from_slice(index).ok()?;
        let mut told = index.manifests.into_iter().filter_map(|child| Some((child.digest, child.platform?)));
        let (digest, _) = told.find(|(_, platform)| self.is(platform))?;
        children.iter().find(|child| child.digest == digest).map(|&child| child.clone())
    }

    /// Whether an image of this configuration is for this platform.
    pub(super) fn admits(&self, config: &[u8]) -> bool {
        serde_json::from_slice(config).is_ok_and(|told| self.is(&told))
    }

    fn is(&self, told: &Told) -> bool {
        let variant = self.variant.is_none() || self.variant == told.variant;
        self.os == told.os && self.architecture == told.architecture && variant
    }
}

impl FromStr for Platform {
    type Err = ParsePlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('/').map(str::to_owned);
        let (os, architecture) = (parts.next(), parts.next());
        let (variant, rest) = (parts.next(), parts.next());
        let filled = !text.split('/').any(str::is_empty);
        match (os, architecture, rest) {
            (Some(os), Some(architecture), None) if filled => Ok(Self { os, architecture, variant }),
            _ => Err(ParsePlatformError),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(formatter, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use shared::oci::{Algorithm, MediaType};

    use super::*;

    #[test]
    fn a_platform_has_two_or_three_parts() {
        for text in ["linux/amd64", "linux/arm64/v8"] {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), text);
        }
        for text in ["", "linux", "linux/", "/amd64", "linux/arm64/v8/x", "linux//v8"] {
            assert_eq!(text.parse::<Platform>(), Err(ParsePlatformError), "{text}");
        }
    }

    #[test]
    fn a_variant_counts_only_if_one_is_asked_for() {
        let digest = Digest::of(Algorithm::Sha256, b"arm");
        let child = Descriptor::new(MediaType::OCI_MANIFEST, digest.clone(), 3);
        let index = format!(
            r#"{{"manifests":[{{"digest":"{digest}","platform":{{"os":"linux","architecture":"arm64","variant":"v8"}}}}]}}"#
        );
        let found = |platform: &str| {
            let platform: Platform = platform.parse().unwrap();
            platform.child(index.as_bytes(), &[&child]).is_some()
        };
        assert!(found("linux/arm64") && found("linux/arm64/v8"));
        assert!(!found("linux/arm64/v7") && !found("linux/amd64"));
    }
}
