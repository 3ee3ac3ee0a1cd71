//! Tokens, passwords, redirects and retries.

use std::sync::Mutex;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, StatusCode};
use shared::oci::{MediaType, Reference};

use super::fake::{Answer, Asked, Fake, answer};
use super::*;
use crate::remote::Welcome;

/// A registry that wants tokens, numbered; only the newest is good, and it gives out one per question.
fn with_tokens(asked: &Asked, newest: &Mutex<u32>, realm: &str) -> Answer {
    let mut newest = newest.lock().unwrap();
    if asked.line.contains(" /token") {
        *newest += 1;
        return answer(200, &[], format!(r#"{{"token":"t{newest}","expires_in":300}}"#));
    }
    if asked.header("authorization") == format!("Bearer t{newest}") && *newest > 0 {
        return answer(200, &[], "");
    }
    let challenge = format!(r#"Bearer realm="{realm}",service="r",scope="repository:team/app:pull""#);
    answer(401, &[("www-authenticate", &challenge)], "")
}

async fn registry_with_tokens() -> (Fake, std::sync::Arc<Mutex<u32>>) {
    let newest = std::sync::Arc::new(Mutex::new(0));
    let shared = std::sync::Arc::clone(&newest);
    let fake = Fake::start(move |asked, _| {
        let realm = format!("http://{}/token", asked.header("host"));
        with_tokens(asked, &shared, &realm)
    });
    (fake.await, newest)
}

fn kept(directory: &Path, fake: &Fake, entry: &str) -> Credentials {
    let host = format!("127.0.0.1:{}", fake.url().port().unwrap());
    std::fs::write(directory.join("config.json"), format!(r#"{{"auths":{{"{host}":{entry}}}}}"#)).unwrap();
    Credentials::Docker(DockerConfig::new(Some(directory)))
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_again_when_it_is_refused() {
    let (fake, newest) = registry_with_tokens().await;
    let directory = tempfile::tempdir().unwrap();
    let credentials = kept(directory.path(), &fake, r#"{"auth":"YTpi"}"#);
    let remote = Remote::new(fake.url(), credentials).unwrap();
    let has = || async { remote.has_blob(&name(), &digest()).await.unwrap() };
    assert!(has().await && has().await);
    // Somebody else was given a newer one.
    *newest.lock().unwrap() += 1;
    assert!(has().await);
    let head = format!("HEAD /v2/team/app/blobs/{}", digest());
    let token = "GET /token?service=r&scope=repository%3Ateam%2Fapp%3Apull&account=a";
    assert_eq!(fake.lines(), [&head, token, &head, &head, &head, token, &head]);
    let basic = format!("Basic {}", BASE64_STANDARD.encode("a:b"));
    assert_eq!(fake.asked()[1].header("authorization"), basic);
}

#[tokio::test]
async fn an_identity_token_is_exchanged_by_a_form() {
    let (fake, _) = registry_with_tokens().await;
    let directory = tempfile::tempdir().unwrap();
    let credentials = kept(directory.path(), &fake, r#"{"identitytoken":"i"}"#);
    assert!(Remote::new(fake.url(), credentials).unwrap().has_blob(&name(), &digest()).await.unwrap());
    let exchange = fake.asked()[1].clone();
    assert_eq!(exchange.line, "POST /token");
    let form =
        "grant_type=refresh_token&refresh_token=i&client_id=ringhold&service=r&scope=repository%3Ateam%2Fapp%3Apull";
    assert_eq!(exchange.body, form);
}

#[tokio::test]
async fn whoever_signs_in_is_told_how_they_were_received() {
    let (fake, _) = registry_with_tokens().await;
    let signing_in = |fake: &Fake, user: &str| {
        let remote = remote(fake).with_credentials(Credentials::password(user, "secret"));
        async move { remote.sign_in().await }
    };
    assert_eq!(signing_in(&fake, "alice").await.unwrap(), Welcome::Known);
    assert_eq!(fake.lines(), ["GET /v2/", "GET /token?service=r&account=alice", "GET /v2/"]);
    let basic = format!("Basic {}", BASE64_STANDARD.encode("alice:secret"));
    assert_eq!(fake.asked()[1].header("authorization"), basic);
    let good = basic.clone();
    let by_password = Fake::start(move |asked, _| {
        if asked.header("authorization") == good {
            answer(200, &[], "{}")
        } else {
            answer(401, &[("www-authenticate", r#"Basic realm="r""#)], "")
        }
    });
    let by_password = by_password.await;
    assert_eq!(signing_in(&by_password, "alice").await.unwrap(), Welcome::Known);
    let refused = signing_in(&by_password, "bob").await.unwrap_err();
    assert_eq!(refused.status(), Some(StatusCode::UNAUTHORIZED));
    let open = Fake::start(|_, _| answer(200, &[], "{}")).await;
    assert_eq!(signing_in(&open, "alice").await.unwrap(), Welcome::Anybody);
    assert_eq!(open.asked()[0].header("authorization"), "", "nobody is told a password who has not asked");
}

#[tokio::test]
async fn a_fixed_header_goes_with_each_request_and_is_not_replaced() {
    let fake = Fake::start(|_, _| answer(401, &[("www-authenticate", "Basic")], "")).await;
    let mut header = HeaderValue::from_static("Bearer hush");
    header.set_sensitive(true);
    let remote = remote(&fake).with_credentials(Credentials::Fixed(Some(header)));
    let error = remote.has_blob(&name(), &digest()).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(fake.asked().len(), 1);
    assert_eq!(fake.asked()[0].header("authorization"), "Bearer hush");
    assert!(!format!("{remote:?} {error:?} {error}").contains("hush"));
}

#[tokio::test]
async fn a_password_is_sent_where_it_is_wanted_and_to_no_other_host() {
    let bucket = Fake::start(|_, _| answer(200, &[], "{}")).await;
    let target = bucket.url().join("elsewhere?X-Signature=hush").unwrap();
    let registry = Fake::start(move |asked, _| match asked.header("authorization") {
        "" => answer(401, &[("www-authenticate", r#"Basic realm="r""#)], ""),
        _ => answer(307, &[("location", target.as_str())], ""),
    });
    let registry = registry.await;
    let directory = tempfile::tempdir().unwrap();
    let remote = Remote::new(registry.url(), kept(directory.path(), &registry, r#"{"auth":"YTpi"}"#)).unwrap();
    let reference: Reference = "1".parse().unwrap();
    assert_eq!(remote.manifest(&name(), &reference).await.unwrap().bytes, b"{}");
    assert_eq!(registry.asked()[1].header("authorization"), "Basic YTpi");
    assert_eq!(bucket.asked()[0].header("authorization"), "");
    // What goes wrong there is told without the URL.
    let wrong = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8b".parse().unwrap();
    let error = remote.manifest(&name(), &Reference::Digest(wrong)).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hush"), "{error:?}");
}

#[tokio::test]
async fn a_registry_that_asks_to_wait_is_asked_again() {
    let fake = Fake::start(|_, before| match before {
        0 => answer(429, &[("retry-after", "0")], ""),
        1 => answer(503, &[("retry-after", "0")], ""),
        _ => answer(201, &[], ""),
    });
    let fake = fake.await;
    let reference = "1".parse().unwrap();
    remote(&fake).put_manifest(&name(), &reference, &MediaType::OCI_MANIFEST, b"{}".to_vec()).await.unwrap();
    assert_eq!(fake.lines(), ["PUT /v2/team/app/manifests/1"; 3]);
    assert!(fake.asked().iter().all(|asked| asked.body == "{}"));
}

#[tokio::test]
async fn a_mount_that_is_not_done_leaves_no_upload() {
    let fake = Fake::start(|asked, _| match asked.line.split(' ').next() {
        Some("POST") => answer(202, &[("location", "/v2/team/app/blobs/uploads/u")], ""),
        _ => answer(204, &[], ""),
    });
    let fake = fake.await;
    assert!(!remote(&fake).mount(&name(), &digest(), &"other".parse().unwrap()).await.unwrap());
    let mount = format!("POST /v2/team/app/blobs/uploads/?mount=sha256%3A{}&from=other", digest().hex());
    assert_eq!(fake.lines(), [mount.as_str(), "DELETE /v2/team/app/blobs/uploads/u"]);
}
