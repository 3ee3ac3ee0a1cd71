//! The audit trail.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::Subject;
use crate::clock::Timestamp;
use crate::metadata::{Deed, DeedsWanted, Entry, Error, keys};

/// Far enough away that no store removes by itself what ends after it, and at the beginning of a day.
fn now() -> Timestamp {
    let day = 24 * 60 * 60 * 1000;
    Timestamp::from_millis((Timestamp::now().as_millis() / day + 365) * day)
}

fn deed(at: Timestamp, id: &str) -> Deed {
    Deed { at, id: id.to_owned(), body: json!({ "id": id }), expires: at.plus(Duration::from_hours(24 * 30)) }
}

/// As they are asked for while the last of them is being done.
fn wanted(from: Timestamp, until: Timestamp, limit: usize) -> DeedsWanted {
    DeedsWanted { from, until, after: None, limit, now: until }
}

async fn ids(subject: &Subject, wanted: &DeedsWanted) -> Vec<String> {
    subject.other.deeds(wanted).await.unwrap().into_iter().map(|deed| deed.id).collect()
}

/// All that are wanted, page by page.
async fn paged(subject: &Subject, wanted: &DeedsWanted) -> Vec<Deed> {
    let mut found: Vec<Deed> = Vec::new();
    loop {
        let after = found.last().map(|deed| (deed.at, deed.id.clone()));
        let page = subject.other.deeds(&DeedsWanted { after, ..wanted.clone() }).await.unwrap();
        assert!(page.len() <= wanted.limit);
        if page.is_empty() {
            return found;
        }
        found.extend(page);
    }
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
    assert_eq!(paged(subject, &wanted(start, start.plus(step * 6), 5)).await, all);
}

pub async fn deeds_are_those_of_the_time_that_is_asked_for(subject: &Subject) {
    let start = now();
    let moments = [0, 1, 2].map(|day| start.plus(Duration::from_hours(24 * day)));
    for (number, at) in moments.into_iter().enumerate() {
        subject.store.record_deed(&deed(at, &number.to_string())).await.unwrap();
    }
    assert_eq!(ids(subject, &wanted(moments[0], moments[2], 10)).await, ["1", "0"]);
    assert_eq!(ids(subject, &wanted(moments[1], moments[1], 10)).await, [""; 0]);
    assert_eq!(ids(subject, &wanted(moments[2], moments[0], 10)).await, [""; 0]);
    let later = moments[2].plus(Duration::from_hours(24));
    assert_eq!(ids(subject, &wanted(moments[1], later, 10)).await, ["2", "1"]);
    assert_eq!(ids(subject, &wanted(moments[0], later, 2)).await, ["2", "1"]);
    assert_eq!(ids(subject, &wanted(moments[0], later, 0)).await, [""; 0]);
}

pub async fn deeds_of_one_moment_come_in_pages_whatever_their_shards(subject: &Subject) {
    let (at, later) = (now(), now().plus(Duration::from_millis(1)));
    let mut all: Vec<Deed> = (10..30).map(|number| deed(at, &number.to_string())).collect();
    all.push(deed(later, "00"));
    for deed in &all {
        subject.store.record_deed(deed).await.unwrap();
    }
    let partitions: BTreeSet<String> = all.iter().map(|deed| keys::deed(deed).unwrap().partition).collect();
    assert_eq!(partitions.len(), 4);
    all.reverse();
    assert_eq!(paged(subject, &wanted(at, later.plus(Duration::from_millis(1)), 3)).await, all);
    assert_eq!(paged(subject, &wanted(at, later, 3)).await, all[1..]);
}

pub async fn deeds_are_found_on_either_side_of_midnight(subject: &Subject) {
    let midnight = now().plus(Duration::from_hours(24));
    let all = [midnight, midnight.minus(Duration::from_millis(1))].map(|at| deed(at, "deed"));
    for deed in &all {
        subject.store.record_deed(deed).await.unwrap();
    }
    let end = midnight.plus(Duration::from_millis(1));
    assert_eq!(paged(subject, &wanted(now(), end, 1)).await, all);
    assert_eq!(paged(subject, &wanted(now(), midnight, 1)).await, all[1..]);
    assert_eq!(paged(subject, &wanted(midnight, end, 1)).await, all[..1]);
}

pub async fn a_cursor_need_be_no_deed(subject: &Subject) {
    let (start, step) = (now(), Duration::from_secs(1));
    for (number, id) in ["a", "b", "c"].into_iter().enumerate() {
        subject.store.record_deed(&deed(start.plus(step * u32::try_from(number).unwrap()), id)).await.unwrap();
    }
    let until = start.plus(step * 3);
    let (long, wide) = ("b".repeat(5000), "b".to_owned() + &"é".repeat(2000));
    let cursors: [(Timestamp, &str, &str); 11] = [
        (start, "", ""),
        (start, "b", "a"),
        (start.plus(step), "", "a"),
        (start.plus(step), "aaa", "a"),
        (start.plus(step), &long, "ba"),
        (start.plus(step), &wide, "ba"),
        (start.plus(step / 2), "\0", "a"),
        (start.minus(step), "z", ""),
        (start.plus(step * 9), "", "cba"),
        (Timestamp::from_millis(0), "z", ""),
        (Timestamp::from_millis(u64::MAX), "z", "cba"),
    ];
    for (at, id, left) in cursors {
        let wanted = DeedsWanted { after: Some((at, id.to_owned())), ..wanted(start, until, 10) };
        assert_eq!(ids(subject, &wanted).await.concat(), left, "after {id:.10} of {at:?}");
    }
}

pub async fn an_expired_deed_is_not_listed(subject: &Subject) {
    let (start, end) = (now(), now().plus(Duration::from_hours(1)));
    for number in 10..40 {
        let expires = if number % 10 == 7 { end.plus(Duration::from_millis(1)) } else { end };
        subject.store.record_deed(&Deed { expires, ..deed(start, &number.to_string()) }).await.unwrap();
    }
    let wanted = DeedsWanted { now: end, ..wanted(start, end, 2) };
    let left: Vec<String> = paged(subject, &wanted).await.into_iter().map(|deed| deed.id).collect();
    assert_eq!(left, ["37", "27", "17"]);
    assert!(subject.store.sweep_entries(end, 100).await.unwrap() <= 27);
    assert_eq!(subject.store.sweep_entries(end, 100).await.unwrap(), 0);
    assert_eq!(paged(subject, &wanted).await.len(), 3);
}

pub async fn an_open_end_is_the_present(subject: &Subject) {
    let present = now().plus(Duration::from_hours(5));
    let hours = [0, 5, 28, 30].map(|hours| now().plus(Duration::from_hours(hours)));
    for (at, id) in hours.into_iter().zip(["past", "now", "fast", "wrong"]) {
        subject.store.record_deed(&deed(at, id)).await.unwrap();
    }
    let open = Timestamp::from_millis(u64::MAX);
    let wanted = DeedsWanted { now: present, ..wanted(now(), open, 10) };
    assert_eq!(ids(subject, &wanted).await, ["fast", "now", "past"], "clocks differ by less than a day");
}

pub async fn a_deed_has_a_name_of_up_to_512_bytes(subject: &Subject) {
    let at = now();
    let (long, wide) = ("~".repeat(Entry::MAX_NAME), "é".repeat(Entry::MAX_NAME / 2));
    let names = ["\0", "#", "META", &long, &wide];
    for name in names {
        subject.store.record_deed(&deed(at, name)).await.unwrap();
    }
    for name in ["", &"a".repeat(Entry::MAX_NAME + 1)] {
        let refused = subject.store.record_deed(&deed(at, name)).await.unwrap_err();
        assert!(matches!(refused, Error::Failed(_)), "{refused:?}");
    }
    let found = paged(subject, &wanted(at, at.plus(Duration::from_millis(1)), 2)).await;
    assert!(found.iter().map(|deed| deed.id.as_str()).eq(names.into_iter().rev()));
}
