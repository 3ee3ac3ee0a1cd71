//! CRC-64/NVME: the checksum of a multipart object as a whole, computed from those of its parts.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest, checksum_combine};

use crate::storage::driver::Part;

const NVME: CrcAlgorithm = CrcAlgorithm::Crc64Nvme;

/// A checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crc(u64);

impl Crc {
    pub(super) fn of(chunks: &[Bytes]) -> Self {
        let mut crc = Digest::new(NVME);
        for chunk in chunks {
            crc.update(chunk);
        }
        Self(crc.finalize())
    }

    /// The checksum of the object that the parts make; none when a part was recorded without one.
    pub(super) fn of_parts(parts: &[Part]) -> Option<Self> {
        parts.iter().try_fold(Self::of(&[]), |whole, part| {
            let Self(next) = Self::parse(part.checksum.as_deref()?)?;
            Some(Self(checksum_combine(NVME, whole.0, next, part.size)))
        })
    }

    /// As S3 writes it: base64 of the eight bytes, the highest first.
    pub(super) fn to_base64(self) -> String {
        BASE64_STANDARD.encode(self.0.to_be_bytes())
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        Some(Self(u64::from_be_bytes(bytes.try_into().ok()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_as_s3_writes_it() {
        // The check value in the catalogue of CRCs is ae8b14860a799888.
        let crc = Crc::of(&[Bytes::from_static(b"1234"), Bytes::from_static(b"56789")]);
        assert_eq!(crc.to_base64(), "rosUhgp5mIg=");
    }

    #[test]
    fn the_parts_checksums_make_that_of_the_object() {
        let whole: Vec<u8> = (0..100_000_u32).map(|index| u8::try_from(index / 7 % 251).unwrap()).collect();
        for cuts in [vec![], vec![0], vec![1, 2, 3], vec![65_536, 65_537], vec![100_000]] {
            let bounds: Vec<usize> = [vec![0], cuts, vec![whole.len()]].concat();
            let parts: Vec<Part> = bounds
                .windows(2)
                .zip(1..)
                .map(|(bounds, number)| {
                    let content = Bytes::copy_from_slice(&whole[bounds[0]..bounds[1]]);
                    let size = content.len() as u64;
                    Part { number, size, etag: String::new(), checksum: Some(Crc::of(&[content]).to_base64()) }
                })
                .collect();
            assert_eq!(Crc::of_parts(&parts), Some(Crc::of(&[whole.clone().into()])), "{bounds:?}");
        }
    }

    #[test]
    fn a_part_without_a_checksum_leaves_none() {
        for checksum in [None, Some("no base64!".to_owned()), Some("AAAA".to_owned())] {
            assert_eq!(Crc::of_parts(&[Part { number: 1, size: 1, etag: String::new(), checksum }]), None);
        }
    }
}
