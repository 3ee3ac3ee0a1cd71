//! Access tokens: what a caller may do for the next few minutes, signed, so that it need not be looked up. A process that
//! has found a signature to be right takes the same token again without doing so anew.

use std::time::Duration;

use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::action::{Action, Actions};
use super::caller::{Caller, Proof};
use super::keys::{KeyError, Keys};
use super::pattern::Pattern;
use super::permit::{Permit, Powers};
use super::principal::Principal;
use super::secret::random_bytes;
use crate::clock::Timestamp;

/// Who signs, and whom tokens are for. Keys are each registry's own, so that the token of another is no good here.
pub const SERVICE: &str = "ringhold";

/// How long a token is good for.
pub const LIFE: Duration = Duration::from_mins(5);

/// By how much clocks may differ.
const LEEWAY: Duration = Duration::from_secs(10);

/// The longest token that is read.
const LONGEST: usize = 16 * 1024;

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: String,
    access: Vec<Access>,
    /// When what it was given for was looked at, in milliseconds.
    #[serde(default)]
    shown: u64,
    /// The token or session that it was given for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tok: Option<String>,
}

/// One thing that a token is good for, in Docker's form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Access {
    #[serde(rename = "type")]
    kind: Kind,
    name: String,
    actions: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Repository,
    Registry,
}

const ADMIN: &str = "admin";

/// Why a token is no good.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It is not signed by this registry, was changed, is too old, or is none.
    #[error("the access token is not valid here, or no longer")]
    Invalid(#[source] Option<jsonwebtoken::errors::Error>),
    /// Whether it is good cannot be found out.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

/// A token to hand out.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The token.
    pub token: String,
    /// When it was made.
    pub at: Timestamp,
}

/// Signs a token that lets its bearer do this, as the caller.
pub(super) async fn issue(
    keys: &Keys,
    caller: &Caller,
    repositories: &[Permit],
    administers: bool,
    now: Timestamp,
) -> Result<Issued, TokenError> {
    let signer = keys.signer().await?;
    let mut access: Vec<Access> = repositories
        .iter()
        .map(|permit| Access {
            kind: Kind::Repository,
            name: permit.repositories.as_str().to_owned(),
            actions: permit.actions.iter().map(|action| action.as_str().to_owned()).collect(),
        })
        .collect();
    if administers {
        access.push(Access { kind: Kind::Registry, name: ADMIN.to_owned(), actions: vec!["*".to_owned()] });
    }
    let seconds = now.as_millis() / 1000;
    let claims = Claims {
        iss: SERVICE.to_owned(),
        aud: SERVICE.to_owned(),
        sub: caller.principal.to_string(),
        iat: seconds,
        nbf: seconds,
        exp: seconds + LIFE.as_secs(),
        jti: hex::encode(random_bytes::<8>().map_err(KeyError::from)?),
        access,
        shown: caller.since.as_millis(),
        tok: caller.token.clone(),
    };
    let header = Header { kid: Some(signer.kid), ..Header::new(Algorithm::EdDSA) };
    let token = jsonwebtoken::encode(&header, &claims, &signer.key)
        .map_err(|error| TokenError::Keys(KeyError::Unusable(error.into())))?;
    Ok(Issued { token, at: now })
}

/// Who presents the token, and what it lets them do.
pub(super) async fn read(keys: &Keys, token: &str) -> Result<Caller, TokenError> {
    let invalid = |error| TokenError::Invalid(Some(error));
    if token.len() > LONGEST {
        return Err(TokenError::Invalid(None));
    }
    let header = jsonwebtoken::decode_header(token).map_err(invalid)?;
    // Whatever a token says that it is signed by: there is one algorithm.
    if header.alg != Algorithm::EdDSA {
        return Err(TokenError::Invalid(None));
    }
    let kid = header.kid.ok_or(TokenError::Invalid(None))?;
    let key = keys.verifying(&kid).await?.ok_or(TokenError::Invalid(None))?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[SERVICE]);
    validation.set_issuer(&[SERVICE]);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY.as_secs();
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation).map_err(invalid)?.claims;
    let principal: Principal = claims.sub.parse().map_err(|_| TokenError::Invalid(None))?;
    let permits = claims.access.iter().filter_map(permit).collect();
    let (powers, since) = (Powers::of(permits), Timestamp::from_millis(claims.shown));
    let caller = Caller { principal, proof: Proof::AccessToken, powers, token: claims.tok, since };
    let left = Timestamp::from_millis(claims.exp.saturating_mul(1000)).plus(LEEWAY).since(Timestamp::now());
    keys.prove(hash_of(token), &kid, &caller, left);
    Ok(caller)
}

/// Who presents the token, where that was found out a moment ago.
pub(super) async fn proven(keys: &Keys, token: &str) -> Result<Option<Caller>, TokenError> {
    Ok(keys.proven(&hash_of(token)).await?)
}

fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// What one entry allows.
fn permit(access: &Access) -> Option<Permit> {
    match access.kind {
        Kind::Repository => {
            let actions = Actions::known(&access.actions.join(","));
            Some(Permit { repositories: access.name.parse().ok()?, actions })
        }
        Kind::Registry if access.name == ADMIN => {
            Some(Permit { repositories: Pattern::everything(), actions: Actions::of(&[Action::Administer]) })
        }
        Kind::Registry => None,
    }
}
