//! What an image is called: `[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]`.

use std::fmt;
use std::str::FromStr;

use shared::oci::{Digest, ParseDigestError, ParseRepositoryNameError, ParseTagError, Reference, RepositoryName, Tag};

use crate::remote::DEFAULT_REGISTRY;

/// The part of a name that the default registry puts before those of one component.
const DEFAULT_PREFIX: &str = "library";

/// The tag of a name that has none.
const DEFAULT_TAG: &str = "latest";

/// An image's name: a registry, a repository there, and perhaps which of its manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageName {
    /// Host and port.
    pub(crate) registry: String,
    /// The repository.
    pub(crate) repository: RepositoryName,
    /// The tag, if there is one.
    pub(crate) tag: Option<Tag>,
    /// The digest, if there is one; it goes before the tag.
    pub(crate) digest: Option<Digest>,
}

/// Why a text is no image's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseImageNameError {
    /// The repository is none.
    #[error(transparent)]
    Repository(#[from] ParseRepositoryNameError),
    /// The tag is none.
    #[error(transparent)]
    Tag(#[from] ParseTagError),
    /// The digest is none.
    #[error(transparent)]
    Digest(#[from] ParseDigestError),
    /// The host is none.
    #[error("{0:?} is no host of a registry")]
    Host(String),
}

impl ImageName {
    /// What to ask the registry for: by digest if there is one, else by tag, else by the tag `latest`.
    pub(crate) fn reference(&self) -> Result<Reference, ParseTagError> {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => Ok(digest.clone().into()),
            (None, Some(tag)) => Ok(tag.clone().into()),
            (None, None) => DEFAULT_TAG.parse::<Tag>().map(Reference::from),
        }
    }
}

impl FromStr for ImageName {
    type Err = ParseImageNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        let (rest, tag) = match rest.rsplit_once(':') {
            Some((rest, tag)) if !tag.contains('/') => (rest, Some(tag.parse()?)),
            Some(_) | None => (rest, None),
        };
        let (registry, repository) = match rest.split_once('/') {
            Some((host, repository)) if is_host(host) => (host, repository.parse()?),
            Some(_) => (DEFAULT_REGISTRY, rest.parse()?),
            None => (DEFAULT_REGISTRY, format!("{DEFAULT_PREFIX}/{rest}").parse()?),
        };
        if crate::remote::base_url(registry, false).is_err() {
            return Err(ParseImageNameError::Host(registry.to_owned()));
        }
        Ok(Self { registry: registry.to_owned(), repository, tag, digest })
    }
}

/// As docker tells a host from the first part of a repository's name.
fn is_host(text: &str) -> bool {
    text == "localhost" || text.contains(['.', ':'])
}

impl fmt::Display for ImageName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        self.digest.iter().try_for_each(|digest| write!(formatter, "@{digest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn names_are_read_as_docker_reads_them() {
        for (text, whole) in [
            ("alpine", "docker.io/library/alpine"),
            ("team/app:1", "docker.io/team/app:1"),
            ("localhost/app", "localhost/app"),
            ("127.0.0.1:5000/team/app:1.2", "127.0.0.1:5000/team/app:1.2"),
            ("registry.example/app", "registry.example/app"),
            ("[::1]:5000/app:x", "[::1]:5000/app:x"),
        ] {
            assert_eq!(text.parse::<ImageName>().unwrap().to_string(), whole);
        }
        let name: ImageName = format!("r.example:5000/app:1@{DIGEST}").parse().unwrap();
        assert_eq!(name.reference().unwrap().as_str(), DIGEST);
        assert_eq!("r.example/app".parse::<ImageName>().unwrap().reference().unwrap().as_str(), "latest");
    }

    #[test]
    fn each_fault_has_its_own_error() {
        use ParseImageNameError as E;
        let parse = |text: &str| text.parse::<ImageName>();
        assert!(matches!(parse("r.example/App"), Err(E::Repository(_))));
        assert!(matches!(parse("r.example/app:.x"), Err(E::Tag(_))));
        assert!(matches!(parse("r.example/app@sha256:00"), Err(E::Digest(_))));
        assert!(matches!(parse("r.example:port/app"), Err(E::Host(_))));
        assert!(matches!(parse("r.exa mple/app"), Err(E::Host(_))));
    }
}
