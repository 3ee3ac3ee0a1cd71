//! A hash half-way, as data.

use serde::{Deserialize, Serialize};

use super::Algorithm;

/// Where a [`Digester`](super::Digester) stands: plain data of at most half a kilobyte, kept in an upload session.
///
/// It is the registry's own record, never a client's: it holds up to one block of the content that was hashed last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestState {
    algorithm: Algorithm,
    state: String,
}

impl DigestState {
    /// The algorithm that was begun.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn new(algorithm: Algorithm, state: &[u8]) -> Self {
        Self { algorithm, state: hex::encode(state) }
    }

    pub(super) fn bytes(&self) -> Result<Vec<u8>, hex::FromHexError> {
        hex::decode(&self.state)
    }
}
