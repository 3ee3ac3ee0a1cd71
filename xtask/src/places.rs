//! Where things are: the checkout, and the cache of tools outside it.

use std::env;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The directories that chores work in.
pub(crate) struct Places {
    root: PathBuf,
    cache: PathBuf,
}

impl Places {
    /// Reads the environment: the cache is `RINGHOLD_CACHE`, or else `~/.cache/ringhold`.
    pub(crate) fn find() -> Result<Self, Failure> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = set("RINGHOLD_CACHE")
            .or_else(|| set("HOME").map(|home| home.join(".cache").join("ringhold")))
            .ok_or(Failure::NoCacheDirectory)?;
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here.parent().unwrap_or(here).to_owned();
        Ok(Self { cache: root.join(cache), root })
    }

    /// The checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What emulates AWS, and what it needs.
    pub(crate) fn localstack(&self) -> PathBuf {
        self.root.join("localstack")
    }

    /// A directory of the cache.
    pub(crate) fn cache(&self, name: &str) -> PathBuf {
        self.cache.join(name)
    }

    /// Where cargo installs tools, below `bin`.
    pub(crate) fn tools(&self) -> PathBuf {
        self.cache.join("tools")
    }
}
