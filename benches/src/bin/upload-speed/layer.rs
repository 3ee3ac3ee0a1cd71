//! Layers that no server has seen: the same noise in each, but every MiB of it bears a stamp. Their bytes are made when they
//! are read, so no layer is ever held.

use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use crc_fast::CrcAlgorithm::Crc64Nvme;
use harness::content::noise;
use shared::oci::{Algorithm, Digest, Digester};

use crate::MIB;

/// More than a processor's caches hold.
static NOISE: LazyLock<Bytes> = LazyLock::new(|| noise(1, 64 * MIB));

/// A layer of which the client knows nothing yet but its size.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    noise: Bytes,
    number: usize,
    size: usize,
}

impl Layer {
    pub(crate) fn fresh(size: usize) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Self { noise: NOISE.clone(), number: NEXT.fetch_add(1, Ordering::Relaxed), size }
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// A name that no other layer has.
    pub(crate) fn name(&self) -> String {
        format!("layer-{}", self.number)
    }

    /// It cut into pieces of this size, which is one of whole MiB.
    pub(crate) fn ranges(&self, size: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let end = self.size;
        (0..end).step_by(size).map(move |start| start..(start + size).min(end))
    }

    /// The bytes of a range that begins with a whole MiB.
    pub(crate) fn bytes(&self, range: Range<usize>) -> impl Iterator<Item = Bytes> + Send + Sync + use<> {
        let layer = self.clone();
        range.clone().step_by(MIB).flat_map(move |start| layer.stamped(start..(start + MIB).min(range.end)))
    }

    fn stamped(&self, range: Range<usize>) -> [Bytes; 2] {
        let stamp = [self.number.to_le_bytes(), range.start.to_le_bytes()].concat();
        let start = range.start % self.noise.len();
        let rest = self.noise.slice(start + stamp.len()..start + range.len());
        [stamp.into(), rest]
    }

    /// Reads it all for its digest.
    pub(crate) async fn digest(&self) -> Digest {
        let bytes = self.bytes(0..self.size);
        computed(move || {
            let mut digester = Digester::new(Algorithm::Sha256);
            bytes.for_each(|piece| digester.update(&piece));
            digester.finish()
        })
        .await
    }

    /// Reads a range for its CRC-64/NVME as S3 wants it told.
    pub(crate) async fn checksum(&self, range: Range<usize>) -> String {
        let bytes = self.bytes(range);
        computed(move || {
            let mut digest = crc_fast::Digest::new(Crc64Nvme);
            bytes.for_each(|piece| digest.update(&piece));
            BASE64_STANDARD.encode(digest.finalize().to_be_bytes())
        })
        .await
    }
}

/// On a thread that may take its time.
async fn computed<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("it is computed")
}
