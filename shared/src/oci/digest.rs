//! The name of content: an algorithm and the hash of the bytes.

use std::str::FromStr;

use super::text::{as_text, excerpt, is_lower_hex, leading_bits};
use super::{Algorithm, Digester, ParseAlgorithmError};

/// A content digest, `sha256:<64 hex>` or `sha512:<128 hex>`, in lower case.
///
/// Always well-formed, so it is safe in an object key or a path. Whether any content has it is another question.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    text: String,
    algorithm: Algorithm,
}

impl Digest {
    /// The digest of bytes held whole. Use [`Digester`] for a stream.
    #[must_use]
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut digester = Digester::new(algorithm);
        digester.update(bytes);
        digester.finish()
    }

    /// The digest of a finished hash.
    pub(super) fn of_hash(algorithm: Algorithm, hash: &[u8]) -> Self {
        debug_assert_eq!(hash.len() * 2, algorithm.hex_len());
        Self { text: format!("{algorithm}:{}", hex::encode(hash)), algorithm }
    }

    /// The algorithm in front of the colon.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The lower-case hex behind the colon.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.text[self.algorithm.as_str().len() + 1..]
    }

    /// The whole, `algorithm:hex`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first 32 bits of the hash: the digest's point on the ring.
    #[must_use]
    pub fn point(&self) -> u32 {
        leading_bits(self.hex())
    }
}

/// Why a text is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDigestError {
    /// No colon.
    #[error("digest {0:?} has no algorithm; it should look like sha256:<64 hex digits>")]
    MissingAlgorithm(String),
    /// An algorithm that is not computed here.
    #[error(transparent)]
    UnknownAlgorithm(#[from] ParseAlgorithmError),
    /// Too short or too long.
    #[error("a {algorithm} digest has {} hex digits, not {length}", .algorithm.hex_len())]
    WrongLength {
        /// The algorithm that fixes the length.
        algorithm: Algorithm,
        /// The length found, in bytes.
        length: usize,
    },
    /// Upper-case hex digits, which would be a second name for the same content.
    #[error("the hex digits of a digest are lower case")]
    UpperCase,
    /// Something that is no hex digit.
    #[error("a digest has only the hex digits 0-9 and a-f")]
    NotHex,
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((algorithm, hex)) = text.split_once(':') else {
            return Err(ParseDigestError::MissingAlgorithm(excerpt(text)));
        };
        let algorithm: Algorithm = algorithm.parse()?;
        if hex.len() != algorithm.hex_len() {
            return Err(ParseDigestError::WrongLength { algorithm, length: hex.len() });
        }
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ParseDigestError::NotHex);
        }
        if !is_lower_hex(hex) {
            return Err(ParseDigestError::UpperCase);
        }
        Ok(Self { text: text.to_owned(), algorithm })
    }
}

as_text!(Digest);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(text: &str) -> Result<Digest, ParseDigestError> {
        text.parse()
    }

    #[test]
    fn a_digest_knows_its_parts() {
        let digest = Digest::of(Algorithm::Sha256, b"");
        assert_eq!(parse(EMPTY), Ok(digest.clone()));
        assert_eq!(digest.as_str(), EMPTY);
        assert_eq!(digest.to_string(), EMPTY);
        assert_eq!(digest.algorithm(), Algorithm::Sha256);
        assert_eq!(digest.hex(), &EMPTY[7..]);
        assert_eq!(digest.point(), 0xe3b0_c442);
    }

    #[test]
    fn a_sha512_digest_has_128_digits() {
        let digest = Digest::of(Algorithm::Sha512, b"");
        assert!(digest.as_str().starts_with("sha512:cf83e1357eefb8bd"));
        assert_eq!(digest.hex().len(), 128);
        assert_eq!(digest.point(), 0xcf83_e135);
        assert_eq!(parse(digest.as_str()), Ok(digest));
    }

    #[test]
    fn each_fault_has_its_own_error() {
        use ParseDigestError as E;
        let (lower, upper) = ("a".repeat(64), "A".repeat(64));
        let wrong = |length| E::WrongLength { algorithm: Algorithm::Sha256, length };
        assert_eq!(parse(""), Err(E::MissingAlgorithm(String::new())));
        assert_eq!(parse("latest"), Err(E::MissingAlgorithm("latest".into())));
        assert!(matches!(parse(&format!("md5:{lower}")), Err(E::UnknownAlgorithm(_))));
        assert!(matches!(parse(&format!("SHA256:{lower}")), Err(E::UnknownAlgorithm(_))));
        assert!(matches!(parse(&format!(":{lower}")), Err(E::UnknownAlgorithm(_))));
        assert_eq!(parse(&format!("sha256:{upper}")), Err(E::UpperCase));
        assert_eq!(parse("sha256:"), Err(wrong(0)));
        assert_eq!(parse(&format!("sha256:{lower}a")), Err(wrong(65)));
        assert_eq!(parse(&format!("sha256:{}g", &lower[1..])), Err(E::NotHex));
        assert_eq!(parse(&format!("sha256:{}\n", &lower[1..])), Err(E::NotHex));
        assert_eq!(parse(&format!("sha256:{}é", &lower[2..])), Err(E::NotHex));
        assert_eq!(parse(&format!("sha256:{}../", &lower[3..])), Err(E::NotHex));
    }

    #[test]
    fn messages_say_what_would_be_right() {
        let message = parse("sha512:00").err().map(|error| error.to_string());
        assert_eq!(message.as_deref(), Some("a sha512 digest has 128 hex digits, not 2"));
    }

    #[test]
    fn serde_speaks_the_same_text() -> Result<(), serde_json::Error> {
        let digest: Digest = serde_json::from_str(&format!("{EMPTY:?}"))?;
        assert_eq!(serde_json::to_string(&digest)?, format!("{EMPTY:?}"));
        assert!(serde_json::from_str::<Digest>(r#""sha256:00""#).is_err());
        Ok(())
    }

    proptest! {
        #[test]
        fn whatever_parses_renders_as_it_was(text in "(sha256|sha512|sha|):?[a-fA-F0-9:]{63,65}") {
            if let Ok(digest) = parse(&text) {
                prop_assert_eq!(digest.as_str(), text);
            }
        }

        #[test]
        fn the_digest_of_any_bytes_parses(bytes: Vec<u8>) {
            for algorithm in Algorithm::ALL {
                let digest = Digest::of(algorithm, &bytes);
                prop_assert_eq!(parse(digest.as_str()), Ok(digest));
            }
        }
    }
}
