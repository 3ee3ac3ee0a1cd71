//! Why somebody is not signed in.

use shared::auth::PresignError;

use crate::remote::{CredentialsError, RemoteError};

/// Why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// The registry is none.
    #[error(
        "{0:?} is no registry: it is named by HOST or HOST:PORT, and asked by https unless --plain-http says otherwise"
    )]
    Registry(String),
    /// The password cannot be read.
    #[error("standard input cannot be read")]
    Input(#[source] std::io::Error),
    /// There is none.
    #[error("there is no password on standard input")]
    NoPassword,
    /// The registry knows nobody of that name and password.
    #[error("{registry} does not let {user} in: the name, the password or the token is wrong, or no rule is for it")]
    Refused {
        /// The registry.
        registry: String,
        /// The name.
        user: String,
    },
    /// The registry did not say.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// There is nobody to be, to AWS.
    #[error(transparent)]
    Aws(#[from] PresignError),
    /// The credentials cannot be kept.
    #[error(transparent)]
    Keep(#[from] CredentialsError),
}
