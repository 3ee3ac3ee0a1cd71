//! Whom a client trusts, in the flags of each.

use std::path::{Path, PathBuf};

/// How a client is to speak with registries.
#[derive(Debug, Clone, Default)]
pub enum Trust {
    /// In clear text.
    #[default]
    ClearText,
    /// Over TLS, with those whom the authority of this directory vouches for and no others.
    Authority(PathBuf),
}

impl Trust {
    /// Trusts whom `ca.crt` of this directory vouches for.
    pub fn authority(directory: &Path) -> Self {
        Self::Authority(directory.to_owned())
    }

    /// The authority's certificate.
    pub fn roots(&self) -> Option<PathBuf> {
        match self {
            Self::ClearText => None,
            Self::Authority(directory) => Some(directory.join("ca.crt")),
        }
    }

    /// A flag of skopeo or podman, for one of its sides: `src-`, `dest-`, or nothing where it has one.
    pub fn flag(&self, side: &str) -> String {
        match self {
            Self::ClearText => format!("--{side}tls-verify=false"),
            Self::Authority(directory) => format!("--{side}cert-dir={}", directory.display()),
        }
    }

    /// A flag of `ctr`.
    pub fn flag_of_containerd(&self) -> String {
        self.roots().map_or("--plain-http".to_owned(), |roots| format!("--tlscacert={}", roots.display()))
    }
}
