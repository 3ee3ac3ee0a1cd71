//! From credentials to a caller.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use super::accounts::{Accounts, Group, Robot, Token, TokenKind, TokenUse, User};
use super::caller::{Caller, Proof};
use super::federation::IssuerError;
use super::password::{HashError, Password};
use super::permit::{Grant, Powers};
use super::principal::{Name, Principal, Subject};
use super::secret::TokenSecret;
use crate::clock::Timestamp;
use crate::metadata;

/// How exact the time of a token's last use is.
const USE_NOTED_EVERY: Duration = Duration::from_mins(1);

/// Why somebody was not recognised.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No account has these credentials. Nobody is told whether there is one of that name.
    #[error("the name or the password is wrong")]
    Wrong,
    /// They are right, but good for one thing only.
    #[error("the first password has to be changed before anything else: `ringhold user password`")]
    MustChangePassword,
    /// There were too many tries.
    #[error("there were too many attempts; wait {} seconds before the next", .0.as_secs().max(1))]
    TooMany(Duration),
    /// Whether they are right cannot be found out, for now.
    #[error("{issuer}, who vouches for the caller, cannot be asked")]
    IssuerUnreachable {
        /// What the issuer is called here.
        issuer: Name,
        /// Why. All who come at that moment are told the same.
        source: Arc<IssuerError>,
    },
    /// The books cannot be read.
    #[error(transparent)]
    Metadata(#[from] metadata::Error),
    /// The first password cannot be read.
    #[error("the first administrator's password cannot be read")]
    FirstPassword(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The password cannot be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// Where a request comes from, as tries are counted.
pub(super) fn try_of(identity: &str, address: Option<IpAddr>) -> String {
    let address = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
    let identity: String = identity.chars().take(Name::MAX_LENGTH).collect();
    format!("{identity}@{address}")
}

/// The network of an address, as tries are counted: whoever has one address of IPv6 has them by the billions.
pub(super) fn network_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// The user whose password it is. Takes as long where there is none.
pub(super) async fn user(accounts: &Accounts, name: &str, password: &Password) -> Result<User, SignInError> {
    let known = match name.parse::<Name>() {
        Ok(name) => accounts.get::<User>(name.as_str()).await?.map(|known| known.record),
        Err(_) => None,
    };
    let is_right = password.is(known.as_ref().map(|user| &user.password)).await?;
    known.filter(|user| is_right && !user.is_disabled).ok_or(SignInError::Wrong)
}

/// The caller whose password it is.
pub(super) async fn by_password(accounts: &Accounts, name: &str, password: &Password) -> Result<Caller, SignInError> {
    let since = Timestamp::now();
    let user = user(accounts, name, password).await?;
    if user.must_change_password {
        return Err(SignInError::MustChangePassword);
    }
    let powers = with_groups(accounts, user.grants, &user.groups).await?;
    let principal = Principal::Account(Subject::User(user.name));
    Ok(Caller { principal, proof: Proof::Credentials, powers, token: None, since })
}

/// The token whose secret it is, of that kind.
pub(super) async fn token(accounts: &Accounts, secret: &TokenSecret, kind: TokenKind) -> Result<Token, SignInError> {
    let known = accounts.get::<Token>(secret.id().as_str()).await?.map(|known| known.record);
    known.filter(|token| token.kind == kind && token.secret.is_of(secret)).ok_or(SignInError::Wrong)
}

/// The caller who presents that token at this moment.
pub(super) async fn by_token(accounts: &Accounts, token: &Token, now: Timestamp) -> Result<Caller, SignInError> {
    let powers = powers_by(accounts, token).await?.ok_or(SignInError::Wrong)?;
    note_use(accounts, token, now).await?;
    let principal = Principal::Account(token.owner.clone());
    Ok(Caller { principal, proof: Proof::Credentials, powers, token: Some(token.id.to_string()), since: now })
}

/// Another use that is noted at the same time is as good.
async fn note_use(accounts: &Accounts, token: &Token, now: Timestamp) -> metadata::Result<()> {
    let used = TokenUse { id: token.id.clone(), at: now, expires: token.expires };
    match accounts.get::<TokenUse>(token.id.as_str()).await? {
        None => accounts.create(&used).await?,
        Some(known) if now.since(known.record.at) >= USE_NOTED_EVERY => accounts.replace(&known, &used).await?,
        Some(_) => true,
    };
    Ok(())
}

/// What somebody may do who presents this token; none when its owner gets in no longer.
pub(super) async fn powers_by(accounts: &Accounts, token: &Token) -> metadata::Result<Option<Powers>> {
    let Some(powers) = powers_of(accounts, &token.owner, Some(token.created)).await? else {
        return Ok(None);
    };
    Ok(Some(match &token.limits {
        Some(limits) => powers.within(limits.clone()),
        None => powers,
    }))
}

/// What an account may do; none when there is no such account, it is kept out, or it was signed out everywhere after
/// `since`.
pub(super) async fn powers_of(
    accounts: &Accounts,
    subject: &Subject,
    since: Option<Timestamp>,
) -> metadata::Result<Option<Powers>> {
    let (grants, groups) = match subject {
        Subject::User(name) => match accounts.get::<User>(name.as_str()).await? {
            Some(known) if !known.record.is_disabled && known.record.admits(since) => {
                (known.record.grants, known.record.groups)
            }
            _ => return Ok(None),
        },
        Subject::Robot(name) => match accounts.get::<Robot>(name.as_str()).await? {
            // What was given to a robot of that name that is gone is not this one's.
            Some(known) if !known.record.is_disabled && since.is_none_or(|since| known.record.created <= since) => {
                (known.record.grants, known.record.groups)
            }
            _ => return Ok(None),
        },
        Subject::Group(_) => return Ok(None),
    };
    with_groups(accounts, grants, &groups).await.map(Some)
}

async fn with_groups(accounts: &Accounts, mut grants: Vec<Grant>, groups: &[Name]) -> metadata::Result<Powers> {
    for group in groups {
        if let Some(known) = accounts.get::<Group>(group.as_str()).await? {
            grants.extend(known.record.grants);
        }
    }
    Ok(Powers::granted(&grants))
}
