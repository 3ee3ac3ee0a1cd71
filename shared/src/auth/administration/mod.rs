//! What administering a registry means: which changes of the books may be made, and by whom. Nothing here knows how it was
//! asked for.

mod error;
mod grants;
mod groups;
mod issuers;
mod repositories;
mod robots;
mod roster;
#[cfg(test)]
mod tests;
mod tokens;
mod users;

pub use error::{AdminError, Thing};
pub use grants::HeldGrant;
pub use robots::AccountChange;
pub use tokens::{NewToken, TokenLife, TokenSeen};
pub use users::{NewUser, PasswordChange, UserChange};

use super::accounts::{Accounts, Group, Record};
use super::permit::Grant;
use super::principal::Name;
use crate::metadata;

/// The most grants of one subject, or of one rule.
pub const MOST_GRANTS: usize = 200;

/// The most groups of one account.
pub const MOST_GROUPS: usize = 50;

/// How often a change is tried again that others came before.
const ATTEMPTS: usize = 16;

/// The books, as they are administered.
#[derive(Debug, Clone, Copy)]
pub struct Administration<'a> {
    accounts: &'a Accounts,
}

impl<'a> Administration<'a> {
    /// Of these books.
    #[must_use]
    pub const fn of(accounts: &'a Accounts) -> Self {
        Self { accounts }
    }

    /// The record of that name.
    pub async fn get<R: Thing>(&self, name: &str) -> Result<R, AdminError> {
        let known = self.accounts.get::<R>(name).await?;
        known.map(|known| known.record).ok_or_else(|| AdminError::unknown::<R>(name))
    }

    /// Up to `limit` records, in the byte order of their names, after `after`.
    pub async fn list<R: Record>(&self, after: Option<&str>, limit: usize) -> Result<Vec<R>, AdminError> {
        Ok(self.accounts.list(after, limit).await?)
    }

    async fn create<R: Thing>(&self, record: &R) -> Result<(), AdminError> {
        if self.accounts.create(record).await? { Ok(()) } else { Err(AdminError::exists(record)) }
    }

    async fn change<R: Thing>(&self, name: &str, change: impl Fn(&mut R) + Send) -> Result<R, AdminError> {
        self.accounts.change(name, change).await?.ok_or_else(|| AdminError::unknown::<R>(name))
    }

    /// Changes a record, unless the change refuses; whether it made a difference.
    async fn change_record<R: Thing>(
        &self,
        name: &str,
        change: impl Fn(&mut R) -> Result<bool, AdminError> + Send,
    ) -> Result<bool, AdminError> {
        for _ in 0..ATTEMPTS {
            let read = self.accounts.get::<R>(name).await?.ok_or_else(|| AdminError::unknown::<R>(name))?;
            let mut next = read.record.clone();
            if !change(&mut next)? {
                return Ok(false);
            }
            if self.accounts.replace(&read, &next).await? {
                return Ok(true);
            }
        }
        Err(metadata::Error::Contended.into())
    }

    async fn remove<R: Thing>(&self, name: &str) -> Result<R, AdminError> {
        self.accounts.remove(name).await?.ok_or_else(|| AdminError::unknown::<R>(name))
    }

    /// Writes a record, whether there is one of that name or not, keeping of that what it must; true when there was none, and
    /// what was written.
    async fn put<R: Record>(&self, record: &R, keep: impl Fn(&R, &mut R) + Send) -> Result<(bool, R), AdminError> {
        for _ in 0..ATTEMPTS {
            let mut next = record.clone();
            let read = self.accounts.get::<R>(record.key()).await?;
            let is_written = match &read {
                None => self.accounts.create(&next).await?,
                Some(read) => {
                    keep(&read.record, &mut next);
                    self.accounts.replace(read, &next).await?
                }
            };
            if is_written {
                return Ok((read.is_none(), next));
            }
        }
        Err(metadata::Error::Contended.into())
    }

    /// Whether an account can be in these groups.
    async fn check_groups(&self, groups: &[Name]) -> Result<(), AdminError> {
        if groups.len() > MOST_GROUPS {
            return Err(AdminError::TooManyGroups);
        }
        for group in groups {
            if self.accounts.get::<Group>(group.as_str()).await?.is_none() {
                return Err(AdminError::NoSuchGroup(group.clone()));
            }
        }
        Ok(())
    }
}

/// Whether one subject can have these grants.
const fn check_grants(grants: &[Grant]) -> Result<(), AdminError> {
    if grants.len() > MOST_GRANTS { Err(AdminError::TooManyGrants) } else { Ok(()) }
}

/// Each once, in the order that they were told in.
fn distinct<T: PartialEq>(items: Vec<T>) -> Vec<T> {
    let mut distinct: Vec<T> = Vec::with_capacity(items.len());
    for item in items {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    distinct
}
