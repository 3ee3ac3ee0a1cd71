//! An issuer of ID tokens: what it publishes, as its own, and what it claims, in the form of others'.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use shared::clock::Timestamp;

use crate::REGISTRY;
use crate::keys::Key;
use crate::serve::{answer, serve};

/// An issuer that answers as long as the test's runtime is there.
pub(crate) struct TestIssuer {
    /// What it calls itself.
    pub(crate) url: String,
    published: Arc<Mutex<Published>>,
}

/// What it publishes.
#[derive(Default)]
pub(crate) struct Published {
    pub(crate) keys: Vec<Value>,
    /// What its document says, in place of the truth.
    pub(crate) discovery: Option<Value>,
    /// With what it answers, if not 200.
    pub(crate) status: Option<u16>,
    /// How often its keys were asked for.
    pub(crate) asked: usize,
}

impl TestIssuer {
    /// One that publishes these keys.
    pub(crate) async fn of(keys: &[&Key]) -> Self {
        let published = Arc::new(Mutex::new(Published::default()));
        let shared = Arc::clone(&published);
        let url = serve(move |request| {
            let mut published = shared.lock().expect("nobody panics here");
            let status = published.status.unwrap_or(200);
            let this = format!("http://{}", request.headers()["host"].to_str().expect("it is text"));
            match request.uri().path() {
                "/.well-known/openid-configuration" => {
                    let truth = json!({ "issuer": this, "jwks_uri": format!("{this}/jwks") });
                    answer(status, published.discovery.clone().unwrap_or(truth).to_string())
                }
                "/jwks" => {
                    published.asked += 1;
                    answer(status, json!({ "keys": published.keys }).to_string())
                }
                _ => answer(404, ""),
            }
        });
        let issuer = Self { url: url.await, published };
        issuer.publish(|published| published.keys = keys.iter().map(|key| key.public.clone()).collect());
        issuer
    }

    /// Changes what it publishes.
    pub(crate) fn publish<T>(&self, change: impl FnOnce(&mut Published) -> T) -> T {
        change(&mut self.published.lock().expect("nobody panics here"))
    }

    /// How often its keys were asked for.
    pub(crate) fn asked(&self) -> usize {
        self.publish(|published| published.asked)
    }

    /// What GitHub Actions claims of a workflow.
    pub(crate) fn workflow(&self) -> Value {
        let now = now();
        json!({
            "iss": self.url,
            "aud": REGISTRY,
            "sub": "repo:org/app:ref:refs/heads/main",
            "repository": "org/app",
            "repository_owner": "org",
            "repository_id": "74",
            "ref": "refs/heads/main",
            "ref_protected": "true",
            "environment": "production",
            "workflow_ref": "org/app/.github/workflows/release.yml@refs/heads/main",
            "run_attempt": "1",
            "jti": "example",
            "iat": now,
            "nbf": now - 5,
            "exp": now + 300,
        })
    }
}

/// Seconds since the epoch.
pub(crate) fn now() -> u64 {
    Timestamp::now().as_millis() / 1000
}

/// The claims with another one, or without.
pub(crate) fn with(mut claims: Value, name: &str, value: Option<Value>) -> Value {
    let all = claims.as_object_mut().expect("claims are an object");
    match value {
        Some(value) => all.insert(name.to_owned(), value),
        None => all.remove(name),
    };
    claims
}
