//! The books of accounts.

use std::time::Duration;

use serde_json::json;

use super::Subject;
use crate::clock::Timestamp;
use crate::metadata::{Book, Entry, EntryWrite, Error};

/// Far enough away that no store removes by itself what ends after it.
fn now() -> Timestamp {
    Timestamp::now().plus(Duration::from_hours(24 * 365))
}

fn write(name: &str, known: Option<u64>, body: u64) -> EntryWrite {
    EntryWrite::new(Book::Users, name, known, json!({ "n": body }), None, now())
}

async fn read(subject: &Subject, name: &str) -> Entry {
    subject.other.entry(Book::Users, name, now()).await.unwrap().unwrap()
}

/// The names of a whole book, read in pages of three.
async fn listed(subject: &Subject, book: Book, now: Timestamp) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    loop {
        let page = subject.store.entries(book, found.last().map(String::as_str), 3, now).await.unwrap();
        if page.is_empty() {
            return found;
        }
        found.extend(page.into_iter().map(|entry| entry.name));
    }
}

pub async fn a_record_reads_back_as_it_was_written(subject: &Subject) {
    let first = write("alice", None, 1);
    assert!(subject.store.put_entry(&first).await.unwrap());
    let read = subject.other.entry(Book::Users, "alice", now()).await.unwrap().unwrap();
    assert_eq!((read.name.as_str(), &read.body, read.expires), ("alice", &json!({ "n": 1 }), None));
    assert_eq!(read.version, first.version());
    let second = write("alice", Some(read.version), 2);
    assert!(subject.store.put_entry(&second).await.unwrap());
    let read = subject.other.entry(Book::Users, "alice", now()).await.unwrap().unwrap();
    assert_eq!((read.body, read.version), (json!({ "n": 2 }), second.version()));
    assert!(second.version() > first.version());
}

pub async fn a_record_is_written_over_the_version_that_is_known_only(subject: &Subject) {
    assert!(!subject.store.put_entry(&write("alice", Some(7), 0)).await.unwrap());
    let first = write("alice", None, 1);
    assert!(subject.store.put_entry(&first).await.unwrap());
    assert!(!subject.store.put_entry(&write("alice", None, 2)).await.unwrap());
    assert!(!subject.store.put_entry(&write("alice", Some(first.version() - 1), 3)).await.unwrap());
    assert!(!subject.store.remove_entry(Book::Users, "alice", first.version() - 1).await.unwrap());
    let read = subject.store.entry(Book::Users, "alice", now()).await.unwrap().unwrap();
    assert_eq!(read.body, json!({ "n": 1 }));
    assert!(subject.store.remove_entry(Book::Users, "alice", first.version()).await.unwrap());
    assert!(!subject.store.remove_entry(Book::Users, "alice", first.version()).await.unwrap());
    assert_eq!(subject.store.entry(Book::Users, "alice", now()).await.unwrap(), None);
}

pub async fn a_record_that_comes_back_is_another(subject: &Subject) {
    let first = write("alice", None, 1);
    assert!(subject.store.put_entry(&first).await.unwrap());
    assert!(subject.store.remove_entry(Book::Users, "alice", first.version()).await.unwrap());
    let again = EntryWrite { now: first.now.plus(Duration::from_secs(1)), ..write("alice", None, 2) };
    assert!(subject.store.put_entry(&again).await.unwrap());
    assert!(!subject.store.put_entry(&write("alice", Some(first.version()), 3)).await.unwrap());
}

pub async fn a_record_that_comes_back_within_the_millisecond_is_another(subject: &Subject) {
    let (now, mut gone) = (now(), Vec::new());
    let write = |known| EntryWrite::new(Book::Users, "alice", known, json!({}), None, now);
    for _ in 0..3 {
        let first = write(None);
        assert!(subject.store.put_entry(&first).await.unwrap());
        assert!(!gone.contains(&first.version()), "a version has come back");
        let second = write(Some(first.version()));
        assert!(subject.store.put_entry(&second).await.unwrap());
        for old in &gone {
            assert!(!subject.store.put_entry(&write(Some(*old))).await.unwrap());
            assert!(!subject.store.remove_entry(Book::Users, "alice", *old).await.unwrap());
        }
        assert!(subject.store.remove_entry(Book::Users, "alice", second.version()).await.unwrap());
        gone.extend([first.version(), second.version()]);
    }
}

pub async fn the_same_write_again_has_happened_already(subject: &Subject) {
    let first = write("alice", None, 1);
    for _ in 0..2 {
        assert!(subject.store.put_entry(&first).await.unwrap());
    }
    let second = write("alice", Some(first.version()), 2);
    for _ in 0..2 {
        assert!(subject.other.put_entry(&second).await.unwrap());
    }
    assert!(!subject.store.put_entry(&first).await.unwrap());
    assert_eq!(read(subject, "alice").await.version, second.version());
}

pub async fn the_last_version_can_still_be_known(subject: &Subject) {
    assert!(!subject.store.put_entry(&write("alice", Some(u64::MAX), 1)).await.unwrap());
    assert_eq!(write("alice", Some(u64::MAX), 1).version(), u64::MAX);
}

pub async fn an_expired_record_is_as_good_as_none(subject: &Subject) {
    let end = now().plus(Duration::from_secs(1));
    let after = end.plus(Duration::from_millis(1));
    let brief = EntryWrite { expires: Some(end), ..write("brief", None, 1) };
    assert!(subject.store.put_entry(&brief).await.unwrap());
    let read = subject.store.entry(Book::Users, "brief", now()).await.unwrap().unwrap();
    assert_eq!(read.expires, Some(end));
    assert_eq!(subject.store.entry(Book::Users, "brief", end).await.unwrap(), None);
    assert!(subject.store.entries(Book::Users, None, 10, after).await.unwrap().is_empty());
    let stale = EntryWrite { now: after, ..write("brief", Some(read.version), 2) };
    assert!(!subject.store.put_entry(&stale).await.unwrap());
    let anew = EntryWrite { now: after, ..write("brief", None, 3) };
    assert!(subject.store.put_entry(&anew).await.unwrap());
    assert_eq!(subject.store.entry(Book::Users, "brief", after).await.unwrap().unwrap().body, json!({ "n": 3 }));
}

pub async fn records_come_in_byte_order_and_in_pages(subject: &Subject) {
    let names = ["Z", "a", "a#b", "a/b", "a/c", "aa", "b", "é"];
    for name in names {
        assert!(subject.store.put_entry(&write(name, None, 1)).await.unwrap());
    }
    let robot = EntryWrite { book: Book::Robots, ..write("aaa", None, 1) };
    assert!(subject.store.put_entry(&robot).await.unwrap());
    assert_eq!(listed(subject, Book::Users, now()).await, names);
    assert_eq!(subject.store.entries(Book::Robots, None, 10, now()).await.unwrap().len(), 1);
}

pub async fn throttles_are_kept_apart(subject: &Subject) {
    let throttle = EntryWrite { book: Book::Throttles, ..write("alice@127.0.0.1", None, 1) };
    assert!(subject.store.put_entry(&throttle).await.unwrap());
    assert!(subject.store.entry(Book::Throttles, "alice@127.0.0.1", now()).await.unwrap().is_some());
    assert_eq!(subject.store.entry(Book::Users, "alice@127.0.0.1", now()).await.unwrap(), None);
}

pub async fn throttles_are_not_listed(subject: &Subject) {
    let throttle = EntryWrite { book: Book::Throttles, ..write("alice", None, 1) };
    assert!(subject.store.put_entry(&throttle).await.unwrap());
    for after in [None, Some("META"), Some("aa"), Some("")] {
        assert!(subject.store.entries(Book::Throttles, after, 10, now()).await.unwrap().is_empty());
    }
}

pub async fn a_record_may_have_any_name_of_up_to_512_bytes(subject: &Subject) {
    let (long, wide) = ("~".repeat(Entry::MAX_NAME), "é".repeat(Entry::MAX_NAME / 2));
    let names = ["\0", " ", "#", "..", "META", "a#META", "a\\b\"c\n", &long, &wide, "\u{1f433}"];
    for book in [Book::Users, Book::Throttles] {
        for name in names {
            let first = EntryWrite { book, ..write(name, None, 1) };
            assert!(subject.store.put_entry(&first).await.unwrap(), "{name:?}");
            let read = subject.other.entry(book, name, now()).await.unwrap().unwrap();
            assert_eq!((read.name.as_str(), read.version), (name, first.version()));
        }
    }
    assert_eq!(listed(subject, Book::Users, now()).await, names);
    for name in names {
        let version = read(subject, name).await.version;
        assert!(subject.store.remove_entry(Book::Users, name, version).await.unwrap(), "{name:?}");
    }
    assert!(listed(subject, Book::Users, now()).await.is_empty());
}

pub async fn an_empty_name_and_one_that_is_too_long_are_refused(subject: &Subject) {
    let (long, wide) = ("a".repeat(Entry::MAX_NAME + 1), "é".repeat(Entry::MAX_NAME / 2 + 1));
    for book in [Book::Users, Book::Throttles] {
        for name in ["", &long, &wide, &"a".repeat(5000)] {
            let refused = subject.store.put_entry(&EntryWrite { book, ..write(name, None, 1) }).await.unwrap_err();
            let Error::Failed(cause) = refused else { panic!("{refused:?}") };
            assert_eq!(cause.to_string(), format!("a name has from 1 to 512 bytes, not {}", name.len()));
            assert_eq!(subject.store.entry(book, name, now()).await.unwrap(), None);
            assert!(!subject.store.remove_entry(book, name, 1).await.unwrap());
        }
    }
}

pub async fn a_list_goes_on_after_what_is_no_name(subject: &Subject) {
    let longest = "b".repeat(Entry::MAX_NAME);
    for name in ["a", &longest, "c"] {
        assert!(subject.store.put_entry(&write(name, None, 1)).await.unwrap());
    }
    let [below, above, wide] = ["b", "bc", "bé"].map(|start| start.to_owned() + &"é".repeat(2000));
    let cursors: [(&str, usize); 7] =
        [("", 3), ("aa", 2), (&longest, 1), (&"b".repeat(5000), 1), (&below, 1), (&above, 1), (&wide, 1)];
    for (after, left) in cursors {
        let page = subject.store.entries(Book::Users, Some(after), 10, now()).await.unwrap();
        assert_eq!(page.len(), left, "{after}");
    }
}

pub async fn expired_records_leave_no_gaps_in_pages(subject: &Subject) {
    let end = now().plus(Duration::from_hours(1));
    let names: Vec<String> = (10..40).map(|number| format!("user-{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        let expires = (number % 10 != 7).then_some(end);
        assert!(subject.store.put_entry(&EntryWrite { expires, ..write(name, None, 1) }).await.unwrap());
    }
    assert_eq!(listed(subject, Book::Users, now()).await, names);
    assert_eq!(listed(subject, Book::Users, end).await, ["user-17", "user-27", "user-37"]);
    let page = subject.store.entries(Book::Users, Some("user-17"), 1, end).await.unwrap();
    assert_eq!(page.first().map(|entry| entry.name.as_str()), Some("user-27"));
}

pub async fn a_sweep_leaves_what_lasts(subject: &Subject) {
    let end = now().plus(Duration::from_hours(1));
    for name in ["brief", "prolonged", "replaced", "removed"] {
        assert!(subject.store.put_entry(&EntryWrite { expires: Some(end), ..write(name, None, 1) }).await.unwrap());
    }
    assert!(subject.store.put_entry(&write("lasting", None, 1)).await.unwrap());
    let known = Some(read(subject, "prolonged").await.version);
    assert!(subject.store.put_entry(&write("prolonged", known, 2)).await.unwrap());
    let version = read(subject, "removed").await.version;
    assert!(subject.store.remove_entry(Book::Users, "removed", version).await.unwrap());
    let replaced = EntryWrite { now: end, ..write("replaced", None, 2) };
    assert!(subject.store.put_entry(&replaced).await.unwrap());
    assert_eq!(subject.store.sweep_entries(now(), 10).await.unwrap(), 0);
    assert!(subject.store.sweep_entries(end, 10).await.unwrap() <= 1);
    assert_eq!(subject.store.sweep_entries(end, 10).await.unwrap(), 0);
    assert_eq!(listed(subject, Book::Users, end).await, ["lasting", "prolonged", "replaced"]);
}

pub async fn of_two_writers_of_a_record_one_wins(subject: &Subject) {
    for round in 0..subject.rounds {
        let name = format!("user-{round}");
        let (one, two) = (write(&name, None, 1), write(&name, None, 2));
        let (one, two) = tokio::join!(subject.store.put_entry(&one), subject.other.put_entry(&two));
        assert_ne!(one.unwrap(), two.unwrap(), "both or none have created the record");
        let known = Some(subject.store.entry(Book::Users, &name, now()).await.unwrap().unwrap().version);
        let (one, two) = (write(&name, known, 3), write(&name, known, 4));
        let (one, two) = tokio::join!(subject.store.put_entry(&one), subject.other.put_entry(&two));
        assert_ne!(one.unwrap(), two.unwrap(), "both or none have changed the record");
    }
}

pub async fn of_two_writers_over_an_expired_record_one_wins(subject: &Subject) {
    let end = now().plus(Duration::from_hours(1));
    for round in 0..subject.rounds {
        let name = format!("user-{round}");
        let brief = EntryWrite { expires: Some(end), ..write(&name, None, 1) };
        assert!(subject.store.put_entry(&brief).await.unwrap());
        let [one, two] = [None, Some(end.plus(Duration::from_hours(1)))].map(|expires| EntryWrite {
            expires,
            now: end,
            ..write(&name, None, 2)
        });
        let (first, second) = tokio::join!(subject.store.put_entry(&one), subject.other.put_entry(&two));
        let winner = if first.unwrap() { &one } else { &two };
        assert_eq!(second.unwrap(), winner == &two, "both or none have taken the place of the expired record");
        let read = subject.store.entry(Book::Users, &name, end).await.unwrap().unwrap();
        assert_eq!((read.version, read.expires), (winner.version(), winner.expires));
    }
}

pub async fn a_removal_against_a_change_has_one_winner(subject: &Subject) {
    for round in 0..subject.rounds {
        let name = format!("user-{round}");
        let first = write(&name, None, 1);
        assert!(subject.store.put_entry(&first).await.unwrap());
        let second = write(&name, Some(first.version()), 2);
        let (changed, removed) = tokio::join!(
            subject.store.put_entry(&second),
            subject.other.remove_entry(Book::Users, &name, first.version())
        );
        let left = subject.store.entry(Book::Users, &name, now()).await.unwrap();
        assert_eq!(left.map(|entry| entry.version), changed.unwrap().then_some(second.version()));
        assert_eq!(removed.unwrap(), subject.store.entry(Book::Users, &name, now()).await.unwrap().is_none());
    }
}
