//! The books of accounts, and the audit trail.

use std::time::Duration;

use serde_json::json;

use super::Subject;
use crate::clock::Timestamp;
use crate::metadata::{Book, Deed, DeedsWanted, EntryWrite};

/// Far enough away that no store removes by itself what ends after it.
fn now() -> Timestamp {
    Timestamp::now().plus(Duration::from_hours(24 * 365))
}

fn write(name: &str, known: Option<u64>, body: u64) -> EntryWrite {
    EntryWrite {
        book: Book::Users,
        name: name.to_owned(),
        known,
        body: json!({ "n": body }),
        expires: None,
        now: now(),
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
    let mut found: Vec<String> = Vec::new();
    loop {
        let page = subject.store.entries(Book::Users, found.last().map(String::as_str), 3, now()).await.unwrap();
        if page.is_empty() {
            break;
        }
        found.extend(page.into_iter().map(|entry| entry.name));
    }
    assert_eq!(found, names);
    assert_eq!(subject.store.entries(Book::Robots, None, 10, now()).await.unwrap().len(), 1);
}

pub async fn throttles_are_kept_apart(subject: &Subject) {
    let throttle = EntryWrite { book: Book::Throttles, ..write("alice@127.0.0.1", None, 1) };
    assert!(subject.store.put_entry(&throttle).await.unwrap());
    assert!(subject.store.entry(Book::Throttles, "alice@127.0.0.1", now()).await.unwrap().is_some());
    assert_eq!(subject.store.entry(Book::Users, "alice@127.0.0.1", now()).await.unwrap(), None);
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

fn deed(at: Timestamp, id: &str) -> Deed {
    Deed { at, id: id.to_owned(), body: json!({ "id": id }), expires: at.plus(Duration::from_hours(24 * 30)) }
}

pub async fn deeds_come_newest_first_and_in_pages(subject: &Subject) {
    let (start, step) = (now(), Duration::from_hours(7));
    let mut all = Vec::new();
    for number in 0_u32..12 {
        let at = start.plus(step * (number / 2));
        all.push(deed(at, &format!("{number:02}")));
        subject.store.record_deed(all.last().unwrap()).await.unwrap();
    }
    all.reverse();
    let wanted = DeedsWanted { from: start, until: start.plus(step * 6), after: None, limit: 5 };
    let mut found: Vec<Deed> = Vec::new();
    loop {
        let after = found.last().map(|deed| (deed.at, deed.id.clone()));
        let page = subject.other.deeds(&DeedsWanted { after, ..wanted.clone() }).await.unwrap();
        assert!(page.len() <= 5);
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert_eq!(found, all);
}

pub async fn deeds_are_those_of_the_time_that_is_asked_for(subject: &Subject) {
    let start = now();
    let moments = [0, 1, 2].map(|day| start.plus(Duration::from_hours(24 * day)));
    for (number, at) in moments.into_iter().enumerate() {
        subject.store.record_deed(&deed(at, &number.to_string())).await.unwrap();
    }
    let wanted = |from, until| DeedsWanted { from, until, after: None, limit: 10 };
    let ids = |deeds: Vec<Deed>| deeds.into_iter().map(|deed| deed.id).collect::<Vec<_>>();
    assert_eq!(ids(subject.store.deeds(&wanted(moments[0], moments[2])).await.unwrap()), ["1", "0"]);
    assert_eq!(ids(subject.store.deeds(&wanted(moments[1], moments[1])).await.unwrap()), [""; 0]);
    let later = moments[2].plus(Duration::from_hours(24));
    assert_eq!(ids(subject.store.deeds(&wanted(moments[1], later)).await.unwrap()), ["2", "1"]);
}
