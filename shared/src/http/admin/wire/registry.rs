//! What is settled about the registry and its repositories, and what was done.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Grant, Moment, schema};
use crate::auth::{self, Mode, Name, Visibility};
use crate::oci::RepositoryName;

/// What is settled about a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepositoryView {
    /// The repository, whether it exists yet or not.
    #[schema(schema_with = schema::repository)]
    pub name: RepositoryName,
    /// Who may read it without an account.
    #[schema(schema_with = schema::visibility)]
    pub visibility: Visibility,
}

impl From<auth::RepositorySettings> for RepositoryView {
    fn from(auth::RepositorySettings { name, visibility }: auth::RepositorySettings) -> Self {
        Self { name, visibility }
    }
}

/// A page of what is settled about repositories; the header Link leads on to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Repositories {
    /// In the byte order of their names. One, when one was asked for.
    pub repositories: Vec<RepositoryView>,
}

/// What shall be settled about a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutVisibility {
    /// Who may read it without an account.
    #[schema(schema_with = schema::visibility)]
    pub visibility: Visibility,
}

/// What is granted to everybody of whom an issuer claims these things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Claims by name, and what each must be: `*` in it stands for any characters. One at least that is no `iss` or `aud`
    /// is more than stars.
    #[schema(schema_with = schema::claims)]
    pub claims: BTreeMap<String, String>,
    /// What is granted.
    pub grants: Vec<Grant>,
}

/// Who vouches for callers that have no account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuerView {
    /// What it is called here.
    #[schema(schema_with = schema::name)]
    pub name: Name,
    /// What it calls itself: the `iss` of its tokens, or `aws`.
    pub issuer: String,
    /// Whom its tokens must be meant for.
    #[schema(schema_with = schema::audience)]
    pub audience: String,
    /// Who may do what, of those that it vouches for.
    pub rules: Vec<Rule>,
    /// Since when it is trusted.
    #[schema(schema_with = schema::moment)]
    pub created: Moment,
}

impl From<auth::Issuer> for IssuerView {
    fn from(issuer: auth::Issuer) -> Self {
        let rule =
            |rule: auth::Rule| Rule { claims: rule.claims, grants: rule.grants.into_iter().map(Into::into).collect() };
        Self {
            name: issuer.name,
            issuer: issuer.issuer,
            audience: issuer.audience,
            rules: issuer.rules.into_iter().map(rule).collect(),
            created: Moment(issuer.created),
        }
    }
}

impl From<Rule> for auth::Rule {
    fn from(Rule { claims, grants }: Rule) -> Self {
        Self { claims, grants: grants.into_iter().map(Into::into).collect() }
    }
}

/// A page of issuers; the header Link leads on to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Issuers {
    /// In the byte order of their names.
    pub issuers: Vec<IssuerView>,
}

/// An issuer that shall be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutIssuer {
    /// What it calls itself: the `iss` of its tokens, or `aws`.
    #[schema(schema_with = schema::issuer)]
    pub issuer: String,
    /// Whom its tokens must be meant for.
    #[schema(schema_with = schema::audience)]
    pub audience: String,
    /// Who may do what, of those that it vouches for. Each names at least one claim.
    pub rules: Vec<Rule>,
}

/// The public half of a key that access tokens are signed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// Its name, which a token gives as its `kid`.
    pub kid: String,
    /// Its public point, in base64url: Ed25519.
    pub x: String,
    /// Since when there is this key.
    #[schema(schema_with = schema::moment)]
    pub created: Moment,
    /// When it stops counting; left out: when another follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::moment)]
    pub retires: Option<Moment>,
}

impl From<auth::PublicKey> for KeyView {
    fn from(key: auth::PublicKey) -> Self {
        let x = key.x().to_owned();
        Self { x, created: Moment(key.created), retires: key.retires.map(Moment), kid: key.kid }
    }
}

/// Every key that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Keys {
    /// In the byte order of their names.
    pub keys: Vec<KeyView>,
}

/// How keys are rotated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKeys {
    /// Whether those before stop counting at once, and all access tokens with them: after one has leaked.
    #[serde(default)]
    pub at_once: bool,
}

/// What the registry lets be done at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModeView {
    /// Whether anything may be pushed and deleted.
    #[schema(schema_with = schema::mode)]
    pub mode: Mode,
}

/// Something that somebody did, or was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActView {
    /// Its name.
    pub id: String,
    /// When.
    #[schema(schema_with = schema::moment)]
    pub time: Moment,
    /// Who.
    #[schema(example = "user:alice")]
    pub who: String,
    /// By which token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<String>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, nullable = false)]
    pub address: Option<IpAddr>,
    /// What.
    #[schema(example = "user.create")]
    pub action: String,
    /// To which repository, account or other thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub object: Option<String>,
    /// Whether it was allowed.
    pub allowed: bool,
    /// Why, or why not, and what exactly.
    pub reason: String,
    /// What was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status: Option<u16>,
    /// With which request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request: Option<String>,
}

impl From<auth::KeptAct> for ActView {
    fn from(auth::KeptAct { id, act }: auth::KeptAct) -> Self {
        Self {
            id,
            time: Moment(act.time),
            who: act.who,
            token: act.token,
            address: act.address,
            action: act.action,
            object: act.object,
            allowed: act.allowed,
            reason: act.reason,
            status: act.status,
            request: act.request,
        }
    }
}

/// Some of what was done, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Acts {
    /// The acts.
    pub acts: Vec<ActView>,
    /// What to ask for as `after`, for those that come then; left out: there are no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}
