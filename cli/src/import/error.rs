//! Why not everything was imported.

use std::path::PathBuf;

use shared::config::{Mistakes, OpenErrors};

/// Why not everything was imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] Mistakes),
    /// The log's filter is none.
    #[error("--log")]
    Log(#[from] tracing_subscriber::filter::ParseError),
    /// The data directory cannot be made.
    #[error("--data: {path} cannot be made", path = path.display())]
    Data {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenErrors),
    /// A store does not answer.
    #[error("the import was broken off, and goes on where it was when it is repeated")]
    Registry(#[from] shared::registry::Error),
    /// Interrupts cannot be received.
    #[error("interrupts cannot be received")]
    Signal(#[source] std::io::Error),
    /// The sources have no repository.
    #[error("there is nothing to import: are the URL and --root those of distribution's settings?")]
    Nothing,
    /// Something is wrong in the sources.
    #[error("{0} problems: what they name was left out, all else is there")]
    Problems(u64),
}
