//! Secrets that the registry makes itself: random, shown once, kept only as their hash.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What every secret begins with: scanners of source code find it by that.
const PREFIX: &str = "rht_";

/// The bytes of a secret: 256 bits that nobody guesses.
const SECRET_BYTES: usize = 32;

/// Random bytes of the system's generator.
pub(super) fn random_bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|Unspecified| NoRandomness)?;
    Ok(bytes)
}

/// The system gives no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

/// The name of a token, which is no secret: 16 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId(String);

impl TokenId {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that names no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token is named by 16 digits of 0-9 and a-f")]
pub struct ParseTokenIdError;

impl FromStr for TokenId {
    type Err = ParseTokenIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hex { Ok(Self(text.to_owned())) } else { Err(ParseTokenIdError) }
    }
}

crate::oci::as_text!(TokenId);

/// A token's secret, as its owner presents it: `rht_<name>_<secret>`. Nothing shows it but `expose`.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSecret {
    id: TokenId,
    text: String,
}

impl TokenSecret {
    /// A new one.
    pub fn random() -> Result<Self, NoRandomness> {
        let id = TokenId(hex::encode(random_bytes::<8>()?));
        let secret = URL_SAFE_NO_PAD.encode(random_bytes::<SECRET_BYTES>()?);
        Ok(Self { text: format!("{PREFIX}{id}_{secret}"), id })
    }

    /// Reads what a caller presents as a password; none when it does not look like a token.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let id = id.parse().ok()?;
        let is_secret = URL_SAFE_NO_PAD.decode(secret).is_ok_and(|bytes| bytes.len() == SECRET_BYTES);
        is_secret.then(|| Self { id, text: text.to_owned() })
    }

    /// Which token it is of.
    #[must_use]
    pub const fn id(&self) -> &TokenId {
        &self.id
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What is kept of it. It has too many bits to be guessed, however fast a hash is.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash(hex::encode(Sha256::digest(self.text.as_bytes())))
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenSecret({}…)", self.id)
    }
}

/// What is kept of a token's secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHash(String);

impl SecretHash {
    /// Whether it is that of the secret; takes as long whatever the answer is.
    #[must_use]
    pub fn is_of(&self, secret: &TokenSecret) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), secret.hash().0.as_bytes()).is_ok()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_it_was_shown_and_hashes_to_itself_only() {
        let (secret, other) = (TokenSecret::random().unwrap(), TokenSecret::random().unwrap());
        assert_eq!(TokenSecret::read(secret.expose()), Some(secret.clone()));
        assert!(secret.hash().is_of(&secret));
        assert!(!secret.hash().is_of(&other));
        assert_ne!(secret.id(), other.id());
    }

    #[test]
    fn nothing_else_is_a_secret_and_nothing_shows_one() {
        for text in ["", "password", "rht_", "rht_0123456789abcdef_", "rht_0123456789abcdef_AAAA", "rht_x_y"] {
            assert_eq!(TokenSecret::read(text), None, "{text}");
        }
        let secret = TokenSecret::random().unwrap();
        let shown = format!("{secret:?} {:?}", secret.hash());
        assert!(!shown.contains(&secret.expose()[21..]), "{shown}");
    }
}
