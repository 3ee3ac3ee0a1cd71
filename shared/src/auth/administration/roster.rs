//! That a registry keeps somebody who administers it, also when several are demoted at once.
//!
//! A store changes one record at a time, and whoever is demoted stands in another record than whoever remains. So one record,
//! the roster, names a *keeper*: a user who administers the registry, and the group by which, if it is by one. What holds:
//! **the keeper that the roster names administers the registry, whatever is being changed.**
//!
//! A change that takes something from an account or a group goes in this order: it reads the record, it writes the roster, in
//! the version that it has read, with a keeper who stays one after the change, and only then writes the record, in the version
//! that it has read. It writes the roster also when the keeper stays the same. To name another keeper, it writes the records
//! that make them one as they are, after it has read the roster and before it writes that.
//!
//! Were a keeper demoted all the same, some change D would have written their record after another one, N, had named them. D
//! has written the roster before its record. If N has read the roster before that, N's write of it has failed. If N has read it
//! after that, N has written the keeper's record after D has read it, and D's write has failed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::accounts::{Accounts, Group, Record, User};
use super::super::permit::{Grant, Powers};
use super::super::principal::Name;
use super::super::secret::random_bytes;
use super::{ATTEMPTS, AdminError, Administration, Thing};
use crate::metadata::{self, Book};

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Roster {
    keeper: Option<Keeper>,
    /// No two writes are the same: a store may take the second for the first one again.
    nonce: String,
}

impl Record for Roster {
    const BOOK: Book = Book::Settings;

    fn key(&self) -> &'static str {
        KEY
    }
}

const KEY: &str = "roster";

/// Somebody who administers the registry, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Keeper {
    user: Name,
    /// None: by a grant of their own.
    group: Option<Name>,
}

impl Keeper {
    fn is_one(&self, user: Option<&User>, group: Option<&Group>) -> bool {
        let Some(user) = user.filter(|user| !user.is_disabled) else {
            return false;
        };
        match &self.group {
            None => administers(&user.grants),
            Some(name) => user.groups.contains(name) && group.is_some_and(|group| administers(&group.grants)),
        }
    }
}

fn administers(grants: &[Grant]) -> bool {
    Powers::granted(grants).administers_all()
}

/// A record that may make somebody an admin.
pub(super) trait Holder: Thing {
    /// Whether the change takes away what may make somebody one.
    fn weakens(before: &Self, after: Option<&Self>) -> bool;

    /// The change.
    fn change<'a>(before: &'a Self, after: Option<&'a Self>) -> Change<'a>;
}

/// Whose record is changed, and what it will be; none: it is removed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change<'a> {
    User(&'a Name, Option<&'a User>),
    Group(&'a Name, Option<&'a Group>),
}

impl<'a> Change<'a> {
    /// The user of that name after the change, who is this one before it.
    fn user(self, name: &Name, before: Option<&'a User>) -> Option<&'a User> {
        match self {
            Self::User(changed, after) if changed == name => after,
            Self::User(..) | Self::Group(..) => before,
        }
    }

    /// The group of that name after the change, which is this one before it.
    fn group(self, name: &Name, before: Option<&'a Group>) -> Option<&'a Group> {
        match self {
            Self::Group(changed, after) if changed == name => after,
            Self::User(..) | Self::Group(..) => before,
        }
    }

    fn is_of_user(self, name: &Name) -> bool {
        matches!(self, Self::User(changed, _) if changed == name)
    }

    fn is_of_group(self, name: &Name) -> bool {
        matches!(self, Self::Group(changed, _) if changed == name)
    }
}

impl Holder for User {
    fn weakens(before: &Self, after: Option<&Self>) -> bool {
        let after = after.filter(|after| !after.is_disabled);
        let loses_own = administers(&before.grants) && !after.is_some_and(|after| administers(&after.grants));
        // Whichever group it is: it may be one of admins by the time that this is written.
        let stays_in = |group| after.is_some_and(|after| after.groups.contains(group));
        !before.is_disabled && (loses_own || !before.groups.iter().all(stays_in))
    }

    fn change<'a>(before: &'a Self, after: Option<&'a Self>) -> Change<'a> {
        Change::User(&before.name, after)
    }
}

impl Holder for Group {
    fn weakens(before: &Self, after: Option<&Self>) -> bool {
        administers(&before.grants) && !after.is_some_and(|after| administers(&after.grants))
    }

    fn change<'a>(before: &'a Self, after: Option<&'a Self>) -> Change<'a> {
        Change::Group(&before.name, after)
    }
}

impl Administration<'_> {
    /// Changes a record, or removes it where the change leaves none, unless nobody would administer the registry after that.
    /// What it was, and what it became.
    pub(super) async fn change_holder<R: Holder>(
        &self,
        name: &str,
        change: impl Fn(R) -> Result<Option<R>, AdminError> + Send,
    ) -> Result<(R, Option<R>), AdminError> {
        for _ in 0..ATTEMPTS {
            let Some(read) = self.accounts.get::<R>(name).await? else {
                return Err(AdminError::unknown::<R>(name));
            };
            let next = change(read.record.clone())?;
            let weakens = R::weakens(&read.record, next.as_ref());
            if weakens && !name_keeper(self.accounts, R::change(&read.record, next.as_ref())).await? {
                continue;
            }
            let is_written = match &next {
                Some(next) => self.accounts.replace(&read, next).await?,
                None => self.accounts.remove_known(&read).await?,
            };
            if is_written {
                return Ok((read.record, next));
            }
        }
        Err(metadata::Error::Contended.into())
    }

    /// Whether a registry of this first user could be administered.
    pub(super) async fn check_first(&self, user: &User) -> Result<(), AdminError> {
        if !self.accounts.list::<User>(None, 1).await?.is_empty() {
            return Ok(());
        }
        let groups = self.groups_of(user).await?;
        let is_admin = administers(&user.grants) || groups.iter().any(|group| administers(&group.grants));
        if is_admin && !user.is_disabled { Ok(()) } else { Err(AdminError::FirstUser) }
    }

    async fn groups_of(&self, user: &User) -> Result<Vec<Group>, AdminError> {
        let mut groups = Vec::new();
        for name in &user.groups {
            groups.extend(self.accounts.get::<Group>(name.as_str()).await?.map(|known| known.record));
        }
        Ok(groups)
    }
}

/// Writes the roster with a keeper who stays one after the change; false when something else was written meanwhile.
async fn name_keeper(accounts: &Accounts, change: Change<'_>) -> Result<bool, AdminError> {
    let read = accounts.get::<Roster>(KEY).await?;
    let keeper = match read.as_ref().and_then(|read| read.record.keeper.clone()) {
        Some(keeper) if stays(accounts, &keeper, change).await? => Some(keeper),
        _ => match another(accounts, change).await? {
            Some(keeper) if !hold(accounts, &keeper, change).await? => return Ok(false),
            keeper => keeper,
        },
    };
    let roster = Roster { keeper, nonce: hex::encode(random_bytes::<8>()?) };
    Ok(match &read {
        Some(read) => accounts.replace(read, &roster).await?,
        None => accounts.create(&roster).await?,
    })
}

/// Whether the keeper is one after the change.
async fn stays(accounts: &Accounts, keeper: &Keeper, change: Change<'_>) -> metadata::Result<bool> {
    let user = accounts.get::<User>(keeper.user.as_str()).await?.map(|known| known.record);
    let group = match &keeper.group {
        Some(name) => accounts.get::<Group>(name.as_str()).await?.map(|known| known.record),
        None => None,
    };
    let group = keeper.group.as_ref().and_then(|name| change.group(name, group.as_ref()));
    Ok(keeper.is_one(change.user(&keeper.user, user.as_ref()), group))
}

/// Somebody who administers the registry after the change. None when nobody does before it either: then nothing is lost.
async fn another(accounts: &Accounts, change: Change<'_>) -> Result<Option<Keeper>, AdminError> {
    let (users, groups) = (accounts.all::<User>().await?, accounts.all::<Group>().await?);
    let of_admins_then = of_admins(groups.iter().filter_map(|group| change.group(&group.name, Some(group))));
    let mut users_then = users.iter().filter_map(|user| change.user(&user.name, Some(user)));
    if let Some(found) = users_then.find_map(|user| keeper(user, &of_admins_then)) {
        return Ok(Some(found));
    }
    let of_admins = of_admins(&groups);
    if users.iter().any(|user| keeper(user, &of_admins).is_some()) { Err(AdminError::LastAdmin) } else { Ok(None) }
}

fn of_admins<'a>(groups: impl IntoIterator<Item = &'a Group>) -> BTreeSet<&'a Name> {
    groups.into_iter().filter(|group| administers(&group.grants)).map(|group| &group.name).collect()
}

/// The user as a keeper, if they are one.
fn keeper(user: &User, of_admins: &BTreeSet<&Name>) -> Option<Keeper> {
    let by_own = administers(&user.grants);
    let group = user.groups.iter().find(|group| !by_own && of_admins.contains(group)).cloned();
    let is_one = !user.is_disabled && (by_own || group.is_some());
    is_one.then(|| Keeper { user: user.name.clone(), group })
}

/// Writes what makes somebody a keeper as it is, so that no change of it succeeds that was begun before; false when they are
/// none any more. What is being changed is written by the change.
async fn hold(accounts: &Accounts, keeper: &Keeper, change: Change<'_>) -> metadata::Result<bool> {
    let is_held = change.is_of_user(&keeper.user) || hold_one::<User>(accounts, &keeper.user).await?;
    let is_group_held = match &keeper.group {
        Some(group) => change.is_of_group(group) || hold_one::<Group>(accounts, group).await?,
        None => true,
    };
    Ok(is_held && is_group_held && stays(accounts, keeper, change).await?)
}

async fn hold_one<R: Record>(accounts: &Accounts, name: &Name) -> metadata::Result<bool> {
    match accounts.get::<R>(name.as_str()).await? {
        Some(read) => accounts.replace(&read, &read.record).await,
        None => Ok(false),
    }
}
