//! What a manifest is asked for by.

use std::str::FromStr;

use super::text::as_text;
use super::{Digest, ParseDigestError, ParseTagError, Tag};

/// A tag or a digest. No text is both: only digests have a colon.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reference {
    /// By name.
    Tag(Tag),
    /// By content.
    Digest(Digest),
}

impl Reference {
    /// The tag or digest as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Digest(digest) => digest.as_str(),
        }
    }
}

/// Why a text is neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseReferenceError {
    /// It has no colon and is no tag.
    #[error(transparent)]
    Tag(#[from] ParseTagError),
    /// It has a colon and is no digest.
    #[error(transparent)]
    Digest(#[from] ParseDigestError),
}

impl FromStr for Reference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains(':') { Ok(Self::Digest(text.parse()?)) } else { Ok(Self::Tag(text.parse()?)) }
    }
}

as_text!(Reference);

impl From<Tag> for Reference {
    fn from(tag: Tag) -> Self {
        Self::Tag(tag)
    }
}

impl From<Digest> for Reference {
    fn from(digest: Digest) -> Self {
        Self::Digest(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Algorithm;

    #[test]
    fn a_colon_makes_a_digest() {
        let digest = Digest::of(Algorithm::Sha256, b"");
        assert_eq!(digest.as_str().parse(), Ok(Reference::Digest(digest)));
        assert!(matches!("latest".parse(), Ok(Reference::Tag(tag)) if tag.as_str() == "latest"));
        assert!(matches!("sha256".parse(), Ok(Reference::Tag(_))));
    }

    #[test]
    fn the_error_is_that_of_the_kind_it_looks_like() {
        assert!(matches!("sha256:00".parse::<Reference>(), Err(ParseReferenceError::Digest(_))));
        assert!(matches!("a:b".parse::<Reference>(), Err(ParseReferenceError::Digest(_))));
        assert!(matches!(".a".parse::<Reference>(), Err(ParseReferenceError::Tag(_))));
        assert!(matches!("".parse::<Reference>(), Err(ParseReferenceError::Tag(ParseTagError::Empty))));
    }
}
