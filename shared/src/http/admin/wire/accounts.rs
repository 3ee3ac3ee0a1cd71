//! Users, robots, groups and what they were granted.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Moment, schema};
use crate::auth::{self, Name, Pattern, Role, Subject};

/// A role on the repositories of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The repositories.
    #[schema(schema_with = schema::pattern)]
    pub repositories: Pattern,
    /// What may be done to them.
    #[schema(schema_with = schema::role)]
    pub role: Role,
}

impl From<Grant> for auth::Grant {
    fn from(Grant { repositories, role }: Grant) -> Self {
        Self { repositories, role }
    }
}

impl From<auth::Grant> for Grant {
    fn from(auth::Grant { repositories, role }: auth::Grant) -> Self {
        Self { repositories, role }
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    /// What they are called.
    #[schema(schema_with = schema::name)]
    pub name: Name,
    /// What they may do themselves.
    pub grants: Vec<Grant>,
    /// The groups that they are in, whose grants are theirs too.
    #[schema(schema_with = schema::names)]
    pub groups: Vec<Name>,
    /// Whether they are kept out for now.
    pub is_disabled: bool,
    /// Whether the password is good for nothing but setting another.
    pub must_change_password: bool,
    /// Since when there is this account.
    #[schema(schema_with = schema::moment)]
    pub created: Moment,
}

impl From<auth::User> for UserView {
    fn from(user: auth::User) -> Self {
        Self {
            name: user.name,
            grants: user.grants.into_iter().map(Into::into).collect(),
            groups: user.groups,
            is_disabled: user.is_disabled,
            must_change_password: user.must_change_password,
            created: Moment(user.created),
        }
    }
}

/// A page of users; the header Link leads on to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Users {
    /// In the byte order of their names.
    pub users: Vec<UserView>,
}

/// A user who shall have an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// What they are called.
    #[schema(schema_with = schema::name)]
    pub name: Name,
    /// Their password. Without one, one is generated and told in the answer, and has to be changed first of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::password_or_null)]
    pub password: Option<String>,
    /// What they may do themselves.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// The groups that they are in.
    #[serde(default)]
    #[schema(schema_with = schema::names)]
    pub groups: Vec<Name>,
    /// Whether they are kept out for now.
    #[serde(default)]
    pub is_disabled: bool,
}

/// A user, and the password that was generated for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserCreated {
    /// The user.
    pub user: UserView,
    /// The password, when it was generated: it is told once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub password: Option<String>,
}

/// What shall be different about a user. What is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeUser {
    /// What they may do themselves, all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<Grant>>,
    /// The groups that they are in, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::names_or_null)]
    pub groups: Option<Vec<Name>>,
    /// Whether they are kept out for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_disabled: Option<bool>,
    /// Their password. It signs them out everywhere, and removes their tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::password_or_null)]
    pub password: Option<String>,
    /// Whether a password is generated, told in the answer, and has to be changed first of all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub generate_password: bool,
}

/// Somebody's own new password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The password.
    #[schema(schema_with = schema::password)]
    pub password: String,
}

/// A robot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RobotView {
    /// What it is called.
    #[schema(schema_with = schema::name)]
    pub name: Name,
    /// What it may do itself.
    pub grants: Vec<Grant>,
    /// The groups that it is in, whose grants are its own too.
    #[schema(schema_with = schema::names)]
    pub groups: Vec<Name>,
    /// Whether it is kept out for now.
    pub is_disabled: bool,
    /// Since when there is this account.
    #[schema(schema_with = schema::moment)]
    pub created: Moment,
}

impl From<auth::Robot> for RobotView {
    fn from(robot: auth::Robot) -> Self {
        Self {
            name: robot.name,
            grants: robot.grants.into_iter().map(Into::into).collect(),
            groups: robot.groups,
            is_disabled: robot.is_disabled,
            created: Moment(robot.created),
        }
    }
}

/// A page of robots; the header Link leads on to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Robots {
    /// In the byte order of their names.
    pub robots: Vec<RobotView>,
}

/// A robot that shall have an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAccount {
    /// What it is called.
    #[schema(schema_with = schema::name)]
    pub name: Name,
    /// What it may do itself.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// The groups that it is in.
    #[serde(default)]
    #[schema(schema_with = schema::names)]
    pub groups: Vec<Name>,
    /// Whether it is kept out for now.
    #[serde(default)]
    pub is_disabled: bool,
}

/// What shall be different about a robot. What is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeAccount {
    /// What it may do itself, all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<Grant>>,
    /// The groups that it is in, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::names_or_null)]
    pub groups: Option<Vec<Name>>,
    /// Whether it is kept out for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_disabled: Option<bool>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupView {
    /// What it is called.
    #[schema(schema_with = schema::name)]
    pub name: Name,
    /// What its members may do.
    pub grants: Vec<Grant>,
    /// Since when there is this group.
    #[schema(schema_with = schema::moment)]
    pub created: Moment,
}

impl From<auth::Group> for GroupView {
    fn from(group: auth::Group) -> Self {
        let grants = group.grants.into_iter().map(Into::into).collect();
        Self { name: group.name, grants, created: Moment(group.created) }
    }
}

/// A page of groups; the header Link leads on to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Groups {
    /// In the byte order of their names.
    pub groups: Vec<GroupView>,
}

/// A group that shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateGroup {
    /// What it is called.
    #[schema(schema_with = schema::name)]
    pub name: Name,
    /// What its members may do.
    #[serde(default)]
    pub grants: Vec<Grant>,
}

/// What shall be different about a group. What is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeGroup {
    /// What its members may do, all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<Grant>>,
}

/// A grant, and who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldGrant {
    /// Who.
    #[schema(schema_with = schema::subject)]
    pub subject: Subject,
    /// The repositories.
    #[schema(schema_with = schema::pattern)]
    pub repositories: Pattern,
    /// What may be done to them.
    #[schema(schema_with = schema::role)]
    pub role: Role,
}

impl From<HeldGrant> for auth::HeldGrant {
    fn from(HeldGrant { subject, repositories, role }: HeldGrant) -> Self {
        Self { subject, grant: auth::Grant { repositories, role } }
    }
}

impl From<auth::HeldGrant> for HeldGrant {
    fn from(auth::HeldGrant { subject, grant }: auth::HeldGrant) -> Self {
        Self { subject, repositories: grant.repositories, role: grant.role }
    }
}

/// Grants, and who has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldGrants {
    /// All of them that the caller may see.
    pub grants: Vec<HeldGrant>,
}
