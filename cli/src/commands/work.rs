//! `ringhold work`: what is to be done in the background, and since when.

use serde::{Deserialize, Serialize};
use shared::clock::Timestamp;
use shared::metadata::{MetadataStore, Task, Work};
use shared::oci::UploadId;

use super::operator::{OperatorError, ask, metadata};
use crate::args::WorkListArgs;

/// The most works that are listed.
const MOST: usize = 10_000;

/// A work, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    upload: UploadId,
    task: String,
    /// What it is about, as far as that is known: a digest, or a place.
    about: String,
    attempts: u32,
    /// How long it has been waiting.
    waiting_seconds: u64,
    /// In how long it will be done; none when it is due.
    due_in_seconds: u64,
}

impl Line {
    fn of(work: &Work, now: Timestamp) -> Self {
        let about = match &work.task {
            Task::Settle { digest, .. } | Task::House { digest } => digest.to_string(),
            Task::Verify(verification) => format!("{} from byte {}", verification.place.path, verification.offset),
            Task::Discard { place } => format!("{} in {}", place.path, place.bucket.as_str()),
        };
        Self {
            upload: work.upload.clone(),
            task: work.task.name().to_owned(),
            about,
            attempts: work.attempts,
            waiting_seconds: now.since(work.since).as_secs(),
            due_in_seconds: work.due.since(now).as_secs(),
        }
    }

    fn when(&self) -> String {
        match self.due_in_seconds {
            0 => "due".to_owned(),
            seconds => format!("due in {seconds} s"),
        }
    }
}

/// Prints the work that is to be done.
pub(crate) async fn list(args: &WorkListArgs) -> Result<(), OperatorError> {
    let answer = match &args.store.metadata {
        None => ask(&args.store.data, "/work").await?,
        Some(_) => None,
    };
    let lines: Vec<Line> = match answer {
        Some(answer) => serde_json::from_slice(&answer)?,
        None => find(&*metadata(&args.store).await?).await?,
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
        return Ok(());
    }
    for line in &lines {
        let Line { task, about, attempts, waiting_seconds, .. } = line;
        println!("{task:<8} {:<14} waiting {waiting_seconds} s, {attempts} attempts: {about}", line.when());
    }
    Ok(())
}

/// All work, the oldest first.
pub(crate) async fn find(metadata: &dyn MetadataStore) -> Result<Vec<Line>, shared::metadata::Error> {
    let now = Timestamp::now();
    let mut work = metadata.due_work(Timestamp::from_millis(u64::MAX), MOST).await?;
    work.sort_by_key(|work| work.since);
    Ok(work.iter().map(|work| Line::of(work, now)).collect())
}
