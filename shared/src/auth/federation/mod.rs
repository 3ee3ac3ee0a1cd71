//! Sign-in by what others say of a caller: an issuer's ID token, or AWS about who signed a request. Nobody has an account
//! here, nor a secret that is kept.
//!
//! What a caller presents is good for nothing until it is proven: of a token only the issuer's and the key's names are
//! looked at before, to choose among those that an administrator has written down, and of a request only whether it is one
//! for who signed it, to AWS itself. So nobody makes this process ask a host of their choice.

mod aws;
mod error;
mod fetch;
mod jwks;
mod oidc;
mod presign;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

pub use aws::password_of;
pub use error::IssuerError;
pub use presign::{PresignError, password_for, presign};
pub use rules::{IssuerCheckError, RuleError};

use super::accounts::{Accounts, Issuer};
use super::caller::{Caller, Proof};
use super::permit::Powers;
use super::principal::{Name, Principal};
use super::sign_in::SignInError;
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::metadata;
use error::Refusal;
use fetch::Fetcher;
use jwks::KeySets;
use oidc::IdToken;

/// What the issuer of who signs requests to AWS is called in its record.
const AWS: &str = "aws";

/// By how much clocks may differ.
const LEEWAY: Duration = Duration::from_secs(30);

/// The longest token or request that is read.
const LONGEST: usize = 16 * 1024;

/// How issuers are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederationSettings {
    /// Where AWS answers who signed a request, instead of where it does: requests are for that place then, and no other.
    pub sts_endpoint: Option<Url>,
    /// How long an issuer's keys are gone by. So long one that it takes back still counts.
    pub keys_known_for: Duration,
    /// How soon an issuer is asked again for a key that it did not have.
    pub keys_asked_again_after: Duration,
}

impl Default for FederationSettings {
    fn default() -> Self {
        Self {
            sts_endpoint: None,
            keys_known_for: Duration::from_mins(5),
            keys_asked_again_after: Duration::from_secs(30),
        }
    }
}

/// What is presented in a password's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Presented<'a> {
    /// An ID token, or what looks like one.
    Token(&'a str),
    /// The URL of a signed request.
    Request(String),
}

impl<'a> Presented<'a> {
    /// Reads a password; none when it looks like nothing of the kind.
    pub(super) fn read(password: &'a str) -> Option<Self> {
        if oidc::is_token(password) {
            return Some(Self::Token(password));
        }
        aws::url_in(password).map(Self::Request)
    }

    /// Whether somebody else than the issuer `ours` has made it.
    pub(super) fn is_foreign(&self, ours: &str) -> bool {
        match self {
            Self::Token(token) => IdToken::read(token).is_ok_and(|token| token.issuer != ours),
            Self::Request(_) => true,
        }
    }
}

/// Somebody who is let in.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) caller: Caller,
    /// When what they have presented ends.
    pub(super) until: Timestamp,
}

/// Why somebody is not.
enum Failure {
    Refused(Refusal),
    Unreachable(Name, Arc<IssuerError>),
    Metadata(metadata::Error),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<metadata::Error> for Failure {
    fn from(error: metadata::Error) -> Self {
        Self::Metadata(error)
    }
}

/// Whoever is trusted to say who somebody is.
#[derive(Debug)]
pub(super) struct Federation {
    accounts: Accounts,
    settings: FederationSettings,
    fetcher: Fetcher,
    keys: KeySets,
}

impl Federation {
    pub(super) fn new(accounts: Accounts, settings: FederationSettings) -> Self {
        let keys = KeySets::new(settings.keys_known_for, settings.keys_asked_again_after);
        Self { accounts, settings, fetcher: Fetcher::default(), keys }
    }

    /// Who has presented this. Why somebody was refused is for the log; they are told no more than that.
    pub(super) async fn sign_in(&self, presented: &Presented<'_>, now: Timestamp) -> Result<Admitted, SignInError> {
        let admitted = match presented {
            Presented::Token(token) => self.by_token(token, now).await,
            Presented::Request(url) => self.by_request(url, now).await,
        };
        admitted.map_err(|failure| match failure {
            Failure::Refused(refusal) => {
                tracing::info!(why = %Causes(&refusal), "a federated sign-in was refused");
                SignInError::Wrong
            }
            Failure::Unreachable(issuer, source) => SignInError::IssuerUnreachable { issuer, source },
            Failure::Metadata(error) => error.into(),
        })
    }

    async fn by_token(&self, text: &str, now: Timestamp) -> Result<Admitted, Failure> {
        let token = IdToken::read(text)?;
        let issuers = self.issuers(&token.issuer).await?;
        let first = issuers.first().ok_or(Refusal::UnknownIssuer)?;
        let key = self.keys.key(&self.fetcher, &token).await;
        let key = key.map_err(|error| Failure::Unreachable(first.name.clone(), error))?;
        let claims = token.verified(&key.ok_or(Refusal::UnknownKey)?)?;
        let stated = oidc::Stated::read(&claims, now)?;
        let issuer_for = |issuer: &&Issuer| stated.is_for(&issuer.audience);
        let mut issuers = issuers.iter().filter(issuer_for).peekable();
        issuers.peek().ok_or(Refusal::Audience)?;
        let found = issuers.find_map(|issuer| admit(issuer, &claims, &stated.subject, stated.until));
        Ok(found.ok_or(Refusal::NoRule(stated.subject))?)
    }

    async fn by_request(&self, url: &str, now: Timestamp) -> Result<Admitted, Failure> {
        let request = aws::Request::read(url, self.settings.sts_endpoint.as_ref(), now)?;
        let mut refusal = Refusal::UnknownIssuer;
        for issuer in self.issuers(AWS).await? {
            let signer = request.signer(&self.fetcher, &issuer.audience).await;
            let signer = signer.map_err(|error| Failure::Unreachable(issuer.name.clone(), Arc::new(error)))?;
            refusal = match signer {
                Err(refusal) => refusal,
                Ok(signer) => match admit(&issuer, &signer.claims(), signer.arn(), request.until) {
                    Some(admitted) => return Ok(admitted),
                    None => Refusal::NoRule(signer.arn().to_owned()),
                },
            };
        }
        Err(refusal.into())
    }

    /// Those that call themselves so.
    async fn issuers(&self, named: &str) -> metadata::Result<Vec<Issuer>> {
        let mut issuers = self.accounts.all::<Issuer>().await?;
        issuers.retain(|issuer| issuer.issuer == named);
        Ok(issuers)
    }
}

/// Lets somebody in of whom the issuer says this; none when none of its rules does.
fn admit(issuer: &Issuer, claims: &Map<String, Value>, subject: &str, until: Timestamp) -> Option<Admitted> {
    let mut rules = issuer.rules_for(claims).peekable();
    rules.peek()?;
    let powers = Powers::granted(rules.flat_map(|rule| &rule.grants));
    let principal = Principal::Federated { issuer: issuer.name.clone(), subject: subject.to_owned() };
    Some(Admitted { caller: Caller::without_account(principal, Proof::Credentials, powers), until })
}
