//! Tokens, and who is asking.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{Moment, schema};
use crate::auth::{self, Actions, Pattern, Subject, TokenId, TokenKind};

/// Actions on the repositories of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Permit {
    /// The repositories.
    #[schema(schema_with = schema::pattern)]
    pub repositories: Pattern,
    /// What may be done to them.
    #[schema(schema_with = schema::actions)]
    pub actions: Actions,
}

impl From<Permit> for auth::Permit {
    fn from(Permit { repositories, actions }: Permit) -> Self {
        Self { repositories, actions }
    }
}

impl From<&auth::Permit> for Permit {
    fn from(auth::Permit { repositories, actions }: &auth::Permit) -> Self {
        Self { repositories: repositories.clone(), actions: *actions }
    }
}

/// What a token is for.
pub type Kind = TokenKind;

/// A token, without its secret, which nobody is told again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Its name.
    #[schema(schema_with = schema::token_id)]
    pub id: TokenId,
    /// Whose it is.
    #[schema(schema_with = schema::subject)]
    pub owner: Subject,
    /// What it is for.
    #[schema(schema_with = schema::kind)]
    pub kind: Kind,
    /// What its owner calls it.
    pub label: String,
    /// What it is good for, of what its owner may do; left out: all of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub limits: Option<Vec<Permit>>,
    /// Since when there is this token.
    #[schema(schema_with = schema::moment)]
    pub created: Moment,
    /// When it ends; left out: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::moment)]
    pub expires: Option<Moment>,
    /// When it was last used, to the minute; left out: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::moment)]
    pub last_used: Option<Moment>,
}

impl From<auth::TokenSeen> for TokenView {
    fn from(auth::TokenSeen { token, used }: auth::TokenSeen) -> Self {
        Self {
            id: token.id,
            owner: token.owner,
            kind: token.kind,
            label: token.label,
            limits: token.limits.map(|limits| limits.iter().map(Into::into).collect()),
            created: Moment(token.created),
            expires: token.expires.map(Moment),
            last_used: used.map(Moment),
        }
    }
}

/// A page of tokens; the header Link leads on to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// In the byte order of their names.
    pub tokens: Vec<TokenView>,
}

/// A token that shall be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// Whose it shall be; left out: the caller's. A robot's is made by who administers the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::subject_or_null)]
    pub owner: Option<Subject>,
    /// What its owner calls it.
    #[schema(min_length = 1, max_length = 100)]
    pub label: String,
    /// In how many seconds it ends, at most 366 days; left out: 90 days, or when the caller's own ends; null, of a robot's
    /// only: never.
    #[serde(default, deserialize_with = "told", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 31_622_400)]
    pub expires_in_seconds: Option<Option<u64>>,
    /// What it shall be good for, of what its owner may do; left out: all that the caller may give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub limits: Option<Vec<Permit>>,
}

/// Tells null from nothing.
#[expect(clippy::option_option, reason = "null and nothing mean different things")]
fn told<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A token with its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenCreated {
    /// The token.
    pub token: TokenView,
    /// What its owner signs in by, in the place of a password. It is told once.
    pub secret: String,
}

/// Who is asking, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// Who: `user:alice`, `robot:ci`, `oidc:github/…`, `operator`.
    #[schema(example = "user:alice")]
    pub principal: String,
    /// By which token, if by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<String>,
    /// Whether they administer the registry.
    pub administers: bool,
    /// What they may do, within the limits.
    pub permits: Vec<Permit>,
    /// Beyond what they may do nothing; left out: there is no such limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub limits: Option<Vec<Permit>>,
}
