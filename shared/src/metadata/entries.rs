//! The books of who may do what, as a store keeps them: named records of which only the version and the expiry are its own
//! business.

use serde_json::Value;

use super::error::{Error, Result};
use super::records::Generation;
use crate::clock::Timestamp;

/// A book of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Book {
    /// People.
    Users,
    /// Programs.
    Robots,
    /// Several of both.
    Groups,
    /// What they sign in by, instead of a password.
    Tokens,
    /// When each of those was last used.
    TokenUses,
    /// Who vouches for others.
    Issuers,
    /// What is settled about repositories.
    Repositories,
    /// What is settled about the registry.
    Settings,
    /// The public halves of the keys that access tokens are signed with.
    PublicKeys,
    /// The private halves.
    SigningKeys,
    /// How often somebody has tried. Its entries are never listed: each lies in a partition of its own.
    Throttles,
}

impl Book {
    /// The book's name in keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Robots => "robots",
            Self::Groups => "groups",
            Self::Tokens => "tokens",
            Self::TokenUses => "token-uses",
            Self::Issuers => "issuers",
            Self::Repositories => "repositories",
            Self::Settings => "settings",
            Self::PublicKeys => "public-keys",
            Self::SigningKeys => "signing-keys",
            Self::Throttles => "throttles",
        }
    }

    /// Whether its entries lie together, and can be listed.
    pub(super) const fn is_listed(self) -> bool {
        !matches!(self, Self::Throttles)
    }
}

/// A record of a book, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, its own in the book.
    pub name: String,
    /// Which of its versions. A name that comes back after it was removed has versions of its own.
    pub version: u64,
    /// What it says.
    pub body: Value,
    /// From when on it is as good as removed.
    pub expires: Option<Timestamp>,
}

impl Entry {
    /// The most bytes that a name has, a deed's too; it has at least one.
    pub const MAX_NAME: usize = 512;
}

/// A name that keys have no room for.
#[derive(Debug, thiserror::Error)]
#[error("a name has from 1 to {most} bytes, not {0}", most = Entry::MAX_NAME)]
struct NameLength(usize);

/// Refuses what can be the name of no record and of no deed.
pub(super) fn check_name(name: &str) -> Result<()> {
    match name.len() {
        1..=Entry::MAX_NAME => Ok(()),
        length => Err(Error::Failed(Box::new(NameLength(length)))),
    }
}

/// A record to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryWrite {
    /// The book.
    pub book: Book,
    /// Its name, of up to [`Entry::MAX_NAME`] bytes.
    pub name: String,
    /// The version that it takes the place of; none when there must be no such record.
    pub known: Option<u64>,
    /// What it says.
    pub body: Value,
    /// From when on it is as good as removed.
    pub expires: Option<Timestamp>,
    /// The present.
    pub now: Timestamp,
    pub(super) version: u64,
}

impl EntryWrite {
    /// A write that makes a version of its own, later than the one it takes the place of: by it the write is known again, and
    /// no record of this name that was removed has had it.
    #[must_use]
    pub fn new(
        book: Book,
        name: impl Into<String>,
        known: Option<u64>,
        body: Value,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let Generation(version) = Generation::next(known.map(Generation), now);
        Self { book, name: name.into(), known, body, expires, now, version }
    }

    /// The version that the write makes.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }
}
