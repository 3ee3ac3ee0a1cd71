//! Robots and groups.

use http::StatusCode;

use super::AdminRoute;
use super::answer::Done;
use super::wire::{ChangeAccount, ChangeGroup, CreateAccount, CreateGroup, GroupView, Groups, RobotView, Robots};
use crate::auth::{AccountChange, Group, Name, Robot};
use crate::clock::Timestamp;
use crate::http::body::WireBody;
use crate::http::error::Error;
use crate::http::{Api, Call};

impl Api {
    pub(super) async fn robots(&self, call: &Call) -> Result<Done, Error> {
        let told = |robots: Vec<Robot>| Robots { robots: robots.into_iter().map(RobotView::from).collect() };
        self.page_of(&AdminRoute::Robots, call, told).await
    }

    pub(super) async fn robot(&self, name: &Name) -> Result<Done, Error> {
        let robot: Robot = self.administration().get(name.as_str()).await?;
        Ok(Done::told(StatusCode::OK, &RobotView::from(robot)))
    }

    pub(super) async fn create_robot(&self, body: WireBody) -> Result<Done, Error> {
        let CreateAccount { name, grants, groups, is_disabled } = self.read(body).await?;
        let grants = grants.into_iter().map(Into::into).collect();
        let robot = Robot { name, grants, groups, is_disabled, created: Timestamp::now() };
        let robot = self.administration().create_robot(robot).await?;
        let place = AdminRoute::Robot { name: robot.name.clone() };
        Ok(Done::created(&RobotView::from(robot), &place))
    }

    pub(super) async fn change_robot(&self, name: &Name, body: WireBody) -> Result<Done, Error> {
        let ChangeAccount { grants, groups, is_disabled } = self.read(body).await?;
        let change = AccountChange {
            grants: grants.map(|grants| grants.into_iter().map(Into::into).collect()),
            groups,
            is_disabled,
        };
        let robot = self.administration().change_robot(name.as_str(), change).await?;
        Ok(Done::told(StatusCode::OK, &RobotView::from(robot)))
    }

    pub(super) async fn remove_robot(&self, name: &Name) -> Result<Done, Error> {
        self.administration().remove_robot(name.as_str()).await?;
        Ok(Done::silent())
    }

    pub(super) async fn groups(&self, call: &Call) -> Result<Done, Error> {
        let told = |groups: Vec<Group>| Groups { groups: groups.into_iter().map(GroupView::from).collect() };
        self.page_of(&AdminRoute::Groups, call, told).await
    }

    pub(super) async fn group(&self, name: &Name) -> Result<Done, Error> {
        let group: Group = self.administration().get(name.as_str()).await?;
        Ok(Done::told(StatusCode::OK, &GroupView::from(group)))
    }

    pub(super) async fn create_group(&self, body: WireBody) -> Result<Done, Error> {
        let CreateGroup { name, grants } = self.read(body).await?;
        let group = Group { name, grants: grants.into_iter().map(Into::into).collect(), created: Timestamp::now() };
        let group = self.administration().create_group(group).await?;
        let place = AdminRoute::Group { name: group.name.clone() };
        Ok(Done::created(&GroupView::from(group), &place))
    }

    pub(super) async fn change_group(&self, name: &Name, body: WireBody) -> Result<Done, Error> {
        let ChangeGroup { grants } = self.read(body).await?;
        let grants = grants.map(|grants| grants.into_iter().map(Into::into).collect());
        let group = self.administration().change_group(name.as_str(), grants).await?;
        Ok(Done::told(StatusCode::OK, &GroupView::from(group)))
    }

    pub(super) async fn remove_group(&self, name: &Name) -> Result<Done, Error> {
        self.administration().remove_group(name.as_str()).await?;
        Ok(Done::silent())
    }
}
