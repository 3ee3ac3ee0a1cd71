//! What can go wrong with facts. A store's own error is kept as the source.

/// The outcome of a metadata call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A store's own error.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a metadata call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store asks for fewer requests.
    #[error("the metadata store is throttling")]
    Throttled(#[source] Source),
    /// The store cannot be reached, or answers that it cannot serve now.
    #[error("the metadata store is unavailable")]
    Unavailable(#[source] Source),
    /// Others kept winning a race for the same rows.
    #[error("too many writers contend for the same rows")]
    Contended,
    /// A row does not read as what its key says it is.
    #[error("a row of the metadata store cannot be read")]
    Corrupt(#[source] Source),
    /// The call failed in a way that trying again will not mend.
    #[error("the metadata call failed")]
    Failed(#[source] Source),
}
