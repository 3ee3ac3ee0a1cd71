//! Showing a registry who asks: nothing until it wants to know, then Basic, or a token of its own for each scope.

mod challenge;
mod scope;
mod token;

use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderValue};
use tokio::sync::{Mutex, OnceCell};
use url::Url;

use super::RemoteError;
use super::address::{credentials_key, host_of};
use super::credentials::{Credentials, Login};
use super::transport::Http;
use challenge::Challenge;
pub(super) use scope::Scope;
use token::Token;

/// The credentials of one caller at one registry, and what was got for them.
#[derive(Debug)]
pub(super) struct Authorizer {
    base: Url,
    credentials: Credentials,
    /// Who asks, once that was looked up.
    login: OnceCell<Option<Login>>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// What the registry wants; none while it has not said so.
    challenge: Option<Challenge>,
    tokens: Vec<(Scope, Token)>,
}

impl Authorizer {
    pub(super) fn new(base: &Url, credentials: Credentials) -> Self {
        Self { base: base.clone(), credentials, login: OnceCell::new(), known: Mutex::default() }
    }

    /// What to show for this scope, as far as the registry has said that it wants anything.
    pub(super) async fn header(&self, http: &Http, scope: &Scope) -> Result<Option<HeaderValue>, RemoteError> {
        if let Credentials::Fixed(header) = &self.credentials {
            return Ok(header.clone());
        }
        let mut known = self.known.lock().await;
        match known.challenge.clone() {
            None => Ok(None),
            Some(challenge) => self.answer(http, &mut known, &challenge, scope).await,
        }
    }

    /// What to show after the registry refused what was `shown`; none when there is nothing else. Of many callers at once
    /// only one asks for a new token.
    pub(super) async fn renewed(
        &self,
        http: &Http,
        scope: &Scope,
        shown: Option<&HeaderValue>,
        refused: &HeaderMap,
    ) -> Result<Option<HeaderValue>, RemoteError> {
        if matches!(self.credentials, Credentials::Fixed(_)) {
            return Ok(None);
        }
        let Some(challenge) = Challenge::best_of(refused) else {
            return Ok(None);
        };
        let mut known = self.known.lock().await;
        known.tokens.retain(|(_, token)| Some(token.header()) != shown);
        known.challenge = Some(challenge.clone());
        let renewed = self.answer(http, &mut known, &challenge, scope).await?;
        Ok(renewed.filter(|renewed| Some(renewed) != shown))
    }

    /// Whether the registry has wanted to know who asks.
    pub(super) async fn was_asked(&self) -> bool {
        self.known.lock().await.challenge.is_some()
    }

    async fn answer(
        &self,
        http: &Http,
        known: &mut Known,
        challenge: &Challenge,
        scope: &Scope,
    ) -> Result<Option<HeaderValue>, RemoteError> {
        match challenge {
            Challenge::Basic => Ok(self.login().await?.and_then(basic)),
            Challenge::Bearer { realm, service } => {
                let now = Instant::now();
                known.tokens.retain(|(_, token)| token.is_valid(now));
                if let Some((_, token)) = known.tokens.iter().find(|(had, _)| had.covers(scope)) {
                    return Ok(Some(token.header().clone()));
                }
                let realm = self.safe(realm)?;
                let login = self.login().await?;
                let token = token::fetch(http, realm, service.as_deref(), scope, login).await?;
                let header = token.header().clone();
                known.tokens.push((scope.clone(), token));
                Ok(Some(header))
            }
        }
    }

    /// The realm, if credentials may be sent there: never in clear text for a registry that is not.
    fn safe(&self, realm: &str) -> Result<Url, RemoteError> {
        let realm = Url::parse(realm).ok();
        let safe = realm.filter(|realm| realm.scheme() == "https" || realm.scheme() == self.base.scheme());
        safe.ok_or_else(|| RemoteError::Realm { host: host_of(&self.base) })
    }

    async fn login(&self) -> Result<Option<&Login>, RemoteError> {
        let key = credentials_key(&self.base);
        let login = self.login.get_or_try_init(|| async { self.credentials.login(&key).await }).await?;
        Ok(login.as_ref())
    }
}

/// The header of a name and a password; an identity token has none.
fn basic(login: &Login) -> Option<HeaderValue> {
    match login {
        Login::Password { username, password } => {
            secret(&format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{password}"))))
        }
        Login::IdentityToken(_) => None,
    }
}

/// A header whose value is never shown.
fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
