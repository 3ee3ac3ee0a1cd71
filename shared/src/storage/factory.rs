//! Makes drivers from URLs, each kind under its scheme.

mod standard;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use url::Url;

use super::driver::StorageDriver;
use super::error::{self, Source};

pub use standard::{FileUrlError, MemoryUrlError};

type Constructor = Box<dyn Fn(Url) -> BoxFuture<'static, Created> + Send + Sync>;
type Created = Result<Arc<dyn StorageDriver>, FactoryError>;

/// The kinds of stores that a process knows.
#[derive(Default)]
pub struct Factory {
    constructors: BTreeMap<&'static str, Constructor>,
}

/// Why a URL makes no driver. URLs themselves are not shown: they may carry secrets.
#[derive(Debug, thiserror::Error)]
pub enum FactoryError {
    /// No kind of store has this scheme.
    #[error("no kind of store is called {scheme:?}; {}", known_schemes(known))]
    UnknownScheme {
        /// The URL's.
        scheme: String,
        /// Those that there are, ascending.
        known: Vec<&'static str>,
    },
    /// The kind of store can make nothing of the URL; the source says why.
    #[error("not a URL of a {scheme} store")]
    InvalidUrl {
        /// The kind of store.
        scheme: &'static str,
        /// What is wrong.
        source: Source,
    },
    /// The URL is good, the store is not.
    #[error("the {scheme} store cannot be opened")]
    Open {
        /// The kind of store.
        scheme: &'static str,
        /// What its driver says.
        source: error::Error,
    },
}

/// What a store's URL names, without its options and whatever else may be secret.
#[must_use]
pub fn shown_url(url: &Url) -> String {
    match (url.scheme(), url.host_str()) {
        ("file", _) => url.path().to_owned(),
        (scheme, Some(host)) => format!("{scheme}://{host}"),
        (scheme, None) => format!("{scheme}:{}", url.path()),
    }
}

fn known_schemes(known: &[&str]) -> String {
    if known.is_empty() { "none is known".to_owned() } else { format!("known are {}", known.join(", ")) }
}

impl Factory {
    /// A factory that knows no kind of store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on makes the drivers of a scheme with this constructor, in place of an earlier one.
    pub fn register<Making>(
        &mut self,
        scheme: &'static str,
        constructor: impl Fn(Url) -> Making + Send + Sync + 'static,
    ) -> &mut Self
    where
        Making: Future<Output = Result<Arc<dyn StorageDriver>, FactoryError>> + Send + 'static,
    {
        self.constructors.insert(scheme, Box::new(move |url| constructor(url).boxed()));
        self
    }

    /// The schemes that are known, ascending.
    pub fn schemes(&self) -> impl Iterator<Item = &'static str> {
        self.constructors.keys().copied()
    }

    /// The driver that a URL describes.
    pub async fn create(&self, url: &Url) -> Result<Arc<dyn StorageDriver>, FactoryError> {
        let Some(constructor) = self.constructors.get(url.scheme()) else {
            let (scheme, known) = (url.scheme().to_owned(), self.schemes().collect());
            return Err(FactoryError::UnknownScheme { scheme, known });
        };
        constructor(url.clone()).await
    }
}

impl fmt::Debug for Factory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Factory").field("schemes", &self.constructors.keys()).finish()
    }
}
