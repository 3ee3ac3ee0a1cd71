//! The list of repositories.

use super::subject::{Subject, digest, repository};

pub async fn a_repository_exists_from_its_first_manifest_on(subject: &Subject) {
    let (a, b) = (repository("a"), repository("b"));
    assert_eq!(subject.store.repositories(None, 10).await.unwrap(), []);
    subject.push(&b, &digest("blob")).await;
    subject.begin(&b).await;
    assert_eq!(subject.store.repositories(None, 10).await.unwrap(), []);
    for name in ["one", "two"] {
        subject.push_manifest(&a, name, &[], &[]).await;
        assert_eq!(subject.other.repositories(None, 10).await.unwrap().as_slice(), std::slice::from_ref(&a));
    }
    assert_eq!(subject.other.tags(&a, None, 10).await.unwrap(), Some(vec![]));
}

pub async fn repositories_come_in_byte_order_and_in_pages(subject: &Subject) {
    for name in ["ab", "a/b", "b", "a", "a-b", "a.b", "a/b/c"] {
        subject.push_manifest(&repository(name), "manifest", &[], &["1"]).await;
    }
    let all = ["a", "a-b", "a.b", "a/b", "a/b/c", "ab", "b"].map(repository);
    for start in 0..=all.len() {
        let after = start.checked_sub(1).map(|last| &all[last]);
        for limit in 0..=all.len() + 1 {
            let page = subject.store.repositories(after, limit).await.unwrap();
            assert_eq!(page, all[start..][..limit.min(all.len() - start)], "{limit} after {after:?}");
        }
    }
    for (absent, next) in [("0", "a"), ("a--b", "a-b"), ("a/a", "a/b"), ("aa", "ab")] {
        let page = subject.store.repositories(Some(&repository(absent)), 1).await.unwrap();
        assert_eq!(page, [repository(next)], "after {absent}");
    }
}

pub async fn many_repositories_are_paged_without_loss(subject: &Subject) {
    let all: Vec<_> = (0..60).map(|number| repository(&format!("team/{number:02}"))).collect();
    for name in &all {
        subject.push_manifest(name, "manifest", &[], &[]).await;
    }
    let mut found = Vec::new();
    loop {
        let page = subject.store.repositories(found.last(), 7).await.unwrap();
        assert!(page.len() <= 7);
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert_eq!(found, all);
}
