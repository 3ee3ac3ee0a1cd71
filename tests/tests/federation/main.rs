//! Sign-in by what others say of a caller, at the gate: issuers of ID tokens, AWS, and the program as a client.

mod aws;
mod issuer;
mod keys;
mod program;
mod rotation;
mod serve;
mod tokens;

use std::net::IpAddr;
use std::sync::Arc;

use shared::auth::{
    Access, Caller, Credentials, FederationSettings, Gate, GateError, GateSettings, Grant, Issuer, Password, Role,
    Rule, SignInError,
};
use shared::clock::Timestamp;
use shared::metadata::MemoryStore;

/// Whom everything presented here is meant for.
const REGISTRY: &str = "registry.example";

/// A closed registry that knows these issuers.
async fn gate(federation: FederationSettings, issuers: &[Issuer]) -> Gate {
    let settings = GateSettings { access: Access::Closed, federation, ..GateSettings::default() };
    let gate = Gate::new(Arc::new(MemoryStore::new()), settings);
    for issuer in issuers {
        assert_eq!(issuer.check(), Ok(()));
        assert!(gate.accounts().create(issuer).await.expect("the memory can be written"));
    }
    gate
}

/// An issuer called `name` here, with these rules.
fn issuer(name: &str, url: &str, rules: Vec<Rule>) -> Issuer {
    Issuer {
        name: name.parse().expect("it is a name"),
        issuer: url.to_owned(),
        audience: REGISTRY.to_owned(),
        rules,
        created: Timestamp::now(),
    }
}

/// What is granted to whom these claims are made of.
fn rule(claims: &[(&str, &str)], repositories: &str, role: Role) -> Rule {
    Rule {
        claims: claims.iter().map(|(name, pattern)| ((*name).to_owned(), (*pattern).to_owned())).collect(),
        grants: vec![Grant { repositories: repositories.parse().expect("it is a pattern"), role }],
    }
}

fn basic(password: &str) -> Credentials {
    Credentials::Basic { user: "oidc".to_owned(), password: Password::given(password) }
}

/// Who presents this in a password's place, from an address of their own.
async fn present(gate: &Gate, password: &str) -> Result<Caller, SignInError> {
    match gate.recognise(&basic(password), fresh_address()).await {
        Ok(caller) => Ok(caller),
        Err(GateError::SignIn(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

/// An address from which nobody has come before: no test is kept out because of the failures of another.
#[expect(clippy::unnecessary_wraps, reason = "so the gate takes it")]
fn fresh_address() -> Option<IpAddr> {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    Some(IpAddr::from(NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_be_bytes()))
}

#[track_caller]
fn assert_wrong(refused: &Result<Caller, SignInError>, why: &str) {
    assert!(matches!(refused, Err(SignInError::Wrong)), "{why}: {refused:?}");
}
