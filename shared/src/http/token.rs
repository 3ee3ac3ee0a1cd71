//! `/token`: where clients exchange credentials for an access token, by GET as Docker does, or by POST as OAuth 2.0 does.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{Method, StatusCode};
use serde::Serialize;

use super::body::WireBody;
use super::error::Error;
use super::query::Query;
use super::reply::Reply;
use super::{Api, Call};
use crate::auth::{Act, Caller, GateError, LIFE, Password, Scope, SignInError, TokenSecret};

/// The most bytes of a form.
const LARGEST_FORM: usize = 64 * 1024;

/// The most scopes that one token is asked for.
const MOST_SCOPES: usize = 100;

/// What a client gets.
#[derive(Debug, Serialize)]
struct Answer {
    token: String,
    access_token: String,
    expires_in: u64,
    issued_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl Api {
    pub(super) async fn token(&self, call: &mut Call, body: WireBody) -> Result<Reply, Error> {
        if call.method == Method::POST { self.token_by_form(call, body).await } else { self.token_by_query(call).await }
    }

    /// Docker's way: credentials in the header, the rest in the query.
    async fn token_by_query(&self, call: &mut Call) -> Result<Reply, Error> {
        let recognised = self.recognised(call).await;
        let query = call.query.clone();
        let stays = query.first("offline_token").is_some_and(|value| value == "true");
        self.hand_out(call, recognised, &query, stays, None).await
    }

    /// That of OAuth 2.0: everything in a form.
    async fn token_by_form(&self, call: &mut Call, body: WireBody) -> Result<Reply, Error> {
        let is_form = call.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            value.split(';').next().is_some_and(|kind| kind.trim() == "application/x-www-form-urlencoded")
        });
        let bytes = self.whole(body, LARGEST_FORM).await?;
        let text = std::str::from_utf8(&bytes).ok().filter(|_| is_form).ok_or(Error::Form)?;
        let form = Query::parse(Some(text));
        let field = |name| form.first(name).unwrap_or_default();
        let stays = field("access_type") == "offline";
        match field("grant_type") {
            "password" => {
                let password = Password::given(field("password"));
                let recognised = self.gate.sign_in(field("username"), &password, call.address).await;
                self.hand_out(call, recognised.map_err(Into::into), &form, stays, None).await
            }
            "refresh_token" => {
                let session = field("refresh_token");
                let recognised = self.gate.sign_in_again(session, call.address).await;
                self.hand_out(call, recognised.map_err(Into::into), &form, false, Some(session)).await
            }
            _ => Err(Error::GrantType),
        }
    }

    async fn hand_out(
        &self,
        call: &mut Call,
        recognised: Result<Caller, GateError>,
        asked: &Query,
        stays: bool,
        session: Option<&str>,
    ) -> Result<Reply, Error> {
        call.caller = match recognised {
            Ok(caller) => caller,
            Err(error) => return Err(self.unrecognised(call, error).await),
        };
        let scopes: Vec<Scope> = asked.all("scope").flat_map(Scope::read).take(MOST_SCOPES).collect();
        let issued = self.gate.issue(&call.caller, &scopes).await;
        let issued = issued.map_err(internal)?;
        let client = asked.first("client_id").unwrap_or("unnamed");
        let refresh_token = match session {
            Some(session) => Some(session.to_owned()),
            None if stays => {
                let session = self.gate.stay_signed_in(&call.caller, client).await.map_err(internal)?;
                session.as_ref().map(TokenSecret::expose).map(str::to_owned)
            }
            None => None,
        };
        let act = Act { reason: "signed-in".to_owned(), ..call.act("sign-in", None, true) };
        self.gate.tell(&act, stays).await;
        let answer = Answer {
            access_token: issued.token.clone(),
            token: issued.token,
            expires_in: LIFE.as_secs(),
            issued_at: issued.at.to_rfc3339(),
            refresh_token,
        };
        Ok(Reply::json(StatusCode::OK, "application/json", &answer).with(&CACHE_CONTROL, "no-store"))
    }
}

/// What goes wrong once the caller is known is no fault of theirs.
fn internal(error: GateError) -> Error {
    match error {
        GateError::SignIn(SignInError::Metadata(error)) => error.into(),
        GateError::Token(crate::auth::TokenError::Keys(error)) => error.into(),
        error => Error::Internal(Box::new(error)),
    }
}
