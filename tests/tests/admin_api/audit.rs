//! What was done is told, and nothing secret is.

use http::Method;
use serde_json::{Value, json};

use crate::world::{LEAD, PASSWORD, READER, ROOT, Who, World};

#[tokio::test]
async fn each_change_is_told_with_who_made_it_and_to_what() {
    let world = World::new().await;
    let seconds = std::time::Duration::from_millis(2);
    let changes = [
        (Method::POST, "groups", json!({ "name": "team" }), "group.create", "group:team"),
        (Method::PATCH, "groups/team", json!({ "grants": [] }), "group.change", "group:team"),
        (Method::POST, "robots", json!({ "name": "ci" }), "robot.create", "robot:ci"),
        (Method::PATCH, "robots/ci", json!({ "groups": ["team"] }), "robot.change", "robot:ci"),
        (Method::POST, "users", json!({ "name": "alice" }), "user.create", "user:alice"),
        (Method::PATCH, "users/alice", json!({ "is_disabled": true }), "user.change", "user:alice"),
        (
            Method::PUT,
            "grants",
            json!({ "subject": "robot:ci", "repositories": "a", "role": "reader" }),
            "grant.add",
            "robot:ci",
        ),
        (Method::DELETE, "grants?subject=robot:ci&repositories=a&role=reader", Value::Null, "grant.remove", "robot:ci"),
        (Method::PUT, "repositories?name=a/b", json!({ "visibility": "public" }), "repository.set", "a/b"),
        (Method::DELETE, "repositories?name=a/b", Value::Null, "repository.unset", "a/b"),
        (
            Method::PUT,
            "issuers/ci",
            json!({ "issuer": "https://i.example", "audience": "a", "rules": [] }),
            "issuer.set",
            "issuer:ci",
        ),
        (Method::DELETE, "issuers/ci", Value::Null, "issuer.remove", "issuer:ci"),
        (Method::PUT, "mode", json!({ "mode": "read-write" }), "mode.set", "read-write"),
        (Method::DELETE, "users/alice", Value::Null, "user.remove", "user:alice"),
        (Method::DELETE, "robots/ci", Value::Null, "robot.remove", "robot:ci"),
        (Method::DELETE, "groups/team", Value::Null, "group.remove", "group:team"),
    ];
    for (method, target, body, ..) in &changes {
        let answer = world.ask(ROOT, method.clone(), target, body.clone()).await;
        assert!(answer.status.is_success(), "{method} {target}: {answer:?}");
        // Acts of one millisecond have no order.
        tokio::time::sleep(seconds).await;
    }
    let told = world.acts("who=user:root").await;
    let expected = changes
        .iter()
        .rev()
        .map(|(.., action, object)| ("user:root".to_owned(), (*action).to_owned(), (*object).to_owned(), true));
    assert_eq!(told, expected.collect::<Vec<_>>());
    let answer = world.get(ROOT, "audit?object=robot:ci&n=2").await.json();
    assert_eq!(answer["acts"].as_array().unwrap().len(), 2);
    let rest = format!("audit?object=robot:ci&after={}", answer["next"].as_str().unwrap());
    let rest = world.get(ROOT, &rest).await.json();
    assert_eq!(rest["acts"].as_array().unwrap().len(), 3, "{rest}");
    assert_eq!(rest["next"], Value::Null);
    let grant = rest["acts"].as_array().unwrap().iter().find(|act| act["action"] == "grant.add").unwrap();
    assert_eq!((&grant["reason"], &grant["status"]), (&json!("granted: reader on a"), &json!(201)));
    assert!(world.acts("until=2020-01-01").await.is_empty());
    assert!(world.acts("from=2999-01-01T00:00:00Z").await.is_empty());
    world.get(ROOT, "audit?from=yesterday").await.expect_error(400, "INVALID", &[]);
    world.get(ROOT, "audit?after=x").await.expect_error(400, "INVALID", &[]);
}

#[tokio::test]
async fn refusals_are_told_too() {
    let world = World::new().await;
    world.ask(READER, Method::POST, "users", json!({ "name": "eve" })).await.expect_error(403, "DENIED", &[]);
    let held = json!({ "subject": "user:lead", "repositories": "**", "role": "admin" });
    world.ask(LEAD, Method::PUT, "grants", held).await.expect_error(403, "DENIED", &[]);
    world.ask(ROOT, Method::POST, "users", json!({ "name": "lead" })).await.expect_error(409, "CONFLICT", &[]);
    assert_eq!(world.get(Who::With("root", "wrong"), "users").await.status, 401);
    let mut refused = world.acts("refused=true").await;
    refused.sort();
    let told = |who: &str, action: &str| (who.to_owned(), action.to_owned(), String::new(), false);
    assert_eq!(
        refused,
        [
            told("anonymous", "sign-in"),
            told("user:lead", "administer"),
            told("user:reader", "administer"),
            told("user:root", "user.create"),
        ]
    );
}

#[tokio::test]
async fn nothing_secret_is_in_any_answer() {
    let world = World::new().await;
    let first = world.ask(ROOT, Method::POST, "users", json!({ "name": "alice" })).await.json();
    let token = world.ask(READER, Method::POST, "tokens", json!({ "label": "x" })).await.json();
    let session = world.get(READER, "/token?offline_token=true").await.json();
    let secrets = [
        PASSWORD,
        first["password"].as_str().unwrap(),
        token["secret"].as_str().unwrap(),
        session["refresh_token"].as_str().unwrap(),
        "argon2",
        "pkcs8",
    ];
    for target in [
        "me",
        "users",
        "users/alice",
        "users/root",
        "robots",
        "groups",
        "tokens",
        "grants",
        "repositories",
        "issuers",
        "keys",
        "mode",
        "audit",
    ] {
        let answer = world.get(ROOT, target).await;
        assert_eq!(answer.status, 200, "{target}");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        for secret in secrets {
            assert!(!text.contains(secret), "{target}: {text}");
        }
    }
    let kinds: Vec<_> = world.get(ROOT, "tokens?owner=user:reader").await.json()["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| token["kind"].clone())
        .collect();
    assert!(kinds.contains(&json!("access")) && kinds.contains(&json!("refresh")), "{kinds:?}");
}
