//! Who was given what, and by whom more may be given.

use super::super::accounts::{Group, Robot, User};
use super::super::caller::Caller;
use super::super::decision::Need;
use super::super::permit::Grant;
use super::super::principal::Subject;
use super::{AdminError, Administration, check_grants};

/// A grant, and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldGrant {
    /// Who.
    pub subject: Subject,
    /// What.
    pub grant: Grant,
}

impl Administration<'_> {
    /// The grants of one subject, or of all, on what the caller administers.
    pub async fn grants(&self, caller: &Caller, subject: Option<&Subject>) -> Result<Vec<HeldGrant>, AdminError> {
        if !caller.powers.administers_some() {
            return Err(AdminError::Needs(Need::Administration));
        }
        let mut all: Vec<(Subject, Vec<Grant>)> = Vec::new();
        if let Some(subject) = subject {
            all.push((subject.clone(), self.grants_of(subject).await?));
        } else {
            let users = self.accounts.all::<User>().await?;
            all.extend(users.into_iter().map(|user| (Subject::User(user.name), user.grants)));
            let robots = self.accounts.all::<Robot>().await?;
            all.extend(robots.into_iter().map(|robot| (Subject::Robot(robot.name), robot.grants)));
            let groups = self.accounts.all::<Group>().await?;
            all.extend(groups.into_iter().map(|group| (Subject::Group(group.name), group.grants)));
        }
        let held = all.into_iter().flat_map(|(subject, grants)| {
            grants.into_iter().map(move |grant| HeldGrant { subject: subject.clone(), grant })
        });
        Ok(held.filter(|held| caller.powers.administers(&held.grant.repositories)).collect())
    }

    async fn grants_of(&self, subject: &Subject) -> Result<Vec<Grant>, AdminError> {
        Ok(match subject {
            Subject::User(name) => self.get::<User>(name.as_str()).await?.grants,
            Subject::Robot(name) => self.get::<Robot>(name.as_str()).await?.grants,
            Subject::Group(name) => self.get::<Group>(name.as_str()).await?.grants,
        })
    }

    /// Gives a grant; false when the subject has it already.
    pub async fn add_grant(&self, caller: &Caller, held: &HeldGrant) -> Result<bool, AdminError> {
        check_may_give(caller, held)?;
        self.change_grants(&held.subject, |grants| {
            if grants.contains(&held.grant) {
                return Ok(false);
            }
            grants.push(held.grant.clone());
            check_grants(grants).map(|()| true)
        })
        .await
    }

    /// Takes a grant back.
    pub async fn remove_grant(&self, caller: &Caller, held: &HeldGrant) -> Result<(), AdminError> {
        check_may_give(caller, held)?;
        self.change_grants(&held.subject, |grants| {
            let before = grants.len();
            grants.retain(|grant| *grant != held.grant);
            if grants.len() < before { Ok(true) } else { Err(AdminError::NoSuchGrant(held.subject.clone())) }
        })
        .await
        .map(drop)
    }

    /// Whether the change made a difference.
    async fn change_grants(
        &self,
        subject: &Subject,
        change: impl Fn(&mut Vec<Grant>) -> Result<bool, AdminError> + Send + Sync,
    ) -> Result<bool, AdminError> {
        match subject {
            Subject::User(name) => {
                let changed = self.change_holder::<User>(name.as_str(), |mut user| {
                    change(&mut user.grants)?;
                    Ok(Some(user))
                });
                let (before, after) = changed.await?;
                Ok(after.is_some_and(|after| after.grants != before.grants))
            }
            Subject::Group(name) => {
                let changed = self.change_holder::<Group>(name.as_str(), |mut group| {
                    change(&mut group.grants)?;
                    Ok(Some(group))
                });
                let (before, after) = changed.await?;
                Ok(after.is_some_and(|after| after.grants != before.grants))
            }
            Subject::Robot(name) => {
                let changed = self.change_record::<Robot>(name.as_str(), |robot| change(&mut robot.grants));
                changed.await
            }
        }
    }
}

/// Whoever administers all that a grant is about may give it, and take it back.
fn check_may_give(caller: &Caller, held: &HeldGrant) -> Result<(), AdminError> {
    if caller.powers.administers(&held.grant.repositories) {
        Ok(())
    } else {
        Err(AdminError::Needs(Need::Administration))
    }
}
