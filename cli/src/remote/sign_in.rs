//! Saying who one is, and nothing else.

use http::{Method, StatusCode};

use super::answer::expect;
use super::auth::Scope;
use super::call::Call;
use super::{Remote, RemoteError};

/// How a caller was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Welcome {
    /// As who they are.
    Known,
    /// As everybody is: nobody has asked who they are.
    Anybody,
}

impl Remote {
    /// Whether the registry takes the credentials.
    pub(crate) async fn sign_in(&self) -> Result<Welcome, RemoteError> {
        let mut url = self.registry.base.clone();
        url.set_path("/v2/");
        let response = self.send(&Call::new(Method::GET, url), &Scope::identity()).await?;
        expect("to say who asks", &[StatusCode::OK], response).await?;
        Ok(if self.authorizer.was_asked().await { Welcome::Known } else { Welcome::Anybody })
    }
}
