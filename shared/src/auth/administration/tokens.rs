//! What accounts sign in by, instead of a password.

use std::collections::HashMap;
use std::time::Duration;

use super::super::accounts::{Robot, Token, TokenKind, TokenUse, User};
use super::super::caller::{Caller, Proof};
use super::super::decision::Need;
use super::super::permit::{Permit, allow};
use super::super::principal::{Principal, Subject};
use super::super::secret::{TokenId, TokenSecret};
use super::{AdminError, Administration, MOST_GRANTS};
use crate::clock::Timestamp;

/// How long a token lives when nothing is said of that, and at most.
const USUAL: Duration = Duration::from_hours(90 * 24);
pub(super) const LONGEST: Duration = Duration::from_hours(366 * 24);

/// The most characters of a label.
pub(super) const LONGEST_LABEL: usize = 100;

/// Tokens read at a time.
const PAGE: usize = 500;

/// A token that shall be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Whose it shall be; none: the caller's.
    pub owner: Option<Subject>,
    /// What its owner calls it.
    pub label: String,
    /// How long it lives.
    pub life: TokenLife,
    /// What it is good for, of what its owner may do; none: for all that the caller can give.
    pub limits: Option<Vec<Permit>>,
}

/// How long a token lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenLife {
    /// As long as usual, or as the caller's own.
    Usual,
    /// So long.
    Of(Duration),
    /// Until it is removed.
    Endless,
}

/// A token, and when it was last used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSeen {
    /// The token.
    pub token: Token,
    /// When it was last used, to the minute, if it was.
    pub used: Option<Timestamp>,
}

impl Administration<'_> {
    /// Makes a token. The secret is told now, and to nobody again.
    pub async fn create_token(&self, caller: &Caller, new: NewToken) -> Result<(Token, TokenSecret), AdminError> {
        let owner = new.owner.as_ref().or_else(|| own_account(caller)).cloned().ok_or(AdminError::NoOwner)?;
        check_manages(caller, &owner, true)?;
        match &owner {
            Subject::User(name) => self.get::<User>(name.as_str()).await.map(drop)?,
            Subject::Robot(name) => self.get::<Robot>(name.as_str()).await.map(drop)?,
            Subject::Group(_) => return Err(AdminError::OwnedByGroup),
        }
        let is_label = !new.label.trim().is_empty()
            && new.label.chars().count() <= LONGEST_LABEL
            && !new.label.chars().any(char::is_control);
        if !is_label {
            return Err(AdminError::Label);
        }
        let bounds = self.token_of(caller).await?;
        let limits = within(bounds.as_ref(), new.limits)?;
        let now = Timestamp::now();
        let expires = expiry(bounds.as_ref(), &owner, new.life, now)?;
        let secret = TokenSecret::random()?;
        // One's own is as old as what it was asked for with: a sign-out that has come meanwhile ends it too.
        let created = if own_account(caller) == Some(&owner) { caller.since } else { now };
        let token = Token {
            id: secret.id().clone(),
            owner,
            kind: TokenKind::Access,
            label: new.label,
            secret: secret.hash(),
            limits,
            created,
            expires,
        };
        self.create(&token).await?;
        Ok((token, secret))
    }

    /// Up to `limit` tokens after `after` that the caller may see: of one owner, of everybody, or their own.
    pub async fn tokens(
        &self,
        caller: &Caller,
        owner: Option<&Subject>,
        after: Option<&TokenId>,
        limit: usize,
    ) -> Result<Vec<TokenSeen>, AdminError> {
        let owner = match owner {
            None if caller.powers.administers_all() => None,
            None => Some(own_account(caller).ok_or(AdminError::Needs(Need::Administration))?),
            Some(owner) => Some(owner),
        };
        if let Some(owner) = owner {
            check_manages(caller, owner, false)?;
        }
        let mut found: Vec<Token> = Vec::new();
        let mut after = after.cloned();
        while found.len() < limit {
            let page: Vec<Token> = self.accounts.list(after.as_ref().map(TokenId::as_str), PAGE).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|token| token.id.clone());
            found.extend(page.into_iter().filter(|token| owner.is_none_or(|owner| token.owner == *owner)));
            if is_last {
                break;
            }
        }
        found.truncate(limit);
        self.seen(found).await
    }

    /// One token, if it is the caller's, or the caller administers the registry.
    pub async fn token(&self, caller: &Caller, id: &TokenId) -> Result<TokenSeen, AdminError> {
        let token = self.managed(caller, id).await?;
        let used = self.accounts.get::<TokenUse>(id.as_str()).await?.map(|known| known.record.at);
        Ok(TokenSeen { token, used })
    }

    /// Removes a token, if it is the caller's, or the caller administers the registry.
    pub async fn remove_token(&self, caller: &Caller, id: &TokenId) -> Result<Token, AdminError> {
        let token = self.managed(caller, id).await?;
        let own = self.token_of(caller).await?;
        if own.is_some_and(|own| own.limits.is_some() && own.id != *id && !caller.powers.administers_all()) {
            return Err(AdminError::BeyondOwnToken);
        }
        self.remove::<Token>(id.as_str()).await?;
        self.accounts.remove::<TokenUse>(id.as_str()).await?;
        Ok(token)
    }

    /// A token that the caller may manage. Nobody is told whether there is another.
    async fn managed(&self, caller: &Caller, id: &TokenId) -> Result<Token, AdminError> {
        let unknown = || AdminError::unknown::<Token>(id.as_str());
        match self.get::<Token>(id.as_str()).await {
            Ok(token) if caller.powers.administers_all() => Ok(token),
            Ok(token) if own_account(caller) == Some(&token.owner) => {
                check_manages(caller, &token.owner, false)?;
                Ok(token)
            }
            Ok(_) => Err(unknown()),
            Err(error) => Err(error),
        }
    }

    /// The token that the caller has shown, or has been given an access token for.
    async fn token_of(&self, caller: &Caller) -> Result<Option<Token>, AdminError> {
        match &caller.token {
            None => Ok(None),
            // One that is gone since makes nothing any more.
            Some(id) => self.get::<Token>(id).await.map(Some).map_err(|error| match error {
                AdminError::Unknown { .. } => AdminError::BeyondOwnToken,
                error => error,
            }),
        }
    }

    /// Removes every token of an account that is gone, or was signed out everywhere.
    pub(super) async fn remove_tokens_of(&self, owner: &Subject) -> Result<(), AdminError> {
        for token in self.accounts.all::<Token>().await?.iter().filter(|token| token.owner == *owner) {
            self.accounts.remove::<Token>(token.id.as_str()).await?;
            self.accounts.remove::<TokenUse>(token.id.as_str()).await?;
        }
        Ok(())
    }

    /// The tokens with their last uses: looked up one by one where they are few, else all at once.
    async fn seen(&self, tokens: Vec<Token>) -> Result<Vec<TokenSeen>, AdminError> {
        const FEW: usize = 20;
        let mut uses = HashMap::new();
        if tokens.len() > FEW {
            uses.extend(self.accounts.all::<TokenUse>().await?.into_iter().map(|used| (used.id, used.at)));
        } else {
            for token in &tokens {
                let last = self.accounts.get::<TokenUse>(token.id.as_str()).await?;
                uses.extend(last.map(|known| (known.record.id, known.record.at)));
            }
        }
        let seen = |token: Token| TokenSeen { used: uses.get(&token.id).copied(), token };
        Ok(tokens.into_iter().map(seen).collect())
    }
}

/// The account that the caller is.
const fn own_account(caller: &Caller) -> Option<&Subject> {
    match &caller.principal {
        Principal::Account(subject) => Some(subject),
        Principal::Anonymous | Principal::Operator | Principal::Federated { .. } => None,
    }
}

/// Whether the caller manages the tokens of this owner. A robot's are made for it: it makes none itself.
fn check_manages(caller: &Caller, owner: &Subject, makes: bool) -> Result<(), AdminError> {
    if caller.powers.administers_all() {
        return Ok(());
    }
    let is_own = own_account(caller) == Some(owner) && !(makes && matches!(owner, Subject::Robot(_)));
    match caller.proof {
        Proof::AccessToken if is_own => Err(AdminError::ByAccessToken),
        Proof::Credentials if is_own => Ok(()),
        Proof::None | Proof::Open | Proof::Credentials | Proof::AccessToken => {
            Err(AdminError::Needs(Need::Administration))
        }
    }
}

/// What a new token is limited to: what is asked for, as far as the caller's own token allows that; nothing said, as that is.
fn within(own: Option<&Token>, wanted: Option<Vec<Permit>>) -> Result<Option<Vec<Permit>>, AdminError> {
    let own = own.and_then(|own| own.limits.as_ref());
    let Some(wanted) = wanted else {
        return Ok(own.cloned());
    };
    if wanted.len() > MOST_GRANTS {
        return Err(AdminError::TooManyGrants);
    }
    if wanted.iter().any(|permit| permit.actions.is_empty()) {
        return Err(AdminError::EmptyLimit);
    }
    match own {
        Some(own) if !wanted.iter().all(|permit| allow(own, permit)) => Err(AdminError::BeyondOwnToken),
        _ => Ok(Some(wanted)),
    }
}

/// When a new token ends: never after the caller's own.
fn expiry(
    own: Option<&Token>,
    owner: &Subject,
    life: TokenLife,
    now: Timestamp,
) -> Result<Option<Timestamp>, AdminError> {
    let own = own.and_then(|own| own.expires);
    let wanted = match life {
        TokenLife::Usual => {
            let usual = now.plus(USUAL);
            return Ok(Some(own.map_or(usual, |own| own.min(usual))));
        }
        TokenLife::Of(life) if life.is_zero() || life > LONGEST => return Err(AdminError::Life),
        TokenLife::Of(life) => Some(now.plus(life)),
        TokenLife::Endless if matches!(owner, Subject::Robot(_)) => None,
        TokenLife::Endless => return Err(AdminError::Life),
    };
    match own {
        Some(own) if wanted.is_none_or(|wanted| wanted > own) => Err(AdminError::BeyondOwnToken),
        _ => Ok(wanted),
    }
}
