//! What is said in JSON about accounts: docs/accounts.md describes it, and `openapi` documents it from these types.

mod accounts;
mod registry;
pub(super) mod schema;
mod tokens;

use std::fmt;

pub use accounts::{
    ChangeAccount, ChangeGroup, ChangeUser, CreateAccount, CreateGroup, CreateUser, Grant, GroupView, Groups,
    HeldGrant, HeldGrants, NewPassword, RobotView, Robots, UserCreated, UserView, Users,
};
pub use registry::{
    ActView, Acts, IssuerView, Issuers, KeyView, Keys, ModeView, PutIssuer, PutVisibility, Repositories,
    RepositoryView, RotateKeys, Rule,
};
use serde::{Deserialize, Serialize};
pub use tokens::{CreateToken, Kind, Me, Permit, TokenCreated, TokenView, Tokens};

use crate::clock::Timestamp;

/// A moment, as RFC 3339 has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_rfc3339())
    }
}

impl Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read = Timestamp::from_rfc3339(&text).map(Self);
        read.ok_or_else(|| serde::de::Error::custom("a moment is written as 2026-11-24T16:41:10Z"))
    }
}

/// What went wrong, in the form of the OCI specification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Failures {
    /// One entry.
    pub errors: Vec<Failure>,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Failure {
    /// The word to tell errors apart by.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// More, as the code has it.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}
