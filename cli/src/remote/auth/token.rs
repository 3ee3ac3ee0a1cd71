//! Tokens, and asking for them: by GET, or with an identity token by a form.

use std::fmt;
use std::time::{Duration, Instant};

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::super::answer::{body, expect};
use super::super::call::{Call, Payload};
use super::super::credentials::Login;
use super::super::transport::Http;
use super::super::{RemoteError, retry};
use super::{Scope, basic, secret};

/// How this program is called by token servers.
const CLIENT: &str = "ringhold";

/// How long a token lives when nothing else is said; none is taken to live shorter.
const LIFE: u64 = 60;

/// The most bytes that a token comes with.
const LARGEST: usize = 1024 * 1024;

/// A token, as the header that shows it.
pub(super) struct Token {
    header: HeaderValue,
    renew: Instant,
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Token {
    pub(super) fn header(&self) -> &HeaderValue {
        &self.header
    }

    pub(super) fn is_valid(&self, now: Instant) -> bool {
        now < self.renew
    }

    /// The token of an answer; it is renewed when a tenth of its life is left.
    fn new(answer: Answer, now: Instant) -> Option<Self> {
        let filled = |text: &String| !text.is_empty();
        let text = answer.token.filter(filled).or(answer.access_token.filter(filled))?;
        let life = Duration::from_secs(answer.expires_in.unwrap_or(LIFE).max(LIFE));
        let renew = now.checked_add(life / 10 * 9)?;
        Some(Self { header: secret(&format!("Bearer {text}"))?, renew })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Token").finish_non_exhaustive()
    }
}

/// Asks the realm for a token, as nobody where there is no login.
pub(super) async fn fetch(
    http: &Http,
    realm: Url,
    service: Option<&str>,
    scope: &Scope,
    login: Option<&Login>,
) -> Result<Token, RemoteError> {
    let (call, authorization) = match login {
        Some(Login::IdentityToken(token)) => (exchange(realm, service, scope, token), None),
        Some(login @ Login::Password { username, .. }) => {
            let mut call = question(realm, service, scope);
            call.url.query_pairs_mut().append_pair("account", username);
            (call, basic(login))
        }
        None => (question(realm, service, scope), None),
    };
    let response = retry::patiently(|| http.send(&call, authorization.as_ref())).await?;
    let response = expect("a token", &[StatusCode::OK], response).await?;
    let read = body(response, LARGEST).await?;
    let answer = serde_json::from_slice(&read).ok().and_then(|answer| Token::new(answer, Instant::now()));
    answer.ok_or_else(|| RemoteError::answer(&call.url, "no token in the answer to a question for one"))
}

fn question(mut realm: Url, service: Option<&str>, scope: &Scope) -> Call {
    let mut query = realm.query_pairs_mut();
    query.extend_pairs(service.map(|service| ("service", service)));
    query.extend_pairs(scope.texts().map(|text| ("scope", text)));
    drop(query);
    Call::new(Method::GET, realm)
}

fn exchange(realm: Url, service: Option<&str>, scope: &Scope, token: &str) -> Call {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token);
    form.append_pair("client_id", CLIENT).extend_pairs(service.map(|service| ("service", service)));
    let scopes = scope.texts().collect::<Vec<_>>().join(" ");
    form.extend_pairs(Some(&scopes).filter(|scopes| !scopes.is_empty()).map(|scopes| ("scope", scopes)));
    let mut call = Call::new(Method::POST, realm).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    call.payload = Payload::Bytes(form.finish().into());
    call
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(json: &str, now: Instant) -> Option<Token> {
        Token::new(serde_json::from_str(json).unwrap(), now)
    }

    #[test]
    fn a_token_is_renewed_before_it_expires_and_lives_a_minute_at_least() {
        let now = Instant::now();
        for (json, valid, over) in [
            (r#"{"token":"t","expires_in":300}"#, 269, 271),
            (r#"{"access_token":"t","expires_in":1}"#, 53, 55),
            (r#"{"token":"","access_token":"t"}"#, 53, 55),
        ] {
            let token = token(json, now).unwrap();
            assert!(token.is_valid(now + Duration::from_secs(valid)), "{json}");
            assert!(!token.is_valid(now + Duration::from_secs(over)), "{json}");
        }
        assert!(token("{}", now).is_none());
        assert!(token(r#"{"token":"two\nlines"}"#, now).is_none());
    }

    #[test]
    fn nothing_of_a_token_is_shown() {
        let token = token(r#"{"token":"hush"}"#, Instant::now()).unwrap();
        assert!(!format!("{token:?} {:?}", token.header()).contains("hush"));
    }

    #[test]
    fn a_question_keeps_the_realms_own_query() {
        let scope = Scope::push(&"team/app".parse().unwrap());
        let realm = Url::parse("https://auth.example/token?tenant=1").unwrap();
        let question = question(realm, Some("registry"), &scope);
        let query = "tenant=1&service=registry&scope=repository%3Ateam%2Fapp%3Apull%2Cpush";
        assert_eq!(question.url.query(), Some(query));
    }
}
