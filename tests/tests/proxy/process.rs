//! The process: its spool, its end, its beginning.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use harness::content::{digest, noise};
use harness::proxy::ProxyOptions;
use http::Method;

use crate::{MIB, Stage};

fn refused(options: &ProxyOptions) -> String {
    let output = options.command().output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_was_killed_leaves_nothing_for_the_next_one_but_what_is_not_its_own() {
    let mut stage = Stage::new();
    let client = stage.client();
    let begun = client.post("/v2/a/blobs/uploads/").await;
    client.call(Method::PATCH, begun.header("location")).body(noise(1, MIB)).send().await;
    let left = stage.options.spooled();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(stage.options.spool().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    stage.proxy.kill();
    let notes = stage.options.spool().join("notes.part");
    std::fs::write(&notes, "mine").unwrap();
    assert_eq!(stage.options.spooled().len(), 2);

    stage.proxy = stage.options.start();
    assert_eq!(stage.options.spooled(), [notes]);
    let gone = stage.client().get(begun.header("location")).await;
    gone.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_proxies_do_not_share_a_spool() {
    let stage = Stage::new();
    assert!(refused(&stage.options).contains("another proxy"));
    assert!(refused(&stage.options.clone().with(["--spool-quota", "much"])).contains("--spool-quota"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_flight_is_finished_when_the_proxy_is_told_to_stop() {
    let mut stage = Stage::new();
    let client = stage.client();
    let layer = noise(2, 4 * MIB);
    let begun = client.post("/v2/a/blobs/uploads/").await;
    let target = format!("{}?digest={}", begun.header("location"), digest(&layer));
    let (slow, rest) = (client.clone(), layer.clone());
    let put = tokio::spawn(async move {
        let pieces = rest.chunks(64 * 1024).map(Bytes::copy_from_slice).collect::<Vec<_>>();
        slow.call(Method::PUT, target).stream(pieces).send().await
    });
    let begun = |path: &PathBuf| path.metadata().map_or(true, |file| file.len() > 0);
    while !stage.options.spooled().iter().all(begun) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let process = stage.proxy.process().to_string();
    assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
    assert_eq!(put.await.unwrap().status, 201);
    stage.proxy.wait();
    assert_eq!(stage.upstream().get(format!("/v2/a/blobs/{}", digest(&layer))).await.body, layer);
    assert!(stage.options.spooled().is_empty());
}
