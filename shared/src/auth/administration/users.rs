//! People.

use std::time::Duration;

use super::super::accounts::User;
use super::super::password::Password;
use super::super::permit::Grant;
use super::super::principal::{Name, Subject};
use super::error::chosen;
use super::{AdminError, Administration, check_grants, distinct};
use crate::clock::Timestamp;
use crate::metadata;

/// A person who shall have an account.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// What they are called.
    pub name: Name,
    /// Their password. None: one is made, which is good for nothing but setting another.
    pub password: Option<Password>,
    /// What they may do themselves.
    pub grants: Vec<Grant>,
    /// The groups that they are in.
    pub groups: Vec<Name>,
    /// Whether they are kept out for now.
    pub is_disabled: bool,
}

/// What shall be different about a user; what is none stays as it is.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// What they may do themselves.
    pub grants: Option<Vec<Grant>>,
    /// The groups that they are in.
    pub groups: Option<Vec<Name>>,
    /// Whether they are kept out for now.
    pub is_disabled: Option<bool>,
    /// Their password, which signs them out everywhere.
    pub password: Option<PasswordChange>,
}

/// How somebody's password is changed by another.
#[derive(Debug, Clone)]
pub enum PasswordChange {
    /// To this one.
    To(Password),
    /// To one that is made, and is good for nothing but setting another.
    Generated,
}

impl Administration<'_> {
    /// Makes an account. The password is told when it was made here: nobody is told it again.
    pub async fn create_user(&self, new: NewUser) -> Result<(User, Option<Password>), AdminError> {
        check_grants(&new.grants)?;
        let groups = distinct(new.groups);
        self.check_groups(&groups).await?;
        let (password, generated) = match &new.password {
            Some(password) => (chosen(password)?, None),
            None => generated()?,
        };
        let created = Timestamp::now();
        let user = User {
            name: new.name,
            password: password.hash().await?,
            must_change_password: generated.is_some(),
            grants: distinct(new.grants),
            groups,
            is_disabled: new.is_disabled,
            // What was given to a user of that name that is gone is not this one's.
            signed_out: created.minus(Duration::from_millis(1)),
            created,
        };
        self.check_first(&user).await?;
        self.create(&user).await?;
        Ok((user, generated))
    }

    /// Changes an account. The password is told when it was made here.
    pub async fn change_user(&self, name: &str, change: UserChange) -> Result<(User, Option<Password>), AdminError> {
        if let Some(grants) = &change.grants {
            check_grants(grants)?;
        }
        let (grants, groups) = (change.grants.map(distinct), change.groups.map(distinct));
        if let Some(groups) = &groups {
            self.check_groups(groups).await?;
        }
        let (hash, generated) = match &change.password {
            None => (None, None),
            Some(PasswordChange::To(password)) => (Some(chosen(password)?.hash().await?), None),
            Some(PasswordChange::Generated) => {
                let (password, generated) = generated()?;
                (Some(password.hash().await?), generated)
            }
        };
        let changed = self.change_holder::<User>(name, |mut user| {
            user.grants = grants.clone().unwrap_or(user.grants);
            user.groups = groups.clone().unwrap_or(user.groups);
            user.is_disabled = change.is_disabled.unwrap_or(user.is_disabled);
            if let Some(hash) = &hash {
                user.password = hash.clone();
                user.must_change_password = generated.is_some();
                user.signed_out = Timestamp::now();
            }
            Ok(Some(user))
        });
        let (before, after) = changed.await?;
        let user = after.unwrap_or(before);
        if hash.is_some() {
            self.remove_tokens_of(&Subject::User(user.name.clone())).await?;
        }
        Ok((user, generated))
    }

    /// Sets the password of a user who has just shown the one before, and signs them out everywhere else.
    pub async fn change_own_password(
        &self,
        shown: &User,
        before: &Password,
        new: &Password,
    ) -> Result<User, AdminError> {
        let password = chosen(new)?;
        if password.expose() == before.expose() {
            return Err(AdminError::SamePassword);
        }
        let hash = password.hash().await?;
        let read = self.accounts.get::<User>(shown.name.as_str()).await?;
        let read = read.ok_or_else(|| AdminError::unknown::<User>(shown.name.as_str()))?;
        let user =
            User { password: hash, must_change_password: false, signed_out: Timestamp::now(), ..read.record.clone() };
        // Another password that was set meanwhile is stronger than the one that was shown.
        if read.record.password != shown.password || !self.accounts.replace(&read, &user).await? {
            return Err(metadata::Error::Contended.into());
        }
        self.remove_tokens_of(&Subject::User(user.name.clone())).await?;
        Ok(user)
    }

    /// Removes an account, and what it has signed in by.
    pub async fn remove_user(&self, name: &str) -> Result<User, AdminError> {
        let (user, _) = self.change_holder::<User>(name, |_| Ok(None)).await?;
        self.remove_tokens_of(&Subject::User(user.name.clone())).await?;
        Ok(user)
    }
}

/// A password, twice: to be kept, and to be told.
fn generated() -> Result<(Password, Option<Password>), AdminError> {
    let password = Password::generated()?;
    Ok((password.clone(), Some(password)))
}
