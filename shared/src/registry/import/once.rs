//! What is found out once, however many want to know.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::oci::Digest;
use crate::registry::Result;

/// A value for each digest. While it is being found out, whoever else wants it waits.
#[derive(Debug)]
pub(super) struct Once<V>(Mutex<HashMap<Digest, Arc<OnceCell<V>>>>);

impl<V: Copy> Once<V> {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// The value, found by `find` unless somebody has found it.
    pub(super) async fn get(&self, digest: &Digest, find: impl Future<Output = Result<V>>) -> Result<V> {
        let cell = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(digest.clone()).or_default());
        cell.get_or_try_init(|| find).await.copied()
    }

    /// Whether anybody has asked.
    pub(super) fn knows(&self, digest: &Digest) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(digest)
    }
}
