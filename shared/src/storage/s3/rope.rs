//! Bytes gathered in the chunks in which they came, so that a part is never copied together.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use sha2::{Digest, Sha256};

use super::crc::Crc;

/// Chunks smaller than this are copied together: they would cost more than their bytes.
const SMALL: usize = 16 * 1024;
/// How much is copied together at most.
const GATHERED: usize = 256 * 1024;

/// A run of bytes.
#[derive(Debug, Default, Clone)]
pub(super) struct Rope {
    chunks: Vec<Bytes>,
    /// Small chunks, after the others.
    loose: BytesMut,
    size: u64,
}

impl Rope {
    /// How many bytes there are.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Adds bytes at the end.
    pub(super) fn push(&mut self, bytes: Bytes) {
        self.size += bytes.len() as u64;
        if bytes.len() < SMALL {
            self.loose.extend_from_slice(&bytes);
            if self.loose.len() >= GATHERED {
                self.tie();
            }
        } else {
            self.tie();
            self.chunks.push(bytes);
        }
    }

    /// Takes the first `size` bytes away, or all when there are fewer.
    pub(super) fn take(&mut self, size: u64) -> Self {
        self.tie();
        let mut taken = Self::default();
        let mut rest = Vec::new();
        for mut chunk in std::mem::take(&mut self.chunks) {
            let wanted = usize::try_from(size - taken.size).unwrap_or(usize::MAX).min(chunk.len());
            let head = chunk.split_to(wanted);
            taken.size += head.len() as u64;
            taken.chunks.extend(Some(head).filter(|head| !head.is_empty()));
            rest.extend(Some(chunk).filter(|chunk| !chunk.is_empty()));
        }
        self.size -= taken.size;
        self.chunks = rest;
        taken
    }

    fn tie(&mut self) {
        if !self.loose.is_empty() {
            self.chunks.push(self.loose.split().freeze());
        }
    }

    /// The bytes, ready to be sent as often as need be.
    pub(super) fn tied(mut self) -> Tied {
        self.tie();
        Tied { size: self.size, chunks: self.chunks.into() }
    }
}

impl From<Bytes> for Rope {
    fn from(bytes: Bytes) -> Self {
        let mut rope = Self::default();
        rope.push(bytes);
        rope
    }
}

/// A rope that no longer changes; clones share its bytes.
#[derive(Debug, Clone)]
pub(super) struct Tied {
    chunks: Arc<[Bytes]>,
    size: u64,
}

impl Tied {
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The SHA-256, as S3 writes it.
    pub(super) fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for chunk in &*self.chunks {
            hash.update(chunk);
        }
        BASE64_STANDARD.encode(hash.finalize())
    }

    /// The CRC-64/NVME.
    pub(super) fn crc(&self) -> Crc {
        Crc::of(&self.chunks)
    }

    /// A body of these bytes that a retry sends again.
    pub(super) fn body(&self) -> ByteStream {
        let tied = self.clone();
        ByteStream::new(SdkBody::retryable(move || {
            SdkBody::from_body_1_x(Chunks { left: tied.size, next: 0, tied: tied.clone() })
        }))
    }
}

/// The bytes on their way.
struct Chunks {
    tied: Tied,
    next: usize,
    left: u64,
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(chunk) = self.tied.chunks.get(self.next).cloned() else {
            return Poll::Ready(None);
        };
        self.next += 1;
        self.left -= chunk.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rope(chunks: &[usize]) -> (Rope, Vec<u8>) {
        let (mut rope, mut whole) = (Rope::default(), Vec::new());
        for (index, size) in chunks.iter().enumerate() {
            let chunk = vec![u8::try_from(index % 251).unwrap(); *size];
            whole.extend_from_slice(&chunk);
            rope.push(chunk.into());
        }
        (rope, whole)
    }

    #[tokio::test]
    async fn a_rope_is_its_chunks_wherever_it_is_cut() {
        let sizes = [1, 0, SMALL, 3, SMALL - 1, SMALL + 7, GATHERED, 2];
        let total: usize = sizes.iter().sum();
        for cut in [0, 1, 2, SMALL, SMALL + 1, total - 1, total, total + 1] {
            let (mut rest, whole) = rope(&sizes);
            let head = rest.take(cut as u64);
            assert_eq!((head.size(), rest.size()), (cut.min(total) as u64, total.saturating_sub(cut) as u64));
            let mut joined = Vec::new();
            for half in [head.tied(), rest.tied()] {
                joined.extend_from_slice(&half.body().collect().await.unwrap().into_bytes());
            }
            assert!(joined == whole, "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn a_body_can_be_sent_again() {
        let (rope, whole) = rope(&[SMALL, 5, SMALL]);
        let body = rope.tied().body().into_inner();
        for _ in 0..2 {
            let again = body.try_clone().unwrap();
            assert_eq!(again.content_length(), Some(whole.len() as u64));
            assert!(ByteStream::new(again).collect().await.unwrap().into_bytes() == whole);
        }
    }

    #[test]
    fn small_chunks_are_gathered() {
        let (rope, _) = rope(&vec![1; 2 * GATHERED]);
        assert_eq!(rope.tied().chunks.len(), 2);
    }

    #[test]
    fn a_hash_is_as_s3_writes_it() {
        let tied = Rope::from(Bytes::from_static(b"123456789")).tied();
        assert_eq!(tied.sha256(), "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=");
    }
}
