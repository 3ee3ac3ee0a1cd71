//! That somebody administers the registry, whatever is changed.

use http::Method;
use serde_json::{Value, json};

use crate::world::{PASSWORD, READER, ROOT, Who, World};

const ADMIN: &str = r#"[{ "repositories": "**", "role": "admin" }]"#;

fn admin() -> Value {
    serde_json::from_str(ADMIN).unwrap()
}

#[tokio::test]
async fn the_last_admin_cannot_go_and_the_refusal_is_told() {
    let world = World::new().await;
    for (method, target, body) in [
        (Method::PATCH, "users/root", json!({ "is_disabled": true })),
        (Method::PATCH, "users/root", json!({ "grants": [] })),
        (Method::DELETE, "users/root", Value::Null),
        (Method::DELETE, "grants?subject=user:root&repositories=**&role=admin", Value::Null),
    ] {
        let refused = world.ask(ROOT, method.clone(), target, body).await;
        refused.expect_error(409, "CONFLICT", &[]);
        assert_eq!(world.get(ROOT, "me").await.json()["administers"], true);
    }
    let refused: Vec<_> = world.acts("refused=true").await.into_iter().map(|(_, action, ..)| action).collect();
    assert_eq!(refused, ["grant.remove", "user.remove", "user.change", "user.change"]);
    let kept = json!({ "grants": admin(), "is_disabled": false });
    assert_eq!(world.ask(ROOT, Method::PATCH, "users/root", kept).await.status, 200);
}

#[tokio::test]
async fn whoever_has_yet_to_change_a_password_counts() {
    let world = World::new().await;
    let user = json!({ "name": "next", "grants": admin() });
    assert_eq!(world.ask(ROOT, Method::POST, "users", user).await.status, 201);
    assert_eq!(world.delete(ROOT, "users/root").await.status, 204);
    assert_eq!(world.get(ROOT, "me").await.status, 401, "at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_admins_that_demote_each_other_at_once_one_stays() {
    let world = World::new().await;
    let user = json!({ "name": "other", "password": PASSWORD, "grants": admin() });
    assert_eq!(world.ask(ROOT, Method::POST, "users", user).await.status, 201);
    let disabled = |is_disabled: bool| json!({ "is_disabled": is_disabled });
    for _ in 0..20 {
        let (one, other) = futures::join!(
            world.ask(ROOT, Method::PATCH, "users/other", disabled(true)),
            world.ask(Who::User("other"), Method::PATCH, "users/root", disabled(true)),
        );
        let left = [world.get(ROOT, "me").await, world.get(Who::User("other"), "me").await];
        let left: Vec<_> = left.iter().filter(|me| me.status == 200).collect();
        assert_eq!(left.len(), 1, "{one:?} {other:?}");
        for user in ["users/root", "users/other"] {
            assert_eq!(world.ask(Who::Operator, Method::PATCH, user, disabled(false)).await.status, 200);
        }
    }
}

#[tokio::test]
async fn an_admin_of_some_repositories_gives_away_what_lies_inside() {
    let world = World::new().await;
    let lead = Who::User("lead");
    let held = |repositories: &str, role: &str| json!({ "subject": "user:reader", "repositories": repositories, "role": role });
    let given = world.ask(lead, Method::PUT, "grants", held("team-a/app", "writer")).await;
    assert_eq!((given.status.as_u16(), given.json()), (201, held("team-a/app", "writer")));
    assert_eq!(world.ask(lead, Method::PUT, "grants", held("team-a/app", "writer")).await.status, 200);
    for beyond in ["**", "team-*/app", "team-b/app", "team-a"] {
        world.ask(lead, Method::PUT, "grants", held(beyond, "reader")).await.expect_error(403, "DENIED", &[]);
        let target = format!("grants?subject=user:root&repositories={beyond}&role=admin");
        world.delete(lead, &target).await.expect_error(403, "DENIED", &[]);
    }
    let mine = json!({ "subject": "user:lead", "repositories": "team-a/**", "role": "admin" });
    let theirs = json!({ "subject": "user:reader", "repositories": "team-a/**", "role": "reader" });
    let seen = world.get(lead, "grants").await.json()["grants"].clone();
    assert_eq!(seen, json!([mine, theirs, held("team-a/app", "writer")]), "root's grant is not theirs to see");
    assert_eq!(world.get(lead, "grants?subject=user:reader").await.json()["grants"].as_array().unwrap().len(), 2);
    let push = "/v2/team-a/app/blobs/uploads/";
    assert_eq!(world.ask(READER, Method::POST, push, Value::Null).await.status, 202, "it counts at once");
    let back = "grants?subject=user:reader&repositories=team-a/app&role=writer";
    assert_eq!(world.delete(lead, back).await.status, 204);
    assert_eq!(world.delete(lead, back).await.status, 404);
    assert_eq!(world.ask(READER, Method::POST, push, Value::Null).await.status, 403);
    let public = json!({ "visibility": "public" });
    assert_eq!(world.ask(lead, Method::PUT, "repositories?name=team-a/app", public.clone()).await.status, 201);
    world.ask(lead, Method::PUT, "repositories?name=team-b/app", public).await.expect_error(403, "DENIED", &[]);
    assert_eq!(world.get(Who::Nobody, "/v2/team-a/app/tags/list").await.status, 404, "anybody may ask now");
    assert_eq!(world.get(Who::Nobody, "/v2/team-b/app/tags/list").await.status, 401);
    assert_eq!(world.get(READER, "repositories").await.json()["repositories"], json!([]));
    assert_eq!(world.get(lead, "repositories").await.json()["repositories"].as_array().unwrap().len(), 1);
    world.get(READER, "repositories?name=team-a/app").await.expect_error(403, "DENIED", &[]);
    assert_eq!(world.delete(lead, "repositories?name=team-a/app").await.status, 204);
    assert_eq!(world.get(Who::Nobody, "/v2/team-a/app/tags/list").await.status, 401);
}

#[tokio::test]
async fn a_subject_has_no_more_than_some_grants_however_they_come() {
    let world = World::new().await;
    let grants = |count: usize| -> Vec<_> {
        (0..count).map(|number| json!({ "repositories": format!("r{number}"), "role": "reader" })).collect()
    };
    let robot = |count| json!({ "name": "ci", "grants": grants(count) });
    world.ask(ROOT, Method::POST, "robots", robot(201)).await.expect_error(400, "INVALID", &[]);
    assert_eq!(world.ask(ROOT, Method::POST, "robots", robot(200)).await.status, 201);
    let more = json!({ "subject": "robot:ci", "repositories": "more", "role": "reader" });
    world.ask(ROOT, Method::PUT, "grants", more).await.expect_error(400, "INVALID", &[]);
    let groups: Vec<_> = (0..51).map(|number| format!("g{number}")).collect();
    world.ask(ROOT, Method::PATCH, "robots/ci", json!({ "groups": groups })).await.expect_error(400, "INVALID", &[]);
    world.ask(ROOT, Method::PATCH, "robots/ci", json!({ "groups": ["none"] })).await.expect_error(400, "INVALID", &[]);
}
