//! The books of accounts: users, robots, groups, tokens, issuers and the settings of repositories, as typed records.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::decision::Visibility;
use super::password::PasswordHash;
use super::permit::{Grant, Permit};
use super::principal::{Name, Subject};
use super::secret::{SecretHash, TokenId};
use crate::clock::Timestamp;
use crate::metadata::{self, Book, Entry, EntryWrite, MetadataStore};
use crate::oci::RepositoryName;

/// A record of a book.
pub trait Record: Serialize + DeserializeOwned + Clone + Send + Sync {
    /// The book.
    const BOOK: Book;

    /// Under which name it stands there.
    fn key(&self) -> &str;

    /// When it stops being there by itself.
    fn expires(&self) -> Option<Timestamp> {
        None
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// What they are called.
    pub name: Name,
    /// What is kept of their password.
    pub password: PasswordHash,
    /// Whether the password is good for nothing but setting another.
    #[serde(default)]
    pub must_change_password: bool,
    /// What they may do themselves.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// The groups that they are in, whose grants are theirs too.
    #[serde(default)]
    pub groups: Vec<Name>,
    /// Whether they are kept out for now.
    #[serde(default)]
    pub is_disabled: bool,
    /// Whoever has signed in before this has to do so again.
    #[serde(default)]
    pub signed_out: Timestamp,
    /// Since when there is this account.
    pub created: Timestamp,
}

impl User {
    /// Whether somebody gets in who has signed in then; none: just now.
    #[must_use]
    pub fn admits(&self, since: Option<Timestamp>) -> bool {
        since.is_none_or(|since| self.signed_out < since)
    }
}

/// A program. It has no password: its tokens are all it signs in by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Robot {
    /// What it is called.
    pub name: Name,
    /// What it may do itself.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// The groups that it is in.
    #[serde(default)]
    pub groups: Vec<Name>,
    /// Whether it is kept out for now.
    #[serde(default)]
    pub is_disabled: bool,
    /// Since when there is this account.
    pub created: Timestamp,
}

/// Several accounts that may do the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What it is called.
    pub name: Name,
    /// What its members may do.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// Since when there is this group.
    pub created: Timestamp,
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// Made by its owner, or for a robot.
    Access,
    /// Given to a client that asked to stay signed in.
    Refresh,
}

/// Something that an account signs in by, instead of a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its name.
    pub id: TokenId,
    /// Whose it is.
    pub owner: Subject,
    /// What it is for.
    pub kind: TokenKind,
    /// What its owner calls it.
    pub label: String,
    /// What is kept of its secret.
    pub secret: SecretHash,
    /// What it is good for, of what its owner may do; none: for all of that.
    #[serde(default)]
    pub limits: Option<Vec<Permit>>,
    /// Since when there is this token.
    pub created: Timestamp,
    /// When it ends by itself.
    #[serde(default)]
    pub expires: Option<Timestamp>,
}

/// When a token was last used, to the minute. Apart from the token: who reads those need not be able to write them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUse {
    /// The token.
    pub id: TokenId,
    /// When.
    pub at: Timestamp,
    /// When the token ends by itself.
    #[serde(default)]
    pub expires: Option<Timestamp>,
}

/// Who vouches for callers that have no account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    /// What it is called here.
    pub name: Name,
    /// What it calls itself: the `iss` of its tokens, or `aws` for what AWS says of who signed a request.
    pub issuer: String,
    /// Whom its tokens must be meant for.
    pub audience: String,
    /// Who may do what, of those that it vouches for. One whom no rule knows gets in nowhere.
    pub rules: Vec<Rule>,
    /// Since when it is trusted.
    pub created: Timestamp,
}

/// What is granted to everybody of whom an issuer claims these things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Claims by name, and what each must be: `*` in it stands for any characters.
    pub claims: BTreeMap<String, String>,
    /// What is granted.
    pub grants: Vec<Grant>,
}

/// What is settled about a repository, whether it exists yet or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositorySettings {
    /// The repository.
    pub name: RepositoryName,
    /// Who may read it without saying who they are.
    pub visibility: Visibility,
}

macro_rules! record {
    ($type:ty, $book:ident, $key:ident $(, $expires:ident)?) => {
        impl Record for $type {
            const BOOK: Book = Book::$book;

            fn key(&self) -> &str {
                self.$key.as_str()
            }

            $(fn expires(&self) -> Option<Timestamp> {
                self.$expires
            })?
        }
    };
}

record!(User, Users, name);
record!(Robot, Robots, name);
record!(Group, Groups, name);
record!(Token, Tokens, id, expires);
record!(TokenUse, TokenUses, id, expires);
record!(Issuer, Issuers, name);
record!(RepositorySettings, Repositories, name);

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known<R> {
    /// The record.
    pub record: R,
    /// Which of its versions.
    pub version: u64,
}

/// The books.
#[derive(Debug, Clone)]
pub struct Accounts {
    store: Arc<dyn MetadataStore>,
}

impl Accounts {
    /// How often a change is tried again that another came before.
    const ATTEMPTS: usize = 8;

    /// The books in this store.
    #[must_use]
    pub fn new(store: Arc<dyn MetadataStore>) -> Self {
        Self { store }
    }

    /// The record of that name.
    pub async fn get<R: Record>(&self, key: &str) -> metadata::Result<Option<Known<R>>> {
        self.store.entry(R::BOOK, key, Timestamp::now()).await?.map(known).transpose()
    }

    /// Up to `limit` records, in the byte order of their names, after `after`.
    pub async fn list<R: Record>(&self, after: Option<&str>, limit: usize) -> metadata::Result<Vec<R>> {
        let entries = self.store.entries(R::BOOK, after, limit, Timestamp::now()).await?;
        entries.into_iter().map(|entry| known(entry).map(|known| known.record)).collect()
    }

    /// Every record of a book, read in pages.
    pub async fn all<R: Record>(&self) -> metadata::Result<Vec<R>> {
        const PAGE: usize = 500;
        let mut all: Vec<R> = Vec::new();
        loop {
            let page = self.list(all.last().map(Record::key), PAGE).await?;
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Writes a record that is not there yet; false when it is.
    pub async fn create<R: Record>(&self, record: &R) -> metadata::Result<bool> {
        self.put(None, record).await
    }

    /// Writes a record in the place of the one that was read; false when that is no longer so.
    pub async fn replace<R: Record>(&self, read: &Known<R>, record: &R) -> metadata::Result<bool> {
        self.put(Some(read.version), record).await
    }

    async fn put<R: Record>(&self, version: Option<u64>, record: &R) -> metadata::Result<bool> {
        let body = serde_json::to_value(record).map_err(|error| metadata::Error::Failed(error.into()))?;
        let write = EntryWrite::new(R::BOOK, record.key(), version, body, record.expires(), Timestamp::now());
        self.store.put_entry(&write).await
    }

    /// Changes a record, again when another change came first; none when there is no such record, else what it became.
    pub async fn change<R: Record>(&self, key: &str, change: impl Fn(&mut R) + Send) -> metadata::Result<Option<R>> {
        for _ in 0..Self::ATTEMPTS {
            let Some(read) = self.get::<R>(key).await? else {
                return Ok(None);
            };
            let mut next = read.record.clone();
            change(&mut next);
            if self.replace(&read, &next).await? {
                return Ok(Some(next));
            }
        }
        Err(metadata::Error::Contended)
    }

    /// Removes the very record that was read; false when it is no longer so.
    pub async fn remove_known<R: Record>(&self, read: &Known<R>) -> metadata::Result<bool> {
        self.store.remove_entry(R::BOOK, read.record.key(), read.version).await
    }

    /// Removes a record; the one that went, if there was one.
    pub async fn remove<R: Record>(&self, key: &str) -> metadata::Result<Option<R>> {
        for _ in 0..Self::ATTEMPTS {
            let Some(read) = self.get::<R>(key).await? else {
                return Ok(None);
            };
            if self.store.remove_entry(R::BOOK, key, read.version).await? {
                return Ok(Some(read.record));
            }
        }
        Err(metadata::Error::Contended)
    }
}

fn known<R: Record>(entry: Entry) -> metadata::Result<Known<R>> {
    let record = serde_json::from_value(entry.body).map_err(|error| metadata::Error::Corrupt(Box::new(error)))?;
    Ok(Known { record, version: entry.version })
}
