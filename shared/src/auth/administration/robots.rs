//! Programs.

use super::super::accounts::Robot;
use super::super::permit::Grant;
use super::super::principal::{Name, Subject};
use super::{AdminError, Administration, check_grants, distinct};

/// What shall be different about a robot; what is none stays as it is.
#[derive(Debug, Clone, Default)]
pub struct AccountChange {
    /// What it may do itself.
    pub grants: Option<Vec<Grant>>,
    /// The groups that it is in.
    pub groups: Option<Vec<Name>>,
    /// Whether it is kept out for now.
    pub is_disabled: Option<bool>,
}

impl Administration<'_> {
    /// Makes an account.
    pub async fn create_robot(&self, robot: Robot) -> Result<Robot, AdminError> {
        check_grants(&robot.grants)?;
        let robot = Robot { grants: distinct(robot.grants), groups: distinct(robot.groups), ..robot };
        self.check_groups(&robot.groups).await?;
        self.create(&robot).await?;
        Ok(robot)
    }

    /// Changes an account.
    pub async fn change_robot(&self, name: &str, change: AccountChange) -> Result<Robot, AdminError> {
        if let Some(grants) = &change.grants {
            check_grants(grants)?;
        }
        let (grants, groups) = (change.grants.map(distinct), change.groups.map(distinct));
        if let Some(groups) = &groups {
            self.check_groups(groups).await?;
        }
        let apply = |robot: &mut Robot| {
            if let Some(grants) = &grants {
                robot.grants.clone_from(grants);
            }
            if let Some(groups) = &groups {
                robot.groups.clone_from(groups);
            }
            robot.is_disabled = change.is_disabled.unwrap_or(robot.is_disabled);
        };
        self.change(name, apply).await
    }

    /// Removes an account, and what it has signed in by.
    pub async fn remove_robot(&self, name: &str) -> Result<Robot, AdminError> {
        let robot = self.remove::<Robot>(name).await?;
        self.remove_tokens_of(&Subject::Robot(robot.name.clone())).await?;
        Ok(robot)
    }
}
