//! Upload sessions: one request at a time, and what was recorded is what was written.

use super::subject::{Subject, at, claim, commit, digest, later_claim, repository, session};
use crate::metadata::{Advance, BlobCommit, Claim, ClaimOutcome, Committed, SessionClaim, UploadSession};
use crate::oci::{Algorithm, DigestState, Digester, UploadId};
use crate::storage::{Checkpoint, ObjectPath, Part, Progress, Tail, Version};

fn hash(bytes: &str) -> DigestState {
    let mut digester = Digester::new(Algorithm::Sha256);
    digester.update(bytes.as_bytes());
    digester.state()
}

fn part(number: u32) -> Part {
    let checksum = number.is_multiple_of(2).then(|| format!("checksum {number}"));
    Part { number, size: 5 << 20, etag: format!("\"{number}\""), checksum }
}

/// Progress of the claim to `offset`, with those parts.
pub(super) fn advance(claim: &SessionClaim, offset: u64, parts: impl IntoIterator<Item = u32>) -> Advance {
    let tail =
        Tail { path: ObjectPath::staged(&claim.id).tail(&claim.claim), size: 3, version: Some(Version::new("1")) };
    let checkpoint = Checkpoint { offset, parts: 0, upload: Some("an upload".to_owned()), tail: Some(tail) };
    Advance {
        id: claim.id.clone(),
        claim: claim.claim.clone(),
        hash: hash(&offset.to_string()),
        progress: Progress { checkpoint, parts: parts.into_iter().map(part).collect() },
        expires: at(90000 + offset),
    }
}

/// A commit of the session that this claim holds.
pub(super) fn completion(claim: &SessionClaim, content: &str) -> BlobCommit {
    BlobCommit { session: Some((claim.id.clone(), claim.claim.clone())), ..commit(&claim.repository, &digest(content)) }
}

/// The session as it stands.
async fn current(subject: &Subject, session: &UploadSession) -> Option<UploadSession> {
    subject.other.session(&session.repository, &session.id).await.unwrap()
}

async fn outcome(subject: &Subject, claim: &SessionClaim) -> ClaimOutcome {
    subject.other.claim_session(claim).await.unwrap()
}

pub async fn a_session_reads_back_as_it_was_created(subject: &Subject) {
    let mut session = session(&repository("a/b"));
    session.algorithm = Algorithm::Sha512;
    subject.store.create_session(&session).await.unwrap();
    assert_eq!(current(subject, &session).await, Some(session));
}

pub async fn a_session_of_another_repository_is_unknown(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let b = repository("a/b");
    assert_eq!(subject.store.session(&b, &session.id).await.unwrap(), None);
    let foreign = SessionClaim { repository: b.clone(), ..claim(&session) };
    assert_eq!(outcome(subject, &foreign).await, ClaimOutcome::Unknown);
    let held = claim(&session);
    assert_eq!(subject.claimed(&held).await.0, session);
    assert_eq!(outcome(subject, &foreign).await, ClaimOutcome::Unknown);
    subject.store.commit_blob(&completion(&held, "content")).await.unwrap();
    assert_eq!(outcome(subject, &foreign).await, ClaimOutcome::Unknown);
    assert_eq!(subject.store.session(&b, &session.id).await.unwrap(), None);
}

pub async fn a_claim_hands_over_the_session(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let at_start = SessionClaim { offset: Some(0), ..claim(&session) };
    assert_eq!(subject.claimed(&at_start).await, (session.clone(), vec![]));
    assert_eq!(current(subject, &session).await, Some(session));
}

pub async fn a_claim_keeps_others_away(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    subject.claimed(&claim(&session)).await;
    for offset in [None, Some(0), Some(9)] {
        let second = SessionClaim { offset, ..claim(&session) };
        assert_eq!(outcome(subject, &second).await, ClaimOutcome::Conflict { offset: 0 });
    }
}

pub async fn a_claim_at_another_offset_learns_the_true_one(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let first = claim(&session);
    subject.claimed(&first).await;
    assert!(subject.store.advance_session(&advance(&first, 100, [])).await.unwrap());
    for offset in [0, 99, 101, u64::from(u32::MAX) * 2] {
        let wrong = SessionClaim { offset: Some(offset), ..claim(&session) };
        assert_eq!(outcome(subject, &wrong).await, ClaimOutcome::Conflict { offset: 100 });
    }
    let right = SessionClaim { offset: Some(100), ..claim(&session) };
    assert_eq!(subject.claimed(&right).await.0.offset, 100);
    let late = SessionClaim { offset: Some(100), ..claim(&session) };
    assert_eq!(outcome(subject, &late).await, ClaimOutcome::Conflict { offset: 100 });
}

pub async fn a_released_session_can_be_claimed(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    for _ in 0..3 {
        let claim = claim(&session);
        assert_eq!(subject.claimed(&claim).await, (session.clone(), vec![]));
        subject.store.release_claim(&session.id, &claim.claim).await.unwrap();
    }
}

pub async fn releasing_a_lost_claim_changes_nothing(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let held = claim(&session);
    subject.claimed(&held).await;
    subject.store.release_claim(&session.id, &Claim::random()).await.unwrap();
    assert_eq!(outcome(subject, &claim(&session)).await, ClaimOutcome::Conflict { offset: 0 });
    assert!(subject.store.extend_claim(&session.id, &held.claim, at(61)).await.unwrap());
}

pub async fn progress_is_recorded_and_ends_the_claim(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let first = claim(&session);
    subject.claimed(&first).await;
    let advance = advance(&first, 7 << 32, [1, 2]);
    assert!(subject.store.advance_session(&advance).await.unwrap());
    let wanted = UploadSession {
        offset: 7 << 32,
        hash: Some(advance.hash.clone()),
        checkpoint: Some(advance.progress.checkpoint.clone()),
        parts: 2,
        expires: advance.expires,
        ..session.clone()
    };
    assert_eq!(current(subject, &session).await.as_ref(), Some(&wanted));
    assert_eq!(subject.claimed(&claim(&session)).await, (wanted, vec![part(1), part(2)]));
}

pub async fn parts_come_back_in_order(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let mut recorded = 0;
    for (count, step) in [1, 8, 2, 0, 1, 90, 300].into_iter().enumerate() {
        let claim = claim(&session);
        let (found, parts) = subject.claimed(&claim).await;
        assert_eq!(parts, (1..=recorded).map(part).collect::<Vec<_>>());
        assert_eq!(found.parts, recorded);
        let next = advance(&claim, count as u64 + 1, recorded + 1..=recorded + step);
        assert!(subject.store.advance_session(&next).await.unwrap());
        recorded += step;
    }
    let (found, parts) = subject.claimed(&claim(&session)).await;
    assert_eq!(parts, (1..=recorded).map(part).collect::<Vec<_>>());
    assert_eq!((found.offset, found.parts), (7, recorded));
}

pub async fn progress_without_parts_records_none(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    for offset in [5, 9] {
        let claim = claim(&session);
        subject.claimed(&claim).await;
        assert!(subject.store.advance_session(&advance(&claim, offset, [])).await.unwrap());
    }
    let (found, parts) = subject.claimed(&claim(&session)).await;
    assert_eq!((found.offset, found.parts, parts), (9, 0, vec![]));
}

pub async fn a_claim_holds_up_to_its_last_moment(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    subject.claimed(&claim(&session)).await;
    let at_the_last_moment = SessionClaim { now: at(60), until: at(120), ..claim(&session) };
    assert_eq!(outcome(subject, &at_the_last_moment).await, ClaimOutcome::Conflict { offset: 0 });
    assert_eq!(subject.claimed(&later_claim(&session)).await.0, session);
}

pub async fn a_claim_can_be_extended(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let first = claim(&session);
    subject.claimed(&first).await;
    assert!(subject.store.extend_claim(&session.id, &first.claim, at(100)).await.unwrap());
    assert_eq!(outcome(subject, &later_claim(&session)).await, ClaimOutcome::Conflict { offset: 0 });
    let after_all = SessionClaim { now: at(101), ..later_claim(&session) };
    subject.claimed(&after_all).await;
}

pub async fn a_lapsed_claim_holds_until_another_takes_over(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let first = claim(&session);
    subject.claimed(&first).await;
    assert!(subject.store.extend_claim(&session.id, &first.claim, at(5)).await.unwrap());
    assert!(subject.store.advance_session(&advance(&first, 10, [1])).await.unwrap());
    assert_eq!(current(subject, &session).await.unwrap().offset, 10);
}

pub async fn whoever_lost_the_claim_is_refused(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let (old, new) = (claim(&session), later_claim(&session));
    subject.claimed(&old).await;
    subject.claimed(&new).await;
    assert!(!subject.store.extend_claim(&session.id, &old.claim, at(9999)).await.unwrap());
    assert!(!subject.store.advance_session(&advance(&old, 10, [1])).await.unwrap());
    assert!(!subject.store.delete_session(&session.id, &old.claim).await.unwrap());
    subject.store.release_claim(&session.id, &old.claim).await.unwrap();
    let lost = subject.store.commit_blob(&completion(&old, "content")).await.unwrap();
    assert_eq!(lost, Committed::ClaimLost);
    assert_eq!(current(subject, &session).await.as_ref(), Some(&session));
    let third = SessionClaim { now: at(62), ..later_claim(&session) };
    assert_eq!(outcome(subject, &third).await, ClaimOutcome::Conflict { offset: 0 });
    assert!(subject.store.advance_session(&advance(&new, 20, [1])).await.unwrap());
    let (found, parts) = subject.claimed(&third).await;
    assert_eq!((found.offset, parts), (20, vec![part(1)]));
}

pub async fn a_claim_that_was_given_up_is_lost(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let released = claim(&session);
    subject.claimed(&released).await;
    subject.store.release_claim(&session.id, &released.claim).await.unwrap();
    let advanced = claim(&session);
    subject.claimed(&advanced).await;
    assert!(subject.store.advance_session(&advance(&advanced, 10, [])).await.unwrap());
    for gone in [released, advanced] {
        assert!(!subject.store.extend_claim(&session.id, &gone.claim, at(99)).await.unwrap());
        assert!(!subject.store.advance_session(&advance(&gone, 20, [])).await.unwrap());
        assert!(!subject.store.delete_session(&session.id, &gone.claim).await.unwrap());
    }
    assert_eq!(current(subject, &session).await.unwrap().offset, 10);
}

pub async fn a_deleted_session_is_unknown(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let first = claim(&session);
    subject.claimed(&first).await;
    subject.store.advance_session(&advance(&first, 10, [1, 2])).await.unwrap();
    let second = claim(&session);
    subject.claimed(&second).await;
    assert!(!subject.store.delete_session(&session.id, &first.claim).await.unwrap());
    assert!(subject.store.delete_session(&session.id, &second.claim).await.unwrap());
    assert_eq!(current(subject, &session).await, None);
    assert_eq!(outcome(subject, &claim(&session)).await, ClaimOutcome::Unknown);
    assert!(!subject.store.delete_session(&session.id, &second.claim).await.unwrap());
}

pub async fn a_session_that_never_was_is_held_by_nobody(subject: &Subject) {
    let never = claim(&session(&repository("a")));
    assert_eq!(subject.store.session(&never.repository, &never.id).await.unwrap(), None);
    assert_eq!(outcome(subject, &never).await, ClaimOutcome::Unknown);
    assert!(!subject.store.extend_claim(&never.id, &never.claim, at(99)).await.unwrap());
    assert!(!subject.store.advance_session(&advance(&never, 1, [1])).await.unwrap());
    assert!(!subject.store.delete_session(&never.id, &never.claim).await.unwrap());
    subject.store.release_claim(&never.id, &never.claim).await.unwrap();
    assert_eq!(subject.store.session(&never.repository, &never.id).await.unwrap(), None);
    let lost = subject.store.commit_blob(&completion(&never, "content")).await.unwrap();
    assert_eq!(lost, Committed::ClaimLost);
    assert_eq!(subject.linked(&never.repository, &digest("content")).await, None);
}

pub async fn a_commit_completes_its_session(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let first = claim(&session);
    subject.claimed(&first).await;
    subject.store.advance_session(&advance(&first, 10, [1, 2])).await.unwrap();
    let second = claim(&session);
    subject.claimed(&second).await;
    let commit = completion(&second, "content");
    assert!(matches!(subject.store.commit_blob(&commit).await.unwrap(), Committed::Published(_)));
    assert!(subject.linked(&session.repository, &commit.digest).await.is_some());
    let completed = current(subject, &session).await.unwrap();
    assert_eq!(completed.completed, Some(commit.digest.clone()));
    assert_eq!(completed.expires, commit.session_expires);
    for offset in [None, Some(0), Some(10)] {
        let again = SessionClaim { offset, ..later_claim(&session) };
        assert_eq!(outcome(subject, &again).await, ClaimOutcome::Completed(commit.digest.clone()));
    }
}

pub async fn a_kept_commit_completes_its_session_too(subject: &Subject) {
    let a = repository("a");
    let first = subject.push(&repository("b"), &digest("content")).await;
    let claim = claim(&subject.begin(&a).await);
    subject.claimed(&claim).await;
    let outcome = subject.store.commit_blob(&completion(&claim, "content")).await.unwrap();
    assert_eq!(outcome, Committed::Kept(first.clone()));
    assert_eq!(subject.linked(&a, &first.digest).await.unwrap().blob, first);
    let completed = subject.store.session(&a, &claim.id).await.unwrap().unwrap();
    assert_eq!(completed.completed, Some(first.digest));
}

pub async fn a_completed_session_can_only_be_asked_for(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let claim = claim(&session);
    subject.claimed(&claim).await;
    subject.store.commit_blob(&completion(&claim, "content")).await.unwrap();
    let completed = current(subject, &session).await;
    assert!(!subject.store.extend_claim(&session.id, &claim.claim, at(99)).await.unwrap());
    assert!(!subject.store.advance_session(&advance(&claim, 10, [1])).await.unwrap());
    assert!(!subject.store.delete_session(&session.id, &claim.claim).await.unwrap());
    subject.store.release_claim(&session.id, &claim.claim).await.unwrap();
    assert_eq!(current(subject, &session).await, completed);
}

pub async fn a_commit_without_the_claim_changes_nothing(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let held = claim(&session);
    let stranger = SessionClaim { claim: UploadId::random(), ..held.clone() };
    let commit = completion(&stranger, "content");
    assert_eq!(subject.store.commit_blob(&commit).await.unwrap(), Committed::ClaimLost);
    subject.claimed(&held).await;
    assert_eq!(subject.store.commit_blob(&commit).await.unwrap(), Committed::ClaimLost);
    assert_eq!(subject.linked(&session.repository, &commit.digest).await, None);
    assert_eq!(subject.store.repositories_of(&commit.digest, 10).await.unwrap(), []);
    assert_eq!(current(subject, &session).await.as_ref(), Some(&session));
    assert!(subject.store.extend_claim(&session.id, &held.claim, at(99)).await.unwrap());
}

pub async fn a_session_completes_once(subject: &Subject) {
    let session = subject.begin(&repository("a")).await;
    let claim = claim(&session);
    subject.claimed(&claim).await;
    subject.store.commit_blob(&completion(&claim, "one")).await.unwrap();
    let second = subject.store.commit_blob(&completion(&claim, "two")).await.unwrap();
    assert_eq!(second, Committed::ClaimLost);
    assert_eq!(current(subject, &session).await.unwrap().completed, Some(digest("one")));
    assert_eq!(subject.linked(&session.repository, &digest("two")).await, None);
}
