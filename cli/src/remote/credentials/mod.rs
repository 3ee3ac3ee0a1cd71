//! Who asks a registry.

mod docker;
mod helper;

use std::fmt;
use std::path::PathBuf;

use http::HeaderValue;

pub(crate) use docker::{DockerConfig, Kept, host};
pub(crate) use helper::NOT_FOUND;

/// Where credentials come from.
#[derive(Debug, Clone)]
pub(crate) enum Credentials {
    /// What docker keeps of earlier logins; nobody asks where it keeps nothing.
    Docker(DockerConfig),
    /// These, wherever they are asked for.
    Given(Login),
    /// This very header, or none, with every request to the registry. When it is refused, there is no other.
    Fixed(Option<HeaderValue>),
}

/// A way to say who one is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Login {
    /// A name and a password.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: String,
    },
    /// What a token server gave out to be asked with later.
    IdentityToken(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Password { .. } => "Password",
            Self::IdentityToken(_) => "IdentityToken",
        })
    }
}

/// Why credentials that are said to be there cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    /// The configuration cannot be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration is not the JSON that it should be.
    #[error("{} is no configuration of docker", .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// An entry's `auth` is not base64 of name and password.
    #[error("the credentials of {0} in docker's configuration are malformed")]
    Entry(String),
    /// The helper has a name that no program in the path has.
    #[error("{0:?} is no name of a credential helper")]
    HelperName(String),
    /// The helper cannot be run.
    #[error("the credential helper {helper} cannot be run")]
    Helper {
        /// The program.
        helper: String,
        /// Why.
        source: std::io::Error,
    },
    /// The helper failed, or answered what is no credential. What it wrote may be secret.
    #[error("the credential helper {0} gave no credentials")]
    HelperAnswer(String),
    /// The helper failed to keep what it was given.
    #[error("the credential helper {0} did not keep the credentials")]
    HelperStore(String),
    /// The configuration cannot be written.
    #[error("{} cannot be written", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Credentials {
    /// A name and a password.
    pub(crate) fn password(username: &str, password: &str) -> Self {
        Self::Given(Login::Password { username: username.to_owned(), password: password.to_owned() })
    }

    /// Who asks the registry that docker keeps under `key`.
    pub(crate) async fn login(&self, key: &str) -> Result<Option<Login>, CredentialsError> {
        match self {
            Self::Docker(config) => config.login(key).await,
            Self::Given(login) => Ok(Some(login.clone())),
            Self::Fixed(_) => Ok(None),
        }
    }
}
