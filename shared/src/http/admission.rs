//! Who asks, and whether they may: what comes before every answer. Each route says here what it needs; no answer is begun
//! before that is decided.

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

use super::admin::AdminRoute;
use super::challenge::Challenge;
use super::error::{Error, Refusal};
use super::headers::REQUEST_ID;
use super::peer::Peer;
use super::query::Query;
use super::route::Route;
use super::{Api, Call};
use crate::auth::{Act, Action, Caller, Credentials, Decision, GateError, Need, Principal, SignInError, TokenError};
use crate::clock::Timestamp;
use crate::oci::RepositoryName;

/// What a request needs, and whether it would change something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// Everything that must be allowed.
    pub all: Vec<Need>,
    /// Whether something is to be different afterwards.
    pub changes: bool,
}

impl Needs {
    fn reading(need: Need) -> Self {
        Self { all: vec![need], changes: false }
    }

    fn changing(action: Action, name: &RepositoryName) -> Self {
        Self { all: vec![Need::Action(action, name.clone())], changes: true }
    }

    /// What the route needs for this method. There is no route without an answer here.
    #[must_use]
    pub fn of(route: &Route, method: &Method) -> Self {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        match route {
            Route::Health | Route::Ready | Route::Token => Self::reading(Need::Nothing),
            Route::Version | Route::Catalog | Route::Extensions { name: None } => Self::reading(Need::Identity),
            Route::Tags { name } | Route::Referrers { name, .. } | Route::Extensions { name: Some(name) } => {
                Self::reading(Need::Action(Action::Pull, name.clone()))
            }
            Route::Blob { name, .. } | Route::Manifest { name, .. } if reads => {
                Self::reading(Need::Action(Action::Pull, name.clone()))
            }
            Route::Blob { name, .. } | Route::Manifest { name, .. } if *method == Method::DELETE => {
                Self::changing(Action::Delete, name)
            }
            Route::Blob { name, .. } | Route::Manifest { name, .. } => Self::changing(Action::Push, name),
            Route::Uploads { name } | Route::Upload { name, .. } => Self::changing(Action::Push, name),
            Route::DirectUploads { name } | Route::DirectUpload { name, .. } => Self::changing(Action::Push, name),
            // It changes nothing of what a read-only registry holds, which has to be administered too.
            Route::Admin(route) => Self::reading(Self::of_administration(route, reads)),
        }
    }

    /// What is needed of everybody; what else is needed is said by `auth::administration`, which knows what it is about.
    fn of_administration(route: &AdminRoute, reads: bool) -> Need {
        match route {
            // The password is asked for by itself, so that one will do that is good for nothing else.
            AdminRoute::Document | AdminRoute::OwnPassword => Need::Nothing,
            AdminRoute::Me | AdminRoute::Tokens | AdminRoute::Token { .. } => Need::Identity,
            AdminRoute::Grants | AdminRoute::Repositories => Need::Identity,
            AdminRoute::Mode if reads => Need::Identity,
            AdminRoute::Users | AdminRoute::User { .. } | AdminRoute::Robots | AdminRoute::Robot { .. } => {
                Need::Administration
            }
            AdminRoute::Groups | AdminRoute::Group { .. } | AdminRoute::Issuers | AdminRoute::Issuer { .. } => {
                Need::Administration
            }
            AdminRoute::Keys | AdminRoute::KeyRotation | AdminRoute::Mode | AdminRoute::Audit => Need::Administration,
        }
    }
}

impl Api {
    /// Who asks, when they may have what the route needs.
    pub(super) async fn admit(
        &self,
        caller: Option<Caller>,
        route: Route,
        parts: Parts,
    ) -> Result<(Route, Call), Error> {
        let needs = Needs::of(&route, &parts.method);
        let peer = parts.extensions.get::<Peer>().copied();
        let challenge = Challenge::of(&parts, peer, &self.settings);
        let mut call = Call {
            method: parts.method,
            query: Query::parse(parts.uri.query()),
            headers: parts.headers,
            caller: caller.clone().unwrap_or_else(Caller::anonymous),
            address: peer.map(|peer| peer.address),
            challenge,
        };
        if needs.all == [Need::Nothing] {
            return Ok((route, call));
        }
        if caller.is_none() {
            call.caller = self.recognise(&call).await?;
            // Who was administering a moment ago must not make that last.
            if matches!(route, Route::Admin(_)) && call.method != Method::GET {
                let confirmed = self.gate.confirm(call.caller.clone()).await;
                call.caller = match confirmed {
                    Ok(caller) => caller,
                    Err(error) => return Err(self.unrecognised(&call, error).await),
                };
            }
        }
        // Where everybody may do everything, the first to come would be the one who may keep the others out.
        let is_from_outside = call.caller.principal != Principal::Operator;
        if matches!(route, Route::Admin(_)) && is_from_outside && self.gate.is_open().await? {
            return Err(Error::Unclaimed);
        }
        let decision = self.gate.decide(&call.caller, &needs.all).await?;
        if !decision.is_yes() {
            self.tell_of_refusal(&call, &needs.all, decision).await;
            return Err(refused(&call, &needs.all, decision));
        }
        if needs.changes && self.gate.is_read_only().await? {
            return Err(Error::ReadOnly);
        }
        Ok((route, call))
    }

    async fn recognise(&self, call: &Call) -> Result<Caller, Error> {
        match self.recognised(call).await {
            Ok(caller) => Ok(caller),
            Err(error) => Err(self.unrecognised(call, error).await),
        }
    }

    /// Who asks, by the request's header.
    pub(super) async fn recognised(&self, call: &Call) -> Result<Caller, GateError> {
        let credentials = credentials(&call.headers).ok_or(SignInError::Wrong)?;
        self.gate.recognise(&credentials, call.address).await
    }

    /// What somebody is told who was not recognised; the audit is told too.
    pub(super) async fn unrecognised(&self, call: &Call, error: GateError) -> Error {
        let refusal = match error {
            GateError::SignIn(SignInError::Wrong) => Refusal::WrongCredentials,
            GateError::SignIn(SignInError::MustChangePassword) => return Error::MustChangePassword,
            GateError::SignIn(SignInError::TooMany(wait)) => return Error::TooManyAttempts(wait),
            GateError::SignIn(SignInError::Metadata(error)) => return error.into(),
            GateError::SignIn(SignInError::FirstPassword(error)) => return Error::Unavailable(error),
            GateError::SignIn(error @ SignInError::IssuerUnreachable { .. }) => {
                return Error::Unavailable(Box::new(error));
            }
            GateError::SignIn(SignInError::Hash(error)) => return Error::Internal(Box::new(error)),
            GateError::Token(TokenError::Invalid(_)) => Refusal::InvalidToken,
            GateError::Token(TokenError::Keys(error)) => return error.into(),
        };
        let act = Act { reason: refusal.as_str().to_owned(), ..call.act("sign-in", None, false) };
        self.gate.tell(&act, true).await;
        Error::Unauthorized { challenge: call.challenge.clone().refusing(refusal), refusal }
    }

    pub(super) async fn tell_of_refusal(&self, call: &Call, needs: &[Need], decision: Decision) {
        let (action, object) = spelled(needs);
        let act = Act { reason: decision.as_str().to_owned(), ..call.act(&action, object, false) };
        // That somebody has yet to sign in is how every client begins.
        self.gate.tell(&act, decision != Decision::NeedsSignIn).await;
    }

    /// Tells the audit of what was answered to somebody who was let in.
    pub(super) async fn tell_of_answer(&self, call: &Call, route: &Route, status: StatusCode) {
        let needs = Needs::of(route, &call.method);
        // What is changed by the administration is told by itself.
        if needs.all == [Need::Nothing] || (matches!(route, Route::Admin(_)) && call.method != Method::GET) {
            return;
        }
        let (action, object) = spelled(&needs.all);
        let act = Act {
            status: Some(status.as_u16()),
            reason: Decision::Granted.as_str().to_owned(),
            ..call.act(&action, object, true)
        };
        let is_of_weight = needs.changes
            && status.is_success()
            && (call.method == Method::DELETE || matches!(route, Route::Manifest { .. }));
        self.gate.tell(&act, is_of_weight).await;
    }

    /// Whether the caller may do this too, which the request does not need but would be more with.
    pub(super) async fn may(&self, call: &Call, action: Action, name: &RepositoryName) -> Result<bool, Error> {
        let may = self.gate.may(&call.caller, action, name).await?;
        if !may {
            let needs = [Need::Action(action, name.clone())];
            self.tell_of_refusal(call, &needs, Decision::Refused).await;
        }
        Ok(may)
    }
}

impl Call {
    /// An act of whoever calls.
    pub(super) fn act(&self, action: &str, object: Option<String>, allowed: bool) -> Act {
        Act {
            time: Timestamp::now(),
            who: self.caller.principal.to_string(),
            token: self.caller.token.clone(),
            address: self.address,
            action: action.to_owned(),
            object,
            allowed,
            reason: String::new(),
            status: None,
            request: self.headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned),
        }
    }
}

/// What the request says of who sends it; none when that cannot be read.
pub(super) fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    match headers.get(AUTHORIZATION) {
        None => Some(Credentials::None),
        Some(header) => Credentials::read(header.to_str().ok()?).ok(),
    }
}

/// The answer to somebody who may not.
pub(super) fn refused(call: &Call, needs: &[Need], decision: Decision) -> Error {
    let refusal = match decision {
        Decision::NeedsSignIn => Refusal::NoCredentials,
        Decision::BeyondToken => Refusal::BeyondToken,
        Decision::Refused | Decision::Free | Decision::Public | Decision::Granted => {
            let (action, object) = spelled(needs);
            return Error::Denied { who: call.caller.principal.to_string(), action, object };
        }
    };
    Error::Unauthorized { challenge: call.challenge.clone().asking_for(needs).refusing(refusal), refusal }
}

/// What is needed, as the audit and errors call it.
fn spelled(needs: &[Need]) -> (String, Option<String>) {
    match needs.first() {
        Some(Need::Action(action, name)) => (action.to_string(), Some(name.to_string())),
        Some(Need::Administration) => ("administer".to_owned(), None),
        Some(Need::Identity | Need::Nothing) | None => ("connect".to_owned(), None),
    }
}
