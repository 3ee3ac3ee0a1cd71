//! Who gets which answer: every route for every kind of caller, on a private and on a public repository.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use harness::accounts::{PASSWORD, add_robot, add_user, basic, grant, publish};
use harness::client::{Answer, Client};
use harness::content::{IMAGE, digest, image, noise};
use harness::memory;
use http::{Method, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use shared::auth::{Action, GateSettings, Role, Token};
use shared::clock::Timestamp;
use shared::http::{Api, Route, Settings};
use shared::metadata::{Book, MetadataStore};
use shared::registry::Terms;

const PRIVATE: &str = "team-a/app";
const PUBLIC: &str = "open/app";
const ROLES: [Role; 4] = [Role::Reader, Role::Writer, Role::Maintainer, Role::Admin];

/// What a route needs, said once more than the program says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Nothing,
    Identity,
    To(Action),
}

struct World {
    client: Client,
    api: Api,
    store: std::sync::Arc<dyn MetadataStore>,
    blob: Bytes,
}

impl World {
    async fn new() -> Self {
        let settings = Settings { gate: GateSettings::default(), ..Settings::default() };
        let (api, store) = memory::api_and_facts(Terms::default(), settings).await;
        let accounts = api.gate().accounts().clone();
        for role in ROLES {
            let on = |repositories| grant(repositories, role);
            add_user(&accounts, role.as_str(), vec![on("team-a/**"), on("open/**")]).await;
        }
        add_user(&accounts, "stranger", vec![grant("team-b/**", Role::Admin)]).await;
        publish(&accounts, PUBLIC).await;
        Self { client: Client::of(api.clone()), api, store, blob: noise(1, 500) }
    }

    /// Puts back what a request may have deleted.
    async fn fill(&self) {
        for name in [PRIVATE, PUBLIC] {
            let admin = basic("admin", PASSWORD);
            for bytes in [&self.blob, &Bytes::from_static(b"{}")] {
                let target = format!("/v2/{name}/blobs/uploads/?digest={}", digest(bytes));
                let put = self.client.call(Method::POST, target).header("authorization", &admin).body(bytes.clone());
                assert_eq!(put.send().await.status, StatusCode::CREATED);
            }
            let put = self.client.call(Method::PUT, format!("/v2/{name}/manifests/latest"));
            let put = put.header("authorization", &admin).header("content-type", IMAGE).body(self.manifest());
            assert_eq!(put.send().await.status, StatusCode::CREATED);
        }
    }

    fn manifest(&self) -> Bytes {
        image(b"{}", std::slice::from_ref(&self.blob))
    }

    /// A route of each kind.
    fn routes(&self, name: &str) -> Vec<Route> {
        let name: shared::oci::RepositoryName = name.parse().unwrap();
        let (blob, manifest) = (digest(&self.blob), digest(&self.manifest()));
        let id = shared::oci::UploadId::random();
        vec![
            Route::Version,
            Route::Catalog,
            Route::Tags { name: name.clone() },
            Route::Referrers { name: name.clone(), subject: manifest.clone() },
            Route::Manifest { name: name.clone(), reference: "latest".parse().unwrap() },
            Route::Manifest { name: name.clone(), reference: manifest.to_string().parse().unwrap() },
            Route::Blob { name: name.clone(), digest: blob },
            Route::Uploads { name: name.clone() },
            Route::Upload { name: name.clone(), id: id.clone() },
            Route::DirectUploads { name: name.clone() },
            Route::DirectUpload { name: name.clone(), id },
            Route::Extensions { name: None },
            Route::Extensions { name: Some(name) },
            Route::Token,
            Route::Health,
            Route::Ready,
        ]
    }

    async fn ask(&self, route: &Route, method: &Method, authorization: Option<&str>) -> Answer {
        let call = self.client.call(method.clone(), route.to_string());
        let call = match authorization {
            Some(authorization) => call.header("authorization", authorization),
            None => call,
        };
        match (route, method) {
            (Route::Manifest { .. }, &Method::PUT) => {
                call.header("content-type", IMAGE).body(self.manifest()).send().await
            }
            _ => call.send().await,
        }
    }

    async fn token(&self, user: &str, scope: &str) -> String {
        let call = self.client.call(Method::GET, format!("/token?service=ringhold&scope={scope}"));
        let answer = call.header("authorization", basic(user, PASSWORD)).send().await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }

    /// A token that this registry's own key has signed, whatever it says.
    async fn forge(&self, claims: &Value) -> String {
        let now = Timestamp::now();
        let key = self.store.entry(Book::SigningKeys, "current", now).await.unwrap().unwrap().body;
        let pkcs8 = STANDARD_NO_PAD.decode(key["pkcs8"].as_str().unwrap()).unwrap();
        let header = Header { kid: key["kid"].as_str().map(str::to_owned), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&pkcs8)).unwrap()
    }
}

/// What is wanted, by the route and the method. A route that is added has to be told of here.
fn wants(route: &Route, method: &Method) -> Wants {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match route {
        Route::Health | Route::Ready | Route::Token => Wants::Nothing,
        Route::Admin(_) => unreachable!("admin_api asks these"),
        Route::Version | Route::Catalog | Route::Extensions { name: None } => Wants::Identity,
        Route::Tags { .. } | Route::Referrers { .. } | Route::Extensions { name: Some(_) } => Wants::To(Action::Pull),
        Route::Manifest { .. } | Route::Blob { .. } if reads => Wants::To(Action::Pull),
        Route::Manifest { .. } | Route::Blob { .. } if *method == Method::DELETE => Wants::To(Action::Delete),
        Route::Manifest { .. } | Route::Blob { .. } | Route::Uploads { .. } | Route::Upload { .. } => {
            Wants::To(Action::Push)
        }
        Route::DirectUploads { .. } | Route::DirectUpload { .. } => Wants::To(Action::Push),
    }
}

fn is_let_in(answer: &Answer) -> bool {
    !matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn claims(extra: &Value) -> Value {
    let now = Timestamp::now().as_millis() / 1000;
    let mut claims = json!({
        "iss": "ringhold", "aud": "ringhold", "sub": "user:admin", "jti": "1",
        "iat": now, "nbf": now, "exp": now + 300,
        "access": [
            { "type": "repository", "name": "**", "actions": ["pull", "push", "delete"] },
            { "type": "registry", "name": "admin", "actions": ["*"] },
        ],
    });
    for (name, value) in extra.as_object().cloned().unwrap_or_default() {
        claims[name] = value;
    }
    claims
}

#[tokio::test]
async fn every_role_gets_what_it_may_and_nothing_else_on_every_route() {
    let world = World::new().await;
    for name in [PRIVATE, PUBLIC] {
        for route in world.routes(name) {
            for method in route.methods() {
                let wanted = wants(&route, method);
                let is_public = name == PUBLIC && wanted == Wants::To(Action::Pull);
                let what = format!("{method} {route}");
                world.fill().await;
                let anonymous = world.ask(&route, method, None).await;
                assert_eq!(is_let_in(&anonymous), wanted == Wants::Nothing || is_public, "{what}: {anonymous:?}");
                if !is_let_in(&anonymous) {
                    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED, "{what}");
                    let challenge = anonymous.headers["www-authenticate"].to_str().unwrap();
                    assert!(challenge.starts_with("Bearer realm=\"http"), "{what}: {challenge}");
                    let asks = challenge.contains(&format!("scope=\"repository:{name}:"));
                    assert_eq!(asks, matches!(wanted, Wants::To(_)), "{what}: {challenge}");
                }
                for role in ROLES {
                    let may = match wanted {
                        Wants::Nothing | Wants::Identity => true,
                        Wants::To(action) => role.actions().contains(action) || is_public,
                    };
                    world.fill().await;
                    let answer = world.ask(&route, method, Some(&basic(role.as_str(), PASSWORD))).await;
                    assert_eq!(is_let_in(&answer), may, "{role} {what}: {answer:?}");
                    assert!(may || answer.status == StatusCode::FORBIDDEN, "{role} {what}: {answer:?}");
                    let token = world.token(role.as_str(), &format!("repository:{name}:*")).await;
                    world.fill().await;
                    let answer = world.ask(&route, method, Some(&format!("Bearer {token}"))).await;
                    assert_eq!(is_let_in(&answer), may, "{role} with a token {what}: {answer:?}");
                    assert!(may || answer.status == StatusCode::UNAUTHORIZED, "{role} {what}: {answer:?}");
                    if !may {
                        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
                        assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn nothing_that_is_no_token_opens_any_route() {
    let world = World::new().await;
    world.fill().await;
    let elsewhere = World::new().await;
    let scope = format!("repository:{PRIVATE}:*");
    let good = world.token("admin", &scope).await;
    let [head, body, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let more = URL_SAFE_NO_PAD.encode(claims(&json!({})).to_string());
    let now = Timestamp::now().as_millis() / 1000;
    let accounts = world.api.gate().accounts().clone();
    let revoked = add_robot(&accounts, "gone", vec![grant("**", Role::Admin)], None).await;
    accounts.remove::<Token>(revoked.id().as_str()).await.unwrap();
    let bearer = |token: &str| format!("Bearer {token}");
    let hmac = jsonwebtoken::encode(
        &Header { kid: jsonwebtoken::decode_header(&good).unwrap().kid, ..Header::new(Algorithm::HS256) },
        &claims(&json!({})),
        &EncodingKey::from_secret(b"ringhold"),
    );
    let bad = [
        ("expired", bearer(&world.forge(&claims(&json!({ "nbf": now - 900, "exp": now - 300 }))).await)),
        ("not yet good", bearer(&world.forge(&claims(&json!({ "nbf": now + 300 }))).await)),
        ("for another audience", bearer(&world.forge(&claims(&json!({ "aud": "other" }))).await)),
        ("of another issuer", bearer(&world.forge(&claims(&json!({ "iss": "other" }))).await)),
        ("of nobody", bearer(&world.forge(&claims(&json!({ "sub": "root" }))).await)),
        ("of another registry", bearer(&elsewhere.token("admin", &scope).await)),
        ("unsigned", bearer(&format!("{none}.{body}."))),
        ("without its signature", bearer(&format!("{head}.{body}."))),
        ("signed by a secret", bearer(&hmac.unwrap())),
        ("with other claims", bearer(&format!("{head}.{more}.{signature}"))),
        ("cut off", bearer(&good[..good.len() - 2])),
        ("no token at all", bearer("x")),
        ("revoked", bearer(revoked.expose())),
        ("revoked, as a password", basic("gone", revoked.expose())),
        ("a wrong password", basic("admin", "wrong")),
        ("an unknown scheme", "Digest x".to_owned()),
    ];
    for name in [PRIVATE, PUBLIC] {
        for route in world.routes(name) {
            for method in route.methods() {
                for (what, authorization) in &bad {
                    if wants(&route, method) == Wants::Nothing {
                        continue;
                    }
                    let answer = world.ask(&route, method, Some(authorization)).await;
                    // What is looked up counts as guessing, and guessing takes its time.
                    let is_guessing = ["of another issuer", "revoked", "revoked, as a password", "a wrong password"];
                    let is_turned_away = answer.status == StatusCode::UNAUTHORIZED
                        || (answer.status == StatusCode::TOO_MANY_REQUESTS && is_guessing.contains(what));
                    assert!(is_turned_away, "{what}: {method} {route}: {answer:?}");
                }
            }
        }
    }
    let answer = world.ask(&Route::Version, &Method::GET, Some(&bearer(&good))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let forged = world.forge(&claims(&json!({}))).await;
    let answer = world.ask(&Route::Version, &Method::GET, Some(&bearer(&forged))).await;
    assert_eq!(answer.status, StatusCode::OK, "the forger's good tokens are good: else the bad ones prove nothing");
}

#[tokio::test]
async fn a_token_counts_no_longer_than_it_says_though_it_was_right_a_moment_ago() {
    let world = World::new().await;
    let seconds = |timestamp: Timestamp| timestamp.as_millis() / 1000;
    world.token("admin", "repository:a:pull").await;
    // Clocks may differ by ten seconds.
    let ended = seconds(Timestamp::now()) - 7;
    let token = format!("Bearer {}", world.forge(&claims(&json!({ "exp": ended }))).await);
    let ask = async || world.ask(&Route::Version, &Method::GET, Some(&token)).await.status;
    assert_eq!((ask().await, ask().await), (StatusCode::OK, StatusCode::OK));
    while seconds(Timestamp::now()) <= ended + 10 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(ask().await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_key_that_counts_no_more_takes_its_tokens_along() {
    let world = World::new().await;
    let token = format!("Bearer {}", world.token("admin", "repository:a:pull").await);
    let ask = async || world.ask(&Route::Version, &Method::GET, Some(&token)).await.status;
    assert_eq!((ask().await, ask().await), (StatusCode::OK, StatusCode::OK));
    world.api.gate().rotate_keys(true).await.unwrap();
    assert_eq!(ask().await, StatusCode::UNAUTHORIZED, "at once, though it was right a moment ago");
}

#[tokio::test]
async fn a_token_for_one_repository_is_none_for_another() {
    let world = World::new().await;
    world.fill().await;
    let token = world.token("admin", "repository:team-a/other:*").await;
    for route in world.routes(PRIVATE) {
        for method in route.methods() {
            let answer = world.ask(&route, method, Some(&format!("Bearer {token}"))).await;
            let is_about_it = matches!(wants(&route, method), Wants::To(_));
            assert_eq!(answer.status == StatusCode::UNAUTHORIZED, is_about_it, "{method} {route}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_limited_token_gives_new_tags_and_moves_none() {
    let world = World::new().await;
    world.fill().await;
    let accounts = world.api.gate().accounts().clone();
    let limits = vec![shared::auth::Permit {
        repositories: "team-a/**".parse().unwrap(),
        actions: "pull,push".parse().unwrap(),
    }];
    let secret = add_robot(&accounts, "ci", vec![grant("team-a/**", Role::Writer)], Some(limits)).await;
    let other = image(b"{}", &[]);
    let put = async |tag: &str, bytes: &Bytes| {
        let call = world.client.call(Method::PUT, format!("/v2/{PRIVATE}/manifests/{tag}"));
        let call = call.header("authorization", basic("ci", secret.expose())).header("content-type", IMAGE);
        call.body(bytes.clone()).send().await.status
    };
    assert_eq!(put("new", &other).await, StatusCode::CREATED);
    assert_eq!(put("new", &other).await, StatusCode::CREATED, "the same again moves nothing");
    assert_eq!(put("latest", &other).await, StatusCode::FORBIDDEN);
    assert_eq!(put("latest", &world.manifest()).await, StatusCode::CREATED);
}

#[tokio::test]
async fn a_read_only_registry_is_pulled_from_and_nothing_else() {
    let world = World::new().await;
    world.fill().await;
    world.api.gate().switch(shared::auth::Mode::ReadOnly).await.unwrap();
    let admin = basic("admin", PASSWORD);
    for route in world.routes(PRIVATE) {
        for method in route.methods() {
            let changes = matches!(wants(&route, method), Wants::To(Action::Push | Action::Delete));
            let answer = world.ask(&route, method, Some(&admin)).await;
            let body = String::from_utf8_lossy(&answer.body);
            let is_refused = answer.status == StatusCode::METHOD_NOT_ALLOWED && body.contains("read-only");
            assert_eq!(is_refused, changes, "{method} {route}: {answer:?}");
        }
    }
    world.api.gate().switch(shared::auth::Mode::ReadWrite).await.unwrap();
    world.fill().await;
}
