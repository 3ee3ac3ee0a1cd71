//! The books of who may do what, as a store keeps them: named records of which only the version and the expiry are its own
//! business.

use serde_json::Value;

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

/// A record to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryWrite {
    /// The book.
    pub book: Book,
    /// Its name.
    pub name: String,
    /// The version that it takes the place of; none when there must be no such record.
    pub known: Option<u64>,
    /// What it says.
    pub body: Value,
    /// From when on it is as good as removed.
    pub expires: Option<Timestamp>,
    /// The present.
    pub now: Timestamp,
}

impl EntryWrite {
    /// The version that the write makes: later than the one it takes the place of, and than those of a record of this name
    /// that was removed.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.known.map_or(0, |known| known + 1).max(self.now.as_millis())
    }
}
