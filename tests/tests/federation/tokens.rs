//! Which tokens let somebody in, and which do not.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use shared::auth::{
    Credentials, FederationSettings, Gate, GateError, Issuer, IssuerError, Proof, Role, Scope, SignInError, TokenError,
};

use crate::issuer::{TestIssuer, now, with};
use crate::keys::Key;
use crate::{assert_wrong, fresh_address, gate, issuer, present, rule};

/// What is granted to workflows of `org/app` on their main branch, and something to those of production.
fn rules() -> Vec<shared::auth::Rule> {
    vec![
        rule(&[("repository", "org/app"), ("ref", "refs/heads/main")], "org/app", Role::Writer),
        rule(&[("repository_owner", "org"), ("environment", "prod*")], "org/base/**", Role::Reader),
        rule(&[("repository", "org/other")], "**", Role::Admin),
    ]
}

/// An issuer, its key, and a registry that knows it.
async fn world(algorithm: Algorithm) -> (TestIssuer, Key, Gate) {
    let key = Key::new("one", algorithm);
    let github = TestIssuer::of(&[&key]).await;
    let gate = gate(FederationSettings::default(), &[issuer("github", &github.url, rules())]).await;
    (github, key, gate)
}

#[tokio::test]
async fn a_workflow_is_let_in_by_every_rule_that_is_for_it() {
    let (github, key, gate) = world(Algorithm::RS256).await;
    let token = key.sign(&github.workflow());
    let caller = present(&gate, &token).await.unwrap();
    assert_eq!(caller.principal.to_string(), "oidc:github/repo:org/app:ref:refs/heads/main");
    assert_eq!((caller.proof, &caller.token), (Proof::Credentials, &None));
    assert_eq!(caller.powers.on("org/app"), Role::Writer.actions());
    assert_eq!(caller.powers.on("org/base/image"), Role::Reader.actions());
    assert!(caller.powers.on("org/another").is_empty());
    assert!(!caller.powers.administers_all());
    let bearer = gate.recognise(&Credentials::Bearer(token), fresh_address()).await.unwrap();
    assert_eq!(bearer, caller);
    // What it is then given for that is a token of this registry.
    let scopes: Vec<_> = Scope::read("repository:org/app:push,pull,delete").collect();
    let issued = gate.issue(&caller, &scopes).await.unwrap().token;
    let by_token = gate.recognise(&Credentials::Bearer(issued), None).await.unwrap();
    assert_eq!(by_token.principal, caller.principal);
    assert_eq!(by_token.powers.on("org/app"), Role::Writer.actions());
    assert_eq!(gate.stay_signed_in(&caller, "docker").await.unwrap(), None);
}

#[tokio::test]
async fn every_trusted_algorithm_is_checked_by_a_key_of_its_kind() {
    for algorithm in [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ] {
        let (github, key, gate) = world(algorithm).await;
        let token = key.sign(&github.workflow());
        assert!(present(&gate, &token).await.is_ok(), "{algorithm:?}");
        let (message, signature) = token.rsplit_once('.').unwrap();
        let mut signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
        signature[7] ^= 1;
        let forged = format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
        assert_wrong(&present(&gate, &forged).await, &format!("{algorithm:?}"));
    }
}

#[tokio::test]
async fn a_claim_that_is_off_keeps_out() {
    let (github, key, gate) = world(Algorithm::ES256).await;
    for (name, value) in [
        ("iss", Some(json!("https://token.actions.example"))),
        ("iss", Some(json!(format!("{}/", github.url)))),
        ("iss", Some(json!([github.url]))),
        ("iss", None),
        ("aud", Some(json!("https://github.com/org"))),
        ("aud", Some(json!(["a", "b"]))),
        ("aud", Some(json!("registry.example.evil.example"))),
        ("aud", None),
        ("exp", Some(json!(now() - 31))),
        ("exp", Some(json!("never"))),
        ("exp", None),
        ("nbf", Some(json!(now() + 40))),
        ("iat", Some(json!(now() + 40))),
        ("sub", Some(json!(""))),
        ("sub", Some(json!("a\nb"))),
        ("sub", Some(json!("a".repeat(256)))),
        ("sub", None),
    ] {
        let claims = with(github.workflow(), name, value.clone());
        assert_wrong(&present(&gate, &key.sign(&claims)).await, &format!("{name}: {value:?}"));
    }
    for (name, value) in
        [("exp", json!(now() - 20)), ("aud", json!(["a", "registry.example"])), ("nbf", json!(now() + 20))]
    {
        let claims = with(github.workflow(), name, Some(value));
        assert!(present(&gate, &key.sign(&claims)).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn whom_no_rule_is_for_is_kept_out() {
    let (github, key, gate) = world(Algorithm::ES256).await;
    let staged = with(github.workflow(), "environment", Some(json!("staging")));
    assert_eq!(present(&gate, &key.sign(&staged)).await.unwrap().powers.on("org/base/image").to_string(), "");
    for (name, value) in [("ref", "refs/heads/main-2"), ("ref", "xrefs/heads/main"), ("repository", "evil-org/app")] {
        let claims = with(staged.clone(), name, Some(json!(value)));
        assert_wrong(&present(&gate, &key.sign(&claims)).await, value);
    }
    let claims = with(staged, "ref", None);
    assert_wrong(&present(&gate, &key.sign(&claims)).await, "a claim is missing");
}

/// A token whose header is this, signed by that; by nobody, where there is none.
fn forged(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

#[tokio::test]
async fn what_is_signed_by_nobody_or_by_what_everybody_knows_is_no_token() {
    let (github, key, gate) = world(Algorithm::RS256).await;
    let claims = github.workflow();
    for alg in ["none", "None", "NONE", ""] {
        let unsigned = forged(&json!({ "alg": alg, "kid": "one" }), &claims, |_| Vec::new());
        assert_wrong(&present(&gate, &unsigned).await, alg);
    }
    let modulus = BASE64_URL_SAFE_NO_PAD.decode(key.public["n"].as_str().unwrap()).unwrap();
    let published = key.public.to_string().into_bytes();
    for secret in [&modulus, &published, &b"".to_vec()] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let header = Header { kid: Some("one".to_owned()), ..Header::new(algorithm) };
            let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
            assert_wrong(&present(&gate, &token).await, &format!("{algorithm:?}"));
        }
    }
    let good = key.sign(&claims);
    let parts: Vec<&str> = good.split('.').collect();
    let other = key.sign(&with(claims.clone(), "repository", Some(json!("org/other"))));
    let swapped = format!("{}.{}.{}", parts[0], other.split('.').nth(1).unwrap(), parts[2]);
    assert_wrong(&present(&gate, &swapped).await, "the claims of another");
    assert_wrong(&present(&gate, &format!("{}.{}.", parts[0], parts[1])).await, "no signature");
    let long = key.sign(&with(claims, "padding", Some(json!("a".repeat(20_000)))));
    assert_wrong(&present(&gate, &long).await, "too long");
}

#[tokio::test]
async fn a_key_that_is_not_the_issuers_or_not_for_that_signs_nothing() {
    let (github, key, gate) = world(Algorithm::RS256).await;
    let claims = github.workflow();
    let impostor = Key::new("one", Algorithm::RS256);
    assert_wrong(&present(&gate, &impostor.sign(&claims)).await, "another key of that name");
    let stranger = Key::new("two", Algorithm::RS256);
    assert_wrong(&present(&gate, &stranger.sign(&claims)).await, "a key of another name");
    // The key says that it is for RS256.
    let other = Key::new("one", Algorithm::ES256);
    assert_wrong(&present(&gate, &other.sign(&claims)).await, "another kind of key");
    // A key in the token itself is nobody's.
    let header = json!({ "alg": "RS256", "kid": "three", "jwk": stranger.public, "jku": github.url });
    let carried = forged(&header, &claims, |_| vec![0; 256]);
    assert_wrong(&present(&gate, &carried).await, "a key in the token");
    assert!(present(&gate, &key.sign(&claims)).await.is_ok());
    // One that says nothing of it is good for all of its kind.
    let free = Key::new("free", Algorithm::RS256).used_for(Algorithm::PS384);
    let github = TestIssuer::of(&[&free]).await;
    let gate = crate::gate(FederationSettings::default(), &[issuer("github", &github.url, rules())]).await;
    assert!(present(&gate, &free.sign(&github.workflow())).await.is_ok());
}

#[tokio::test]
async fn one_issuers_keys_prove_nothing_of_another() {
    let (ours, theirs) = (Key::new("one", Algorithm::ES256), Key::new("one", Algorithm::ES256));
    let (github, evil) = (TestIssuer::of(&[&ours]).await, TestIssuer::of(&[&theirs]).await);
    let known: Vec<Issuer> = vec![issuer("github", &github.url, rules()), issuer("other", &evil.url, vec![])];
    let gate = gate(FederationSettings::default(), &known).await;
    assert_wrong(&present(&gate, &theirs.sign(&github.workflow())).await, "signed by another issuer");
    assert_wrong(&present(&gate, &theirs.sign(&evil.workflow())).await, "an issuer without rules");
    assert!(present(&gate, &ours.sign(&github.workflow())).await.is_ok());
}

#[tokio::test]
async fn of_two_records_of_an_issuer_the_one_whose_audience_it_is_counts() {
    let key = Key::new("one", Algorithm::ES256);
    let github = TestIssuer::of(&[&key]).await;
    let mut second = issuer("b", &github.url, vec![rule(&[("repository", "org/app")], "b/**", Role::Reader)]);
    second.audience = "second".to_owned();
    let gate = gate(FederationSettings::default(), &[issuer("a", &github.url, rules()), second]).await;
    let to_second = key.sign(&with(github.workflow(), "aud", Some(json!("second"))));
    let caller = present(&gate, &to_second).await.unwrap();
    assert!(caller.principal.to_string().starts_with("oidc:b/"));
    assert!(caller.powers.on("org/app").is_empty());
    let to_first = present(&gate, &key.sign(&github.workflow())).await.unwrap();
    assert!(to_first.principal.to_string().starts_with("oidc:a/"));
}

#[tokio::test]
async fn a_token_of_this_registry_is_none_of_an_issuer() {
    let (_, _, gate) = world(Algorithm::ES256).await;
    let scopes: Vec<_> = Scope::read("repository:a:pull").collect();
    let ours = gate.issue(&shared::auth::Caller::operator(), &scopes).await.unwrap().token;
    assert_wrong(&present(&gate, &ours).await, "an access token for a password");
    assert!(gate.recognise(&Credentials::Bearer(ours.clone()), None).await.is_ok());
    let changed = format!("{ours}x");
    let refused = gate.recognise(&Credentials::Bearer(changed), None).await;
    assert!(matches!(refused, Err(GateError::Token(TokenError::Invalid(_)))), "{refused:?}");
}

#[tokio::test]
async fn wrong_tokens_keep_nobody_out_who_comes_from_where_they_come_from() {
    let (github, key, gate) = world(Algorithm::ES256).await;
    let here = fresh_address();
    let expired = key.sign(&with(github.workflow(), "exp", Some(json!(now() - 100))));
    for _ in 0..20 {
        let refused = gate.recognise(&crate::basic(&expired), here).await;
        assert!(matches!(refused, Err(GateError::SignIn(SignInError::Wrong))), "{refused:?}");
    }
    let good = key.sign(&github.workflow());
    assert!(gate.recognise(&Credentials::Bearer(good.clone()), here).await.is_ok(), "nobody guesses one");
}

#[tokio::test]
async fn a_token_counts_no_longer_than_it_says_though_it_was_right_a_moment_ago() {
    let (github, key, gate) = world(Algorithm::ES256).await;
    // Of its half a minute's grace, six seconds are left.
    let token = key.sign(&with(github.workflow(), "exp", Some(json!(now() - 24))));
    assert!(present(&gate, &token).await.is_ok());
    tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    assert_wrong(&present(&gate, &token).await, "it has ended");
    // Others are known again without being looked at.
    let token = key.sign(&github.workflow());
    assert!(present(&gate, &token).await.is_ok());
    gate.accounts().remove::<Issuer>("github").await.unwrap();
    assert!(present(&gate, &token).await.is_ok());
    gate.forget();
    assert_wrong(&present(&gate, &token).await, "its issuer is trusted no longer");
}

#[track_caller]
fn unreachable(refused: Result<shared::auth::Caller, SignInError>) -> std::sync::Arc<IssuerError> {
    match refused {
        Err(SignInError::IssuerUnreachable { issuer, source }) => {
            assert_eq!(issuer.as_str(), "github");
            source
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_issuer_that_cannot_be_asked_is_not_the_callers_fault() {
    let (github, key, gate) = world(Algorithm::ES256).await;
    let token = key.sign(&github.workflow());
    github.publish(|published| published.status = Some(503));
    assert!(matches!(*unreachable(present(&gate, &token).await), IssuerError::Status(503)));
    // Nobody waits for it again at once.
    github.publish(|published| published.status = None);
    assert!(matches!(*unreachable(present(&gate, &token).await), IssuerError::Status(503)));

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}");
    let gate = crate::gate(FederationSettings::default(), &[issuer("github", &url, rules())]).await;
    let token = key.sign(&with(github.workflow(), "iss", Some(json!(url))));
    assert!(matches!(*unreachable(present(&gate, &token).await), IssuerError::Connection(_)));
}

#[tokio::test]
async fn an_issuer_that_publishes_what_it_should_not_is_not_gone_by() {
    let large = json!({ "issuer": "a".repeat(300 * 1024), "jwks_uri": "https://a" });
    for (discovery, expected) in [
        (
            json!({ "issuer": "https://other", "jwks_uri": "https://other" }),
            "what is published there is of another issuer",
        ),
        (json!({ "jwks_uri": "https://other" }), "the answer is not the document that was asked for"),
        (large, "the answer cannot be read to its end"),
    ] {
        let (github, key, gate) = world(Algorithm::ES256).await;
        github.publish(|published| published.discovery = Some(discovery));
        let error = unreachable(present(&gate, &key.sign(&github.workflow())).await);
        assert_eq!(error.to_string(), expected);
    }
    for elsewhere in ["http://other.example/jwks", "ftp://127.0.0.1/jwks", "file:///etc/passwd"] {
        let (github, key, gate) = world(Algorithm::ES256).await;
        let discovery = json!({ "issuer": github.url, "jwks_uri": elsewhere });
        github.publish(|published| published.discovery = Some(discovery));
        let error = unreachable(present(&gate, &key.sign(&github.workflow())).await);
        assert!(matches!(*error, IssuerError::Insecure), "{elsewhere}: {error}");
    }
}

#[tokio::test]
async fn an_issuer_that_sends_elsewhere_or_says_nothing_is_not_followed() {
    let (github, key, _) = world(Algorithm::ES256).await;
    let target = format!("{}/.well-known/openid-configuration", github.url);
    let moved = crate::serve::serve(move |_| {
        let mut answer = crate::serve::answer(302, "");
        answer.headers_mut().insert("location", target.parse().unwrap());
        answer
    });
    let moved = moved.await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silence = format!("http://{}", silent.local_addr().unwrap());
    for (url, expected) in [(&moved, "the answer was 302"), (&silence, "nothing was answered in time")] {
        let gate = gate(FederationSettings::default(), &[issuer("github", url, rules())]).await;
        let token = key.sign(&with(github.workflow(), "iss", Some(json!(url))));
        assert_eq!(unreachable(present(&gate, &token).await).to_string(), expected);
    }
}
