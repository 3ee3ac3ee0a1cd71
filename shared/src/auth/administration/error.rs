//! Why the books were not changed, or not shown.

use super::super::accounts::{Group, Issuer, Record, RepositorySettings, Robot, Token, User};
use super::super::decision::Need;
use super::super::federation::IssuerCheckError;
use super::super::password::{HashError, Password, PasswordLengthError};
use super::super::principal::Name;
use super::super::secret::NoRandomness;
use super::{MOST_GRANTS, MOST_GROUPS};
use crate::metadata;

/// A record that is administered, and what it is called.
pub trait Thing: Record {
    /// What one of them is called.
    const CALLED: &'static str;
}

macro_rules! thing {
    ($($type:ty => $called:literal),*) => {
        $(impl Thing for $type {
            const CALLED: &'static str = $called;
        })*
    };
}

thing! {
    User => "user", Robot => "robot", Group => "group", Token => "token", Issuer => "issuer",
    RepositorySettings => "setting of a repository"
}

/// Why a change was not made, or something not shown.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is nothing of that name.
    #[error("there is no {called} {name}")]
    Unknown {
        /// What is called so.
        called: &'static str,
        /// Its name.
        name: String,
    },
    /// There is something of that name.
    #[error("there is a {called} {name} already")]
    Exists {
        /// What is called so.
        called: &'static str,
        /// Its name.
        name: String,
    },
    /// The subject does not have this grant.
    #[error("{0} has no such grant")]
    NoSuchGrant(super::super::principal::Subject),
    /// Nobody would be left who may administer the registry.
    #[error(
        "nobody could administer the registry any more: at least one user who is not disabled keeps admin on **, by a \
         grant or by a group"
    )]
    LastAdmin,
    /// Nobody could administer a registry whose first user may not.
    #[error("the first user of a registry administers it: give it the role admin on **")]
    FirstUser,
    /// The caller would have to be allowed this.
    #[error("this takes more than the caller may do: {0}")]
    Needs(Need),
    /// An access token manages no tokens, unless it administers the registry.
    #[error("an access token manages no tokens: sign in with a password, or with a token of your own")]
    ByAccessToken,
    /// A token makes none that may do more than itself, or for longer.
    #[error(
        "a token makes none that may do more than itself, or that outlives it, and removes none but itself if it is limited"
    )]
    BeyondOwnToken,
    /// It is not told whose the token shall be.
    #[error("the token needs an owner: user:NAME or robot:NAME")]
    NoOwner,
    /// A group signs in nowhere.
    #[error("a token belongs to a user or a robot, not to a group")]
    OwnedByGroup,
    /// A user's token ends some day.
    #[error("a token ends after 1 second to {days} days; only a robot's may have no end", days = super::tokens::LONGEST.as_secs() / 86_400)]
    Life,
    /// The label is none.
    #[error("a token has a label of 1 to {most} characters, none of them a control character", most = super::tokens::LONGEST_LABEL)]
    Label,
    /// A limit that allows nothing.
    #[error("each limit of a token allows some action")]
    EmptyLimit,
    /// More grants than a subject can have.
    #[error("a subject has at most {MOST_GRANTS} grants, and so has a rule, and a token as many limits")]
    TooManyGrants,
    /// More groups than an account can be in.
    #[error("an account is in at most {MOST_GROUPS} groups")]
    TooManyGroups,
    /// The account shall be in a group that there is not.
    #[error("there is no group {0}: create it first")]
    NoSuchGroup(Name),
    /// The password is too short, or too long.
    #[error(transparent)]
    Password(#[from] PasswordLengthError),
    /// The new password is the old one.
    #[error("the new password is the one that it should take the place of")]
    SamePassword,
    /// A password was given, and one shall be made.
    #[error("either a password is given or one is generated, not both")]
    TwoPasswords,
    /// The issuer, or one of its rules, may not be written down.
    #[error(transparent)]
    Issuer(#[from] IssuerCheckError),
    /// The issuer has too many rules.
    #[error("an issuer has at most {most} rules", most = super::issuers::MOST_RULES)]
    TooManyRules,
    /// The books cannot be read or written.
    #[error(transparent)]
    Metadata(#[from] metadata::Error),
    /// A password cannot be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// No secret can be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl AdminError {
    pub(super) fn unknown<R: Thing>(name: &str) -> Self {
        Self::Unknown { called: R::CALLED, name: crate::oci::excerpt(name) }
    }

    pub(super) fn exists<R: Thing>(record: &R) -> Self {
        Self::Exists { called: R::CALLED, name: record.key().to_owned() }
    }
}

/// A password that was chosen, checked.
pub(super) fn chosen(password: &Password) -> Result<Password, AdminError> {
    Ok(Password::chosen(password.expose())?)
}
