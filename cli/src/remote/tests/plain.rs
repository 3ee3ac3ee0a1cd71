//! Uploads by the specification's own means.

use super::fake::{Answer, Asked, Fake, answer};
use super::*;
use crate::remote::Uploaded;

const SESSION: &str = "/v2/team/app/blobs/uploads/u?state=a%2Fb";

/// What a registry without direct uploads says to requests that are the same in each test.
fn usual(asked: &Asked) -> Option<Answer> {
    if asked.line.contains("/_ringhold/") {
        return Some(answer(404, &[], ""));
    }
    asked.line.starts_with("HEAD").then(|| answer(404, &[], ""))
}

async fn upload(fake: &Fake) -> Uploaded {
    let directory = tempfile::tempdir().unwrap();
    remote(fake).upload(&name(), &blob(directory.path()), silent()).await.unwrap()
}

#[tokio::test]
async fn a_blob_goes_whole_to_a_location_that_is_kept_as_it_is() {
    let fake = Fake::start(|asked, _| {
        usual(asked).unwrap_or_else(|| match asked.line.split(' ').next() {
            Some("POST") => answer(202, &[("location", SESSION)], ""),
            _ => answer(201, &[], ""),
        })
    });
    let fake = fake.await;
    assert_eq!(upload(&fake).await, Uploaded::Sent);
    let put = fake.asked().pop().unwrap();
    assert_eq!(put.line, format!("PUT {SESSION}&digest=sha256%3A{}", digest().hex()));
    assert_eq!((&put.body[..], put.header("content-length")), (CONTENT, "36"));
}

#[tokio::test]
async fn an_upload_that_failed_is_begun_again_and_one_whose_answer_was_lost_is_not() {
    let fake = Fake::start(|asked, before| {
        usual(asked).unwrap_or_else(|| match (asked.line.split(' ').next(), before) {
            (Some("POST"), _) => answer(202, &[("location", SESSION)], ""),
            (_, 2) => answer(502, &[], ""),
            _ => answer(201, &[], ""),
        })
    });
    let fake = fake.await;
    assert_eq!(upload(&fake).await, Uploaded::Sent);
    assert_eq!(fake.lines().iter().filter(|line| line.starts_with("PUT")).count(), 2);

    let fake = Fake::start(|asked, before| match (asked.line.split(' ').next(), before) {
        (_, 0) => answer(404, &[], ""),
        (Some("POST"), _) => answer(202, &[("location", SESSION)], ""),
        (Some("HEAD"), _) => answer(200, &[], ""),
        _ => answer(404, &[], ""),
    });
    let fake = fake.await;
    assert_eq!(upload(&fake).await, Uploaded::Sent);
    assert_eq!(fake.lines().iter().filter(|line| line.starts_with("PUT")).count(), 1);
}

#[tokio::test]
async fn chunks_have_the_size_that_the_registry_wants_and_go_on_where_it_is() {
    let fake = Fake::start(|asked, before| {
        usual(asked).unwrap_or_else(|| match (asked.line.split(' ').next(), asked.header("content-range")) {
            (Some("POST"), _) => answer(202, &[("location", SESSION), ("oci-chunk-max-length", "16")], ""),
            // Of the second chunk half has come, when the gateway gives up.
            (Some("PATCH"), "16-31") if before < 5 => answer(504, &[], ""),
            (Some("GET"), _) => answer(204, &[("location", SESSION), ("range", "0-23")], ""),
            (Some("PATCH"), range) => {
                answer(202, &[("location", SESSION), ("range", &format!("0-{}", range.split('-').nth(1).unwrap()))], "")
            }
            _ => answer(201, &[], ""),
        })
    });
    let fake = fake.await;
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let telling = std::sync::Arc::clone(&told);
    let directory = tempfile::tempdir().unwrap();
    let progress = Progress::new(move |sent| telling.lock().unwrap().push(sent));
    remote(&fake).upload(&name(), &blob(directory.path()), progress).await.unwrap();
    let patches: Vec<_> = fake.asked().into_iter().filter(|asked| asked.line.starts_with("PATCH")).collect();
    let ranges: Vec<_> = patches.iter().map(|patch| patch.header("content-range")).collect();
    assert_eq!(ranges, ["0-15", "16-31", "24-35"]);
    assert_eq!(patches[2].body, part(24, 36));
    assert_eq!(told.lock().unwrap().last(), Some(&36));
    assert_eq!(fake.asked().pop().unwrap().body, "");
}

#[tokio::test]
async fn that_a_registry_has_no_direct_uploads_is_remembered() {
    let fake = Fake::start(|asked, _| {
        usual(asked).unwrap_or_else(|| match asked.line.split(' ').next() {
            Some("POST") => answer(202, &[("location", SESSION)], ""),
            _ => answer(201, &[], ""),
        })
    });
    let fake = fake.await;
    let directory = tempfile::tempdir().unwrap();
    let (remote, blob) = (remote(&fake), blob(directory.path()));
    for remote in [remote.clone(), remote.with_credentials(anonymous())] {
        // As a task of its own, as servers run it.
        let blob = blob.clone();
        let upload = async move { remote.upload(&name(), &blob, silent()).await };
        assert_eq!(tokio::spawn(upload).await.unwrap().unwrap(), Uploaded::Sent);
    }
    assert_eq!(fake.lines().iter().filter(|line| line.contains("/_ringhold/")).count(), 1);
}
