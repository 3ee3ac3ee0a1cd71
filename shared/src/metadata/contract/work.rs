//! Work that nobody waits for, and the sessions that it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::subject::{Subject, at, claim, commit, digest, home, much_later, repository, staged};
use crate::metadata::keys;
use crate::metadata::{
    BlobCommit, BlobRecord, ClaimOutcome, Committed, Direct, DirectAdvance, DirectState, DirectUpload, Place,
    Rehousing, Task, UploadSession, Verification, Work,
};
use crate::oci::{Digest, UploadId};

fn settle(digest: &Digest, place: &Place) -> Work {
    let upload = place.path.upload().unwrap();
    Work::new(upload, Task::Settle { digest: digest.clone(), place: place.clone() }, at(0))
}

fn discard(place: &Place) -> Work {
    Work::new(place.path.upload().unwrap(), Task::Discard { place: place.clone() }, at(0)).at(at(100))
}

/// A commit of staged bytes with the work that they make.
fn to_settle(name: &str) -> (BlobCommit, Work) {
    let commit = commit(&repository("a"), &digest(name));
    let work = settle(&commit.digest, &commit.place);
    (BlobCommit { work: Some(work.clone()), ..commit }, work)
}

async fn published(subject: &Subject, commit: &BlobCommit) -> BlobRecord {
    match subject.store.commit_blob(commit).await.unwrap() {
        Committed::Published(blob) => blob,
        outcome => panic!("{outcome:?}"),
    }
}

fn settlement(held: &Work, blob: &BlobRecord) -> Rehousing {
    Rehousing {
        found: blob.clone(),
        places: vec![home(&blob.digest, "2")],
        held: Some((held.clone(), Some(discard(&blob.place)))),
        works: Vec::new(),
    }
}

pub async fn work_reads_back_as_it_was_put(subject: &Subject) {
    let place = staged();
    let verification = Verification { place: place.clone(), offset: 7, hash: None };
    let upload = place.path.upload().unwrap();
    for task in [Task::Settle { digest: digest("blob"), place }, Task::Verify(verification)] {
        let work = Work { attempts: 3, ..Work::new(upload.clone(), task, at(5)) };
        subject.store.put_work(&work).await.unwrap();
        assert_eq!(subject.other.work_of(&upload).await.unwrap(), Some(work));
    }
    assert_eq!(subject.store.work_of(&UploadId::random()).await.unwrap(), None);
}

pub async fn work_is_found_when_it_is_due_and_not_before(subject: &Subject) {
    let mut all = Vec::new();
    for seconds in 0..20 {
        let place = staged();
        let work = settle(&digest("blob"), &place).at(at(seconds));
        subject.store.put_work(&work).await.unwrap();
        all.push(work);
    }
    let due = async |seconds, limit| {
        let mut due = subject.other.due_work(at(seconds), limit).await.unwrap();
        due.sort_by_key(|work| work.due);
        due
    };
    assert_eq!(due(9, 100).await, all[..10]);
    assert_eq!(due(99, 100).await, all);
    assert_eq!(due(99, 7).await.len(), 7);
}

pub async fn a_full_shard_of_work_leaves_the_others_their_turn(subject: &Subject) {
    let mut works = BTreeMap::<u32, Vec<Work>>::new();
    while works.len() < 2 || works.values().all(|works| works.len() < 20) {
        let work = settle(&digest("blob"), &staged());
        let shard = works.entry(work.upload.point() % keys::WORK_SHARDS).or_default();
        shard.push(work);
    }
    let full = works.iter().max_by_key(|(_, works)| works.len()).map(|(shard, _)| *shard);
    let mut put = 0;
    // One is full, and the others have one each.
    for (shard, works) in &works {
        for work in works.iter().take(if Some(*shard) == full { usize::MAX } else { 1 }) {
            subject.store.put_work(work).await.unwrap();
            put += 1;
        }
    }
    let limit = works.len() + 2;
    let due = subject.other.due_work(at(0), limit).await.unwrap();
    let shards: BTreeSet<_> = due.iter().map(|work| work.upload.point() % keys::WORK_SHARDS).collect();
    assert_eq!((due.len(), shards.len()), (limit, works.len()), "of {put}");
}

pub async fn work_is_taken_once(subject: &Subject) {
    for _ in 0..subject.rounds {
        let work = settle(&digest("blob"), &staged());
        subject.store.put_work(&work).await.unwrap();
        let [one, two] = [60, 61].map(|seconds| work.taken(at(seconds)));
        let (first, second) =
            tokio::join!(subject.store.change_work(&work, Some(&one)), subject.other.change_work(&work, Some(&two)));
        assert_ne!(first.unwrap(), second.unwrap());
    }
}

pub async fn finished_work_is_gone(subject: &Subject) {
    let work = settle(&digest("blob"), &staged());
    subject.store.put_work(&work).await.unwrap();
    let held = work.taken(at(60));
    assert!(!subject.store.change_work(&held, None).await.unwrap(), "it was not taken yet");
    assert!(subject.store.change_work(&work, Some(&held)).await.unwrap());
    assert!(!subject.store.change_work(&work, None).await.unwrap(), "whoever lost it changes nothing");
    assert!(subject.store.change_work(&held, None).await.unwrap());
    assert!(!subject.store.change_work(&held, None).await.unwrap());
    assert_eq!(subject.other.work_of(&work.upload).await.unwrap(), None);
}

pub async fn a_commit_records_its_work_only_where_it_publishes(subject: &Subject) {
    let (first, work) = to_settle("blob");
    published(subject, &first).await;
    assert_eq!(subject.other.work_of(&work.upload).await.unwrap(), Some(work));
    let (second, none) = to_settle("blob");
    assert!(matches!(subject.store.commit_blob(&second).await.unwrap(), Committed::Kept(_)));
    assert_eq!(subject.other.work_of(&none.upload).await.unwrap(), None);
}

pub async fn a_settled_blob_is_read_from_home_and_its_work_goes_on(subject: &Subject) {
    let (commit, work) = to_settle("blob");
    let blob = published(subject, &commit).await;
    assert!(subject.store.rehouse_blob(&settlement(&work, &blob)).await.unwrap());
    let settled = BlobRecord { place: home(&blob.digest, "2"), ..blob.clone() };
    assert_eq!(subject.linked(&commit.repository, &blob.digest).await.unwrap().blob, settled);
    assert_eq!(subject.other.blob(&blob.digest).await.unwrap(), Some(settled));
    assert_eq!(subject.other.work_of(&work.upload).await.unwrap(), Some(discard(&blob.place)));
    assert!(!subject.store.rehouse_blob(&settlement(&work, &blob)).await.unwrap(), "it is done once");
}

pub async fn work_that_another_holds_settles_nothing(subject: &Subject) {
    let (commit, work) = to_settle("blob");
    let blob = published(subject, &commit).await;
    assert!(!subject.store.rehouse_blob(&settlement(&work.taken(at(60)), &blob)).await.unwrap());
    assert_eq!(subject.other.blob(&blob.digest).await.unwrap(), Some(blob));
    assert_eq!(subject.other.work_of(&work.upload).await.unwrap(), Some(work));
}

pub async fn a_blob_that_is_not_read_there_is_not_settled(subject: &Subject) {
    let (commit, work) = to_settle("blob");
    let blob = published(subject, &commit).await;
    let found = BlobRecord { place: staged(), ..blob.clone() };
    let elsewhere = Rehousing { found, ..settlement(&work, &blob) };
    assert!(!subject.store.rehouse_blob(&elsewhere).await.unwrap());
    let condemned = subject.store.condemn_blob(&blob.digest, much_later()).await.unwrap().unwrap();
    assert!(!subject.store.rehouse_blob(&settlement(&work, &blob)).await.unwrap());
    assert_eq!(subject.other.blob(&blob.digest).await.unwrap(), None);
    assert!(subject.store.forget_blob(&condemned).await.unwrap());
    assert!(!subject.store.rehouse_blob(&settlement(&work, &blob)).await.unwrap());
}

pub async fn a_settled_blob_can_be_collected(subject: &Subject) {
    let (commit, work) = to_settle("blob");
    let blob = published(subject, &commit).await;
    assert!(subject.store.rehouse_blob(&settlement(&work, &blob)).await.unwrap());
    let condemned = subject.store.condemn_blob(&blob.digest, much_later()).await.unwrap().unwrap();
    assert_eq!(condemned.place, home(&blob.digest, "2"));
    assert!(subject.store.forget_blob(&condemned).await.unwrap());
}

/// Bytes that go straight into their bucket.
fn direct(state: DirectState) -> Direct {
    let upload = DirectUpload::Parts("an upload".to_owned());
    Direct { digest: digest("blob"), size: 42, part_size: 8, upload, state }
}

pub async fn a_direct_upload_is_recorded_with_the_work_that_it_makes(subject: &Subject) {
    let place = staged();
    let id = place.path.upload().unwrap();
    let session = UploadSession {
        id: id.clone(),
        direct: Some(direct(DirectState::Open)),
        ..super::subject::session(&repository("a"))
    };
    subject.store.create_session(&session).await.unwrap();
    let claim = claim(&session);
    assert_eq!(subject.claimed(&claim).await.0.direct, session.direct);
    let verification = Verification { place, offset: 0, hash: None };
    let work = Work::new(id.clone(), Task::Verify(verification), at(0));
    let advance = DirectAdvance {
        id: id.clone(),
        claim: claim.claim.clone(),
        direct: direct(DirectState::Verifying),
        work: Some(work.clone()),
        expires: at(90000),
    };
    assert!(subject.store.advance_direct(&advance).await.unwrap());
    assert!(!subject.store.advance_direct(&advance).await.unwrap(), "the claim has ended");
    let recorded = subject.other.session(&session.repository, &id).await.unwrap().unwrap();
    assert_eq!((recorded.direct, recorded.expires), (Some(direct(DirectState::Verifying)), at(90000)));
    assert_eq!(subject.other.work_of(&id).await.unwrap(), Some(work));
}

pub async fn a_session_is_open_until_it_expires_or_is_completed(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let open = async |now| subject.other.open_session(&session.id, now).await.unwrap();
    assert_eq!(open(session.expires).await, Some(session.clone()));
    let late = session.expires.plus(Duration::from_secs(1));
    assert_eq!(open(late).await, None);
    let held = crate::metadata::SessionClaim { until: late, ..claim(&session) };
    subject.claimed(&held).await;
    assert_eq!(open(late).await, Some(session.clone()), "a request is still at it");
    let commit = BlobCommit {
        session: Some((session.id.clone(), held.claim.clone())),
        ..commit(&session.repository, &digest("blob"))
    };
    published(subject, &commit).await;
    assert_eq!(open(at(0)).await, None);
}

pub async fn an_expired_session_is_forgotten_once(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    assert!(!subject.store.forget_session(&session.id, session.expires).await.unwrap());
    let late = session.expires.plus(Duration::from_secs(1));
    let held = crate::metadata::SessionClaim { until: late, ..claim(&session) };
    subject.claimed(&held).await;
    assert!(!subject.store.forget_session(&session.id, late).await.unwrap(), "a request is still at it");
    subject.store.release_claim(&session.id, &held.claim).await.unwrap();
    let expired = subject.other.expired_sessions(late, 10).await.unwrap();
    assert!(expired.iter().all(|expired| *expired == session));
    assert!(subject.store.forget_session(&session.id, late).await.unwrap());
    assert!(!subject.store.forget_session(&session.id, late).await.unwrap());
    assert!(subject.other.expired_sessions(late, 10).await.unwrap().is_empty());
    let outcome = subject.store.claim_session(&claim(&session)).await.unwrap();
    assert_eq!(outcome, ClaimOutcome::Unknown);
}
