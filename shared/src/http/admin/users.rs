//! Users.

use http::StatusCode;

use super::AdminRoute;
use super::answer::Done;
use super::wire::{ChangeUser, CreateUser, UserCreated, UserView, Users};
use crate::auth::{AdminError, Name, NewUser, Password, PasswordChange, User, UserChange};
use crate::http::body::WireBody;
use crate::http::error::Error;
use crate::http::{Api, Call};

impl Api {
    pub(super) async fn users(&self, call: &Call) -> Result<Done, Error> {
        let told = |users: Vec<User>| Users { users: users.into_iter().map(UserView::from).collect() };
        self.page_of(&AdminRoute::Users, call, told).await
    }

    pub(super) async fn user(&self, name: &Name) -> Result<Done, Error> {
        let user: User = self.administration().get(name.as_str()).await?;
        Ok(Done::told(StatusCode::OK, &UserView::from(user)))
    }

    pub(super) async fn create_user(&self, body: WireBody) -> Result<Done, Error> {
        let CreateUser { name, password, grants, groups, is_disabled } = self.read(body).await?;
        let new = NewUser {
            name,
            password: password.map(Password::given),
            grants: grants.into_iter().map(Into::into).collect(),
            groups,
            is_disabled,
        };
        let (user, password) = self.administration().create_user(new).await?;
        let place = AdminRoute::User { name: user.name.clone() };
        Ok(Done::created(&created(user, password.as_ref()), &place))
    }

    pub(super) async fn change_user(&self, name: &Name, body: WireBody) -> Result<Done, Error> {
        let change: ChangeUser = self.read(body).await?;
        let detail = changed(&change);
        let password = match (change.password, change.generate_password) {
            (Some(_), true) => return Err(AdminError::TwoPasswords.into()),
            (Some(password), false) => Some(PasswordChange::To(Password::given(password))),
            (None, true) => Some(PasswordChange::Generated),
            (None, false) => None,
        };
        let change = UserChange {
            grants: change.grants.map(|grants| grants.into_iter().map(Into::into).collect()),
            groups: change.groups,
            is_disabled: change.is_disabled,
            password,
        };
        let (user, password) = self.administration().change_user(name.as_str(), change).await?;
        Ok(Done::told(StatusCode::OK, &created(user, password.as_ref())).detail(detail))
    }

    pub(super) async fn remove_user(&self, name: &Name) -> Result<Done, Error> {
        self.administration().remove_user(name.as_str()).await?;
        Ok(Done::silent())
    }
}

fn created(user: User, password: Option<&Password>) -> UserCreated {
    UserCreated { user: user.into(), password: password.map(|password| password.expose().to_owned()) }
}

/// What is changed, as the audit is told it.
fn changed(change: &ChangeUser) -> String {
    let parts = [
        (change.grants.is_some(), "grants"),
        (change.groups.is_some(), "groups"),
        (change.is_disabled == Some(true), "disabled"),
        (change.is_disabled == Some(false), "enabled"),
        (change.password.is_some() || change.generate_password, "password"),
    ];
    parts.into_iter().filter(|(is_changed, _)| *is_changed).map(|(_, part)| part).collect::<Vec<_>>().join(", ")
}
