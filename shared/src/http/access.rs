//! Who gets in, as long as there are no accounts: everybody or nobody.

use super::error::Error;
use super::route::Route;

/// Who gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Everybody who reaches the registry.
    Open,
    /// Nobody: every request is told that credentials are needed, and no credentials are enough.
    #[default]
    Closed,
}

/// What clients take for the name of the place that credentials are for.
pub(super) const CHALLENGE: &str = "Basic realm=\"ringhold\"";

impl Access {
    /// Lets the request pass, or says why not. How the process is, is no secret.
    pub(super) fn admit(self, route: &Route) -> Result<(), Error> {
        match (self, route) {
            (Self::Open, _) | (Self::Closed, Route::Health | Route::Ready) => Ok(()),
            (Self::Closed, _) => Err(Error::Closed),
        }
    }
}
