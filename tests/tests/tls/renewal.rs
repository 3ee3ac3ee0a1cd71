//! A new certificate in the place of the old one, while the process runs.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use harness::server::ServeOptions;
use harness::tls::{Authority, PairFiles, TlsClient};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tempfile::TempDir;

use crate::Stage;

/// How long a change may take to be seen by itself: twice what it should.
const SOON: Duration = Duration::from_mins(1);

/// Why the old certificate is still in use.
const FAILED: &str = "the certificate cannot be renewed";

async fn is_trusted_by(client: &TlsClient, stage: &Stage) -> bool {
    client.get(stage.address(), "/v2/").await.is_ok_and(|answer| answer.status() == StatusCode::OK)
}

/// Waits for what happens soon.
async fn soon(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let waited = async {
        while !happened().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    assert!(tokio::time::timeout(SOON, waited).await.is_ok(), "{what} is not seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_brings_the_new_certificate_to_new_connections_only() {
    let stage = Stage::new();
    let (old, next) = (stage.authority.client(), Authority::new());
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(old.connect(stage.address()).await.unwrap())).await.unwrap();
    tokio::spawn(connection);
    next.issue().write(stage.files.certificate.parent().unwrap());
    assert!(is_trusted_by(&old, &stage).await, "nothing has happened yet");

    stage.server.signal("-HUP");
    soon("the new certificate", async || is_trusted_by(&next.client(), &stage).await).await;
    assert!(!is_trusted_by(&old, &stage).await, "new connections get the new one");
    let request = Request::get("/v2/").header("host", "registry").body(Empty::<Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.expect("the old connection goes on");
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "{}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_pair_leaves_the_old_one_in_use_and_no_key_in_the_log() {
    let stage = Stage::new();
    let (client, next) = (stage.authority.client(), Authority::new());
    let failures = || stage.log().matches(FAILED).count();
    // A certificate without its new key, which comes a moment later.
    let pair = next.issue();
    std::fs::write(&stage.files.certificate, &pair.certificate).unwrap();
    stage.server.signal("-HUP");
    soon("the mismatch", async || failures() == 1).await;
    assert!(stage.log().contains("is not the key of the first certificate"), "{}", stage.log());
    assert!(is_trusted_by(&client, &stage).await && !is_trusted_by(&next.client(), &stage).await);

    let on_one_line = pair.key.replace('\n', "\\n");
    std::fs::write(&stage.files.key, &on_one_line).unwrap();
    std::fs::remove_file(&stage.files.certificate).unwrap();
    stage.server.signal("-HUP");
    soon("what is wrong with either", async || failures() == 3).await;
    assert!(is_trusted_by(&client, &stage).await);

    pair.write(stage.files.certificate.parent().unwrap());
    stage.server.signal("-HUP");
    soon("the new pair", async || is_trusted_by(&next.client(), &stage).await).await;
    assert_eq!(failures(), 3, "{}", stage.log());
    let secret = pair.key.lines().nth(1).unwrap();
    assert!(!stage.log().contains(secret) && stage.log().contains("key.pem"), "{}", stage.log());
}

/// Points links at a pair, as certbot does: one after the other, and each at once.
fn point(links: &Path, files: &PairFiles) -> PairFiles {
    std::fs::create_dir_all(links).unwrap();
    let point = |name: &str, target: &Path| {
        let (link, next) = (links.join(name), links.join("next"));
        symlink(target, &next).unwrap();
        std::fs::rename(&next, &link).unwrap();
        link
    };
    PairFiles { certificate: point("fullchain.pem", &files.certificate), key: point("privkey.pem", &files.key) }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_lead_to_a_new_pair_are_seen_without_a_signal() {
    let (authority, next, data) = (Authority::new(), Authority::new(), TempDir::new().unwrap());
    let pairs = [&authority, &next].map(Authority::issue);
    let [first, second] = [("1", &pairs[0]), ("2", &pairs[1])].map(|(name, pair)| pair.write(&data.path().join(name)));
    let files = point(&data.path().join("live"), &first);
    let server = ServeOptions::embedded(data.path()).with(files.arguments()).start();
    let stage = Stage { authority, files, server, data };
    assert!(is_trusted_by(&stage.authority.client(), &stage).await);
    point(&stage.beside("live"), &second);
    soon("the new certificate", async || is_trusted_by(&next.client(), &stage).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_pair_is_logged_once_and_a_better_one_seen_without_a_signal() {
    let stage = Stage::new();
    let next = Authority::new();
    std::fs::write(&stage.files.key, "broken").unwrap();
    soon("the broken pair", async || stage.log().contains(FAILED)).await;
    // Long enough for another look.
    tokio::time::sleep(Duration::from_secs(35)).await;
    assert_eq!(stage.log().matches(FAILED).count(), 1, "{}", stage.log());
    assert!(is_trusted_by(&stage.authority.client(), &stage).await);
    next.issue().write(stage.files.certificate.parent().unwrap());
    soon("the better pair", async || is_trusted_by(&next.client(), &stage).await).await;
}
