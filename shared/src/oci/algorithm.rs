//! The hash algorithms that a digest may name.

use std::str::FromStr;

use super::text::{as_text, excerpt};

/// A registered digest algorithm of the image specification that this registry can compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// `sha256`, what practically every client uses.
    Sha256,
    /// `sha512`.
    Sha512,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// The name in front of a digest's colon.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// How many hex digits a digest of this algorithm has.
    #[must_use]
    pub const fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// A digest algorithm that this registry cannot compute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("digest algorithm {0:?} is not supported; use sha256 or sha512")]
pub struct ParseAlgorithmError(String);

impl FromStr for Algorithm {
    type Err = ParseAlgorithmError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name);
        known.ok_or_else(|| ParseAlgorithmError(excerpt(name)))
    }
}

as_text!(Algorithm);

#[cfg(test)]
mod tests {
    use super::Algorithm;

    #[test]
    fn every_algorithm_parses_from_its_own_name() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        }
    }

    #[test]
    fn an_unknown_algorithm_is_named_in_the_error() {
        let error = "md5".parse::<Algorithm>().err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(r#"digest algorithm "md5" is not supported; use sha256 or sha512"#));
        assert!("SHA256".parse::<Algorithm>().is_err());
    }
}
