//! Answers about the ring, for reading.

use std::fmt::Write;
use std::time::Duration;

use indicatif::HumanBytes;
use shared::metadata::Tally;
use shared::registry::ring::{BucketSurvey, Located, PlaceKind, Planned, RingStatus, Survey};
use shared::registry::{Damage, Remedy, Scrubbed};
use shared::storage::{BucketId, BucketState, Topology};

/// Bytes, for reading.
fn bytes(count: u64) -> String {
    HumanBytes(count).to_string()
}

fn percent(part: f64) -> String {
    format!("{:.2} %", part * 100.0)
}

fn time(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

fn state(state: BucketState) -> &'static str {
    match state {
        BucketState::Active => "active",
        BucketState::Draining => "draining",
        BucketState::ReadOnly => "read-only",
        BucketState::Down => "down",
    }
}

/// Lines of columns, each as wide as its widest, the first to the left and all others to the right.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
            let written = if column == 0 { write!(text, "{cell:<width$}") } else { write!(text, "  {cell:>width$}") };
            debug_assert!(written.is_ok(), "a text can be written to");
        }
        text.push('\n');
    }
    text
}

pub(super) fn survey(survey: &Survey) -> String {
    let mut text = format!(
        "epoch {}, {} of each blob; {} blobs of {}, {} unsettled, {} misplaced\n\n",
        survey.epoch.0,
        if survey.replicas == 1 { "one copy".to_owned() } else { format!("{} copies", survey.replicas) },
        survey.blobs,
        bytes(survey.bytes),
        survey.unsettled,
        survey.misplaced,
    );
    let mut rows = vec![["bucket", "state", "weight", "share", "blobs", "bytes", "health"].map(str::to_owned)];
    rows.extend(survey.buckets.iter().map(|bucket| {
        [
            bucket.id.to_string(),
            state(bucket.state).to_owned(),
            bucket.weight.to_string(),
            percent(bucket.share),
            bucket.objects.to_string(),
            bytes(bucket.bytes),
            bucket.ailment.as_ref().map_or("serves", |ailment| &ailment.why).to_owned(),
        ]
    }));
    text.push_str(&table(&rows));
    for bucket in survey.buckets.iter().filter(|bucket| bucket.is_overfull()) {
        let (most, objects) = (bytes(BucketSurvey::SOFT_BYTES), BucketSurvey::SOFT_OBJECTS);
        writeln!(
            text,
            "\nwarning: {} holds more than {most} or {objects} blobs: add a bucket, or lower its weight",
            bucket.id
        )
        .ok();
    }
    text
}

fn flows(planned: &Planned) -> String {
    let mut rows = vec![["from", "to", "share", "blobs", "bytes"].map(str::to_owned)];
    rows.extend(planned.flows.iter().map(|flow| {
        [
            flow.from.as_ref().map_or_else(|| "(another copy)".to_owned(), ToString::to_string),
            flow.to.to_string(),
            percent(flow.share),
            flow.objects.to_string(),
            bytes(flow.bytes),
        ]
    }));
    table(&rows)
}

fn summary(planned: &Planned) -> String {
    format!(
        "epoch {} to {}: {} of all copies, {} of {} blobs",
        planned.from.epoch.0,
        planned.to.epoch.0,
        percent(planned.share_moved),
        bytes(planned.bytes),
        planned.objects,
    )
}

pub(super) fn planned(planned: &Planned, rate: u64) -> String {
    let long = time(planned.bytes.div_ceil(rate));
    let mut rows = vec![["bucket", "share"].map(str::to_owned)];
    rows.extend(planned.shares.iter().map(|(id, share)| [id.to_string(), percent(*share)]));
    format!(
        "{} would move, in {long} at {} a second\n\n{}\n{}",
        summary(planned),
        bytes(rate),
        flows(planned),
        table(&rows)
    )
}

pub(super) fn applied(planned: &Planned) -> String {
    format!("{} move in the background; `ringhold ring status` tells how far it is", summary(planned))
}

pub(super) fn status(status: &RingStatus) -> String {
    let RingStatus { epoch, tally: Tally { seen, moved, .. }, waiting, .. } = status;
    let mut text = if status.is_carried_out {
        format!("epoch {} is carried out", epoch.0)
    } else {
        format!("epoch {}: {} % looked at", epoch.0, status.percent())
    };
    writeln!(
        text,
        "; {seen} blobs seen, {moved} moved ({}), {waiting} waiting to be brought home",
        bytes(status.tally.bytes)
    )
    .ok();
    if let Some(remaining) = status.remaining {
        writeln!(text, "about {} more", time(remaining.max(Duration::from_secs(1)).as_secs())).ok();
    }
    text.push_str(if status.is_alone {
        "nothing is left of the topology before: drained buckets can be removed\n"
    } else {
        "a last look is due when no process can go by the topology before any more\n"
    });
    text
}

pub(super) fn located(located: &Located) -> String {
    let homes = located.homes.iter().map(BucketId::as_str).collect::<Vec<_>>().join(", ");
    let mut text =
        format!("{}\npoint {:#010x} of epoch {}: home {homes}\n", located.digest, located.point, located.epoch.0);
    if let Some(size) = located.size {
        writeln!(text, "{}", bytes(size)).ok();
    }
    if located.places.is_empty() {
        text.push_str("there is no such blob\n");
    }
    for place in &located.places {
        let kind = match place.kind {
            PlaceKind::Home => "home",
            PlaceKind::Staged => "staged",
            PlaceKind::Elsewhere => "not its home",
        };
        let serves = if place.serves { "" } else { ", which does not serve" };
        writeln!(text, "in {}{serves} ({kind}, epoch {}): {}", place.bucket, place.epoch.0, place.path).ok();
    }
    text
}

pub(super) fn history(topologies: &[Topology]) -> String {
    let mut text = String::new();
    for topology in topologies {
        let members = topology.buckets.iter().map(|bucket| match (bucket.state, bucket.weight) {
            (BucketState::Active, 1) => bucket.id.to_string(),
            (BucketState::Active, weight) => format!("{} (weight {weight})", bucket.id),
            (other, _) => format!("{} ({})", bucket.id, state(other)),
        });
        let members = members.collect::<Vec<_>>().join(", ");
        writeln!(text, "epoch {}, {} of each blob: {members}", topology.epoch.0, topology.replicas).ok();
    }
    text
}

pub(super) fn repaired(blobs: u64) -> String {
    format!(
        "{blobs} blobs are brought to their homes in the background; `ringhold ring status` tells how many are left"
    )
}

pub(super) fn scrubbed(scrubbed: &Scrubbed) -> String {
    let mut text = format!("{} blobs read, {}\n", scrubbed.blobs, bytes(scrubbed.bytes));
    for finding in &scrubbed.findings {
        let damage = match finding.damage {
            Damage::Corrupt => "has other bytes",
            Damage::WrongSize => "has another size",
            Damage::Missing => "is missing",
            Damage::Unreadable => "cannot be read",
            Damage::Orphan => "is named by no row",
        };
        let remedy = match finding.remedy {
            Remedy::None => "left as it is",
            Remedy::Repaired => "repaired from another copy",
            Remedy::MovedAside => "moved aside",
            Remedy::Lost => "lost: push it again",
        };
        writeln!(text, "{} {damage} in {}: {remedy}", finding.digest, finding.bucket).ok();
    }
    text.trim_end().to_owned()
}
