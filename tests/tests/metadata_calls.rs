//! What an intent costs: the requests that each sends to the table. A batch, a transaction or a page counts as one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

mod table;

use shared::calls::Calls;
use shared::clock::Timestamp;
use shared::metadata::{
    Advance, BlobCommit, Claim, ClaimOutcome, Committed, DynamoDbStore, Generation, ManifestPut, ManifestRecord,
    MetadataStore, Place, PutOutcome, SessionClaim, UploadSession,
};
use shared::oci::{Algorithm, Digest, Digester, MediaType, RepositoryName, Tag, UploadId};
use shared::storage::{Checkpoint, Epoch, ObjectPath, Part, Progress, Version};
use table::Table;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(4_102_444_800_000 + seconds * 1000)
}

fn repository() -> RepositoryName {
    "team/app".parse().unwrap()
}

fn digest(content: &str) -> Digest {
    Digest::of(Algorithm::Sha256, content.as_bytes())
}

fn commit(digest: &Digest, session: Option<(UploadId, Claim)>) -> BlobCommit {
    let path = ObjectPath::staged(&UploadId::random());
    BlobCommit {
        repository: repository(),
        digest: digest.clone(),
        size: 1,
        place: Place { bucket: "one".parse().unwrap(), path, version: Version::new("1"), epoch: Epoch(1) },
        lease: at(3600),
        session,
        work: None,
        overwritten_goes: None,
        session_expires: at(7200),
        now: at(0),
    }
}

fn put(name: &str, blobs: &[Digest], tags: impl IntoIterator<Item = String>, now: Timestamp) -> ManifestPut {
    let manifest = ManifestRecord {
        digest: digest(name),
        media_type: MediaType::OCI_MANIFEST,
        size: 1,
        content: Some(name.as_bytes().to_vec()),
        subject: None,
        blobs: blobs.to_vec(),
        generation: Generation(0),
        pushed: now,
    };
    let tags = tags.into_iter().map(|tag| tag.parse::<Tag>().unwrap()).collect();
    ManifestPut {
        repository: repository(),
        manifest,
        children: Vec::new(),
        referrer: None,
        tags,
        may_move_tags: true,
        now,
    }
}

async fn blobs(store: &DynamoDbStore, count: usize) -> Vec<Digest> {
    let blobs: Vec<_> = (0..count).map(|number| digest(&format!("blob {number}"))).collect();
    for blob in &blobs {
        store.commit_blob(&commit(blob, None)).await.unwrap();
    }
    blobs
}

/// A store over a new table, and the count of its requests.
async fn counted() -> Option<(DynamoDbStore, Calls)> {
    let (table, calls) = (Table::fresh().await?, Calls::default());
    Some((table.connect(Some(calls.clone())), calls))
}

/// What was sent, as `Operation Operation×2`.
fn sent(calls: &Calls) -> String {
    let spell = |(operation, count): (&String, &u64)| match count {
        1 => operation.clone(),
        more => format!("{operation}×{more}"),
    };
    let sent: BTreeMap<String, u64> = calls.take();
    sent.iter().map(spell).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_pull_costs_one_request_for_each_thing_pulled() {
    let Some((store, calls)) = counted().await else { return };
    let blobs = blobs(&store, 1).await;
    store.put_manifest(&put("manifest", &blobs, ["1".to_owned()], at(0))).await.unwrap();
    drop(calls.take());
    assert!(store.linked_blob(&repository(), &blobs[0]).await.unwrap().is_some());
    assert_eq!(sent(&calls), "BatchGetItem");
    assert!(store.manifest(&repository(), &digest("manifest")).await.unwrap().is_some());
    assert_eq!(sent(&calls), "GetItem");
    assert!(store.tag(&repository(), &"1".parse().unwrap()).await.unwrap().is_some());
    assert_eq!(sent(&calls), "GetItem");
    assert!(store.tags(&repository(), None, 100).await.unwrap().is_some());
    assert_eq!(sent(&calls), "Query");
}

#[tokio::test]
async fn an_upload_costs_a_request_for_each_step() {
    let Some((store, calls)) = counted().await else { return };
    let session = UploadSession {
        id: UploadId::random(),
        repository: repository(),
        bucket: "one".parse().unwrap(),
        algorithm: Algorithm::Sha256,
        offset: 0,
        hash: None,
        checkpoint: None,
        parts: 0,
        direct: None,
        completed: None,
        started: at(0),
        expires: at(86400),
    };
    drop(calls.take());
    store.create_session(&session).await.unwrap();
    assert_eq!(sent(&calls), "PutItem");
    store.session(&repository(), &session.id).await.unwrap().unwrap();
    assert_eq!(sent(&calls), "GetItem");

    let claim = |name: &Claim| SessionClaim {
        repository: repository(),
        id: session.id.clone(),
        claim: name.clone(),
        offset: None,
        now: at(0),
        until: at(60),
    };
    let [first, second, late] = [(); 3].map(|()| Claim::random());
    assert!(matches!(store.claim_session(&claim(&first)).await.unwrap(), ClaimOutcome::Claimed(..)));
    assert_eq!(sent(&calls), "UpdateItem");
    assert_eq!(store.claim_session(&claim(&late)).await.unwrap(), ClaimOutcome::Conflict { offset: 0 });
    assert_eq!(sent(&calls), "UpdateItem");
    let part = |number| Part { number, size: 5 << 20, etag: number.to_string(), checksum: None };
    let advance = Advance {
        id: session.id.clone(),
        claim: first,
        hash: Digester::new(Algorithm::Sha256).state(),
        progress: Progress {
            checkpoint: Checkpoint { offset: 10, parts: 20, upload: None, tail: None },
            parts: (1..=20).map(part).collect(),
        },
        expires: at(90000),
    };
    assert!(store.advance_session(&advance).await.unwrap());
    assert_eq!(sent(&calls), "TransactWriteItems");
    let ClaimOutcome::Claimed(claimed) = store.claim_session(&claim(&second)).await.unwrap() else { panic!() };
    assert_eq!(sent(&calls), "UpdateItem");
    assert_eq!(store.parts(&claimed).await.unwrap().len(), 20);
    assert_eq!(sent(&calls), "Query");

    let commit = commit(&digest("blob"), Some((session.id.clone(), second)));
    assert!(matches!(store.commit_blob(&commit).await.unwrap(), Committed::Published(_)));
    assert_eq!(sent(&calls), "TransactWriteItems");
    assert_eq!(store.claim_session(&claim(&late)).await.unwrap(), ClaimOutcome::Completed(digest("blob")));
    assert_eq!(sent(&calls), "UpdateItem");
}

#[tokio::test]
async fn a_commit_of_known_content_costs_a_second_transaction() {
    let Some((store, calls)) = counted().await else { return };
    let blobs = blobs(&store, 1).await;
    drop(calls.take());
    assert!(matches!(store.commit_blob(&commit(&blobs[0], None)).await.unwrap(), Committed::Kept(_)));
    assert_eq!(sent(&calls), "TransactWriteItems×2");
    let other = "team/other".parse().unwrap();
    assert!(store.mount_blob(&repository(), &other, &blobs[0], at(3600)).await.unwrap().is_some());
    assert_eq!(sent(&calls), "BatchGetItem TransactWriteItems");
    assert!(store.renew_link(&repository(), &blobs[0], at(9999)).await.unwrap().is_some());
    assert_eq!(sent(&calls), "TransactGetItems UpdateItem");
}

#[tokio::test]
async fn a_manifest_of_ten_layers_costs_four_requests_and_its_successor_five() {
    let Some((store, calls)) = counted().await else { return };
    let blobs = blobs(&store, 11).await;
    drop(calls.take());
    let put = |now| put("manifest", &blobs, ["1".to_owned()], now);
    assert_eq!(store.put_manifest(&put(at(0))).await.unwrap(), PutOutcome::Published);
    assert_eq!(sent(&calls), "BatchGetItem×2 BatchWriteItem TransactWriteItems");
    assert_eq!(store.put_manifest(&put(at(1))).await.unwrap(), PutOutcome::Published);
    assert_eq!(sent(&calls), "BatchGetItem×2 BatchWriteItem×2 TransactWriteItems");
}

#[tokio::test]
async fn deleting_a_manifest_with_sixty_tags_costs_four_requests() {
    let Some((store, calls)) = counted().await else { return };
    let blobs = blobs(&store, 11).await;
    for round in 0..3 {
        let tags = (0..20).map(|number| format!("t{round}-{number}"));
        store.put_manifest(&put("manifest", &blobs, tags, at(round))).await.unwrap();
    }
    drop(calls.take());
    let went = store.delete_manifest(&repository(), &digest("manifest")).await.unwrap();
    assert_eq!(went.map(|tags| tags.len()), Some(60));
    assert_eq!(sent(&calls), "BatchWriteItem Query TransactWriteItems×2");
}
