//! Users, their passwords, groups, and what is settled about the registry.

use http::Method;
use serde_json::{Value, json};

use crate::world::{LEAD, PASSWORD, READER, ROOT, Who, World};

const NEW: &str = "another horse battery";

#[tokio::test]
async fn a_first_password_is_told_once_and_good_for_one_thing() {
    let world = World::new().await;
    let made = world.ask(ROOT, Method::POST, "users", json!({ "name": "alice" })).await;
    assert_eq!(made.status, 201);
    let first = made.json()["password"].as_str().unwrap().to_owned();
    assert_eq!(made.json()["user"]["must_change_password"], true);
    assert!(!String::from_utf8_lossy(&world.get(ROOT, "users/alice").await.body).contains(&first));
    let alice = Who::With("alice", &first);
    for target in ["me", "/v2/", "/token?scope=repository:a:pull"] {
        world.get(alice, target).await.expect_error(403, "DENIED", &[]);
    }
    let own = "users/me/password";
    let change = |password: &str| json!({ "password": password });
    world.ask(Who::With("alice", "wrong"), Method::PUT, own, change(NEW)).await;
    world.ask(alice, Method::PUT, own, change("short")).await.expect_error(400, "INVALID", &[]);
    world.ask(alice, Method::PUT, own, change(&first)).await.expect_error(400, "INVALID", &[]);
    assert_eq!(world.ask(alice, Method::PUT, own, change(NEW)).await.status, 204);
    assert_eq!(world.get(alice, "me").await.status, 401, "the first is no good any more");
    let me = world.get(Who::With("alice", NEW), "me").await.json();
    assert_eq!(me, json!({ "principal": "user:alice", "administers": false, "permits": [] }));
    let acts = world.acts("object=user:alice").await;
    let told = |who: &str, action: &str| (who.to_owned(), action.to_owned(), "user:alice".to_owned(), true);
    assert_eq!(acts, [told("user:alice", "user.password"), told("user:root", "user.create")]);
}

#[tokio::test]
async fn guessing_the_old_password_is_counted() {
    let world = World::new().await;
    let change = json!({ "password": NEW });
    let (mut wrong, own) = (0, "users/me/password");
    for _ in 0..10 {
        let answer = world.ask(Who::With("reader", "wrong"), Method::PUT, own, change.clone()).await;
        match answer.status.as_u16() {
            401 => wrong += 1,
            429 => assert!(!answer.header("retry-after").is_empty()),
            _ => panic!("{answer:?}"),
        }
    }
    assert_eq!(wrong, 5);
    assert_eq!(world.ask(READER, Method::PUT, own, change).await.status, 429, "even the right one has to wait");
}

#[tokio::test]
async fn who_changes_a_password_is_out_everywhere_else() {
    let world = World::new().await;
    let secret = world.ask(READER, Method::POST, "tokens", json!({ "label": "laptop" })).await.json()["secret"].clone();
    let by_token = Who::With("reader", secret.as_str().unwrap());
    assert_eq!(world.get(by_token, "me").await.status, 200);
    let stay = "/token?offline_token=true&client_id=docker&scope=repository:team-a/app:pull";
    let session = world.get(READER, stay).await.json()["refresh_token"].clone();
    assert!(session.as_str().is_some());
    let change = json!({ "password": NEW });
    assert_eq!(
        world.ask(by_token, Method::PUT, "users/me/password", change.clone()).await.status,
        401,
        "no token will do"
    );
    assert_eq!(world.ask(READER, Method::PUT, "users/me/password", change).await.status, 204);
    assert_eq!(world.get(by_token, "me").await.status, 401);
    assert_eq!(world.get(ROOT, "tokens?owner=user:reader").await.json()["tokens"], json!([]));
}

#[tokio::test]
async fn an_admin_sets_a_password_or_has_one_made() {
    let world = World::new().await;
    let set = world.ask(ROOT, Method::PATCH, "users/reader", json!({ "password": NEW })).await;
    assert_eq!((set.status.as_u16(), &set.json()["password"]), (200, &Value::Null), "what was given is not told");
    assert_eq!(world.get(READER, "me").await.status, 401);
    assert_eq!(world.get(Who::With("reader", NEW), "me").await.status, 200);
    let made = world.ask(ROOT, Method::PATCH, "users/reader", json!({ "generate_password": true })).await.json();
    assert_eq!(made["user"]["must_change_password"], true);
    world.get(Who::With("reader", made["password"].as_str().unwrap()), "me").await.expect_error(403, "DENIED", &[]);
    let both = json!({ "password": PASSWORD, "generate_password": true });
    world.ask(ROOT, Method::PATCH, "users/reader", both).await.expect_error(400, "INVALID", &[]);
}

#[tokio::test]
async fn what_a_group_may_do_its_members_may() {
    let world = World::new().await;
    let group = json!({ "name": "team", "grants": [{ "repositories": "team-b/**", "role": "writer" }] });
    assert_eq!(world.ask(ROOT, Method::POST, "groups", group).await.status, 201);
    let push = "/v2/team-b/app/blobs/uploads/";
    assert_eq!(world.ask(READER, Method::POST, push, Value::Null).await.status, 403);
    assert_eq!(world.ask(ROOT, Method::PATCH, "users/reader", json!({ "groups": ["team"] })).await.status, 200);
    assert_eq!(world.ask(READER, Method::POST, push, Value::Null).await.status, 202);
    assert_eq!(world.delete(ROOT, "groups/team").await.status, 204);
    assert_eq!(world.ask(READER, Method::POST, push, Value::Null).await.status, 403);
    assert_eq!(world.get(ROOT, "users/reader").await.json()["groups"], json!([]));
    assert_eq!(world.ask(ROOT, Method::PATCH, "users/reader", json!({ "is_disabled": true })).await.status, 200);
    assert_eq!(world.get(READER, "me").await.status, 401);
}

#[tokio::test]
async fn lists_have_pages_that_lead_to_the_next() {
    let world = World::new().await;
    for number in 0..5 {
        let robot = json!({ "name": format!("r+{number}") });
        assert_eq!(world.ask(ROOT, Method::POST, "robots", robot).await.status, 201);
        let token = json!({ "label": "t", "owner": format!("robot:r+{}", number % 2) });
        assert_eq!(world.ask(ROOT, Method::POST, "tokens", token).await.status, 201);
    }
    for (list, first, count) in [
        ("robots", "robots?n=2", 5),
        ("users", "users?n=1", 3),
        ("tokens", "tokens?n=2&owner=robot:r%2B0", 3),
        ("tokens", "tokens?n=2", 5),
    ] {
        let (mut names, mut pages, mut next) = (Vec::new(), 0, Some(format!("/api/v1/{first}")));
        while let Some(target) = next {
            let page = world.get(ROOT, &target).await;
            assert_eq!(page.status, 200, "{target}: {page:?}");
            let field = if list == "tokens" { "id" } else { "name" };
            names.extend(page.json()[list].as_array().unwrap().iter().map(|entry| entry[field].to_string()));
            pages += 1;
            let link = page.header("link").strip_prefix('<').and_then(|link| link.split_once(">; rel=\"next\""));
            next = link.map(|(target, _)| target.to_owned());
        }
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!((names.len(), &names), (count, &sorted), "{first}");
        assert!(pages >= count.div_ceil(2), "{first}");
    }
    assert_eq!(world.get(ROOT, "users?n=0").await.json()["users"], json!([]));
    world.get(ROOT, "users?n=x").await.expect_error(400, "PAGINATION_NUMBER_INVALID", &[]);
    world.get(ROOT, "users?last=-").await.expect_error(400, "INVALID", &[]);
}

#[tokio::test]
async fn a_read_only_registry_is_administered_all_the_same() {
    let world = World::new().await;
    let mode = |mode: &str| json!({ "mode": mode });
    assert_eq!(world.get(READER, "mode").await.json(), mode("read-write"));
    world.ask(LEAD, Method::PUT, "mode", mode("read-only")).await.expect_error(403, "DENIED", &[]);
    assert_eq!(world.ask(ROOT, Method::PUT, "mode", mode("read-only")).await.json(), mode("read-only"));
    assert_eq!(world.ask(ROOT, Method::POST, "/v2/a/blobs/uploads/", Value::Null).await.status, 405);
    assert_eq!(world.ask(ROOT, Method::POST, "users", json!({ "name": "alice" })).await.status, 201);
    assert_eq!(world.ask(ROOT, Method::PUT, "mode", mode("read-write")).await.status, 200);
    assert_eq!(world.ask(ROOT, Method::POST, "/v2/a/blobs/uploads/", Value::Null).await.status, 202);
    world.ask(ROOT, Method::PUT, "mode", mode("closed")).await.expect_error(400, "INVALID", &[]);
}

#[tokio::test]
async fn an_issuer_is_trusted_by_the_rules_that_were_put() {
    let world = World::new().await;
    let issuer = |claims: Value| {
        json!({
            "issuer": "https://token.issuer.example",
            "audience": "ringhold",
            "rules": [{ "claims": claims, "grants": [{ "repositories": "team-a/**", "role": "writer" }] }],
        })
    };
    let claims = json!({ "repository": "o/*" });
    assert_eq!(world.ask(ROOT, Method::PUT, "issuers/ci", issuer(claims.clone())).await.status, 201);
    assert_eq!(world.ask(ROOT, Method::PUT, "issuers/ci", issuer(claims.clone())).await.status, 200);
    world.ask(ROOT, Method::PUT, "issuers/ci", issuer(json!({}))).await.expect_error(400, "INVALID", &[]);
    assert_eq!(world.get(ROOT, "issuers/ci").await.json()["rules"][0]["claims"], claims);
    assert_eq!(world.get(ROOT, "issuers").await.json()["issuers"].as_array().unwrap().len(), 1);
    assert_eq!(world.delete(ROOT, "issuers/ci").await.status, 204);
}

#[tokio::test]
async fn rotated_keys_overlap_or_do_not() {
    let world = World::new().await;
    let before = world.access_token(ROOT, "registry:admin:*").await;
    assert_eq!(world.get(Who::Bearer(&before), "users").await.status, 200);
    let rotated = world.ask(ROOT, Method::POST, "keys/rotate", json!({})).await;
    assert_eq!(rotated.status, 200);
    assert_eq!(world.get(ROOT, "keys").await.json()["keys"].as_array().unwrap().len(), 2);
    assert_eq!(world.get(Who::Bearer(&before), "users").await.status, 200);
    assert_eq!(world.ask(ROOT, Method::POST, "keys/rotate", json!({ "at_once": true })).await.status, 200);
    let refused = world.get(Who::Bearer(&before), "users").await;
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").contains("invalid_token"));
}

#[tokio::test]
async fn what_is_no_request_is_refused_whole() {
    let world = World::new().await;
    for body in [
        "",
        "{",
        "[]",
        "null",
        r#"{"name":"a","admin":true}"#,
        r#"{"name":"-"}"#,
        r#"{"name":"a","grants":[{"repositories":"**","role":"god"}]}"#,
    ] {
        let answer = world.ask_raw(ROOT, Method::POST, "users", body.into()).await;
        answer.expect_error(400, "INVALID", &[]);
    }
    let long = json!({ "name": "a", "groups": vec!["x".repeat(60); 2000] });
    world.ask(ROOT, Method::POST, "users", long).await.expect_error(413, "SIZE_INVALID", &[]);
    assert_eq!(world.get(ROOT, "users").await.json()["users"].as_array().unwrap().len(), 3);
    for path in ["users/-", "users/a%2Fb", "tokens/nothex", "users/%00", "users/a/b/c"] {
        let answer = world.get(ROOT, path).await;
        assert!(matches!(answer.status.as_u16(), 400 | 404), "{path}: {answer:?}");
    }
}
