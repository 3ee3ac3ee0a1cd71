//! Content that looks like nothing else: the same for the same seed.

use bytes::Bytes;

/// One mebibyte.
pub(super) const MIB: usize = 1024 * 1024;

/// `length` bytes that differ from seed to seed and from place to place.
pub(super) fn noise(seed: u64, length: usize) -> Bytes {
    let mut state = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

/// The same bytes in chunks whose sizes are odd and fit no part.
pub(super) fn chunks(mut content: Bytes) -> impl Iterator<Item = Bytes> {
    let mut sizes = [1, 65_537, 1_000_003, 4_095, 3_000_001].into_iter().cycle();
    std::iter::from_fn(move || {
        let size = sizes.next()?.min(content.len());
        (size > 0).then(|| content.split_to(size))
    })
}
