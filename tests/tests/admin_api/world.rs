//! A registry with accounts, in this process, and everybody who asks it something.

use std::collections::BTreeSet;
use std::sync::Mutex;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use harness::client::{Answer, Client};
use harness::memory::api_with;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use shared::auth::{Access, Caller, GateSettings};
use shared::http::admin::AdminRoute;
use shared::http::{Api, Route, Settings, full};
use shared::registry::Terms;

use crate::schema::Document;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who<'a> {
    Nobody,
    /// A user, with the usual password.
    User(&'a str),
    /// Somebody with this password.
    With(&'a str, &'a str),
    Bearer(&'a str),
    Operator,
}

/// Who administers the registry.
pub(crate) const ROOT: Who<'static> = Who::User("root");
/// Who administers `team-a/**`.
pub(crate) const LEAD: Who<'static> = Who::User("lead");
/// Who reads `team-a/**`.
pub(crate) const READER: Who<'static> = Who::User("reader");

pub(crate) struct World {
    pub(crate) api: Api,
    client: Client,
    document: Document,
    /// Which statuses were answered.
    seen: Mutex<BTreeSet<(&'static str, String, u16)>>,
}

impl World {
    /// A registry of nobody yet.
    pub(crate) async fn empty(access: Access) -> Self {
        let gate = GateSettings { access, ..GateSettings::default() };
        let api = api_with(Terms::default(), Settings { gate, ..Settings::default() }).await;
        let document = Document::of(&shared::http::admin::openapi());
        Self { client: Client::of(api.clone()), api, document, seen: Mutex::default() }
    }

    /// A registry of an admin, somebody who administers a team's repositories, and somebody who reads them.
    pub(crate) async fn new() -> Self {
        let world = Self::empty(Access::Closed).await;
        for (name, repositories, role) in
            [("root", "**", "admin"), ("lead", "team-a/**", "admin"), ("reader", "team-a/**", "reader")]
        {
            let user = json!({
                "name": name,
                "password": PASSWORD,
                "grants": [{ "repositories": repositories, "role": role }],
            });
            assert_eq!(world.ask(Who::Operator, Method::POST, "users", user).await.status, 201);
        }
        world
    }

    /// Asks for a path below `/api/v1/`, with a body unless that is null.
    pub(crate) async fn ask(&self, who: Who<'_>, method: Method, target: &str, body: Value) -> Answer {
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(&body).expect("JSON") };
        self.ask_raw(who, method, target, body).await
    }

    pub(crate) async fn get(&self, who: Who<'_>, target: &str) -> Answer {
        self.ask(who, Method::GET, target, Value::Null).await
    }

    pub(crate) async fn delete(&self, who: Who<'_>, target: &str) -> Answer {
        self.ask(who, Method::DELETE, target, Value::Null).await
    }

    /// The same with any body.
    pub(crate) async fn ask_raw(&self, who: Who<'_>, method: Method, target: &str, body: Vec<u8>) -> Answer {
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/api/v1/{target}") };
        let answer = match who {
            Who::Operator => {
                let request =
                    Request::builder().method(method.clone()).uri(&target).body(full(body)).expect("a request");
                let (parts, body) = self.api.handle_as(Caller::operator(), request).await.into_parts();
                let body = body.collect().await.expect("a body").to_bytes();
                Answer { status: parts.status, headers: parts.headers, body }
            }
            who => {
                let mut call = self.client.call(method.clone(), &target).body(body);
                if let Some(header) = authorization(who) {
                    call = call.header("authorization", header);
                }
                call.send().await
            }
        };
        self.look_at(&method, &target, &answer);
        answer
    }

    /// Whatever is answered is what the document says.
    fn look_at(&self, method: &Method, target: &str, answer: &Answer) {
        let path = target.split('?').next().unwrap_or_default();
        let Ok(Route::Admin(route)) = Route::parse(path, method) else { return };
        if route.methods().contains(method) {
            self.note(&route, method, answer);
            assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0");
        }
    }

    /// Notes an answer to what would be this route, if its name were one.
    pub(crate) fn note(&self, route: &AdminRoute, method: &Method, answer: &Answer) {
        self.document.check(route, method, answer);
        let status = answer.status.as_u16();
        self.seen.lock().expect("nobody panics here").insert((route.template(), method.to_string(), status));
    }

    /// Which statuses were answered for this.
    pub(crate) fn seen(&self, route: &AdminRoute, method: &Method) -> BTreeSet<u16> {
        let seen = self.seen.lock().expect("nobody panics here");
        let of = seen.iter().filter(|(path, name, _)| *path == route.template() && *name == method.as_str());
        of.map(|(.., status)| *status).collect()
    }

    /// What the audit kept, the newest first: who, what, to what, and whether it was allowed.
    pub(crate) async fn acts(&self, query: &str) -> Vec<(String, String, String, bool)> {
        let answer = self.get(ROOT, &format!("audit?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let text = |act: &Value, name: &str| act[name].as_str().unwrap_or_default().to_owned();
        let acts = answer.json()["acts"].as_array().cloned().expect("acts");
        let act = |act: &Value| {
            (text(act, "who"), text(act, "action"), text(act, "object"), act["allowed"].as_bool().expect("a decision"))
        };
        acts.iter().map(act).collect()
    }

    /// An access token for these scopes.
    pub(crate) async fn access_token(&self, who: Who<'_>, scopes: &str) -> String {
        let target = format!("/token?service=ringhold&scope={}", scopes.replace(' ', "%20"));
        let answer = self.ask(who, Method::GET, &target, Value::Null).await;
        answer.json()["token"].as_str().expect("a token").to_owned()
    }
}

fn authorization(who: Who<'_>) -> Option<String> {
    let basic =
        |user: &str, password: &str| Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))));
    match who {
        Who::Nobody | Who::Operator => None,
        Who::User(user) => basic(user, PASSWORD),
        Who::With(user, password) => basic(user, password),
        Who::Bearer(token) => Some(format!("Bearer {token}")),
    }
}
