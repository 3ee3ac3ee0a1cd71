//! Two teams in one registry: what one of them has, the other can neither read nor learn of, however it asks. Every attempt
//! leaves a trace in the audit.

use std::time::Duration;

use bytes::Bytes;
use harness::accounts::{PASSWORD, add_user, basic, grant};
use harness::client::{Answer, Client};
use harness::content::{IMAGE, digest, image, noise};
use harness::memory;
use harness::stack::Stack;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use shared::auth::{Act, ActsWanted, GateSettings, Role};
use shared::clock::Timestamp;
use shared::config::Aws;
use shared::http::{Api, Settings};
use shared::oci::Digest;
use shared::registry::{Registry, Terms};

/// What Alice has, in a repository of hers.
struct Tenants {
    client: Client,
    api: Api,
    blob: Bytes,
    manifest: Bytes,
}

impl Tenants {
    async fn new() -> Self {
        let settings = Settings { gate: GateSettings::default(), ..Settings::default() };
        Self::of(memory::api_and_facts(Terms::default(), settings).await.0).await
    }

    /// The same over buckets whose URLs live so long.
    async fn redirected(stack: &Stack, url_life: Duration) -> Self {
        let aws = Aws { settings: Some(stack.emulator().sdk_config()), ..Aws::default() };
        let (storage, metadata) = stack.stores().open(&aws).await.expect("the stores can be opened");
        let settings = Settings { redirect_above: Some(1000), url_life, ..Settings::default() };
        Self::of(Api::new(Registry::new(storage, metadata, Terms::default()), settings)).await
    }

    /// Where Alice is sent for it.
    async fn url_of(&self, blob: &Digest) -> String {
        let redirect = self.ask("alice", Method::GET, format!("/v2/team-a/app/blobs/{blob}"), Bytes::new()).await;
        assert_eq!(redirect.status, StatusCode::TEMPORARY_REDIRECT);
        redirect.header("location").to_owned()
    }

    /// The same of any registry.
    async fn of(api: Api) -> Self {
        for (user, team) in [("alice", "team-a/**"), ("bob", "team-b/**")] {
            add_user(api.gate().accounts(), user, vec![grant(team, Role::Admin)]).await;
        }
        let blob = noise(7, 2000);
        let manifest = image(&noise(8, 100), std::slice::from_ref(&blob));
        let tenants = Self { client: Client::of(api.clone()), api, blob, manifest };
        for bytes in [&tenants.blob, &noise(8, 100)] {
            let target = format!("/v2/team-a/app/blobs/uploads/?digest={}", digest(bytes));
            let pushed = tenants.ask("alice", Method::POST, target, bytes.clone()).await;
            assert_eq!(pushed.status, StatusCode::CREATED);
        }
        let pushed = tenants.ask("alice", Method::PUT, "/v2/team-a/app/manifests/1", tenants.manifest.clone()).await;
        assert_eq!(pushed.status, StatusCode::CREATED, "{pushed:?}");
        tenants
    }

    async fn ask(&self, user: &str, method: Method, target: impl Into<String>, body: Bytes) -> Answer {
        let call = self.client.call(method, target).header("authorization", basic(user, PASSWORD));
        call.header("content-type", IMAGE).body(body).send().await
    }

    async fn bob(&self, method: Method, target: impl Into<String>) -> Answer {
        self.ask("bob", method, target, Bytes::new()).await
    }

    /// What the audit has of Bob's refusals.
    async fn refusals(&self) -> Vec<Act> {
        let now = Timestamp::now();
        let wanted = ActsWanted {
            from: now.minus(Duration::from_mins(5)),
            until: now.plus(Duration::from_mins(5)),
            who: Some("user:bob".to_owned()),
            refused: true,
            limit: 100,
            ..ActsWanted::default()
        };
        self.api.gate().acts(&wanted).await.unwrap().0.into_iter().map(|kept| kept.act).collect()
    }

    async fn assert_refused(&self, action: &str) {
        let refusals = self.refusals().await;
        let last = refusals.first().expect("a refusal is in the audit");
        assert_eq!((last.action.as_str(), last.object.as_deref()), (action, Some("team-a/app")), "{last:?}");
        assert!(!last.allowed);
    }
}

/// Whether two answers tell the same to whoever has them.
fn is_alike(one: &Answer, other: &Answer) -> bool {
    let body = |answer: &Answer| {
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if let Some(error) = body.pointer_mut("/errors/0").and_then(Value::as_object_mut) {
            error.remove("detail");
        }
        body
    };
    one.status == other.status && body(one) == body(other)
}

#[tokio::test]
async fn a_private_repository_cannot_be_read_by_any_path() {
    let tenants = Tenants::new().await;
    let (blob, manifest) = (digest(&tenants.blob), digest(&tenants.manifest));
    let absent = digest(&noise(99, 10));
    for (method, path) in [
        (Method::GET, format!("blobs/{blob}")),
        (Method::HEAD, format!("blobs/{blob}")),
        (Method::GET, "manifests/1".to_owned()),
        (Method::HEAD, format!("manifests/{manifest}")),
        (Method::GET, "tags/list".to_owned()),
        (Method::GET, format!("referrers/{manifest}")),
    ] {
        let answer = tenants.bob(method.clone(), format!("/v2/team-a/app/{path}")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
        tenants.assert_refused("pull").await;
        let nowhere = tenants.bob(method.clone(), format!("/v2/team-a/app/blobs/{absent}")).await;
        assert_eq!(answer.status, nowhere.status, "{method} {path} tells whether there is something");
    }
}

#[tokio::test]
async fn ones_own_repository_does_not_lead_to_anothers_blob() {
    let tenants = Tenants::new().await;
    let (blob, absent) = (digest(&tenants.blob), digest(&noise(99, 2000)));
    for method in [Method::GET, Method::HEAD] {
        let of = async |digest| tenants.bob(method.clone(), format!("/v2/team-b/app/blobs/{digest}")).await;
        let (there, nowhere) = (of(blob.clone()).await, of(absent.clone()).await);
        assert_eq!(there.status, StatusCode::NOT_FOUND);
        assert!(is_alike(&there, &nowhere), "{there:?} {nowhere:?}");
    }
    let of = async |digest| tenants.bob(Method::GET, format!("/v2/team-b/app/referrers/{digest}")).await;
    let (there, nowhere) = (of(digest(&tenants.manifest)).await, of(absent).await);
    assert!(is_alike(&there, &nowhere));
}

#[tokio::test]
async fn a_mount_needs_pull_on_the_source_and_tells_nothing_without() {
    let tenants = Tenants::new().await;
    let (blob, absent) = (digest(&tenants.blob), digest(&noise(99, 2000)));
    for from in ["&from=team-a/app", ""] {
        let of = async |digest| {
            tenants.bob(Method::POST, format!("/v2/team-b/app/blobs/uploads/?mount={digest}{from}")).await
        };
        let (there, nowhere) = (of(blob.clone()).await, of(absent.clone()).await);
        assert_eq!((there.status, nowhere.status), (StatusCode::ACCEPTED, StatusCode::ACCEPTED), "{from}");
        let names =
            |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(names(&there), names(&nowhere), "{from}");
        if !from.is_empty() {
            tenants.assert_refused("pull").await;
        }
    }
    let read = tenants.bob(Method::GET, format!("/v2/team-b/app/blobs/{blob}")).await;
    assert_eq!(read.status, StatusCode::NOT_FOUND);
    let own = tenants.ask("alice", Method::POST, format!("/v2/team-a/other/blobs/uploads/?mount={blob}"), Bytes::new());
    assert_eq!(own.await.status, StatusCode::CREATED, "she may mount what is hers");
}

#[tokio::test]
async fn knowing_a_digest_is_not_having_its_bytes() {
    let tenants = Tenants::new().await;
    let (blob, absent) = (digest(&tenants.blob), digest(&noise(99, 2000)));
    let whole = async |digest, bytes: Bytes| {
        tenants.ask("bob", Method::POST, format!("/v2/team-b/app/blobs/uploads/?digest={digest}"), bytes).await
    };
    for bytes in [Bytes::new(), noise(98, 2000)] {
        let (there, nowhere) = (whole(blob.clone(), bytes.clone()).await, whole(absent.clone(), bytes).await);
        assert_eq!(there.status, StatusCode::BAD_REQUEST);
        assert_eq!(there.status, nowhere.status);
    }
    let begun = tenants.bob(Method::POST, "/v2/team-b/app/blobs/uploads/").await;
    let location = begun.headers["location"].to_str().unwrap().to_owned();
    let ended = tenants.bob(Method::PUT, format!("{location}?digest={blob}")).await;
    assert_eq!(ended.status, StatusCode::BAD_REQUEST);
    let named = image(&noise(8, 100), std::slice::from_ref(&tenants.blob));
    let put = tenants.ask("bob", Method::PUT, "/v2/team-b/app/manifests/1", named).await;
    assert_eq!(put.status, StatusCode::BAD_REQUEST, "a manifest of another's layers is none of one's own");
    let read = tenants.bob(Method::GET, format!("/v2/team-b/app/blobs/{blob}")).await;
    assert_eq!(read.status, StatusCode::NOT_FOUND);
    let direct = async |digest| {
        let target = format!("/v2/team-b/app/_ringhold/uploads/direct?digest={digest}&size=2000");
        tenants.bob(Method::POST, target).await
    };
    let (there, nowhere) = (direct(blob.clone()).await, direct(absent).await);
    assert_eq!(there.status, nowhere.status, "{there:?} {nowhere:?}");
    assert_ne!(there.status, StatusCode::CREATED, "{there:?}");
}

#[tokio::test]
async fn anothers_upload_is_neither_seen_nor_changed() {
    let tenants = Tenants::new().await;
    let begun = tenants.ask("alice", Method::POST, "/v2/team-a/app/blobs/uploads/", Bytes::new()).await;
    let location = begun.headers["location"].to_str().unwrap().to_owned();
    for method in [Method::GET, Method::PATCH, Method::PUT, Method::DELETE] {
        let answer = tenants.ask("bob", method.clone(), location.as_str(), noise(3, 10)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method}");
        tenants.assert_refused("push").await;
        let elsewhere = location.replace("team-a/app", "team-b/app");
        let answer =
            tenants.ask("bob", method.clone(), format!("{elsewhere}?digest={}", digest(b"")), noise(3, 10)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method}");
    }
    let blob = noise(4, 3000);
    let put = tenants.ask("alice", Method::PUT, format!("{location}?digest={}", digest(&blob)), blob).await;
    assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
}

#[tokio::test]
async fn a_list_of_repositories_names_ones_own_only() {
    let tenants = Tenants::new().await;
    let config = noise(5, 50);
    let target = format!("/v2/team-b/app/blobs/uploads/?digest={}", digest(&config));
    tenants.ask("bob", Method::POST, target, config.clone()).await;
    tenants.ask("bob", Method::PUT, "/v2/team-b/app/manifests/1", image(&config, &[])).await;
    for (user, name) in [("alice", "team-a/app"), ("bob", "team-b/app")] {
        for n in ["", "?n=1"] {
            let list = tenants.ask(user, Method::GET, format!("/v2/_catalog{n}"), Bytes::new()).await;
            let list: Value = serde_json::from_slice(&list.body).unwrap();
            assert_eq!(list, json!({ "repositories": [name] }), "{user}");
        }
    }
}

#[tokio::test]
async fn a_url_opens_one_private_blob_to_whoever_has_it() {
    let Some(stack) = Stack::fresh().await else { return };
    let tenants = Tenants::redirected(&stack, Duration::from_mins(5)).await;
    let (blob, other) = (digest(&tenants.blob), digest(&noise(99, 2000)));
    let refused = tenants.bob(Method::GET, format!("/v2/team-a/app/blobs/{blob}")).await;
    assert_eq!((refused.status, refused.header("location")), (StatusCode::FORBIDDEN, ""));

    let url = tenants.url_of(&blob).await;
    let bucket = Client::new(stack.emulator().address());
    let opened = bucket.get(url.as_str()).await;
    assert!(opened.status == StatusCode::OK && opened.body == tenants.blob, "{}", opened.status);
    assert_eq!(bucket.get(url.replace(blob.hex(), other.hex())).await.status, StatusCode::FORBIDDEN);
    assert_eq!(bucket.delete(url.as_str()).await.status, StatusCode::FORBIDDEN);
    let longer = url.replace("X-Amz-Expires=300", "X-Amz-Expires=3000");
    assert!(longer != url && bucket.get(longer).await.status == StatusCode::FORBIDDEN);
    assert_eq!(bucket.get(url.as_str()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_url_opens_nothing_any_more_after_its_life() {
    let Some(stack) = Stack::fresh().await else { return };
    let tenants = Tenants::redirected(&stack, Duration::from_secs(1)).await;
    let url = tenants.url_of(&digest(&tenants.blob)).await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let refused = Client::new(stack.emulator().address()).get(url.as_str()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
}
