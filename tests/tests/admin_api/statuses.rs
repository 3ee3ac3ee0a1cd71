//! Every route and method, whoever asks.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use shared::auth::Access;
use shared::http::admin::{AdminRoute, documented};

use crate::world::{LEAD, READER, ROOT, Who, World};

fn each() -> Vec<AdminRoute> {
    AdminRoute::each(&"nobody".parse().expect("a name"), &"0123456789abcdef".parse().expect("an id"))
}

fn operations() -> Vec<(AdminRoute, Method)> {
    let operations =
        each().into_iter().flat_map(|route| route.methods().iter().map(move |method| (route.clone(), method.clone())));
    operations.collect()
}

/// What an administrator is answered who sends nothing but the path, and what a reader is.
fn expected(route: &AdminRoute, method: &Method) -> (u16, u16) {
    use AdminRoute as R;
    match (route, method) {
        (R::Document | R::Me | R::Mode | R::Tokens | R::Repositories, &Method::GET) => (200, 200),
        (R::Token { .. }, _) => (404, 404),
        // What is wrong with it is told first where that says what it is about, or nothing else is asked.
        (R::OwnPassword | R::Tokens | R::Repositories, _) | (R::Grants, &Method::PUT | &Method::DELETE) => (400, 400),
        (R::Users | R::Robots | R::Groups, &Method::POST)
        | (R::Issuer { .. } | R::Mode, &Method::PUT)
        | (R::User { .. } | R::Robot { .. } | R::Group { .. }, &Method::PATCH) => (400, 403),
        (R::User { .. } | R::Robot { .. } | R::Group { .. } | R::Issuer { .. }, _) => (404, 403),
        // To rotate keys takes no body: one of nothing asks for the usual.
        (R::Users | R::Robots | R::Groups | R::Grants | R::Issuers | R::Keys | R::KeyRotation | R::Audit, _) => {
            (200, 403)
        }
        (R::Document | R::Me | R::Mode, _) => panic!("there is no such operation"),
    }
}

#[tokio::test]
async fn each_route_asks_who_it_is_and_whether_they_may() {
    let world = World::new().await;
    for (route, method) in operations() {
        let target = route.to_string();
        let (admin, reader) = expected(&route, &method);
        let anonymous = if route == AdminRoute::Document { 200 } else { 401 };
        // Another name each time: guesses at one are counted.
        let wrong = format!("{method}{}", target.replace('/', "-"));
        let all = [(Who::Nobody, anonymous), (READER, reader), (ROOT, admin), (Who::With(&wrong, "wrong"), anonymous)];
        for (who, status) in all {
            let answer = world.ask(who, method.clone(), &target, Value::Null).await;
            assert_eq!(answer.status, status, "{method} {target} {who:?}: {answer:?}");
            if status == 401 {
                assert!(answer.header("www-authenticate").starts_with("Bearer realm="), "{answer:?}");
            }
            assert_eq!(answer.header("cache-control") == "no-store", answer.status.is_success(), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    let world = World::new().await;
    for route in each() {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if !route.methods().contains(&method) {
                let answer = world.ask(ROOT, method.clone(), &route.to_string(), Value::Null).await;
                assert_eq!(answer.status, 405, "{method} {route}: {answer:?}");
                let allowed: Vec<_> = route.methods().iter().map(Method::as_str).collect();
                assert_eq!(answer.header("allow"), allowed.join(", "));
            }
        }
    }
    assert_eq!(world.get(ROOT, "nothing").await.status, 404);
}

#[tokio::test]
async fn an_open_registry_is_administered_on_its_machine_only() {
    for access in [Access::Open, Access::OpenUntilClaimed] {
        let world = World::empty(access).await;
        for (route, method) in operations().into_iter().filter(|(route, _)| *route != AdminRoute::Document) {
            let answer = world.ask(Who::Nobody, method, &route.to_string(), Value::Null).await;
            answer.expect_error(403, "DENIED", &[]);
            assert!(answer.json()["errors"][0]["message"].as_str().unwrap().contains("ringhold user add NAME --admin"));
        }
        assert_eq!(world.get(Who::Nobody, "openapi.json").await.status, 200);
        assert_eq!(world.get(Who::Operator, "users").await.status, 200);
    }
}

#[tokio::test]
async fn the_first_user_closes_the_registry_and_administers_it() {
    let world = World::empty(Access::OpenUntilClaimed).await;
    assert_eq!(world.get(Who::Nobody, "/v2/").await.status, 200);
    let user = |grants: Value| json!({ "name": "root", "password": crate::world::PASSWORD, "grants": grants });
    let refused = world.ask(Who::Operator, Method::POST, "users", user(json!([]))).await;
    refused.expect_error(409, "CONFLICT", &[]);
    let admin = json!([{ "repositories": "**", "role": "admin" }]);
    let made = world.ask(Who::Operator, Method::POST, "users", user(admin)).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/api/v1/users/root"));
    assert_eq!(world.get(Who::Nobody, "/v2/").await.status, 401, "at once");
    assert_eq!(world.get(ROOT, "me").await.json()["administers"], true);
    let told = ("operator".to_owned(), "user.create".to_owned(), "user:root".to_owned(), true);
    assert!(world.acts("").await.contains(&told), "the very first change is told too");
}

/// The path of an operation, with what its query must say.
fn target(route: &AdminRoute, method: &Method, name: &str) -> String {
    let target = route.template().replace("{name}", name);
    match route {
        AdminRoute::Repositories if *method != Method::GET => format!("{target}?name=team-b/{name}"),
        AdminRoute::Grants if *method == Method::DELETE => {
            format!("{target}?subject=user:{name}&repositories=a&role=reader")
        }
        _ => target,
    }
}

/// What goes wrong with any operation: what its body says, what its query says, its name, who asks.
async fn provoke(world: &World, open: &World, route: &AdminRoute, method: &Method) {
    let path = target(route, method, "alice").replace("{id}", "0123456789abcdef");
    world.ask(ROOT, method.clone(), &path, json!({ "unknown": 1 })).await;
    world.ask_raw(ROOT, method.clone(), &path, vec![b' '; 65_537]).await;
    for query in ["n=x", "subject=x", "from=x", "last=-"] {
        world.ask(ROOT, method.clone(), &format!("{route}?{query}"), Value::Null).await;
    }
    if route.template().contains('{') {
        let bad = route.template().replace("{name}", "-").replace("{id}", "x");
        world.note(route, method, &world.ask(ROOT, method.clone(), &bad, Value::Null).await);
    }
    world.ask(Who::Nobody, method.clone(), &path, Value::Null).await;
    for _ in 0..8 {
        let guess = world.ask(Who::With("mallory", "wrong"), method.clone(), &path, Value::Null).await;
        if guess.status == 429 {
            break;
        }
    }
    world.note(route, method, &open.ask(Who::Nobody, method.clone(), &path, Value::Null).await);
}

/// What is made, shown, listed, changed, made once more, removed, and gone.
async fn do_all(world: &World) {
    let held = "grants?subject=user:alice&repositories=a&role=reader";
    let issuer = json!({ "issuer": "https://i.example", "audience": "a", "rules": [] });
    let grant = json!({ "subject": "user:alice", "repositories": "a", "role": "reader" });
    let no_grant = json!({ "subject": "user:nobody", "repositories": "a", "role": "reader" });
    let (nothing, public) = (Value::Null, json!({ "visibility": "public" }));
    for kind in ["users", "robots", "groups"] {
        let one = format!("{kind}/alice");
        for method in [Method::POST, Method::POST, Method::GET] {
            let body = if method == Method::GET { nothing.clone() } else { json!({ "name": "alice" }) };
            world.ask(ROOT, method, kind, body).await;
        }
        world.get(ROOT, &one).await;
        world.ask(ROOT, Method::PATCH, &one, json!({})).await;
        if kind == "users" {
            for method in [Method::PUT, Method::PUT] {
                world.ask(ROOT, method, "grants", grant.clone()).await;
            }
            world.delete(ROOT, held).await;
            world.delete(ROOT, held).await;
        }
        for _ in 0..2 {
            world.delete(ROOT, &one).await;
        }
        world.get(ROOT, &one).await;
        world.ask(ROOT, Method::PATCH, &one, json!({})).await;
    }
    for (method, target, body) in [
        (Method::GET, "me", &nothing),
        (Method::GET, "openapi.json", &nothing),
        (Method::PUT, "grants", &no_grant),
        (Method::GET, "grants", &nothing),
        (Method::GET, "grants?subject=user:nobody", &nothing),
        (Method::PUT, "repositories?name=a", &public),
        (Method::PUT, "repositories?name=a", &public),
        (Method::GET, "repositories", &nothing),
        (Method::GET, "repositories?name=a", &nothing),
        (Method::DELETE, "repositories?name=a", &nothing),
        (Method::DELETE, "repositories?name=a", &nothing),
        (Method::GET, "repositories?name=a", &nothing),
        (Method::PUT, "issuers/alice", &issuer),
        (Method::PUT, "issuers/alice", &issuer),
        (Method::GET, "issuers", &nothing),
        (Method::GET, "issuers/alice", &nothing),
        (Method::DELETE, "issuers/alice", &nothing),
        (Method::DELETE, "issuers/alice", &nothing),
        (Method::GET, "issuers/alice", &nothing),
        (Method::POST, "keys/rotate", &nothing),
        (Method::GET, "keys", &nothing),
        (Method::GET, "mode", &nothing),
        (Method::PUT, "mode", &json!({ "mode": "read-write" })),
        (Method::GET, "audit", &nothing),
        (Method::GET, "tokens", &nothing),
        (Method::POST, "tokens", &json!({ "label": "a", "owner": "user:nobody" })),
    ] {
        world.ask(ROOT, method, target, body.clone()).await;
    }
    let made = world.ask(ROOT, Method::POST, "tokens", json!({ "label": "a" })).await.json();
    let token = format!("tokens/{}", made["token"]["id"].as_str().expect("an id"));
    world.get(ROOT, &token).await;
    world.delete(ROOT, &token).await;
    world.delete(ROOT, &token).await;
    world.get(ROOT, &token).await;
    world.ask(LEAD, Method::PUT, "users/me/password", json!({ "password": "another horse battery" })).await;
}

/// Whatever would leave nobody to administer the registry.
async fn demote_the_last(world: &World) {
    world.ask(ROOT, Method::PATCH, "users/root", json!({ "is_disabled": true })).await;
    world.delete(ROOT, "users/root").await;
    world.delete(ROOT, "grants?subject=user:root&repositories=**&role=admin").await;
    let admins = json!({ "name": "admins", "grants": [{ "repositories": "**", "role": "admin" }] });
    world.ask(ROOT, Method::POST, "groups", admins).await;
    world.ask(ROOT, Method::PATCH, "users/root", json!({ "grants": [], "groups": ["admins"] })).await;
    world.ask(ROOT, Method::PATCH, "groups/admins", json!({ "grants": [] })).await;
    world.delete(ROOT, "groups/admins").await;
}

#[tokio::test]
async fn each_documented_status_is_answered_and_no_other() {
    let (world, open) = (World::new().await, World::empty(Access::Open).await);
    for (route, method) in operations() {
        provoke(&world, &open, &route, &method).await;
    }
    do_all(&world).await;
    demote_the_last(&world).await;
    for (route, method) in operations() {
        let documented: BTreeSet<u16> = documented(&route, &method).iter().map(http::StatusCode::as_u16).collect();
        assert_eq!(world.seen(&route, &method), documented, "{method} {}", route.template());
    }
}
