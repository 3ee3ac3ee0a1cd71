//! Tokens: whose, for what, for how long.

use http::Method;
use serde_json::{Value, json};
use shared::clock::Timestamp;

use crate::world::{LEAD, READER, ROOT, Who, World};

async fn made(world: &World, who: Who<'_>, wanted: Value) -> (String, String, Value) {
    let answer = world.ask(who, Method::POST, "tokens", wanted).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let created = answer.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&created["token"]["id"]), text(&created["secret"]), created["token"].clone())
}

fn days_from_now(moment: &Value) -> u64 {
    let moment = Timestamp::from_rfc3339(moment.as_str().unwrap()).unwrap();
    (moment.since(Timestamp::now()).as_secs() + 43_200) / 86_400
}

#[tokio::test]
async fn a_secret_is_told_once_and_signs_in_until_it_is_removed() {
    let world = World::new().await;
    let (id, secret, token) = made(&world, READER, json!({ "label": "laptop" })).await;
    assert_eq!((&token["owner"], days_from_now(&token["expires"])), (&json!("user:reader"), 90));
    let me = world.get(Who::With("anything", &secret), "me").await.json();
    assert_eq!((&me["principal"], &me["token"]), (&json!("user:reader"), &json!(id)));
    // What follows the name may have such strokes itself.
    let [_, _, hidden]: [&str; 3] = secret.splitn(3, '_').collect::<Vec<_>>().try_into().expect("three parts");
    let target = format!("tokens/{id}");
    let seen = world.get(READER, &target).await;
    assert!(seen.json()["last_used"].is_string());
    for (who, target) in
        [(READER, target.as_str()), (ROOT, &target), (READER, "tokens"), (ROOT, "tokens"), (ROOT, "audit")]
    {
        let answer = world.get(who, target).await;
        assert_eq!(answer.status, 200);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!text.contains(&secret) && !text.contains(hidden), "{target}: {text}");
    }
    world.get(LEAD, &target).await.expect_error(404, "NOT_FOUND", &[]);
    world.delete(LEAD, &target).await.expect_error(404, "NOT_FOUND", &[]);
    assert_eq!(world.get(LEAD, "tokens").await.json()["tokens"], json!([]));
    world.get(LEAD, "tokens?owner=user:reader").await.expect_error(403, "DENIED", &[]);
    assert_eq!(world.delete(READER, &target).await.status, 204);
    assert_eq!(world.get(Who::With("anything", &secret), "me").await.status, 401, "at once");
    assert_eq!(world.get(READER, &target).await.status, 404);
}

#[tokio::test]
async fn a_robots_tokens_are_made_for_it_and_may_have_no_end() {
    let world = World::new().await;
    let robot = json!({ "name": "ci", "grants": [{ "repositories": "team-a/**", "role": "writer" }] });
    assert_eq!(world.ask(ROOT, Method::POST, "robots", robot).await.status, 201);
    let endless = json!({ "label": "ci", "owner": "robot:ci", "expires_in_seconds": null });
    world.ask(LEAD, Method::POST, "tokens", endless.clone()).await.expect_error(403, "DENIED", &[]);
    let (id, secret, token) = made(&world, ROOT, endless.clone()).await;
    assert_eq!(token["expires"], Value::Null);
    let ci = Who::With("ci", &secret);
    assert_eq!(world.ask(ci, Method::POST, "/v2/team-a/app/blobs/uploads/", Value::Null).await.status, 202);
    world.ask(ci, Method::POST, "tokens", json!({ "label": "more" })).await.expect_error(403, "DENIED", &[]);
    assert_eq!(world.get(ci, "tokens").await.json()["tokens"][0]["id"], json!(id));
    assert_eq!(world.delete(ROOT, "robots/ci").await.status, 204);
    assert_eq!(world.get(ci, "me").await.status, 401);
    assert_eq!(world.get(ROOT, "tokens").await.json()["tokens"], json!([]));
    world.ask(ROOT, Method::POST, "tokens", endless).await.expect_error(404, "NOT_FOUND", &[]);
    for (wanted, why) in [
        (json!({ "label": "x", "expires_in_seconds": null }), "of a user"),
        (json!({ "label": "x", "expires_in_seconds": 0 }), "over before it begins"),
        (json!({ "label": "x", "expires_in_seconds": 367 * 86_400 }), "too long"),
        (json!({ "label": "" }), "no label"),
        (json!({ "label": "x", "owner": "group:g" }), "of a group"),
        (json!({ "label": "x", "limits": [{ "repositories": "a", "actions": [] }] }), "good for nothing"),
        (json!({ "label": "x", "limits": [{ "repositories": "a", "actions": ["fly"] }] }), "no action"),
    ] {
        let answer = world.ask(ROOT, Method::POST, "tokens", wanted).await;
        assert_eq!((answer.status.as_u16(), &*answer.code()), (400, "INVALID"), "{why}");
    }
    world.ask(Who::Operator, Method::POST, "tokens", json!({ "label": "x" })).await.expect_error(400, "INVALID", &[]);
}

#[tokio::test]
async fn a_limited_token_makes_none_that_is_more() {
    let world = World::new().await;
    let limits = json!([{ "repositories": "team-a/**", "actions": ["pull", "administer"] }]);
    let wanted = json!({ "label": "a", "limits": limits, "expires_in_seconds": 86_400 });
    let (_, secret, first) = made(&world, ROOT, wanted).await;
    let limited = Who::With("root", &secret);
    let me = world.get(limited, "me").await.json();
    assert_eq!((&me["administers"], &me["limits"]), (&json!(false), &limits));
    assert_eq!(world.get(limited, "users").await.status, 403);
    let (_, _, second) = made(&world, limited, json!({ "label": "b" })).await;
    assert_eq!((&second["limits"], &second["expires"]), (&limits, &first["expires"]));
    let within = json!([{ "repositories": "team-a/app", "actions": ["pull"] }]);
    let (_, secret, third) = made(&world, limited, json!({ "label": "c", "limits": within })).await;
    assert_eq!(third["limits"], within);
    let pull_only = Who::With("root", &secret);
    let beyond = [
        json!({ "label": "d", "limits": [{ "repositories": "team-a/**", "actions": ["pull"] }] }),
        json!({ "label": "d", "limits": [{ "repositories": "team-a/app", "actions": ["pull", "push"] }] }),
        json!({ "label": "d", "expires_in_seconds": 2 * 86_400 }),
    ];
    for wanted in beyond {
        world.ask(pull_only, Method::POST, "tokens", wanted).await.expect_error(403, "DENIED", &[]);
    }
    let held = json!({ "subject": "user:reader", "repositories": "team-a/app", "role": "writer" });
    assert_eq!(world.ask(limited, Method::PUT, "grants", held.clone()).await.status, 201);
    world.ask(pull_only, Method::PUT, "grants", held).await.expect_error(403, "DENIED", &[]);
    let other = format!("tokens/{}", first["id"].as_str().unwrap());
    world.delete(pull_only, &other).await.expect_error(403, "DENIED", &[]);
    let own = format!("tokens/{}", third["id"].as_str().unwrap());
    assert_eq!(world.delete(pull_only, &own).await.status, 204, "it may take itself back");
}

#[tokio::test]
async fn an_access_token_manages_tokens_only_if_it_administers_the_registry() {
    let world = World::new().await;
    let of_reader = world.access_token(READER, "repository:team-a/app:pull registry:admin:*").await;
    let reader = Who::Bearer(&of_reader);
    assert_eq!(world.get(reader, "me").await.json()["principal"], "user:reader");
    for (method, body) in [(Method::GET, Value::Null), (Method::POST, json!({ "label": "x" }))] {
        world.ask(reader, method, "tokens", body).await.expect_error(403, "DENIED", &[]);
    }
    let beyond = world.get(reader, "users").await;
    assert_eq!(beyond.status, 401);
    let challenge = beyond.header("www-authenticate");
    assert!(
        challenge.contains("scope=\"registry:admin:*\"") && challenge.contains("insufficient_scope"),
        "{challenge}"
    );
    let of_root = world.access_token(ROOT, "registry:admin:*").await;
    let root = Who::Bearer(&of_root);
    assert_eq!(world.get(root, "users").await.status, 200);
    assert_eq!(world.ask(root, Method::POST, "tokens", json!({ "label": "x" })).await.status, 201);
    let without = world.access_token(ROOT, "repository:team-a/app:pull").await;
    assert_eq!(world.get(Who::Bearer(&without), "users").await.status, 401, "nothing was asked for");
    world.get(Who::Bearer(&without), "tokens").await.expect_error(403, "DENIED", &[]);
}

#[tokio::test]
async fn nobody_inherits_the_tokens_of_a_name() {
    let world = World::new().await;
    let user = json!({ "name": "alice", "password": crate::world::PASSWORD });
    assert_eq!(world.ask(ROOT, Method::POST, "users", user.clone()).await.status, 201);
    let (_, secret, _) = made(&world, ROOT, json!({ "label": "x", "owner": "user:alice" })).await;
    assert_eq!(world.get(Who::With("alice", &secret), "me").await.status, 200);
    assert_eq!(world.delete(ROOT, "users/alice").await.status, 204);
    assert_eq!(world.ask(ROOT, Method::POST, "users", user).await.status, 201);
    assert_eq!(world.get(Who::With("alice", &secret), "me").await.status, 401);
}

#[tokio::test]
async fn a_token_that_may_overwrite_no_tag_gives_new_ones_only() {
    let world = World::new().await;
    let limits = json!([{ "repositories": "team-a/**", "actions": ["pull", "push"] }]);
    let (_, secret, _) = made(&world, ROOT, json!({ "label": "releases", "limits": limits })).await;
    let release = Who::With("root", &secret);
    let index = |note: &str| {
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [],
            "annotations": { "note": note },
        })
    };
    let put = async |who, tag: &str, note: &str| {
        world.ask(who, Method::PUT, &format!("/v2/team-a/app/manifests/{tag}"), index(note)).await
    };
    assert_eq!(put(release, "1", "first").await.status, 201);
    assert_eq!(put(release, "1", "first").await.status, 201, "it names the same");
    let refused = put(release, "1", "second").await;
    assert_eq!((refused.status.as_u16(), &*refused.code()), (403, "DENIED"), "{refused:?}");
    assert_eq!(world.get(release, "/v2/team-a/app/manifests/1").await.json(), index("first"));
    assert_eq!(put(ROOT, "1", "second").await.status, 201);
    assert_eq!(put(release, "2", "second").await.status, 201);
}
