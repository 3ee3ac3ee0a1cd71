//! Several accounts that may do the same.

use super::super::accounts::{Group, Robot, User};
use super::super::permit::Grant;
use super::{AdminError, Administration, check_grants, distinct};

impl Administration<'_> {
    /// Makes a group.
    pub async fn create_group(&self, group: Group) -> Result<Group, AdminError> {
        check_grants(&group.grants)?;
        let group = Group { grants: distinct(group.grants), ..group };
        self.create(&group).await?;
        Ok(group)
    }

    /// Changes what the members of a group may do.
    pub async fn change_group(&self, name: &str, grants: Option<Vec<Grant>>) -> Result<Group, AdminError> {
        if let Some(grants) = &grants {
            check_grants(grants)?;
        }
        let grants = grants.map(distinct);
        let changed = self.change_holder::<Group>(name, |mut group| {
            group.grants = grants.clone().unwrap_or(group.grants);
            Ok(Some(group))
        });
        let (before, after) = changed.await?;
        Ok(after.unwrap_or(before))
    }

    /// Removes a group, then its members from it: those of a later group of that name are others.
    pub async fn remove_group(&self, name: &str) -> Result<Group, AdminError> {
        let (group, _) = self.change_holder::<Group>(name, |_| Ok(None)).await?;
        for user in self.accounts.all::<User>().await?.iter().filter(|user| user.groups.contains(&group.name)) {
            let left = self.change_holder::<User>(user.name.as_str(), |mut user| {
                user.groups.retain(|name| *name != group.name);
                Ok(Some(user))
            });
            unless_gone(left.await)?;
        }
        for robot in self.accounts.all::<Robot>().await?.iter().filter(|robot| robot.groups.contains(&group.name)) {
            let leave = |robot: &mut Robot| robot.groups.retain(|name| *name != group.name);
            unless_gone(self.change(robot.name.as_str(), leave).await)?;
        }
        Ok(group)
    }
}

/// Whoever is gone meanwhile is in no group.
fn unless_gone<T>(changed: Result<T, AdminError>) -> Result<(), AdminError> {
    match changed {
        Ok(_) | Err(AdminError::Unknown { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
