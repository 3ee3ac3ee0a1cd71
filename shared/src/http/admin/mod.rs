//! `/api/v1`: who has an account, who may do what, and what was done. docs/accounts.md describes it. `auth::administration`
//! says what may be changed; here it is only read from requests and told in answers.
//!
//! Nothing below is in a program that does not call [`Api::administering`].

mod accounts;
mod answer;
mod audit;
mod document;
mod error;
mod grants;
mod issuers;
mod me;
mod query;
mod registry;
mod route;
mod tokens;
mod users;
pub mod wire;

pub use document::{documented, openapi};
pub(super) use error::{code, status};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::Method;
use http::header::CACHE_CONTROL;
pub use route::{AdminRoute, ROOT};

use self::answer::Done;
use super::admission::refused;
use super::body::WireBody;
use super::error::Error;
use super::reply::Reply;
use super::{Api, Call};
use crate::auth::{Act, AdminError, Administration, Decision};

/// What answers for these routes, where something does.
pub(super) type Administers =
    for<'a> fn(&'a Api, AdminRoute, &'a mut Call, WireBody) -> BoxFuture<'a, Result<Reply, Error>>;

impl Api {
    /// The same, answering for the administration too. A process that does not is not burdened with any of it.
    #[must_use]
    pub fn administering(self) -> Self {
        Self { administers: Some(|api, route, call, body| api.administer(route, call, body).boxed()), ..self }
    }

    async fn administer(&self, route: AdminRoute, call: &mut Call, body: WireBody) -> Result<Reply, Error> {
        let done = self.administered(&route, call, body).await;
        if call.method != Method::GET {
            self.forget(&route, call, &done);
            if let Some(act) = act_of_change(&route, call, &done) {
                self.gate.tell(&act, true).await;
            }
        }
        match done {
            Ok(done) => Ok(done.reply.with(&CACHE_CONTROL, "no-store")),
            Err(Error::Administration(AdminError::Needs(need))) => {
                let needs = [need];
                let decision = self.gate.decide(&call.caller, &needs).await?;
                self.tell_of_refusal(call, &needs, decision).await;
                Err(refused(call, &needs, decision))
            }
            Err(error) => Err(error),
        }
    }

    async fn administered(&self, route: &AdminRoute, call: &mut Call, body: WireBody) -> Result<Done, Error> {
        match (route, &call.method) {
            (AdminRoute::Me, _) => Ok(Self::me(call)),
            (AdminRoute::OwnPassword, _) => self.change_own_password(call, body).await,
            (AdminRoute::Users, &Method::POST) => self.create_user(body).await,
            (AdminRoute::Users, _) => self.users(call).await,
            (AdminRoute::User { name }, &Method::PATCH) => self.change_user(name, body).await,
            (AdminRoute::User { name }, &Method::DELETE) => self.remove_user(name).await,
            (AdminRoute::User { name }, _) => self.user(name).await,
            (AdminRoute::Robots, &Method::POST) => self.create_robot(body).await,
            (AdminRoute::Robots, _) => self.robots(call).await,
            (AdminRoute::Robot { name }, &Method::PATCH) => self.change_robot(name, body).await,
            (AdminRoute::Robot { name }, &Method::DELETE) => self.remove_robot(name).await,
            (AdminRoute::Robot { name }, _) => self.robot(name).await,
            (AdminRoute::Groups, &Method::POST) => self.create_group(body).await,
            (AdminRoute::Groups, _) => self.groups(call).await,
            (AdminRoute::Group { name }, &Method::PATCH) => self.change_group(name, body).await,
            (AdminRoute::Group { name }, &Method::DELETE) => self.remove_group(name).await,
            (AdminRoute::Group { name }, _) => self.group(name).await,
            (AdminRoute::Tokens, &Method::POST) => self.create_token(call, body).await,
            (AdminRoute::Tokens, _) => self.tokens(call).await,
            (AdminRoute::Token { id }, &Method::DELETE) => self.remove_token(id, call).await,
            (AdminRoute::Token { id }, _) => self.known_token(id, call).await,
            (AdminRoute::Grants, &Method::PUT) => self.add_grant(call, body).await,
            (AdminRoute::Grants, &Method::DELETE) => self.remove_grant(call).await,
            (AdminRoute::Grants, _) => self.grants(call).await,
            (AdminRoute::Repositories, &Method::PUT) => self.set_repository(call, body).await,
            (AdminRoute::Repositories, &Method::DELETE) => self.unset_repository(call).await,
            (AdminRoute::Repositories, _) => self.repositories(call).await,
            (AdminRoute::Issuers, _) => self.issuers(call).await,
            (AdminRoute::Issuer { name }, &Method::PUT) => self.put_issuer(name, body).await,
            (AdminRoute::Issuer { name }, &Method::DELETE) => self.remove_issuer(name).await,
            (AdminRoute::Issuer { name }, _) => self.issuer(name).await,
            (AdminRoute::Keys, _) => self.keys().await,
            (AdminRoute::KeyRotation, _) => self.rotate_keys(body).await,
            (AdminRoute::Mode, &Method::PUT) => self.set_mode(body).await,
            (AdminRoute::Mode, _) => self.mode().await,
            (AdminRoute::Audit, _) => self.audit(call).await,
            (AdminRoute::Document, _) => Ok(Done::written(document::WRITTEN)),
        }
    }

    /// Forgets what the change may have made wrong, and no more: else anybody who may make a change of their own could keep all
    /// others from being remembered.
    fn forget(&self, route: &AdminRoute, call: &Call, done: &Result<Done, Error>) {
        match (route, done) {
            (AdminRoute::Tokens, _) => {}
            // What was made before it failed counts too.
            (_, Err(error)) if !error.status().is_server_error() => {}
            (AdminRoute::Token { id }, _) => {
                self.gate.forget_callers(|caller| caller.token.as_deref() == Some(id.as_str()));
            }
            (AdminRoute::OwnPassword, _) => {
                self.gate.forget_callers(|caller| caller.principal == call.caller.principal);
            }
            _ => self.gate.forget(),
        }
    }

    fn administration(&self) -> Administration<'_> {
        Administration::of(self.gate.accounts())
    }
}

/// What the audit is told of a change that was made, or was refused to somebody who may make changes.
fn act_of_change(route: &AdminRoute, call: &Call, done: &Result<Done, Error>) -> Option<Act> {
    let action = route.action(&call.method);
    match done {
        Ok(done) => {
            let reason = Decision::Granted.as_str();
            let reason = done.detail.as_ref().map_or(reason.to_owned(), |detail| format!("{reason}: {detail}"));
            let act = call.act(action, done.object.clone().or_else(|| route.object()), true);
            Some(Act { reason, status: Some(done.reply.status().as_u16()), ..act })
        }
        Err(error @ Error::Administration(cause)) if error::is_refusal(cause) => {
            let act = call.act(action, route.object(), false);
            Some(Act { reason: cause.to_string(), status: Some(error.status().as_u16()), ..act })
        }
        Err(_) => None,
    }
}
