//! Two requests at once: whoever comes first, what holds afterwards holds.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;

use super::sessions::{advance, completion};
use super::subject::{
    Subject, at, claim, commit, digest, home, later_claim, lease, manifest, much_later, put, repository, tag, tags,
};
use crate::metadata::{
    BlobCommit, ClaimOutcome, Committed, ManifestPut, Place, PutOutcome, Rehousing, SessionClaim, Unlinked, Work,
};
use crate::oci::{Digest, RepositoryName};

/// Runs both at once; from round to round now one, now the other is a little ahead.
pub(super) async fn race<A, B>(
    round: usize,
    one: impl Future<Output = A> + Send + 'static,
    two: impl Future<Output = B> + Send + 'static,
) -> (A, B)
where
    A: Send + 'static,
    B: Send + 'static,
{
    let wait = [0, 0, 0, 1, 2, 4][round / 2 % 6];
    let (first, second) = if round.is_multiple_of(2) { (wait, 0) } else { (0, wait) };
    let start = Arc::new(Barrier::new(2));
    let one = tokio::spawn(started(start.clone(), first, one));
    let two = tokio::spawn(started(start, second, two));
    (one.await.unwrap(), two.await.unwrap())
}

async fn started<T>(start: Arc<Barrier>, wait: u64, run: impl Future<Output = T>) -> T {
    start.wait().await;
    if wait > 0 {
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
    run.await
}

/// Two repositories and a blob that belong to one round.
fn names(round: usize) -> (RepositoryName, RepositoryName, Digest) {
    (repository(&format!("a{round}")), repository(&format!("b{round}")), digest(&format!("blob {round}")))
}

pub async fn two_committers_of_one_digest_agree_on_one_place(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, b, blob) = names(round);
        let (one, two) = (commit(&a, &blob), commit(&b, &blob));
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let outcomes = race(round, async move { store.commit_blob(&one).await.unwrap() }, async move {
            other.commit_blob(&two).await.unwrap()
        })
        .await;
        let ((Committed::Published(published), Committed::Kept(kept))
        | (Committed::Kept(kept), Committed::Published(published))) = outcomes
        else {
            panic!("{outcomes:?}")
        };
        assert_eq!(published, kept);
        for name in [&a, &b] {
            assert_eq!(subject.linked(name, &blob).await.unwrap().blob, published);
        }
    }
}

pub async fn a_commit_against_a_rehousing_leaves_the_version_that_it_wrote_over(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, _, blob) = names(round);
        let to =
            |version| BlobCommit { place: home(&blob, version), overwritten_goes: Some(at(100)), ..commit(&a, &blob) };
        let Committed::Published(found) = subject.store.commit_blob(&to("first")).await.unwrap() else {
            panic!("it is new")
        };
        let copy = Place { bucket: "two".parse().unwrap(), ..home(&blob, "copy") };
        let places = vec![home(&blob, "moved"), copy.clone()];
        let rehousing = Rehousing { found, places, held: None, works: Vec::new() };
        let (store, other, written) = (subject.store.clone(), subject.other.clone(), to("written"));
        let (committed, is_rehoused) =
            race(round, async move { store.commit_blob(&written).await.unwrap() }, async move {
                other.rehouse_blob(&rehousing).await.unwrap()
            })
            .await;
        let Committed::Published(record) = committed else { panic!("{committed:?}") };
        let (places, before) = if is_rehoused {
            (vec![home(&blob, "written"), copy], "moved")
        } else {
            (vec![home(&blob, "written")], "first")
        };
        assert_eq!(record.places().cloned().collect::<Vec<_>>(), places);
        assert_eq!(subject.other.blob(&blob).await.unwrap(), Some(record));
        let [work] = subject.other.due_work(at(1000), 10).await.unwrap().try_into().unwrap();
        assert_eq!(work, Work::discard(work.upload.clone(), home(&blob, before), at(100)));
        assert!(subject.store.change_work(&work, None).await.unwrap());
    }
}

pub async fn two_commits_of_one_session_complete_it_once(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, _, _) = names(round);
        let contents = [format!("one {round}"), format!("two {round}")];
        let held = claim(&subject.begin(&a).await);
        subject.claimed(&held).await;
        let [one, two] = [&contents[0], &contents[1]].map(|content| completion(&held, content));
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let (one, two) = race(round, async move { store.commit_blob(&one).await.unwrap() }, async move {
            other.commit_blob(&two).await.unwrap()
        })
        .await;
        let (winner, loser) = match (&one, &two) {
            (Committed::Published(_), Committed::ClaimLost) => (&contents[0], &contents[1]),
            (Committed::ClaimLost, Committed::Published(_)) => (&contents[1], &contents[0]),
            outcomes => panic!("{outcomes:?}"),
        };
        let session = subject.store.session(&a, &held.id).await.unwrap().unwrap();
        assert_eq!(session.completed, Some(digest(winner)));
        assert!(subject.linked(&a, &digest(winner)).await.is_some());
        assert_eq!(subject.linked(&a, &digest(loser)).await, None);
    }
}

pub async fn two_tag_movers_leave_one_tag(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, _, _) = names(round);
        subject.push_manifest(&a, "before", &[], &["1"]).await;
        let (one, two) = (put(&a, &manifest("one", &[]), &["1"]), put(&a, &manifest("two", &[]), &["1"]));
        let (store, other) = (subject.store.clone(), subject.other.clone());
        race(
            round,
            async move { assert_eq!(store.put_manifest(&one).await.unwrap(), PutOutcome::Published) },
            async move { assert_eq!(other.put_manifest(&two).await.unwrap(), PutOutcome::Published) },
        )
        .await;
        let named = subject.store.tag(&a, &tag("1")).await.unwrap().unwrap().digest;
        assert!(named == digest("one") || named == digest("two"));
        tags_agree(subject, &a, &["before", "one", "two"]).await;
    }
}

pub async fn of_two_who_may_move_no_tag_one_gives_it(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, _, _) = names(round);
        let giving = |title| ManifestPut { may_move_tags: false, ..put(&a, &manifest(title, &[]), &["1"]) };
        let (one, two) = (giving("one"), giving("two"));
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let outcomes = race(round, async move { store.put_manifest(&one).await.unwrap() }, async move {
            other.put_manifest(&two).await.unwrap()
        })
        .await;
        let (given, refused) = match &outcomes {
            (PutOutcome::Published, PutOutcome::TagTaken(taken)) if *taken == tag("1") => ("one", "two"),
            (PutOutcome::TagTaken(taken), PutOutcome::Published) if *taken == tag("1") => ("two", "one"),
            outcomes => panic!("{outcomes:?}"),
        };
        assert_eq!(subject.store.tag(&a, &tag("1")).await.unwrap().unwrap().digest, digest(given));
        assert_eq!(subject.store.manifest(&a, &digest(refused)).await.unwrap(), None);
        tags_agree(subject, &a, &["one", "two"]).await;
    }
}

/// The ways back from these manifests are exactly the tags.
async fn tags_agree(subject: &Subject, repository: &RepositoryName, manifests: &[&str]) {
    let mut ways_back = Vec::new();
    for name in manifests {
        let visible = subject.store.manifest(repository, &digest(name)).await.unwrap().is_some();
        for tag in subject.store.tags_of(repository, &digest(name)).await.unwrap() {
            assert!(visible, "{tag} names {name}, which is gone");
            let named = subject.store.tag(repository, &tag).await.unwrap().map(|record| record.digest);
            assert_eq!(named, Some(digest(name)), "{tag}");
            ways_back.push(tag);
        }
    }
    ways_back.sort();
    assert_eq!(subject.store.tags(repository, None, 1000).await.unwrap(), Some(ways_back));
}

pub async fn a_put_against_an_unlink_never_breaks_a_manifest(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, _, blob) = names(round);
        subject.push(&a, &blob).await;
        let put = put(&a, &manifest("manifest", std::slice::from_ref(&blob)), &["1"]);
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let (name, unlinked) = (a.clone(), blob.clone());
        let outcomes = race(round, async move { store.put_manifest(&put).await.unwrap() }, async move {
            other.unlink_blob(&name, &unlinked).await.unwrap()
        })
        .await;
        let visible = subject.store.manifest(&a, &digest("manifest")).await.unwrap().is_some();
        let linked = subject.linked(&a, &blob).await.is_some();
        match outcomes {
            (PutOutcome::Published, Unlinked::InUse) => assert!(visible && linked),
            (PutOutcome::Missing { blobs, .. }, Unlinked::Removed) => {
                assert_eq!(blobs, [blob]);
                assert!(!visible && !linked);
            }
            outcomes => panic!("{outcomes:?}"),
        }
    }
}

pub async fn a_put_again_against_a_delete_keeps_its_uses(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, _, blob) = names(round);
        let first = subject.push_manifest(&a, "manifest", std::slice::from_ref(&blob), &["1", "2"]).await;
        let again = put(&a, &first, &["2", "3"]);
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let (name, gone) = (a.clone(), first.digest.clone());
        let (put, _) = race(round, async move { store.put_manifest(&again).await.unwrap() }, async move {
            other.delete_manifest(&name, &gone).await.unwrap().unwrap()
        })
        .await;
        assert_eq!(put, PutOutcome::Published);
        tags_agree(subject, &a, &["manifest"]).await;
        let visible = subject.store.manifest(&a, &first.digest).await.unwrap().is_some();
        if visible {
            assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::InUse);
            assert_eq!(subject.store.condemn_blob(&blob, much_later()).await.unwrap(), None);
            assert!(subject.linked(&a, &blob).await.is_some());
        } else {
            assert_eq!(subject.store.unlink_blob(&a, &blob).await.unwrap(), Unlinked::Removed);
            assert!(subject.store.condemn_blob(&blob, much_later()).await.unwrap().is_some());
        }
    }
}

pub async fn a_tag_moved_away_survives_the_delete_of_its_old_manifest(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, _, _) = names(round);
        let old = subject.push_manifest(&a, "old", &[], &["1", "2"]).await.digest;
        let moving = put(&a, &manifest("new", &[]), &["2"]);
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let name = a.clone();
        let (put, went) = race(round, async move { store.put_manifest(&moving).await.unwrap() }, async move {
            other.delete_manifest(&name, &old).await.unwrap().unwrap()
        })
        .await;
        assert_eq!(put, PutOutcome::Published);
        assert!(went.contains(&tag("1")));
        assert_eq!(subject.store.tags(&a, None, 10).await.unwrap(), Some(tags(["2"])));
        assert_eq!(subject.store.tags_of(&a, &digest("new")).await.unwrap(), tags(["2"]));
        tags_agree(subject, &a, &["old", "new"]).await;
    }
}

pub async fn a_tag_deleted_while_it_moves_agrees_with_its_manifests(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, _, _) = names(round);
        subject.push_manifest(&a, "old", &[], &["1"]).await;
        let moving = put(&a, &manifest("new", &[]), &["1"]);
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let name = a.clone();
        let (_, deleted) = race(round, async move { store.put_manifest(&moving).await.unwrap() }, async move {
            other.delete_tag(&name, &tag("1")).await.unwrap()
        })
        .await;
        assert!(deleted, "the tag named something at every moment");
        tags_agree(subject, &a, &["old", "new"]).await;
    }
}

pub async fn two_deletes_of_one_manifest_remove_it_once(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, _, _) = names(round);
        let gone = subject.push_manifest(&a, "manifest", &[], &["1", "2"]).await.digest;
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let [(first, one), (second, two)] = [(); 2].map(|()| (a.clone(), gone.clone()));
        let (one, two) = race(round, async move { store.delete_manifest(&first, &one).await.unwrap() }, async move {
            other.delete_manifest(&second, &two).await.unwrap()
        })
        .await;
        assert_ne!(one.is_some(), two.is_some(), "{one:?} {two:?}");
        tags_agree(subject, &a, &["manifest"]).await;
        assert_eq!(subject.store.manifest(&a, &gone).await.unwrap(), None);
    }
}

pub async fn two_claims_have_one_winner(subject: &Subject) {
    for round in 0..subject.rounds {
        let session = subject.begin(&repository("a")).await;
        let first = claim(&session);
        subject.claimed(&first).await;
        subject.store.advance_session(&advance(&first, 77, [1])).await.unwrap();
        let (one, two) = (claim(&session), SessionClaim { offset: Some(77), ..claim(&session) });
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let outcomes = race(round, async move { store.claim_session(&one).await.unwrap() }, async move {
            other.claim_session(&two).await.unwrap()
        })
        .await;
        let ((ClaimOutcome::Claimed(won), ClaimOutcome::Conflict { offset })
        | (ClaimOutcome::Conflict { offset }, ClaimOutcome::Claimed(won))) = outcomes
        else {
            panic!("{outcomes:?}")
        };
        let parts = subject.store.parts(&won).await.unwrap();
        assert_eq!((won.offset, parts.len(), offset), (77, 1, 77));
    }
}

pub async fn a_takeover_against_an_advance_has_one_winner(subject: &Subject) {
    for round in 0..subject.rounds {
        let session = subject.begin(&repository("a")).await;
        let (lapsed, new) = (claim(&session), later_claim(&session));
        subject.claimed(&lapsed).await;
        let progress = advance(&lapsed, 77, [1]);
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let (advanced, outcome) =
            race(round, async move { store.advance_session(&progress).await.unwrap() }, async move {
                other.claim_session(&new).await.unwrap()
            })
            .await;
        let ClaimOutcome::Claimed(session) = outcome else { panic!("{outcome:?}") };
        let parts = subject.store.parts(&session).await.unwrap();
        let wanted = if advanced { (77, 1) } else { (0, 0) };
        assert_eq!((session.offset, parts.len()), wanted);
        assert_eq!(session.parts as usize, parts.len());
    }
}

pub async fn a_takeover_against_a_commit_has_one_winner(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, _, blob) = names(round);
        let session = subject.begin(&a).await;
        let (lapsed, new) = (claim(&session), later_claim(&session));
        subject.claimed(&lapsed).await;
        let completion = completion(&lapsed, &format!("blob {round}"));
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let outcomes = race(round, async move { store.commit_blob(&completion).await.unwrap() }, async move {
            other.claim_session(&new).await.unwrap()
        })
        .await;
        let linked = subject.linked(&a, &blob).await;
        match outcomes {
            (Committed::Published(record), ClaimOutcome::Completed(digest)) => {
                assert_eq!((linked.unwrap().blob, blob), (record, digest));
            }
            (Committed::ClaimLost, ClaimOutcome::Claimed(..)) => assert_eq!(linked, None),
            outcomes => panic!("{outcomes:?}"),
        }
    }
}

/// Condemns and forgets a blob, as the collector does; what it was told to delete.
async fn collect(
    store: Arc<dyn crate::metadata::MetadataStore>,
    digest: Digest,
) -> Option<crate::metadata::BlobRecord> {
    let condemned = store.condemn_blob(&digest, at(5000)).await.unwrap()?;
    store.forget_blob(&condemned).await.unwrap();
    Some(condemned)
}

pub async fn a_commit_against_the_collector_keeps_its_bytes(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, b, blob) = names(round);
        let first = BlobCommit { place: home(&blob, "1"), ..commit(&a, &blob) };
        subject.store.commit_blob(&first).await.unwrap();
        let mut second = BlobCommit { lease: at(9000), now: at(5000), ..commit(&b, &blob) };
        if round % 4 < 2 {
            second.place = home(&blob, "2");
        }
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let collected = blob.clone();
        let (committed, condemned) =
            race(round, async move { store.commit_blob(&second).await.unwrap() }, collect(other, collected)).await;
        let (Committed::Published(wanted) | Committed::Kept(wanted)) = committed else { panic!("{committed:?}") };
        assert_eq!(subject.linked(&b, &blob).await.unwrap().blob, wanted);
        assert_ne!(condemned.map(|condemned| condemned.place), Some(wanted.place));
        assert_eq!(subject.store.condemn_blob(&blob, at(5000)).await.unwrap(), None);
    }
}

pub async fn a_renewal_against_the_collector_is_kept_or_refused(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, _, blob) = names(round);
        subject.push(&a, &blob).await;
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let (name, renewed, collected) = (a.clone(), blob.clone(), blob.clone());
        let (renewed, condemned) = race(
            round,
            async move { store.renew_link(&name, &renewed, at(9000)).await.unwrap() },
            collect(other, collected),
        )
        .await;
        assert!(renewed.is_none() || condemned.is_none());
        let linked = subject.linked(&a, &blob).await.map(|linked| linked.blob);
        assert!(renewed.is_none() || linked == renewed);
        assert!(condemned.is_none() || linked.is_none());
    }
}

pub async fn a_mount_against_the_collector_is_kept_or_refused(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, b, blob) = names(round);
        subject.push(&a, &blob).await;
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let (from, to, mounted, collected) = (a.clone(), b.clone(), blob.clone(), blob.clone());
        let (mounted, condemned) = race(
            round,
            async move { store.mount_blob(&from, &to, &mounted, at(9000)).await.unwrap() },
            collect(other, collected),
        )
        .await;
        assert!(mounted.is_none() || condemned.is_none());
        let linked = subject.linked(&b, &blob).await.map(|linked| linked.blob);
        assert!(mounted.is_none() || linked == mounted);
        assert!(condemned.is_none() || linked.is_none());
    }
}

pub async fn a_put_against_the_collector_is_kept_or_refused(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, _, blob) = names(round);
        let blobs = [blob.clone(), digest(&format!("another blob {round}"))];
        for blob in &blobs {
            subject.push(&a, blob).await;
        }
        let put = put(&a, &manifest("manifest", &blobs), &["1"]);
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let collected = blob.clone();
        let (outcome, condemned) =
            race(round, async move { store.put_manifest(&put).await.unwrap() }, collect(other, collected)).await;
        let visible = subject.store.manifest(&a, &digest("manifest")).await.unwrap().is_some();
        assert_eq!(visible, outcome == PutOutcome::Published);
        assert!(condemned.is_none() || !visible);
        for blob in blobs.iter().filter(|_| visible) {
            assert!(subject.linked(&a, blob).await.is_some());
            assert_eq!(subject.store.condemn_blob(blob, much_later()).await.unwrap(), None);
        }
    }
}

pub async fn two_collectors_condemn_once(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, _, blob) = names(round);
        subject.push(&a, &blob).await;
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let (one, two) = (blob.clone(), blob.clone());
        let (one, two) =
            race(round, async move { store.condemn_blob(&one, much_later()).await.unwrap() }, async move {
                other.condemn_blob(&two, much_later()).await.unwrap()
            })
            .await;
        assert_ne!(one.is_some(), two.is_some(), "{one:?} {two:?}");
        assert_eq!(subject.linked(&a, &blob).await, None);
    }
}

pub async fn a_mount_against_an_unlink_is_kept_or_refused(subject: &Subject) {
    for round in 0..subject.rounds {
        let (a, b, blob) = names(round);
        let record = subject.push(&a, &blob).await;
        let (store, other) = (subject.store.clone(), subject.other.clone());
        let (from, to, mounted) = (a.clone(), b.clone(), blob.clone());
        let (name, unlinked) = (a.clone(), blob.clone());
        let (mounted, unlinked) =
            race(round, async move { store.mount_blob(&from, &to, &mounted, lease()).await.unwrap() }, async move {
                other.unlink_blob(&name, &unlinked).await.unwrap()
            })
            .await;
        assert_eq!(unlinked, Unlinked::Removed);
        assert_eq!(subject.linked(&a, &blob).await, None);
        assert_eq!(subject.linked(&b, &blob).await.map(|linked| linked.blob), mounted);
        assert!(mounted.is_none_or(|mounted| mounted == record));
    }
}
