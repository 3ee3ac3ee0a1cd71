//! The name of an upload session.

use std::str::FromStr;

use super::digest::Digest;
use super::text::{as_text, is_lower_hex, leading_bits};

/// An upload's id: 128 random bits, written as 32 lower-case hex digits. It cannot be guessed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UploadId(String);

impl UploadId {
    const LENGTH: usize = 32;

    /// A fresh id.
    #[must_use]
    pub fn random() -> Self {
        // A version 4 UUID fixes six of its bits. Two of them, one turned so that those bits fall elsewhere, fix none.
        let [one, other] = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()].map(|uuid| uuid.as_u128());
        Self(format!("{:032x}", one ^ other.rotate_left(32)))
    }

    /// The id that is made of a digest's first 128 bits: no upload has it but by guessing a hash.
    #[must_use]
    pub fn leading(digest: &Digest) -> Self {
        Self(digest.hex()[..Self::LENGTH].to_owned())
    }

    /// The 32 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 32 bits: the id's point on the ring, evenly spread.
    #[must_use]
    pub fn point(&self) -> u32 {
        leading_bits(&self.0)
    }
}

/// A text that is not 32 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an upload id has 32 lower-case hex digits")]
pub struct ParseUploadIdError;

impl FromStr for UploadId {
    type Err = ParseUploadIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == Self::LENGTH && is_lower_hex(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseUploadIdError)
        }
    }
}

as_text!(UploadId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_id_parses_and_knows_its_point() {
        let id = UploadId::random();
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_eq!(format!("{:08x}", id.point()), id.as_str()[..8]);
    }

    #[test]
    fn every_bit_of_an_id_varies() {
        let ids: Vec<u128> =
            (0..256).map(|_| u128::from_str_radix(UploadId::random().as_str(), 16).unwrap_or_default()).collect();
        assert_eq!(ids.iter().fold(0, |seen, id| seen | id), u128::MAX);
        assert_eq!(ids.iter().fold(u128::MAX, |seen, id| seen & id), 0);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "0",
            &"0".repeat(31),
            &"0".repeat(33),
            &"A".repeat(32),
            &"g".repeat(32),
            "0000000-00000000000000000000000-",
        ] {
            assert_eq!(text.parse::<UploadId>(), Err(ParseUploadIdError), "{text}");
        }
    }
}
